"""A language model beside the offline grader: second opinions and follow-ups, from a real server that may misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from app.core.plan import Mode
from app.grading.llm.judge import VERSION
from app.main import create_app
from app.settings import Settings
from tests.graders import WordGrader
from tests.llm_behaviours import Exchange, chunk, cut_off, error_500, invented_quotes, pieces, slow, sse
from tests.llm_server import FOLLOW_UP, LLMServer
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, eventually, load, parts, points_of, read, rows

SAID = "I compare the training error with the validation error, and the gap tells me whether the model overfits. ALL"

Open = Callable[..., TestClient]


@pytest.fixture(scope="module")
def running() -> Iterator[LLMServer]:
    started = LLMServer()
    yield started
    started.stop()


@pytest.fixture
def server(running: LLMServer) -> LLMServer:
    running.reset()
    return running


@pytest.fixture
def open_client(settings: Settings, grader: WordGrader) -> Iterator[Open]:
    """Clients of programs on one data folder, each with settings of its own."""
    with ExitStack() as stack:

        def make(**changes: Any) -> TestClient:
            app = create_app(settings.model_copy(update=changes), grader)
            return stack.enter_context(TestClient(app, follow_redirects=True))

        yield make


@pytest.fixture
def client(open_client: Open, server: LLMServer) -> TestClient:
    """With the language model switched on."""
    return open_client(grader="llm", llm_base_url=f"{server.address}/v1", llm_model="m-1", llm_timeout=5)


def opinion(client: TestClient, round_id: str, index: int = 0) -> Any:
    return eventually(lambda: load(client, round_id).opinion_on(index))


def failure(client: TestClient, round_id: str) -> str:
    return str(eventually(lambda: load(client, round_id).opinion_failure_on(0)))


def test_both_totals_are_shown_and_where_the_two_differ(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, mode=Mode.coach)
    answer(client, round_id, 0, SAID)
    given = opinion(client, round_id)
    box = read(client.get(f"/rounds/{round_id}").text).one("section", class_="opinion")
    assert f"{given.score:.0f} of 100" in box.text
    assert "offline 100" in box.text
    assert "look twice" in box.text
    unheard = [one for one in given.points if one.status == "missing"]
    assert len(box.all("li")) == len(unheard) > 0
    assert "Offline: said. Second opinion: missing." in box.text
    assert given.advice in box.text


def test_the_offline_score_stays_the_one_that_counts(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, SAID)
    given = opinion(client, round_id)
    assert given.score < 100
    found = client.get(f"/rounds/{round_id}/report.json").json()
    assert found["score"] == 100
    assert found["second_opinion"]["score"] == given.score
    assert found["questions"][0]["second_opinion"]["grader"] == f"llm-{VERSION} (m-1)"
    head = read(client.get(f"/rounds/{round_id}/report").text).one(id="second-total")
    assert f"{given.score:.0f} of 100" in head.text
    assert "100" in read(client.get("/rounds").text).one("main").text
    assert "Look twice: " in client.get(f"/rounds/{round_id}/report.md").text


def test_a_round_has_a_second_total_only_where_every_question_has_one(client: TestClient, server: LLMServer) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, SAID)
    opinion(client, round_id)
    server.behave(error_500, error_500, error_500)
    answer(client, round_id, 1, SAID)
    eventually(lambda: load(client, round_id).opinion_failure_on(1))
    assert client.get(f"/rounds/{round_id}/report.json").json()["second_opinion"] is None


def test_where_the_model_fails_the_offline_feedback_stands_and_says_so(client: TestClient, server: LLMServer) -> None:
    server.behave(error_500, error_500, error_500)
    round_id = begin(client, OVERFITTING, mode=Mode.coach)
    answer(client, round_id, 0, SAID)
    assert "(500)" in failure(client, round_id)
    page = read(client.get(f"/rounds/{round_id}").text)
    box = page.one("section", class_="opinion")
    assert "did not answer" in box.text
    assert "offline feedback stands" in box.text
    assert "100 of 100" in page.one("section", class_="review").text
    client.post(f"/rounds/{round_id}/opinion", data={"index": "0"})
    assert opinion(client, round_id).grader.startswith("llm-")


def test_invented_quotes_are_void_and_counted_on_the_page(client: TestClient, server: LLMServer) -> None:
    server.behave(invented_quotes)
    round_id = begin(client, OVERFITTING, mode=Mode.coach)
    answer(client, round_id, 0, SAID)
    given = opinion(client, round_id)
    assert given.score == 0
    assert len(given.void) == len(points_of(client))
    box = read(client.get(f"/rounds/{round_id}").text).one("section", class_="opinion")
    assert f"{len(given.void)} of its verdicts do not count" in box.text


def test_nothing_is_sent_unless_it_is_switched_on(open_client: Open, server: LLMServer) -> None:
    client = open_client(llm_base_url=f"{server.address}/v1", llm_model="m-1")
    round_id = begin(client, OVERFITTING)
    for position in range(3):
        answer(client, round_id, position, "I would watch the gap.")
    report = read(client.get(f"/rounds/{round_id}/report").text)
    assert not report.all("section", class_="opinion")
    client.post(f"/rounds/{round_id}/opinion", data={"index": "0"})
    assert server.requests == []


def test_an_earlier_round_is_only_sent_when_asked_for(open_client: Open, server: LLMServer) -> None:
    before = open_client()
    round_id = begin(before, OVERFITTING)
    answer(before, round_id, 0, SAID)
    assert load(before, round_id).round.ended_at is not None
    client = open_client(grader="llm", llm_base_url=f"{server.address}/v1", llm_model="m-1")
    page = read(client.get(f"/rounds/{round_id}/report").text)
    assert server.requests == []
    assert "m-1 at 127.0.0.1" in page.one("section", class_="opinion").text
    client.post(f"/rounds/{round_id}/opinion", data={"index": "0"})
    opinion(client, round_id)
    assert len(server.requests) == 1


def test_a_skipped_question_is_not_sent(client: TestClient, server: LLMServer) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "", how="skipped")
    client.get(f"/rounds/{round_id}/report")
    assert server.requests == []


def test_the_follow_up_comes_in_the_interviewers_own_words(client: TestClient, server: LLMServer) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "I would watch the gap.")
    asked = eventually(lambda: client.get(f"/rounds/{round_id}") and load(client, round_id).round.open_turn)
    assert asked.prompt == FOLLOW_UP
    assert asked.point_id == points_of(client)[0]
    page = read(client.get(f"/rounds/{round_id}").text)
    assert page.all("div", class_="bubble")[-1].text == FOLLOW_UP  # no lead-in of ours before it
    assert "I would watch the gap." in server.users[0]
    assert "response_format" not in server.requests[0]


def test_while_the_follow_up_is_written_the_page_waits_and_streams_it(client: TestClient, server: LLMServer) -> None:
    server.behave(slow)
    round_id = begin(client, OVERFITTING)
    page = read(answer(client, round_id, 0, "I would watch the gap.").text)
    assert page.one(id="round").attrs["data-stage"] == "writing"
    assert page.one("li", data_live=f"/rounds/{round_id}/live/follow-up")
    assert load(client, round_id).round.open_turn is None  # no clock runs
    server.reset()  # the stream ends
    events = client.get(f"/rounds/{round_id}/live/follow-up").text
    assert events.rstrip().endswith("event: done\ndata: {}")


@pytest.mark.parametrize("behaviour", [error_500, cut_off], ids=lambda one: one.__name__)
def test_where_the_follow_up_fails_the_authored_one_is_put(
    client: TestClient, server: LLMServer, behaviour: Any
) -> None:
    server.behave(behaviour)
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "I would watch the gap.")
    asked = eventually(lambda: client.get(f"/rounds/{round_id}") and load(client, round_id).round.open_turn)
    rubric = load(client, round_id).round.plan[0].rubric
    assert asked.prompt == rubric.point(asked.point_id).probe


def test_a_stream_tells_how_far_a_second_opinion_has_come(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, SAID)
    events = client.get(f"/rounds/{round_id}/live/opinion/0").text.strip().split("\n\n")
    assert events[-1] == "event: done\ndata: {}"
    texts = [json.loads(one.partition("data: ")[2]) for one in events if one.startswith("event: text")]
    assert texts
    assert all(isinstance(text, str) for text in texts)


def test_a_stream_about_nothing_ends_at_once(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    assert client.get(f"/rounds/{round_id}/live/follow-up").text.endswith("event: done\ndata: {}\n\n")
    assert client.get("/rounds/none/live/follow-up").status_code == 404


def test_what_a_model_says_is_escaped(client: TestClient, server: LLMServer) -> None:
    round_id = begin(client, OVERFITTING, mode=Mode.coach)
    answer(client, round_id, 0, "ALL <b>I compare the training error with the validation error</b> of the model.")
    opinion(client, round_id)
    assert "<b>" not in client.get(f"/rounds/{round_id}").text


def test_deleting_a_round_deletes_what_the_model_said_of_it(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, SAID)
    opinion(client, round_id)
    assert rows(settings, "SELECT count(*) FROM llm_replies") == [(1,)]
    client.post(f"/rounds/{round_id}/delete")
    assert rows(settings, "SELECT count(*) FROM llm_replies") == [(0,)]
    assert rows(settings, "SELECT count(*) FROM llm_calls") == [(1,)]  # what it cost stays known


def test_a_round_deleted_while_the_model_reads_leaves_nothing(
    client: TestClient, server: LLMServer, settings: Settings
) -> None:
    server.behave(unhurried)
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, SAID)
    eventually(lambda: server.requests)
    record = load(client, round_id)
    client.post(f"/rounds/{round_id}/delete")
    assert parts(client).practice.opinions.opinion(record, 0) is not None  # it is still being written
    eventually(lambda: parts(client).practice.opinions.opinion(record, 0) is None)
    assert rows(settings, "SELECT count(*) FROM llm_replies") == [(0,)]
    assert rows(settings, "SELECT count(*) FROM feedbacks") == [(0,)]


def unhurried(exchange: Exchange) -> Response:
    """The right reply, a piece at a time."""

    async def events() -> AsyncIterator[str]:
        for piece in pieces(exchange.reply):
            yield piece
            await asyncio.sleep(0.02)
        yield chunk({}, "stop")
        yield "data: [DONE]\n\n"

    return sse(events())
