"""Feedback: a grader's verdict on the turns of one question, and the arithmetic from credit to total.

Everything a total is made of is here, so that a person can follow it with pencil and paper:

    credit of a point   = the best over the turns of (credit in that turn x PROBE_FACTOR if the turn answered a probe)
    total               = 100 x (sum of weight x credit) / (sum of weights)  -  MISTAKE_COST for each mistake made
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.core.question import Strict
from app.core.rubric import Point, Rubric, Verdict

PROBE_FACTOR = 0.7
"""What a credit earned only after a probe counts."""

SAID_FROM, PARTLY_FROM = 0.6, 0.3
"""The credit from which a point counts as said, and as partly said."""

MISTAKE_COST = 6.0
"""Score points (of 100) that each mistake made costs."""

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

    `flags` say why the whole answer earned nothing; `set_aside` names single turns that did not count, `left_out`
    single sentences. A grader that has them adds its `advice`, its `impression` of the whole, and the ids whose verdict
    was `void`: it could not show the words.
    """

    question_id: str
    points: tuple[PointFeedback, ...]
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


def total(rubric: Rubric, points: Iterable[PointFeedback], mistakes: Iterable[MistakeFeedback]) -> float:
    """The score, 0..100, from the credits and the mistakes made."""
    weights = {point.id: point.weight for point in rubric.points}
    earned = sum(weights[point.point_id] * point.credit for point in points)
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
    return Feedback(
        question_id=rubric.question_id,
        points=points,
        mistakes=outcome,
        flags=tuple(flags),
        set_aside=tuple(set_aside),
        left_out=tuple(left_out),
        score=total(rubric, points, outcome),
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
