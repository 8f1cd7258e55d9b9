"""Batches for contrastive training: of one topic, several texts of each label, contrasts beside their claim.

And a few strangers: sentences of other topics. Without them nothing teaches the encoder that a loaf of bread is no
point of any rubric, and everything off the topic comes to lie in the midst of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from sentence_transformers.base.sampler import DefaultBatchSampler

from app.training.sentences import Sentence

SHARE = 6
"""Texts of a label that come into one batch, about: few enough for several labels to meet, enough to have positives."""


STRANGERS = 12
"""Rows of other topics in each batch."""
AN_EPOCH = 33_000
"""Rows of one epoch, about, others each time where there are more: six epochs take 44 minutes on four cores then."""
WHOLE = 150
"""Rows up to which a topic comes into an epoch as a whole or not at all: a part of a few claims has no positives."""


class TopicBatches(DefaultBatchSampler):
    """Batches of about `size` rows of one topic, other ones in each epoch."""

    def __init__(self, sentences: Sequence[Sentence], size: int, seed: int) -> None:
        self.batch_size = size
        self.drop_last = False
        self._sentences = sentences
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return len(self._batches())

    def __iter__(self) -> Iterator[list[int]]:
        """The rows of each batch of the next epoch."""
        batches = self._batches()
        self._epoch += 1
        yield from batches

    def _batches(self) -> list[list[int]]:
        rng = random.Random(self._seed * 1000 + self._epoch)
        topics: dict[str, dict[str, list[int]]] = {}
        for row, one in enumerate(self._sentences):
            topics.setdefault(one.topic, {}).setdefault(one.beside, []).append(row)
        share = min(1.0, AN_EPOCH / max(1, len(self._sentences)))
        batches = [
            batch + self._strangers(topic, rng)
            for topic, groups in topics.items()
            for batch in self._of_topic(_some(list(groups.values()), share, rng), rng)
        ]
        rng.shuffle(batches)
        return batches

    def _strangers(self, topic: str, rng: random.Random) -> list[int]:
        """Up to STRANGERS rows of other topics."""
        drawn = rng.sample(range(len(self._sentences)), min(STRANGERS, len(self._sentences)))
        return [row for row in drawn if self._sentences[row].topic != topic]

    def _of_topic(self, groups: list[list[int]], rng: random.Random) -> list[list[int]]:
        """Each group's rows dealt out over a few of the topic's batches."""
        count = sum(map(len, groups)) // self.batch_size + 1
        batches: list[list[int]] = [[] for _ in range(count)]
        rng.shuffle(groups)
        first = 0
        for rows in groups:
            shuffled = rng.sample(rows, len(rows))
            spread = max(1, min(count, len(rows) // SHARE))
            for position, row in enumerate(shuffled):
                batches[(first + position % spread) % count].append(row)
            first += spread  # where this group ends the next begins, so that each batch has several
        return [batch for batch in batches if len(batch) > 4]


def _some(groups: list[list[int]], share: float, rng: random.Random) -> list[list[int]]:
    """About this share of a topic's rows: of each group so many, of a small topic all or none."""
    if sum(map(len, groups)) <= WHOLE:
        return groups if rng.random() < share else []
    return [rng.sample(rows, max(1, round(share * len(rows)))) for rows in groups]
