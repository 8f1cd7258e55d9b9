from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.feedback import (
    MISTAKE_COST,
    Evidence,
    Feedback,
    Flag,
    MistakeFeedback,
    PointCredit,
    Status,
    feedback_from,
    settle,
    status_of,
)
from app.core.rubric import PointKind, Rubric
from tests.values import rubric

EVIDENCE = Evidence(turn=0, start=2, end=6, text="text")
MADE = tuple(MistakeFeedback(mistake_id=f"m{n}", made=True, evidence=EVIDENCE) for n in range(2))

weights = st.lists(st.integers(1, 3), min_size=1, max_size=6)
credits = st.builds(
    PointCredit,
    point_id=st.sampled_from([f"p{n}" for n in range(6)]),
    credit=st.floats(0, 1),
    evidence=st.none() | st.just(EVIDENCE),
    after_probe=st.booleans(),
)
mistakes = st.lists(st.sampled_from(MADE), unique=True)


def credit(point_id: str, value: float, *, after_probe: bool = False) -> PointCredit:
    return PointCredit(point_id=point_id, credit=value, evidence=EVIDENCE, after_probe=after_probe)


def grade(found: list[PointCredit], made: tuple[MistakeFeedback, ...] = (), *flags: Flag) -> Feedback:
    return feedback_from(rubric(), found, made, flags, "test-1")


@pytest.mark.parametrize(
    ("found", "made", "score"),
    [
        ([], 0, 0),
        ([credit("p0", 1), credit("p1", 1), credit("p2", 1)], 0, 100),
        ([credit("p2", 1)], 0, 50),  # 3 of 1 + 2 + 3
        ([credit("p0", 0.5), credit("p1", 1)], 0, 41.7),  # (0.5 + 2) / 6
        ([credit("p2", 1, after_probe=True)], 0, 35),  # 0.7 x 3 / 6
        ([credit("p2", 1)], 1, 50 - MISTAKE_COST),
        ([credit("p2", 1)], 2, 50 - 2 * MISTAKE_COST),
        ([credit("p0", 0.5)], 2, 0),  # 8.3 less 16: never below zero
    ],
)
def test_the_score_is_what_pencil_and_paper_give(found: list[PointCredit], made: int, score: float) -> None:
    assert grade(found, MADE[:made]).score == score


def story(*signals: int) -> Rubric:
    """The rubric of p0 to p3, all of one weight, of which those with these numbers are signals."""
    plain = rubric(weights=(1, 1, 1, 1))
    points = tuple(
        point.model_copy(update={"kind": PointKind.signal}) if number in signals else point
        for number, point in enumerate(plain.points)
    )
    return plain.model_copy(update={"points": points})


@pytest.mark.parametrize(
    ("found", "told", "score"),
    [
        ([credit("p3", 1)], 0.3, 7.5),  # well told, and about something else: 0.3 of a quarter
        ([credit("p3", 1), credit("p0", 1)], 0.65, 41.2),  # half of TOLD_BY is said
        ([credit("p3", 1), credit("p0", 1), credit("p1", 0.5)], 0.825, 58.1),
        ([credit("p3", 1), credit("p0", 1), credit("p1", 1)], 1.0, 75),
        ([credit("p3", 1), credit("p0", 1, after_probe=True), credit("p1", 1)], 1.0, 67.5),  # said, if late
        ([], 0.3, 0),
    ],
)
def test_a_signal_counts_so_far_as_the_question_is_answered(
    found: list[PointCredit], told: float, score: float
) -> None:
    feedback = feedback_from(story(3), found, (), (), "test-1")
    assert (feedback.told, feedback.score) == (pytest.approx(told), pytest.approx(score, abs=0.06))
    assert feedback.points[3].credit == (1 if found else 0)  # the point itself is said all the same


def test_signals_count_in_full_where_there_is_nothing_else_and_where_they_are_not() -> None:
    assert feedback_from(story(0, 1, 2, 3), [credit("p0", 1)], (), (), "test-1").told == 1
    assert grade([credit("p0", 1)]).score == 16.7


