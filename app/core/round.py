"""A round: one timed mock interview, as a value, and the moves that lead from one state to the next.

Every move is a function of the state and the time and returns a new state. The clock runs only while a prompt waits for
its answer: what the grader takes, and what a candidate takes to read feedback between questions, costs no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from app.core.errors import Refused
from app.core.feedback import Answer, Feedback
from app.core.plan import Mode, Options
from app.core.question import Question, Strict
from app.core.rubric import Rubric

MOST_PROBES = 2
"""Follow-ups for one question, at most."""

GRACE = timedelta(seconds=3)
"""How late an answer may arrive on a strict clock and still count: what a slow network takes, not a sentence."""


class PromptKind(StrEnum):
    """What a turn asks: the planned question, or a follow-up on it."""

    question = "question"
    probe = "probe"


class How(StrEnum):
    """How a prompt was left."""

    answered = "answered"
    dont_know = "dont_know"
    skipped = "skipped"
    timed_out = "timed_out"
    ended = "ended"


class Ending(StrEnum):
    """How a round came to its end."""

    finished = "finished"
    timed_out = "timed_out"
    ended = "ended"


class AlreadyAnswered(Refused):
    """A second answer to a prompt: a double click, a replayed request, or the back button."""


class Reply(Strict):
    """What the candidate said to a prompt. `at` is when the request arrived."""

    text: str
    how: How
    at: datetime


class Turn(Strict):
    """One prompt with its answer. `point_id` is the rubric point that a probe aims at."""

    position: int
    question_index: int
    kind: PromptKind
    prompt: str
    asked_at: datetime
    point_id: str | None = None
    reply: Reply | None = None


class Planned(Strict):
    """A question as this round asks it: a copy, so that a later edit of the bank can't rewrite history."""

    question: Question
    rubric: Rubric


class Round(Strict):
    """One mock interview: the plan, and the turns taken so far."""

    id: str
    options: Options
    plan: tuple[Planned, ...]
    started_at: datetime
    turns: tuple[Turn, ...] = ()
    ended_at: datetime | None = None
    ending: Ending | None = None

    @property
    def open_turn(self) -> Turn | None:
        """The prompt that waits for an answer, if one does."""
        if self.ended_at is None and self.turns and self.turns[-1].reply is None:
            return self.turns[-1]
        return None

    def turns_of(self, question_index: int) -> tuple[Turn, ...]:
        """The turns spent on one question of the plan."""
        return tuple(turn for turn in self.turns if turn.question_index == question_index)

    def answers_of(self, question_index: int) -> tuple[Answer, ...]:
        """What the candidate said on one question, as a grader takes it."""
        return tuple(
            Answer(turn=turn.position, text=turn.reply.text, after_probe=turn.kind is PromptKind.probe)
            for turn in self.turns_of(question_index)
            if turn.reply is not None
        )

    def time_used(self, at: datetime) -> timedelta:
        """How long prompts have waited for answers, up to `at`."""
        return sum((_waited(turn, at) for turn in self.turns), timedelta())

    def deadline(self) -> datetime | None:
        """When the open prompt's time runs out; None when untimed or when nothing is open (the clock stands)."""
        turn = self.open_turn
        if turn is None or self.options.minutes is None:
            return None
        return turn.asked_at + timedelta(minutes=self.options.minutes) - self.time_used(turn.asked_at)

    def time_left(self, at: datetime) -> timedelta | None:
        """What is left on the clock (never below zero); None when untimed."""
        if self.options.minutes is None:
            return None
        return max(timedelta(), timedelta(minutes=self.options.minutes) - self.time_used(at))


class Ask(Strict):
    """The next move: put this prompt."""

    kind: PromptKind
    question_index: int
    prompt: str
    point_id: str | None = None


class Finish(Strict):
    """The next move: the round is over."""

    ending: Ending


class AwaitReview(Strict):
    """The next move is the candidate's: in coach mode they read the feedback on this question, then go on."""

    question_index: int


Move = Ask | Finish | AwaitReview


def start(round_id: str, options: Options, plan: Sequence[Planned], at: datetime) -> Round:
    """A new round with its first question asked."""
    fresh = Round(id=round_id, options=options, plan=tuple(plan), started_at=at)
    return ask(fresh, _question(fresh, 0), at)


def ask(round_: Round, move: Ask, at: datetime) -> Round:
    """The round with one more prompt. Raises Refused where a prompt is still open or the round is over."""
    _refuse_ended(round_)
    if round_.open_turn is not None:
        raise Refused("The last prompt has not been answered yet.")
    turn = Turn(position=len(round_.turns), asked_at=at, **move.model_dump())
    return round_.model_copy(update={"turns": (*round_.turns, turn)})


