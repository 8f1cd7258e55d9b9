"""Every question an answer may belong to: those of the bank, and common ones that the bank lacks."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from app.core.question import Strict, Text
from app.core.rubric import Rubric


class OtherQuestion(Strict):
    """A common interview question that the bank lacks, and sentences that people say when they answer it.

    `everyday` marks talk that answers no interview question: cooking, journeys, the weekend.
    """

    asks: Text
    everyday: bool = False
    texts: Annotated[tuple[Text, ...], Field(min_length=12)]


class KnownQuestions(NamedTuple):
    """The bank's questions, each prompt with its rubric, and the others."""

    bank: tuple[tuple[str, Rubric], ...] = ()
    others: tuple[OtherQuestion, ...] = ()
