"""Training the layers of the packaged encoder on rubrics, pairs and public data; see the model card."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from torch.utils.data import RandomSampler

from app.grading.encoder import TOKENS_MOST, packaged_folder
from app.grading.layers import Made, is_trained, put_layers, save_layers
from app.training.batches import TopicBatches
from app.training.loss import HeldInPlaceLoss, SupervisedContrastiveLoss
from app.training.sentences import Sentence, Texts, from_claims, from_public, from_rubric, from_talk, held

EPOCHS, RATE, BATCH, HELD_BATCH = 4, 1e-4, 64, 32
FURTHER_EPOCHS, FURTHER_RATE, LEFT_OUT = 2, 5e-5, 0.12
"""The second stage, and the share of a text's words that it leaves out, others each time, so that no single word comes
to decide. The mean of the weights before and after it keeps most of what each does better (DECISIONS.md)."""


class Lessons(NamedTuple):
    """What to train on, and texts of other subjects that the second stage holds in place."""

    sentences: Sequence[Sentence]
    held: Sequence[str] = ()


def train(
    lessons: Lessons,
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    further: int = FURTHER_EPOCHS,
    start: Made | None = None,
) -> SentenceTransformer:
    """The packaged model with its layers trained on `lessons`, from `start` on if that is given.

    After `epochs` it is trained `further` epochs with words left out and other subjects held in place, and gets the
    mean of its weights before and after these. Takes 44 minutes on four cores, 19 with `further` alone.
    The same data, seed and machine give the same weights. Raises GradingFailed when `start` doesn't fit.
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
        _stage(model, lessons.sentences, _dataset(lessons.sentences), None, seed=seed, epochs=epochs, rate=RATE)
    if further:
        before = {name: value.clone() for name, value in model.state_dict().items() if is_trained(name)}
        short = _dataset(lessons.sentences).with_transform(_Shortened(seed))
        in_place = _where_they_are(model, lessons.held) if lessons.held else None
        _stage(model, lessons.sentences, short, in_place, seed=seed, epochs=further, rate=FURTHER_RATE)
        after = model.state_dict()
        mean = {name: torch.lerp(value, after[name], 0.5) for name, value in before.items()}
        model.load_state_dict(mean, strict=False)
    model.eval()
    return model


def train_and_save(
    texts: Texts,
    public: Path | None,
    folder: Path,
    *,
    seed: int,
    epochs: int,
    further: int = FURTHER_EPOCHS,
    start: Made | None = None,
) -> Made:
    """Train on `texts` and on a sample of the files in `public`.

    Writes the changed layers with their manifest into `folder`. Raises GradingFailed when `start` doesn't fit.
    """
    bank = [one for rubric in texts.rubrics for one in from_rubric(rubric)]
    beside = [*from_claims(texts.claims), *from_talk(texts.others)]
    sampled = from_public(public, seed) if public is not None else []
    sentences = [*bank, *beside, *sampled]
    lessons = Lessons(sentences, held(texts.others, public, sentences, seed))
    model = train(lessons, seed=seed, epochs=epochs, further=further, start=start)
    made_by = {
        "command": f"python -m app train --seed {seed} --epochs {epochs} --further {further}",
        "start": start.sha256 if start else "the packaged model",
        "data": f"{len(bank)} sentences of {len(texts.rubrics)} rubrics, {len(beside)} of other subjects and of "
        f"everyday talk, {len(sampled)} of public data; {len(lessons.held)} texts held in place",
        "learning_rate": [RATE, FURTHER_RATE],
        "batch": BATCH,
    }
    return save_layers(model, folder, made_by)


def _stage(
    model: SentenceTransformer,
    sentences: Sequence[Sentence],
    rows: Dataset,
    in_place: Dataset | None,
    *,
    seed: int,
    epochs: int,
    rate: float,
) -> None:
    bfloat16 = _multiplies_in_bfloat16()
    rows_of = {"said": rows} | ({"held": in_place} if in_place else {})
    losses = {
        "said": SupervisedContrastiveLoss(model, bfloat16=bfloat16),
        "held": HeldInPlaceLoss(model, bfloat16=bfloat16),
    }

    def batches(dataset: Dataset, **_: object) -> DefaultBatchSampler:
        if isinstance(dataset[0]["label"], int):
            return TopicBatches(sentences, BATCH, seed)
        drawn = RandomSampler(dataset, generator=torch.Generator().manual_seed(seed))
        return DefaultBatchSampler(drawn, batch_size=HELD_BATCH, drop_last=False)

    with tempfile.TemporaryDirectory() as folder:
        SentenceTransformerTrainer(
            model=model,
            args=_arguments(folder, seed, epochs, rate, batches),
            train_dataset=DatasetDict(rows_of),
            loss={name: losses[name] for name in rows_of},
        ).train()


def _where_they_are(model: SentenceTransformer, texts: Sequence[str]) -> Dataset:
    """`texts` with the unit vectors that `model` gives them."""
    model.eval()
    vectors = model.encode(list(texts), normalize_embeddings=True)
    return Dataset.from_dict({"text": list(texts), "label": vectors.tolist()})


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
    folder: str, seed: int, epochs: int, rate: float, batches: Callable[..., DefaultBatchSampler]
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
        batch_sampler=batches,
        save_strategy="no",
        logging_steps=50,
        report_to=[],
        disable_tqdm=True,
    )
