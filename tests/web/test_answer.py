"""Answering: follow-ups, ways out, and that nothing is ever taken twice or lost."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from starlette.testclient import TestClient

from app.core.round import Ending, How, PromptKind
from app.practice import now
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, load, parts, points_of, read, rows


def test_an_answer_is_committed_and_graded_and_the_round_goes_on(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    response = answer(client, round_id, 0, "ALL of it")
    assert rows(settings, "SELECT position, text, how FROM replies") == [(0, "ALL of it", "answered")]
    assert rows(settings, "SELECT position, grader, score FROM feedbacks") == [(0, "words-1", 100.0)]
    turn = load(client, round_id).round.open_turn
    assert turn is not None
    assert (turn.position, turn.question_index, turn.kind) == (1, 1, PromptKind.question)
    assert read(response.text).one("input", name="position").attrs["value"] == "1"


def test_the_probe_of_the_heaviest_missing_point_follows_and_a_third_never_does(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    heaviest = points_of(client)
    rubric = parts(client).practice.rubrics[OVERFITTING]
    for position, missing in enumerate(heaviest[:2]):
        page = read(answer(client, round_id, position, "nothing of use").text)
        asked = load(client, round_id).round.open_turn
        assert asked is not None
        assert (asked.kind, asked.point_id) == (PromptKind.probe, missing)
        assert rubric.point(missing).probe in page.all("li", class_="interviewer")[-1].text
    answer(client, round_id, 2, "nothing of use")
    asked = load(client, round_id).round.open_turn
    assert asked is not None
    assert (asked.kind, asked.question_index) == (PromptKind.question, 1)


def test_nothing_is_probed_that_was_said(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    heaviest = points_of(client)
    answer(client, round_id, 0, f"{heaviest[0]} and {heaviest[1]}")
    asked = load(client, round_id).round.open_turn
    assert asked is not None
    assert asked.point_id == heaviest[2]


def test_the_last_answer_ends_the_round_and_shows_its_report(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    response = answer(client, round_id, 0, "ALL")
    assert response.url.path == f"/rounds/{round_id}/report"
    assert load(client, round_id).round.ending is Ending.finished


def test_not_knowing_gets_another_way_in_once_and_says_so_kindly(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    page = read(answer(client, round_id, 0, "", "dont_know").text)
    assert "That’s fine" in page.all("li", class_="interviewer")[-1].text
    asked = load(client, round_id).round.open_turn
    assert asked is not None
    assert asked.kind is PromptKind.probe
    answer(client, round_id, 1, "", "dont_know")
    round_ = load(client, round_id).round
    assert [turn.reply.how for turn in round_.turns if turn.reply] == [How.dont_know, How.dont_know]
    assert round_.open_turn is not None
    assert round_.open_turn.question_index == 1


def test_a_skip_goes_on_at_once_and_keeps_what_was_typed(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "half a thought", "skipped")
    round_ = load(client, round_id).round
    assert round_.turns[0].reply is not None
    assert (round_.turns[0].reply.how, round_.turns[0].reply.text) == (How.skipped, "half a thought")
    assert round_.open_turn is not None
    assert round_.open_turn.question_index == 1


def test_the_same_answer_sent_again_changes_nothing_and_shows_where_the_round_stands(
    client: TestClient, settings: Settings
) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "said once")
    before = load(client, round_id)
    again = answer(client, round_id, 0, "said once")
    assert again.status_code == 200
    assert read(again.text).one("input", name="position").attrs["value"] == "1"
    assert load(client, round_id) == before
    assert rows(settings, "SELECT count(*) FROM feedbacks") == [(1,)]


def test_the_back_button_and_another_text_are_refused_and_that_text_is_given_back(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "the first")
    response = answer(client, round_id, 0, "the <second> & better one")
    assert response.status_code == 409
    page = read(response.text)
    assert "the first answer stands" in page.one(id="problem").text
    assert page.one("textarea", id="kept").raw_text() == "the <second> & better one"
    assert [turn.reply.text for turn in load(client, round_id).round.turns if turn.reply] == ["the first"]


def test_an_answer_to_a_prompt_not_asked_yet_is_refused(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    response = answer(client, round_id, 1, "early")
    assert response.status_code == 409
    assert read(response.text).one("textarea", id="kept").raw_text() == "early"
    assert load(client, round_id).round.turns[0].reply is None


@pytest.mark.parametrize("texts", [("the same", "the same"), ("one tab", "other tab")], ids=["same", "different"])
def test_two_submits_at_the_same_moment_make_one_reply(
    client: TestClient, settings: Settings, texts: tuple[str, str]
) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    together = Barrier(2)

    def send(text: str) -> int:
        together.wait()
        return answer(client, round_id, 0, text).status_code

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(send, texts))
    ((kept,),) = rows(settings, "SELECT text FROM replies WHERE position = 0")
    if texts[0] == texts[1]:
        assert statuses == [200, 200]
    else:
        assert statuses[texts.index(kept)] == 200
        assert sorted(statuses) == [200, 409]
    assert rows(settings, "SELECT count(*) FROM prompts") == [(2,)], "the next prompt must be asked once"


def test_an_answer_over_the_limit_is_refused_and_given_back_whole(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    long = "é" * (settings.answer_max_chars + 1)
    response = answer(client, round_id, 0, long)
    assert response.status_code == 413
    page = read(response.text)
    assert "30,001 characters; the limit is 30,000" in page.one(id="problem").text
    assert page.one("textarea", id="kept").raw_text() == long
    assert rows(settings, "SELECT count(*) FROM replies") == [(0,)]


def test_an_answer_of_exactly_the_limit_is_taken_with_its_line_breaks_counted_once(
    client: TestClient, settings: Settings
) -> None:
    round_id = begin(client, OVERFITTING)
    lines = "x\r\n" * (settings.answer_max_chars // 2)
    assert answer(client, round_id, 0, lines).status_code == 200
    assert rows(settings, "SELECT text FROM replies") == [("x\n" * (settings.answer_max_chars // 2),)]


@pytest.mark.parametrize("text", ["", "   ", "\r\n\t"])
def test_an_empty_answer_is_not_taken_and_the_page_says_what_else_there_is(
    client: TestClient, settings: Settings, text: str
) -> None:
    round_id = begin(client, OVERFITTING)
    response = answer(client, round_id, 0, text)
    assert response.status_code == 422
    assert "I don’t know" in read(response.text).one(id="problem").text
    assert rows(settings, "SELECT count(*) FROM replies") == [(0,)]


def test_line_breaks_are_stored_as_one_character(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "one\r\ntwo\n\r\nthree 😀 \x00 end")
    assert rows(settings, "SELECT text FROM replies") == [("one\ntwo\n\nthree 😀 \x00 end",)]


def test_an_answers_time_is_when_its_request_came_however_long_the_database_took(
    client: TestClient, settings: Settings
) -> None:
    round_id = begin(client, OVERFITTING)
    other = sqlite3.connect(settings.database_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        before = now()
        sent = pool.submit(answer, client, round_id, 0, "ALL")
        time.sleep(0.4)
        assert not sent.done(), "the answer must have waited for the lock"
        released = now()
        other.execute("ROLLBACK")
        assert sent.result().status_code == 200
    other.close()
    reply = load(client, round_id).round.turns[0].reply
    assert reply is not None
    assert before <= reply.at < released
    assert (released - reply.at).total_seconds() > 0.2


@pytest.mark.usefixtures("impatient")
def test_the_text_is_safe_before_the_grader_begins(client: TestClient, settings: Settings, grader: WordGrader) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    grader.hold.clear()
    page = read(answer(client, round_id, 0, "ALL").text)
    assert page.one(id="round").attrs["data-stage"] == "grading"
    assert "Your answer is saved" in page.one("div", class_="thinking").text
    assert rows(settings, "SELECT text FROM replies") == [("ALL",)]
    assert rows(settings, "SELECT count(*) FROM feedbacks") == [(0,)]
    grader.hold.set()
    assert parts(client).practice.wait_graded(round_id, 5)
    assert read(client.get(f"/rounds/{round_id}").text).one(id="round").attrs["data-stage"] == "answer"


def test_what_was_said_before_stays_on_the_page(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "my <first> words")
    page = read(client.get(f"/rounds/{round_id}").text)
    assert "my <first> words" in page.one("li", class_="candidate").text
    answer(client, round_id, 1, "ALL")
    page = read(client.get(f"/rounds/{round_id}").text)
    assert "my <first> words" in page.one("details", class_="earlier").text


def test_looking_at_a_round_twice_asks_nothing_twice(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "ALL")
    pages = {client.get(f"/rounds/{round_id}").status_code for _ in range(3)}
    assert pages == {200}
    assert rows(settings, "SELECT count(*) FROM prompts") == [(2,)]


@pytest.mark.parametrize(
    "form",
    [{"text": "no position"}, {"position": "-1", "text": "x"}, {"position": "x", "text": "x"}],
    ids=["missing", "negative", "letters"],
)
def test_a_form_without_its_position_is_refused(client: TestClient, settings: Settings, form: dict[str, str]) -> None:
    round_id = begin(client, OVERFITTING)
    response = client.post(f"/rounds/{round_id}/answer", data=form)
    assert response.status_code == 422
    assert "position" in read(response.text).one(id="problem").text
    assert rows(settings, "SELECT count(*) FROM replies") == [(0,)]


def test_a_way_of_answering_that_is_not_offered_is_refused(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    assert answer(client, round_id, 0, "text", how="timed_out").status_code == 422
    assert rows(settings, "SELECT count(*) FROM replies") == [(0,)]
