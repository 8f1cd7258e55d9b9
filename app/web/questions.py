"""The question browser, a question's page, and how one question's feedback is laid out on any page."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.errors import NotFound
from app.core.question import Domain, Level, Question, Track
from app.core.report import QuestionReport
from app.web.highlight import marks_of, segments
from app.web.parts import Parts, Wired
from app.web.templates import render

router = APIRouter(prefix="/questions")


class Filter(NamedTuple):
    """What the browser shows; every field stands in the address, so that a view can be bookmarked."""

    q: str = ""
    domain: str = ""
    level: str = ""
    tag: str = ""
    track: str = ""
    attempted: str = ""

    def matches(self, question: Question, attempted: set[str]) -> bool:
        """Whether a question is shown."""
        text = f"{question.title} {question.prompt} {' '.join(question.tags)}".casefold()
        return (
            all(word in text for word in self.q.casefold().split())
            and self.domain in ("", question.domain)
            and self.level in ("", question.level)
            and (not self.tag or self.tag in question.tags)
            and (not self.track or self.track in question.typical_gap_for)
            and (not self.attempted or (self.attempted == "yes") == (question.id in attempted))
        )

    def without(self, field: str) -> str:
        """The address of this view with one filter taken away."""
        left = {key: value for key, value in self._asdict().items() if value and key != field}
        return "/questions" + (f"?{urlencode(left)}" if left else "")


@router.get("")
def browse(
    request: Request,
    wired: Wired,
    q: str = "",
    domain: str = "",
    level: str = "",
    tag: str = "",
    track: str = "",
    attempted: str = "",
) -> Response:
    """All questions that match the filters, by domain."""
    chosen = Filter(q.strip()[:200], domain, level, tag, track, attempted)
    best = _best_scores(wired)
    done = wired.store.attempted()
    bank = wired.practice.questions.values()
    found = [question for question in bank if chosen.matches(question, done)]
    context = {
        "filter": chosen,
        "groups": [
            (one, [q for q in found if q.domain is one]) for one in Domain if any(q.domain is one for q in found)
        ],
        "found": len(found),
        "total": len(bank),
        "attempted": done,
        "best": best,
        "domains": list(Domain),
        "levels": list(Level),
        "tracks": list(Track),
        "tags": sorted({tag for question in bank for tag in question.tags}),
    }
    return render(request, "questions.html", context)


@router.get("/{domain}/{slug}")
def question_page(request: Request, wired: Wired, domain: str, slug: str, reveal: str = "") -> Response:
    """One question: practise it, see earlier attempts; the rubric stays closed until an attempt or on request."""
    question = wired.practice.questions.get(f"{domain}/{slug}")
    if question is None:
        raise NotFound("There is no such question. The question list has all of them.")
    attempts = wired.store.attempts(question.id)
    context = {
        "question": question,
        "rubric": wired.practice.rubrics[question.id],
        "attempts": attempts,
        "open": bool(attempts) or reveal == "yes",
        "levels": list(Level),
    }
    return render(request, "question.html", context)


def question_view(one: QuestionReport) -> dict[str, Any]:
    """One question's report, laid out: the conversation with its marks, points and mistakes with their labels."""
    rubric, feedback = one.planned.rubric, one.feedback
    anchor = f"q{one.index + 1}"
    marks = marks_of(feedback, rubric, anchor) if feedback else []
    turns = [
        {
            "turn": turn,
            "segments": segments(turn.reply.text, turn.position, marks) if turn.reply else [],
            "set_aside": feedback.why_set_aside(turn.position) if feedback else None,
            "left_out": feedback.left_out_of(turn.position) if feedback else (),
        }
        for turn in one.turns
    ]
    points = [
        {"number": number, "point": rubric.point(outcome.point_id), "outcome": outcome}
        for number, outcome in enumerate(feedback.points if feedback else (), start=1)
    ]
    made = [outcome for outcome in (feedback.mistakes if feedback else ()) if outcome.made]
    mistakes = [
        {"letter": chr(ord("a") + index), "mistake": rubric.mistake(outcome.mistake_id), "outcome": outcome}
        for index, outcome in enumerate(made)
    ]
    return {"report": one, "anchor": anchor, "turns": turns, "points": points, "mistakes": mistakes}


def _best_scores(wired: Parts) -> dict[str, float]:
    best: dict[str, float] = {}
    for past in wired.store.rounds():
        for question in past.questions:
            if question.score is not None:
                best[question.question_id] = max(question.score, best.get(question.question_id, 0.0))
    return best
