from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from app.core.errors import GreenroomError
from app.settings import InvalidSettings, Settings, default_data_dir, from_environment


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("GREENROOM_"):
            monkeypatch.delenv(name)


def test_nothing_set_means_this_machine_only() -> None:
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert set(settings.allowed_hosts) == {"127.0.0.1", "localhost", "[::1]"}
    assert (settings.content_dir / "question_bank").is_dir()


def test_every_field_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = {
        "HOST": "0.0.0.0",
        "PORT": "0",
        "ALLOWED_HOSTS": '["practice.example.org"]',
        "DATA_DIR": str(tmp_path / "data"),
        "CONTENT_DIR": str(tmp_path),
        "GRADER": "embedding",
        "EMBEDDING_MODEL": "/models/other",
        "NLI_MODEL": "/models/nli",
        "LLM_BASE_URL": "http://localhost:11434/v1",
        "LLM_MODEL": "some-model",
        "LLM_API_KEY": "a-secret",
        "LLM_TIMEOUT": "30",
        "LLM_DAILY_TOKENS": "1000",
        "LLM_PRICE_IN": "0.5",
        "LLM_PRICE_OUT": "2",
        "ANSWER_MAX_CHARS": "5000",
        "LOG_LEVEL": "debug",
        "LOG_JSON": "true",
    }
    assert {name.lower() for name in given} == set(Settings.model_fields)
    for name, value in given.items():
        monkeypatch.setenv(f"GREENROOM_{name}", value)
    assert from_environment() == Settings.model_construct(
        host="0.0.0.0",
        port=0,
        allowed_hosts=("practice.example.org",),
        data_dir=tmp_path / "data",
        content_dir=tmp_path,
        grader="embedding",
        embedding_model="/models/other",
        nli_model="/models/nli",
        llm_base_url="http://localhost:11434/v1",
        llm_model="some-model",
        llm_api_key=SecretStr("a-secret"),
        llm_timeout=30,
        llm_daily_tokens=1000,
        llm_price_in=0.5,
        llm_price_out=2,
        answer_max_chars=5000,
        log_level="debug",
        log_json=True,
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "65536", "less than or equal to 65535 (it is '65536')"),
        ("PORT", "http", "valid integer"),
        ("ANSWER_MAX_CHARS", "10", "greater than or equal to 1000"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("GRADER", "astrology", "'embedding'"),
        ("ALLOWED_HOSTS", "localhost", "must be a JSON list"),
    ],
)
def test_a_value_that_cant_be_used_is_told_with_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"GREENROOM_{name}", value)
    with pytest.raises(InvalidSettings) as raised:
        from_environment()
    assert isinstance(raised.value, GreenroomError)
    assert str(raised.value).startswith(f"GREENROOM_{name}: ")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_PORT", "-1")
    monkeypatch.setenv("GREENROOM_LOG_LEVEL", "loud")
    with pytest.raises(InvalidSettings) as raised:
        from_environment()
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == [
        "GREENROOM_PORT",
        "GREENROOM_LOG_LEVEL",
    ]


def test_settings_cant_be_changed_and_unknown_ones_are_refused() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings(prot=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, ".local/share/greenroom"),
        ("linux", {"XDG_DATA_HOME": ""}, ".local/share/greenroom"),
        ("linux", {"XDG_DATA_HOME": "{home}/xdg"}, "xdg/greenroom"),
        ("darwin", {"XDG_DATA_HOME": "{home}/xdg"}, "Library/Application Support/Greenroom"),
        ("win32", {}, "AppData/Local/Greenroom"),
        ("win32", {"LOCALAPPDATA": "{home}/Local"}, "Local/Greenroom"),
    ],
)
def test_data_goes_where_the_platform_keeps_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, variables: dict[str, str], folder: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(home=tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    assert default_data_dir() == tmp_path / folder
    settings = Settings()
    assert settings.database_path == tmp_path / folder / "greenroom.sqlite3"
    assert settings.cache_dir.parent == tmp_path / folder
