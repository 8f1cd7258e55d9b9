"""The one method that every grader has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.core.feedback import Answer, Feedback
from app.core.rubric import Rubric


class Grader(Protocol):
    """Judges the answers given to one question."""

    @property
    def name(self) -> str:
        """What graded, with its version: stored with every feedback."""
        ...

    def grade(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        """The feedback on `answers`, the turns of one question in order; `question` is the text that was asked.

        The same arguments give the same feedback, bit for bit. Safe to call from several threads.
        Raises GradingFailed when it can't grade; it never gives a zero instead.
        """
        ...
