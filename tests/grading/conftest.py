"""The real encoder, loaded once; its vectors cached for the run so that a rubric is encoded once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.content import Content
from app.core.connection import Connection
from app.core.question import Level, Question
from app.core.rubric import Rubric
from app.grading.background import Background
from app.grading.baselines import BestSentenceCosine, KeywordOverlap, ModelAnswerCosine
from app.grading.calibration import shipped
from app.grading.embedding import EmbeddingGrader
from app.grading.encoder import Encoder, load_encoder, packaged_folder
from app.grading.entailment import Entailment, load_entailment
from app.grading.llm.chat import Chat
from app.grading.llm.judge import LLMGrader
from app.grading.llm.replay import KeptReplies
from tests.llm_server import LLMServer

CHAMPION = "lifecycle/champion-challenger"
# a few are enough to see that questions of all kinds can be graded
BANK = (CHAMPION, "fundamentals/bias-variance", "behavioural/conflict", "system_design/weekly-retraining")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(None, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def background(encoder: Encoder, content: Content) -> Background:
    return Background(content.known, encoder)


@pytest.fixture(scope="session")
def grader(encoder: Encoder, background: Background) -> EmbeddingGrader:
    return EmbeddingGrader(encoder, shipped(trained=True), background)


@pytest.fixture(scope="session")
def plain_grader(content: Content, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingGrader:
    """The grader as it is where the trained layers are missing."""
    encoder = load_encoder(None, tmp_path_factory.mktemp("plain-cache"), layers=None)
    return EmbeddingGrader(encoder, shipped(trained=False), Background(content.known, encoder))


@pytest.fixture(scope="session")
def nli_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny cross-encoder with untrained weights: real files of a real architecture, and no judgement at all."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    folder = tmp_path_factory.mktemp("models") / "tiny-nli"
    torch.manual_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(packaged_folder())
    labels = {0: "contradiction", 1: "entailment", 2: "neutral"}
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(tokenizer), id2label=labels, label2id={v: k for k, v in labels.items()}, **shape)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight *= 40  # or all probabilities would be a third
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def second_reader(nli_folder: Path) -> Entailment:
    return load_entailment(str(nli_folder))


@pytest.fixture(scope="session")
def language_model(content: Content) -> Iterator[LLMGrader]:
    """A judge that asks a real server, which credits a sentence that shares words with a point."""
    server = LLMServer()
    connection = Connection(base_url=f"{server.address}/v1", model="m-1", timeout=20, daily_tokens=10**9)
    chat = Chat(connection, KeptReplies({}), lambda: datetime.now(UTC))
    yield LLMGrader(chat, content.scale, Level.mid, None, lambda: datetime.now(UTC))
    chat.close()
    server.stop()


@pytest.fixture(scope="session")
def graders(
    encoder: Encoder,
    background: Background,
    grader: EmbeddingGrader,
    plain_grader: EmbeddingGrader,
    second_reader: Entailment,
    content: Content,
    language_model: LLMGrader,
) -> dict[str, object]:
    return {
        "embedding": grader,
        "embedding without trained layers": plain_grader,
        "embedding without a bank": EmbeddingGrader(encoder, shipped(trained=True)),
        "embedding and a second reader": EmbeddingGrader(encoder, shipped(trained=True), background, second_reader),
        "keywords": KeywordOverlap(),
        "cosine": ModelAnswerCosine(encoder, lambda name: content.questions[name].model_answer),
        "sentences": BestSentenceCosine(encoder),
        "language model": language_model,
    }


@pytest.fixture(scope="session")
def question(content: Content) -> Question:
    return content.questions[CHAMPION]


@pytest.fixture(scope="session")
def rubric(content: Content) -> Rubric:
    return content.rubrics[CHAMPION]
