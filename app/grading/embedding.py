"""The embedding grader: the nearest windows of an answer decide, by a calibrated credit, what was said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.core.feedback import (
    PARTLY_FROM,
    Answer,
    Evidence,
    Feedback,
    Flag,
    MistakeFeedback,
    PointCredit,
    SetAside,
    feedback_from,
)
from app.core.known import KnownQuestions
from app.core.rubric import Mistake, PointKind, Rubric
from app.grading import flags
from app.grading.background import Background
from app.grading.calibration import Calibration, shipped
from app.grading.clauses import BorneOut, borne_out, cleared
from app.grading.context import (
    CONTEXT_FEATURES,
    FEWEST,
    FEWEST_MISTAKES,
    POINT_CONTEXT_FEATURES,
    READINGS,
    best_odds,
    in_context,
    likeliest,
    log_odds,
    own_odds,
    points_in_context,
)
from app.grading.encoder import Encoder, load_encoder
from app.grading.entailment import CLEARED_FROM, Entailment, load_entailment
from app.grading.features import MISTAKE_FEATURES, POINT_FEATURES
from app.grading.reading import BOTH, Cut, Reading, hear
from app.grading.references import References, references
from app.grading.segment import Window, items, sentences

if TYPE_CHECKING:
    from app.settings import Settings

VERSION = "embedding-10"

SURELY = 0.93
"""The probability of a point from which a turn is on the topic, whatever it resembles as a whole. The surest window of
63 labelled answers to other questions has 0.90."""

CLEARLY_RIGHT = 0.8
"""The probability of any point from which a window is no mistake: "auto-blocking needs precision, since a wrong block
hurts a customer" resembles its own reversal more than it resembles most other things. On the labelled answers precision
of mistakes rose from 0.919 to 0.937 by it, on those written without the rubric from 0.833 to 0.870; recall fell by
0.006 and not at all (embedding-5)."""

Probabilities = npt.NDArray[np.float64]


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
            if flag and not surely_says(rubric, nearest[0]):
                raised[answer.turn] = flag
                continue
            said = np.maximum(said, likeliest(nearest))
            suspected = [mistake_probability(self._calibration, rubric, one.mistakes) for one in measured]
            suspected[0] = cleared(suspected[0], right)
            denied = denials(rubric, np.concatenate(suspected))
            found += self._points(rubric, answer, readings, nearest, said, denied)
            wrong = np.concatenate(list(map(unless_right, suspected, nearest)))
            made = np.maximum(made, wrong.max(axis=0))
            for mistake in self._mistakes(rubric, answer, readings, wrong, made):
                mistakes.setdefault(mistake.mistake_id, mistake)
        if len(raised) == len(answers):
            unusable = tuple(dict.fromkeys(raised.values())) or (Flag.no_answer,)
            return feedback_from(rubric, found, tuple(mistakes.values()), unusable, self.name)
        aside = [SetAside(turn=turn, flag=flag) for turn, flag in raised.items()]
        return feedback_from(rubric, found, tuple(mistakes.values()), (), self.name, aside)

    def _points(
        self,
        rubric: Rubric,
        answer: Answer,
        readings: Sequence[Reading],
        nearest: Sequence[Probabilities],
        said: Probabilities,
        denied: Probabilities,
    ) -> list[PointCredit]:
        credit = credit_in_context(self._calibration, rubric, nearest, said, denied)
        return [
            PointCredit(
                point_id=point.id,
                credit=round(float(credit[column]), 4),
                evidence=_evidence(answer, window),
                after_probe=answer.after_probe,
            )
            for column, (point, window) in enumerate(zip(rubric.points, most_telling(readings, nearest), strict=True))
        ]

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
                evidence = _evidence(answer, window)
                found.append(MistakeFeedback(mistake_id=mistake.id, made=True, evidence=evidence))
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


def point_probability(
    calibration: Calibration, rubric: Rubric, measured: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Probabilities (windows, points) that a window says a point, from features (windows, points, features)."""
    if len(rubric.points) < FEWEST:
        return calibration.lone(measured, POINT_FEATURES)
    said = np.zeros(measured.shape[:2])
    for column, point in enumerate(rubric.points):
        judge = calibration.signal if point.kind is PointKind.signal else calibration.point
        judge = judge if point.exemplars else calibration.bare
        said[:, column] = judge(measured[:, column], POINT_FEATURES)
    return said


def surely_says(rubric: Rubric, nearest: Probabilities) -> bool:
    """Whether a turn surely says a point of the question's own (a signal can be given in any story)."""
    own = [column for column, point in enumerate(rubric.points) if point.kind is not PointKind.signal]
    return bool((nearest[:, own] >= SURELY).any())


