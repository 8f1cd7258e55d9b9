"""Rubrics: what an expert listens for in the answers to one question."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.core.question import Level, Slug, Strict, Text

Weight = Annotated[int, Field(ge=1, le=3)]


class PointKind(StrEnum):
    """A `point` is about what is said on this question; a `signal` about how anything is told."""

    point = "point"
    signal = "signal"


class Point(Strict):
    """One idea worth credit.

    `says` is the idea in one sentence, `why` tells the candidate why interviewers care, `weight` runs in the
    bank from 1 (nice) to 3 (expected), `exemplars` are different ways in which people say it, `contrasts` are sentences
    close to them that do not say it, and `probe` is the follow-up that draws it out.
    """

    id: Slug
    says: Text
    why: Text
    weight: Annotated[int | float, Field(gt=0)]
    exemplars: tuple[Text, ...] = ()
    contrasts: tuple[Text, ...] = ()
    probe: Text
    kind: PointKind = PointKind.point


class Mistake(Strict):
    """A claim that is wrong, with the ways in which people make it and what is right instead.

    `contrasts` are sentences close to the exemplars that are innocent of it. `denies` names the points that nobody
    makes who makes the mistake, as it says the contrary of them.
    """

    id: Slug
    says: Text
    exemplars: tuple[Text, ...] = ()
    contrasts: tuple[Text, ...] = ()
    correction: Text
    denies: tuple[Slug, ...] = ()


class Rubric(Strict):
    """The points and mistakes of one question; signals are already resolved into points."""

    question_id: str
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    mistakes: tuple[Mistake, ...] = ()

    def point(self, point_id: str) -> Point:
        """The point with this id. Raises KeyError when there is none."""
        return {point.id: point for point in self.points}[point_id]

    def mistake(self, mistake_id: str) -> Mistake:
        """The mistake with this id. Raises KeyError when there is none."""
        return {mistake.id: mistake for mistake in self.mistakes}[mistake_id]


class Verdict(StrEnum):
    """An interviewer's recommendation, best first."""

    strong_hire = "strong_hire"
    hire = "hire"
    lean_hire = "lean_hire"
    lean_no_hire = "lean_no_hire"
    no_hire = "no_hire"

    @property
    def label(self) -> str:
        """The verdict as shown to people."""
        return self.value.replace("_", " ").capitalize()


class Band(Strict):
    """A verdict at one level: the lowest score (0..100) that earns it, and what such an answer sounds like."""

    from_score: Annotated[float, Field(ge=0, le=100)]
    anchor: Text


class Scale(Strict):
    """For each level, the band of each verdict."""

    levels: dict[Level, dict[Verdict, Band]]

    def verdict(self, score: float, level: Level) -> Verdict:
        """The best verdict whose band starts at or below `score` (0..100)."""
        for verdict in Verdict:
            if score >= self.levels[level][verdict].from_score:
                return verdict
        return Verdict.no_hire

    def anchor(self, verdict: Verdict, level: Level) -> str:
        """What an answer with this verdict sounds like at this level."""
        return self.levels[level][verdict].anchor
