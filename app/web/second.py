"""The second opinion on a question, and texts of the language model while they come."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.core.report import Opinions, QuestionReport
from app.live import Text
from app.store.store import Record
from app.web.parts import Parts, Wired, redirect
from app.web.templates import asked

router = APIRouter(prefix="/rounds/{round_id}")

STREAM_SECONDS = 15.0
"""How long one stream stays open; the browser then asks again, so that stopping the program never waits for longer."""
BEAT_SECONDS = 5.0
"""A stream with nothing to say says so this often; else nobody would notice that the browser is gone."""

Wait = Callable[[Text | None, float], Text | None]


@router.post("/opinion")
def ask_opinion(request: Request, wired: Wired, round_id: str, index: Annotated[int, Form(ge=0, le=1000)]) -> Response:
    """Ask for a second opinion on one question, also where one failed."""
    wired.practice.ask_opinion(round_id, index)
    return redirect(request, f"/rounds/{round_id}#q{index + 1}-opinion")


@router.get("/live/opinion/{index}")
def live_opinion(wired: Wired, round_id: str, index: int) -> Response:
    """How far a second opinion has come, as server-sent events."""
    record = wired.store.load(round_id)
    return _events(lambda seen, wait: wired.practice.opinions.wait_opinion(record, index, seen, wait))


@router.get("/live/follow-up")
def live_follow_up(wired: Wired, round_id: str) -> Response:
    """How far the next follow-up has come, as server-sent events."""
    round_ = wired.store.load(round_id).round
    return _events(lambda seen, wait: wired.practice.opinions.wait_follow_up(round_, seen, wait))


def opinions_in(record: Record) -> Opinions:
    """The second opinions of a record."""
    return Opinions(record.by_question(record.opinion_on), record.by_question(record.opinion_failure_on))


def opinion_view(wired: Parts, record: Record, one: QuestionReport) -> dict[str, Any] | None:
    """The second opinion on a question, laid out; None where there is none and none could be had."""
    coming = wired.practice.opinions.opinion(record, one.index)
    model = asked(wired.desk)
    if one.feedback is None or not (one.opinion or one.opinion_failure or coming or model):
        return None
    rubric = one.planned.rubric
    ours = {point.point_id: point for point in one.feedback.points}
    points = [
        {"point": rubric.point(theirs.point_id), "ours": ours[theirs.point_id], "theirs": theirs}
        for theirs in (one.opinion.points if one.opinion else ())
        if one.differs_on(theirs.point_id)
    ]
    mistakes = [
        {"mistake": rubric.mistake(found.mistake_id), "outcome": found, "theirs": theirs}
        for found, theirs in one.disputed_mistakes()
    ]
    return {
        "state": "coming" if coming else "given" if one.opinion else "failed" if one.opinion_failure else "offer",
        "so_far": coming.so_far if coming else "",
        "model": model,
        "points": points,
        "mistakes": mistakes,
        "said": any(turn.reply and turn.reply.text.strip() for turn in one.turns),
    }


def _events(wait: Wait) -> Response:
    return StreamingResponse(_lines(wait), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def _lines(wait: Wait) -> Iterator[str]:
    """Events `text` with what there is so far, and `done` at the end."""
    until = time.monotonic() + STREAM_SECONDS
    text = wait(Text(), 0.0)
    yield _event("text", text)
    while text is not None and not text.done and (left := until - time.monotonic()) > 0:
        seen, text = text, wait(text, min(left, BEAT_SECONDS))
        yield _event("text", text) if text != seen else ": still at it\n\n"
    if text is None or text.done:
        yield "event: done\ndata: {}\n\n"


def _event(name: str, text: Text | None) -> str:
    return f"event: {name}\ndata: {json.dumps(text.so_far if text else '')}\n\n"
