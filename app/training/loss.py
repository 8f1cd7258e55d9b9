"""The losses: texts that say the same come together and apart from everything else, and some stay where they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

TEMPERATURE = 0.07
"""Cosines are divided by it, as in Khosla et al. 2020."""
HELD_WEIGHT = 20.0
"""Of what is held in place: with it, the gradients of the two losses are about as long."""
TOGETHER = 18
"""Texts of like length that are encoded together: a third less is computed than with a batch padded to its longest."""


class SupervisedContrastiveLoss(torch.nn.Module):
    """Khosla et al. 2020, Supervised Contrastive Learning, equation 2, on the sentence vectors of one batch.

    A text without another of its label in the batch is no anchor, but stands against all others: that is how contrasts
    (a label for each) teach what a claim is not.
    """

    def __init__(self, model: SentenceTransformer, *, bfloat16: bool = False) -> None:
        """`bfloat16`: texts are encoded in that, to save time where the processor multiplies in it."""
        super().__init__()
        self.model = model
        self._bfloat16 = bfloat16

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: torch.Tensor) -> torch.Tensor:
        """The mean loss of the batch's anchors; 0 where there is none."""
        vectors = self._vectors(next(iter(sentence_features)))
        itself = torch.eye(len(vectors), dtype=torch.bool)
        similarity = (vectors @ vectors.T / TEMPERATURE).masked_fill(itself, -1e4)
        log_share = similarity - torch.logsumexp(similarity, dim=1, keepdim=True)
        same = (labels[:, None] == labels[None, :]) & ~itself
        anchors = same.any(dim=1)
        if not anchors.any():
            return similarity.sum() * 0.0
        own = (log_share * same).sum(dim=1)[anchors] / same.sum(dim=1)[anchors]
        return -own.mean()

    def _vectors(self, features: dict[str, Any]) -> torch.Tensor:
        """Unit vectors (texts, width) of tokens padded on the right, (texts, longest)."""
        lengths = features["attention_mask"].sum(dim=1)
        by_length = lengths.argsort(stable=True)
        vectors = []
        for rows in by_length.split(TOGETHER):
            longest = int(lengths[rows].max())
            part = {
                name: value[rows, :longest] if isinstance(value, torch.Tensor) else value
                for name, value in features.items()
            }
            with torch.autocast(lengths.device.type, torch.bfloat16, enabled=self._bfloat16):
                vectors.append(self.model(part)["sentence_embedding"].float())
        return torch.nn.functional.normalize(torch.cat(vectors)[by_length.argsort()], dim=1)


class HeldInPlaceLoss(torch.nn.Module):
    """How far texts have moved: one minus the cosine of each vector with the one it had, times HELD_WEIGHT.

    Training on a few subjects draws all others together; those that are shown here stay apart.
    """

    def __init__(self, model: SentenceTransformer, *, bfloat16: bool = False) -> None:
        """`bfloat16`: see SupervisedContrastiveLoss."""
        super().__init__()
        self.model = model
        self._bfloat16 = bfloat16

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: torch.Tensor) -> torch.Tensor:
        """The mean over the texts; `labels` (texts, width) are the unit vectors they had."""
        features = next(iter(sentence_features))
        with torch.autocast(labels.device.type, torch.bfloat16, enabled=self._bfloat16):
            vectors = self.model(features)["sentence_embedding"].float()
        cosine = (torch.nn.functional.normalize(vectors, dim=1) * labels.float()).sum(dim=1)
        return HELD_WEIGHT * (1 - cosine).mean()
