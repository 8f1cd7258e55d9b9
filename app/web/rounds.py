"""A round being played: its page, drafts, answers, going on and ending."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.core.errors import InvalidRequest
from app.core.report import report
from app.core.round import How, Round
from app.live import Text
from app.store.store import Record
from app.web.parts import Arrived, Parts, Wired, redirect
from app.web.questions import question_view
from app.web.second import opinion_view, opinions_in
from app.web.templates import asked, render

router = APIRouter(prefix="/rounds")

GRADING_PATIENCE = 2.5
"""Seconds that a reply waits for its grading, so that most pages come back with the next prompt already on them."""

MOST_POSITION = 1000
"""Far more prompts than any round has; a number that the database can hold."""


def _whole(text: str) -> str:
    """The text with each half of a surrogate pair replaced: scripts may cut a character in two, databases refuse it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class DraftIn(BaseModel):
    """A draft as the page sends it; `base` is the revision the page last saw."""

    model_config = ConfigDict(extra="forbid")

    position: Annotated[int, Field(ge=0, le=MOST_POSITION)]
    text: Annotated[str, AfterValidator(_whole)]
    base: int | None = None


async def _box(request: Request) -> str | None:
    """What stands in the answer box; None where the form has none. (`Form` takes an emptied box for a missing one.)"""
    text = (await request.form()).get("text")
    return text if isinstance(text, str) else None


@router.get("/{round_id}")
def round_page(request: Request, wired: Wired, arrived: Arrived, round_id: str) -> Response:
    """The round as it stands: a prompt to answer, a wait for the grader, a review, or its report."""
    record = wired.practice.current(round_id, arrived)
    if record.round.ended_at is not None:
        return redirect(request, f"/rounds/{round_id}/report", whole_page=True)
    return render(request, "round.html", _context(wired, record, arrived))


@router.post("/{round_id}/answer")
def post_answer(
    request: Request,
    wired: Wired,
    arrived: Arrived,
    round_id: str,
    position: Annotated[int, Form(ge=0)],
    text: Annotated[str, Form()] = "",
    how: Annotated[Literal["answered", "dont_know", "skipped"], Form()] = "answered",
) -> Response:
    """Answer the open prompt, say that one doesn't know, or skip it."""
    request.state.kept = text  # an error page gives it back
    text = text.replace("\r\n", "\n")  # forms send CRLF; offsets of evidence count characters of what is stored
    if how == "answered" and not text.strip():
        raise InvalidRequest(
            "The answer box is empty. Write an answer, or choose “I don’t know” or “Skip” if you want to move on."
        )
    wired.practice.answer(round_id, position, text, How(how), arrived)
    if wired.practice.grader_state().readiness == "ready":
        wired.practice.wait_graded(round_id, GRADING_PATIENCE)
    return redirect(request, f"/rounds/{round_id}")


@router.post("/{round_id}/draft")
def post_draft(wired: Wired, arrived: Arrived, round_id: str, draft: DraftIn) -> Response:
    """Keep what is being typed. 409 with the newer text when another tab was faster."""
    saved = wired.practice.save_draft(round_id, draft.position, draft.text, draft.base, arrived)
    if saved is None:
        newer = wired.store.draft(round_id, draft.position)
        return JSONResponse(
            {
                "error": "Edited elsewhere",
                "detail": "This answer was changed in another tab or window.",
                "text": newer.text,
                "revision": newer.revision,
            },
            status_code=409,
        )
    return JSONResponse({"revision": saved.revision})


@router.post("/{round_id}/continue")
def post_continue(request: Request, wired: Wired, arrived: Arrived, round_id: str) -> Response:
    """Go on after reading the feedback on a question (coach mode)."""
    wired.practice.current(round_id, arrived, reviewed=True)
    return redirect(request, f"/rounds/{round_id}")


@router.post("/{round_id}/end")
def post_end(
    request: Request, wired: Wired, arrived: Arrived, round_id: str, text: Annotated[str | None, Depends(_box)]
) -> Response:
    """End the round early; what stands in the answer box is kept and graded."""
    request.state.kept = text or ""
    kept = None if text is None else text.replace("\r\n", "\n")
    wired.practice.end(round_id, arrived, kept)
    wired.practice.wait_graded(round_id, GRADING_PATIENCE)
    return redirect(request, f"/rounds/{round_id}/report", whole_page=True)


def _context(wired: Parts, record: Record, at: datetime) -> dict[str, Any]:
    round_ = record.round
    turn = round_.open_turn
    index = round_.turns[-1].question_index
    grading = wired.practice.is_grading(record)
    writing = not grading and wired.practice.is_writing(record)
    left = round_.time_left(at)
    return {
        "round": round_,
        "turn": turn,
        "index": index,
        "question": round_.plan[index].question,
        "draft": wired.store.draft(round_.id, turn.position) if turn else None,
        "stage": "answer" if turn else "grading" if grading else "writing" if writing else "review",
        "so_far": (wired.practice.opinions.writing(round_) or Text()).so_far if writing else "",
        "llm": asked(wired.desk),
        "seconds_left": None if left is None else round(left.total_seconds()),
        "seconds_on_question": round(_on_question(round_, index, at).total_seconds()),
        "grader": wired.practice.grader_state(),
        "max_chars": wired.practice.answer_max_chars,
        "review": None if turn or grading or writing else _review(wired, record, index),
        "last": index + 1 == len(round_.plan),
    }


def _review(wired: Parts, record: Record, index: int) -> dict[str, Any]:
    feedback, failure = record.feedback_on(index), record.failure_on(index)
    added = report(
        record.round,
        {index: feedback} if feedback else {},
        {index: failure} if failure else {},
        wired.scale,
        opinions_in(record),
    )
    one = added.questions[index]
    return question_view(one) | {"opinion": opinion_view(wired, record, one)}


def _on_question(round_: Round, index: int, at: datetime) -> timedelta:
    waited = ((turn.reply.at if turn.reply else at) - turn.asked_at for turn in round_.turns_of(index))
    return sum(waited, timedelta())
