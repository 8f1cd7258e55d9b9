"""Questions of the bank: what an interviewer asks, for whom, and how long it should take."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


class Strict(BaseModel):
    """A frozen value whose unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Domain(StrEnum):
    """The five domains of an ML-engineering interview loop."""

    lifecycle = "lifecycle"
    system_design = "system_design"
    fundamentals = "fundamentals"
    project_deep_dive = "project_deep_dive"
    behavioural = "behavioural"

    @property
    def label(self) -> str:
        """The domain's name as shown to people."""
        return _DOMAIN_LABELS[self]


_DOMAIN_LABELS = {
    Domain.lifecycle: "ML lifecycle",
    Domain.system_design: "ML system design",
    Domain.fundamentals: "ML fundamentals",
    Domain.project_deep_dive: "Project deep dive",
    Domain.behavioural: "Behavioural",
}


class Level(StrEnum):
    """The level a candidate interviews for, lowest first."""

    mid = "mid"
    senior = "senior"
    staff = "staff"

    @property
    def rank(self) -> int:
        """0 for mid, 1 for senior, 2 for staff."""
        return list(Level).index(self)

    @property
    def label(self) -> str:
        """The level's name as shown to people."""
        return {Level.mid: "Mid-level", Level.senior: "Senior", Level.staff: "Staff"}[self]


class Track(StrEnum):
    """Where a candidate comes from."""

    data_engineering = "data_engineering"
    data_science = "data_science"
    software_engineering = "software_engineering"

    @property
    def label(self) -> str:
        """The track's name as shown to people."""
        return self.value.replace("_", " ").capitalize()


class Question(Strict):
    """One interview question.

    `minutes` is the suggested time for the whole question, follow-ups included. `level` is the lowest level at which
    it is usually asked. `typical_gap_for` names the tracks whose candidates usually find it new.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z_]+/[a-z0-9]+(-[a-z0-9]+)*$")]
    title: Annotated[Text, StringConstraints(max_length=80)]
    prompt: Text
    minutes: Annotated[int, Field(ge=2, le=45)]
    level: Level
    tags: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=8)]
    typical_gap_for: tuple[Track, ...]
    model_answer: Text

    @property
    def domain(self) -> Domain:
        """The domain, which is the first half of the id."""
        return Domain(self.id.split("/")[0])

    @property
    def slug(self) -> str:
        """The second half of the id."""
        return self.id.split("/")[1]
