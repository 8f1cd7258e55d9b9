"""Asking an OpenAI-compatible server, streamed: limits, retries, and doing without what a server lacks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.core.connection import Connection
from app.core.llm import Book, LLMFailed, OnText, Prompt, Usage, day_began

if TYPE_CHECKING:
    import httpx2
    import openai

SEED = 7
REPLY_MOST = 6000
"""Tokens of a reply; a reasoning model spends some of them before its first word."""
RETRIES = 2
"""Tries after the first on 429, 5xx and lost connections, all within one time limit: that is why the client's own
retries, each of which begins a new one, are switched off."""
WAITS = 0.5
"""Seconds before the first of them, doubled for the next, where the server does not say how long."""
STEPS = 6
"""Times that a request may be made plainer for a server that refuses a part of it."""
SENT_HEADERS = frozenset(
    """
    host authorization content-type content-length accept accept-encoding connection user-agent
    """.split()  # noqa: SIM905 - names, to be read
)
"""All that goes along with a request. The client would add what it knows of this computer, and of other accounts whose
variables happen to be set."""
CHARS_PER_TOKEN = 4
"""To estimate the tokens where a server does not count them."""


class Unreached(LLMFailed):
    """There is no server to ask."""


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
        self._lock = threading.Lock()

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
                for piece, used in _pieces(self._stream(prompt, until), self.connection.host):
                    usage = used or usage
                    text += piece
                    if piece and on_text:
                        on_text(text)
        except Unreached:  # nothing was read, so nothing was used
            raise
        except LLMFailed:  # what was sent was paid for, whatever became of it
            self._note(usage or _estimate(prompt, text))
            raise
        self._note(usage or _estimate(prompt, text))
        return text

    def _note(self, usage: Usage) -> None:
        self._book.add_llm_call(self.name, usage, self._clock())

    def close(self) -> None:
        """Let go of the connections; a later question opens them again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _refuse_over_budget(self) -> None:
        spent, most = self._book.llm_usage(day_began(self._clock())).tokens, self.connection.daily_tokens
        if spent >= most:
            raise LLMFailed(
                f"The daily budget of {most:,} tokens is spent ({spent:,} since midnight). Wait until tomorrow, or "
                "raise GREENROOM_LLM_DAILY_TOKENS."
            )

    def _stream(self, prompt: Prompt, until: float) -> Any:
        """The server's stream for a prompt, made plainer until the server takes it."""
        from openai import BadRequestError, UnprocessableEntityError

        plainer = dict(self._plainer)
        for _ in range(STEPS + 1):
            sent = body(self.connection.model, prompt) | plainer
            sent = {key: value for key, value in sent.items() if value is not None}
            try:
                stream = self._try(sent, until)
            except (BadRequestError, UnprocessableEntityError) as error:
                change = _plainer(sent, str(error))
                if change is None:
                    raise
                plainer |= change
            else:
                self._plainer = plainer  # only what was taken in the end: the fault may have been the prompt's own
                return stream
        raise LLMFailed(f"{self.connection.host} refuses every form of the request. Is it an OpenAI-compatible server?")

    def _try(self, sent: dict[str, Any], until: float) -> Any:
        """The server's stream for a body, tried again where that may help and there is time."""
        import openai

        for left in reversed(range(self._retries + 1)):
            try:
                patience = max(0.1, until - time.monotonic())
                return self._opened().with_options(timeout=patience).chat.completions.create(**sent)
            except (openai.RateLimitError, openai.InternalServerError, openai.APIConnectionError) as error:
                wait = _wait(error, self._retries - left)
                hopeless = isinstance(error, openai.APITimeoutError) or time.monotonic() + wait >= until
                if hopeless or not left:
                    raise
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _opened(self) -> openai.OpenAI:
        with self._lock:
            if self._client is None:
                self._client = _client(self.connection)
            return self._client


