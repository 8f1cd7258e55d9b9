"""Feedback: a grader's verdict on the turns of one question, and the arithmetic from credit to total.

Everything a total is made of is here, so that a person can follow it with pencil and paper:

    credit of a point   = the best over the turns of (credit in that turn x PROBE_FACTOR if the turn answered a probe)
    total               = 100 x (sum of weight x credit) / (sum of weights)  -  MISTAKE_COST for each mistake made

where the credit of a signal, which any story can have, counts only so far as the story answers the question:

    share of a signal   = TOLD_AT_LEAST + (1 - TOLD_AT_LEAST) x (mean credit of the TOLD_BY best points of the question)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import fmean
from typing import Annotated

from pydantic import Field

from app.core.question import Strict
from app.core.rubric import Point, PointKind, Rubric, Verdict

PROBE_FACTOR = 0.7
"""What a credit earned only after a probe counts."""

SAID_FROM, PARTLY_FROM = 0.6, 0.3
"""The credit from which a point counts as said, and as partly said."""

MISTAKE_COST = 6.0
"""Score points (of 100) that each mistake made costs."""

TOLD_AT_LEAST, TOLD_BY = 0.3, 2
"""What a signal counts in an answer that says nothing of what was asked, and how many of the question's own points make
it count in full. Good stories that answer another question had up to 67 of 100 by signals alone. People
who read whole answers see it so: over the 572 labelled last, the score that follows from the labels of the points
predicts the labelled grade with a quadratic kappa of 0.968 with this rule and 0.963 without."""

Unit = Annotated[float, Field(ge=0, le=1)]


class Status(StrEnum):
    """How much of a point was said."""

    said = "said"
    partly = "partly"
    missing = "missing"


class Flag(StrEnum):
    """Why an answer earned no credit at all."""

    no_answer = "no_answer"
    echo = "echo"
    keyword_list = "keyword_list"
    off_topic = "off_topic"
    other_language = "other_language"


class Unheard(StrEnum):
    """Why a stretch of a turn was not judged."""

    everyday_talk = "everyday_talk"
    to_the_grader = "to_the_grader"


class Answer(Strict):
    """What the candidate said in one turn; `after_probe` is true where the turn answered a follow-up."""

    turn: Annotated[int, Field(ge=0)]
    text: str
    after_probe: bool = False


class Evidence(Strict):
    """A stretch of the candidate's own text: `text` is `answer[start:end]` of the answer with this `turn`."""

    turn: Annotated[int, Field(ge=0)]
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    text: str


class PointCredit(Strict):
    """A grader's finding on one point in one turn, before the arithmetic: raw `credit` and where it was found."""

    point_id: str
    credit: Unit
    evidence: Evidence | None = None
    after_probe: bool = False


class PointFeedback(Strict):
    """The outcome for one point; `credit` already has the probe factor in it."""

    point_id: str
    credit: Unit
    status: Status
    evidence: Evidence | None = None
    after_probe: bool = False


class MistakeFeedback(Strict):
    """Whether a mistake was made, and where."""

    mistake_id: str
    made: bool
    evidence: Evidence | None = None


class SetAside(Strict):
    """A turn that earned nothing, and why, where other turns of the same question did."""

    turn: Annotated[int, Field(ge=0)]
    flag: Flag


class LeftOut(Strict):
    """A stretch of a turn that was not judged, and why, where the rest of the turn was."""

    stretch: Evidence
    why: Unheard


