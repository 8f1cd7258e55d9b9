"""What a turn's readings say: from the features of windows to probabilities, credits and the most telling window.

A calibrated function judges each window against each claim; what comes of a point's or mistake's windows is weighed
here in the light of all others (context.py).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.core.rubric import PointKind, Rubric
from app.core.segment import Window
from app.grading.calibration import Calibration, Logistic
from app.grading.context import (
    CONTEXT_FEATURES,
    FEWEST,
    FEWEST_MISTAKES,
    POINT_CONTEXT_FEATURES,
    READINGS,
    best_odds,
    in_context,
    log_odds,
    own_odds,
    points_in_context,
)
from app.grading.features import MISTAKE_FEATURES, ON_ITS_SIDE, POINT_FEATURES
from app.grading.reading import Reading

SURELY = 0.95
"""The probability of a point from which a turn is on the topic, whatever it resembles as a whole. The surest windows of
63 labelled answers to other questions have 0.93 and 0.87."""
ENOUGH, ENOUGH_OF = 1.8, 3
"""So is a turn whose likeliest points, so many of them, add up to this. A story from a mine, told without a term of the
field, resembles other questions as a whole; yet two such had 1.9 and 2.4, where the 63 answers have up to 1.7. Chosen
between these, as SURELY above the 0.93: neither is measured on answers nobody had looked at."""

FULL_FROM = 0.75
"""The probability from which a point with exemplars has its full credit; below, credit is in proportion. A probability
never reaches 1, so an answer that said everything fell short of 100, one in unusual words the farther. It was 0.85,
chosen on answers that the texts of the rubrics were written in view of. On 286 answers that were new to all that is
built here scores were 5.5 too low with it, those of good ones 8, and 10.9 points off at the mean; with 0.75 it is 2.8,
4.5 and 10.0, the quadratic kappa of fitted grades 0.886 (0.879), and a rewording moves a score by 5.1 points at the
median instead of 6.2. With 0.65 scores are 9.5 points off, and kappa is 0.875. Marked exams with statements alone gain
nothing by it."""

CLEARLY_RIGHT = 0.8
"""The probability of any point from which a window is no mistake: "auto-blocking needs precision, since a wrong block
hurts a customer" resembles its own reversal more than it resembles most other things. On the labelled answers precision
of mistakes rose from 0.919 to 0.937 by it, on those written without the rubric from 0.833 to 0.870; recall fell by
0.006 and not at all (embedding-5)."""

PAIR_ADDS = 1.5
"""The log odds by which two sentences together may be likelier to make a mistake than the likelier one by itself. A
pair's vector is the mean of its sentences', and the mean of two right ones can lie near their exchange. Fitted with it,
the precision of mistakes on the labelled answers is 0.920 instead of 0.912, recall 0.771 instead of 0.777 (with 3:
0.914, 0.781)."""

SUREST = 1e-4
"""How near to 0 and 1 probabilities count when evidence is chosen. Of the labelled stretches of 3,700 points that are
credited the window shown meets 92.5 % in answers written with the rubric, 78.4 % in those without and 80.1 % in typed
ones; before, when all above 0.95 were alike and the first was shown, 92.2, 78.2 and 80.1."""

Probabilities = npt.NDArray[np.float64]


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


def says_enough(rubric: Rubric, nearest: Probabilities) -> bool:
    """Whether a turn is on the topic by what it says: one of the question's own points surely, or several probably.

    Signals don't count, as they can be given in any story.
    """
    own = [column for column, point in enumerate(rubric.points) if point.kind is not PointKind.signal]
    return are_enough(nearest[:, own].max(axis=0))


def are_enough(own: Probabilities) -> bool:
    """The same from the probabilities (points,) of the points that are no signals."""
    likeliest_first = -np.sort(-own)
    return bool((likeliest_first[:1] >= SURELY).any() or likeliest_first[:ENOUGH_OF].sum() >= ENOUGH)


def credit_in_context(
    calibration: Calibration,
    rubric: Rubric,
    nearest: Sequence[Probabilities],
    so_far: Probabilities,
    denied: Probabilities,
    on_topic: float,
) -> Probabilities:
    """Credit (points,), 0..1, from the probabilities (windows, points) of a turn's readings and those `so_far`.

    `so_far` (points,) are the highest of the turns up to it. `denied` (points,) is how likely this turn denies each
    point: who mends in a later turn what was wrong is credited. `on_topic` (0..1): see points_in_context.
    """
    if len(rubric.points) < FEWEST:
        return np.asarray(nearest[0].max(axis=0), np.float64)
    features = points_in_context(own_odds(nearest), so_far, denied, on_topic)
    if not all(point.exemplars for point in rubric.points):
        return calibration.bare_context(features, POINT_CONTEXT_FEATURES)
    signals = [point.kind is PointKind.signal for point in rubric.points]
    of_signals = calibration.signal_context(features, POINT_CONTEXT_FEATURES)
    said = np.where(signals, of_signals, calibration.context(features, POINT_CONTEXT_FEATURES))
    return np.minimum(1.0, said / FULL_FROM)


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
        made[:, column] = on_its_side(judge, measured[:, column])
    return made


def on_its_side(judge: Logistic, measured: npt.NDArray[np.float32]) -> Probabilities:
    """What `judge` says of windows (windows, MISTAKE_FEATURES), 0 for those that are not on the mistake's side."""
    apart = measured[:, MISTAKE_FEATURES.index("apart")]
    return np.where(apart < ON_ITS_SIDE, 0.0, judge(measured, MISTAKE_FEATURES))


