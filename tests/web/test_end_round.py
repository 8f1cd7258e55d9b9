"""Ending a round early: a dignified way out that keeps what was said."""

from __future__ import annotations

from datetime import timedelta

from starlette.testclient import TestClient

from app.core.round import Ending, How
from app.settings import Settings
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, draft, load, parts, read, rows


def end(client: TestClient, round_id: str, text: str | None = None) -> str:
    """Where ending leads."""
    return client.post(f"/rounds/{round_id}/end", data={} if text is None else {"text": text}).url.path


def test_what_stands_in_the_box_is_kept_and_graded(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    assert end(client, round_id, "ALL\r\nso far") == f"/rounds/{round_id}/report"
    record = load(client, round_id)
    reply = record.round.turns[0].reply
    assert reply is not None
    assert (reply.text, reply.how) == ("ALL\nso far", How.ended)
    assert record.round.ending is Ending.ended
    assert parts(client).practice.wait_graded(round_id, 5)
    assert load(client, round_id).feedback_on(0) is not None


def test_without_the_box_the_saved_draft_is_kept(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    draft(client, round_id, 0, "ALL, saved as I typed")
    end(client, round_id)
    assert rows(settings, "SELECT text, how FROM replies") == [("ALL, saved as I typed", "ended")]


def test_an_emptied_box_means_no_answer_though_a_draft_was_saved(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    draft(client, round_id, 0, "taken back")
    end(client, round_id, "")
    assert rows(settings, "SELECT text FROM replies") == [("",)]


def test_ending_twice_changes_nothing(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    end(client, round_id, "ALL")
    parts(client).practice.wait_graded(round_id, 5)
    before = load(client, round_id)
    assert end(client, round_id, "something else") == f"/rounds/{round_id}/report"
    assert load(client, round_id) == before
    assert rows(settings, "SELECT count(*) FROM endings") == [(1,)]


def test_an_ended_round_takes_no_answer_and_its_page_leads_to_the_report(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "ALL")
    end(client, round_id, "")
    late = answer(client, round_id, 2, "more")
    assert late.status_code == 409
    assert "This round is over" in read(late.text).one(id="problem").text
    assert client.get(f"/rounds/{round_id}").url.path == f"/rounds/{round_id}/report"
    assert len(load(client, round_id).round.turns) == 2


def test_ending_between_two_questions_asks_nothing_more(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    asked = load(client, round_id).round.started_at
    parts(client).practice.answer(round_id, 0, "ALL", How.answered, asked + timedelta(seconds=9))
    assert parts(client).practice.wait_graded(round_id, 5)
    end(client, round_id)
    round_ = load(client, round_id).round
    assert (len(round_.turns), round_.ending) == (1, Ending.ended)


def test_htmx_is_told_to_leave_the_page(client: TestClient) -> None:
    round_id = begin(client)
    response = client.post(f"/rounds/{round_id}/end", data={"text": ""}, headers={"hx-request": "true"})
    assert (response.status_code, response.headers["hx-redirect"]) == (204, f"/rounds/{round_id}/report")


def test_a_text_over_the_limit_is_given_back_and_the_round_goes_on(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    long = "x" * (settings.answer_max_chars + 1)
    response = client.post(f"/rounds/{round_id}/end", data={"text": long})
    assert response.status_code == 413
    assert read(response.text).one("textarea", id="kept").raw_text() == long
    assert load(client, round_id).round.ended_at is None


def test_questions_never_reached_do_not_count(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    page = read(client.post(f"/rounds/{round_id}/end", data={"text": "ALL"}).text)
    assert "1 question was not reached and does not count" in page.text
    assert "100 of 100" in page.text
