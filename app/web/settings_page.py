"""The settings: whether a language model judges beside the grader on this computer, which one, and what it cost."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from app.core.connection import Choice, Connection
from app.core.errors import InvalidRequest
from app.core.llm import LLMFailed, Usage, day_began
from app.web.parts import Arrived, Parts, Wired
from app.web.templates import render

router = APIRouter(prefix="/settings")


class Typed(NamedTuple):
    """What stands in the form's fields. The key has no place here: no page may show it."""

    on: bool
    base_url: str
    model: str


class Cost(NamedTuple):
    """What some calls used; `dollars` is None where no prices are set."""

    label: str
    usage: Usage
    dollars: float | None


@router.get("")
def settings_page(request: Request, wired: Wired, arrived: Arrived) -> Response:
    """The settings as they stand."""
    return _page(request, wired, arrived)


@router.post("")
def save(
    request: Request,
    wired: Wired,
    arrived: Arrived,
    grader: Annotated[Literal["offline", "both"], Form()] = "offline",
    base_url: Annotated[str, Form()] = "",
    model: Annotated[str, Form()] = "",
    api_key: Annotated[str, Form()] = "",
) -> Response:
    """Keep what was chosen, or say why that can't be."""
    on = grader == "both"
    try:
        choice = wired.desk.choose(on=on, base_url=base_url, model=model, api_key=api_key)
    except InvalidRequest as error:
        typed = Typed(on, base_url, model)
        return _page(request, wired, arrived, problem=str(error), typed=typed, status_code=422)
    said = _saved(choice)
    if api_key.strip() and choice.connection is None:
        said += " The key was not kept: it belongs to an address."
    return _page(request, wired, arrived, said=said)


@router.post("/test")
def test_connection(request: Request, wired: Wired, arrived: Arrived) -> Response:
    """Ask the server that is saved for one word."""
    try:
        return _page(request, wired, arrived, said=wired.desk.test())
    except LLMFailed as error:  # the test was made, and this is its result
        return _page(request, wired, arrived, problem=str(error))
    except InvalidRequest as error:
        return _page(request, wired, arrived, problem=str(error), status_code=422)


@router.post("/forget-key")
def forget_key(request: Request, wired: Wired, arrived: Arrived) -> Response:
    """Delete the key that is kept."""
    try:
        wired.desk.forget_key()
    except InvalidRequest as error:
        return _page(request, wired, arrived, problem=str(error), status_code=422)
    return _page(request, wired, arrived, said="No key is kept any more.")


def _page(
    request: Request,
    wired: Parts,
    at: datetime,
    *,
    said: str = "",
    problem: str = "",
    typed: Typed | None = None,
    status_code: int = 200,
) -> Response:
    try:
        choice = wired.desk.choice()
    except InvalidRequest as error:
        choice, problem = Choice(), problem or str(error)
    named = choice.connection
    context = {
        "said": said,
        "problem": problem,
        "choice": choice,
        "named": named,
        "typed": typed or Typed(choice.on, named.base_url if named else "", named.model if named else ""),
        "costs": _costs(wired, named, at),
    }
    return render(request, "settings.html", context, status_code=status_code)


def _saved(choice: Choice) -> str:
    if choice.asked:
        return f"Saved. On: answers of rounds from now on go to {choice.asked.host}."
    if choice.held_on:
        return "Saved. GREENROOM_GRADER=llm switches a language model on, but none is asked until you name one."
    return "Saved. Off: the grader on this computer judges alone."


def _costs(wired: Parts, named: Connection | None, at: datetime) -> list[Cost]:
    """Today, as the daily budget counts, and in total."""
    priced = named if named and (named.price_in or named.price_out) else None
    return [
        Cost(label, usage, priced.cost(usage.prompt_tokens, usage.reply_tokens) if priced else None)
        for label, usage in (("Today", wired.desk.usage(day_began(at))), ("In total", wired.desk.usage()))
    ]
