"""The command `grade`, run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_batch import OWN

GOOD_LINE = json.dumps({**OWN, "answer": "Air scatters the short blue waves more strongly than red ones."})


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**os.environ, "GREENROOM_DATA_DIR": str(tmp_path_factory.mktemp("data"))}


def run(environment: dict[str, str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", "grade", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment, check=False)


def test_a_file_is_graded_and_bad_lines_are_reported(environment: dict[str, str], tmp_path: Path) -> None:
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text(f"{GOOD_LINE}\nnope\n\n{GOOD_LINE}\n")
    done = run(environment, "--jsonl", str(file), "--out", str(out))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "line 2: not JSON" in done.stderr
    assert "1 of 3 lines could not be graded" in done.stderr
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    assert first == second
    assert first["points"][0]["status"] in ("said", "partly")
    again = run(environment, "--jsonl", "-", stdin=GOOD_LINE)
    assert again.returncode == 0
    assert json.loads(again.stdout) == first


def test_files_that_can_not_be_used_are_refused_at_once(environment: dict[str, str], tmp_path: Path) -> None:
    missing = run(environment, "--jsonl", str(tmp_path / "none.jsonl"))
    assert missing.returncode == 2
    assert "can't be read" in missing.stderr
    file = tmp_path / "in.jsonl"
    file.write_text(GOOD_LINE)
    same = run(environment, "--jsonl", str(file), "--out", str(file))
    assert same.returncode == 2
    assert file.read_text() == GOOD_LINE