def submit(round_: Round, position: int, text: str, how: How, at: datetime) -> Round:
    """The round with its open prompt answered.

    Raises AlreadyAnswered when the prompt at `position` has its answer, Refused when it isn't the open one, when the
    round is over, or when a strict clock ran out more than GRACE ago. An answer within GRACE counts as given in time.
    """
    if position < len(round_.turns) and round_.turns[position].reply is not None:
        raise AlreadyAnswered("This prompt has been answered already; the first answer stands.")
    _refuse_ended(round_)
    turn = round_.open_turn
    if turn is None or turn.position != position:
        raise Refused("This prompt is not open for an answer. Go back to the round to see where it stands.")
    deadline = strict_deadline(round_)
    if deadline is not None and at >= deadline + GRACE:
        raise Refused("Time was up before this answer arrived.")
    if deadline is not None and at >= deadline:
        how, at = How.timed_out, deadline
    return _replied(round_, Reply(text=text, how=how, at=at))


def strict_deadline(round_: Round) -> datetime | None:
    """When time is up and the draft counts as the answer; None in coach mode, whose clock only warns."""
    return round_.deadline() if round_.options.mode is Mode.pressure else None


def time_out(round_: Round, draft: str, at: datetime) -> Round:
    """The round after its strict clock ran out: the draft is the answer and the round is over. Else the same round."""
    deadline = strict_deadline(round_)
    if deadline is None or at < deadline + GRACE:
        return round_
    return finish(_replied(round_, Reply(text=draft, how=How.timed_out, at=deadline)), Ending.timed_out, deadline)


def end(round_: Round, draft: str, at: datetime) -> Round:
    """The round ended by the candidate; what stood in the draft is kept as the answer. Raises Refused when over."""
    _refuse_ended(round_)
    if round_.open_turn is not None:
        deadline = strict_deadline(round_)
        at = min(at, deadline) if deadline is not None else at
        round_ = _replied(round_, Reply(text=draft, how=How.ended, at=at))
    return finish(round_, Ending.ended, at)


def finish(round_: Round, ending: Ending, at: datetime) -> Round:
    """The round, over."""
    _refuse_ended(round_)
    return round_.model_copy(update={"ended_at": at, "ending": ending})


def next_move(round_: Round, feedback: Feedback | None, at: datetime, *, reviewed: bool = False) -> Move:
    """What comes after the last answer: a probe, the next question, a review (coach mode) or the end.

    `feedback` is the one on the last turn's question, or None when it could not be graded: then nothing is probed.
    `reviewed` says that the candidate has read the feedback. Raises Refused while a prompt is open.
    """
    _refuse_ended(round_)
    if not round_.turns or round_.open_turn is not None:
        raise Refused("The last prompt has not been answered yet.")
    last = round_.turns[-1]
    out_of_time = round_.time_left(at) == timedelta()
    if not reviewed and not out_of_time and (probe := _probe(round_, feedback)):
        return probe
    if round_.options.mode is Mode.coach and not reviewed:
        return AwaitReview(question_index=last.question_index)
    if out_of_time:
        return Finish(ending=Ending.timed_out)
    if last.question_index + 1 < len(round_.plan):
        return _question(round_, last.question_index + 1)
    return Finish(ending=Ending.finished)


def _probe(round_: Round, feedback: Feedback | None) -> Ask | None:
    """The probe of the heaviest point still missing, if one may be asked."""
    last = round_.turns[-1]
    gave_up = last.reply is not None and (
        last.reply.how not in (How.answered, How.dont_know)
        or (last.reply.how is How.dont_know and last.kind is PromptKind.probe)
    )
    asked = [turn.point_id for turn in round_.turns_of(last.question_index) if turn.kind is PromptKind.probe]
    if feedback is None or gave_up or len(asked) >= MOST_PROBES:
        return None
    for point in feedback.missing(round_.plan[last.question_index].rubric):
        if point.id not in asked:
            return Ask(kind=PromptKind.probe, question_index=last.question_index, prompt=point.probe, point_id=point.id)
    return None


def _question(round_: Round, index: int) -> Ask:
    return Ask(kind=PromptKind.question, question_index=index, prompt=round_.plan[index].question.prompt)


def _replied(round_: Round, reply: Reply) -> Round:
    turn = round_.turns[-1].model_copy(update={"reply": reply})
    return round_.model_copy(update={"turns": (*round_.turns[:-1], turn)})


def _waited(turn: Turn, at: datetime) -> timedelta:
    until = turn.reply.at if turn.reply is not None else at
    return max(timedelta(), until - turn.asked_at)


def _refuse_ended(round_: Round) -> None:
    if round_.ended_at is not None:
        raise Refused("This round is over. Its report shows all that was said.")
