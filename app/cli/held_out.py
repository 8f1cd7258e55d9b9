"""Rubrics that have not heard the answer that they judge: a rubric takes its sentences from labelled answers too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.content import Content
from app.content.lines import with_answers
from app.content.schemas import LabelledAnswer
from app.core.rubric import Rubric
from app.grading.encoder import Encoder
from app.grading.references import references

PARTS = 5
"""The answers to a question are judged in so many parts, each by a rubric that has heard the other ones."""


def held_out(content: Content) -> dict[tuple[str, str], Rubric]:
    """For each labelled answer, by question and id, its rubric without what that answer or its twins say."""
    return {
        (question, one.id): rubric
        for question, answers in content.examples.items()
        for part in _parts(answers)
        for rubric in [with_answers(content.written[question], [one for one in answers if one not in part])]
        for one in part
    }


def encode_rubrics(content: Content, encoder: Encoder, progress: Callable[[Sequence[str], str], Iterator[str]]) -> None:
    """Encode every text of the rubrics once, before parts of them are asked for side by side. Raises GradingFailed."""
    for question in progress(list(content.rubrics), "Encoding rubrics"):
        references(content.questions[question].prompt, content.rubrics[question], encoder)


def _parts(answers: Sequence[LabelledAnswer]) -> list[list[LabelledAnswer]]:
    """Neighbours, which are often of one kind, come into different parts, and twins into that of their answer."""
    firsts = [one.id for one in answers if one.twin_of is None]
    part_of = {one: number % PARTS for number, one in enumerate(firsts)}
    return [[one for one in answers if part_of[one.twin_of or one.id] == part] for part in range(PARTS)]
