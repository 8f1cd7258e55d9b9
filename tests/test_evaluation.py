"""The figures of an evaluation, against values worked out elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score, f1_score

from app.evaluation import (
    Judged,
    agreement,
    by,
    calibration_error,
    cut_points,
    fitted_grades,
    junk_above_partial,
    mistake_scores,
    point_f1,
    quadratic_kappa,
    reliability,
    spearman,
    status_cuts,
    table,
    twins,
)

NUMBERS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), min_size=3, max_size=30)


def one(question: str, kind: str, grade: int, score: float, **more: object) -> Judged:
    values = {"id": f"{kind}-1", "twin_of": None, "points": (), "credits": (), "mistakes": (), **more}
    return Judged(question=question, kind=kind, grade=grade, score=score, **values)  # type: ignore[arg-type]


@given(NUMBERS)
def test_spearman_is_scipys(pairs: list[tuple[int, int]]) -> None:
    left, right = np.array(pairs, float).T
    found = spearman(left, right)
    if len(set(left)) < 2:
        assert math.isnan(found)
    elif len(set(right)) < 2:
        assert found == 0
    else:
        assert found == pytest.approx(spearmanr(left, right).statistic)


@given(NUMBERS)
def test_kappa_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    left = np.array([grade for grade, _ in pairs], float)
    right = np.array([score % 5 for _, score in pairs], float)
    found = quadratic_kappa(left, right)
    if not math.isnan(found):
        assert found == pytest.approx(cohen_kappa_score(left, right, weights="quadratic", labels=range(5)), nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4)), min_size=1, max_size=12))
def test_cut_points_are_the_best_there_are(pairs: list[tuple[int, int]]) -> None:
    from itertools import combinations_with_replacement

    scores, grades = np.array([score for score, _ in pairs], float), np.array([grade for _, grade in pairs])

    def error(cuts: object) -> float:
        return float(((np.searchsorted(cuts, scores, side="right") - grades) ** 2).sum())  # type: ignore[call-overload]

    edges = [-1.0, *(value + 0.5 for value in sorted(set(scores)))]
    best = min(error(np.array(cuts)) for cuts in combinations_with_replacement(edges, 4))
    assert error(cut_points(scores, grades)) == best


def test_grades_are_fitted_on_the_other_questions() -> None:
    judged = [one(name, "partial", grade, 10.0 * grade) for name in "ab" for grade in range(5)]
    assert fitted_grades(judged) == [0, 1, 2, 3, 4] * 2
    judged[9] = one("b", "partial", 0, 40)  # a label that only question a's cut points may see
    assert fitted_grades(judged)[5:] == [0, 1, 2, 3, 4]


def test_point_f1_is_scikit_learns() -> None:
    pairs = (("said", "said"), ("said", "partly"), ("partly", "partly"), ("missing", "said"), ("missing",) * 2)
    truth, given_ = zip(*pairs, strict=True)
    assert point_f1([one("a", "partial", 2, 1, points=pairs)]) == pytest.approx(
        f1_score(truth, given_, average="macro")
    )


def test_mistakes_and_junk() -> None:
    judged = [
        one("a", "partial", 2, 30, mistakes=((True, True), (True, False))),
        one("a", "echo", 0, 40, mistakes=((False, True),)),
        one("a", "vague", 0, 30),
        one("b", "keyword_list", 1, 99),
    ]
    assert mistake_scores(judged) == (0.5, 0.5)
    assert junk_above_partial(judged) == 0.75


def test_a_table_has_a_row_for_each_and_dashes_where_nothing_can_be_said() -> None:
    judged = [one("a", "partial", 2, 30), one("a", "strong", 4, 60)]
    found = agreement(judged, [2, 4])
    assert found.spearman == pytest.approx(1)
    assert list(by(judged, [2, 4], lambda item: item.kind)) == ["partial", "strong"]
    text = table({"mine": found}, "grader")
    assert text.splitlines()[2].startswith("| mine | 2 | 1.00 | 1.00 | 1.00 | 0.00 | – |")


def test_twins_are_measured_against_their_answer_and_left_out_of_the_rest() -> None:
    plain = [one("a", "strong", 4, 80, id="s"), one("a", "partial", 2, 40, id="p"), one("a", "vague", 0, 10, id="v")]
    twice = [
        one("a", "turned", 0, 60, id="t1", twin_of="s"),
        one("a", "turned", 0, 40, id="t2", twin_of="p"),
        one("a", "reworded", 4, 70, id="r1", twin_of="s"),
        one("a", "reworded", 2, 44, id="r2", twin_of="p"),
        one("b", "reworded", 2, 0, id="r3", twin_of="s"),  # of another question: no twin here
    ]
    assert twins([*plain, *twice]) == (0.75, 7)
    both = agreement([*plain, *twice], [4, 2, 0, 3, 2, 4, 2, 0])
    assert (both.answers, both.spearman, both.mae) == (3, pytest.approx(1), 0)
    assert (both.turned_below, both.rewording) == (0.75, 7)
    assert agreement(twice[:2], [3, 2]).mae == 2.5  # asked for by kind, they have figures of their own


def test_a_score_is_off_by_its_distance_from_the_one_that_the_labels_give() -> None:
    judged = [
        one("a", "strong", 4, 80, labelled=95.0),
        one("a", "partial", 2, 40, labelled=35.0),
        one("a", "vague", 0, 10),  # a grader with no such scale
        one("a", "reworded", 4, 10, labelled=95.0),
    ]
    assert agreement(judged, [4, 2, 0, 4]).off_by == pytest.approx(10)


def test_calibration_error_weighs_each_bin_by_its_points() -> None:
    judged = [
        one("a", "strong", 4, 80, credits=((1.0, 0.95), (1.0, 0.95), (0.0, 0.25), (0.5, 0.25))),
        one("a", "turned", 0, 80, credits=((0.0, 1.0),)),
    ]
    assert reliability(judged) == [(0.25, 0.25, 2), (pytest.approx(0.95), 1.0, 2)]
    assert calibration_error(judged) == pytest.approx(0.025)
    assert math.isnan(calibration_error([one("a", "strong", 4, 80)]))


def test_status_cuts_part_what_can_be_parted() -> None:
    pairs = [("missing", 0.1)] * 20 + [("partly", 0.5)] * 20 + [("said", 0.9)] * 20
    low, high = status_cuts(pairs)
    assert 0.1 < low <= 0.5 < high <= 0.9
