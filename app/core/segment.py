"""An answer cut into windows: sentences and pairs of neighbouring sentences, with their character offsets.

A rubric point is usually said in one or two sentences, so those are what gets compared with it. Speech transcripts
have no punctuation, and other texts no spaces; what is longer than a sentence can be is cut by length, with overlap.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SENTENCE_MOST_WORDS = 40
"""Longer sentences are cut by length: hardly anybody writes them, and a vector of one blurs several ideas."""
SLICE_WORDS, SLICE_STEP, SLICE_CHARS = 24, 12, 240
"""A slice of a long stretch: its words, the words from one slice's start to the next's, and its characters at most."""
SENTENCES_MOST = 250
"""Bounds the time for a hostile text: beyond this many sentences, neighbours are joined."""

CLAUSE_FEWEST_WORDS = 5
"""Less is hardly a claim of its own. With 3 to 7 points are told as well (AUC within 0.003)."""

_BREAK = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s|$)|[。！？]+|;(?=\s)|\n+""")
_COMMA = re.compile(r"[,;:|/]+(?=\s|$)")
_CLAUSE = re.compile(
    r"(?:[,;:]\s+|\s+[-–—]\s+|\s+\(|\)\s*)(?=\w)"
    r"|\s+(?=(?:and|but|while|whereas|so|because|bc|since|or|though|although)\s)",
    re.I,
)
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|vs|cf|approx|al|fig|mr|mrs|ms|dr|prof|incl|resp|[a-z])\.$", re.I)
_MARKER = re.compile(r"\s*(?:[-*•–—>#]+|\(?\d{1,3}[.)])(?=\s)")  # the bullet or number that opens a list line
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\(?\d{1,3}[.)]$")
_PIECE = re.compile(r"\S{1,60}")  # a word, or 60 characters of a text without spaces
_WORD = re.compile(r"\w")


class Window(NamedTuple):
    """A stretch of an answer: `text` is `answer[start:end]`."""

    start: int
    end: int
    text: str


def sentences(answer: str) -> list[Window]:
    """The sentences of `answer` in order, at most SENTENCES_MOST; slices of an over-long one overlap."""
    spans = [part for start, end in _sentence_spans(answer) for part in _cut(answer, start, end)]
    return [Window(start, end, answer[start:end]) for start, end in _join(spans)]


def items(answer: str) -> list[Window]:
    """The sentences of `answer`, cut at commas and the like as well: what a list of terms consists of."""
    found = []
    for sentence in sentences(answer):
        ends = [*(match.start() for match in _COMMA.finditer(sentence.text)), len(sentence.text)]
        starts = [0, *(match.end() for match in _COMMA.finditer(sentence.text))]
        spans = (
            _trim(answer, sentence.start + start, sentence.start + end) for start, end in zip(starts, ends, strict=True)
        )
        found += [(start, end) for start, end in spans if _WORD.search(answer, start, end)]
    return [Window(start, end, answer[start:end]) for start, end in _join(found)]


def clauses(answer: str) -> list[Window]:
    """The sentences of `answer`, cut at punctuation and before conjunctions as well; at most SENTENCES_MOST.

    A cut that leaves fewer than CLAUSE_FEWEST_WORDS on a side is none.
    """
    spans = [
        part
        for start, end in _sentence_spans(answer)
        for first, last in _clause_spans(answer, start, end)
        for part in _cut(answer, first, last)
    ]
    return [Window(start, end, answer[start:end]) for start, end in _join(spans)]


def pairs(answer: str, single: Sequence[Window]) -> list[Window]:
    """Every pair of neighbours among the sentences of `answer`: from the start of one to the end of the next."""
    return [Window(one.start, two.end, answer[one.start : two.end]) for one, two in pairwise(single)]


def windows(answer: str) -> list[Window]:
    """Every sentence, then every pair of neighbours."""
    single = sentences(answer)
    return single + pairs(answer, single)


def lies_on(window: Window, start: int, end: int) -> bool:
    """Whether `window` shares at least half of its own length, or half of the stretch, with `start:end`."""
    shared = min(window.end, end) - max(window.start, start)
    return shared > 0 and shared >= min(window.end - window.start, end - start) / 2


def _sentence_spans(answer: str) -> list[tuple[int, int]]:
    spans = []
    start = 0
    for match in [*_BREAK.finditer(answer), None]:
        end = match.end() if match else len(answer)
        if match and match.group().startswith(".") and _not_an_end(answer[max(start, end - 12) : end], start, end):
            continue
        spans.append(_trim(answer, start, end))
        start = end
    return [(start, end) for start, end in spans if _WORD.search(answer, start, end)]


def _clause_spans(answer: str, start: int, end: int) -> list[tuple[int, int]]:
    ends = [match.span() for match in _CLAUSE.finditer(answer, start, end)]
    left = len(answer[start:end].split())
    spans = []
    for stop, following in ends:
        words = len(answer[start:stop].split())
        if min(words, left - words) >= CLAUSE_FEWEST_WORDS:
            spans.append((start, stop))
            start, left = following, left - words
    spans = [_trim(answer, *span) for span in [*spans, (start, end)]]
    return [(first, last) for first, last in spans if _WORD.search(answer, first, last)]


def _not_an_end(tail: str, start: int, end: int) -> bool:
    """True for the full stop of an abbreviation or of a list's number."""
    return bool(_ABBREVIATION.search(tail)) or (end - start <= 12 and bool(_LIST_NUMBER.search(tail)))


def _trim(answer: str, start: int, end: int) -> tuple[int, int]:
    if marker := _MARKER.match(answer, start, end):
        start = marker.end()
    while start < end and answer[start].isspace():
        start += 1
    while end > start and answer[end - 1].isspace():
        end -= 1
    return start, end


def _cut(answer: str, start: int, end: int) -> list[tuple[int, int]]:
    """The stretch itself, or overlapping slices of it where it is longer than a sentence can be."""
    pieces = [match.span() for match in _PIECE.finditer(answer, start, end)]
    if len(pieces) <= SENTENCE_MOST_WORDS and end - start <= 2 * SLICE_CHARS:
        return [(start, end)]
    slices = []
    first = 0
    while True:
        last = first
        while (
            last + 1 < len(pieces)
            and last + 1 - first < SLICE_WORDS
            and pieces[last + 1][1] - pieces[first][0] <= SLICE_CHARS
        ):
            last += 1
        slices.append((pieces[first][0], pieces[last][1]))
        if last + 1 >= len(pieces):
            return slices
        first += min(SLICE_STEP, (last - first) // 2 + 1)


def _join(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    size = -(-len(spans) // SENTENCES_MOST)
    if size <= 1:
        return spans
    groups = [spans[index : index + size] for index in range(0, len(spans), size)]
    return [(group[0][0], group[-1][1]) for group in groups]
