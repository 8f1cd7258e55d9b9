"""What a rubric's answers are compared with: its texts, their vectors, and which belong to what."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.core.rubric import Rubric
from app.grading.discriminant import Discriminant, OneVsRest, one_vs_rest, tell_apart
from app.grading.encoder import Encoder, Vectors
from app.grading.lexicon import Lexicon, lexicon
from app.grading.words import content_stems, words

KEPT = 128
"""References kept in memory; those of a rubric with 600 texts are a megabyte."""


class Group(NamedTuple):
    """Texts that say one thing: a point, a mistake, or a mistake's correction; rows `start:stop` of the vectors."""

    id: str
    start: int
    stop: int


class References(NamedTuple):
    """One rubric's texts with unit vectors (texts, width).

    The first text of a point or mistake is its statement, its exemplars follow; `corrections` hold a mistake's
    correction and the sentences innocent of it, `contrasts` the sentences close to a point that do not say it, and
    `prompts` the question that was asked and every probe. `stems` are the content words of each text of points,
    mistakes and prompts (none of the others, as nobody asks for those), and `words` what those of the first two weigh.
    `apart` tells, for each point and then each mistake, its texts from those close to it that mean something else;
    `singled_out` tells them from all other texts of the rubric.
    """

    texts: tuple[str, ...]
    vectors: Vectors
    stems: tuple[frozenset[str], ...]
    points: tuple[Group, ...]
    mistakes: tuple[Group, ...]
    corrections: tuple[Group, ...]
    prompts: Group
    contrasts: tuple[Group, ...]
    words: Lexicon
    apart: tuple[Discriminant | None, ...]
    singled_out: OneVsRest

    @property
    def claims(self) -> Vectors:
        """The vectors of the points' and mistakes' own texts."""
        return self.vectors[: (self.mistakes or self.points)[-1].stop]


@lru_cache(maxsize=KEPT)
def references(question: str, rubric: Rubric, encoder: Encoder) -> References:
    """The references of `rubric`, their vectors from the encoder's cache where it has them."""
    texts: list[str] = []

    def add(name: str, more: Sequence[str]) -> Group:
        texts.extend(more)
        return Group(name, len(texts) - len(more), len(texts))

    points = tuple(add(point.id, (point.says, *point.exemplars)) for point in rubric.points)
    mistakes = tuple(add(mistake.id, (mistake.says, *mistake.exemplars)) for mistake in rubric.mistakes)
    corrections = tuple(add(mistake.id, (mistake.correction, *mistake.contrasts)) for mistake in rubric.mistakes)
    prompts = add("prompts", (question, *(point.probe for point in rubric.points)))
    contrasts = tuple(add(point.id, point.contrasts) for point in rubric.points)
    read = {*range(corrections[0].start if corrections else prompts.start), *range(prompts.start, prompts.stop)}
    nothing = frozenset[str]()
    stems = tuple(frozenset(content_stems(words(text))) if row in read else nothing for row, text in enumerate(texts))
    vectors = encoder.bundle(texts)
    apart = tuple(
        tell_apart(vectors[claim.start : claim.stop], vectors[other.start : other.stop])
        for claim, other in zip((*points, *mistakes), (*contrasts, *corrections), strict=True)
    )
    return References(
        tuple(texts),
        vectors,
        stems,
        points,
        mistakes,
        corrections,
        prompts,
        contrasts,
        lexicon([stems[group.start : group.stop] for group in (*points, *mistakes)], stems[prompts.start]),
        apart,
        one_vs_rest(vectors, [slice(group.start, group.stop) for group in (*points, *mistakes)]),
    )


def best(similarity: npt.NDArray[np.float32], groups: Sequence[Group]) -> npt.NDArray[np.float32]:
    """The highest similarity within each group: (windows, texts) -> (windows, groups); -1 where a group is empty."""
    if not groups:
        return np.zeros((len(similarity), 0), np.float32)
    return np.stack([similarity[:, group.start : group.stop].max(axis=1, initial=-1.0) for group in groups], axis=1)
