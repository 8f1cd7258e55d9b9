"""Sentences that say two things, read clause by clause."""

from __future__ import annotations

import numpy as np
import pytest

from app.content import Content
from app.core.feedback import Answer, Status
from app.grading.clauses import cleared, compound, reread
from app.grading.embedding import EmbeddingGrader
from app.grading.segment import SENTENCES_MOST, Window, clauses, windows

TWO = "Precision is the share of what we flagged, and recall is the share of what there was to flag."
ONE = "Precision is the share of what we flagged, and that is all there is."


def test_a_sentence_is_cut_before_a_conjunction_with_a_claim_on_either_side() -> None:
    answer = f"So. {TWO}"
    second = windows(answer)[1]
    parts = clauses(second)
    assert [part.text for part in parts] == [
        "Precision is the share of what we flagged,",
        "and recall is the share of what there was to flag.",
    ]
    assert all(answer[part.start : part.end] == part.text for part in parts)


@pytest.mark.parametrize(
    "text", ["We kept it, and slept.", "One, two, and three things that nobody has asked us for.", ""]
)
def test_what_has_no_second_claim_stays_whole(text: str) -> None:
    assert clauses(Window(0, len(text), text)) == [Window(0, len(text), text)]


def test_only_sentences_with_several_clauses_are_read_again() -> None:
    found = compound(windows(f"{ONE} {TWO}")[:2])
    assert {row: len(parts) for row, parts in found.items()} == {1: 2}


def test_there_are_no_more_clauses_than_sentences_at_most() -> None:
    found = compound(windows(" ".join([TWO] * 200))[:200])
    assert sum(map(len, found.values())) == SENTENCES_MOST
    assert list(found) == list(range(SENTENCES_MOST // 2))
    endless = ", and ".join(["so this is one more claim of seven words"] * 2000)
    assert compound([Window(0, len(endless), endless)]) == {}


def test_a_sentence_says_what_each_of_its_clauses_clearly_says() -> None:
    nearest = np.full((3, 2), 0.3)
    told = reread(nearest, {0: 2}, np.array([[0.9, 0.1], [0.2, 0.85]]), 0.8)
    assert told.right == (0,)
    assert told.nearest.tolist() == [[0.9, 0.85], [0.3, 0.3], [0.3, 0.3]]
    assert (nearest == 0.3).all()


def test_one_clause_in_doubt_leaves_its_sentence_as_it_was() -> None:
    nearest = np.full((3, 2), 0.3)
    told = reread(nearest, {0: 2, 1: 2}, np.array([[0.9, 0.1], [0.2, 0.79], [0.8, 0.0], [0.9, 0.1]]), 0.8)
    assert told.right == (1,)
    assert told.nearest.tolist() == [[0.3, 0.3], [0.9, 0.3], [0.3, 0.3]]


def test_a_cleared_sentence_makes_no_mistake_and_a_pair_only_its_other_sentences() -> None:
    suspected = np.array([[0.2], [0.9], [0.6], [0.7], [0.8]])  # three sentences, two pairs
    assert cleared(suspected, (1,)).ravel() == pytest.approx([0.2, 0.0, 0.6, 0.2, 0.6])
    assert cleared(suspected, ()) == pytest.approx(suspected)


def test_two_right_definitions_in_one_sentence_are_no_swap(grader: EmbeddingGrader, content: Content) -> None:
    name = "fundamentals/precision-recall"
    told = (
        "Precision tells you how many of the transactions that we flagged were really fraud, and recall tells you "
        "how much of all the fraud there was we caught."
    )
    text = f"{told} I put euros on both kinds of error together with operations."
    found = grader.grade(content.questions[name].prompt, content.rubrics[name], [Answer(turn=0, text=text)])
    status = {one.point_id: one.status for one in found.points}
    assert status["precision"] == status["recall"] == Status.said
    assert not any(one.made for one in found.mistakes)
