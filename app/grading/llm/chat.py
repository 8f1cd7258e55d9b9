"""Asking an OpenAI-compatible server, streamed: limits, retries, and doing without what a server lacks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from app.core.connection import Connection
from app.core.llm import Book, LLMFailed, OnText, Prompt, Usage

if TYPE_CHECKING:
    import openai

SEED = 7
REPLY_MOST = 6000
"""Tokens of a reply; a reasoning model spends some of them before its first word."""
RETRIES = 2
"""Tries after the first, by the client, on 429, 5xx and lost connections; it waits 0.5 to 8 seconds in between, or as
long as the server says."""
STEPS = 6
"""Times that a request may be made plainer for a server that refuses a part of it."""
_TELLING = tuple(
    f"X-Stainless-{name}"
    for name in ("Lang", "Package-Version", "OS", "Arch", "Runtime", "Runtime-Version", "Retry-Count", "Read-Timeout")
)
"""Headers by which the client tells about itself and the computer it runs on: left out, nobody's business."""
CHARS_PER_TOKEN = 4
"""To estimate the tokens where a server does not count them."""


class Chat:
    """One server. Safe to call from several threads."""

    def __init__(
        self, connection: Connection, book: Book, clock: Callable[[], datetime], *, retries: int = RETRIES
    ) -> None:
        """`clock` tells the time in UTC."""
        self.connection = connection
        self._book = book
        self._clock = clock
        self._retries = retries
        self._plainer: dict[str, Any] = {}
        self._client: openai.OpenAI | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.connection.model

    def ask(self, prompt: Prompt, on_text: OnText | None = None) -> str:
        """The reply's text; see app.core.llm.Model. Raises LLMFailed."""
        self._refuse_over_budget()
        usage: Usage | None = None
        text = ""
        try:
            with _translated(self.connection):
                until = time.monotonic() + self.connection.timeout
                for piece, used in _pieces(self._stream(prompt)):
                    usage = used or usage
                    text += piece
                    if piece and on_text:
                        on_text(text)
                    if time.monotonic() > until:
                        raise LLMFailed(_slow(self.connection))
        finally:  # what was sent was paid for, whatever became of it
            self._book.add_llm_call(self.name, usage or _estimate(prompt, text), self._clock())
        return text

    def close(self) -> None:
        """Let go of the connections; a later question opens them again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _refuse_over_budget(self) -> None:
        midnight = self._clock().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        spent, most = self._book.llm_usage(midnight).tokens, self.connection.daily_tokens
        if spent >= most:
            raise LLMFailed(
                f"The daily budget of {most:,} tokens is spent ({spent:,} since midnight). Wait until tomorrow, or "
                "raise GREENROOM_LLM_DAILY_TOKENS."
            )

    def _stream(self, prompt: Prompt) -> Any:
        """The server's stream for a prompt, made plainer until the server takes it."""
        from openai import BadRequestError, UnprocessableEntityError

        client = self._opened()
        for _ in range(STEPS):
            sent = body(self.connection.model, prompt) | self._plainer
            sent = {key: value for key, value in sent.items() if value is not None}
            try:
                return client.chat.completions.create(**sent)
            except (BadRequestError, UnprocessableEntityError) as error:
                change = _plainer(sent, str(error))
                if change is None:
                    raise
                self._plainer |= change
        raise LLMFailed(f"{self.connection.host} refuses every form of the request. Is it an OpenAI-compatible server?")

    def _opened(self) -> openai.OpenAI:
        if self._client is None:
            import openai

            for name in ("openai", "httpx2", "httpcore2"):  # at their debug level they write out what is sent
                logging.getLogger(name).setLevel(logging.WARNING)
            key = self.connection.api_key
            self._client = openai.OpenAI(
                base_url=self.connection.base_url,
                api_key=key.get_secret_value() if key else "none",
                timeout=self.connection.timeout,
                max_retries=self._retries,
                # a redirect would carry the answer to a server that nobody named
                http_client=openai.DefaultHttpxClient(follow_redirects=False),
                default_headers=cast(dict[str, str], dict.fromkeys(_TELLING, openai.Omit())),
            )
        return self._client


