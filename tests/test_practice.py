from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

import pytest

from app.content import Content
from app.core import round as rounds
from app.core.errors import InvalidRequest, NotFound, Refused, TooLong
from app.core.feedback import Answer, Feedback
from app.core.grader import Grader
from app.core.plan import Mode, Options
from app.core.question import Domain
from app.core.round import AlreadyAnswered, Ending, How, PromptKind, Reply
from app.core.rubric import Rubric
from app.grading_queue import GradingQueue, Readiness
from app.practice import Practice
from app.settings import Settings
from app.store.store import Record, Store
from tests.graders import WordGrader
from tests.values import BEGIN, later

PATIENCE = 20.0
OPTIONS = Options(domains=(Domain.fundamentals,), minutes=15, count=2)
COACH = OPTIONS.model_copy(update={"mode": Mode.coach})
UP = timedelta(minutes=15) + rounds.GRACE


class Clock:
    """The practice's own clock, set by hand."""

    def __init__(self) -> None:
        self.at = BEGIN

    def __call__(self) -> datetime:
        return self.at


class Quoting:
    """A grader that breaks with the answer in its error, as model libraries do."""

    name = "quoting-1"

    def grade(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        raise ValueError(f"token out of range in: {answers[0].text}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def build(store: Store, content: Content, clock: Clock) -> Callable[..., Practice]:
    """A Practice on the test's database, not opened: as a program that was killed before it graded."""

    def build(grader: Grader, on: Store = store, **more: int) -> Practice:
        queue = GradingQueue(lambda: grader)
        return Practice(on, content.questions, content.rubrics, queue, clock=clock, **more)

    return build


@pytest.fixture
def practice(build: Callable[..., Practice], grader: WordGrader) -> Iterator[Practice]:
    with opened(build(grader)) as running:
        yield running
        grader.hold.set()


@contextmanager
def opened(practice: Practice) -> Iterator[Practice]:
    practice.open()
    yield practice
    practice.close()


@pytest.fixture
def rows(settings: Settings) -> Callable[..., list[tuple[object, ...]]]:
    """What an SQL query finds in the file itself."""

    def rows(query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(settings.database_path)) as connection:
            return connection.execute(query).fetchall()

    return rows


Rows = Callable[[str], list[tuple[object, ...]]]


def graded(practice: Practice, round_id: str) -> None:
    assert practice.wait_graded(round_id, PATIENCE), "never graded"


def answered(practice: Practice, round_id: str, text: str = "ALL", position: int = 0, seconds: float = 10) -> None:
    practice.answer(round_id, position, text, How.answered, later(seconds))
    graded(practice, round_id)


def together(count: int, act: Callable[[int], None]) -> list[BaseException]:
    """Runs `act` on so many threads at once; the errors they raised."""
    gate, errors = threading.Barrier(count), list[BaseException]()

    def run(number: int) -> None:
        gate.wait(PATIENCE)
        try:
            act(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return errors


def replies(record: Record) -> list[Reply | None]:
    return [turn.reply for turn in record.round.turns]


# Starting.


def test_a_new_round_is_stored_with_its_first_question_asked(practice: Practice, store: Store) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    round_ = store.load(round_id).round
    assert (round_.options, round_.started_at, len(round_.plan)) == (OPTIONS, BEGIN, 2)
    (turn,) = round_.turns
    assert (turn.prompt, turn.asked_at, turn.reply) == (round_.plan[0].question.prompt, BEGIN, None)


def test_a_round_that_cant_be_planned_is_not_stored(practice: Practice, store: Store) -> None:
    with pytest.raises(InvalidRequest):
        practice.start_round(OPTIONS.model_copy(update={"only": "fundamentals/nothing"}), BEGIN)
    assert store.rounds() == []


def test_questions_asked_lately_are_avoided_until_all_were_asked(practice: Practice, content: Content) -> None:
    there = {one for one in content.questions if one.startswith("fundamentals/")}
    asked = []
    for number in range(len(there) + 1):
        options = OPTIONS.model_copy(update={"count": 1, "seed": number})
        round_id = practice.start_round(options, later(number))
        asked.append(practice.current(round_id, later(number)).round.plan[0].question.id)
    assert set(asked[:-1]) == there
    assert asked[-1] == asked[0], "once all were asked, the one seen longest ago comes back"


def test_a_planned_question_that_was_never_asked_counts_as_unseen(practice: Practice, store: Store) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    asked = store.load(round_id).round.plan[0].question.id
    assert store.recent_questions() == [asked]


# Answering.


def test_an_answer_is_stored_before_it_is_graded(practice: Practice, grader: WordGrader, store: Store) -> None:
    grader.hold.clear()
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.answer(round_id, 0, "ALL of it", How.answered, later(10))
    record = store.load(round_id)
    assert replies(record) == [Reply(text="ALL of it", how=How.answered, at=later(10))]
    assert (record.feedbacks, practice.is_grading(record)) == ({}, True)
    assert not practice.wait_graded(round_id, 0.02)
    assert practice.current(round_id, later(11)).round.open_turn is None, "asked on before the grading was done"
    grader.hold.set()
    graded(practice, round_id)
    feedback = store.load(round_id).feedback_on(0)
    assert feedback is not None
    assert (feedback.score, feedback.grader) == (100, "words-1")


def test_the_next_prompt_is_asked_when_the_candidate_looks_and_its_clock_starts_then(
    practice: Practice, store: Store
) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    answered(practice, round_id)
    assert len(store.load(round_id).round.turns) == 1
    record = practice.current(round_id, later(600))
    assert store.load(round_id) == record
    turn = record.round.open_turn
    assert turn is not None
    assert (turn.question_index, turn.kind, turn.asked_at) == (1, PromptKind.question, later(600))
    assert record.round.time_left(later(600)) == timedelta(minutes=15, seconds=-10)
    assert practice.current(round_id, later(700)) == record, "looking again asks nothing more"


def test_a_missing_point_is_probed_and_what_the_probe_draws_out_counts_less(practice: Practice, store: Store) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    points = store.load(round_id).round.plan[0].rubric.points
    heaviest = max(points, key=lambda point: point.weight)
    answered(practice, round_id, "nothing to the point")
    probe = practice.current(round_id, later(20)).round.open_turn
    assert probe is not None
    assert (probe.kind, probe.point_id, probe.prompt) == (PromptKind.probe, heaviest.id, heaviest.probe)
    answered(practice, round_id, f"well, {heaviest.id}", 1, 30)
    feedback = store.load(round_id).feedback_on(0)
    assert feedback is not None
    outcome = next(point for point in feedback.points if point.point_id == heaviest.id)
    assert (outcome.credit, outcome.after_probe) == (0.7, True)


def test_the_same_answer_sent_again_changes_nothing_and_another_one_is_refused(practice: Practice, rows: Rows) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    answered(practice, round_id, "first")
    before = rows("SELECT * FROM replies")
    practice.answer(round_id, 0, "first", How.answered, later(20))
    with pytest.raises(AlreadyAnswered):
        practice.answer(round_id, 0, "second", How.answered, later(21))
    assert rows("SELECT * FROM replies") == before
    assert len(before) == 1


def test_an_answer_that_is_too_long_is_refused_with_the_numbers_and_nothing_is_written(
    build: Callable[..., Practice], grader: WordGrader, rows: Rows
) -> None:
    practice = build(grader, answer_max_chars=1000)
    round_id = practice.start_round(OPTIONS, BEGIN)
    for send in (
        lambda text: practice.answer(round_id, 0, text, How.answered, later(1)),
        lambda text: practice.save_draft(round_id, 0, text, None, later(1)),
        lambda text: practice.end(round_id, later(1), text),
    ):
        with pytest.raises(TooLong, match="1,001 characters; the limit is 1,000"):
            send("x" * 1001)
    assert rows("SELECT text FROM replies UNION SELECT text FROM drafts UNION SELECT ending FROM endings") == []
    practice.answer(round_id, 0, "x" * 1000, How.answered, later(1))
    assert rows("SELECT length(text) FROM replies") == [(1000,)]


def test_twenty_different_answers_at_once_leave_exactly_one(practice: Practice, store: Store, rows: Rows) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    errors = together(20, lambda n: practice.answer(round_id, 0, f"text {n}", How.answered, later(10)))
    assert [type(error) for error in errors] == [AlreadyAnswered] * 19
    graded(practice, round_id)
    assert len(rows("SELECT * FROM replies")) == 1
    assert len(rows("SELECT * FROM feedbacks")) == 1
    record = store.load(round_id)
    assert len(record.round.turns) == 1
    assert record.feedback_on(0) is not None


def test_the_same_answer_twenty_times_at_once_is_one_answer_and_no_error(practice: Practice, rows: Rows) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    assert together(20, lambda n: practice.answer(round_id, 0, "ALL", How.answered, later(10 + n))) == []
    graded(practice, round_id)
    assert rows("SELECT position, text FROM replies") == [(0, "ALL")]
    assert rows("SELECT position, score FROM feedbacks") == [(0, 100.0)]


def test_twenty_looks_at_once_ask_the_next_question_once(practice: Practice, rows: Rows) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    answered(practice, round_id)
    assert together(20, lambda n: practice.current(round_id, later(20 + n)) and None) == []
    assert rows("SELECT position, question_index FROM prompts ORDER BY position") == [(0, 0), (1, 1)]


def test_ending_and_answering_at_once_keep_one_of_the_two_texts(practice: Practice, rows: Rows) -> None:
    for number in range(10):
        round_id = practice.start_round(OPTIONS, BEGIN)

        def act(which: int, round_id: str = round_id) -> None:
            if which:
                practice.end(round_id, later(10), "ended")
            else:
                practice.answer(round_id, 0, "answered", How.answered, later(10))

        errors = together(2, act)
        assert all(isinstance(error, Refused) for error in errors)
        graded(practice, round_id)
        assert len(rows("SELECT text FROM replies")) == number + 1


# Drafts and the clock.


def test_a_draft_is_kept_and_an_older_tab_cant_overwrite_it(practice: Practice, store: Store) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    saved = practice.save_draft(round_id, 0, "newer", 0, later(5))
    assert saved == store.draft(round_id, 0)
    assert practice.save_draft(round_id, 0, "older", 0, later(6)) is None
    assert store.draft(round_id, 0).text == "newer"


def test_when_time_is_up_the_draft_is_the_answer_though_nobody_looks(
    practice: Practice, store: Store, clock: Clock
) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.save_draft(round_id, 0, "ALL that I had", 0, later(800))
    clock.at = BEGIN + UP - timedelta(microseconds=1)
    practice.sweep()
    assert store.load(round_id).round.ended_at is None
    clock.at = BEGIN + UP
    practice.sweep()
    graded(practice, round_id)
    record = store.load(round_id)
    deadline = BEGIN + timedelta(minutes=15)
    assert replies(record) == [Reply(text="ALL that I had", how=How.timed_out, at=deadline)]
    assert (record.round.ended_at, record.round.ending) == (deadline, Ending.timed_out)
    feedback = record.feedback_on(0)
    assert feedback is not None
    assert feedback.score == 100


@pytest.mark.parametrize("visit", ["current", "save_draft", "answer", "end"])
def test_any_visit_after_time_is_up_settles_the_clock_first(practice: Practice, store: Store, visit: str) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.save_draft(round_id, 0, "in time", 0, later(800))
    late = BEGIN + UP
    if visit == "current":
        practice.current(round_id, late)
    elif visit == "save_draft":
        with pytest.raises(Refused, match="over"):
            practice.save_draft(round_id, 0, "too late", None, late)
    elif visit == "answer":
        with pytest.raises(AlreadyAnswered):
            practice.answer(round_id, 0, "too late", How.answered, late)
    else:
        practice.end(round_id, late, "too late")
    record = store.load(round_id)
    assert replies(record) == [Reply(text="in time", how=How.timed_out, at=BEGIN + timedelta(minutes=15))]
    assert record.round.ending is Ending.timed_out
    graded(practice, round_id)


def test_an_answer_on_its_way_when_time_ran_out_still_counts(practice: Practice, store: Store) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.save_draft(round_id, 0, "half", 0, later(890))
    practice.answer(round_id, 0, "half and the rest", How.answered, BEGIN + UP - timedelta(seconds=1))
    graded(practice, round_id)
    record = practice.current(round_id, later(1000))
    assert replies(record) == [Reply(text="half and the rest", how=How.timed_out, at=BEGIN + timedelta(minutes=15))]
    assert record.round.ending is Ending.timed_out


def test_the_clock_stands_while_the_grader_works(practice: Practice, grader: WordGrader, store: Store) -> None:
    grader.hold.clear()
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.answer(round_id, 0, "ALL", How.answered, later(60))
    practice.current(round_id, later(4000))
    assert store.load(round_id).round.ended_at is None
    grader.hold.set()
    graded(practice, round_id)
    turn = practice.current(round_id, later(4001)).round.open_turn
    assert turn is not None
    assert turn.question_index == 1


def test_a_coach_lets_one_finish_after_time_is_up(practice: Practice, store: Store, clock: Clock) -> None:
    round_id = practice.start_round(COACH, BEGIN)
    clock.at = later(5000)
    practice.sweep()
    assert practice.current(round_id, later(5000)).round.open_turn is not None
    answered(practice, round_id, "late but whole", seconds=5001)
    assert replies(store.load(round_id)) == [Reply(text="late but whole", how=How.answered, at=later(5001))]
    over = practice.current(round_id, later(5002), reviewed=True).round
    assert over.ending is Ending.timed_out


def test_a_coach_goes_on_only_after_the_review(practice: Practice) -> None:
    round_id = practice.start_round(COACH, BEGIN)
    answered(practice, round_id)
    assert practice.current(round_id, later(20)).round.open_turn is None
    turn = practice.current(round_id, later(30), reviewed=True).round.open_turn
    assert turn is not None
    assert (turn.question_index, turn.asked_at) == (1, later(30))


# Ending.


def test_a_round_that_has_nothing_left_to_ask_ends_by_itself(practice: Practice, store: Store, clock: Clock) -> None:
    round_id = practice.start_round(OPTIONS.model_copy(update={"count": 1}), BEGIN)
    clock.at = later(12)
    answered(practice, round_id)
    round_ = store.load(round_id).round
    assert (round_.ending, round_.ended_at) == (Ending.finished, later(12))


@pytest.mark.parametrize(("text", "kept"), [(None, "the draft"), ("what stood there", "what stood there"), ("", "")])
def test_ending_keeps_what_stands_in_the_box_and_grades_it(
    practice: Practice, store: Store, text: str | None, kept: str
) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.save_draft(round_id, 0, "the draft", 0, later(5))
    practice.end(round_id, later(10), text)
    graded(practice, round_id)
    record = store.load(round_id)
    assert replies(record) == [Reply(text=kept, how=How.ended, at=later(10))]
    assert (record.round.ending, record.round.ended_at) == (Ending.ended, later(10))
    assert record.feedback_on(0) is not None


def test_ending_an_ended_round_changes_nothing(practice: Practice, store: Store) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.end(round_id, later(10), "once")
    graded(practice, round_id)
    before = store.load(round_id)
    practice.end(round_id, later(20), "twice")
    graded(practice, round_id)
    assert store.load(round_id) == before


# Failing and trying again.


def test_a_failed_grading_is_told_and_the_round_goes_on_without_a_probe(practice: Practice, store: Store) -> None:
    round_id = practice.start_round(OPTIONS, BEGIN)
    answered(practice, round_id, "ungradable")
    record = store.load(round_id)
    assert record.feedbacks == {}
    assert record.failure_on(0) == "The word grader refuses this answer. Try again."
    assert not practice.is_grading(record)
    turn = practice.current(round_id, later(20)).round.open_turn
    assert turn is not None
    assert (turn.kind, turn.question_index) == (PromptKind.question, 1)


def test_retry_grades_what_failed_before(practice: Practice, grader: WordGrader, store: Store) -> None:
    grader.broken = True
    round_id = practice.start_round(OPTIONS, BEGIN)
    answered(practice, round_id)
    assert store.load(round_id).ungraded() == [0]
    grader.broken = False
    practice.retry(round_id)
    graded(practice, round_id)
    record = store.load(round_id)
    assert (record.ungraded(), record.failure_on(0)) == ([], None)
    with pytest.raises(NotFound):
        practice.retry("gone")


def test_what_failed_is_not_tried_again_at_every_sweep_but_at_the_next_start(
    build: Callable[..., Practice], grader: WordGrader, rows: Rows
) -> None:
    grader.broken = True
    with opened(build(grader)) as practice:
        round_id = practice.start_round(OPTIONS, BEGIN)
        answered(practice, round_id)
        for _ in range(3):
            practice.sweep()
            graded(practice, round_id)
        assert len(rows("SELECT * FROM failures")) == 1
    grader.broken = False
    with opened(build(grader)) as again:
        graded(again, round_id)
        assert rows("SELECT score FROM feedbacks") == [(100.0,)]


def test_an_error_of_the_grader_is_a_failure_that_quotes_no_answer(
    build: Callable[..., Practice], store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with opened(build(Quoting())) as practice:
        round_id = practice.start_round(OPTIONS, BEGIN)
        answered(practice, round_id, "my secret answer")
    record = store.load(round_id)
    assert record.feedbacks == {}
    assert record.failure_on(0) == "The grader broke off (ValueError). Retry, or report it."
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_a_grader_that_cant_be_loaded_costs_no_answer(store: Store, content: Content, clock: Clock) -> None:
    def load() -> Grader:
        raise ImportError("no torch here")

    queue = GradingQueue(load)
    with opened(Practice(store, content.questions, content.rubrics, queue, clock=clock)) as practice:
        assert queue.wait_ready(PATIENCE).readiness is Readiness.failed
        assert practice.grader_state().reason == "The grader could not be loaded: no torch here"
        round_id = practice.start_round(OPTIONS, BEGIN)
        answered(practice, round_id)
        turn = practice.current(round_id, later(20)).round.open_turn
    assert turn is not None
    assert turn.question_index == 1
    assert store.load(round_id).failure_on(0) == "The grader could not be loaded: no torch here"


# Crashes and deletions.


def test_an_answer_that_a_crash_left_ungraded_is_graded_at_the_next_start(
    build: Callable[..., Practice], grader: WordGrader, settings: Settings, store: Store
) -> None:
    killed = build(grader)  # never opened: nothing that it queues is graded
    round_id = killed.start_round(OPTIONS, BEGIN)
    killed.answer(round_id, 0, "ALL", How.answered, later(10))
    assert store.load(round_id).ungraded() == [0]
    with closing(Store(settings.database_path)) as second, opened(build(grader, second)) as practice:
        graded(practice, round_id)
    feedback = store.load(round_id).feedback_on(0)
    assert feedback is not None
    assert feedback.score == 100


def test_a_draft_that_a_crash_left_is_the_answer_when_time_was_up_meanwhile(
    build: Callable[..., Practice], grader: WordGrader, store: Store, clock: Clock
) -> None:
    killed = build(grader)
    round_id = killed.start_round(OPTIONS, BEGIN)
    killed.save_draft(round_id, 0, "ALL in the draft", 0, later(10))
    clock.at = later(4000)
    with opened(build(grader)) as practice:
        graded(practice, round_id)
    record = store.load(round_id)
    assert replies(record) == [Reply(text="ALL in the draft", how=How.timed_out, at=BEGIN + timedelta(minutes=15))]
    assert record.feedback_on(0) is not None


def test_two_programs_on_one_database_write_one_feedback(
    build: Callable[..., Practice], practice: Practice, grader: WordGrader, rows: Rows
) -> None:
    grader.hold.clear()
    round_id = practice.start_round(OPTIONS, BEGIN)
    practice.answer(round_id, 0, "ALL", How.answered, later(10))
    with opened(build(WordGrader())) as other:
        graded(other, round_id)
    grader.hold.set()
    graded(practice, round_id)
    assert rows("SELECT position, grader, score FROM feedbacks") == [(0, "words-1", 100.0)]
    assert rows("SELECT * FROM failures") == []


@pytest.mark.parametrize("which", ["under way", "queued"])
def test_a_round_deleted_before_its_grading_is_done_leaves_nothing_and_the_next_is_graded(
    practice: Practice,
    grader: WordGrader,
    store: Store,
    rows: Rows,
    caplog: pytest.LogCaptureFixture,
    which: str,
) -> None:
    grader.hold.clear()
    ids = [practice.start_round(OPTIONS, BEGIN) for _ in range(2)]
    for round_id in ids:
        practice.answer(round_id, 0, "ALL", How.answered, later(10))
    gone, kept = ids if which == "under way" else reversed(ids)
    practice.delete_round(gone)
    grader.hold.set()
    graded(practice, gone)
    graded(practice, kept)
    assert rows("SELECT id FROM rounds") == [(kept,)]
    assert rows("SELECT round_id FROM feedbacks") == [(kept,)]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    with pytest.raises(NotFound):
        practice.current(gone, later(20))


def test_every_move_on_a_round_that_isnt_there_says_so(practice: Practice) -> None:
    for move in (
        lambda: practice.current("gone", BEGIN),
        lambda: practice.answer("gone", 0, "text", How.answered, BEGIN),
        lambda: practice.save_draft("gone", 0, "text", None, BEGIN),
        lambda: practice.end("gone", BEGIN),
        lambda: practice.delete_round("gone"),
    ):
        with pytest.raises(NotFound):
            move()
