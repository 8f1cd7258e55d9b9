"""A real Chromium, and a real server whose grader is steered by the answer's words."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app.main import create_app
from app.settings import Settings
from app.store.store import Record, Store
from tests.browser import chromium
from tests.graders import WordGrader

PATIENCE = 15_000
"""Milliseconds that a page may take for anything; a loaded machine is slow."""

GIVEN_UP = "net::ERR_ABORTED"

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Not for the whole session: Playwright keeps an event loop running in this thread, and other tests start their own.
    # This scope needs the folder to have an __init__.py.
    path = chromium.find()
    if path is None:
        pytest.skip(chromium.MISSING)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield opened
        opened.close()


class Site:
    """A server on a port of its own that can be stopped and started again on the same data."""

    def __init__(self, settings: Settings, grader: WordGrader) -> None:
        self.settings = settings
        self.grader = grader
        self.port = 0
        self.start()

    def start(self) -> None:
        self.app = create_app(self.settings, self.grader)
        config = uvicorn.Config(
            self.app, port=self.port, log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        end = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < end
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.should_exit = True
        if not self.grader.hold.is_set():
            time.sleep(0.3)  # the grading under way ends only after the last page was served
            self.grader.hold.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    @property
    def store(self) -> Store:
        found = self.app.state.parts.store
        assert isinstance(found, Store)
        return found

    def record(self, round_id: str) -> Record:
        return self.store.load(round_id)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.settings.database_path, timeout=10)
        try:
            with connection:
                return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def asked(self, round_id: str, ago: float) -> None:
        """Move the clock: the open prompt was put `ago` seconds ago."""
        at = (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()
        last = "(select max(position) from prompts where round_id = ?)"
        self.rows(f"update prompts set asked_at = ? where round_id = ? and position = {last}", at, round_id, round_id)


@pytest.fixture
def site(settings: Settings, grader: WordGrader) -> Iterator[Site]:
    opened = Site(settings, grader)
    yield opened
    opened.stop()


class Watch:
    """What went wrong in the pages of a context: console errors, failed requests, refusals, CSP violations."""

    def __init__(self, context: BrowserContext) -> None:
        self.problems: list[str] = []
        self.expected: tuple[str, ...] = ()
        context.on("console", lambda message: self._note("console", message.text, message.type == "error"))
        context.on("weberror", lambda error: self._note("script", str(error.error)))
        # A request that the browser itself gave up, because the page was left, is no failure.
        context.on(
            "requestfailed",
            lambda request: self._note("failed", f"{request.url} {request.failure}", request.failure != GIVEN_UP),
        )
        context.on("response", lambda reply: self._note("reply", f"{reply.status} {reply.url}", reply.status >= 400))

    def _note(self, kind: str, text: str, wrong: bool = True) -> None:
        if wrong:
            self.problems.append(f"{kind}: {text}")

    @property
    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(one in problem for one in self.expected)]


OpenContext = Callable[..., BrowserContext]


@pytest.fixture
def open_context(browser: Browser, site: Site) -> Iterator[OpenContext]:
    """Contexts with the site as their base."""
    opened: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(base_url=site.address, **options)
        context.set_default_timeout(PATIENCE)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def context(open_context: OpenContext) -> BrowserContext:
    return open_context()


@pytest.fixture
def watch(context: BrowserContext) -> Iterator[Watch]:
    """Fails the test afterwards when anything went wrong that it did not expect."""
    watching = Watch(context)
    yield watching
    assert watching.unexpected == []


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    return context.new_page()


def start_round(page: Page, **options: str) -> str:
    """A round begun by the form of the start page, as a browser sends it; its id."""
    form = {"domains": "fundamentals", "length": "15", "count": "1", "mode": "pressure", **options}
    reply = page.request.post("/rounds", form=form)
    assert reply.ok
    page.goto(reply.url)
    return reply.url.split("/")[4]


def practise(page: Page, question_id: str, mode: str = "pressure") -> str:
    """A round of one question, untimed; its id."""
    reply = page.request.post(f"/questions/{question_id}/practise", form={"mode": mode})
    assert reply.ok
    page.goto(reply.url)
    return reply.url.split("/")[4]
