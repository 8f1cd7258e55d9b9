"""Training the layers: what goes in, how it is batched, what comes out."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from typer.testing import CliRunner

from app.cli.commands import app
from app.content import Content
from app.core.errors import GradingFailed
from app.grading.encoder import load_encoder, packaged_folder
from app.grading.layers import MANIFEST, WEIGHTS, find_layers, is_trained, restored, save_layers
from app.training.batches import STRANGERS, TopicBatches
from app.training.loss import HELD_WEIGHT, HeldInPlaceLoss, SupervisedContrastiveLoss
from app.training.sentences import Sentence, Texts, from_claims, from_public, from_rubric, from_talk, held
from app.training.train import LEFT_OUT, Lessons, train, train_and_save

QUESTION = "fundamentals/precision-recall"


def test_a_rubric_gives_its_claims_and_their_contrasts(content: Content) -> None:
    rubric = content.rubrics[QUESTION]
    found = from_rubric(rubric)
    labels = {one.label for one in found}
    for point in rubric.points:
        texts = {one.text for one in found if one.label == f"{QUESTION} {point.id}"}
        assert texts == {point.says, *point.exemplars}
        beside = [one for one in found if one.beside == f"{QUESTION} {point.id}" and one.label != one.beside]
        assert {one.text for one in beside} == set(point.contrasts)
    assert all(one.beside in labels for one in found)
    answers = {one.answer for one in content.examples[QUESTION]}
    assert not answers & {one.text for one in found}  # those are for measuring


def test_claims_of_other_subjects_stand_beside_what_is_wrong_about_them(content: Content) -> None:
    claim = content.claims[0]
    found = from_claims([claim])
    (label,) = {one.beside for one in found}
    assert {one.text for one in found if one.label == label} == {claim.claim, *claim.true}
    assert {one.text for one in found if one.label != label} == {*claim.turned, claim.near}
    answers = {answer.answer for exam in content.exams for answer in exam.answers}
    assert not answers & {one.text for one in from_claims(content.claims)}  # those are for measuring


def test_everyday_talk_is_trained_on_and_other_questions_are_held_in_place(content: Content, tmp_path: Path) -> None:
    talk = from_talk(content.others)
    assert {one.text for one in talk} == {text for one in content.others if one.everyday for text in one.texts}
    row = {"split": "train", "module": "M", "qid": "q", "reference": "The current splits up.", "label": "correct"}
    answers = [f"the current number {number} splits" for number in range(3)]
    with gzip.open(tmp_path / "beetle.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(json.dumps(row | {"answer": one}) for one in answers))
    known = [talk[0]._replace(text=answers[0])]
    texts = held(content.others, tmp_path, known, seed=1)
    assert {*answers[1:], "The current splits up."} < set(texts)
    assert answers[0] not in texts
    assert not {one.text for one in talk} & set(texts)


def test_an_epoch_has_so_many_rows_and_small_topics_come_whole(
    content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences = [*from_rubric(content.rubrics[QUESTION]), *from_claims(content.claims[:140])]
    monkeypatch.setattr("app.training.batches.AN_EPOCH", len(sentences) // 4)
    sampler = TopicBatches(sentences, 64, seed=0)
    for epoch in (1, 2):
        batches = list(sampler)
        own = [row for batch in batches for row in _of_its_topic(batch, sentences)]
        assert 0.15 < len(own) / len(sentences) < 0.4, epoch
        sizes = Counter(sentences[row].topic for row in own)
        whole = Counter(one.topic for one in sentences)
        assert all(size == whole[topic] for topic, size in sizes.items() if topic != QUESTION)


def _of_its_topic(batch: list[int], sentences: list[Sentence]) -> list[int]:
    topic, _ = Counter(sentences[row].topic for row in batch).most_common(1)[0]
    return [row for row in batch if sentences[row].topic == topic]


def test_public_files_give_samples_and_those_kept_for_measuring_do_not(tmp_path: Path) -> None:
    rows = [
        {"split": split, "module": "M", "qid": "q1", "reference": "It rises.", "label": label, "answer": answer}
        for split, label, answer in [
            ("train", "correct", "it goes up"),
            ("train", "contradictory", "it goes down now"),
            ("UA", "correct", "kept for measuring"),
        ]
    ]
    with gzip.open(tmp_path / "beetle.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(map(json.dumps, rows)))
    found = from_public(tmp_path, seed=1)
    assert {one.text for one in found} == {"It rises.", "it goes up", "it goes down now"}
    assert len({one.label for one in found}) == 2
    assert len({one.beside for one in found}) == 1


def test_batches_keep_to_a_topic_and_change_with_the_epoch(content: Content) -> None:
    sentences = [one for name in (QUESTION, "behavioural/conflict") for one in from_rubric(content.rubrics[name])]
    sampler = TopicBatches(sentences, 64, seed=0)
    first, second = list(sampler), list(sampler)
    assert first != second
    assert first == list(TopicBatches(sentences, 64, seed=0))
    drawn: list[int] = []
    for batch in first:
        topics = Counter(sentences[row].topic for row in batch)
        topic, _ = topics.most_common(1)[0]
        own = [row for row in batch if sentences[row].topic == topic]
        assert 0 < len(batch) - len(own) <= STRANGERS
        assert len({sentences[row].beside for row in own}) > 1
        drawn += own
    assert len(set(drawn)) == len(drawn)


class _Fixed(torch.nn.Module):
    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.vectors = vectors

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"sentence_embedding": self.vectors[features["input_ids"][:, 0]]}


def test_the_loss_is_lower_where_a_label_stays_together() -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    loss = SupervisedContrastiveLoss(_Fixed(vectors))  # type: ignore[arg-type]
    texts = {"input_ids": torch.tensor([[0], [1], [2], [3]]), "attention_mask": torch.ones(4, 1, dtype=torch.long)}
    together, apart = (loss([texts], torch.tensor(labels)) for labels in ([0, 0, 1, 1], [0, 1, 0, 1]))
    assert together < 0.1 < apart
    assert loss([texts], torch.tensor([0, 1, 2, 3])) == 0  # no anchors


def test_the_loss_does_not_depend_on_which_texts_share_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SentenceTransformer(str(packaged_folder()), device="cpu")
    model.eval()
    texts = model.preprocess(
        ["Recall counts misses.", "Uh.", "Misses are what recall is about, as I see it.", "Bread."]
    )
    labels = torch.tensor([0, 1, 0, 2])
    with torch.inference_mode():
        together = SupervisedContrastiveLoss(model)([texts], labels)
        monkeypatch.setattr("app.training.loss.TOGETHER", 1)
        apart = SupervisedContrastiveLoss(model)([texts], labels)
    assert torch.allclose(apart, together, atol=1e-5)
    assert apart > 0


def test_what_is_held_in_place_costs_what_it_moved() -> None:
    loss = HeldInPlaceLoss(_Fixed(torch.tensor([[2.0, 0.0], [0.0, 1.0]])))  # type: ignore[arg-type]
    texts = {"input_ids": torch.tensor([[0], [1]])}
    assert loss([texts], torch.tensor([[1.0, 0.0], [0.0, 1.0]])) == 0
    assert loss([texts], torch.tensor([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(HELD_WEIGHT / 2)


@pytest.fixture(scope="module")
def trained(content: Content, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layers")
    rubric = content.rubrics[QUESTION]
    few = rubric.model_copy(update={"points": rubric.points[:2], "mistakes": rubric.mistakes[:1]})
    little = Texts([few], content.claims[:14], content.others[49:51])
    train_and_save(little, None, folder, seed=1, epochs=1, further=1)
    return folder


def test_training_changes_the_layers_and_nothing_else(trained: Path, tmp_path: Path) -> None:
    packaged = SentenceTransformer(str(packaged_folder()), device="cpu")
    save_layers(packaged, tmp_path, {})
    before, after = (load_file(folder / WEIGHTS) for folder in (tmp_path, trained))
    assert set(restored(after)) == {name for name in packaged.state_dict() if is_trained(name)}
    assert any("embeddings" in name for name in set(packaged.state_dict()) - set(after))
    for layer in range(6):
        assert any(not torch.equal(after[name], before[name]) for name in after if f"layer.{layer}." in name)
    assert (trained / WEIGHTS).stat().st_size < 12_000_000


def test_what_is_saved_in_8_bits_comes_back_within_half_a_step(tmp_path: Path) -> None:
    model = SentenceTransformer(str(packaged_folder()), device="cpu")
    save_layers(model, tmp_path, {})
    after = restored(load_file(tmp_path / WEIGHTS))
    for name, value in model.state_dict().items():
        if is_trained(name) and value.dim() == 2:
            step = value.abs().amax(dim=1, keepdim=True) / 127
            assert ((after[name] - value).abs() <= 0.51 * step).all()
    text = ["Precision is what share of the alarms is real.", "uh recall, um, that's the ones you missed"]
    vectors = model.encode(text)
    model.load_state_dict(after, strict=False)
    assert (vectors * model.encode(text)).sum(axis=1) == pytest.approx([1, 1], abs=0.002)


def test_the_encoder_takes_the_layers_and_says_which(trained: Path) -> None:
    made = find_layers(trained)
    assert made is not None
    with_layers, without = load_encoder(layers=trained), load_encoder(layers=None)
    assert made.sha256[:8] in with_layers.name
    assert "missing" in without.name
    assert with_layers.fingerprint != without.fingerprint
    assert (with_layers.trained, without.trained) == (True, False)
    text = ["Precision is what share of the alarms is real."]
    model = SentenceTransformer(str(packaged_folder()), device="cpu")
    model.load_state_dict(restored(load_file(trained / WEIGHTS)), strict=False)
    assert np.allclose(with_layers.encode(text), model.encode(text), atol=1e-6)
    assert not np.allclose(with_layers.encode(text), without.encode(text), atol=1e-6)


def test_the_second_stage_moves_the_weights_half_way(content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    rubric = content.rubrics[QUESTION]
    few = rubric.model_copy(update={"points": rubric.points[:2], "mistakes": rubric.mistakes[:1]})
    stages: list[torch.Tensor] = []
    name = "0.model.encoder.layer.5.output.dense.weight"

    def stage(model: SentenceTransformer, sentences: object, rows: Dataset, held: object, **how: object) -> None:
        weight = model.state_dict()[name]
        weight += 1.0 + len(stages)
        stages.append(weight.clone())
        texts.append(rows[:]["text"])

    texts: list[list[str]] = []
    monkeypatch.setattr("app.training.train._stage", stage)
    model = train(Lessons(from_rubric(few)), seed=1)
    assert torch.allclose(model.state_dict()[name], (stages[0] + stages[1]) / 2)
    whole, short = (sum(len(text.split()) for text in one) for one in texts)
    assert len(texts[0]) == len(texts[1])
    assert 1 - short / whole == pytest.approx(LEFT_OUT, abs=0.04)
    assert all(texts[1])


def test_training_goes_on_from_layers_that_are_given(trained: Path, content: Content) -> None:
    rubric = content.rubrics[QUESTION]
    few = Lessons(from_rubric(rubric.model_copy(update={"points": rubric.points[:1], "mistakes": ()})))
    name = "0.model.encoder.layer.0.output.dense.weight"
    given = restored(load_file(trained / WEIGHTS))[name]
    same = train(few, epochs=0, further=0, start=find_layers(trained)).state_dict()[name]
    assert torch.equal(same, given)
    further = train(few, epochs=0, further=1, start=find_layers(trained)).state_dict()[name]
    assert 0 < (further - given).abs().max() < 0.01


def test_damaged_layers_are_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes((trained / WEIGHTS).read_bytes()[:-1] + b"!")
    (tmp_path / MANIFEST).write_text((trained / MANIFEST).read_text("utf-8"), "utf-8")
    with pytest.raises(GradingFailed, match="damaged"):
        load_encoder(layers=tmp_path)


def test_layers_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_layers(torch.nn.ModuleDict({"other": torch.nn.Linear(2, 2)}), tmp_path, {})  # type: ignore[arg-type]
    with pytest.raises(GradingFailed, match="don't fit"):
        load_encoder(layers=tmp_path)


def test_the_shipped_layers_are_whole_and_small() -> None:
    made = find_layers()
    assert made is not None
    assert made.file.stat().st_size < 12_000_000
    assert {"command", "data", "sha256"} <= set(made.manifest)
    assert (made.file.parent / "MODEL_CARD.md").exists()


def test_no_labelled_answer_is_trained_on(content: Content, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: list[Texts] = []

    def kept(texts: Texts, *_: object, **__: object) -> None:
        given.append(texts)
        raise GradingFailed("enough")

    monkeypatch.setattr("app.training.train.train_and_save", kept)
    assert CliRunner().invoke(app, ["train", "--out", str(tmp_path)]).exit_code == 2
    assert given[0].rubrics == list(content.written.values()) != list(content.rubrics.values())


def test_the_command_says_when_the_folder_is_not_there(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["train", "--data", str(tmp_path / "none")])
    assert ran.exit_code == 2
    assert "no folder" in ran.output


def test_the_command_says_when_there_are_no_layers_to_start_from(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["train", "--start", str(tmp_path)])
    assert ran.exit_code == 2
    assert "no layers in" in ran.output
