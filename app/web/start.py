"""The start page: choose a round, or take up one that is still open."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.errors import InvalidRequest, NotFound
from app.core.feedback import MISTAKE_COST, TOLD_AT_LEAST
from app.core.plan import MOST_QUESTIONS, PRESETS, Mode, Options, preset
from app.core.question import Domain, Level, Track
from app.web.parts import Arrived, Parts, Wired, redirect
from app.web.templates import asked, render

router = APIRouter()

LENGTHS = ("15", "30", "45", "60", "untimed")


@router.get("/")
def start_page(request: Request, wired: Wired) -> Response:
    """Ready-made rounds, a form for one's own, and rounds to take up."""
    past = wired.store.rounds()
    context = {
        "presets": PRESETS,
        "domains": [(domain, _count(wired, domain)) for domain in Domain],
        "levels": list(Level),
        "tracks": list(Track),
        "lengths": LENGTHS,
        "most_questions": MOST_QUESTIONS,
        "chosen": next((one.options for one in past if not one.options.only), Options(domains=tuple(Domain))),
        "open_rounds": [one for one in past if one.ended_at is None][:3],
        "played": sum(one.ended_at is not None for one in past),
        "question_count": len(wired.practice.questions),
        "grader": wired.practice.grader_state(),
        "llm": asked(wired.desk),
    }
    return render(request, "start.html", context)


@router.get("/status")
def status(request: Request, wired: Wired) -> Response:
    """The grader's state, as the part of the start page that shows it."""
    return render(request, "_partials/grader.html", {"grader": wired.practice.grader_state()})


@router.get("/health")
def health(wired: Wired) -> JSONResponse:
    """That the program answers; `grader` is loading, ready or failed."""
    return JSONResponse({"status": "ok", "grader": wired.practice.grader_state().readiness})


@router.get("/how-it-works")
def how_it_works(request: Request, wired: Wired) -> Response:
    """How rounds, grading and verdicts work, with the scale."""
    context = {
        "scale": wired.scale,
        "levels": list(Level),
        "grader": wired.practice.grader_state(),
        "mistake_cost": MISTAKE_COST,
        "told_at_least": 100 * TOLD_AT_LEAST,
    }
    return render(request, "how_it_works.html", context)


@router.post("/rounds")
def start_round(
    request: Request,
    wired: Wired,
    arrived: Arrived,
    ready_made: Annotated[str, Form(alias="preset")] = "",
    domains: Annotated[list[str] | None, Form()] = None,
    level: Annotated[str, Form()] = Level.mid,
    length: Annotated[str, Form()] = "30",
    count: Annotated[str, Form()] = "fit",
    mode: Annotated[str, Form()] = Mode.pressure,
    track: Annotated[str, Form()] = "",
) -> Response:
    """Start a round: a ready-made one, or one's own mix."""
    chosen: dict[str, Any] = {"level": level, "mode": mode, "track": track or None, "seed": secrets.randbits(32)}
    if ready_made:
        made = preset(ready_made)
        chosen |= {"preset": made.id, "domains": made.domains, "minutes": made.minutes}
    else:
        if not domains:
            raise InvalidRequest("Choose at least one domain for the round.")
        chosen |= {"domains": domains, "minutes": _minutes(length), "count": _number(count)}
    round_id = wired.practice.start_round(_options(chosen), arrived)
    return redirect(request, f"/rounds/{round_id}")


@router.post("/questions/{domain}/{slug}/practise")
def practise_question(
    request: Request,
    wired: Wired,
    arrived: Arrived,
    domain: str,
    slug: str,
    level: Annotated[str, Form()] = Level.mid,
    mode: Annotated[Literal["pressure", "coach"], Form()] = "coach",
) -> Response:
    """A round of one question, untimed."""
    only = f"{domain}/{slug}"
    if only not in wired.practice.questions:
        raise NotFound("There is no such question. The question list has all of them.")
    chosen = {"domains": [domain], "only": only, "level": level, "mode": mode, "seed": secrets.randbits(32)}
    options = _options(chosen)
    return redirect(request, f"/rounds/{wired.practice.start_round(options, arrived)}")


def _options(chosen: dict[str, Any]) -> Options:
    try:
        return Options.model_validate(chosen)
    except ValidationError as error:
        fields = ", ".join(str(one["loc"][0]) for one in error.errors() if one["loc"])
        raise InvalidRequest(f"Some choices can't be used: {fields}. Choose from what the form offers.") from None


def _minutes(length: str) -> int | None:
    return None if length == "untimed" else _number(length)


def _number(text: str) -> int | None:
    if text in {"", "fit"}:
        return None
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is not a number. Choose from what the form offers.") from None


def _count(wired: Parts, domain: Domain) -> int:
    return sum(question.domain is domain for question in wired.practice.questions.values())
