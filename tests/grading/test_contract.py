"""What every grader keeps to; see app.core.grader."""

from __future__ import annotations

from typing import Any

import pytest

from app.content import Content
from app.core.feedback import Answer, Feedback, PointFeedback
from app.core.grader import Grader
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.encoder import Encoder
from tests.grading.conftest import BANK

GOOD = (
    "I would rescore both models today on one frozen set from last month that neither has seen. I bootstrap the gap to "
    "see whether it could be luck. Then the new one runs in shadow on live requests, and at last comes a randomised "
    "A/B test on conversion. I ramp up from one per cent and keep the old one loaded to roll back."
)
OFF_TOPIC = "On Sundays I bake sourdough bread. The trick is a hot oven and a patient starter."

pytestmark = pytest.mark.parametrize(
    "name",
    [
        "embedding",
        "embedding without trained layers",
        "embedding without a bank",
        "embedding and a second reader",
        "keywords",
        "cosine",
        "sentences",
        "language model",
    ],
)


@pytest.fixture
def judge(graders: dict[str, Any], name: str, question: Question, rubric: Rubric) -> Any:
    grader: Grader = graders[name]

    def grade(*texts: str) -> Feedback:
        turns = [Answer(turn=index, text=text, after_probe=index > 0) for index, text in enumerate(texts)]
        return grader.grade(question.prompt, rubric, turns)

    return grade


def test_the_same_answer_gets_the_same_feedback(judge: Any, name: str) -> None:
    first = judge(GOOD)
    judge(OFF_TOPIC)
    assert judge(GOOD) == first


def test_all_ids_come_back_in_order(judge: Any, name: str, rubric: Rubric) -> None:
    for text in ("", GOOD):
        found = judge(text)
        assert [one.point_id for one in found.points] == [point.id for point in rubric.points]
        assert [one.mistake_id for one in found.mistakes] == [mistake.id for mistake in rubric.mistakes]


@pytest.mark.parametrize("text", ["", "   ", "\n", "?!"])
def test_an_empty_answer_earns_nothing(judge: Any, name: str, text: str) -> None:
    assert judge(text).score == 0


def test_evidence_is_the_candidates_own_words(judge: Any, name: str) -> None:
    texts = (GOOD, "Both run on the same requests, and nobody sees what the new one says.")
    found = judge(*texts)
    for one in [*found.points, *found.mistakes]:
        if one.evidence:
            assert texts[one.evidence.turn][one.evidence.start : one.evidence.end] == one.evidence.text


def test_removing_the_evidence_never_raises_the_point(judge: Any, name: str) -> None:
    if name == "cosine":
        pytest.skip("one cosine of the whole answer, so every point shares it")
    for before in judge(GOOD).points:
        if before.evidence is None:
            continue
        rest = GOOD[: before.evidence.start] + GOOD[before.evidence.end :]
        after: PointFeedback = next(one for one in judge(rest).points if one.point_id == before.point_id)
        assert after.credit <= before.credit


def test_an_off_topic_paragraph_adds_at_most_a_hair(judge: Any, name: str) -> None:
    assert judge(f"{GOOD}\n\n{OFF_TOPIC}").score <= judge(GOOD).score + 1


def test_a_single_point_without_exemplars_can_be_judged(graders: dict[str, Any], name: str, rubric: Rubric) -> None:
    point = rubric.points[0].model_copy(update={"exemplars": (), "probe": ""})
    bare = rubric.model_copy(update={"question_id": BANK[0], "points": (point,), "mistakes": ()})
    found = graders[name].grade("How do you compare them?", bare, [Answer(turn=0, text=GOOD)])
    assert len(found.points) == 1


def test_bank_questions_can_all_be_graded(
    graders: dict[str, Any], name: str, content: Content, encoder: Encoder
) -> None:
    for question_id in BANK:
        asked = content.questions[question_id]
        found = graders[name].grade(
            asked.prompt, content.rubrics[question_id], [Answer(turn=0, text=asked.model_answer)]
        )
        assert found.score > (40 if name == "embedding" else 0) or name == "keywords"
