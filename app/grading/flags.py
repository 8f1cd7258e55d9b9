"""Answers that earn nothing, whatever they resemble: none at all, the question echoed, a list of terms, another topic."""

from __future__ import annotations

import re

from app.core.feedback import Flag
from app.grading.encoder import Vectors
from app.grading.references import References
from app.grading.words import words

_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,60}\b(?:rubric|instruction|prompt|rules|criteria|grading|marking)"
    r"|\bfull (?:marks|credit|score|points)\b|\b(?:maximum|perfect|highest|top) (?:score|marks?|grade|credit)\b"
    r"|\b(?:system|developer) (?:prompt|message|override)\b|\b(?:mark|grade|score|rate) (?:this|me|my answer|it) as\b",
    re.I,
)


def is_injection(sentence: str) -> bool:
    """True for a sentence that talks to the grader instead of answering; it earns nothing and hurts nothing else."""
    return bool(_INJECTION.search(sentence))


def flags(text: str, vectors: Vectors, refs: References) -> tuple[Flag, ...]:
    """The flags of one turn; `vectors` (sentences, width) are its sentences' vectors."""
    if len(words(text)) < 3:
        return (Flag.no_answer,)
    return ()
