"""Cutting an answer into windows."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.segment import SENTENCES_MOST, clauses, items, sentences, windows

HOSTILE = {
    "no spaces": "x" * 30_000,
    "one-letter sentences": "a.\n" * 10_000,
    "one-letter words": "a " * 15_000,
    "cjk": "日本語のテキスト" * 3_750,
    "emoji": "🎉" * 30_000,
    "full stops": "." * 30_000,
    "newlines": "\n" * 30_000,
    "numbers": "1. " * 10_000,
    "clauses": "so we did one more of them, and " * 1_000,
    "commas": ", " * 15_000,
}


def texts(answer: str) -> list[str]:
    return [window.text for window in sentences(answer)]


@given(st.text(max_size=3000))
def test_offsets_are_valid_and_no_letter_is_lost(answer: str) -> None:
    covered = set()
    for window in windows(answer):
        assert answer[window.start : window.end] == window.text
        assert window.text.strip()
        covered.update(range(window.start, window.end))
    lost = [char for index, char in enumerate(answer) if char.isalpha() and index not in covered]
    assert not lost


@given(st.text(alphabet="ab .,\n。1-", max_size=5000))
def test_the_number_of_windows_is_bounded(answer: str) -> None:
    assert len(windows(answer)) <= 2 * SENTENCES_MOST


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_little_time(name: str) -> None:
    start = time.perf_counter()
    found = windows(HOSTILE[name])
    assert time.perf_counter() - start < 2
    assert len(found) <= 2 * SENTENCES_MOST


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    answer = "I use metrics, e.g. AUC or recall, at 0.5. Then I compare old vs. new. Done!"
    assert texts(answer) == ["I use metrics, e.g. AUC or recall, at 0.5.", "Then I compare old vs. new.", "Done!"]


def test_list_lines_lose_their_markers() -> None:
    assert texts("- first thing\n* second thing\n3. third thing\n") == ["first thing", "second thing", "third thing"]


def test_a_transcript_is_cut_with_overlap() -> None:
    words = [f"word{index}" for index in range(200)]
    found = sentences(" ".join(words))
    assert all(len(window.text.split()) <= 24 for window in found)
    assert all(one.end > two.start for one, two in pairwise(found))


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        (
            "Precision is the share of what we flagged, and recall is the share of what there was to flag. So it is.",
            [
                "Precision is the share of what we flagged",
                "and recall is the share of what there was to flag.",
                "So it is.",
            ],
        ),
        (
            "raise the threshold and you flag fewer - recall falls or stays, precision climbs",
            ["raise the threshold and you flag fewer", "recall falls or stays, precision climbs"],
        ),
        (
            "I ask what a miss costs us (a false alarm is cheap for them) because that is what decides",
            ["I ask what a miss costs us", "a false alarm is cheap for them", "because that is what decides"],
        ),
    ],
)
def test_a_sentence_is_cut_where_a_clause_ends(answer: str, parts: list[str]) -> None:
    found = clauses(answer)
    assert [one.text for one in found] == parts
    assert all(answer[one.start : one.end] == one.text for one in found)


@pytest.mark.parametrize("text", ["We kept it, and slept.", "One, two, and three things that nobody has asked us for."])
def test_what_has_no_second_claim_stays_whole(text: str) -> None:
    assert [one.text for one in clauses(text)] == [text]


@given(st.text(alphabet="ab .,;:()-\n。1", max_size=3000))
def test_no_letter_is_lost_between_clauses(answer: str) -> None:
    covered = set()
    for window in clauses(answer):
        assert answer[window.start : window.end] == window.text
        covered.update(range(window.start, window.end))
    assert not [char for index, char in enumerate(answer) if char.isalpha() and index not in covered]


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_clauses_are_bounded_too(answer: str) -> None:
    start = time.perf_counter()
    assert len(clauses(answer)) <= SENTENCES_MOST
    assert time.perf_counter() - start < 2


def test_pairs_span_neighbours() -> None:
    assert [window.text for window in windows("One is here. Two is there.")] == [
        "One is here.",
        "Two is there.",
        "One is here. Two is there.",
    ]


def test_items_of_a_list_keep_their_place() -> None:
    answer = "Dropout, weight decay; L1/L2 | 1,000 more rows, , pruning. Early stopping"
    found = items(answer)
    assert [one.text for one in found] == [
        "Dropout", "weight decay", "L1/L2", "1,000 more rows", "pruning.", "Early stopping",
    ]  # fmt: skip
    assert all(answer[one.start : one.end] == one.text for one in found)


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_items_are_bounded_too(answer: str) -> None:
    assert len(items(answer)) <= SENTENCES_MOST
