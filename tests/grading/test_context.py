"""A claim in the light of the others in the same answer."""

from __future__ import annotations

import numpy as np
import pytest

from app.grading.calibration import shipped
from app.grading.embedding import mistakes_in_context


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
