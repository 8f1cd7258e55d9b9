"""What routes work with, put on the application by `app.main`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, NamedTuple, cast

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.llm import Desk
from app.core.rubric import Scale
from app.practice import Practice
from app.store.store import Store


class Parts(NamedTuple):
    """The use cases for writing, the store for reading, the scale of verdicts, and the language model's desk."""

    practice: Practice
    store: Store
    scale: Scale
    desk: Desk


def _parts(request: Request) -> Parts:
    return cast(Parts, request.app.state.parts)


def _arrived(request: Request) -> datetime:
    return cast(datetime, request.state.arrived)


Wired = Annotated[Parts, Depends(_parts)]
Arrived = Annotated[datetime, Depends(_arrived)]
"""When the request arrived, stamped before anything slow."""


def redirect(request: Request, url: str, *, whole_page: bool = False) -> Response:
    """See-other to `url`. For htmx, `whole_page` leaves the page instead of swapping a part of it."""
    if whole_page and request.headers.get("hx-request") == "true":
        return Response(status_code=204, headers={"HX-Redirect": url})
    return RedirectResponse(url, status_code=303)
