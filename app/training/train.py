"""Training the layers of the packaged encoder on rubrics, pairs and public data; see the model card."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments

from app.core.rubric import Rubric
from app.grading.encoder import TOKENS_MOST, packaged_folder
from app.grading.layers import Made, is_trained, put_layers, save_layers
from app.training.batches import TopicBatches
from app.training.loss import SupervisedContrastiveLoss
from app.training.sentences import Sentence, from_public, from_rubric

EPOCHS, RATE, BATCH = 4, 1e-4, 64
FURTHER_EPOCHS, FURTHER_RATE, LEFT_OUT = 2, 5e-5, 0.12
"""The second stage, and the share of a text's words that it leaves out, others each time, so that no single word comes
to decide. The mean of the weights before and after it keeps most of what each does better (DECISIONS.md)."""


def train(
    sentences: Sequence[Sentence],
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    further: int = FURTHER_EPOCHS,
    start: Made | None = None,
) -> SentenceTransformer:
    """The packaged model with its layers trained on `sentences`, from `start` on if that is given.

    After `epochs` it is trained `further` epochs with words left out, and gets the mean of its weights before and
    after these. Takes about an hour on four cores for 26 rubrics, with `further` alone half of that. The same data,
    seed and machine give the same weights. Raises GradingFailed when `start` doesn't fit the packaged model.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(os.cpu_count() or 1)
    model = SentenceTransformer(str(packaged_folder()), device="cpu")
    model.max_seq_length = TOKENS_MOST
    if start:
        put_layers(model, start)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = is_trained(name)
    if epochs:
        _stage(model, sentences, _dataset(sentences), seed=seed, epochs=epochs, rate=RATE)
    if further:
        before = {name: value.clone() for name, value in model.state_dict().items() if is_trained(name)}
        short = _dataset(sentences).with_transform(_Shortened(seed))
        _stage(model, sentences, short, seed=seed, epochs=further, rate=FURTHER_RATE)
        after = model.state_dict()
        mean = {name: torch.lerp(value, after[name], 0.5) for name, value in before.items()}
        model.load_state_dict(mean, strict=False)
    model.eval()
    return model


def train_and_save(
    rubrics: Sequence[Rubric],
    public: Path | None,
    folder: Path,
    *,
    seed: int,
    epochs: int,
    further: int = FURTHER_EPOCHS,
    start: Made | None = None,
) -> Made:
    """Train on `rubrics` and on a sample of the files in `public`.

    Writes the changed layers with their manifest into `folder`. Raises GradingFailed when `start` doesn't fit.
    """
    bank = [one for rubric in rubrics for one in from_rubric(rubric)]
    sampled = from_public(public, seed) if public is not None else []
    model = train([*bank, *sampled], seed=seed, epochs=epochs, further=further, start=start)
    made_by = {
        "command": f"python -m app train --seed {seed} --epochs {epochs} --further {further}",
        "start": start.sha256 if start else "the packaged model",
        "data": f"{len(bank)} sentences of {len(rubrics)} rubrics, {len(sampled)} of public data",
        "learning_rate": [RATE, FURTHER_RATE],
        "batch": BATCH,
    }
    return save_layers(model, folder, made_by)


def _stage(
    model: SentenceTransformer, sentences: Sequence[Sentence], rows: Dataset, *, seed: int, epochs: int, rate: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        SentenceTransformerTrainer(
            model=model,
            args=_arguments(folder, seed, epochs, rate, sentences),
            train_dataset=rows,
            loss=SupervisedContrastiveLoss(model, bfloat16=_multiplies_in_bfloat16()),
        ).train()


def _multiplies_in_bfloat16() -> bool:
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


class _Shortened:
    """Rows of a dataset without about LEFT_OUT of each text's words, drawn anew whenever a row is read."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def __call__(self, rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
        return rows | {"text": [self._shortened(text) for text in rows["text"]]}

    def _shortened(self, text: str) -> str:
        """The whole text where no word would be left."""
        return " ".join(word for word in text.split() if self._rng.random() >= LEFT_OUT) or text


def _dataset(sentences: Sequence[Sentence]) -> Dataset:
    numbers = {label: number for number, label in enumerate(dict.fromkeys(one.label for one in sentences))}
    return Dataset.from_dict(
        {"text": [one.text for one in sentences], "label": [numbers[one.label] for one in sentences]}
    )


def _arguments(
    folder: str, seed: int, epochs: int, rate: float, sentences: Sequence[Sentence]
) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        learning_rate=rate,
        warmup_steps=0.1,
        weight_decay=0.01,
        seed=seed,
        use_cpu=not torch.cuda.is_available(),
        batch_sampler=lambda dataset, **_: TopicBatches(sentences, BATCH, seed),
        save_strategy="no",
        logging_steps=50,
        report_to=[],
        disable_tqdm=True,
    )
