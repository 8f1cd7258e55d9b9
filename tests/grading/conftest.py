"""The real encoder, loaded once; its vectors cached for the run so that a rubric is encoded once."""

from __future__ import annotations

import pytest

from app.content import Content
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.background import Background
from app.grading.baselines import BestSentenceCosine, KeywordOverlap, ModelAnswerCosine
from app.grading.calibration import shipped
from app.grading.embedding import EmbeddingGrader
from app.grading.encoder import Encoder, load_encoder

CHAMPION = "lifecycle/champion-challenger"
# a bank of four keeps the encoding short
BANK = (CHAMPION, "fundamentals/bias-variance", "behavioural/conflict", "system_design/weekly-retraining")


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return load_encoder(None, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def background(encoder: Encoder, content: Content) -> Background:
    return Background([(content.questions[name].prompt, content.rubrics[name]) for name in BANK], encoder)


@pytest.fixture(scope="session")
def grader(encoder: Encoder, background: Background) -> EmbeddingGrader:
    return EmbeddingGrader(encoder, shipped(), background)


@pytest.fixture(scope="session")
def graders(encoder: Encoder, grader: EmbeddingGrader, content: Content) -> dict[str, object]:
    return {
        "embedding": grader,
        "embedding without a bank": EmbeddingGrader(encoder, shipped()),
        "keywords": KeywordOverlap(),
        "cosine": ModelAnswerCosine(encoder, lambda name: content.questions[name].model_answer),
        "sentences": BestSentenceCosine(encoder),
    }


@pytest.fixture(scope="session")
def question(content: Content) -> Question:
    return content.questions[CHAMPION]


@pytest.fixture(scope="session")
def rubric(content: Content) -> Rubric:
    return content.rubrics[CHAMPION]
