"""Which words are a claim's own, and how far a window uses them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

COMMON = 3
"""Texts of a point or mistake, or all if there are fewer, from which a word fully counts as its own. Exemplars speak in
many images: a word of one of them belongs to the image, not to the claim."""
LEAST_WEIGHT = 0.5
"""A text whose words weigh less has none of its own that could be shared."""
SATURATION = 3.0
"""Beyond this weight of known words more of them hardly add: v -> v / (v + SATURATION)."""

Stems = frozenset[str]
Array = npt.NDArray[np.float32]


class _Weights(NamedTuple):
    """What each word weighs in each of `height` rows; only the words that weigh something are listed."""

    rows: npt.NDArray[np.intp]
    words: npt.NDArray[np.intp]
    weights: npt.NDArray[np.float64]
    height: int

    def sums(self, have: npt.NDArray[np.bool_]) -> Array:
        """For each window the weight of the words that it has, (windows, rows), from (windows, vocabulary)."""
        sums = [np.bincount(self.rows, self.weights * one[self.words], self.height) for one in have]
        return np.array(sums, np.float32).reshape(len(have), self.height)


class Lexicon(NamedTuple):
    """The words of a rubric's claims (points, then mistakes): what they weigh in each claim, and in each of its texts.

    A word's weight in a claim is the share of COMMON texts that have it, over the sum of these shares for all claims;
    0 for words of the question. Its weight in a text is its weight in the claim over that of all the text's words.
    """

    vocabulary: dict[str, int]
    claims: _Weights
    texts: _Weights

    def shared(self, windows: Sequence[Stems]) -> tuple[Array, Array]:
        """How far the windows use a text's and a claim's own words: (windows, texts) and (windows, claims), 0 to 1.

        The first is the share of the text's weight that the window has; the second the weight of the window's words
        that the claim has, saturating.
        """
        have = np.zeros((len(windows), len(self.vocabulary)), np.bool_)
        for row, stems in enumerate(windows):
            have[row, [self.vocabulary[one] for one in stems if one in self.vocabulary]] = True
        known = self.claims.sums(have)
        return self.texts.sums(have), known / (known + np.float32(SATURATION))


def lexicon(claims: Sequence[Sequence[Stems]], asked: Stems) -> Lexicon:
    """The lexicon of `claims`, the content stems of each text of each; `asked` are those of the question."""
    weighed = _weigh(claims, asked)
    vocabulary = {one: number for number, one in enumerate(sorted({one for claim in weighed for one in claim}))}
    texts = [_shares(text, claim) for own, claim in zip(claims, weighed, strict=True) for text in own]
    return Lexicon(vocabulary, _listed(weighed, vocabulary), _listed(texts, vocabulary))


def _weigh(claims: Sequence[Sequence[Stems]], asked: Stems) -> list[dict[str, float]]:
    shares = []
    for texts in claims:
        counts = Counter(one for text in texts for one in text)
        shares.append({one: min(1.0, count / min(COMMON, len(texts))) for one, count in counts.items()})
    spread: Counter[str] = Counter()
    for claim in shares:
        spread.update(claim)
    # sorted: a set's order differs from run to run, and with it the last bits of a sum
    return [{one: claim[one] / max(1.0, spread[one]) for one in sorted(claim.keys() - asked)} for claim in shares]


def _shares(text: Stems, claim: dict[str, float]) -> dict[str, float]:
    own = {one: claim[one] for one in sorted(text & claim.keys())}
    total = sum(own.values())
    return {one: weight / total for one, weight in own.items()} if total >= LEAST_WEIGHT else {}


def _listed(rows: Sequence[dict[str, float]], vocabulary: dict[str, int]) -> _Weights:
    entries = [(row, vocabulary[one], weight) for row, words in enumerate(rows) for one, weight in words.items()]
    table = np.array(entries, np.float64).reshape(-1, 3)
    return _Weights(table[:, 0].astype(np.intp), table[:, 1].astype(np.intp), table[:, 2], len(rows))
