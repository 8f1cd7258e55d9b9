from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.content import Content
from app.core import round as rounds
from app.core.feedback import Feedback, MistakeFeedback, PointCredit, Status, feedback_from
from app.core.question import Domain, Level
from app.core.report import MOST_NEXT, RoundReport, report
from app.core.round import How, Round
from app.core.rubric import Band, Scale, Verdict
from tests.values import a_round, later, rubric

IDS = ("lifecycle/a", "lifecycle/b", "behavioural/c")
SCALE = Scale(
    levels={
        level: {
            verdict: Band(from_score=score + 5 * level.rank if score else 0, anchor=f"{level} {verdict}")
            for verdict, score in zip(Verdict, (80, 60, 40, 20, 0), strict=True)
        }
        for level in Level
    }
)


def graded(question_id: str, said: Mapping[str, float], mistakes: int = 0) -> Feedback:
    """With weights 1, 2 and 3 of p0, p1 and p2."""
    made = [MistakeFeedback(mistake_id=f"m{n}", made=True) for n in range(mistakes)]
    found = [PointCredit(point_id=point, credit=credit) for point, credit in said.items()]
    return feedback_from(rubric(question_id), found, made, [], "test-1")


def answered(questions: int = 3, level: Level = Level.mid) -> Round:
    """A round whose first `questions` questions were answered, ten seconds each, with breaks between."""
    round_ = a_round(ids=IDS, level=level)
    for index in range(questions):
        if index:
            ask = rounds.Ask(kind=rounds.PromptKind.question, question_index=index, prompt="?")
            round_ = rounds.ask(round_, ask, later(100 * index))
        round_ = rounds.submit(round_, index, "text", How.answered, later(100 * index + 10))
    return round_


def added(round_: Round, feedbacks: dict[int, Feedback], failures: dict[int, str] | None = None) -> RoundReport:
    return report(round_, feedbacks, failures or {}, SCALE)


def test_the_round_scores_the_mean_of_its_questions_and_each_domain_the_mean_of_its_own() -> None:
    feedbacks = {
        0: graded(IDS[0], {"p0": 1, "p1": 1, "p2": 1}),  # 100
        1: graded(IDS[1], {"p2": 1}),  # 50
        2: graded(IDS[2], {"p0": 1, "p1": 0.5}),  # 33.3
    }
    outcome = added(answered(), feedbacks)
    assert outcome.score == 61.1
    assert outcome.domains == {Domain.lifecycle: 75.0, Domain.behavioural: 33.3}
    assert [one.verdict for one in outcome.questions] == [Verdict.strong_hire, Verdict.lean_hire, Verdict.lean_no_hire]
    assert (outcome.verdict, outcome.anchor) == (Verdict.hire, "mid hire")


@pytest.mark.parametrize(
    ("level", "verdict"),
    [(Level.mid, Verdict.hire), (Level.senior, Verdict.lean_hire), (Level.staff, Verdict.lean_hire)],
)
def test_the_same_score_is_judged_by_the_level(level: Level, verdict: Verdict) -> None:
    outcome = added(answered(1, level), {0: graded(IDS[0], {"p2": 1, "p0": 0.65})})
    assert (outcome.score, outcome.verdict, outcome.anchor) == (60.8, verdict, f"{level} {verdict}")


def test_a_question_never_reached_and_a_grading_that_failed_count_for_nothing() -> None:
    outcome = added(answered(2), {0: graded(IDS[0], {"p2": 1})}, {1: "The grader broke."})
    assert outcome.score == 50
    assert (outcome.pending, outcome.not_reached) == (1, 1)
    first, failed, unreached = outcome.questions
    assert first.failure is None
    assert (failed.feedback, failed.verdict, failed.failure) == (None, None, "The grader broke.")
    assert (failed.answered, unreached.answered) == (True, False)
    assert (unreached.turns, unreached.seconds) == ((), 0)


def test_a_round_with_nothing_graded_has_no_score_rather_than_a_zero() -> None:
    outcome = added(answered(1), {})
    assert (outcome.score, outcome.verdict, outcome.anchor, outcome.domains) == (None, None, None, {})
    assert outcome.practise_next == ()
    assert outcome.pending == 1


def test_a_failure_from_before_a_successful_retry_is_not_told() -> None:
    outcome = added(answered(1), {0: graded(IDS[0], {})}, {0: "The grader broke."})
    assert outcome.questions[0].failure is None


def test_time_used_is_what_the_answers_took_without_the_breaks() -> None:
    outcome = added(answered(), {})
    assert [one.seconds for one in outcome.questions] == [10, 10, 10]
    assert outcome.seconds == 30


def test_probes_are_counted_with_their_question() -> None:
    round_ = answered(1)
    probe = rounds.Ask(kind=rounds.PromptKind.probe, question_index=0, prompt="And?", point_id="p2")
    outcome = added(rounds.ask(round_, probe, later(20)), {})
    assert [one.probes for one in outcome.questions] == [1, 0, 0]


def test_mistakes_made_are_listed_with_their_question_and_correction() -> None:
    outcome = added(answered(), {0: graded(IDS[0], {}), 1: graded(IDS[1], {}, mistakes=2)})
    assert [(title, one.correction) for title, one in outcome.mistakes] == [
        ("Title of b", "Right 0."),
        ("Title of b", "Right 1."),
    ]


def test_what_to_practise_next_is_the_heaviest_missing_point_of_the_weakest_question_first() -> None:
    feedbacks = {
        0: graded(IDS[0], {"p0": 1, "p1": 1}),
        1: graded(IDS[1], {"p0": 1, "p2": 0.4}),
        2: graded(IDS[2], {}),
    }
    outcome = added(answered(), feedbacks)
    found = [(one.question_id, one.point.id, one.status) for one in outcome.practise_next]
    assert found == [
        (IDS[2], "p2", Status.missing),
        (IDS[0], "p2", Status.missing),
        (IDS[2], "p1", Status.missing),
        (IDS[1], "p1", Status.missing),
        (IDS[2], "p0", Status.missing),
    ]
    assert len(found) == MOST_NEXT
    alone = added(answered(2), {1: feedbacks[1]})
    assert [(one.point.id, one.status) for one in alone.practise_next] == [
        ("p1", Status.missing),
        ("p2", Status.partly),
    ]


def test_on_the_shipped_scale_a_higher_level_never_judges_milder(content: Content) -> None:
    best_first = list(Verdict)
    for score in range(101):
        ranks = [best_first.index(content.scale.verdict(score, level)) for level in Level]
        assert ranks == sorted(ranks)
