"""Settings, read from GREENROOM_* environment variables. There is no global instance: `create_app` takes one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from app.core.errors import GreenroomError

ROOT = Path(__file__).resolve().parent.parent


def default_data_dir() -> Path:
    """The user's data folder for Greenroom, by the platform's convention (XDG on Linux)."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Greenroom"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "Greenroom"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "greenroom"


class InvalidSettings(GreenroomError):
    """A GREENROOM_* variable has a value that can't be used."""


class Settings(BaseSettings):
    """What can be set; every field is an environment variable, GREENROOM_ and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address to listen on; anything but loopback opens it to the network")
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    allowed_hosts: tuple[str, ...] = Field(
        ("127.0.0.1", "localhost", "[::1]"), description="Host headers that are answered, as a JSON list"
    )
    data_dir: Path = Field(default_factory=default_data_dir, description="folder of the database and the vector cache")
    content_dir: Path = Field(ROOT, description="folder that holds question_bank and rubrics")
    grader: Literal["embedding", "llm"] = Field(
        "embedding",
        description="llm asks the language model below as well, whatever the settings page says; the offline grader "
        "always judges",
    )
    embedding_model: str | None = Field(
        None, description="folder of another sentence-transformers model; the packaged all-MiniLM-L6-v2 when unset"
    )
    nli_model: str | None = Field(
        None,
        description="folder of a cross-encoder for natural-language inference, as a second reader; none when unset",
    )
    llm_base_url: str | None = Field(
        None, description="address of an OpenAI-compatible server, such as http://localhost:11434/v1"
    )
    llm_model: str | None = Field(None, description="name of a model on that server")
    llm_api_key: SecretStr | None = Field(None, description="the server's key, if it wants one; never shown or logged")
    llm_timeout: Annotated[float, Field(gt=0, le=600)] = Field(120, description="seconds that one reply may take")
    llm_daily_tokens: Annotated[int, Field(ge=0)] = Field(
        500_000, description="tokens read and written on a day from which on the model is not asked any more"
    )
    llm_price_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0, description="US dollars for a million tokens read"
    )
    llm_price_out: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        0, description="US dollars for a million tokens written"
    )
    answer_max_chars: Annotated[int, Field(ge=1000)] = Field(
        30_000, description="longest answer accepted, in characters"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_json: bool = Field(False, description="log lines as JSON")

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "greenroom.sqlite3"

    @property
    def llm_path(self) -> Path:
        """Where the settings page keeps the language model's address and key; readable by its user only."""
        return self.data_dir / "llm.json"

    @property
    def cache_dir(self) -> Path:
        """Where computed rubric vectors are kept; safe to delete."""
        return self.data_dir / "cache"


def from_environment() -> Settings:
    """The settings of this process. Raises InvalidSettings, with a line for each variable that can't be used."""
    try:
        return Settings()
    except SettingsError as error:  # a list that isn't JSON; pydantic names the field between quotes
        field = str(error).split('"')[1]
        raise InvalidSettings(f'{_variable(field)}: must be a JSON list, like ["127.0.0.1", "localhost"]') from None
    except ValidationError as error:
        lines = (f"{_variable(str(one['loc'][0]))}: {one['msg']} (it is {one['input']!r})" for one in error.errors())
        raise InvalidSettings("\n".join(lines)) from None


def _variable(field: str) -> str:
    return f"{Settings.model_config['env_prefix']}{field}".upper()