@pytest.mark.parametrize(
    ("first", "after_probe", "counted", "probed"),
    [(0.6, 0.8, 0.6, False), (0.5, 0.8, 0.56, True), (0, 1, 0.7, True), (0.7, 1, 0.7, False)],
)
def test_the_best_turn_counts_once_the_probe_has_cost_its_share(
    first: float, after_probe: float, counted: float, probed: bool
) -> None:
    outcome = settle([credit("p0", first), credit("p0", after_probe, after_probe=True)], "p0")
    assert (outcome.credit, outcome.after_probe) == (counted, probed)


def test_a_point_said_after_a_probe_is_said() -> None:
    assert settle([credit("p0", 0.6, after_probe=True)], "p0").status is Status.said


@pytest.mark.parametrize(
    ("value", "status"),
    [(1, "said"), (0.6, "said"), (0.5999, "partly"), (0.3, "partly"), (0.2999, "missing"), (0, "missing")],
)
def test_said_partly_and_missing_begin_where_they_are_said_to(value: float, status: str) -> None:
    assert status_of(value) == status


def test_a_missing_point_shows_no_evidence_and_no_probe() -> None:
    outcome = settle([credit("p0", 0.2, after_probe=True)], "p0")
    assert (outcome.status, outcome.evidence, outcome.after_probe) == (Status.missing, None, False)
    assert settle([credit("p0", 0.3)], "p0").evidence == EVIDENCE


@pytest.mark.parametrize("flag", Flag)
def test_a_flag_takes_all_credit_away_and_keeps_the_mistakes(flag: Flag) -> None:
    outcome = grade([credit("p0", 1), credit("p2", 1)], MADE[:1], flag)
    assert outcome.flags == (flag,)
    assert outcome.score == 0
    assert {point.status for point in outcome.points} == {Status.missing}
    assert [mistake.made for mistake in outcome.mistakes] == [True, False]


def test_every_point_and_mistake_has_its_outcome_in_the_rubrics_order() -> None:
    outcome = grade([credit("p2", 1), credit("p0", 1), credit("unknown", 1)], (MADE[1],))
    assert [point.point_id for point in outcome.points] == ["p0", "p1", "p2"]
    assert outcome.mistakes == (MistakeFeedback(mistake_id="m0", made=False), MADE[1])
    assert (outcome.question_id, outcome.grader) == ("fundamentals/q0", "test-1")


def test_missing_points_come_heaviest_first_and_partly_said_ones_are_not_among_them() -> None:
    marked = rubric(weights=(2, 3, 2, 3, 1))
    outcome = feedback_from(marked, [credit("p3", 0.3)], [], [], "test-1")
    assert [point.id for point in outcome.missing(marked)] == ["p1", "p0", "p2", "p4"]


@given(weights=weights, found=st.lists(credits), more=credits, made=mistakes)
def test_saying_more_never_lowers_the_score_and_a_mistake_never_raises_it(
    weights: list[int], found: list[PointCredit], more: PointCredit, made: list[MistakeFeedback]
) -> None:
    marked = rubric(weights=weights)
    before = feedback_from(marked, found, [], [], "g").score
    assert 0 <= before <= 100
    assert feedback_from(marked, [*found, more], [], [], "g").score >= before
    assert feedback_from(marked, found, made, [], "g").score == max(0, round(before - MISTAKE_COST * len(made), 1))


@given(found=st.lists(credits), made=mistakes, data=st.data())
def test_the_order_of_the_findings_changes_no_credit(
    found: list[PointCredit], made: list[MistakeFeedback], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(found))
    one, other = grade(found, tuple(made)), grade(shuffled, tuple(reversed(made)))
    assert [point.credit for point in one.points] == [point.credit for point in other.points]
    assert (one.score, one.mistakes) == (other.score, other.mistakes)


@given(found=st.lists(credits), made=mistakes, flags=st.lists(st.sampled_from(Flag), unique=True))
def test_feedback_comes_back_from_json_as_it_went(
    found: list[PointCredit], made: list[MistakeFeedback], flags: list[Flag]
) -> None:
    outcome = grade(found, tuple(made), *flags)
    assert Feedback.model_validate_json(outcome.model_dump_json()) == outcome
