"""One tree of errors; every message says what to do about it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class GreenroomError(Exception):
    """Anything that Greenroom refuses or can't do; its text is written for the person who reads it."""


class Refused(GreenroomError):
    """A move that the rules of a round don't allow now (a second answer to a prompt, a round that has ended)."""


class NotFound(GreenroomError):
    """What was asked for doesn't exist, or no longer does."""


class TooLong(GreenroomError):
    """A text is over its length limit."""


class InvalidRequest(GreenroomError):
    """Options or fields that can't be used as they are."""


class GradingFailed(GreenroomError):
    """A grader could not grade. Never a zero: the answer stays, ungraded, until a retry succeeds."""


class Problem(BaseModel):
    """One thing wrong in one content file.

    `file` is the path relative to the content folder, `field` the dotted path inside it (may be empty).
    """

    model_config = ConfigDict(frozen=True)

    file: str
    field: str
    reason: str

    def __str__(self) -> str:
        """The problem in one line."""
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"{where}: {self.reason}"


class InvalidContent(GreenroomError):
    """The question bank or the rubrics have problems; `problems` lists all of them at once."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
