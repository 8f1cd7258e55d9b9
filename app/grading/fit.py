"""Fitting the calibration to labelled answers: non-negative logistic regressions on the windows' features.

A label says of a point whether it was said and in which stretch of the answer, not in which window. So the window is
chosen by the fit itself, over a few rounds: the best-scoring window on the labelled stretch where a point was said, the
best-scoring of all where it was not (multiple-instance learning, as in Andrews et al. 2002, MI-SVM).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.rubric import PointKind, Rubric
from app.grading import flags
from app.grading.background import Background
from app.grading.calibration import Calibration, Logistic
from app.grading.context import CONTEXT_FEATURES, FEWEST, in_context
from app.grading.embedding import Reading
from app.grading.encoder import Encoder
from app.grading.features import MISTAKE_FEATURES, POINT_FEATURES, Measured
from app.grading.references import references

ROUNDS = 5
"""Rounds of choosing windows and fitting; the choice no longer changes after about four."""
PENALTY = 1.0
"""L2 penalty on the weights of standardised features, against the sum of log losses."""
OFF_TOPIC_MARGIN = 0.005
"""How far the bound for off-topic answers stays below every labelled answer that says something."""
STEPS = 400
"""Accelerated gradient steps of one fit; the loss is flat to six digits after about 200."""

Array = npt.NDArray[np.float64]


class Labelled(NamedTuple):
    """An answer with a person's labels: credit (0, 0.5, 1) and stretch of each point, stretch of each mistake made."""

    question_id: str
    question: str
    rubric: Rubric
    text: str
    credits: dict[str, float]
    spans: dict[str, str]
    mistakes: dict[str, str]


class Example(NamedTuple):
    """What is measured of one labelled answer against one point or mistake.

    `answer` tells the answers apart, `flagged` says that this one earns nothing anyway, and `lead` is how much nearer
    it is to its own question than to any other. `features` is (windows, features); `inside` marks the windows on the
    labelled stretch; `target` is 0..1.
    """

    question_id: str
    answer: int
    flagged: bool
    lead: float
    group: str
    features: npt.NDArray[np.float32]
    inside: npt.NDArray[np.bool_]
    target: float


def collect(answers: Iterable[Labelled], encoder: Encoder, background: Background) -> list[Example]:
    """The examples in `answers`, each measured with its rubric's exemplars and again with the statements alone."""
    found: list[Example] = []
    for number, answer in enumerate(answers):
        reading = Reading(answer.text, encoder)
        if not reading.windows:
            continue
        refs = references(answer.question, answer.rubric, encoder)
        around = background.elsewhere(answer.question_id, reading.sentence_vectors)
        turn = flags.Turn(answer.text, reading.sentence_vectors, around, False)
        flagged, lead = bool(flags.flags(turn, refs, -np.inf)), flags.lead(turn, refs)
        for rubric, bare in ((answer.rubric, False), (_without_exemplars(answer.rubric), True)):
            refs = references(answer.question, rubric, encoder)
            measured = reading.measured(rubric, refs, None if bare else background)
            mine = _point_examples(answer, reading, measured, bare=bare)
            mine += _mistake_examples(answer, reading, measured, bare=bare)
            found += [one._replace(answer=number, flagged=flagged, lead=lead) for one in mine]
    return found


def fit(examples: Sequence[Example], *, made_by: dict[str, Any] | None = None) -> Calibration:
    """The calibration that fits `examples` best."""
    off_topic_below = _off_topic_bound(examples)
    examples = [one._replace(flagged=one.flagged or one.lead < off_topic_below) for one in examples]
    judges = {}
    for group, names in (
        ("point", POINT_FEATURES),
        ("bare", POINT_FEATURES),
        ("signal", POINT_FEATURES),
        ("mistake", MISTAKE_FEATURES),
        ("bare_mistake", MISTAKE_FEATURES),
    ):
        judges[group] = _fit_group([one for one in examples if one.group == group], names)
    judges["context"] = _fit_context(examples, {"point": judges["point"], "signal": judges["signal"]})
    judges["bare_context"] = _fit_context(examples, {"bare": judges["bare"]})
    threshold = _best_threshold([one for one in examples if one.group == "mistake"], judges["mistake"])
    return Calibration(**judges, mistake_from=threshold, off_topic_below=off_topic_below, made_by=made_by or {})


