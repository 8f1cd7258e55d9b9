"""The clock: the server owns it, it is strict under pressure, patient with a coach, and stands while grading."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.core.plan import Mode
from app.core.round import GRACE, Ending, How
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, eventually, load, parts, read, rows


def clock(client: TestClient, round_id: str) -> tuple[int, str]:
    """Seconds left and whether they run, from the page."""
    node = read(client.get(f"/rounds/{round_id}").text).one(id="clock")
    return int(node.attrs["data-left"]), node.attrs["data-running"]


def test_the_page_counts_down_from_what_the_server_says_is_left(client: TestClient) -> None:
    round_id = begin(client, minutes=30, ago=timedelta(minutes=10, seconds=30))
    page = read(client.get(f"/rounds/{round_id}").text).one(id="clock")
    left = int(page.attrs["data-left"])
    assert 19.5 * 60 - 5 <= left <= 19.5 * 60
    assert page.attrs["data-running"] == "yes"
    assert page.attrs["data-strict"] == "yes"
    assert page.one("span", class_="clock-value").text == f"{left // 60}:{left % 60:02d}"


def test_a_question_over_its_suggested_time_gets_a_quiet_nudge(client: TestClient) -> None:
    minutes = parts(client).practice.questions[OVERFITTING].minutes
    fresh = read(client.get(f"/rounds/{begin(client)}").text).one(id="nudge")
    assert fresh.text == ""
    assert fresh.attrs["data-suggested"] == str(60 * minutes)
    slow = begin(client, ago=timedelta(minutes=minutes, seconds=5))
    nudge = read(client.get(f"/rounds/{slow}").text).one(id="nudge")
    assert f"About {minutes} minutes" in nudge.text
    assert 60 * minutes + 5 <= int(nudge.attrs["data-on-question"]) <= 60 * minutes + 10


def test_looking_after_the_strict_clock_ran_out_ends_the_round(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL, minutes=15, ago=timedelta(minutes=20))
    response = client.get(f"/rounds/{round_id}")
    assert response.url.path == f"/rounds/{round_id}/report"
    round_ = load(client, round_id).round
    assert (round_.ending, round_.ended_at) == (Ending.timed_out, round_.started_at + timedelta(minutes=15))
    assert "Time ran out" in read(response.text).text
    assert "15 min on the clock of 15 min" in read(response.text).text


def test_the_sweep_ends_rounds_that_nobody_looks_at(client: TestClient) -> None:
    overdue = begin(client, minutes=15, ago=timedelta(hours=3))
    running = begin(client, minutes=15, ago=timedelta(minutes=3))
    coached = begin(client, minutes=15, mode=Mode.coach, ago=timedelta(hours=3))
    parts(client).practice.sweep()
    assert load(client, overdue).round.ending is Ending.timed_out
    assert load(client, running).round.ended_at is None
    assert load(client, coached).round.ended_at is None
    assert parts(client).practice.wait_graded(overdue, 5)
    assert load(client, overdue).feedback_on(0) is not None


def test_an_answer_in_the_grace_counts_as_given_at_the_last_moment(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL, minutes=15, ago=timedelta(minutes=15, seconds=0.2))
    response = answer(client, round_id, 0, "just in time")
    assert response.url.path == f"/rounds/{round_id}/report"
    round_ = load(client, round_id).round
    reply = round_.turns[0].reply
    assert reply is not None
    assert (reply.text, reply.how) == ("just in time", How.timed_out)
    assert reply.at == round_.started_at + timedelta(minutes=15)
    assert len(round_.turns) == 1, "nothing more is asked after time"


def test_an_answer_after_the_grace_is_refused_given_back_and_the_draft_counts(client: TestClient) -> None:
    round_id = begin(client, minutes=15, ago=timedelta(minutes=15) + GRACE)
    started = load(client, round_id).round.started_at
    parts(client).store.save_draft(round_id, 0, "the saved draft", None, started)
    response = answer(client, round_id, 0, "the saved draft and a sentence more")
    assert response.status_code == 409
    assert read(response.text).one("textarea", id="kept").raw_text() == "the saved draft and a sentence more"
    reply = load(client, round_id).round.turns[0].reply
    assert reply is not None
    assert (reply.text, reply.how) == ("the saved draft", How.timed_out)


def test_a_page_whose_clock_ran_out_shows_zero_and_no_less(client: TestClient) -> None:
    round_id = begin(client, minutes=15, ago=timedelta(minutes=15, seconds=0.5))
    assert clock(client, round_id) == (0, "yes")


def test_a_coach_lets_one_finish_after_time_and_then_closes(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL, mode=Mode.coach, minutes=15, ago=timedelta(minutes=20))
    page = read(client.get(f"/rounds/{round_id}").text).one(id="clock")
    assert (page.attrs["data-left"], page.attrs["data-strict"]) == ("0", "no")
    answer(client, round_id, 0, "late but whole")
    round_ = load(client, round_id).round
    assert round_.turns[0].reply is not None
    assert round_.turns[0].reply.how is How.answered
    assert round_.open_turn is None, "no follow-up after time"
    response = client.post(f"/rounds/{round_id}/continue")
    assert response.url.path == f"/rounds/{round_id}/report"
    assert load(client, round_id).round.ending is Ending.timed_out


@pytest.mark.usefixtures("impatient")
def test_the_clock_stands_while_the_grader_reads(client: TestClient, settings: Settings, grader: WordGrader) -> None:
    round_id = begin(client, OVERFITTING, RECALL, minutes=30, ago=timedelta(minutes=10))
    asked = load(client, round_id).round.started_at
    grader.hold.clear()
    parts(client).practice.answer(round_id, 0, "ALL", How.answered, asked + timedelta(minutes=4))
    assert clock(client, round_id) == (26 * 60, "no")
    assert rows(settings, "SELECT count(*) FROM prompts") == [(1,)]
    grader.hold.set()
    assert parts(client).practice.wait_graded(round_id, 5)
    left, running = clock(client, round_id)
    assert running == "yes"
    assert 26 * 60 - 5 <= left <= 26 * 60, "six minutes of grading must cost nothing"


def test_a_follow_up_runs_on_the_same_clock(client: TestClient) -> None:
    round_id = begin(client, minutes=30, ago=timedelta(minutes=10))
    asked = load(client, round_id).round.started_at
    parts(client).practice.answer(round_id, 0, "too little", How.answered, asked + timedelta(minutes=4))
    assert eventually(lambda: load(client, round_id).feedback_on(0))
    parts(client).practice.current(round_id, asked + timedelta(minutes=6))
    left, _ = clock(client, round_id)
    assert 22 * 60 - 5 <= left <= 22 * 60, "four minutes for the question, four so far for the follow-up"
