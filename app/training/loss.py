"""The loss: texts that say the same come together, and apart from everything else in the batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

TEMPERATURE = 0.07
"""Cosines are divided by it, as in Khosla et al. 2020."""


class SupervisedContrastiveLoss(torch.nn.Module):
    """Khosla et al. 2020, Supervised Contrastive Learning, equation 2, on the sentence vectors of one batch.

    A text without another of its label in the batch is no anchor, but stands against all others: that is how contrasts
    (a label for each) teach what a claim is not.
    """

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: torch.Tensor) -> torch.Tensor:
        """The mean loss of the batch's anchors; 0 where there is none."""
        features = next(iter(sentence_features))
        vectors = torch.nn.functional.normalize(self.model(features)["sentence_embedding"], dim=1)
        itself = torch.eye(len(vectors), dtype=torch.bool)
        similarity = (vectors @ vectors.T / TEMPERATURE).masked_fill(itself, -1e4)
        log_share = similarity - torch.logsumexp(similarity, dim=1, keepdim=True)
        same = (labels[:, None] == labels[None, :]) & ~itself
        anchors = same.any(dim=1)
        if not anchors.any():
            return similarity.sum() * 0.0
        own = (log_share * same).sum(dim=1)[anchors] / same.sum(dim=1)[anchors]
        return -own.mean()