def body(model: str, prompt: Prompt) -> dict[str, Any]:
    """The request's body for a prompt, as it is sent to a server that takes all of it."""
    made: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
        "temperature": 0,
        "seed": SEED,
        "max_tokens": REPLY_MOST,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if prompt.schema is not None:
        schema = {"name": "reply", "strict": True, "schema": prompt.schema}
        made["response_format"] = {"type": "json_schema", "json_schema": schema}
    return made


def _plainer(sent: dict[str, Any], reason: str) -> dict[str, Any] | None:
    """What to change in a body that was refused, by the server's reason; None when nothing is left to change."""
    if "max_completion_tokens" in reason and "max_tokens" in sent:
        return {"max_tokens": None, "max_completion_tokens": REPLY_MOST}
    for name in ("temperature", "seed", "stream_options"):
        if name in reason and name in sent:
            return {name: None}
    if "response_format" in sent:  # servers that lack it name it in many ways, or not at all
        schema = sent["response_format"]["type"] == "json_schema"
        return {"response_format": {"type": "json_object"} if schema else None}
    for name in ("stream_options", "seed", "temperature"):
        if name in sent:
            return {name: None}
    return None


def _pieces(stream: Any) -> Iterator[tuple[str, Usage | None]]:
    """The text as it comes, and the usage where the server says it. Raises LLMFailed when refused or cut off."""
    finished, came = None, False
    for chunk in stream:
        came = True
        counted = getattr(chunk, "usage", None)
        usage = (
            Usage(prompt_tokens=counted.prompt_tokens or 0, reply_tokens=counted.completion_tokens or 0, calls=1)
            if counted
            else None
        )
        choice = chunk.choices[0] if chunk.choices else None
        if choice is not None and getattr(choice.delta, "refusal", None):
            raise LLMFailed("The model refused to judge this answer.")
        finished = (choice.finish_reason if choice else None) or finished
        yield (choice.delta.content or "" if choice else ""), usage
    if finished == "content_filter":
        raise LLMFailed("The server's content filter stopped the reply.")
    if finished == "length":
        raise LLMFailed(f"The reply was longer than {REPLY_MOST:,} tokens and was cut off.")
    if not came:
        raise LLMFailed("What came is no reply. Is it an OpenAI-compatible server, and does its address end in /v1?")
    if finished is None:
        raise LLMFailed("The reply broke off in the middle.")


@contextmanager
def _translated(connection: Connection) -> Iterator[None]:
    """The client's errors as LLMFailed, in words that say what to do; the server's own may quote an answer."""
    import httpx2
    import openai

    host = connection.host
    try:
        yield
    except (openai.APITimeoutError, httpx2.TimeoutException):
        raise LLMFailed(_slow(connection)) from None
    except httpx2.InvalidURL:
        raise LLMFailed(f"{connection.base_url} is no address of a server. Mend it on the settings page.") from None
    except (openai.APIConnectionError, httpx2.TransportError) as error:
        broken = isinstance(error, httpx2.TransportError)
        reason = "broke off in the middle of its reply" if broken else "can't be reached. Is the server running?"
        raise LLMFailed(f"{host} {reason}") from None
    except (openai.AuthenticationError, openai.PermissionDeniedError):
        raise LLMFailed(f"{host} refuses the key. Check it on the settings page or in GREENROOM_LLM_API_KEY.") from None
    except openai.NotFoundError:
        raise LLMFailed(
            f"{host} knows no model {connection.model!r} at this address. Check the model's name, and whether the "
            "address ends in /v1."
        ) from None
    except openai.RateLimitError:
        raise LLMFailed(f"{host} takes no more requests for now (429), or its quota is used up. Try later.") from None
    except openai.APIStatusError as error:
        raise LLMFailed(f"{host} answered with an error ({error.status_code}). Try again later.") from None
    except openai.APIError:
        raise LLMFailed(f"{host} sent an error in the middle of its reply.") from None
    except (ValueError, UnicodeError):  # a stream that is no JSON
        raise LLMFailed(f"{host} sent something that is no reply. Is it an OpenAI-compatible server?") from None


def _slow(connection: Connection) -> str:
    return f"{connection.host} took longer than {connection.timeout:g} s. GREENROOM_LLM_TIMEOUT allows more."


def _estimate(prompt: Prompt, reply: str) -> Usage:
    sent = len(prompt.system) + len(prompt.user)
    return Usage(prompt_tokens=sent // CHARS_PER_TOKEN, reply_tokens=len(reply) // CHARS_PER_TOKEN, calls=1)
