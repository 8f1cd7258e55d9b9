"""What the parts that use a language model share: a request, its use of tokens, and the book that both are kept in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from app.core.connection import Choice
from app.core.errors import GradingFailed
from app.core.feedback import Answer, Feedback
from app.core.question import Level, Strict
from app.core.rubric import Point, Rubric

OnText = Callable[[str], None]
"""Called with a reply as far as it has come."""


class LLMFailed(GradingFailed):
    """The language model could not be asked, or its reply can't be used. The text quotes nothing that was sent."""


class Usage(Strict):
    """Tokens read and written by a language model."""

    prompt_tokens: int = 0
    reply_tokens: int = 0
    calls: int = 0

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.prompt_tokens + self.reply_tokens


def day_began(at: datetime) -> datetime:
    """The midnight before a moment in the computer's own time zone, from which the daily budget counts."""
    return at.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)


class Prompt(NamedTuple):
    """What a model is to be asked: the messages' texts, and the JSON schema of the reply (None: plain text)."""

    system: str
    user: str
    schema: dict[str, Any] | None = None


class Model(Protocol):
    """Something that replies to prompts."""

    @property
    def name(self) -> str:
        """The model's name, as stored with what it said."""
        ...

    def ask(self, prompt: Prompt, on_text: OnText | None = None) -> str:
        """The reply's text; `on_text` gets it as far as it has come. Raises LLMFailed."""
        ...


class Book(Protocol):
    """Keeps replies, so that the same answer is never judged twice, and the tokens that were used."""

    def llm_reply(self, key: str) -> str | None:
        """The reply kept under `key`, if there is one."""
        ...

    def add_llm_reply(self, key: str, answers: str, reply: str, at: datetime) -> None:
        """Keep a reply; `answers` is the mark of the texts it is about (see `marks`), with which it is deleted."""
        ...

    def add_llm_call(self, model: str, usage: Usage, at: datetime) -> None:
        """Note what one call used."""
        ...

    def llm_usage(self, since: datetime | None = None) -> Usage:
        """What the calls since a moment used, or all calls."""
        ...


class Said(NamedTuple):
    """One exchange: what the interviewer asked, and what the candidate said."""

    prompt: str
    answer: str


class Judge(Protocol):
    """Gives a second opinion."""

    def grade(
        self, question: str, rubric: Rubric, answers: Sequence[Answer], on_text: OnText | None = None
    ) -> Feedback:
        """As a grader does; `on_text` gets, for the page, how far it has come. Raises LLMFailed."""
        ...


class Interviewer(Protocol):
    """Puts follow-ups in its own words."""

    def follow_up(self, question: str, point: Point, said: Sequence[Said], on_text: OnText | None = None) -> str:
        """A follow-up that takes up what was said and draws out `point`. Raises LLMFailed."""
        ...


class Desk(Protocol):
    """Where the language model sits, where one is switched on."""

    def judge(self, level: Level) -> Judge | None:
        """Who gives second opinions; None where none is switched on."""
        ...

    def interviewer(self) -> Interviewer | None:
        """Who puts follow-ups; None where none is switched on."""
        ...

    def choice(self) -> Choice:
        """Which model is named, and whether it is asked. Raises InvalidRequest when that can't be read."""
        ...

    def choose(self, *, on: bool, base_url: str, model: str, api_key: str) -> Choice:
        """Keep a choice; an empty key stays as it was for the same address. Raises InvalidRequest."""
        ...

    def forget_key(self) -> None:
        """Delete the key that is kept."""
        ...

    def usage(self, since: datetime | None = None) -> Usage:
        """What all calls used, or those since a moment."""
        ...

    def test(self) -> str:
        """Ask the server for one word, and say how that went. Raises LLMFailed."""
        ...
