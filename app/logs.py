"""Structured log lines with request ids. The text of an answer is never logged."""

from __future__ import annotations

import logging
import sys
import traceback

import structlog


def configure(level: str, *, as_json: bool) -> None:
    """Send all log lines to standard error, one a line: for people by default, as JSON for machines."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpx2", "sentence_transformers", "urllib3", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def bind_request(request_id: str) -> None:
    """Put the request's id on every line logged from here on in this context."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def frames(error: BaseException) -> str:
    """Where an error came from, without its message: a message may quote the answer, which never goes into a log."""
    return f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}"
