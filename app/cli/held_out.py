"""Rubrics that have not heard the answer that they judge: a rubric takes its sentences from labelled answers too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from app.content import Content
from app.content.lines import with_answers
from app.content.schemas import LabelledAnswer
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.encoder import Encoder
from app.grading.references import references

PARTS = 5
"""The answers to a question are judged in so many parts, each by a rubric that has heard the other ones."""


class HeldOut(NamedTuple):
    """A labelled answer, and its question's rubric without what that answer or its twins say."""

    question: Question
    rubric: Rubric
    answer: LabelledAnswer


def held_out(content: Content) -> list[HeldOut]:
    """Every labelled answer with a rubric that has not heard it, in the order of the files."""
    found = []
    for question, answers in content.examples.items():
        rubrics = {
            one.id: rubric for part in _parts(answers) for rubric in [_without(part, question, content)] for one in part
        }
        found += [HeldOut(content.questions[question], rubrics[one.id], one) for one in answers]
    return found


def _without(part: Sequence[LabelledAnswer], question: str, content: Content) -> Rubric:
    heard = [one for one in content.examples[question] if one not in part]
    return with_answers(content.written[question], heard, content.twins.get(question, ()))


def encode_rubrics(content: Content, encoder: Encoder, progress: Callable[[Sequence[str], str], Iterator[str]]) -> None:
    """Encode every text of the rubrics once, before parts of them are asked for side by side. Raises GradingFailed."""
    for question in progress(list(content.rubrics), "Encoding rubrics"):
        references(content.questions[question].prompt, content.rubrics[question], encoder)


def _parts(answers: Sequence[LabelledAnswer]) -> list[list[LabelledAnswer]]:
    """Neighbours, which are often of one kind, come into different parts, and twins into that of their answer."""
    firsts = [one.id for one in answers if one.twin_of is None]
    part_of = {one: number % PARTS for number, one in enumerate(firsts)}
    return [[one for one in answers if part_of[one.twin_of or one.id] == part] for part in range(PARTS)]