def credit_in_context(
    calibration: Calibration,
    rubric: Rubric,
    nearest: Sequence[Probabilities],
    so_far: Probabilities,
    denied: Probabilities,
) -> Probabilities:
    """Credit (points,), 0..1, from the probabilities (windows, points) of a turn's readings and those `so_far`.

    `so_far` (points,) are the highest of the turns up to it.

    `denied` (points,) is how likely this turn denies each point: who mends in a later turn what was wrong is credited.
    """
    if len(rubric.points) < FEWEST:
        return np.asarray(nearest[0].max(axis=0), np.float64)
    judge = calibration.context if all(point.exemplars for point in rubric.points) else calibration.bare_context
    return judge(points_in_context(own_odds(nearest), so_far, denied), POINT_CONTEXT_FEATURES)


def denials(rubric: Rubric, suspected: Probabilities) -> Probabilities:
    """How likely a turn denies each point (points,): the likeliest mistake that does, by (windows, mistakes)."""
    highest = suspected.max(axis=0).tolist()
    denying = [
        [chance for mistake, chance in zip(rubric.mistakes, highest, strict=True) if point.id in mistake.denies]
        for point in rubric.points
    ]
    return np.array([max(chances, default=0.0) for chances in denying])


def mistake_probability(
    calibration: Calibration, rubric: Rubric, measured: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Probabilities (windows, mistakes) that a mistake is made, from features (windows, mistakes, features)."""
    made = np.zeros(measured.shape[:2])
    for column, mistake in enumerate(rubric.mistakes):
        judge = calibration.mistake if mistake.exemplars else calibration.bare_mistake
        made[:, column] = judge(measured[:, column], MISTAKE_FEATURES)
    return made


def unless_right(wrong: Probabilities, said: Probabilities) -> Probabilities:
    """`wrong` (windows, mistakes) without the windows that clearly say a point, by `said` (windows, points).

    A pair of sentences says one too where each of the two does.
    """
    right = said.max(axis=1) >= CLEARLY_RIGHT
    sentences = (len(right) + 1) // 2
    right[sentences:] |= right[: sentences - 1] & right[1:sentences]
    return np.where(right[:, None], 0.0, wrong)


def mistakes_in_context(calibration: Calibration, wrong: Probabilities, so_far: Probabilities) -> Probabilities:
    """Probabilities (mistakes,) from one turn's (windows, mistakes) and the highest of the turns so far."""
    if wrong.shape[1] < FEWEST_MISTAKES:
        return np.asarray(wrong.max(axis=0), np.float64)
    return calibration.mistake_context(in_context(best_odds(wrong), so_far), CONTEXT_FEATURES)


def most_telling(readings: Sequence[Reading], nearest: Sequence[Probabilities]) -> list[Window]:
    """For each point the sentence or pair that speaks most for it, by `nearest` (windows, points) of each reading.

    What counts are its own log odds and those of the best clause inside it.
    """
    odds = READINGS[0] * log_odds(nearest[0])
    for reading, chance in zip(readings[1:], nearest[1:], strict=True):
        inside = _inside(readings[0].windows, reading.windows)
        finer = log_odds(chance)
        odds += READINGS[1] * np.where(inside[:, :, None], finer[None], finer.min()).max(axis=1)
    return [readings[0].windows[row] for row in odds.argmax(axis=0)]


def _inside(windows: Sequence[Window], others: Sequence[Window]) -> npt.NDArray[np.bool_]:
    """Which of `others` lie within which of `windows`: (windows, others)."""
    outer = np.array([[window.start, window.end] for window in windows])
    inner = np.array([[window.start, window.end] for window in others])
    return (outer[:, :1] <= inner[:, 0]) & (inner[:, 1] <= outer[:, 1:])


def load_embedding_grader(settings: Settings, known: KnownQuestions | None = None) -> EmbeddingGrader:
    """The grader that `settings` ask for; without `known`, answers are not compared with other questions.

    Takes seconds, and where the cache is empty some more: the model is loaded and the background's vectors computed
    here; those of a rubric when it is first graded by. Raises GradingFailed.
    """
    encoder = load_encoder(settings.embedding_model, settings.cache_dir)
    second = load_entailment(settings.nli_model) if settings.nli_model else None
    return EmbeddingGrader(encoder, shipped(encoder.trained), Background(known, encoder) if known else None, second)


def _evidence(answer: Answer, window: Window) -> Evidence:
    return Evidence(turn=answer.turn, start=window.start, end=window.end, text=window.text)