def unless_right(wrong: Probabilities, said: Probabilities) -> Probabilities:
    """`wrong` (windows, mistakes) without the windows that clearly say a point, by `said` (windows, points).

    A pair of sentences says one too where each of the two does, and is little likelier to be wrong than either.
    """
    right = said.max(axis=1) >= CLEARLY_RIGHT
    sentences = (len(right) + 1) // 2
    right[sentences:] |= right[: sentences - 1] & right[1:sentences]
    left = np.where(right[:, None], 0.0, wrong)
    likelier = np.maximum(left[: sentences - 1], left[1:sentences])
    left[sentences:] = np.minimum(left[sentences:], _raised(likelier, PAIR_ADDS))
    return left


def _raised(probability: Probabilities, odds: float) -> Probabilities:
    """The probabilities whose log odds are higher by `odds`."""
    factor = np.exp(odds)
    return np.asarray(probability * factor / (1 + probability * (factor - 1)), np.float64)


def mistakes_in_context(calibration: Calibration, wrong: Probabilities, so_far: Probabilities) -> Probabilities:
    """Probabilities (mistakes,) from one turn's (windows, mistakes) and the highest of the turns so far."""
    if wrong.shape[1] < FEWEST_MISTAKES:
        return np.asarray(wrong.max(axis=0), np.float64)
    return calibration.mistake_context(in_context(best_odds(wrong), so_far), CONTEXT_FEATURES)


def most_telling(readings: Sequence[Reading], nearest: Sequence[Probabilities]) -> list[Window]:
    """For each point the sentence or pair that speaks most for it, by `nearest` (windows, points) of each reading.

    What counts are its own log odds and those of the best clause inside it. Of several windows that all surely say a
    point the surest is shown.
    """
    odds = READINGS[0] * log_odds(nearest[0], SUREST)
    for reading, chance in zip(readings[1:], nearest[1:], strict=True):
        inside = _inside(readings[0].windows, reading.windows)
        finer = log_odds(chance, SUREST)
        odds += READINGS[1] * np.where(inside[:, :, None], finer[None], finer.min()).max(axis=1)
    return [readings[0].windows[row] for row in odds.argmax(axis=0)]


def _inside(windows: Sequence[Window], others: Sequence[Window]) -> npt.NDArray[np.bool_]:
    """Which of `others` lie within which of `windows`: (windows, others)."""
    outer = np.array([[window.start, window.end] for window in windows])
    inner = np.array([[window.start, window.end] for window in others])
    return (outer[:, :1] <= inner[:, 0]) & (inner[:, 1] <= outer[:, 1:])
