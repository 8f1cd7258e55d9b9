"""Which language model is asked, if any: as the environment says, else as the settings page keeps it in a file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, ValidationError

from app.core.connection import Choice, Connection, is_here
from app.core.errors import InvalidRequest

if TYPE_CHECKING:
    from app.settings import Settings

NAMES = {"base_url": "the address", "model": "the model", "api_key": "the key"}


class Choices:
    """Where the choice is kept. A server named in the environment can't be changed on the page, only switched."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.llm_path

    def load(self) -> Choice:
        """The choice as it stands. Raises InvalidRequest when what is kept, or the environment, can't be used."""
        kept = self._kept()
        from_environment = self._settings.llm_base_url is not None
        limits = {
            "timeout": self._settings.llm_timeout,
            "daily_tokens": self._settings.llm_daily_tokens,
            "price_in": self._settings.llm_price_in,
            "price_out": self._settings.llm_price_out,
        }
        if from_environment:
            named: dict[str, Any] = {
                "base_url": self._settings.llm_base_url,
                "model": self._settings.llm_model or "",
                "api_key": self._settings.llm_api_key,
            }
        else:
            named = {name: kept[name] for name in NAMES if kept.get(name)}
        held_on = self._settings.grader == "llm"
        return Choice(
            on=held_on or bool(kept.get("on")),
            connection=connection(limits | named) if named else None,
            from_environment=from_environment,
            held_on=held_on,
            locked=not is_here(self._settings.host),
        )

    def save(self, *, on: bool, named: Mapping[str, str]) -> Choice:
        """Keep a choice; an empty key stays as it was, but only for the same address. Raises InvalidRequest.

        A key must not follow an address that somebody changed under it.
        """
        self._refuse_locked()
        before = self._kept()
        kept: dict[str, Any] = {"on": bool(before.get("on")) if self._settings.grader == "llm" else on}
        if self._settings.llm_base_url is None:
            wanted = {name: named.get(name, "").strip() for name in NAMES}
            if wanted["base_url"] or wanted["model"]:
                made = connection({name: value for name, value in wanted.items() if value})
                if not wanted["api_key"] and before.get("base_url") == made.base_url:
                    wanted["api_key"] = before.get("api_key", "")
                kept |= {name: value for name, value in (wanted | {"base_url": made.base_url}).items() if value}
            elif on:
                raise InvalidRequest("Name the server's address and a model before you switch it on.")
        self._write(kept)
        return self.load()

    def forget_key(self) -> None:
        """Delete the key from the file. Raises InvalidRequest."""
        self._refuse_locked()
        kept = self._kept()
        kept.pop("api_key", None)
        self._write(kept)

    def _refuse_locked(self) -> None:
        if not is_here(self._settings.host):
            raise InvalidRequest(
                "This Greenroom listens beyond this computer (GREENROOM_HOST), so its page can't change where answers "
                "go. Set "
                "GREENROOM_LLM_BASE_URL and the like where it is started."
            )

    def _kept(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            raise InvalidRequest(
                f"{self._path} can't be read. Mend it, or delete it and name the server again."
            ) from None
        return kept if isinstance(kept, dict) else {}

    def _write(self, kept: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = tempfile.mkstemp(dir=self._path.parent, prefix=".llm-")  # readable by its user only
        try:
            with os.fdopen(number, "w", encoding="utf-8") as stream:
                json.dump(kept, stream)
            Path(name).replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise InvalidRequest(f"{self._path} can't be written: {error.strerror}.") from None


def connection(values: Mapping[str, Any]) -> Connection:
    """A connection from its values. Raises InvalidRequest that names what is wrong, and never quotes the key."""
    key = values.get("api_key")
    made = {**values, "api_key": SecretStr(key) if isinstance(key, str) else key}
    try:
        return Connection.model_validate(made)
    except ValidationError as error:
        wrong = {str(one["loc"][0]): one["msg"].removeprefix("Value error, ") for one in error.errors()}
        said = "; ".join(f"{NAMES.get(name, name)}: {reason[0].lower()}{reason[1:]}" for name, reason in wrong.items())
        raise InvalidRequest(f"This language model can't be used: {said}.") from None
