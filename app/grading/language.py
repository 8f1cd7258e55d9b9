"""Whether an answer is in English: the rubrics are, and so is the model that compares sentences with them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from app.grading.words import FUNCTION_WORDS, words

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

ENGLISH_FROM = 0.2
"""The share of English function words from which a text is taken to be English without a closer look. Of a thousand
answers in English, only lists of terms have less (answers in sentences: from 0.23); German, which shares a few of these
words, has about 0.1."""
SURE = 0.8
"""The probability from which a language is believed. Code, numbers and random letters stay below; lists of English
terms are seen as English."""
NO_LANGUAGE = "zxx"
"""What the identifier calls text in no language."""


def is_foreign(text: str) -> bool:
    """Whether `text` is surely in another language than English; False for code, lists of terms and a word or two."""
    tokens = words(text)
    if tokens and sum(token in FUNCTION_WORDS for token in tokens) >= ENGLISH_FROM * len(tokens):
        return False
    language, probability = _identifier().classify(text)
    return language not in ("en", NO_LANGUAGE) and bool(probability >= SURE)


@cache
def _identifier() -> LanguageIdentifier:
    """Loaded when first needed: it takes a second, and few answers have so little English in them."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
