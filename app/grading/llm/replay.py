"""Requests written to a file instead of being sent, and replies taken from one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.core.errors import InvalidRequest
from app.core.llm import LLMFailed, OnText, Prompt, Usage
from app.grading.llm.chat import body
from app.grading.llm.judge import VERSION


def request_line(line_id: str | int, key: str, model: str, prompt: Prompt) -> dict[str, Any]:
    """One line of a dry run: the exact request, and a place for the reply."""
    return {"id": line_id, "key": key, "prompt_version": VERSION, "request": body(model, prompt), "reply": None}


def read_replies(lines: Iterable[str]) -> dict[str, str]:
    """The replies in a file of JSON lines, by the request's key and by "id:" and the line's id.

    A reply may be the text, the JSON object itself, or a whole chat completion. Raises InvalidRequest, which names the
    line, for one that can't be read.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            text = _text(data.get("reply", data.get("response")))
        except (ValueError, AttributeError, KeyError, IndexError, TypeError, RecursionError):
            raise InvalidRequest(
                f'line {number} is no reply: write {{"id": ..., "key": ..., "reply": ...}}, as --dry-run does, with '
                "the reply filled in"
            ) from None
        if text is None:
            continue
        for name in ("key", "id"):
            if data.get(name) is not None:
                found[str(data[name]) if name == "key" else f"id:{data[name]}"] = text
    return found


def _text(reply: Any) -> str | None:
    if reply is None or isinstance(reply, str):
        return reply
    if isinstance(reply.get("body"), Mapping):
        reply = reply["body"]
    if "choices" in reply:
        content = reply["choices"][0]["message"]["content"]
        if not isinstance(content, str):
            raise TypeError("a completion without text")
        return content
    return json.dumps(reply, ensure_ascii=False)


class KeptReplies:
    """Replies read from a file, as a grader's book."""

    def __init__(self, replies: Mapping[str, str]) -> None:
        self._replies = dict(replies)

    def also(self, key: str, name: str) -> None:
        """Let the reply kept under `name`, if there is one, stand under `key` as well, unless that has its own."""
        if name in self._replies:
            self._replies.setdefault(key, self._replies[name])

    def llm_reply(self, key: str) -> str | None:
        """The reply under `key`, if there is one."""
        return self._replies.get(key)

    def add_llm_reply(self, key: str, answers: str, reply: str, at: datetime) -> None:
        """Nothing: the file stays as it is."""

    def add_llm_call(self, model: str, usage: Usage, at: datetime) -> None:
        """Nothing: no call is made."""

    def llm_usage(self, since: datetime | None = None) -> Usage:
        """Nothing was used."""
        return Usage()


class Unasked:
    """A model that is named and never asked: what it says is known already, or not at all."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """The model that the requests are written for."""
        return self._name

    def ask(self, prompt: Prompt, on_text: OnText | None = None) -> str:
        """Raises LLMFailed."""
        raise LLMFailed("the file of replies has none for this answer: write the requests again with --dry-run")
