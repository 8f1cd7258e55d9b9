"""A claim in the light of the others in the same answer."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.rubric import Mistake, PointKind
from app.grading.calibration import BEYOND_DOUBT, OnTopic, shipped
from app.grading.judging import credit_in_context, denials, mistakes_in_context
from tests.values import rubric


@pytest.mark.parametrize("trained", [True, False])
def test_a_mistake_is_likelier_beside_another(trained: bool) -> None:
    alone, beside = np.array([[0.5, 0.05, 0.05]]), np.array([[0.5, 0.9, 0.05]])
    first, second = (mistakes_in_context(shipped(trained), wrong, wrong[0])[0] for wrong in (alone, beside))
    assert second > first + 0.05


def test_a_mistake_of_an_earlier_turn_counts_as_beside() -> None:
    wrong = np.array([[0.5, 0.05]])
    now, before = (
        mistakes_in_context(shipped(True), wrong, np.array(so_far))[0] for so_far in ([0.5, 0.05], [0.5, 0.9])
    )
    assert before > now + 0.05


def test_the_only_mistake_of_a_rubric_is_judged_by_itself() -> None:
    wrong = np.array([[0.2], [0.7], [0.4]])
    assert mistakes_in_context(shipped(True), wrong, wrong.max(axis=0)) == pytest.approx([0.7])


def test_a_rubric_without_mistakes_has_none_made() -> None:
    assert mistakes_in_context(shipped(True), np.zeros((3, 0)), np.zeros(0)).shape == (0,)


def test_saying_more_never_makes_a_mistake_less_likely() -> None:
    rng = np.random.default_rng(4)
    wrong = rng.uniform(size=(5, 4))
    fewer = mistakes_in_context(shipped(True), wrong[:4], wrong[:4].max(axis=0))
    assert (mistakes_in_context(shipped(True), wrong, wrong.max(axis=0)) >= fewer - 1e-12).all()


def test_the_likeliest_mistake_that_denies_a_point_speaks_against_it() -> None:
    denying = [
        Mistake(id=f"m{number}", says="Wrong.", correction="Right.", denies=points)
        for number, points in enumerate([("p0",), ("p0", "p2"), ()])
    ]
    marked = rubric(weights=(1, 2, 3, 1)).model_copy(update={"mistakes": tuple(denying)})
    suspected = np.array([[0.1, 0.2, 0.9], [0.7, 0.3, 0.4]])
    by_point = dict(zip((point.id for point in marked.points), denials(marked, suspected), strict=True))
    assert by_point == pytest.approx({"p0": 0.7, "p1": 0.0, "p2": 0.3, "p3": 0.0})


@pytest.mark.parametrize("trained", [True, False])
def test_a_point_that_is_denied_is_doubted_and_no_other(trained: bool) -> None:
    marked = rubric(weights=(1, 2, 3, 1))
    nearest = np.array([[0.7, 0.7, 0.3, 0.1]])
    plain, doubted = (
        credit_in_context(shipped(trained), marked, [nearest], nearest[0], np.array([denied, 0.0, 0.0, 0.0]), 1.0)
        for denied in (0.0, 0.9)
    )
    assert doubted[0] < plain[0] - 0.1
    assert doubted[1:] == pytest.approx(plain[1:])


def test_a_mistake_that_is_hardly_likely_speaks_against_nothing() -> None:
    marked = rubric(weights=(1, 2, 3, 1))
    nearest = np.array([[0.7, 0.7, 0.3, 0.1]])
    none, hardly = (
        credit_in_context(shipped(True), marked, [nearest], nearest[0], np.full(4, denied), 1.0)
        for denied in (0.0, 0.19)
    )
    assert hardly == pytest.approx(none)


@pytest.mark.parametrize("trained", [True, False])
def test_signals_have_a_judge_of_their_own(trained: bool) -> None:
    plain = rubric(weights=(1, 1, 1, 1))
    last = plain.points[3].model_copy(update={"kind": PointKind.signal, "exemplars": ("I did.",)})
    points = (*(one.model_copy(update={"exemplars": ("So.",)}) for one in plain.points[:3]), last)
    nearest = np.array([[0.5, 0.5, 0.5, 0.5]])
    marked = plain.model_copy(update={"points": points})
    credit = credit_in_context(shipped(trained), marked, [nearest], nearest[0], np.zeros(4), 1.0)
    assert credit[:3] == pytest.approx(credit[0])
    assert credit[3] != pytest.approx(credit[0], abs=1e-3)


def test_a_turn_hardly_nearer_to_its_question_than_to_another_is_doubted() -> None:
    marked = rubric(weights=(1, 2, 3, 1))
    marked = marked.model_copy(
        update={"points": tuple(one.model_copy(update={"exemplars": ("So.",)}) for one in marked.points)}
    )
    nearest = np.array([[0.7, 0.7, 0.3, 0.1]])
    clear, doubtful, hardly = (
        credit_in_context(shipped(True), marked, [nearest], nearest[0], np.zeros(4), on_topic)
        for on_topic in (1.0, 0.5, 0.0)
    )
    assert (hardly < doubtful).all()
    assert (doubtful < clear).all()
    assert hardly[0] < clear[0] - 0.1


def test_how_far_a_turn_is_above_the_bound_is_told_from_none_to_beyond_doubt() -> None:
    bound = OnTopic(lead=0.03, near=0.5)
    leads = (-0.1, 0.03, 0.03 + BEYOND_DOUBT / 2, 0.03 + BEYOND_DOUBT, 0.4)
    assert [bound.above(OnTopic(lead=lead, near=0.9)) for lead in leads] == pytest.approx([0, 0, 0.5, 1, 1])
