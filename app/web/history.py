"""The history of rounds, with filters."""

from __future__ import annotations

from statistics import fmean
from typing import NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.plan import PRESETS, Mode
from app.core.question import Domain, Level
from app.core.rubric import Verdict
from app.store.history import PastRound
from app.web.parts import Parts, Wired
from app.web.templates import render

router = APIRouter()


class Filter(NamedTuple):
    """What the history shows; every field stands in the address."""

    domain: str = ""
    level: str = ""
    mode: str = ""
    state: str = ""

    def matches(self, past: PastRound) -> bool:
        """Whether a round is shown."""
        return (
            (not self.domain or any(one.question_id.startswith(f"{self.domain}/") for one in past.questions))
            and self.level in ("", past.options.level)
            and self.mode in ("", past.options.mode)
            and (not self.state or (self.state == "open") == (past.ended_at is None))
        )

    @property
    def query(self) -> str:
        """The filters that are set, as a query string."""
        return urlencode({key: value for key, value in self._asdict().items() if value})


class Line(NamedTuple):
    """A round as the history shows it."""

    past: PastRound
    title: str
    score: float | None
    verdict: Verdict | None


@router.get("/rounds")
def history(
    request: Request,
    wired: Wired,
    domain: str = "",
    level: str = "",
    mode: str = "",
    state: str = "",
    deleted: str = "",
) -> Response:
    """All rounds that match the filters, latest first."""
    chosen = Filter(domain, level, mode, state)
    past = wired.store.rounds()
    context = {
        "filter": chosen,
        "lines": [_line(wired, one) for one in past if chosen.matches(one)],
        "total": len(past),
        "deleted": deleted == "yes",
        "domains": list(Domain),
        "levels": list(Level),
        "modes": list(Mode),
    }
    return render(request, "history.html", context)


def _line(wired: Parts, past: PastRound) -> Line:
    scores = [one.score for one in past.questions if one.score is not None]
    score = fmean(scores) if scores else None
    verdict = None if score is None else wired.scale.verdict(score, past.options.level)
    return Line(past, _title(past), score, verdict)


def _title(past: PastRound) -> str:
    if made := next((one for one in PRESETS if one.id == past.options.preset), None):
        return made.title
    if past.options.only and past.questions:
        return past.questions[0].title
    return ", ".join(domain.label for domain in past.options.domains)
