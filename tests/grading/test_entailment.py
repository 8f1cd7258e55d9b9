"""A cross-encoder as second reader."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from app.core.errors import GradingFailed
from app.core.feedback import Answer
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.embedding import EmbeddingGrader, load_embedding_grader
from app.grading.entailment import Entailment, load_entailment
from app.settings import Settings
from tests.grading.test_contract import GOOD


def test_probabilities_are_of_the_label_called_contradiction(second_reader: Entailment) -> None:
    pairs = [("Both models see the same rows.", "They are compared on the same data."), ("No.", "Yes."), ("a", "b")]
    found = second_reader.contradicts(pairs)
    scores = second_reader._model.predict(pairs, apply_softmax=True)
    assert np.allclose(found, np.asarray(scores)[:, 0], atol=1e-5)
    assert len(second_reader.contradicts([])) == 0


def test_only_what_may_win_is_read(second_reader: Entailment, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def contradicts(pairs: list[tuple[str, str]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        read.extend(text for text, _ in pairs)
        return np.array([0.9 if text == "turned" else 0.0 for text, _ in pairs])

    monkeypatch.setattr(second_reader, "contradicts", contradicts)
    worth = np.array([0.5, 0.8, 0.2])
    assert second_reader.least_doubtful(worth, ["fair", "turned", "faint"], "claim", 0.3) == (0.5, 0)
    assert read == ["turned", "fair"]


def test_it_never_adds_credit(
    graders: dict[str, EmbeddingGrader], question: Question, rubric: Rubric, second_reader: Entailment
) -> None:
    alone, both = graders["embedding"], graders["embedding and a second reader"]
    answers = [Answer(turn=0, text=GOOD)]
    one, two = (grader.grade(question.prompt, rubric, answers) for grader in (alone, both))
    assert all(after.credit <= before.credit for before, after in zip(one.points, two.points, strict=True))
    assert one.score > two.score
    assert "second reader tiny-nli" in both.name
    assert "second reader" not in alone.name


def test_the_setting_names_it(nli_folder: Path, tmp_path: Path) -> None:
    grader = load_embedding_grader(Settings(data_dir=tmp_path, nli_model=str(nli_folder)))
    assert "second reader tiny-nli" in grader.name


def test_what_can_not_be_used_is_refused_with_advice(nli_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(GradingFailed, match=r"no model at .*GREENROOM_NLI_MODEL"):
        load_entailment(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(GradingFailed, match="can't be loaded"):
        load_entailment(str(tmp_path / "empty"))
    other = tmp_path / "other"
    shutil.copytree(nli_folder, other)
    config = json.loads((other / "config.json").read_text("utf-8"))
    config["id2label"] = {"0": "good", "1": "fair", "2": "bad"}
    (other / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(GradingFailed, match="good, fair, bad"):
        load_entailment(str(other))
