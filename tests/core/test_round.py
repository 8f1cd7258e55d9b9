"""The rules of a round: example by example, then as a state machine that tries to break them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.core import round as rounds
from app.core.errors import Refused
from app.core.feedback import PROBE_FACTOR, Feedback, PointCredit, feedback_from
from app.core.plan import Mode, Options
from app.core.question import Domain, Level, Question
from app.core.round import AlreadyAnswered, Ask, AwaitReview, Ending, Finish, How, Planned, PromptKind, Round
from app.core.rubric import Mistake, Point, Rubric

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def planned(slug: str, points: int = 3) -> Planned:
    question_id = f"fundamentals/{slug}"
    question = Question(
        id=question_id,
        title=slug,
        prompt=f"What about {slug}?",
        minutes=5,
        level=Level.mid,
        tags=("tag",),
        typical_gap_for=(),
        model_answer="An answer.",
    )
    rubric = Rubric(
        question_id=question_id,
        points=tuple(
            Point(id=f"p{n}", says=f"Says {n}.", why="Because.", weight=1 + n % 3, probe=f"Probe {n}?")
            for n in range(points)
        ),
        mistakes=(Mistake(id="m0", says="Wrong.", correction="Right."),),
    )
    return Planned(question=question, rubric=rubric)


def feedback(round_: Round, index: int, said: set[str]) -> Feedback:
    rubric = round_.plan[index].rubric
    return feedback_from(rubric, [PointCredit(point_id=one, credit=1) for one in said], [], [], "test")


def begin(mode: Mode = Mode.pressure, minutes: int | None = 30, questions: int = 2) -> Round:
    options = Options(domains=(Domain.fundamentals,), mode=mode, minutes=minutes)  # type: ignore[arg-type]
    return rounds.start("r1", options, [planned(f"q{n}") for n in range(questions)], BEGIN)


def later(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def test_the_heaviest_missing_point_is_probed_first_and_at_most_two_are() -> None:
    round_ = begin()
    for position, expected in enumerate(("p2", "p1")):
        round_ = rounds.submit(round_, position, "text", How.answered, later(10 * (position + 1)))
        move = rounds.next_move(round_, feedback(round_, 0, set()), later(10 * (position + 1)))
        assert isinstance(move, Ask)
        assert (move.kind, move.point_id, move.prompt) == (PromptKind.probe, expected, f"Probe {expected[1]}?")
        round_ = rounds.ask(round_, move, later(10 * (position + 1)))
    round_ = rounds.submit(round_, 2, "text", How.answered, later(60))
    move = rounds.next_move(round_, feedback(round_, 0, set()), later(60))
    assert isinstance(move, Ask)
    assert (move.kind, move.question_index) == (PromptKind.question, 1)


def test_nothing_is_probed_when_nothing_is_missing_or_nothing_was_graded() -> None:
    round_ = rounds.submit(begin(), 0, "text", How.answered, later(10))
    for graded in (feedback(round_, 0, {"p0", "p1", "p2"}), None):
        move = rounds.next_move(round_, graded, later(10))
        assert isinstance(move, Ask)
        assert move.kind is PromptKind.question


@pytest.mark.parametrize(("how", "kind"), [(How.dont_know, PromptKind.probe), (How.skipped, PromptKind.question)])
def test_not_knowing_gets_one_other_way_in_and_a_skip_none(how: How, kind: PromptKind) -> None:
    round_ = rounds.submit(begin(), 0, "", how, later(10))
    move = rounds.next_move(round_, feedback(round_, 0, set()), later(10))
    assert isinstance(move, Ask)
    assert move.kind is kind
    if kind is PromptKind.probe:
        round_ = rounds.submit(rounds.ask(round_, move, later(11)), 1, "", How.dont_know, later(12))
        after = rounds.next_move(round_, feedback(round_, 0, set()), later(12))
        assert isinstance(after, Ask)
        assert after.kind is PromptKind.question


def test_a_second_answer_to_a_prompt_is_refused_and_changes_nothing() -> None:
    round_ = rounds.submit(begin(), 0, "first", How.answered, later(10))
    with pytest.raises(AlreadyAnswered):
        rounds.submit(round_, 0, "second", How.answered, later(11))
    with pytest.raises(Refused):
        rounds.submit(round_, 1, "too early", How.answered, later(11))
    assert round_.turns[0].reply is not None
    assert round_.turns[0].reply.text == "first"


def test_the_clock_stands_while_nothing_waits_for_an_answer() -> None:
    round_ = rounds.submit(begin(), 0, "text", How.answered, later(60))
    much_later = later(60 + 3600)
    assert round_.time_left(much_later) == timedelta(minutes=29)
    assert round_.deadline() is None
    round_ = rounds.ask(round_, _ask_question(1), much_later)
    assert round_.deadline() == much_later + timedelta(minutes=29)


def test_on_a_strict_clock_the_draft_is_the_answer() -> None:
    round_ = begin(minutes=15)
    deadline = BEGIN + timedelta(minutes=15)
    assert rounds.time_out(round_, "draft", deadline) is round_
    ended = rounds.time_out(round_, "draft", deadline + rounds.GRACE)
    assert (ended.ending, ended.ended_at) == (Ending.timed_out, deadline)
    assert ended.turns[0].reply == rounds.Reply(text="draft", how=How.timed_out, at=deadline)


def test_an_answer_within_the_grace_counts_as_given_in_time_and_a_later_one_is_refused() -> None:
    deadline = BEGIN + timedelta(minutes=15)
    inside = rounds.submit(begin(minutes=15), 0, "text", How.answered, deadline + rounds.GRACE / 2)
    assert inside.turns[0].reply == rounds.Reply(text="text", how=How.timed_out, at=deadline)
    assert rounds.next_move(inside, None, deadline + rounds.GRACE) == Finish(ending=Ending.timed_out)
    with pytest.raises(Refused, match="Time was up"):
        rounds.submit(begin(minutes=15), 0, "text", How.answered, deadline + rounds.GRACE)


def test_a_coach_lets_one_finish_the_thought_and_asks_nothing_more() -> None:
    round_ = begin(Mode.coach, minutes=15)
    late = BEGIN + timedelta(minutes=20)
    assert rounds.time_out(round_, "draft", late) is round_
    round_ = rounds.submit(round_, 0, "late but whole", How.answered, late)
    assert isinstance(rounds.next_move(round_, feedback(round_, 0, set()), late), AwaitReview)
    assert rounds.next_move(round_, None, late, reviewed=True) == Finish(ending=Ending.timed_out)


def test_a_coach_shows_feedback_before_going_on() -> None:
    round_ = rounds.submit(begin(Mode.coach), 0, "text", How.answered, later(5))
    full = feedback(round_, 0, {"p0", "p1", "p2"})
    assert rounds.next_move(round_, full, later(5)) == AwaitReview(question_index=0)
    assert isinstance(rounds.next_move(round_, full, later(5), reviewed=True), Ask)


def test_ending_keeps_the_draft_and_nothing_moves_after_it() -> None:
    round_ = rounds.end(begin(), "half a thought", later(30))
    assert round_.turns[0].reply == rounds.Reply(text="half a thought", how=How.ended, at=later(30))
    assert round_.ending is Ending.ended
    for move in (
        lambda: rounds.submit(round_, 1, "x", How.answered, later(31)),
        lambda: rounds.ask(round_, _ask_question(1), later(31)),
        lambda: rounds.end(round_, "x", later(31)),
        lambda: rounds.next_move(round_, None, later(31)),
    ):
        with pytest.raises(Refused):
            move()


def test_asking_twice_is_refused() -> None:
    with pytest.raises(Refused, match="not been answered"):
        rounds.ask(begin(), _ask_question(1), later(1))
    with pytest.raises(Refused, match="not been answered"):
        rounds.next_move(begin(), None, later(1))


def _ask_question(index: int) -> Ask:
    return Ask(kind=PromptKind.question, question_index=index, prompt="?")


class RoundMachine(RuleBasedStateMachine):
    """Any order of moves at any speed: no turn is lost, no third probe is asked, no prompt is put after time."""

    @initialize(
        mode=st.sampled_from(Mode),
        minutes=st.sampled_from([None, 15, 30]),
        points=st.integers(1, 4),
        questions=st.integers(1, 3),
    )
    def begin(self, mode: Mode, minutes: int | None, points: int, questions: int) -> None:
        options = Options(domains=(Domain.fundamentals,), mode=mode, minutes=minutes)  # type: ignore[arg-type]
        self.now = BEGIN
        self.round = rounds.start("r", options, [planned(f"q{n}", points) for n in range(questions)], self.now)
        self.given: dict[int, str] = {}

    @rule(seconds=st.sampled_from([0, 1, 30, 400, 899, 900, 902, 904, 4000]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.round.open_turn is not None)
    @rule(text=st.text(max_size=20), how=st.sampled_from([How.answered, How.dont_know, How.skipped]))
    def answer(self, text: str, how: How) -> None:
        self._settle(text)
        turn = self.round.open_turn
        if turn is not None:
            self.round = rounds.submit(self.round, turn.position, text, how, self.now)
            self.given[turn.position] = text

    @rule(position=st.integers(0, 9), text=st.text(max_size=5))
    def replay(self, position: int, text: str) -> None:
        open_turn = self.round.open_turn
        if open_turn is not None and open_turn.position == position:
            return
        with pytest.raises(Refused):
            rounds.submit(self.round, position, text, How.answered, self.now)

    @precondition(lambda self: self.round.ended_at is None and self.round.open_turn is None)
    @rule(data=st.data(), graded=st.booleans(), reviewed=st.booleans())
    def go_on(self, data: st.DataObject, graded: bool, reviewed: bool) -> None:
        index = self.round.turns[-1].question_index
        ids = [point.id for point in self.round.plan[index].rubric.points]
        said = data.draw(st.sets(st.sampled_from(ids)))
        seen = feedback(self.round, index, said) if graded else None
        move = rounds.next_move(self.round, seen, self.now, reviewed=reviewed)
        left = self.round.time_left(self.now)
        if isinstance(move, Ask):
            assert left is None or left > timedelta(), "a prompt was put after time"
            assert move.point_id not in said
            self.round = rounds.ask(self.round, move, self.now)
        elif isinstance(move, Finish):
            self.round = rounds.finish(self.round, move.ending, self.now)
        else:
            assert self.round.options.mode is Mode.coach
            assert not reviewed

    @precondition(lambda self: self.round.ended_at is None)
    @rule(draft=st.text(max_size=20))
    def end(self, draft: str) -> None:
        turn = self.round.open_turn
        self.round = rounds.end(self.round, draft, self.now)
        if turn is not None:
            self.given[turn.position] = draft

    def _settle(self, draft: str) -> None:
        turn = self.round.open_turn
        after = rounds.time_out(self.round, draft, self.now)
        if after is not self.round and turn is not None:
            self.given[turn.position] = draft
        self.round = after

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "round"):
            return
        assert [turn.position for turn in self.round.turns] == list(range(len(self.round.turns)))
        replies = {turn.position: turn.reply.text for turn in self.round.turns if turn.reply is not None}
        assert replies == self.given

    @invariant()
    def probes_are_few_and_clock_is_kept(self) -> None:
        if not hasattr(self, "round"):
            return
        for index in range(len(self.round.plan)):
            turns = self.round.turns_of(index)
            probes = [turn.point_id for turn in turns if turn.kind is PromptKind.probe]
            assert len(probes) == len(set(probes)) <= rounds.MOST_PROBES
        if self.round.options.mode is Mode.pressure and self.round.options.minutes is not None:
            replied = self.round.model_copy(update={"turns": tuple(t for t in self.round.turns if t.reply)})
            assert replied.time_used(self.now) <= timedelta(minutes=self.round.options.minutes)


TestRoundMachine = RoundMachine.TestCase


def test_credit_after_a_probe_counts_less() -> None:
    rubric = planned("q").rubric
    found = [PointCredit(point_id="p0", credit=1, after_probe=True), PointCredit(point_id="p1", credit=0.5)]
    outcome = {one.point_id: one for one in feedback_from(rubric, found, [], [], "g").points}
    assert (outcome["p0"].credit, outcome["p0"].after_probe, outcome["p0"].status) == (PROBE_FACTOR, True, "said")
    assert (outcome["p1"].credit, outcome["p1"].status) == (0.5, "partly")
