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
from app.grading.regression import logistic_regression

ROUNDS = 5
"""Rounds of choosing windows and fitting; the choice no longer changes after about four."""
FALSE_ALARMS = 0.009
"""The share of answers worth something which may be taken for off topic, by either bound. One of 598 is, of
grade 1, as what says enough is on the topic; in return all but nine of the 63 answers to other questions are seen."""
MARGINS = OnTopic(lead=0.015, near=0.1)
"""How far the bounds for off-topic answers stay below the labelled answers worth something. With a lead of 0.01 empty
talk about what was asked came out as off topic."""

RIGHTLY = 0.9
"""The share of mistakes held against somebody that are to be made in fact. F0.5, which set the bound before, is as good
from .6 to .8 (.841 to .846), so chance decided: of those in the 572 answers labelled last 56 % were found at .75, with
.85 of the calls right, and 61 % at .65, with .84."""

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
    points = _points(examples, judges_of_points, suspected, on_topic)
    judges["context"] = _fit_context(_only(points, signals=False), POINT_CONTEXT_FEATURES)
    judges["signal_context"] = _fit_context(_only(points, signals=True), POINT_CONTEXT_FEATURES)
    suspected = _suspected(examples, "bare_mistake", judges["bare_mistake"])
    bare = _points(examples, {"bare": judges["bare"]}, suspected, on_topic)
    judges["bare_context"] = _fit_context(bare, POINT_CONTEXT_FEATURES)
    mistakes = _mistakes(examples, judges["mistake"], judges_of_points)
    judges["mistake_context"] = _fit_context(mistakes, CONTEXT_FEATURES)
    threshold = _threshold(mistakes, judges["mistake_context"])
    return Calibration(**judges, mistake_from=threshold, on_topic=on_topic, made_by=made_by or {})


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
    """What the second step sees of one answer: features (claims, features) and targets (claims,) of its claims.

    `signals` (claims,) says which claims are signals.
    """

    features: npt.NDArray[np.float32]
    targets: Array
    signals: npt.NDArray[np.bool_]


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
    examples: Sequence[Example],
    judges: dict[str, Logistic],
    suspected: dict[tuple[int, str], float],
    on_topic: OnTopic,
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
        above = on_topic.above(claims[0].example.kept)
        features = points_in_context(own, so_far, np.array(denied), above)
        found.append(_InContext(features, _targets(claims), _signals(claims)))
    return found


def _mistakes(examples: Sequence[Example], judge: Logistic, of_points: dict[str, Logistic]) -> list[_InContext]:
    """The mistakes of each answer with enough of them, in windows that don't clearly say a point by `of_points`."""
    said = {claims[0].example.answer: claims for claims in _by_answer(_judged_points(examples, of_points), 1)}
    found = []
    for claims in _by_answer(_judged(examples, "mistake", judge, MISTAKE_FEATURES), FEWEST_MISTAKES):
        points = said[claims[0].example.answer]
        wrong = map(unless_right, _by_reading(claims), _by_reading(points))
        made = np.concatenate(list(wrong))
        features = in_context(best_odds(made), made.max(axis=0))
        found.append(_InContext(features, _targets(claims), _signals(claims)))
    return found


def _by_reading(claims: Sequence[_Judged]) -> list[Array]:
    """The probabilities (windows, claims) by sentences and by clauses."""
    return [np.column_stack(columns) for columns in zip(*(readings for _, readings in claims), strict=True)]


def _targets(claims: Sequence[_Judged]) -> Array:
    return np.array([example.target for example, _ in claims])


def _signals(claims: Sequence[_Judged]) -> npt.NDArray[np.bool_]:
    return np.array([example.group == "signal" for example, _ in claims])


def _only(answers: Sequence[_InContext], *, signals: bool) -> list[_InContext]:
    """Of the claims of each answer those that are signals, or those that are not."""
    return [_InContext(*(each[one.signals == signals] for each in one)) for one in answers]


def _fit_context(answers: Sequence[_InContext], names: tuple[str, ...]) -> Logistic:
    """The second step: each claim's credit from its own best windows and from the others of the same answer."""
    if not sum(len(one.targets) for one in answers):  # nothing to learn from: the credit is the claim's own probability
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


def _threshold(answers: Sequence[_InContext], judge: Logistic) -> float:
    """The least probability from which RIGHTLY of the mistakes called made are, on `answers`, in steps of .05."""
    made = np.concatenate([one.targets for one in answers] or [np.zeros(0)]) > 0
    if not made.any():
        return 0.5
    score = np.concatenate([judge(one.features, CONTEXT_FEATURES) for one in answers])
    steps = np.arange(0.10, 0.95, 0.05).round(2)
    enough = [step for step in steps if (score >= step).any() and made[score >= step].mean() >= RIGHTLY]
    return float(enough[0] if enough else steps[-1])
