"""The embedding grader: the nearest windows of an answer decide, by a calibrated credit, what was said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from app.core.feedback import (
    PARTLY_FROM,
    Answer,
    Feedback,
    Flag,
    LeftOut,
    MistakeFeedback,
    PointCredit,
    SetAside,
    feedback_from,
)
from app.core.known import KnownQuestions
from app.core.rubric import Mistake, Rubric
from app.core.segment import Window, items, sentences
from app.grading import flags
from app.grading.background import Background
from app.grading.calibration import Calibration, shipped
from app.grading.clauses import BorneOut, borne_out, cleared
from app.grading.context import FEWEST, likeliest
from app.grading.encoder import Encoder, load_encoder
from app.grading.entailment import CLEARED_FROM, Entailment, load_entailment
from app.grading.judging import (
    CLEARLY_RIGHT,
    Probabilities,
    credit_in_context,
    denials,
    mistake_probability,
    mistakes_in_context,
    most_telling,
    point_probability,
    says_enough,
    unless_right,
)
from app.grading.reading import BOTH, Cut, Reading, evidence, hear
from app.grading.references import References, references

if TYPE_CHECKING:
    from app.settings import Settings

VERSION = "embedding-19"


class EmbeddingGrader:
    """Judges by sentence vectors and a calibrated credit for each point. Safe to call from several threads."""

    def __init__(
        self,
        encoder: Encoder,
        calibration: Calibration,
        background: Background | None = None,
        second: Entailment | None = None,
    ) -> None:
        """Without `background`, or for a question outside it, an answer is not compared with other questions.

        `second` reads what is about to be credited or held against somebody, and may object.
        """
        self._encoder = encoder
        self._calibration = calibration
        self._background = background
        self._second = second

    @property
    def name(self) -> str:
        """The grader's version and its model."""
        second = f", second reader {self._second.name}" if self._second else ""
        return f"{VERSION} ({self._encoder.name}{second})"

    def grade(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        """Feedback on the turns of one question; see app.core.grader.Grader. Raises GradingFailed."""
        refs = references(question, rubric, self._encoder)
        found: list[PointCredit] = []
        mistakes: dict[str, MistakeFeedback] = {}
        raised: dict[int, Flag] = {}
        left_out: list[LeftOut] = []
        # the highest probability of each point and mistake over the turns so far
        said, made = np.zeros(len(rubric.points)), np.zeros(len(rubric.mistakes))
        for answer in answers:
            heard = hear(answer, rubric.question_id, refs, self._encoder, self._background, _cuts(refs))
            readings = heard.readings
            flag = flags.flag(heard.seen, refs, self._calibration.on_topic)
            if flag and flag is not Flag.off_topic:
                raised[answer.turn] = flag
                continue
            if not readings[0].windows:  # nothing but everyday talk
                raised[answer.turn] = Flag.off_topic
                continue
            measured = [reading.measured(refs, near) for reading, near in zip(readings, heard.around, strict=True)]
            nearest = [point_probability(self._calibration, rubric, one.points) for one in measured]
            nearest[0], right = _borne_out(readings, nearest)
            nearest = list(map(partial(self._doubted, rubric), readings, nearest))
            if flag and not says_enough(rubric, nearest[0]):
                raised[answer.turn] = flag
                continue
            left_out += heard.left_out
            said = np.maximum(said, likeliest(nearest))
            suspected = [mistake_probability(self._calibration, rubric, one.mistakes) for one in measured]
            suspected[0] = cleared(suspected[0], right)
            denied = denials(rubric, np.concatenate(suspected))
            on_topic = flags.above(heard.kept, refs, self._calibration.on_topic)
            credit = credit_in_context(self._calibration, rubric, nearest, said, denied, on_topic)
            found += _credited(rubric, answer, readings, nearest, credit)
            wrong = np.concatenate(list(map(unless_right, suspected, nearest)))
            made = np.maximum(made, wrong.max(axis=0))
            for mistake in self._mistakes(rubric, answer, readings, wrong, made):
                mistakes.setdefault(mistake.mistake_id, mistake)
        if len(raised) == len(answers):
            unusable = tuple(dict.fromkeys(raised.values())) or (Flag.no_answer,)
            return feedback_from(rubric, found, tuple(mistakes.values()), unusable, self.name)
        aside = [SetAside(turn=turn, flag=flag) for turn, flag in raised.items()]
        return feedback_from(rubric, found, tuple(mistakes.values()), (), self.name, aside, left_out)

    def _mistakes(
        self,
        rubric: Rubric,
        answer: Answer,
        readings: Sequence[Reading],
        wrong: Probabilities,
        so_far: Probabilities,
    ) -> list[MistakeFeedback]:
        made = mistakes_in_context(self._calibration, wrong, so_far)
        windows = [window for reading in readings for window in reading.windows]
        found = []
        for column, mistake in enumerate(rubric.mistakes):
            window = windows[int(wrong[:, column].argmax())]
            if made[column] >= self._calibration.mistake_from and not self._cleared(window, mistake):
                shown = evidence(answer, window)
                found.append(MistakeFeedback(mistake_id=mistake.id, made=True, evidence=shown))
        return found

    def _doubted(self, rubric: Rubric, reading: Reading, nearest: Probabilities) -> Probabilities:
        """`nearest` (windows, points) as the second reader leaves it: each point's best window after its doubts."""
        if self._second is None:
            return nearest
        texts = [window.text for window in reading.windows]
        left = nearest.copy()
        for column, point in enumerate(rubric.points):
            best, row = self._second.least_doubtful(nearest[:, column], texts, point.says, PARTLY_FROM)
            left[:, column] = np.minimum(nearest[:, column], best)
            left[row, column] = best
        return left

    def _cleared(self, window: Window, mistake: Mistake) -> bool:
        if self._second is None:
            return False
        return float(self._second.contradicts([(window.text, mistake.says)])[0]) >= CLEARED_FROM


def _credited(
    rubric: Rubric,
    answer: Answer,
    readings: Sequence[Reading],
    nearest: Sequence[Probabilities],
    credit: Probabilities,
) -> list[PointCredit]:
    """What is found on each point in one turn, beside the words that speak most for it."""
    return [
        PointCredit(
            point_id=point.id,
            credit=round(float(credit[column]), 4),
            evidence=evidence(answer, window),
            after_probe=answer.after_probe,
        )
        for column, (point, window) in enumerate(zip(rubric.points, most_telling(readings, nearest), strict=True))
    ]


def _cuts(refs: References) -> Sequence[Cut]:
    """How turns are read."""
    if len(refs.points) < FEWEST:  # few points are judged by less, and were not measured by clauses
        return (sentences,)
    # where terms were asked for, a list of them is one sentence, and its vector none of them
    return (items,) if flags.points_are_terms(refs) else BOTH


def _borne_out(readings: Sequence[Reading], nearest: Sequence[Probabilities]) -> BorneOut:
    if len(readings) == 1:
        return BorneOut(nearest[0], ())
    by_sentence, by_clause = readings
    return borne_out(by_sentence.windows, nearest[0], by_clause.windows, nearest[1], CLEARLY_RIGHT)


def load_embedding_grader(settings: Settings, known: KnownQuestions | None = None) -> EmbeddingGrader:
    """The grader that `settings` ask for; without `known`, answers are not compared with other questions.

    Takes seconds, and where the cache is empty some more: the model is loaded and the background's vectors computed
    here; those of a rubric when it is first graded by. Raises GradingFailed.
    """
    encoder = load_encoder(settings.embedding_model, settings.cache_dir)
    second = load_entailment(settings.nli_model) if settings.nli_model else None
    return EmbeddingGrader(encoder, shipped(encoder.trained), Background(known, encoder) if known else None, second)
