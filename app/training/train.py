"""Training the layers of the packaged encoder on rubrics, pairs and public data; see the model card."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments

from app.core.rubric import Rubric
from app.grading.encoder import TOKENS_MOST, packaged_folder
from app.grading.layers import Made, is_trained, save_layers
from app.training.batches import TopicBatches
from app.training.loss import SupervisedContrastiveLoss
from app.training.sentences import Sentence, from_public, from_rubric

EPOCHS, RATE, BATCH = 4, 1e-4, 64


def train(
    rubrics: Sequence[Rubric], public: Path | None, *, seed: int = 0, epochs: int = EPOCHS
) -> SentenceTransformer:
    """The packaged model with its layers trained on `rubrics` and on a sample of the files in `public`.

    Takes about an hour on four cores for 26 rubrics. The same data, seed and machine give the same weights.
    """
    sentences = [one for rubric in rubrics for one in from_rubric(rubric)]
    if public is not None:
        sentences += from_public(public, seed)
    torch.manual_seed(seed)
    torch.set_num_threads(os.cpu_count() or 1)
    model = SentenceTransformer(str(packaged_folder()), device="cpu")
    model.max_seq_length = TOKENS_MOST
    for name, parameter in model.named_parameters():
        parameter.requires_grad = is_trained(name)
    with tempfile.TemporaryDirectory() as folder:
        SentenceTransformerTrainer(
            model=model,
            args=_arguments(folder, seed, epochs, sentences),
            train_dataset=_dataset(sentences),
            loss=SupervisedContrastiveLoss(model),
        ).train()
    model.eval()
    return model


def train_and_save(rubrics: Sequence[Rubric], public: Path | None, folder: Path, *, seed: int, epochs: int) -> Made:
    """Train, and write the changed layers with their manifest into `folder`."""
    model = train(rubrics, public, seed=seed, epochs=epochs)
    bank = sum(len(from_rubric(rubric)) for rubric in rubrics)
    sampled = len(from_public(public, seed)) if public is not None else 0
    made_by = {
        "command": f"python -m app train --seed {seed} --epochs {epochs}",
        "data": f"{bank} sentences of {len(rubrics)} rubrics, {sampled} of public data",
        "learning_rate": RATE,
        "batch": BATCH,
    }
    return save_layers(model, folder, made_by)


def _dataset(sentences: Sequence[Sentence]) -> Dataset:
    numbers = {label: number for number, label in enumerate(dict.fromkeys(one.label for one in sentences))}
    return Dataset.from_dict(
        {"text": [one.text for one in sentences], "label": [numbers[one.label] for one in sentences]}
    )


def _arguments(
    folder: str, seed: int, epochs: int, sentences: Sequence[Sentence]
) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=BATCH,
        learning_rate=RATE,
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
