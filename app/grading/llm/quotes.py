"""Finding a model's quote in the candidate's own text: every word must be there, in that order, in one stretch."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.core.feedback import Answer, Evidence

SHORTEST = 2
"""Words of a quote; a single one stands in nearly every text. An answer of one word may be quoted whole."""

_ALIKE = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " "})
_AROUND = " \t\n\"'.,;:…"


def find(quote: str, answers: Sequence[Answer]) -> Evidence | None:
    """The earliest turn that has `quote`, with the stretch as it stands there; None where none has.

    Letters' case, runs of blanks, kinds of quotation marks and dashes may differ, and what surrounds the quote: models
    tidy those up without meaning to. Nothing else may.
    """
    wanted = quote.translate(_ALIKE).strip(_AROUND)
    parts = wanted.split()
    if not parts:
        return None
    pattern = re.compile(r"(?<!\w)" + r"\s+".join(map(re.escape, parts)) + r"(?!\w)", re.I)
    for answer in answers:
        found = pattern.search(answer.text.translate(_ALIKE))  # every character keeps its place
        if found and (len(parts) >= SHORTEST or len(answer.text.split()) <= SHORTEST):
            start, end = found.span()
            return Evidence(turn=answer.turn, start=start, end=end, text=answer.text[start:end])
    return None
