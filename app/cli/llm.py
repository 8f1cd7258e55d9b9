"""What `grade` and `evaluate` do with a language model: ask it, write requests down, or replay replies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from app.batch import BadLine, Bank, Outcome, read_line
from app.core.connection import Connection
from app.core.errors import InvalidRequest
from app.core.feedback import Answer
from app.core.question import Level
from app.core.rubric import Scale
from app.grading.llm.chat import CHARS_PER_TOKEN, Chat
from app.grading.llm.choice import Choices
from app.grading.llm.judge import LLMGrader
from app.grading.llm.replay import KeptReplies, Unasked, read_replies, request_line
from app.practice import now
from app.settings import Settings
from app.store.store import Store

UNNAMED = "unnamed"
"""The model in a dry run where none is named."""


class Live(NamedTuple):
    """A grader that asks a server, and where that is."""

    grader: LLMGrader
    connection: Connection


def live(settings: Settings, scale: Scale, level: Level, until: ExitStack) -> Live:
    """The grader by the server that the environment or the settings page names; it is let go of with `until`.

    Raises InvalidRequest without one.
    """
    connection = Choices(settings).load().connection
    if connection is None:
        raise InvalidRequest(
            "No language model is named: set GREENROOM_LLM_BASE_URL and GREENROOM_LLM_MODEL (and GREENROOM_LLM_API_KEY "
            "where the server wants a key), or name one on the settings page. --dry-run needs none."
        )
    store = Store(settings.database_path)
    chat = Chat(connection, store.book, now)
    until.callback(store.close)
    until.callback(chat.close)
    return Live(LLMGrader(chat, scale, level, store.book, now), connection)


def warning(connection: Connection, grader: LLMGrader, lines: Sequence[str], bank: Bank, most: int) -> str:
    """What is about to be sent, where, and what that costs at most; for before the first call."""
    prompts = [prompt for _, prompt in _prompts(grader, lines, bank, most) if prompt]
    tokens = sum(len(prompt.system) + len(prompt.user) for prompt in prompts) // CHARS_PER_TOKEN
    cost = connection.cost(tokens, 600 * len(prompts))
    price = f", about ${cost:.2f}" if cost else ""
    return (
        f"Sending {len(prompts)} answers with their questions and rubrics to {connection.host}, model "
        f"{connection.model}: about {tokens:,} tokens{price}. What it said of the same answers before is not asked "
        "again."
    )


def dry_run(settings: Settings, lines: Sequence[str], bank: Bank, level: Level) -> Iterator[Outcome]:
    """For each line the exact request that would be sent; for an answer without content, nothing."""
    name = settings.llm_model or _kept_model(settings) or UNNAMED
    grader = LLMGrader(Unasked(name), bank.scale, level, None, now)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            job = read_line(line, bank, settings.answer_max_chars)
        except BadLine as error:
            yield Outcome(number, None, str(error))
            continue
        prompt = grader.prompt(job.question, job.rubric, [Answer(turn=0, text=job.answer)])
        if prompt:
            yield Outcome(number, request_line(job.id, grader.key(prompt), name, prompt), None)


def replayed(file: Path, settings: Settings, scale: Scale, level: Level) -> tuple[LLMGrader, KeptReplies]:
    """A grader whose replies come from a file that a dry run wrote and somebody filled in. Raises InvalidRequest."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InvalidRequest(f"{file} can't be read: {error}") from None
    try:
        replies = read_replies(text.split("\n"))
    except InvalidRequest as error:
        raise InvalidRequest(f"{file}: {error}") from None
    name = _model_in(text) or settings.llm_model or _kept_model(settings) or UNNAMED
    kept = KeptReplies(replies)
    return LLMGrader(Unasked(name), scale, level, kept, now), kept


def replay_by_id(grader: LLMGrader, kept: KeptReplies, lines: Sequence[str], bank: Bank, most: int) -> None:
    """Let replies that are named by a line's id alone stand for that line's request."""
    for line_id, prompt in _prompts(grader, lines, bank, most):
        if prompt:
            kept.also(grader.key(prompt), f"id:{line_id}")


def _prompts(grader: LLMGrader, lines: Iterable[str], bank: Bank, most: int) -> Iterator[tuple[str | int, Any]]:
    for line in lines:
        if line.strip():
            try:
                job = read_line(line, bank, most)
            except BadLine:  # said when its turn comes
                continue
            yield job.id, grader.prompt(job.question, job.rubric, [Answer(turn=0, text=job.answer)])


def _model_in(text: str) -> str | None:
    """The model that the requests in a file were written for."""
    for line in text.split("\n"):
        if line.strip():
            request = json.loads(line).get("request")
            return str(request["model"]) if isinstance(request, dict) and "model" in request else None
    return None


def _kept_model(settings: Settings) -> str | None:
    connection = Choices(settings).load().connection
    return connection.model if connection else None
