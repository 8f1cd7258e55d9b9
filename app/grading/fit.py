"""Fitting the calibration to labelled answers: non-negative logistic regressions on the windows' features.

A label says of a point whether it was said and in which stretch of the answer, not in which window. So the window is
chosen by the fit itself, over a few rounds: the best-scoring window on the labelled stretch where a point was said, the
best-scoring of all where it was not (multiple-instance learning, as in Andrews et al. 2002, MI-SVM).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.feedback import Flag
from app.grading.calibration import ANYTHING, Calibration, Logistic, OnTopic
from app.grading.context import (
    CONTEXT_FEATURES,
    FEWEST,
    FEWEST_MISTAKES,
    POINT_CONTEXT_FEATURES,
    best_odds,
    in_context,
    likeliest,
    log_odds,
    own_odds,
    points_in_context,
)
from app.grading.examples import Example
from app.grading.features import JUDGED_FEATURES, LONE_FEATURES, MISTAKE_FEATURES, POINT_FEATURES
from app.grading.judging import are_enough, on_its_side, unless_right

ROUNDS = 5
"""Rounds of choosing windows and fitting; the choice no longer changes after about four."""
PENALTY = 1.0
"""L2 penalty on the weights of standardised features, against the sum of log losses."""
FALSE_ALARMS = 0.009
"""The share of answers worth something which may be taken for off topic, by either bound. One of 598 is, of
grade 1, as what says enough is on the topic; in return all but nine of the 63 answers to other questions are seen."""
MARGINS = OnTopic(lead=0.015, near=0.1)
"""How far the bounds for off-topic answers stay below the labelled answers worth something. With a lead of 0.01 empty
talk about what was asked came out as off topic."""
STEPS = 400
"""Accelerated gradient steps of one fit; the loss is flat to six digits after about 200."""

Array = npt.NDArray[np.float64]


def fit(examples: Sequence[Example], *, made_by: dict[str, Any] | None = None) -> Calibration:
    """The calibration that fits `examples` best."""
    judges = {}
    for group, names in (
        ("point", JUDGED_FEATURES),
        ("bare", POINT_FEATURES),
        ("signal", JUDGED_FEATURES),
        ("mistake", MISTAKE_FEATURES),
        ("bare_mistake", MISTAKE_FEATURES),
    ):
        mine = [one for one in examples if one.group == group]
        judges[group] = _fit_group(mine if names is MISTAKE_FEATURES else _by(names, mine), names)
    judges["lone"] = _evened(_fit_group(_alone(examples), LONE_FEATURES), examples)
    on_topic = _on_topic(examples)
    examples = _that_earn(examples, on_topic, judges["point"])
    suspected = _suspected(examples, "mistake", judges["mistake"])
    judges_of_points = {"point": judges["point"], "signal": judges["signal"]}
    points = _points(examples, judges_of_points, suspected)
    judges["context"] = _fit_context(points, POINT_CONTEXT_FEATURES)
    suspected = _suspected(examples, "bare_mistake", judges["bare_mistake"])
    bare = _points(examples, {"bare": judges["bare"]}, suspected)
    judges["bare_context"] = _fit_context(bare, POINT_CONTEXT_FEATURES)
    mistakes = _mistakes(examples, judges["mistake"], judges_of_points)
    judges["mistake_context"] = _fit_context(mistakes, CONTEXT_FEATURES)
    threshold = _best_threshold(mistakes, judges["mistake_context"])
    return Calibration(**judges, mistake_from=threshold, on_topic=on_topic, made_by=made_by or {})


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


class _Stack:
    """The windows of many examples in one array, so that a function of them is one sweep and not thousands."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.features = np.concatenate([one.features for one in examples])
        self.targets = np.array([one.target for one in examples])
        self._owner = np.repeat(np.arange(len(examples)), [len(one.features) for one in examples])
        self._starts = np.searchsorted(self._owner, np.arange(len(examples)))
        held = [one.inside if one.target > 0 and one.inside.any() else np.ones_like(one.inside) for one in examples]
        self._eligible = np.concatenate(held)

    def chosen(self, judge: Logistic | None, names: tuple[str, ...]) -> Array:
        """(examples, features): the window that stands for each, judged by `nearest` alone in the first round."""
        score = self.features[:, 0].astype(np.float64) if judge is None else judge(self.features, names)
        score = np.where(self._eligible, score, -1.0)
        highest = np.flatnonzero(score == np.maximum.reduceat(score, self._starts)[self._owner])
        _, first = np.unique(self._owner[highest], return_index=True)
        return self.features[highest[first]].astype(np.float64)


