"""A round in Chromium with a language model: one that streams, one that dies half-way, and none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.sync_api import Page, expect
from starlette.responses import Response

from app.settings import Settings
from tests.browser.conftest import Site, practise
from tests.llm_behaviours import Exchange, chunk, cut_hard, sse
from tests.llm_server import FOLLOW_UP, LLMServer
from tests.web.helpers import OVERFITTING

pytestmark = pytest.mark.browser

THIN = "I would watch the gap."
SAID = "I compare the training error with the validation error, and the gap tells me whether the model overfits. ALL"


@pytest.fixture
def server() -> Iterator[LLMServer]:
    started = LLMServer()
    yield started
    started.stop()


@pytest.fixture
def settings(settings: Settings, server: LLMServer, request: pytest.FixtureRequest) -> Settings:
    """With the language model switched on, unless the test asks for none."""
    if "with_none" in request.node.name:
        return settings
    named = {"grader": "llm", "llm_base_url": f"{server.address}/v1", "llm_model": "m-1", "llm_timeout": 10}
    return settings.model_copy(update=named)


def unhurried(exchange: Exchange) -> Response:
    """The right reply, a few words at a time."""

    async def events() -> AsyncIterator[str]:
        for word in exchange.reply.split():
            yield chunk({"content": f"{word} "})
            await asyncio.sleep(0.15)
        yield chunk({}, "stop")
        yield "data: [DONE]\n\n"

    return sse(events())


def send(page: Page, text: str) -> None:
    page.get_by_label("Your answer").fill(text)
    page.get_by_role("button", name="Send answer").click()


def test_a_streamed_follow_up_and_a_second_opinion(page: Page, site: Site, server: LLMServer) -> None:
    server.behave(unhurried)
    practise(page, OVERFITTING, "coach")
    expect(page.get_by_text("m-1 on this computer also gets what you send.")).to_be_visible()
    send(page, THIN)
    live = page.locator("[data-live] .live-text")
    expect(live).not_to_be_empty()
    assert FOLLOW_UP.startswith(live.inner_text())
    expect(page.locator(".bubble").last).to_have_text(FOLLOW_UP)
    expect(page.get_by_label("Your answer")).to_be_focused()
    send(page, SAID)
    box = page.locator("section.opinion")
    expect(box).to_contain_text("of 100")
    expect(box).to_contain_text("look twice")
    expect(page.locator("#round")).to_have_attribute("data-stage", "review")


def test_a_model_that_dies_half_way_costs_nothing(page: Page, site: Site, server: LLMServer) -> None:
    server.behave(*[cut_hard] * 12)
    round_id = practise(page, OVERFITTING, "coach")
    send(page, THIN)
    expect(page.locator("#round")).to_have_attribute("data-position", "1")
    turn = site.record(round_id).round.turns[-1]
    assert turn.point_id is not None
    assert turn.prompt == site.record(round_id).round.plan[0].rubric.point(turn.point_id).probe
    send(page, SAID)
    box = page.locator("section.opinion")
    expect(box).to_contain_text("The offline feedback stands.")
    server.reset()
    box.get_by_role("button", name="Ask again").click()
    expect(page.locator("section.opinion")).to_contain_text("look twice")


def test_with_none_nothing_is_said_of_one(page: Page, site: Site, server: LLMServer) -> None:
    practise(page, OVERFITTING, "coach")
    send(page, SAID)
    expect(page.locator("section.review")).to_contain_text("100 of 100")
    expect(page.locator("section.opinion")).to_have_count(0)
    assert server.requests == []
