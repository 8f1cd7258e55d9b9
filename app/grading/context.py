"""A point's credit in the light of the whole answer.

A window that looks doubtful by itself is more often right in an answer that is convincing on the other points, and more
often wrong in one that is not: labelled answers show it clearly. So the credit of a point is a logistic function of two
things, both with non-negative weights: the log odds from its own best windows, and the mean log odds of the rubric's
other points. What is said can only help, and nothing but what is said counts.

A third thing speaks against a point: a mistake that denies it. Who says that a higher threshold raises recall has not
said that it lowers it, however near the sentence comes. Of the 617 points in labelled answers that a mistake made in
the same answer denies, five are labelled as said and seven as partly said.

And a fourth: a turn that is hardly nearer to its question than to another one. What looks like a point there is more
often one of the other question's.

So it is with mistakes: whoever makes one is likelier to have made the next. Of the mistakes in all labelled answers,
twins among them, 66 % are found at a precision of 0.9 in context and 60 % without, fitted without the question.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CONTEXT_FEATURES = ("own", "others")
POINT_CONTEXT_FEATURES = (*CONTEXT_FEATURES, "undenied", "on_topic")
SHARES = (1.0, 0.75, 0.5, 0.25)
"""What a point's best windows count in its own log odds. With the best one alone a score depends on how a thing
happens to be put: the mean change of a score by a rewording was 12.8 of 100 with (1, .5, .25) and is 12.3 with these,
the rest level. With three alike and a quarter of the fourth (a sentence by itself and with either neighbour), what is
said in one short sentence between two others falls short.
"""
READINGS = (3.0, 1.0)
"""What a point's log odds by sentences and by clauses count. With (2, 1) worthless answers written without the rubric
rank above partial ones in 3.1 % of pairs, with these in 1.9 %; the rest is level. With equal weight the AUC of a point
said against one missing was .955 instead of .958 on answers written with the rubric, and .886 instead of .883 on typed
ones."""
FEWEST, FEWEST_MISTAKES = 4, 2
"""Points and mistakes from which the others say something; below, each is judged by itself."""
SURE = 0.05
"""Probabilities are kept this far from 0 and 1: no single point outweighs all others, and "surely not" is no less for a
sentence about something else than for one on the topic. With .045 to .06 a few more mistakes are found than with .03,
and fewer worthless answers rank above partial ones; the rest is level."""

REACH = 2.0
"""Log odds to which the other points' are cut: a short answer leaves most points far behind, and no more than "probably
not said" may count against the two or three that it makes well."""

DENIABLE = 0.2
"""A mistake less likely than this, in its likeliest window, speaks against no point. Log loss of the points' credit
where no mistake speaks against any .330; from .05 up .324, from .1 and from .2 up .323."""

Array = npt.NDArray[np.float64]


def own_odds(readings: Sequence[Array]) -> Array:
    """Each point's log odds (points,), from probabilities (windows, points) by each of the turn's readings."""
    return _over(readings, [_odds_in_windows(nearest) for nearest in readings])


def likeliest(readings: Sequence[Array]) -> Array:
    """Each point's probability (points,) by its best window, from those by each of the turn's readings."""
    odds = _over(readings, [log_odds(nearest.max(axis=0)) for nearest in readings])
    return np.asarray(1 / (1 + np.exp(-odds)), np.float64)


def _over(readings: Sequence[Array], odds: Sequence[Array]) -> Array:
    return np.asarray(np.average(odds, axis=0, weights=READINGS[: len(readings)]), np.float64)


def _odds_in_windows(nearest: Array) -> Array:
    """Each point's log odds over its best windows, weighed by SHARES: (points,) from probabilities (windows, points).

    The windows are the n sentences and then the n - 1 pairs of neighbours. A pair counts at least as its less
    convincing sentence, so that taking a sentence away never helps; the first and last count as a pair with nothing, so
    that talk about something else before or after them doesn't either.
    """
    sentences = (len(nearest) + 1) // 2
    single, pairs = nearest[:sentences], nearest[sentences:]
    pairs = np.maximum(pairs, np.minimum(single[:-1], single[1:]))
    best = -np.sort(-np.concatenate([single, pairs, single[:1], single[-1:]]), axis=0)[: len(SHARES)]
    return np.asarray(np.average(log_odds(best), axis=0, weights=SHARES[: len(best)]), np.float64)


def best_odds(wrong: Array) -> Array:
    """Each mistake's log odds by its best window, (mistakes,) from probabilities (windows, mistakes).

    A mistake is made in one place; the mean over several windows, or over both readings, finds fewer.
    """
    return log_odds(wrong.max(axis=0))


def in_context(own: Array, so_far: Array) -> npt.NDArray[np.float32]:
    """CONTEXT_FEATURES of each claim, (claims, 2): of all points of a rubric, or of all its mistakes.

    `own` (claims,) are the log odds that this turn makes each claim, `so_far` the highest probabilities over the turns
    up to it.
    """
    odds = np.clip(log_odds(so_far), -REACH, REACH)
    others = (odds.sum() - odds) / max(1, len(odds) - 1)
    return np.stack([own, others], axis=1).astype(np.float32)


def points_in_context(own: Array, so_far: Array, denied: Array, on_topic: float) -> npt.NDArray[np.float32]:
    """POINT_CONTEXT_FEATURES of each point, (points, 4); `denied` (points,) is how likely a mistake denies it.

    `on_topic`, 0..1, is how far the turn is above the bound for answers about something else (OnTopic.above).
    """
    undenied = -log_odds(np.maximum(denied, DENIABLE))
    return np.column_stack([in_context(own, so_far), undenied, np.full(len(own), on_topic)]).astype(np.float32)


def log_odds(probability: Array, sure: float = SURE) -> Array:
    """log(p / (1 - p)), kept finite: probabilities stay `sure` from 0 and 1."""
    kept = np.clip(probability, sure, 1 - sure)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)