class Feedback(Strict):
    """A grader's verdict on the turns of one question: every point and mistake of its rubric, in the rubric's order.

    `told` is what the credit of a signal counts in the score. `flags` say why the whole answer earned nothing;
    `set_aside` names single turns that did not count, `left_out` single sentences. A grader that has them adds its
    `advice`, its `impression` of the whole, and the ids whose verdict was `void`: it could not show the words.
    """

    question_id: str
    points: tuple[PointFeedback, ...]
    told: Unit = 1.0
    mistakes: tuple[MistakeFeedback, ...]
    flags: tuple[Flag, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    score: Annotated[float, Field(ge=0, le=100)]
    grader: str
    advice: str | None = None
    impression: Verdict | None = None
    void: tuple[str, ...] = ()

    def why_set_aside(self, turn: int) -> Flag | None:
        """Why what was said in `turn` did not count; None where it did, or where nothing was said."""
        flags = [one.flag for one in self.set_aside if one.turn == turn and one.flag is not Flag.no_answer]
        return flags[0] if flags else None

    def left_out_of(self, turn: int) -> tuple[LeftOut, ...]:
        """The stretches of what was said in `turn` that were not judged."""
        return tuple(one for one in self.left_out if one.stretch.turn == turn)

    def missing(self, rubric: Rubric) -> tuple[Point, ...]:
        """The points not said at all, heaviest first, in the rubric's order among equals."""
        missing = {point.point_id for point in self.points if point.status is Status.missing}
        return tuple(sorted((one for one in rubric.points if one.id in missing), key=lambda point: -point.weight))


def status_of(credit: float) -> Status:
    """Said, partly or missing, from a raw credit (before the probe factor)."""
    if credit >= SAID_FROM:
        return Status.said
    return Status.partly if credit >= PARTLY_FROM else Status.missing


def settle(found: Sequence[PointCredit], point_id: str) -> PointFeedback:
    """The best of a point's findings over the turns, those after a probe counting PROBE_FACTOR.

    The status follows the raw credit of the finding that won: a point said after a probe is said, and counts less.
    """
    none = PointCredit(point_id=point_id, credit=0)
    mine = [one for one in found if one.point_id == point_id] or [none]
    best = max(mine, key=_counted)
    status = status_of(best.credit)
    return PointFeedback(
        point_id=point_id,
        credit=round(_counted(best), 4),
        status=status,
        evidence=best.evidence if status is not Status.missing else None,
        after_probe=best.after_probe and status is not Status.missing,
    )


def told_share(rubric: Rubric, points: Iterable[PointFeedback]) -> float:
    """What the credit of a signal counts, TOLD_AT_LEAST..1, by the best credits of the points asked for.

    A point said only after a probe is said. Where a rubric has nothing but signals they count in full.
    """
    asked = {point.id for point in rubric.points if point.kind is not PointKind.signal}
    said = [one.credit / (PROBE_FACTOR if one.after_probe else 1.0) for one in points if one.point_id in asked]
    best = sorted(said)[-TOLD_BY:]
    return round(min(1.0, TOLD_AT_LEAST + (1 - TOLD_AT_LEAST) * fmean(best)), 4) if best else 1.0


def total(rubric: Rubric, points: Sequence[PointFeedback], mistakes: Iterable[MistakeFeedback], told: float) -> float:
    """The score, 0..100, from the credits and the mistakes made; `told` is what the credit of a signal counts."""
    shares = {point.id: told if point.kind is PointKind.signal else 1.0 for point in rubric.points}
    weights = {point.id: point.weight for point in rubric.points}
    earned = sum(weights[one.point_id] * shares[one.point_id] * one.credit for one in points)
    cost = MISTAKE_COST * sum(mistake.made for mistake in mistakes)
    return round(max(0.0, 100 * earned / sum(weights.values()) - cost), 1)


def feedback_from(
    rubric: Rubric,
    found: Sequence[PointCredit],
    mistakes: Sequence[MistakeFeedback],
    flags: Sequence[Flag],
    grader: str,
    set_aside: Sequence[SetAside] = (),
    left_out: Sequence[LeftOut] = (),
) -> Feedback:
    """A grader's findings put together. A flag takes all credit away and keeps the mistakes that were seen."""
    points = tuple(settle([] if flags else found, point.id) for point in rubric.points)
    seen = {mistake.mistake_id: mistake for mistake in mistakes}
    outcome = tuple(
        seen.get(mistake.id, MistakeFeedback(mistake_id=mistake.id, made=False)) for mistake in rubric.mistakes
    )
    told = told_share(rubric, points)
    return Feedback(
        question_id=rubric.question_id,
        points=points,
        told=told,
        mistakes=outcome,
        flags=tuple(flags),
        set_aside=tuple(set_aside),
        left_out=tuple(left_out),
        score=total(rubric, points, outcome, told),
        grader=grader,
    )


def marks(answers: Iterable[Answer]) -> str:
    """A mark of what was said in some turns, from which the words can't be told."""
    digest = hashlib.sha256()
    for answer in answers:
        digest.update(hashlib.sha256(answer.text.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()


def _counted(one: PointCredit) -> float:
    return one.credit * (PROBE_FACTOR if one.after_probe else 1.0)
