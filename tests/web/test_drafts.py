"""Drafts: what is being typed is kept, a second tab overwrites nothing, and at time-out the draft is the answer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.core.round import GRACE, Ending, How
from app.main import create_app
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, draft, load, parts, read, rows


def test_each_save_gets_the_next_revision_and_the_page_shows_the_last(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    for revision, text in enumerate(("I", "I wou", "I would <look>\nat it"), start=1):
        response = draft(client, round_id, 0, text, base=revision - 1)
        assert (response.status_code, response.json()) == (200, {"revision": revision})
    assert rows(settings, "SELECT text, revision FROM drafts") == [("I would <look>\nat it", 3)]
    box = read(client.get(f"/rounds/{round_id}").text).one("textarea", id="answer")
    assert (box.raw_text(), box.attrs["data-revision"]) == ("I would <look>\nat it", "3")


def test_a_draft_that_begins_with_a_line_break_comes_back_with_it(client: TestClient) -> None:
    round_id = begin(client)
    draft(client, round_id, 0, "\nindented")
    page = read(client.get(f"/rounds/{round_id}").text)
    assert page.one("textarea", id="answer").raw_text() == "\nindented"


def test_a_second_tab_gets_the_newer_text_and_overwrites_nothing(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    draft(client, round_id, 0, "first", base=0)
    draft(client, round_id, 0, "first tab, longer", base=1)
    stale = draft(client, round_id, 0, "second tab", base=1)
    assert stale.status_code == 409
    assert (stale.json()["text"], stale.json()["revision"]) == ("first tab, longer", 2)
    assert "another tab" in stale.json()["detail"]
    assert rows(settings, "SELECT text, revision FROM drafts") == [("first tab, longer", 2)]


def test_after_the_conflict_either_text_can_be_kept(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    draft(client, round_id, 0, "first tab", base=0)
    newer = draft(client, round_id, 0, "second tab", base=0).json()["revision"]
    assert draft(client, round_id, 0, "second tab", base=newer).json() == {"revision": 2}
    assert rows(settings, "SELECT text FROM drafts") == [("second tab",)]


def test_the_same_text_from_an_older_revision_is_no_conflict(client: TestClient) -> None:
    round_id = begin(client)
    draft(client, round_id, 0, "retried after a lost reply", base=0)
    assert draft(client, round_id, 0, "retried after a lost reply", base=0).status_code == 200


def test_a_draft_after_the_answer_is_refused_and_the_answer_stands(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "sent")
    late = draft(client, round_id, 0, "typed too late")
    assert late.status_code == 409
    assert "first answer stands" in late.json()["detail"]
    assert rows(settings, "SELECT count(*) FROM drafts") == [(0,)]
    assert rows(settings, "SELECT text FROM replies") == [("sent",)]


def test_the_next_prompt_begins_with_an_empty_box(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    draft(client, round_id, 0, "for the first")
    page = read(answer(client, round_id, 0, "for the first").text)
    box = page.one("textarea", id="answer")
    assert (box.raw_text(), box.attrs["data-revision"]) == ("", "0")


def test_a_draft_for_a_deleted_round_or_for_no_prompt_is_not_found(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    assert draft(client, round_id, 7, "no such prompt").status_code == 404
    client.post(f"/rounds/{round_id}/delete")
    gone = draft(client, round_id, 0, "too late")
    assert gone.status_code == 404
    assert "deleted" in gone.json()["detail"]
    assert rows(settings, "SELECT count(*) FROM drafts") == [(0,)]


def test_an_over_long_draft_is_refused_and_the_earlier_one_stays(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    draft(client, round_id, 0, "short")
    long = draft(client, round_id, 0, "x" * (settings.answer_max_chars + 1), base=1)
    assert long.status_code == 413
    assert "30,000" in long.json()["detail"]
    assert rows(settings, "SELECT text, revision FROM drafts") == [("short", 1)]


@pytest.mark.parametrize(
    "body",
    [
        '{"position": 0}',
        '{"position": 0, "text": "x", "more": 1}',
        '{"position": -1, "text": "x"}',
        '{"position": 1000000000000000000000000, "text": "x"}',
        "not json",
    ],
    ids=["no text", "unknown key", "negative", "huge", "not json"],
)
def test_a_draft_that_is_none_is_refused(client: TestClient, settings: Settings, body: str) -> None:
    round_id = begin(client)
    headers = {"content-type": "application/json", "accept": "application/json"}
    response = client.post(f"/rounds/{round_id}/draft", content=body, headers=headers)
    assert response.status_code == 422
    assert response.json()["error"] == "That doesn't fit"
    assert rows(settings, "SELECT count(*) FROM drafts") == [(0,)]


def test_a_draft_survives_a_restart_of_the_server(settings: Settings) -> None:
    with TestClient(create_app(settings, WordGrader())) as client:
        round_id = begin(client)
        draft(client, round_id, 0, "typed before the restart")
    with TestClient(create_app(settings, WordGrader())) as client:
        page = read(client.get(f"/rounds/{round_id}").text)
        assert page.one("textarea", id="answer").raw_text() == "typed before the restart"
        assert draft(client, round_id, 0, "typed after it", base=1).json() == {"revision": 2}


def test_when_time_is_out_the_draft_is_the_answer_and_is_graded(client: TestClient) -> None:
    round_id = begin(client, minutes=15, ago=timedelta(minutes=14))
    draft(client, round_id, 0, "ALL of it, unsent")
    overdue = begin(client, minutes=15, ago=timedelta(minutes=15) + GRACE)
    wired = parts(client)
    wired.store.save_draft(overdue, 0, "ALL, unsent", None, load(client, overdue).round.started_at)
    response = client.get(f"/rounds/{overdue}")
    assert response.url.path == f"/rounds/{overdue}/report"
    record = load(client, overdue)
    reply = record.round.turns[0].reply
    assert reply is not None
    assert (reply.text, reply.how) == ("ALL, unsent", How.timed_out)
    assert reply.at == record.round.started_at + timedelta(minutes=15)
    assert record.round.ending is Ending.timed_out
    assert wired.practice.wait_graded(overdue, 5)
    feedback = load(client, overdue).feedback_on(0)
    assert feedback is not None
    assert feedback.score == 100
    assert load(client, round_id).round.turns[0].reply is None, "this one has a minute left"


def test_a_draft_within_the_grace_still_counts_and_one_after_it_does_not(client: TestClient) -> None:
    round_id = begin(client, minutes=15, ago=timedelta(minutes=15, seconds=0.2))
    assert draft(client, round_id, 0, "the last words").status_code == 200
    overdue = begin(client, minutes=15, ago=timedelta(minutes=15) + GRACE)
    late = draft(client, overdue, 0, "far too late")
    assert late.status_code == 409
    assert "over" in late.json()["detail"]
    reply = load(client, overdue).round.turns[0].reply
    assert reply is not None
    assert (reply.text, reply.how) == ("", How.timed_out)
    at_the_end = load(client, round_id).round.started_at + timedelta(minutes=15) + GRACE
    parts(client).practice.current(round_id, at_the_end)
    kept = load(client, round_id).round.turns[0].reply
    assert kept is not None
    assert (kept.text, kept.how) == ("the last words", How.timed_out)


def test_half_a_character_is_replaced_and_the_rest_is_kept(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    body = '{"position": 0, "text": "cut \\ud83d here, whole \\ud83d\\ude00 there"}'
    response = client.post(f"/rounds/{round_id}/draft", content=body, headers={"content-type": "application/json"})
    assert response.json() == {"revision": 1}
    assert rows(settings, "SELECT text FROM drafts") == [("cut \ufffd here, whole 😀 there",)]