def _by(names: tuple[str, ...], examples: Sequence[Example]) -> list[Example]:
    """Examples of points with the features `names` only."""
    columns = [POINT_FEATURES.index(name) for name in names]
    return [one._replace(features=one.features[:, columns]) for one in examples]


def _alone(examples: Sequence[Example]) -> list[Example]:
    """The examples with LONE_FEATURES only, any window standing for a point said.

    Held to the labelled stretch, as the others are, the cosine would lose all weight with the plain encoder: of many
    windows the nearest to what was not said is as near as one stretch is to what was.
    """
    bare = _by(LONE_FEATURES, [one for one in examples if one.group == "bare"])
    return [one._replace(inside=np.ones_like(one.inside)) for one in bare]


def _evened(judge: Logistic, examples: Sequence[Example]) -> Logistic:
    """`judge` for questions with few points, each as likely said as not: it was fitted where most are not said."""
    said = float(np.mean([one.target for one in examples if one.group == "bare"] or [0.5]))
    odds = float(log_odds(np.array(1 - said)))
    return judge.model_copy(update={"bias": round(judge.bias + odds, 4)})


def _fit_group(examples: Sequence[Example], names: tuple[str, ...]) -> Logistic:
    if not examples:
        return Logistic(bias=-50.0, weights=dict.fromkeys(names, 0.0))
    stack = _Stack(examples)
    judge: Logistic | None = None
    for _ in range(ROUNDS):
        judge = _logistic(names, stack.chosen(judge, names), stack.targets)
    assert judge is not None
    return judge


class _InContext(NamedTuple):
    """What the second step sees of one answer: features (claims, features) and targets (claims,) of its claims."""

    features: npt.NDArray[np.float32]
    targets: Array


class _Judged(NamedTuple):
    """An example with the probabilities of its windows (windows, 1), by sentences and by clauses."""

    example: Example
    readings: tuple[Array, Array]


def _judged(examples: Sequence[Example], group: str, judge: Logistic, names: tuple[str, ...]) -> list[_Judged]:
    """The examples of `group`."""
    mine = [one for one in examples if one.group == group]
    by_sentence = _each([one.features for one in mine], judge, names)
    by_clause = _each([one.by_clause for one in mine], judge, names)
    return [_Judged(*one) for one in zip(mine, zip(by_sentence, by_clause, strict=True), strict=True)]


def _judged_points(examples: Sequence[Example], judges: dict[str, Logistic]) -> list[_Judged]:
    """The points of the groups that `judges` names, as each group's judge sees them."""
    return [one for group, judge in judges.items() for one in _judged(examples, group, judge, POINT_FEATURES)]


def _each(features: Sequence[npt.NDArray[np.float32]], judge: Logistic, names: tuple[str, ...]) -> list[Array]:
    """The probabilities (windows, 1) of the windows of each of `features`, in one sweep."""
    if not features:
        return []
    ends = np.cumsum([len(one) for one in features])
    every = np.concatenate(features)
    judged = on_its_side(judge, every) if names is MISTAKE_FEATURES else judge(every, names)
    return np.split(judged[:, None], ends[:-1])


def _that_earn(examples: Sequence[Example], on_topic: OnTopic, judge: Logistic) -> list[Example]:
    """The examples of answers that are graded, not flagged: only these come as far as the second step."""
    on_it = {one.answer for one in examples if one.flag is None and not on_topic.missed(one.reached)}
    off_it = [one for one in examples if one.flag in (None, Flag.off_topic) and one.answer not in on_it]
    for claims in _by_answer(_judged(off_it, "point", judge, POINT_FEATURES), 1):
        if are_enough(np.array([float(by_sentence.max()) for _, (by_sentence, _) in claims])):
            on_it.add(claims[0].example.answer)
    return [one for one in examples if one.answer in on_it]


def _by_answer(judged: Sequence[_Judged], fewest: int) -> list[list[_Judged]]:
    """The claims of each answer that has at least `fewest` to compare."""
    answers: dict[int, list[_Judged]] = {}
    for one in judged:
        answers.setdefault(one.example.answer, []).append(one)
    return [claims for claims in answers.values() if len(claims) >= fewest]


