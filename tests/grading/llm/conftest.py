"""A server of language models on this computer, and the judge that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from app.content import Content
from app.core.connection import Connection
from app.core.feedback import Answer
from app.core.question import Level
from app.grading.llm.chat import RETRIES, Chat
from app.grading.llm.judge import LLMGrader
from app.store.book import LLMBook
from app.store.store import Store
from tests.llm_server import LLMServer

KEY = "sk-quokka-417"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

ANSWER = (
    "I would rescore both models today on one frozen set from last month that neither has seen. I bootstrap the gap to "
    "see whether it could be luck. Then the new one runs in shadow on live requests, and at last comes a randomised "
    "A/B test on conversion. I ramp up from one per cent and keep the old one loaded to roll back."
)

Make = Callable[..., Any]


def clock() -> datetime:
    return NOW


def said(*texts: str) -> list[Answer]:
    """The turns of one question: an answer, then answers to follow-ups."""
    return [Answer(turn=index, text=text, after_probe=index > 0) for index, text in enumerate(texts)]


@pytest.fixture(scope="session")
def servers() -> Iterator[list[LLMServer]]:
    """Two servers for the run: starting and stopping them for each test would take most of the time."""
    opened = [LLMServer(), LLMServer()]
    yield opened
    for one in opened:
        one.stop()


@pytest.fixture
def server(servers: list[LLMServer]) -> Iterator[LLMServer]:
    servers[0].reset()
    yield servers[0]
    servers[0].reset()


@pytest.fixture
def elsewhere(servers: list[LLMServer]) -> Iterator[LLMServer]:
    """A second server, that nobody named."""
    servers[1].reset()
    yield servers[1]
    servers[1].reset()


@pytest.fixture
def book(store: Store) -> LLMBook:
    return store.book


@pytest.fixture
def connection(server: LLMServer) -> Connection:
    """Patient enough for a loaded machine; where time is the matter, a test asks for less."""
    return Connection(base_url=f"{server.address}/v1", model="m-1", api_key=SecretStr(KEY), timeout=10)


@pytest.fixture
def make_chat(connection: Connection, book: LLMBook) -> Iterator[Make]:
    """A chat with some values of its connection changed, and its retries as shipped unless `retries` says otherwise."""
    made: list[Chat] = []

    def make(retries: int = RETRIES, **changes: Any) -> Chat:
        made.append(Chat(connection.model_copy(update=changes), book, clock, retries=retries))
        return made[-1]

    yield make
    for chat in made:
        chat.close()  # a socket left open is a warning, and a warning is an error


@pytest.fixture
def chat(make_chat: Make) -> Chat:
    return make_chat()


@pytest.fixture
def hasty(make_chat: Make) -> Chat:
    """A chat that waits half a second."""
    return make_chat(timeout=0.5)


@pytest.fixture
def judge(chat: Chat, content: Content, book: LLMBook) -> LLMGrader:
    return LLMGrader(chat, content.scale, Level.mid, book, clock)
