"""Jinja2: one environment, strict about undefined names, escaping everything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app import __version__
from app.core.connection import Connection
from app.core.errors import InvalidRequest
from app.core.llm import Desk
from app.web.wording import flag_text, left_out_text, opener, status_text, told_text

ROOT = Path(__file__).resolve().parent.parent.parent
STATIC = Path(__file__).resolve().parent / "static"


def render(
    request: Request, name: str, context: Mapping[str, Any] | None = None, *, status_code: int = 200
) -> HTMLResponse:
    """The page `name` with `context`."""
    model = asked(request.app.state.parts.desk)
    shared = {"path": request.url.path, "sent_to": model.host if model and not model.stays_here else None}
    page = environment().get_template(name).render({**shared, **(context or {})})
    return HTMLResponse(page, status_code=status_code)


def asked(desk: Desk) -> Connection | None:
    """The language model that is asked now. One that can't be read is not asked; the settings page says why."""
    try:
        return desk.choice().asked
    except InvalidRequest:
        return None


@cache
def environment() -> Environment:
    """The one environment."""
    made = Environment(
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        static=static_url,
        version=__version__,
        opener=opener,
        flag_text=flag_text,
        left_out_text=left_out_text,
        told_text=told_text,
        status_text=status_text,
    )
    made.filters.update(when=when, duration=duration, paragraphs=paragraphs, signed=signed)
    return made


@cache
def static_url(name: str) -> str:
    """The address of a static file with a mark of its content, so that browsers may keep it for a year."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def when(at: datetime) -> str:
    """A moment in the computer's own time zone, for reading."""
    local = at.astimezone()
    return f"{local.day} {local:%B %Y, %H:%M}"


def duration(span: timedelta | float) -> str:
    """A length of time, for reading: '45 s', '7 min', '1 h 05 min'."""
    seconds = round(span.total_seconds() if isinstance(span, timedelta) else span)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s" if seconds % 60 else f"{seconds // 60} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def paragraphs(text: str) -> list[str]:
    """A text's paragraphs."""
    return [part.strip() for part in text.split("\n") if part.strip()]


def signed(number: float) -> str:
    """A difference with its sign: '+12', '−3', '±0'."""
    rounded = round(number)
    return "±0" if rounded == 0 else f"{'+' if rounded > 0 else '−'}{abs(rounded)}"