def _client(connection: Connection) -> openai.OpenAI:
    import openai

    for name in ("openai", "httpx2", "httpcore2"):  # whatever they may write down below that, it is not for a log
        logging.getLogger(name).setLevel(logging.WARNING)
    key = connection.api_key
    return openai.OpenAI(
        base_url=connection.base_url,
        api_key=key.get_secret_value() if key else "none",
        max_retries=0,
        http_client=openai.DefaultHttpxClient(
            follow_redirects=False,  # one would carry the answer to a server that nobody named
            trust_env=not connection.stays_here,  # a proxy would see what is not to leave this computer
            event_hooks={"request": [_say_no_more], "response": [_limit]},
        ),
    )


def _say_no_more(request: httpx2.Request) -> None:
    for name in [name for name in request.headers if name not in SENT_HEADERS]:
        del request.headers[name]


def _limit(response: httpx2.Response) -> None:
    """Hold the whole reply to the time that its request was given: the client limits only the wait for each part."""
    from app.grading.llm.limited import Limited

    timeout = response.request.extensions["timeout"]["read"]
    response.stream = Limited(response.stream, time.monotonic() + timeout)


def _wait(error: Exception, tries: int) -> float:
    """Seconds to wait after a try that failed: as the server says, or longer each time."""
    response = getattr(error, "response", None)
    said = response.headers.get("retry-after", "") if response is not None else ""
    return float(said) if said.isdecimal() else WAITS * 2**tries


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


def _pieces(stream: Any, host: str) -> Iterator[tuple[str, Usage | None]]:
    """The text as it comes, and the usage where the server says it. Raises LLMFailed when refused or cut off."""
    import httpx2
    import openai

    finished, came = None, False
    try:
        for chunk in stream:
            came = True
            counted = getattr(chunk, "usage", None)
            choice = chunk.choices[0] if chunk.choices else None
            delta = getattr(choice, "delta", None)
            if getattr(delta, "refusal", None):
                raise LLMFailed("The model refused to reply. Try again, or choose another model.")
            finished = getattr(choice, "finish_reason", None) or finished
            yield getattr(delta, "content", None) or "", _counted(counted) if counted else None
    except (openai.APITimeoutError, httpx2.TimeoutException):
        raise
    except (openai.APIConnectionError, httpx2.TransportError):
        raise LLMFailed(f"{host} broke off in the middle of its reply. Try again.") from None
    if not came:
        raise LLMFailed(_no_reply(host))
    if finished == "content_filter":
        raise LLMFailed("The server's content filter stopped the reply. Try again, or choose another model.")
    if finished == "length":
        raise LLMFailed(f"The reply was cut off at {REPLY_MOST:,} tokens. Try again, or choose another model.")
    if finished is None:
        raise LLMFailed("The reply broke off in the middle. Try again.")


def _counted(counted: Any) -> Usage:
    return Usage(prompt_tokens=counted.prompt_tokens or 0, reply_tokens=counted.completion_tokens or 0, calls=1)


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
        raise Unreached(f"{connection.base_url} is no address of a server. Mend it on the settings page.") from None
    except (openai.APIConnectionError, httpx2.TransportError):
        raise Unreached(f"{host} can't be reached. Is the server running? Start it, and try again.") from None
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
        if 300 <= error.status_code < 400:
            raise LLMFailed(f"{host} sends requests on to another address. Check the server's address.") from None
        raise LLMFailed(f"{host} answered with an error ({error.status_code}). Try again later.") from None
    except openai.APIError:
        raise LLMFailed(f"{host} sent an error in the middle of its reply. Try again later.") from None
    except (ValueError, AttributeError, TypeError, LookupError):  # a stream of something else
        raise LLMFailed(_no_reply(host)) from None


def _no_reply(host: str) -> str:
    return f"What {host} sent is no reply. Is it an OpenAI-compatible server, and does its address end in /v1?"


def _slow(connection: Connection) -> str:
    return f"{connection.host} took longer than {connection.timeout:g} s. GREENROOM_LLM_TIMEOUT allows more."


def _estimate(prompt: Prompt, reply: str) -> Usage:
    sent = len(prompt.system) + len(prompt.user)
    return Usage(prompt_tokens=sent // CHARS_PER_TOKEN, reply_tokens=len(reply) // CHARS_PER_TOKEN, calls=1)
