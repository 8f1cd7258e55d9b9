"""What the embedding grader makes of kinds of answers, and its flags."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.content import Content
from app.core.feedback import Answer, Feedback, Flag, Status
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.embedding import EmbeddingGrader
from tests.grading.test_contract import GOOD, OFF_TOPIC
from tests.grading.test_hostile import INJECTION

VAGUE = (
    "It depends on many factors, and in my experience the key is to be careful and systematic. You want to evaluate it "
    "thoroughly, involve the right stakeholders, follow best practices and make sure that the result is robust, "
    "scalable and aligned with the goals of the business before you take a decision that everybody is comfortable with."
)
WRONG = (
    "I look at the validation accuracy that each run logged when it was trained, and the higher number wins. A/B tests "
    "are only for user interfaces. Since the total went up it went up for everybody, so there is no need for segments."
)
LIST = "A/B test, canary, shadow mode, holdout, p-value, latency, slices, rollback, drift, ROC AUC"
ECHO = (
    "So the question is how I find out whether a new version of a model is really better than the one that is live. "
    "There is a model serving in production, and I have trained a new version of it, and I want to find out whether "
    "the new version is really better than the model that is already live in production."
)


@pytest.fixture
def judge(grader: EmbeddingGrader, question: Question, rubric: Rubric) -> Any:
    def grade(*texts: str) -> Feedback:
        turns = [Answer(turn=index, text=text, after_probe=index > 0) for index, text in enumerate(texts)]
        return grader.grade(question.prompt, rubric, turns)

    return grade


def test_the_model_answer_beats_a_good_one_beats_vague_beats_junk(judge: Any, question: Question) -> None:
    scores = [judge(text).score for text in (question.model_answer, GOOD, VAGUE, OFF_TOPIC)]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > scores[2] + 10
    assert scores[-1] == 0


def test_wrong_claims_are_found_and_cost_credit(judge: Any) -> None:
    found = judge(WRONG)
    assert {one.mistake_id for one in found.mistakes if one.made} & {
        "training-scores",
        "offline-proves-it",
        "average-suffices",
    }
    assert found.score < judge(GOOD).score / 2


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("", Flag.no_answer),
        ("A/B test", Flag.no_answer),
        ("I don't know.", Flag.no_answer),
        ("Sorry, I have no idea, let's skip this one.", Flag.no_answer),
        (INJECTION, Flag.no_answer),
        (LIST, Flag.keyword_list),
        (LIST.replace(", ", "\n- "), Flag.keyword_list),
        (LIST.replace(",", ""), Flag.keyword_list),
        (ECHO, Flag.echo),
        (OFF_TOPIC, Flag.off_topic),
    ],
)
def test_junk_is_flagged_and_earns_nothing(judge: Any, text: str, flag: Flag) -> None:
    found = judge(text)
    assert found.flags == (flag,)
    assert found.score == 0
    assert all(one.status is Status.missing for one in found.points)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        VAGUE,
        WRONG,
        "Score both on the same recent holdout. Agree the metric up front. Bootstrap the gap. Check slices.",
        "- I rescore both on the same rows\n- I look at each segment\n- I run it in shadow before anyone sees it",
        GOOD.replace(".", "").replace(",", "").lower(),
        "I don't know the statistics well, but I would score both on the same recent data and look at each segment.",
    ],
)
def test_honest_answers_are_not_flagged(judge: Any, text: str) -> None:
    assert judge(text).flags == ()


def test_dont_know_to_a_probe_leaves_the_first_answer_alone(judge: Any) -> None:
    alone, both = judge(GOOD), judge(GOOD, "I don't know.")
    assert both.flags == ()
    assert both.score == alone.score


def test_a_short_list_of_examples_is_an_honest_answer_to_a_probe(judge: Any) -> None:
    found = judge("I'd compare them on the same recent data.", "Latency, memory, throughput, serving cost, size, p99")
    assert found.flags == ()


def test_a_point_said_after_a_probe_counts_less(judge: Any) -> None:
    shadow = "I let it see real requests in the background and just log what it would have said."
    first = next(one for one in judge(shadow).points if one.point_id == "shadow")
    after = next(one for one in judge("I do not know.", shadow).points if one.point_id == "shadow")
    assert after.after_probe
    assert after.credit == pytest.approx(0.7 * first.credit, abs=1e-3)


def test_no_turns_is_no_answer(judge: Any) -> None:
    assert judge().flags == (Flag.no_answer,)


def test_threads_get_what_one_thread_gets(judge: Any) -> None:
    texts = [GOOD, VAGUE, WRONG, ECHO] * 3
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(judge, texts)) == [judge(text) for text in texts]


def test_what_was_said_before_is_context_and_what_comes_later_is_not(judge: Any) -> None:
    shadow = "For a while it just watches along with the other one."  # vague enough to leave some doubt
    fair = "Both are scored once on the same frozen set from last month that neither of them has seen."

    def credit(found: Feedback, point: str) -> float:
        return next(one.credit for one in found.points if one.point_id == point)

    assert credit(judge(fair, shadow), "shadow") > credit(judge("I do not know.", shadow), "shadow")
    assert credit(judge(fair, shadow), "same-holdout") == credit(judge(fair), "same-holdout")


@pytest.mark.parametrize(("metric", "held"), [("precision", False), ("recall", True)])
def test_a_claim_is_not_held_against_who_says_the_opposite(
    grader: EmbeddingGrader, content: Content, metric: str, held: bool
) -> None:
    name = "fundamentals/precision-recall"
    text = (
        "Precision tells me, of everything I flagged, how much was really positive. Recall tells me how many of the "
        "real positives I caught. If we block people's cards automatically I push for "
        f"{metric}, because every false alarm is an angry customer at the till. For a cancer screening I would rather "
        "send ten healthy people to a second test than miss one, so there I push recall."
    )
    found = grader.grade(content.questions[name].prompt, content.rubrics[name], [Answer(turn=0, text=text)])
    assert {one.mistake_id: one.made for one in found.mistakes}["uses-swapped"] is held
    said = {one.point_id: one.status for one in found.points}
    assert said["precision"] is Status.said
    assert said["recall"] is not Status.missing
