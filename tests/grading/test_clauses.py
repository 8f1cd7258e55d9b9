"""Sentences of which each clause clearly says a point."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.segment import clauses, pairs, sentences
from app.grading.clauses import borne_out, cleared

TWO = "Precision is the share of what we flagged, and recall is the share of what there was to flag."
ANSWER = f"{TWO} We looked at it on Monday."
SENTENCES = sentences(ANSWER)
WINDOWS = [*SENTENCES, *pairs(ANSWER, SENTENCES)]
CLAUSES = [*clauses(ANSWER), *pairs(ANSWER, clauses(ANSWER))]
NEAREST = np.full((3, 2), 0.3)


def said(*parts: list[float]) -> np.ndarray:
    """What three clauses say, and of their two pairs the most that can be: pairs are not looked at."""
    return np.array([*parts, [1.0, 1.0], [1.0, 1.0]])


def test_a_sentence_says_what_each_of_its_clauses_clearly_says() -> None:
    told = borne_out(WINDOWS, NEAREST, CLAUSES, said([0.9, 0.1], [0.2, 0.85], [0.1, 0.1]), 0.8)
    assert told.rows == (0,)
    assert told.nearest.tolist() == [[0.9, 0.85], [0.3, 0.3], [0.3, 0.3]]
    assert (NEAREST == 0.3).all()


def test_one_clause_in_doubt_leaves_its_sentence_as_it_was() -> None:
    told = borne_out(WINDOWS, NEAREST, CLAUSES, said([0.9, 0.1], [0.2, 0.79], [0.1, 0.1]), 0.8)
    assert told.rows == ()
    assert (told.nearest == 0.3).all()


def test_a_sentence_of_one_clause_is_judged_by_itself() -> None:
    told = borne_out(WINDOWS, NEAREST, CLAUSES, said([0.1, 0.1], [0.1, 0.1], [0.9, 0.9]), 0.8)
    assert told.rows == ()


def test_clauses_that_are_a_part_of_the_sentence_do_not_speak_for_it() -> None:
    answer = f"{TWO[:-1]}, but nobody ever reads what stands here."
    sentence, parts = sentences(answer), clauses(answer)
    assert len(parts) == 3
    whole, some = (
        borne_out(sentence, NEAREST[:1], [*mine, *pairs(answer, mine)], np.full((2 * len(mine) - 1, 2), 0.9), 0.8)
        for mine in (parts, parts[:2])
    )
    assert whole.rows == (0,)
    assert some.rows == ()


def test_a_cleared_sentence_makes_no_mistake_and_a_pair_only_its_other_sentences() -> None:
    suspected = np.array([[0.2], [0.9], [0.6], [0.7], [0.8]])  # three sentences, two pairs
    assert cleared(suspected, (1,)).ravel() == pytest.approx([0.2, 0.0, 0.6, 0.2, 0.6])
    assert cleared(suspected, ()) == pytest.approx(suspected)
