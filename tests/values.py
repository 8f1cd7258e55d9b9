"""Small questions, rubrics and rounds for tests that need no shipped content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core import round as rounds
from app.core.plan import Mode, Options
from app.core.question import Domain, Level, Question
from app.core.round import Planned, Round
from app.core.rubric import Mistake, Point, Rubric

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def later(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def question(id_: str = "fundamentals/q0", **changes: Any) -> Question:
    slug = id_.split("/")[1]
    fields: dict[str, Any] = {
        "id": id_,
        "title": f"Title of {slug}",
        "prompt": f"What about {slug}?",
        "minutes": 5,
        "level": Level.mid,
        "tags": ("tag",),
        "typical_gap_for": (),
        "model_answer": "An answer.",
    }
    return Question(**fields | changes)


def rubric(id_: str = "fundamentals/q0", weights: Sequence[int] = (1, 2, 3)) -> Rubric:
    """Points p0, p1, ... with these weights, and mistakes m0 and m1."""
    return Rubric(
        question_id=id_,
        points=tuple(
            Point(id=f"p{n}", says=f"Says {n}.", why="Because.", weight=weight, probe=f"Probe {n}?")
            for n, weight in enumerate(weights)
        ),
        mistakes=tuple(Mistake(id=f"m{n}", says=f"Wrong {n}.", correction=f"Right {n}.") for n in range(2)),
    )


def planned(id_: str = "fundamentals/q0", weights: Sequence[int] = (1, 2, 3)) -> Planned:
    return Planned(question=question(id_), rubric=rubric(id_, weights))


def a_round(
    round_id: str = "r1",
    ids: Sequence[str] = ("fundamentals/q0", "fundamentals/q1"),
    at: datetime = BEGIN,
    **chosen: Any,
) -> Round:
    fields: dict[str, Any] = {"domains": tuple(Domain), "mode": Mode.pressure, "minutes": 30}
    return rounds.start(round_id, Options(**fields | chosen), [planned(one) for one in ids], at)
