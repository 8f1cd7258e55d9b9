"""The report of a round, its exports, retrying a grading, and deleting a round."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.core.errors import Refused
from app.core.question import Question
from app.core.report import RoundReport, report
from app.store.store import Record
from app.web.export import as_json, as_markdown
from app.web.parts import Arrived, Parts, Wired, redirect
from app.web.questions import question_view
from app.web.rounds import GRADING_PATIENCE
from app.web.second import opinion_view, opinions_in
from app.web.templates import render

router = APIRouter(prefix="/rounds/{round_id}")


@router.get("/report")
def report_page(request: Request, wired: Wired, arrived: Arrived, round_id: str) -> Response:
    """The report; a round that still runs leads back to its page."""
    record = wired.practice.current(round_id, arrived)
    if record.round.ended_at is None:
        return redirect(request, f"/rounds/{round_id}", whole_page=True)
    added = round_report(wired, record)
    context = {
        "round": record.round,
        "report": added,
        "questions": [
            question_view(one) | {"opinion": opinion_view(wired, record, one)} for one in added.questions if one.turns
        ],
        "earlier": {
            one.planned.question.id: _earlier(wired, one.planned.question, record)
            for one in added.questions
            if one.turns
        },
        "grading": any(one.answered and one.feedback is None and one.failure is None for one in added.questions),
        "grader": wired.practice.grader_state(),
    }
    return render(request, "report.html", context)


@router.get("/report.md")
def report_markdown(wired: Wired, arrived: Arrived, round_id: str) -> Response:
    """The report as Markdown, for notes and coaches."""
    record = _ended(wired, round_id, arrived)
    return PlainTextResponse(
        as_markdown(record.round, round_report(wired, record)),
        media_type="text/markdown; charset=utf-8",
        headers=_attachment(record, "md"),
    )


@router.get("/report.json")
def report_json(wired: Wired, arrived: Arrived, round_id: str) -> Response:
    """The report as JSON, for programs."""
    record = _ended(wired, round_id, arrived)
    return JSONResponse(as_json(record.round, round_report(wired, record)), headers=_attachment(record, "json"))


@router.post("/retry")
def retry(request: Request, wired: Wired, round_id: str) -> Response:
    """Grade again what could not be graded."""
    wired.practice.retry(round_id)
    wired.practice.wait_graded(round_id, GRADING_PATIENCE)
    return redirect(request, f"/rounds/{round_id}")


@router.get("/delete")
def ask_delete(request: Request, wired: Wired, round_id: str) -> Response:
    """Ask before deleting."""
    return render(request, "delete.html", {"round": wired.store.load(round_id).round})


@router.post("/delete")
def delete(request: Request, wired: Wired, round_id: str) -> Response:
    """Delete the round for good."""
    wired.practice.delete_round(round_id)
    return redirect(request, "/rounds?deleted=yes")


def round_report(wired: Parts, record: Record) -> RoundReport:
    """A record, added up."""
    feedbacks, failures = record.by_question(record.feedback_on), record.by_question(record.failure_on)
    return report(record.round, feedbacks, failures, wired.scale, opinions_in(record))


def _ended(wired: Parts, round_id: str, arrived: datetime) -> Record:
    record = wired.practice.current(round_id, arrived)
    if record.round.ended_at is None:
        raise Refused("This round is still open. Its report, with the model answers, comes when it is over.")
    return record


def _earlier(wired: Parts, question: Question, record: Record) -> dict[str, Any] | None:
    """The attempt before this round's, if there was one: its date, score and the credit of each point."""
    before = [
        one
        for one in wired.store.attempts(question.id)
        if one.started_at < record.round.started_at and one.feedback is not None
    ]
    if not before or before[-1].feedback is None:
        return None
    last = before[-1]
    assert last.feedback is not None  # filtered above
    return {
        "round_id": last.round_id,
        "started_at": last.started_at,
        "score": last.feedback.score,
        "status": {point.point_id: point.status for point in last.feedback.points},
    }


def _attachment(record: Record, suffix: str) -> dict[str, str]:
    name = f"greenroom-{record.round.started_at:%Y-%m-%d}-{record.round.id[:6]}.{suffix}"
    return {"content-disposition": f'attachment; filename="{name}"'}
