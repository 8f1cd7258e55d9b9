"""Good answers in a hurry: three or four points to a sentence, each in half a clause and seldom by its name.

Told by three sorts of speakers for each question, written from the question, its points and its wrong claims. In the
twin the clauses that say a point are made false. They stay out of the rubrics and of all fitting: nothing in the grader
was chosen by looking at them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from app.content import Content
from app.core.feedback import Answer, Feedback
from app.grading.embedding import EmbeddingGrader

FILE = Path(__file__).parent / "told_densely.jsonl"


class Dense(NamedTuple):
    question: str
    voice: str
    answer: str
    turned: str
    says: list[str]


@cache
def told() -> list[Dense]:
    return [Dense(**json.loads(line)) for line in FILE.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def graded(grader: EmbeddingGrader, content: Content) -> list[tuple[Dense, Feedback, Feedback]]:
    def grade(one: Dense, text: str) -> Feedback:
        asked = content.questions[one.question].prompt
        return grader.grade(asked, content.rubrics[one.question], [Answer(turn=0, text=text)])

    return [(one, grade(one, one.answer), grade(one, one.turned)) for one in told()]


def test_every_question_has_each_speaker_and_no_rubric_has_their_words(content: Content) -> None:
    assert {(one.question, one.voice) for one in told()} == {
        (name, voice) for name in content.questions for voice in ("senior", "typed", "switcher")
    }
    for one in told():
        for rubric in (content.written[one.question], content.rubrics[one.question]):
            claims = (*rubric.points, *rubric.mistakes)
            known = {text for claim in claims for text in (claim.says, *claim.exemplars, *claim.contrasts)}
            assert not [text for text in known if text in one.answer or text in one.turned]


def test_nobody_is_accused_or_taken_for_off_topic(graded: list[tuple[Dense, Feedback, Feedback]]) -> None:
    for one, feedback, _ in graded:
        assert not feedback.flags, one
        assert not any(mistake.made for mistake in feedback.mistakes), one


def test_most_of_what_is_said_is_heard(graded: list[tuple[Dense, Feedback, Feedback]]) -> None:
    heard = [
        np.mean([point.credit for point in feedback.points if point.point_id in one.says])
        for one, feedback, _ in graded
    ]
    assert np.mean(heard) > 0.8


def test_the_same_made_false_has_far_less(graded: list[tuple[Dense, Feedback, Feedback]]) -> None:
    lost = np.array([feedback.score - turned.score for _, feedback, turned in graded])
    assert (lost > 0).mean() > 0.95
    assert np.median(lost) > 40
