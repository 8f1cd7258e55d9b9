"""From probabilities of windows to what counts: mistakes in the light of what is said."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.rubric import Point, PointKind, Rubric
from app.grading.calibration import Logistic, shipped
from app.grading.features import MISTAKE_FEATURES, ON_ITS_SIDE
from app.grading.judging import (
    CLEARLY_RIGHT,
    ENOUGH,
    FULL_FROM,
    PAIR_ADDS,
    SURELY,
    credit_in_context,
    on_its_side,
    says_enough,
    unless_right,
)

NOTHING_SAID = np.full((3, 1), 0.1)


def test_a_window_that_clearly_says_a_point_makes_no_mistake() -> None:
    said = np.array([[CLEARLY_RIGHT], [0.1], [0.1]])
    assert unless_right(np.array([[0.9], [0.9], [0.9]]), said).ravel() == pytest.approx([0.0, 0.9, 0.9])


def test_a_pair_of_which_each_sentence_clearly_says_a_point_makes_no_mistake() -> None:
    said = np.array([[CLEARLY_RIGHT], [0.9], [0.1]])
    assert unless_right(np.array([[0.1], [0.1], [0.9]]), said).max() == 0.0


def test_a_pair_is_little_likelier_to_be_wrong_than_the_likelier_of_its_sentences() -> None:
    wrong = np.array([[0.02], [0.3], [0.95]])
    left = unless_right(wrong, NOTHING_SAID).ravel()
    assert left[:2] == pytest.approx([0.02, 0.3])
    assert np.log(left[2] / (1 - left[2])) == pytest.approx(np.log(0.3 / 0.7) + PAIR_ADDS)


def test_a_pair_in_which_neither_sentence_is_wrong_is_not_either() -> None:
    assert unless_right(np.array([[0.0], [0.0], [0.95]]), NOTHING_SAID).max() == 0.0


def test_a_pair_less_likely_wrong_than_its_sentences_stays_so() -> None:
    assert unless_right(np.array([[0.9], [0.2], [0.4]]), NOTHING_SAID)[2, 0] == pytest.approx(0.4)


def test_one_sentence_alone_has_no_pair() -> None:
    assert unless_right(np.array([[0.7]]), np.array([[0.1]])).ravel() == pytest.approx([0.7])


def test_what_is_not_on_a_mistakes_side_of_its_contrasts_does_not_make_it() -> None:
    judge = Logistic(bias=0.0, weights={"nearest": 1.0})
    measured = np.zeros((2, len(MISTAKE_FEATURES)), np.float32)
    measured[:, MISTAKE_FEATURES.index("apart")] = ON_ITS_SIDE - 0.01, ON_ITS_SIDE
    assert on_its_side(judge, measured) == pytest.approx([0.0, 0.5])


def of_points(*kinds: PointKind) -> Rubric:
    points = tuple(
        Point(
            id=f"point-{number}", says="Something is said here.", why="It matters.", weight=1, probe="What?", kind=kind
        )
        for number, kind in enumerate(kinds)
    )
    return Rubric.model_construct(question_id="lifecycle/one", points=points, mistakes=())


@pytest.mark.parametrize(
    ("likeliest", "enough"),
    [
        ((SURELY, 0.0, 0.0, 0.0), True),
        ((SURELY - 0.01, 0.0, 0.0, 0.0), False),
        ((ENOUGH / 3, ENOUGH / 3, ENOUGH / 3 + 0.01, 0.0), True),
        ((ENOUGH / 4, ENOUGH / 4, ENOUGH / 4, ENOUGH / 4), False),  # a little of everything is nothing
    ],
)
def test_a_turn_says_enough_by_one_point_surely_or_several_probably(likeliest: tuple[float, ...], enough: bool) -> None:
    rubric = of_points(*[PointKind.point] * 4)
    elsewhere = np.zeros(4)
    assert says_enough(rubric, np.array([elsewhere, likeliest])) is enough


def test_what_can_be_given_in_any_story_says_nothing_of_the_topic() -> None:
    rubric = of_points(PointKind.signal, PointKind.signal, PointKind.point)
    assert not says_enough(rubric, np.array([[0.99, 0.99, 0.1]]))
    assert not says_enough(of_points(PointKind.signal), np.array([[0.99]]))


def credits(said: float, *exemplars: str) -> list[float]:
    """The credits of five points, each said as probably as the others, where that is all that counts."""
    own_only = Logistic(bias=0, weights={"own": 1.0, "others": 0.0, "undenied": 0.0})
    alone = shipped(True).model_copy(update={"context": own_only, "bare_context": own_only})
    rubric = of_points(*[PointKind.point] * 5)
    points = tuple(point.model_copy(update={"exemplars": exemplars}) for point in rubric.points)
    rubric = rubric.model_copy(update={"points": points})
    nearest = np.full((1, 5), said)
    return list(credit_in_context(alone, rubric, [nearest], nearest[0], np.zeros(5), 1.0))


@pytest.mark.parametrize(
    ("said", "credit"), [(0.9, 1.0), (FULL_FROM, 1.0), (FULL_FROM / 2, 0.5), (0.2, 0.2 / FULL_FROM)]
)
def test_a_point_has_its_full_credit_before_it_is_certain(said: float, credit: float) -> None:
    assert credits(said, "It is said like this.") == pytest.approx([credit] * 5)


def test_a_point_without_exemplars_has_no_more_credit_than_it_is_probable() -> None:
    assert credits(0.9) == pytest.approx([0.9] * 5)
