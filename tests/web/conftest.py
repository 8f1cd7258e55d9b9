"""What the web tests share beside the fixtures of all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.main import create_app
from app.settings import Settings
from app.store.store import Store
from app.web import reports, rounds
from tests.conftest import ROOT
from tests.graders import WordGrader

HOSTS = ("testserver", "127.0.0.1", "localhost")
FEW = (
    "fundamentals/bias-variance",
    "fundamentals/overfitting",
    "fundamentals/precision-recall",
    "behavioural/conflict",
)


@pytest.fixture(scope="session")
def few_questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the shipped questions, as each test starts its own server and reading all of them takes a while."""
    folder = tmp_path_factory.mktemp("content")
    for kind in ("question_bank", "rubrics"):
        for question_id in FEW:
            (folder / kind / question_id).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / kind / f"{question_id}.yaml", folder / kind / f"{question_id}.yaml")
    for name in ("signals.yaml", "scale.yaml"):
        shutil.copy(ROOT / "rubrics" / name, folder / "rubrics" / name)
    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file without a row, migrated once."""
    path = tmp_path_factory.mktemp("database") / "empty.sqlite3"
    Store(path).close()
    return path


@pytest.fixture
def settings(tmp_path: Path, few_questions: Path, empty_database: Path) -> Settings:
    made = Settings(data_dir=tmp_path / "data", content_dir=few_questions, allowed_hosts=HOSTS)
    made.data_dir.mkdir()
    shutil.copy(empty_database, made.database_path)
    return made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server with the whole question bank, for the tests of one module that only read."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("shared"), allowed_hosts=HOSTS)
    with TestClient(create_app(settings, WordGrader())) as opened:
        yield opened


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages come back at once where a test holds the grader."""
    monkeypatch.setattr(rounds, "GRADING_PATIENCE", 0)
    monkeypatch.setattr(reports, "GRADING_PATIENCE", 0)