def logistic_regression(features: Array, targets: Array, *, penalty: float = PENALTY) -> tuple[float, Array]:
    """Bias and non-negative weights that minimise the log loss against soft targets (0..1), L2-penalised.

    `features` is (rows, features). Accelerated projected gradient (FISTA, Beck and Teboulle 2009) on standardised
    columns; a column that hardly varies gets weight 0.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-4, spread, np.inf)
    design = np.hstack([(features - mean) / scale, np.ones((len(features), 1))])
    step = 4.0 / (np.linalg.norm(design, 2) ** 2 + penalty)
    weights = np.zeros(design.shape[1])
    ahead, momentum = weights.copy(), 1.0
    ridge = np.r_[np.full(features.shape[1], penalty), 0.0]
    for _ in range(STEPS):
        gradient = design.T @ (1 / (1 + np.exp(-design @ ahead)) - targets) + ridge * ahead
        fresh = ahead - step * gradient
        fresh[:-1] = np.maximum(fresh[:-1], 0.0)
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = fresh + (momentum - 1) / following * (fresh - weights)
        weights, momentum = fresh, following
    plain = weights[:-1] / scale
    return float(weights[-1] - plain @ mean), plain


def _fit_group(examples: Sequence[Example], names: tuple[str, ...]) -> Logistic:
    if not examples:
        return Logistic(bias=-50.0, weights=dict.fromkeys(names, 0.0))
    judge: Logistic | None = None
    targets = np.array([one.target for one in examples])
    for _ in range(ROUNDS):
        rows = np.array([one.features[_choose(one, judge, names)] for one in examples], np.float64)
        bias, weights = logistic_regression(rows, targets)
        judge = Logistic(bias=round(bias, 4), weights=dict(zip(names, np.round(weights, 4).tolist(), strict=True)))
    assert judge is not None
    return judge


def _fit_context(examples: Sequence[Example], judges: dict[str, Logistic]) -> Logistic:
    """The second step: each point's credit from its own best window and from the other points of the same answer.

    Flagged answers are left out, as they never come this far.
    """
    answers: dict[int, list[Example]] = {}
    for one in examples:
        if one.group in judges and not one.flagged:
            answers.setdefault(one.answer, []).append(one)
    rows, targets = [], []
    for points in answers.values():
        if len(points) >= FEWEST:
            own = np.array([judges[one.group](one.features, POINT_FEATURES).max() for one in points])
            rows.append(in_context(own, own))
            targets += [one.target for one in points]
    if not rows:  # nothing to learn from: the credit is the point's own probability
        return Logistic(bias=0.0, weights={"own": 1.0, "others": 0.0})
    bias, weights = logistic_regression(np.concatenate(rows).astype(np.float64), np.array(targets))
    return Logistic(
        bias=round(bias, 4), weights=dict(zip(CONTEXT_FEATURES, np.round(weights, 4).tolist(), strict=True))
    )


def _off_topic_bound(examples: Sequence[Example]) -> float:
    """The lead below which no answer lies that says anything of its own question, and a little less."""
    leads = [one.lead for one in examples if one.target > 0 and one.group in ("point", "signal")]
    return round(min(leads, default=0.0) - OFF_TOPIC_MARGIN, 4)


def _choose(one: Example, judge: Logistic | None, names: tuple[str, ...]) -> int:
    """The row of the window that stands for this example, judged by `nearest` alone in the first round."""
    score = one.features[:, 0].astype(np.float64) if judge is None else judge(one.features, names)
    if one.target > 0 and one.inside.any():
        score = np.where(one.inside, score, -1.0)
    return int(score.argmax())


def _best_threshold(examples: Sequence[Example], judge: Logistic) -> float:
    """The probability from which calling a mistake made gives the best F0.5 (precision counts twice) on `examples`."""
    if not any(one.target for one in examples):
        return 0.5
    made = np.array([one.target > 0 for one in examples])
    score = np.array([judge(one.features, MISTAKE_FEATURES).max() for one in examples])

    def f_half(threshold: float) -> float:
        called = score >= threshold
        hits = float((called & made).sum())
        return 1.25 * hits / (0.25 * made.sum() + called.sum()) if hits else 0.0

    return float(max(np.arange(0.10, 0.95, 0.05).round(2), key=f_half))


def _point_examples(answer: Labelled, reading: Reading, measured: Measured, *, bare: bool) -> list[Example]:
    found = []
    for column, point in enumerate(answer.rubric.points):
        group = "bare" if bare else "signal" if point.kind is PointKind.signal else "point"
        if bare and point.kind is PointKind.signal:
            continue  # no rubric of one's own has the signals' bare statements
        inside = _inside(reading, answer.spans.get(point.id))
        features = measured.points[:, column]
        found.append(Example(answer.question_id, 0, False, 0.0, group, features, inside, answer.credits[point.id]))
    return found


def _mistake_examples(answer: Labelled, reading: Reading, measured: Measured, *, bare: bool) -> list[Example]:
    found = []
    for column, mistake in enumerate(answer.rubric.mistakes):
        span = answer.mistakes.get(mistake.id)
        features = measured.mistakes[:, column]
        group = "bare_mistake" if bare else "mistake"
        found.append(
            Example(answer.question_id, 0, False, 0.0, group, features, _inside(reading, span), float(span is not None))
        )
    return found


def _inside(reading: Reading, span: str | None) -> npt.NDArray[np.bool_]:
    """Which windows share at least half of their own length, or half of the stretch, with `span`."""
    start = reading.text.find(span) if span else -1
    if not span or start < 0:
        return np.zeros(len(reading.windows), np.bool_)
    end = start + len(span)
    shared = [max(0, min(window.end, end) - max(window.start, start)) for window in reading.windows]
    half = [min(window.end - window.start, len(span)) / 2 for window in reading.windows]
    return np.array(shared) >= np.array(half)


def _without_exemplars(rubric: Rubric) -> Rubric:
    return rubric.model_copy(
        update={
            "points": tuple(point.model_copy(update={"exemplars": ()}) for point in rubric.points),
            "mistakes": tuple(mistake.model_copy(update={"exemplars": ()}) for mistake in rubric.mistakes),
        }
    )
