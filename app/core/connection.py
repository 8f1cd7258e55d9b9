"""Which LLM server is asked, as a value: address, key, model, limits and prices."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from app.core.question import Strict, Text


def _address(url: str) -> str:
    wanted = "must be an address such as http://localhost:11434/v1"
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an address of IPv6 cut short
        raise ValueError(wanted) from None
    if not whole or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(wanted)
    if parts.username or parts.password:
        raise ValueError("must not contain a user name or password: the key has a field of its own")
    return url.rstrip("/")


Address = Annotated[Text, AfterValidator(_address)]


class Connection(Strict):
    """An OpenAI-compatible server and how much may be asked of it.

    `timeout` is in seconds, for one reply; `daily_tokens` counts prompts and replies of a day in the computer's own
    time zone; prices are in US dollars for a million tokens and 0 for a model of one's own.
    """

    base_url: Address
    model: Text
    api_key: SecretStr | None = None
    timeout: Annotated[float, Field(gt=0, le=600)] = 120.0
    daily_tokens: Annotated[int, Field(ge=0)] = 500_000
    price_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    price_out: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    @property
    def host(self) -> str:
        """The server's name and port, as shown to people."""
        return urlsplit(self.base_url).netloc

    @property
    def stays_here(self) -> bool:
        """Whether the server runs on this computer, by its address."""
        return is_here(urlsplit(self.base_url).hostname or "")

    def cost(self, prompt_tokens: int, reply_tokens: int) -> float:
        """US dollars."""
        return (prompt_tokens * self.price_in + reply_tokens * self.price_out) / 1e6


def is_here(name: str) -> bool:
    """Whether a host name or address is this computer's own, reached by nobody else."""
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost"


class Choice(Strict):
    """Whether a language model is asked (`on`), and which; `connection` is None where none has been named.

    `from_environment` says that the environment names it, `held_on` that the environment switches it on: the page can't
    change those. `locked` says that it can change nothing, as others reach it too and could send answers elsewhere.
    """

    on: bool = False
    connection: Connection | None = None
    from_environment: bool = False
    held_on: bool = False
    locked: bool = False

    @property
    def asked(self) -> Connection | None:
        """The connection to use now."""
        return self.connection if self.on else None
