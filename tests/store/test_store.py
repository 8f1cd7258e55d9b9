from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from app.content import Content
from app.core import round as rounds
from app.core.errors import NotFound
from app.core.feedback import Evidence, Feedback, Flag, PointCredit, feedback_from
from app.core.plan import MOST_QUESTIONS, Mode, Options
from app.core.question import Domain, Level, Track
from app.core.round import AlreadyAnswered, Ask, Ending, How, PromptKind, Round
from app.settings import Settings
from app.store.store import Draft, Store
from tests.values import BEGIN, a_round, later, planned, rubric

TABLES = ("rounds", "round_questions", "prompts", "replies", "feedbacks", "failures", "endings", "drafts")

times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
options = st.builds(
    Options,
    domains=st.lists(st.sampled_from(Domain), min_size=1).map(tuple),
    level=st.sampled_from(Level),
    minutes=st.sampled_from([None, 15, 60]),
    count=st.none() | st.integers(1, MOST_QUESTIONS),
    mode=st.sampled_from(Mode),
    track=st.none() | st.sampled_from(Track),
    preset=st.none() | st.just("full-loop"),
    only=st.none() | st.just("lifecycle/a"),
    seed=st.integers(0, 2**63),
)


@pytest.fixture
def database(store: Store, settings: Settings) -> Iterator[sqlite3.Connection]:
    """The file itself, beside the store, with what the store's own connections check switched on."""
    with closing(sqlite3.connect(settings.database_path, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        yield connection


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One file for many generated examples, each of which takes a round id of its own."""
    opened = Store(tmp_path_factory.mktemp("shared") / "greenroom.sqlite3")
    yield opened
    opened.close()


def graded(position: int = 0, grader: str = "test-1", score_of: float = 1) -> Feedback:
    evidence = Evidence(turn=position, start=0, end=4, text="text")
    return feedback_from(rubric(), [PointCredit(point_id="p0", credit=score_of, evidence=evidence)], [], [], grader)


def submitted(store: Store, round_: Round, text: str = "text", seconds: float = 10) -> Round:
    assert round_.open_turn is not None
    after = rounds.submit(round_, round_.open_turn.position, text, How.answered, later(seconds))
    store.add_moves(round_, after)
    return after


def asked(store: Store, round_: Round, index: int, seconds: float, kind: PromptKind = PromptKind.question) -> Round:
    after = rounds.ask(round_, Ask(kind=kind, question_index=index, prompt="?"), later(seconds))
    store.add_moves(round_, after)
    return after


def started(store: Store, round_id: str = "r1", ids: tuple[str, ...] = ("lifecycle/a", "lifecycle/b")) -> Round:
    round_ = a_round(round_id, ids)
    store.add_round(round_)
    return round_


def count(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@hypothesis_settings(max_examples=40)
@given(data=st.data(), chosen=options, at=times)
def test_a_round_comes_back_as_it_went_in(shared: Store, data: st.DataObject, chosen: Options, at: datetime) -> None:
    round_id = f"round-{len(shared.rounds())}"
    ids = ("lifecycle/a", "behavioural/b")
    round_ = rounds.start(round_id, chosen, [planned(one) for one in ids], at)
    shared.add_round(round_)
    for index in range(data.draw(st.integers(0, 2))):
        before = round_
        if round_.open_turn is None:
            round_ = rounds.ask(round_, Ask(kind=PromptKind.probe, question_index=0, prompt="?", point_id="p1"), at)
        how = data.draw(st.sampled_from([How.answered, How.dont_know, How.skipped]))
        round_ = rounds.submit(round_, index, data.draw(st.text()), how, at)
        shared.add_moves(before, round_)
    if data.draw(st.booleans()):
        before, at = round_, data.draw(times)
        round_ = rounds.finish(round_, data.draw(st.sampled_from(Ending)), at)
        shared.add_moves(before, round_)
    assert shared.load(round_id).round == round_


@hypothesis_settings(max_examples=40)
@given(text=st.text(), at=times)
def test_a_draft_comes_back_character_by_character(shared: Store, text: str, at: datetime) -> None:
    round_id = f"round-{len(shared.rounds())}"
    shared.add_round(a_round(round_id))
    assert shared.save_draft(round_id, 0, text, None, at) == Draft(text, 1, at)
    assert shared.draft(round_id, 0) == Draft(text, 1, at)


@pytest.mark.parametrize(
    "text", ["a\x00b", "line\r\nline\n", "\u2028 \u0085 \ufeff", "👩🏽‍💻 é e\u0301", " \t ", "'; DROP TABLE x"]
)
def test_odd_texts_survive_the_file(store: Store, settings: Settings, text: str) -> None:
    submitted(store, started(store), text)
    store.close()
    with closing(Store(settings.database_path)) as reopened:
        reply = reopened.load("r1").round.turns[0].reply
    assert reply is not None
    assert reply.text == text


def test_a_shipped_round_keeps_its_copy_of_question_and_rubric(store: Store, content: Content) -> None:
    ids = sorted(content.questions)[:3]
    plan = [rounds.Planned(question=content.questions[one], rubric=content.rubrics[one]) for one in ids]
    round_ = rounds.start("r1", Options(domains=(Domain.behavioural,)), plan, BEGIN)
    store.add_round(round_)
    assert store.load("r1").round == round_


def test_the_database_itself_refuses_a_second_answer_to_a_prompt(store: Store, database: sqlite3.Connection) -> None:
    submitted(store, started(store), "first")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        database.execute("INSERT INTO replies VALUES ('r1', 0, 'second', 'answered', '2026-03-01T09:00:00+00:00')")
    assert database.execute("SELECT text FROM replies").fetchall() == [("first",)]


@pytest.mark.parametrize(
    "insert",
    [
        "INSERT INTO rounds SELECT * FROM rounds",
        "INSERT INTO round_questions SELECT * FROM round_questions",
        "INSERT INTO prompts SELECT * FROM prompts",
        "INSERT INTO feedbacks SELECT * FROM feedbacks",
        "INSERT INTO endings SELECT * FROM endings",
        "INSERT INTO drafts SELECT * FROM drafts",
    ],
    ids=lambda insert: insert.split()[2],
)
def test_no_row_can_be_there_twice(store: Store, database: sqlite3.Connection, insert: str) -> None:
    round_ = started(store)
    store.save_draft("r1", 0, "draft", None, BEGIN)
    round_ = submitted(store, round_)
    store.add_feedback("r1", 0, graded(), BEGIN)
    store.add_moves(round_, rounds.end(round_, "", later(20)))
    table = insert.split()[2]
    before = count(database, table)
    assert before > 0
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        database.execute(insert)
    assert count(database, table) == before


@pytest.mark.parametrize(
    "orphan",
    [
        "INSERT INTO prompts VALUES ('gone', 0, 0, 'question', NULL, '?', '2026')",
        "INSERT INTO round_questions VALUES ('gone', 0, 'lifecycle/a', 'A')",
        "INSERT INTO endings VALUES ('gone', 'ended', '2026')",
        "INSERT INTO replies VALUES ('r1', 7, 'text', 'answered', '2026')",
        "INSERT INTO drafts VALUES ('r1', 7, 'text', 1, '2026')",
        "INSERT INTO feedbacks (round_id, position, grader, score, body, at) VALUES ('r1', 0, 'g', 0, '{}', '2026')",
        "INSERT INTO failures (round_id, position, reason, at) VALUES ('r1', 0, 'why', '2026')",
    ],
    ids=lambda orphan: orphan.split()[2],
)
def test_no_row_can_hang_on_nothing(store: Store, orphan: str) -> None:
    """Through the store's own connection: it is the store that has to switch foreign keys on."""
    started(store)
    with closing(store.engine.raw_connection()) as connection, pytest.raises(sqlite3.IntegrityError, match="FOREIGN"):
        connection.cursor().execute(orphan)


@pytest.mark.parametrize(
    ("pragma", "value"), [("foreign_keys", 1), ("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1)]
)
def test_every_connection_is_safe(store: Store, pragma: str, value: object) -> None:
    with store.engine.connect() as one, store.engine.connect() as other:
        for connection in (one, other):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_what_is_said_can_be_read_by_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "data" / "greenroom.sqlite3"
    with closing(Store(path)) as store:
        started(store)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_folder_that_others_can_read_still_hides_the_answers(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with closing(Store(tmp_path / "greenroom.sqlite3")) as store:
        started(store)
        assert [stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()] == [0o600] * 3


@pytest.mark.parametrize("folder", ["with space", "what?", "100%20", "a#b", "ünï", "a&b=c"])
def test_any_folder_name_will_do(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "greenroom.sqlite3"
    with closing(Store(path)) as store:
        started(store)
    assert path.stat().st_size > 0
    with closing(Store(path)) as reopened:
        assert [past.id for past in reopened.rounds()] == ["r1"]


def test_a_database_error_doesnt_quote_the_answer(store: Store, database: sqlite3.Connection) -> None:
    round_ = started(store)
    database.execute("DROP TABLE replies")
    with pytest.raises(OperationalError) as raised:
        submitted(store, round_, "my secret answer")
    assert "no such table" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_moves_are_written_whole_or_not_at_all(store: Store, database: sqlite3.Connection) -> None:
    before = started(store)
    submitted(store, before, "first")
    late = rounds.end(before, "second", later(30))
    with pytest.raises(AlreadyAnswered):
        store.add_moves(before, late)
    assert count(database, "endings") == 0
    assert database.execute("SELECT text FROM replies").fetchall() == [("first",)]


def test_a_second_feedback_by_the_same_grader_changes_nothing_and_another_graders_is_kept_beside_it(
    store: Store, database: sqlite3.Connection
) -> None:
    submitted(store, started(store))
    store.add_feedback("r1", 0, graded(score_of=1), later(20))
    store.add_feedback("r1", 0, graded(score_of=0), later(30))
    assert store.load("r1").feedback_on(0) == graded(score_of=1)
    store.add_feedback("r1", 0, graded(grader="other-1", score_of=0.5), later(40))
    assert count(database, "feedbacks") == 2
    assert store.load("r1").feedback_on(0) == graded(grader="other-1", score_of=0.5)


def test_feedback_on_a_deleted_round_is_dropped(store: Store, database: sqlite3.Connection) -> None:
    submitted(store, started(store))
    store.delete_round("r1")
    store.add_feedback("r1", 0, graded(), BEGIN)
    store.add_failure("r1", 0, "why", BEGIN)
    assert [count(database, table) for table in TABLES] == [0] * len(TABLES)


def test_the_latest_failure_is_told_until_a_grading_succeeds(store: Store) -> None:
    submitted(store, started(store))
    for reason in ("first", "second"):
        store.add_failure("r1", 0, reason, BEGIN)
    record = store.load("r1")
    assert (record.failure_on(0), record.feedback_on(0), record.ungraded()) == ("second", None, [0])
    store.add_feedback("r1", 0, graded(), BEGIN)
    record = store.load("r1")
    assert (record.failure_on(0), record.feedback_on(0), record.ungraded()) == (None, graded(), [])


def test_feedback_on_a_question_is_the_one_on_its_last_answer(store: Store) -> None:
    round_ = submitted(store, started(store))
    store.add_feedback("r1", 0, graded(), BEGIN)
    round_ = asked(store, round_, 0, 20, PromptKind.probe)
    assert store.load("r1").feedback_on(0) == graded()
    submitted(store, round_, "more", 30)
    record = store.load("r1")
    assert (record.feedback_on(0), record.ungraded(), record.last_position(0)) == (None, [0], 1)


def test_drafts_count_their_saves_and_an_older_tab_cant_overwrite_a_newer_one(store: Store) -> None:
    started(store)
    assert store.draft("r1", 0) == Draft("", 0, None)
    assert store.save_draft("r1", 0, "one", 0, later(1)) == Draft("one", 1, later(1))
    assert store.save_draft("r1", 0, "two", 1, later(2)) == Draft("two", 2, later(2))
    assert store.save_draft("r1", 0, "stale", 1, later(3)) is None
    assert store.draft("r1", 0) == Draft("two", 2, later(2))
    assert store.save_draft("r1", 0, "forced", None, later(4)) == Draft("forced", 3, later(4))


def test_a_draft_needs_an_open_prompt(store: Store, database: sqlite3.Connection) -> None:
    round_ = started(store)
    for round_id, position in (("r1", 1), ("gone", 0)):
        with pytest.raises(NotFound):
            store.save_draft(round_id, position, "text", None, BEGIN)
    submitted(store, round_)
    with pytest.raises(AlreadyAnswered):
        store.save_draft("r1", 0, "late", None, BEGIN)
    assert count(database, "drafts") == 0


def test_a_deleted_round_leaves_nothing_in_any_table_or_file_and_others_stay(
    store: Store, settings: Settings, database: sqlite3.Connection
) -> None:
    kept = submitted(store, started(store, "kept"), "this stays")
    round_ = started(store)
    store.save_draft("r1", 0, "a secret draft", None, BEGIN)
    round_ = submitted(store, round_, "a secret answer " * 500)
    store.add_feedback("r1", 0, graded(), BEGIN)
    store.add_failure("r1", 0, "a secret reason", BEGIN)
    store.add_moves(round_, rounds.end(round_, "", later(20)))
    files = [settings.database_path.with_name(settings.database_path.name + end) for end in ("", "-wal", "-shm")]
    assert any(b"secret" in file.read_bytes() for file in files)
    store.delete_round("r1")
    assert not any(b"secret" in file.read_bytes() for file in files)
    assert any(b"this stays" in file.read_bytes() for file in files)
    for table in TABLES:
        column = "id" if table == "rounds" else "round_id"
        assert database.execute(f"SELECT count(*) FROM {table} WHERE {column} = 'r1'").fetchone() == (0,), table
    assert store.load("kept").round == kept
    with pytest.raises(NotFound):
        store.load("r1")
    with pytest.raises(NotFound):
        store.delete_round("r1")


def test_questions_asked_come_latest_first_each_once_and_unasked_ones_not(store: Store) -> None:
    first = submitted(store, started(store, "r1", ("lifecycle/a", "lifecycle/b", "lifecycle/c")))
    second = submitted(store, started(store, "r2", ("lifecycle/d", "lifecycle/a")))
    asked(store, first, 1, 100)
    assert store.recent_questions() == ["lifecycle/b", "lifecycle/d", "lifecycle/a"] or store.recent_questions() == [
        "lifecycle/b",
        "lifecycle/a",
        "lifecycle/d",
    ]  # the first questions of both rounds were asked in the same second
    asked(store, second, 1, 200.5)
    assert store.recent_questions()[:2] == ["lifecycle/a", "lifecycle/b"]
    assert len(store.recent_questions()) == 3
    assert store.recent_questions(most=1) == ["lifecycle/a"]


def test_times_sort_rightly_with_and_without_fractions_of_a_second(store: Store) -> None:
    ats = [BEGIN + timedelta(microseconds=n) for n in (0, 1, 500_000, 999_999, 1_000_000, 1_000_001)]
    for number, at in enumerate(ats):
        store.add_round(a_round(f"r{number}", [f"lifecycle/q{number}"], at))
    assert [past.started_at for past in store.rounds()] == ats[::-1]
    assert store.recent_questions() == [f"lifecycle/q{number}" for number in range(5, -1, -1)]


def test_rounds_on_a_strict_clock_or_with_an_ungraded_answer_are_unsettled(store: Store) -> None:
    started(store, "open")
    store.add_round(a_round("untimed", minutes=None))
    store.add_round(a_round("coached", mode=Mode.coach))
    waiting = submitted(store, started(store, "waiting"))  # for the candidate: nothing is open, so no clock runs
    store.add_feedback(waiting.id, 0, graded(), BEGIN)
    for round_id in ("ungraded", "failed", "settled", "half"):
        round_ = submitted(store, started(store, round_id))
        if round_id == "half":  # the first question graded, the second not
            store.add_feedback("half", 0, graded(), BEGIN)
            round_ = submitted(store, asked(store, round_, 1, 20), seconds=30)
        store.add_moves(round_, rounds.end(round_, "", later(40)))
    store.add_failure("failed", 0, "why", BEGIN)
    store.add_feedback("settled", 0, graded(), BEGIN)
    assert store.unsettled_rounds() == ["failed", "half", "open", "ungraded"]


def test_the_history_has_each_rounds_questions_with_the_score_of_their_last_answer(store: Store) -> None:
    round_ = submitted(store, started(store))
    store.add_feedback("r1", 0, graded(score_of=0.3), BEGIN)
    round_ = submitted(store, asked(store, round_, 0, 20, PromptKind.probe), seconds=30)
    assert [one.score for one in store.rounds()[0].questions] == [None, None]
    store.add_feedback("r1", 1, graded(score_of=1), BEGIN)
    store.add_moves(round_, rounds.end(round_, "", later(40)))
    (past,) = store.rounds()
    assert (past.id, past.started_at, past.ended_at, past.options) == ("r1", BEGIN, later(40), round_.options)
    assert [(one.question_id, one.title, one.score, one.answered) for one in past.questions] == [
        ("lifecycle/a", "Title of a", graded(score_of=1).score, True),
        ("lifecycle/b", "Title of b", None, False),
    ]
    assert store.attempted() == {"lifecycle/a"}


def test_attempts_at_a_question_come_earliest_first_and_only_answered_ones(store: Store) -> None:
    for number, seconds in ((1, 300), (2, 0), (3, 600)):
        round_ = a_round(f"r{number}", ["lifecycle/a"], later(seconds))
        store.add_round(round_)
        if number < 3:
            submitted(store, round_, seconds=seconds + 10)
    store.add_feedback("r2", 0, graded(), BEGIN)
    found = [(one.round_id, one.started_at, one.feedback) for one in store.attempts("lifecycle/a")]
    assert found == [("r2", later(0), graded()), ("r1", later(300), None)]
    assert store.attempts("lifecycle/b") == []


def test_a_flagged_feedback_comes_back_whole(store: Store) -> None:
    submitted(store, started(store))
    flagged = feedback_from(rubric(), [], [], [Flag.echo, Flag.off_topic], "test-1")
    store.add_feedback("r1", 0, flagged, BEGIN)
    assert store.load("r1").feedback_on(0) == flagged


def test_writers_wait_for_each_other_instead_of_failing(store: Store, database: sqlite3.Connection) -> None:
    for number in range(8):
        started(store, f"r{number}")
    problems: list[BaseException] = []

    def save(round_id: str) -> None:
        try:
            for number in range(10):
                store.save_draft(round_id, 0, f"{round_id} {number}", None, BEGIN)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=save, args=(f"r{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert database.execute("SELECT text, revision FROM drafts ORDER BY round_id").fetchall() == [
        (f"r{number} 9", 10) for number in range(8)
    ]
