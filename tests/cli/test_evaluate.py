"""`evaluate` and `calibrate` on a small folder of real content, with the real encoder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.commands import app
from app.cli.evaluate import labelled_score
from app.cli.held_out import held_out
from app.content import Content
from app.core.feedback import MISTAKE_COST
from app.core.rubric import Rubric
from app.grading.calibration import Shipped
from tests.conftest import ROOT
from tests.values import rubric

QUESTIONS = ("lifecycle/champion-challenger", "fundamentals/overfitting")
KINDS = {"strong", "partial", "wrong", "keyword_list", "turned", "reworded"}
ORIGINS = {
    "written with the rubric at hand",
    "written without the rubric",
    "typed without the rubric",
    "written and typed last, without the rubric",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("content")
    for question in QUESTIONS:
        for name in (f"question_bank/{question}.yaml", f"rubrics/{question}.yaml"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        shutil.copy(ROOT / f"rubrics/{question}.pairs.jsonl", root / f"rubrics/{question}.pairs.jsonl")
        lines = (ROOT / f"rubrics/{question}.examples.jsonl").read_text("utf-8").splitlines()
        read = [json.loads(line) for line in lines]
        kept = {one["id"] for one in read if one["kind"] in KINDS and not one.get("twin_of")}
        kept |= {one["id"] for one in read if one.get("twin_of") in kept}
        lines = [line for line, one in zip(lines, read, strict=True) if one["id"] in kept]
        (root / f"rubrics/{question}.examples.jsonl").write_text("\n".join(lines), "utf-8")
    for name in ("signals.yaml", "scale.yaml"):
        shutil.copy(ROOT / "rubrics" / name, root / "rubrics" / name)
    return root


@pytest.fixture(autouse=True)
def _data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path_factory.getbasetemp() / "evaluate-data"))


def test_evaluate_prints_a_table_and_writes_the_same_figures(small: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "figures.json", tmp_path / "pictures" / "figures.png"
    options = ["--by", "kind", "--by", "origin", "--json", str(out), "--plot", str(plot)]
    ran = CliRunner().invoke(app, ["evaluate", "--content", str(small), *options])
    assert ran.exit_code == 0, ran.output
    figures = json.loads(out.read_text("utf-8"))
    names = [one["grader"] for one in figures]
    assert names[0].startswith("embedding")
    assert len(names) == 4
    assert all(name in ran.stdout for name in names)
    assert set(figures[0]["parts"]) == KINDS | ORIGINS
    overall = figures[0]["overall"]
    assert overall["spearman_within"] > figures[1]["overall"]["spearman_within"]
    assert overall["regraded"] == 1
    assert overall["turned_below"] > 0.5
    assert overall["off_by"] < figures[1]["overall"]["off_by"]
    assert [one["overall"]["off_by"] for one in figures[2:]] == [None, None]  # a cosine has no scale of its own
    assert sum(one["points"] for one in figures[0]["reliability"]) > 0
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_no_answer_is_judged_by_a_rubric_that_has_heard_it(content: Content) -> None:
    rubrics = {(held.question.id, held.answer.id): held.rubric for held in held_out(content)}
    for question, answers in content.examples.items():
        written, heard = _texts(content.written[question]), _texts(content.rubrics[question])
        for one in answers:
            family = [other for other in answers if one.id == (other.twin_of or other.id) or other.id == one.twin_of]
            mine = _texts(rubrics[question, one.id])
            assert written <= mine < heard
            more = {text for text in mine - written if len(text) > 40}
            again = {text for text in more if any(text in other.answer for other in family)}
            others = [other.answer for other in answers if other not in family]
            assert all(any(text in other for other in others) for text in again), one.id  # two may say the very same
            assert all(twin.exemplar in mine for twin in content.twins[question] if twin.contrast in mine)
        largest = max(len(_texts(rubrics[question, one.id]) - written) for one in answers)
        assert largest > 0.7 * len(heard - written)


def _texts(rubric: Rubric) -> set[str]:
    return {text for one in (*rubric.points, *rubric.mistakes) for text in (*one.exemplars, *one.contrasts)}


def test_labels_give_a_score_by_the_graders_own_arithmetic() -> None:
    marked = rubric(weights=(1, 2, 1))
    assert labelled_score(marked, {"p0": 1.0, "p1": 0.5, "p2": 0.0}, ()) == 50
    assert labelled_score(marked, {"p0": 1.0, "p1": 0.5, "p2": 0.0}, {"m0": "its words"}) == 50 - MISTAKE_COST
    assert labelled_score(marked, {"p0": 0.0, "p1": 0.0, "p2": 0.0}, ["m0"]) == 0


def test_the_grader_without_trained_layers_can_be_judged(small: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["evaluate", "--content", str(small), "--grader", "plain"])
    assert ran.exit_code == 0, ran.output
    assert "trained layers missing" in ran.stdout


def test_calibrate_writes_a_calibration_that_says_how_it_was_made(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "calibration.json"
    ran = CliRunner().invoke(app, ["calibrate", "--content", str(small), "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    made = Shipped.model_validate_json(out.read_text("utf-8"))
    for one in (made.trained, made.plain):
        assert "2 questions" in one.made_by["data"]
        assert one.context.weights["own"] > 0
    assert made.trained.made_by["model"] != made.plain.made_by["model"]


@pytest.mark.parametrize("command", ["evaluate", "calibrate"])
def test_without_labelled_answers_it_says_what_is_needed(small: Path, tmp_path: Path, command: str) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(small, bare, ignore=shutil.ignore_patterns("*.examples.jsonl"))
    ran = CliRunner().invoke(app, [command, "--content", str(bare)])
    assert ran.exit_code == 2
    assert "examples.jsonl" in ran.output


def test_exams_are_judged_by_their_marking_schemes(small: Path, tmp_path: Path) -> None:
    lines = (ROOT / "rubrics/exams.jsonl").read_text("utf-8").splitlines()
    exams = tmp_path / "content"
    shutil.copytree(small, exams)
    chosen = [line for line in lines if json.loads(line)["id"] in {"decision-trees-forests", "kmeans", "em-gmm"}]
    (exams / "rubrics/exams.jsonl").write_text("\n".join(chosen), "utf-8")
    out = tmp_path / "figures.json"
    ran = CliRunner().invoke(app, ["evaluate", "--exams", "--content", str(exams), "--json", str(out)])
    assert ran.exit_code == 0, ran.output
    ours, *baselines = json.loads(out.read_text("utf-8"))
    assert len(baselines) == 3
    assert ours["overall"]["answers"] == 36
    assert ours["overall"]["regraded"] == 1
    assert ours["overall"]["spearman_within"] > 0.3 + max(one["overall"]["spearman_within"] for one in baselines)
    assert list(ours["parts"]) == ["4 points and more"]


@pytest.mark.parametrize("options", [["--grader", "llm"], ["--by", "kind"]])
def test_exams_have_parts_of_their_own_and_need_no_language_model(small: Path, options: list[str]) -> None:
    ran = CliRunner().invoke(app, ["evaluate", "--exams", "--content", str(small), *options])
    assert ran.exit_code == 2
    assert "--exams goes with the embedding grader" in " ".join(ran.output.replace("│", " ").split())


def test_without_exams_it_says_what_is_needed(small: Path) -> None:
    ran = CliRunner().invoke(app, ["evaluate", "--exams", "--content", str(small)])
    assert ran.exit_code == 2
    assert "needs marked exam answers" in ran.output
