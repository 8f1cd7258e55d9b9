"""What the encoder is trained on: sentences that say the same thing, each beside sentences that only look like it.

From the bank come the statements, exemplars and pairs of every rubric, never a labelled answer: those are for
measuring. Claims of other subjects teach it what right and wrong sound like anywhere, everyday talk what is neither.
From the folder of public graded answers (its files and licences are named in the model card) come short samples, so
that the encoder goes on knowing how others speak.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from app.core.claim import Claim
from app.core.known import OtherQuestion
from app.core.rubric import Rubric


class Sentence(NamedTuple):
    """A text to train on. Texts of one `label` say the same; batches are drawn within a `topic`.

    `beside` is the label in whose batch it belongs: its own, or for a contrast that of the claim it contrasts with.
    """

    text: str
    topic: str
    label: str
    beside: str


class Texts(NamedTuple):
    """Everything of ours to learn from: rubrics, claims of other subjects, and the questions that the bank lacks."""

    rubrics: Sequence[Rubric]
    claims: Sequence[Claim] = ()
    others: Sequence[OtherQuestion] = ()


def from_rubric(rubric: Rubric) -> list[Sentence]:
    """The sentences of one rubric."""
    topic = rubric.question_id
    found: list[Sentence] = []
    for point in rubric.points:
        found += _claims((point.says, *point.exemplars), topic, f"{topic} {point.id}")
        found += _contrasts(point.contrasts, topic, f"{topic} {point.id}")
    for mistake in rubric.mistakes:
        found += _claims((mistake.says, *mistake.exemplars), topic, f"{topic} {mistake.id}")
        found += _contrasts((mistake.correction, *mistake.contrasts), topic, f"{topic} {mistake.id}")
    return found


def from_claims(claims: Iterable[Claim]) -> list[Sentence]:
    """The sentences of claims of other subjects, each claim beside what is wrong about it or only near."""
    found: list[Sentence] = []
    for one in claims:
        topic = f"claims {one.topic}"
        found += _claims((one.claim, *one.true), topic, f"{topic} {one.claim}")
        found += _contrasts((*one.turned, one.near), topic, f"{topic} {one.claim}")
    return found


def from_talk(others: Iterable[OtherQuestion]) -> list[Sentence]:
    """Everyday talk, each subject a label of its own."""
    return [
        one for other in others if other.everyday for one in _claims(other.texts, "everyday", f"everyday {other.asks}")
    ]


PUBLIC = {"argkp": 2400, "beetle": 1800, "scientsbank": 1800, "cannot": 1500, "negation": 700}
"""Sentences taken from each public file: together about half as many as from the bank."""


def from_public(folder: Path, seed: int) -> list[Sentence]:
    """A sample of the public files in `folder`; files that are not there are passed over."""
    rng = random.Random(seed)
    found: list[Sentence] = []
    for name, most in PUBLIC.items():
        path = folder / f"{name}.jsonl.gz"
        if path.exists():
            groups: dict[str, list[Sentence]] = {}
            for one in READERS[name](_rows(path), name):
                groups.setdefault(one.beside, []).append(one)
            found += _sample([group for group in groups.values() if len(group) > 1], most, rng)
    return found


HELD = {"argkp": 1200, "beetle": 700, "scientsbank": 900, "saf": 1000, "cannot": 1200}
"""Texts of each public file among those held in place, none of which is trained on."""


def held(others: Iterable[OtherQuestion], public: Path | None, trained_on: Iterable[Sentence], seed: int) -> list[str]:
    """Texts that further training must leave where they are: other interview questions' and a sample of public ones."""
    found = [text for one in others if not one.everyday for text in (one.asks, *one.texts)]
    known, rng = {one.text for one in trained_on}, random.Random(seed)
    for name, most in HELD.items():
        if public and (path := public / f"{name}.jsonl.gz").exists():
            rows = [row.get(key) for row in _rows(path) for key in ("answer", "reference", "rubric_item")]
            texts = sorted({text for text in rows if text and 3 < len(text.split()) < 70} - known)
            found += rng.sample(texts, min(most, len(texts)))
    return found


def _claims(texts: Iterable[str], topic: str, label: str) -> list[Sentence]:
    return [Sentence(text, topic, label, label) for text in texts]


def _contrasts(texts: Iterable[str], topic: str, beside: str) -> list[Sentence]:
    return [Sentence(text, topic, f"{beside} not {number}: {text}", beside) for number, text in enumerate(texts)]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["split"] in ("UA", "dev"):
                continue  # kept for measuring
            yield row


def _key_points(rows: Iterable[dict[str, Any]], name: str) -> Iterator[Sentence]:
    for row in rows:
        if row["label"] == 1:
            topic = f"{name} {row['question']}"
            yield Sentence(row["rubric_item"], topic, f"{topic} {row['rubric_item']}", f"{topic} {row['rubric_item']}")
            yield Sentence(row["answer"], topic, f"{topic} {row['rubric_item']}", f"{topic} {row['rubric_item']}")


def _answers(rows: Iterable[dict[str, Any]], name: str) -> Iterator[Sentence]:
    for row in rows:
        topic, label = f"{name} {row['module']}", f"{name} {row['qid']} {row['reference']}"
        if row["label"] == "correct":
            yield Sentence(row["reference"], topic, label, label)
            yield Sentence(row["answer"], topic, label, label)
        elif row["label"] in ("contradictory", "incorrect") and len(row["answer"].split()) > 2:
            yield from _contrasts([row["answer"]], topic, label)


def _negated(rows: Iterable[dict[str, Any]], name: str) -> Iterator[Sentence]:
    for row in rows:
        topic, label = _spread(name, row["rubric_item"]), f"{name} {row['rubric_item']}"
        yield Sentence(row["rubric_item"], topic, label, label)
        if row["label"] == "paraphrase":
            yield Sentence(row["answer"], topic, label, label)
        else:
            # the claim beside itself: dropout makes the two differ (as in Gao et al. 2021, SimCSE)
            yield Sentence(row["rubric_item"], topic, label, label)
            yield from _contrasts([row["answer"]], topic, label)


def _inferred(rows: Iterable[dict[str, Any]], name: str) -> Iterator[Sentence]:
    for row in rows:
        topic, label = _spread(name, row["rubric_item"]), f"{name} {row['rubric_item']}"
        if row["label"] == "entailment":
            yield Sentence(row["rubric_item"], topic, label, label)
            yield Sentence(row["answer"], topic, label, label)
        elif row["label"] == "contradiction":
            yield Sentence(row["rubric_item"], topic, label, label)
            yield Sentence(row["rubric_item"], topic, label, label)
            yield from _contrasts([row["answer"]], topic, label)


def _spread(name: str, claim: str) -> str:
    """One of eight topics, for claims that have none: always the same one for a claim."""
    return f"{name} {crc32(claim.encode()) % 8}"


def _sample(groups: list[list[Sentence]], most: int, rng: random.Random) -> list[Sentence]:
    """Whole groups up to about `most` sentences, at most 12 of a group."""
    rng.shuffle(groups)
    found: list[Sentence] = []
    for group in groups:
        if len(found) >= most:
            break
        few = [one for number, one in enumerate(group) if group[:number].count(one) < 2]
        found += rng.sample(few, min(len(few), 12))
    return found


READERS = {
    "argkp": _key_points,
    "beetle": _answers,
    "scientsbank": _answers,
    "cannot": _negated,
    "negation": _inferred,
}