def _suspected(examples: Sequence[Example], group: str, judge: Logistic) -> dict[tuple[int, str], float]:
    """How likely each mistake is in each answer."""
    judged = _judged(examples, group, judge, MISTAKE_FEATURES)
    return {(one.example.answer, one.example.claim): float(np.concatenate(one.readings).max()) for one in judged}


def _points(
    examples: Sequence[Example], judges: dict[str, Logistic], suspected: dict[tuple[int, str], float]
) -> list[_InContext]:
    """The points of each answer with enough of them, of the groups that `judges` names."""
    found = []
    for claims in _by_answer(_judged_points(examples, judges), FEWEST):
        denied = [
            max((suspected[example.answer, mistake] for mistake in example.denied_by), default=0.0)
            for example, _ in claims
        ]
        own = np.array([own_odds(readings)[0] for _, readings in claims])
        so_far = np.array([likeliest(readings)[0] for _, readings in claims])
        features = points_in_context(own, so_far, np.array(denied))
        found.append(_InContext(features, _targets(claims)))
    return found


def _mistakes(examples: Sequence[Example], judge: Logistic, of_points: dict[str, Logistic]) -> list[_InContext]:
    """The mistakes of each answer with enough of them, in windows that don't clearly say a point by `of_points`."""
    said = {claims[0].example.answer: claims for claims in _by_answer(_judged_points(examples, of_points), 1)}
    found = []
    for claims in _by_answer(_judged(examples, "mistake", judge, MISTAKE_FEATURES), FEWEST_MISTAKES):
        points = said[claims[0].example.answer]
        wrong = map(unless_right, _by_reading(claims), _by_reading(points))
        made = np.concatenate(list(wrong))
        found.append(_InContext(in_context(best_odds(made), made.max(axis=0)), _targets(claims)))
    return found


def _by_reading(claims: Sequence[_Judged]) -> list[Array]:
    """The probabilities (windows, claims) by sentences and by clauses."""
    return [np.column_stack(columns) for columns in zip(*(readings for _, readings in claims), strict=True)]


def _targets(claims: Sequence[_Judged]) -> Array:
    return np.array([example.target for example, _ in claims])


def _fit_context(answers: Sequence[_InContext], names: tuple[str, ...]) -> Logistic:
    """The second step: each claim's credit from its own best windows and from the others of the same answer."""
    if not answers:  # nothing to learn from: the credit is the claim's own probability
        return Logistic(bias=0.0, weights=dict.fromkeys(names, 0.0) | {"own": 1.0})
    features = np.concatenate([one.features for one in answers]).astype(np.float64)
    return _logistic(names, features, np.concatenate([one.targets for one in answers]))


def _logistic(names: tuple[str, ...], features: Array, targets: Array) -> Logistic:
    bias, weights = logistic_regression(features, targets)
    return Logistic(bias=round(bias, 4), weights=dict(zip(names, np.round(weights, 4).tolist(), strict=True)))


def _on_topic(examples: Sequence[Example]) -> OnTopic:
    """What nearly all answers reach that are worth anything, less a margin."""
    says = {one.answer: one.reached for one in examples if one.grade > 0}
    if not says:
        return ANYTHING
    spared = int(FALSE_ALARMS * len(says))
    lead = sorted(one.lead for one in says.values())[spared]
    near = sorted(one.near for one in says.values())[spared]
    return OnTopic(lead=round(lead - MARGINS.lead, 4), near=round(near - MARGINS.near, 4))


def _best_threshold(answers: Sequence[_InContext], judge: Logistic) -> float:
    """The probability from which calling a mistake made gives the best F0.5 (precision counts twice) on `answers`."""
    made = np.concatenate([one.targets for one in answers] or [np.zeros(0)]) > 0
    if not made.any():
        return 0.5
    score = np.concatenate([judge(one.features, CONTEXT_FEATURES) for one in answers])

    def f_half(threshold: float) -> float:
        called = score >= threshold
        hits = float((called & made).sum())
        return 1.25 * hits / (0.25 * made.sum() + called.sum()) if hits else 0.0

    return float(max(np.arange(0.10, 0.95, 0.05).round(2), key=f_half))
