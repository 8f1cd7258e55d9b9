"""The language model as the pages use it: whichever the environment or the settings page names, at the moment asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from app.core.connection import Choice, Connection
from app.core.llm import Book, LLMFailed, Prompt, Usage
from app.core.question import Level
from app.core.rubric import Scale
from app.grading.llm.chat import RETRIES, Chat
from app.grading.llm.choice import Choices

FOLLOW_UP_PATIENCE = 20.0
"""Seconds that a follow-up may take: somebody is waiting for it, and the authored probe is there at once."""
TEST_PATIENCE = 30.0
"""Seconds that the test of a connection may take; a local server may have to load the model first."""

if TYPE_CHECKING:
    from app.grading.llm.interviewer import LLMInterviewer
    from app.grading.llm.judge import LLMGrader


class LLMDesk:
    """See app.core.llm.Desk. Safe to call from several threads."""

    def __init__(self, choices: Choices, book: Book, scale: Scale, clock: Callable[[], datetime]) -> None:
        self._choices = choices
        self._book = book
        self._scale = scale
        self._clock = clock
        self._chats: dict[tuple[Connection, int], Chat] = {}
        self._lock = threading.Lock()

    def judge(self, level: Level) -> LLMGrader | None:
        """Who gives second opinions; None where none is switched on. Raises InvalidRequest."""
        from app.grading.llm.judge import LLMGrader  # late, as it brings numpy along

        asked = self._choices.load().asked
        return LLMGrader(self._chat(asked), self._scale, level, self._book, self._clock) if asked else None

    def interviewer(self) -> LLMInterviewer | None:
        """Who puts follow-ups; None where none is switched on. Raises InvalidRequest."""
        from app.grading.llm.interviewer import LLMInterviewer

        asked = self._choices.load().asked
        if asked is None:
            return None
        patient = asked.model_copy(update={"timeout": min(asked.timeout, FOLLOW_UP_PATIENCE)})
        return LLMInterviewer(self._chat(patient, retries=0))

    def choice(self) -> Choice:
        """Which model is named, and whether it is asked. Raises InvalidRequest."""
        return self._choices.load()

    def choose(self, *, on: bool, base_url: str, model: str, api_key: str) -> Choice:
        """Keep a choice. Raises InvalidRequest."""
        return self._choices.save(on=on, named={"base_url": base_url, "model": model, "api_key": api_key})

    def forget_key(self) -> None:
        """Delete the key that is kept."""
        self._choices.forget_key()

    def usage(self, since: datetime | None = None) -> Usage:
        """What all calls used, or those since a moment."""
        return self._book.llm_usage(since)

    def test(self) -> str:
        """Ask the server for one word, and say how that went. Raises LLMFailed. Sends nothing of anybody's."""
        connection = self._choices.load().connection
        if connection is None:
            raise LLMFailed("Name the server's address and a model first, and save.")
        patient = connection.model_copy(update={"timeout": min(connection.timeout, TEST_PATIENCE)})
        began = time.monotonic()
        self._chat(patient, retries=0).ask(Prompt("You test a connection.", "Reply with the word ready."))
        return f"{connection.host} answered after {time.monotonic() - began:.1f} s. It works."

    def close(self) -> None:
        """Let go of all connections."""
        with self._lock:
            for chat in self._chats.values():
                chat.close()

    def _chat(self, connection: Connection, retries: int = RETRIES) -> Chat:
        """The chat with a server: kept, as it remembers what that server lacks."""
        with self._lock:
            key = (connection, retries)
            if key not in self._chats:
                self._chats[key] = Chat(connection, self._book, self._clock, retries=retries)
            return self._chats[key]
