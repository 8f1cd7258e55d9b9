"""Finding a quote in an answer: word for word, and where it stands."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.feedback import Answer
from app.grading.llm.quotes import find
from tests.grading.llm.conftest import said

TEXT = (
    "🎉 It’s “apples to apples”, so I’d take one frozen set – from last\nmonth –  that neither has seen. "
    "Then I run it in shadow mode; nobody sees the result."
)

FOUND = {
    "exact": ("one frozen set", "one frozen set"),
    "other case": ("Nobody SEES the Result", "nobody sees the result"),
    "straight apostrophe": ("It's", None),
    "straight quotes": ("It's \"apples to apples\", so I'd take", "It’s “apples to apples”, so I’d take"),
    "plain dash": ("frozen set - from last", "frozen set – from last"),
    "long dash": ("frozen set — from last", "frozen set – from last"),
    "line break as a space": ("from last month", "from last\nmonth"),
    "space as a line break": ("one\nfrozen   set", "one frozen set"),
    "two spaces as one": ("month – that neither", "month –  that neither"),
    "no-break space": ("one\u00a0frozen set", "one frozen set"),
    "quotation marks around": ('"one frozen set"', "one frozen set"),
    "another full stop": ("so I’d take one frozen set.", "so I’d take one frozen set"),
    "dots around": ("…one frozen set...", "one frozen set"),
    "without the full stop": ("that neither has seen", "that neither has seen"),
    "over a full stop": ("has seen. Then I run", "has seen. Then I run"),
    "after an emoji": ("🎉 It’s", "🎉 It’s"),
    "dots in the middle": ("one frozen set … that neither", None),
    "words left out": ("one set", None),
    "a word changed": ("one frozen list", None),
    "words swapped": ("frozen one set", None),
    "a word added": ("one big frozen set", None),
    "a full stop left out": ("has seen Then I run", None),
    "one word": ("shadow", None),
    "part of the last word": ("in shadow mod", None),
    "part of the first word": ("hadow mode", None),
    "other words": ("we always measure twice", None),
    "empty": ("", None),
    "blanks": (" \n ", None),
    "marks alone": ("“…”", None),
    "a pattern": (r"one .* set", None),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_quote_is_found_word_for_word(name: str) -> None:
    quote, stretch = FOUND[name]
    found = find(quote, said(TEXT))
    if stretch is None:
        assert found is None
    else:
        assert found is not None
        assert found.text == stretch == TEXT[found.start : found.end]


@pytest.mark.parametrize("answer", ["Shadowing", "Shadowing.", "It’s shadowing"])
def test_a_short_answer_may_be_quoted_with_one_word(answer: str) -> None:
    found = find("shadowing", said(answer))
    assert found is not None
    assert answer[found.start : found.end] == found.text


def test_the_earliest_turn_counts() -> None:
    turns = [
        Answer(turn=2, text="Nothing here."),
        Answer(turn=3, text="I use shadow mode."),
        Answer(turn=5, text="Shadow mode, as I said."),
    ]
    found = find("shadow mode", turns)
    assert found is not None
    assert (found.turn, found.start, found.text) == (3, 6, "shadow mode")


def test_a_stretch_over_two_turns_is_none() -> None:
    assert find("shadow mode", said("I use shadow", "mode.")) is None


WORD = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8)
GAP = st.sampled_from([" ", "  ", "\n", "\u00a0", ", ", ". ", " – ", " “", "” ", "’s ", " 🎉 ", " (", ") "])


@st.composite
def stretches(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and a stretch of at least two whole words of it."""
    words = draw(st.lists(WORD, min_size=2, max_size=12))
    text = "".join(word + draw(GAP) for word in words)
    spans = [match.span() for match in re.finditer(r"\S*\w\S*", text)]
    first = draw(st.integers(0, len(spans) - 2))
    last = draw(st.integers(first + 1, len(spans) - 1))
    return text, text[spans[first][0] : spans[last][1]]


@given(stretches())
def test_any_two_words_or_more_are_found(drawn: tuple[str, str]) -> None:
    text, quote = drawn
    found = find(quote, said(text))
    assert found is not None
    assert text[found.start : found.end] == found.text
    assert re.findall(r"\w+", found.text.casefold()) == re.findall(r"\w+", quote.casefold())


@given(st.text(max_size=200), st.text(max_size=40))
def test_whatever_is_found_stands_there(text: str, quote: str) -> None:
    found = find(quote, said(text))
    if found is not None:
        assert text[found.start : found.end] == found.text
        assert found.text
