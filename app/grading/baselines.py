"""The graders to beat: what the field does without calibration. `evaluate` runs them beside ours, for figures only.

None of them looks for mistakes or raises flags, and their totals are on scales of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from app.core.feedback import Answer, Evidence, Feedback, PointCredit, feedback_from
from app.core.rubric import Rubric
from app.core.segment import sentences
from app.grading.encoder import Encoder, Vectors
from app.grading.words import content_stems, words

KEYWORD_SHARE = 0.35
"""The share of a point's content words from which it counts as said."""


class KeywordOverlap:
    """A point counts when KEYWORD_SHARE of its statement's content words occur anywhere in the answer."""

    name = "baseline: keyword overlap"

    def grade(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        """Feedback with credits 0 or 1; the evidence is the whole answer."""
        found = []
        for answer in answers:
            have = set(content_stems(words(answer.text)))
            for point in rubric.points:
                wanted = set(content_stems(words(point.says)))
                said = bool(wanted) and len(wanted & have) >= KEYWORD_SHARE * len(wanted)
                found.append(_credit(point.id, float(said), answer, 0, len(answer.text)))
        return feedback_from(rubric, found, (), (), self.name)


class ModelAnswerCosine:
    """The cosine of the whole answer and the model answer; every point gets that same credit."""

    name = "baseline: cosine to the model answer"

    def __init__(self, encoder: Encoder, model_answer: Callable[[str], str]) -> None:
        """`model_answer` gives the model answer of a question id."""
        self._encoder = encoder
        self._model_answer = model_answer

    def grade(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        """Feedback with the cosine, cut to 0..1, as the credit of every point."""
        ideal = self._mean(self._model_answer(rubric.question_id))
        found = []
        for answer in answers:
            cosine = float(np.clip(self._mean(answer.text) @ ideal, 0, 1))
            found += [_credit(point.id, cosine, answer, 0, len(answer.text)) for point in rubric.points]
        return feedback_from(rubric, found, (), (), self.name)

    def _mean(self, text: str) -> Vectors:
        """One vector of a text of any length: the mean over its sentences, since the model reads only so far."""
        vectors = self._encoder.encode([window.text for window in sentences(text)])
        mean = vectors.sum(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


class BestSentenceCosine:
    """A point's credit is the highest cosine of its statement or an exemplar with any sentence, as it comes."""

    name = "baseline: best-sentence cosine"

    def __init__(self, encoder: Encoder) -> None:
        """`encoder` gives the vectors."""
        self._encoder = encoder

    def grade(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        """Feedback with the cosine, cut to 0..1, as each point's credit."""
        texts = [text for point in rubric.points for text in (point.says, *point.exemplars)]
        owner = np.repeat(np.arange(len(rubric.points)), [1 + len(point.exemplars) for point in rubric.points])
        wanted = self._encoder.bundle(texts)
        found = []
        for answer in answers:
            single = sentences(answer.text)
            if not single:
                continue
            cosine = self._encoder.encode([window.text for window in single]) @ wanted.T
            for column, point in enumerate(rubric.points):
                best = cosine[:, owner == column].max(axis=1)
                row = int(best.argmax())
                credit = float(np.clip(best[row], 0, 1))
                found.append(_credit(point.id, credit, answer, single[row].start, single[row].end))
        return feedback_from(rubric, found, (), (), self.name)


def _credit(point_id: str, credit: float, answer: Answer, start: int, end: int) -> PointCredit:
    evidence = Evidence(turn=answer.turn, start=start, end=end, text=answer.text[start:end])
    return PointCredit(point_id=point_id, credit=round(credit, 4), evidence=evidence, after_probe=answer.after_probe)
