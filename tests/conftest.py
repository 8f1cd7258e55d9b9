"""What all tests share: the shipped content, read once, and a fresh database for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from starlette.testclient import TestClient

from app import content as content_files
from app.content import Content
from app.main import create_app
from app.settings import Settings
from app.store.store import Store
from tests.graders import WordGrader

ROOT = Path(__file__).resolve().parent.parent

hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.register_profile("dev", deadline=None)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def content() -> Content:
    return content_files.load(ROOT, whole=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", allowed_hosts=("testserver", "127.0.0.1", "localhost"))


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = Store(settings.database_path)
    yield opened
    opened.close()


@pytest.fixture
def grader() -> WordGrader:
    return WordGrader()


@pytest.fixture
def client(settings: Settings, grader: WordGrader) -> Iterator[TestClient]:
    with TestClient(create_app(settings, grader), follow_redirects=True) as opened:
        yield opened
