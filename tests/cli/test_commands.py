"""`check` and `schemas`; what grades has tests of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import commands
from app.content import Content, json_schemas
from tests.conftest import ROOT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of all shipped content."""
    for folder in ("question_bank", "rubrics"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_check_counts_what_is_there_when_all_is_good(root: Path, content: Content) -> None:
    outcome = CliRunner().invoke(commands.app, ["check", "--content", str(root)])
    answers = sum(len(examples) for examples in content.examples.values())
    assert outcome.exit_code == 0
    assert outcome.stdout == f"26 questions, 26 rubrics, {answers} labelled answers: all good\n"
    assert outcome.stderr == ""


def test_check_prints_every_problem_at_once_and_exits_with_2(root: Path) -> None:
    (root / "question_bank/behavioural/conflict.yaml").write_text("id: [", "utf-8")
    (root / "rubrics/lifecycle/model-metadata.yaml").unlink()
    with (root / "question_bank/fundamentals/overfitting.yaml").open("a") as stream:
        stream.write("mood: good\n")
    with (root / "rubrics/fundamentals/bias-variance.examples.jsonl").open("a") as stream:
        stream.write("{}\n")
    outcome = CliRunner().invoke(commands.app, ["check", "--content", str(root)])
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    *lines, last = outcome.stderr.splitlines()
    assert lines[0].startswith("question_bank/behavioural/conflict.yaml: not readable as YAML:")
    assert lines[1] == "question_bank/fundamentals/overfitting.yaml: mood: unknown key: remove it or mend its spelling"
    assert lines[2] == (
        "question_bank/lifecycle/model-metadata.yaml: has no rubric: write rubrics/lifecycle/model-metadata.yaml"
    )
    assert {line.rpartition(" line ")[2] for line in lines[3:]} == {
        f"{len((ROOT / 'rubrics/fundamentals/bias-variance.examples.jsonl').read_text().splitlines()) + 1}: {field}:"
        " is missing"
        for field in ("id", "kind", "grade", "answer", "points", "mistakes")
    }
    assert last == f"{len(lines)} problems"


def test_check_says_so_where_there_is_no_content(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(commands.app, ["check", "--content", str(tmp_path / "nowhere")])
    assert outcome.exit_code == 2
    assert "no questions found below" in outcome.stderr


def test_schemas_writes_each_schema_file_and_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    for folder in ("question_bank", "rubrics"):
        (tmp_path / folder).mkdir()
    outcome = CliRunner().invoke(commands.app, ["schemas"])
    assert outcome.exit_code == 0
    assert outcome.stdout.split() == list(json_schemas())
    for name in json_schemas():
        assert (tmp_path / name).read_bytes() == (ROOT / name).read_bytes()
        assert json.loads((tmp_path / name).read_text("utf-8"))["type"] == "object"


@pytest.mark.parametrize("command", ["check", "schemas", "serve", "grade"])
def test_every_command_explains_itself(command: str) -> None:
    assert command in CliRunner().invoke(commands.app, ["--help"]).stdout
    outcome = CliRunner().invoke(commands.app, [command, "--help"])
    assert outcome.exit_code == 0
    assert len(outcome.stdout.split()) > 10


def test_no_command_shows_the_help() -> None:
    outcome = CliRunner().invoke(commands.app, [])
    assert outcome.exit_code == 2
    assert "check" in outcome.output
