"""Asking a server: what it may do wrong, what it may lack, and what must not leave or be written down."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import socket
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from app.core.connection import Connection
from app.core.llm import LLMFailed, Prompt, Usage
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.llm import prompts
from app.grading.llm.chat import REPLY_MOST, RETRIES, SEED, STEPS, Chat
from app.store.book import LLMBook
from tests import llm_behaviours as does
from tests.grading.llm.conftest import KEY, NOW, Make
from tests.llm_server import FOLLOW_UP, PLAIN, LLMServer

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
PROMPT = Prompt("Zibeline wombat instructions", "Pangolin marmalade walked backwards", SCHEMA)
WORDS = re.compile(r"zibeline|wombat|instructions|pangolin|marmalade|walked|backwards|quokka", re.I)
"""Every word of the prompt, and of the key."""

SLACK = 2.0
"""Seconds over the time limit that are still no wait."""

AGAIN = r"[Tt]ry (it )?(again|later)"
TIMEOUT = "GREENROOM_LLM_TIMEOUT"
ADDRESS = r"OpenAI-compatible|[Cc]heck .*address"

FAILURES: dict[str, tuple[does.Behaviour, str]] = {
    "slow": (does.slow, TIMEOUT),
    "stalled": (does.stalled, TIMEOUT),
    "keeps alive": (does.keeps_alive, TIMEOUT),
    "rate limited": (does.rate_limited, AGAIN),
    "error 500": (does.error_500, AGAIN),
    "leaks": (does.leaks, AGAIN),
    "cut off": (does.cut_off, AGAIN),
    "cut hard": (does.cut_hard, AGAIN),
    "error inside": (does.error_inside, AGAIN),
    "refusal": (does.refusal, AGAIN + "|[Aa]nother model"),
    "content filter": (does.content_filter, AGAIN + "|[Aa]nother (model|server)"),
    "too long": (does.too_long, AGAIN + "|[Aa]nother model"),
    "not found": (does.not_found, "Check the model's name"),
    "bad key": (does.bad_key, "Check it on the settings page"),
    "too much": (does.too_much, AGAIN + "|[Aa]nother model|[Cc]heck|OpenAI-compatible"),
    "redirect": (does.redirect("http://127.0.0.1:9"), ADDRESS),
    "html": (does.html, ADDRESS),
    "no json": (does.no_json, ADDRESS),
}
"""What a server does wrong, and what people must be told to do about it."""


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_says_what_to_do_and_quotes_nothing(make_chat: Make, server: LLMServer, name: str) -> None:
    behaviour, advice = FAILURES[name]
    server.behave(*[behaviour] * 20)
    with pytest.raises(LLMFailed, match=advice) as caught:
        make_chat(timeout=0.5, retries=0).ask(PROMPT)
    shown = "".join(traceback.format_exception(caught.value))
    shown = re.sub(r"^    .*\n", "", shown, flags=re.M)  # without the lines of source text
    assert not WORDS.search(shown)


def test_no_server_at_all_says_so(make_chat: Make) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(LLMFailed, match=rf"127.0.0.1:{port} can't be reached. Is the server running\?"):
        make_chat(base_url=f"http://127.0.0.1:{port}/v1", retries=0).ask(PROMPT)


@pytest.mark.parametrize(
    "data",
    [
        {"choices": []},
        {"choices": None},
        {},
        {"choices": [{"index": 0, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": {"content": None}}]},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]},
        {"choices": [], "usage": None},
        {"choices": [], "usage": {"prompt_tokens": 3}},
        [],
        None,
    ],
    ids=json.dumps,
)
def test_chunks_without_text_are_passed_over_or_named(chat: Chat, server: LLMServer, data: Any) -> None:
    server.behave(does.odd(data))
    try:
        assert chat.ask(PROMPT) == PLAIN
    except LLMFailed as error:
        assert re.search(ADDRESS, str(error))  # noqa: PT017 - either is right


def test_a_prompt_without_a_schema_gets_plain_text(
    chat: Chat, server: LLMServer, question: Question, rubric: Rubric
) -> None:
    turns = [{"prompt": question.prompt, "answer": "I compare the two."}]
    prompt = prompts.fill("interviewer", question=question.prompt, point=rubric.points[0], turns=turns, mark="0f")
    assert chat.ask(prompt) == FOLLOW_UP
    assert "response_format" not in server.requests[0]


def test_the_text_is_told_as_it_grows(chat: Chat, server: LLMServer) -> None:
    server.behave(does.prose)
    told: list[str] = []
    reply = chat.ask(PROMPT, told.append)
    assert len(told) > 1
    assert all(later.startswith(sooner) and len(later) > len(sooner) for sooner, later in pairwise(told))
    assert told[-1] == reply


# Retries and time.


@pytest.mark.parametrize("behaviour", [does.rate_limited, does.error_500])
def test_what_passes_is_tried_again(chat: Chat, server: LLMServer, behaviour: does.Behaviour) -> None:
    server.behave(behaviour)
    assert chat.ask(PROMPT) == PLAIN
    assert len(server.requests) == 2


@pytest.mark.parametrize("behaviour", [does.rate_limited, does.error_500])
def test_tries_are_bounded(chat: Chat, server: LLMServer, behaviour: does.Behaviour) -> None:
    server.behave(*[behaviour] * 20)
    with pytest.raises(LLMFailed):
        chat.ask(PROMPT)
    assert len(server.requests) == RETRIES + 1


@pytest.mark.parametrize("behaviour", [does.not_found, does.bad_key, does.html, does.cut_off, does.refusal])
def test_what_does_not_pass_is_asked_once(chat: Chat, server: LLMServer, behaviour: does.Behaviour) -> None:
    server.behave(*[behaviour] * 20)
    with pytest.raises(LLMFailed):
        chat.ask(PROMPT)
    assert len(server.requests) == 1


@pytest.mark.parametrize("behaviour", [does.slow, does.stalled, does.keeps_alive])
def test_the_time_limit_holds(hasty: Chat, server: LLMServer, behaviour: does.Behaviour) -> None:
    hasty.ask(PROMPT)  # what loads once is loaded
    server.behave(behaviour)
    start = time.monotonic()
    with pytest.raises(LLMFailed, match=TIMEOUT):
        hasty.ask(PROMPT)
    assert time.monotonic() - start < hasty.connection.timeout + SLACK


def test_the_time_limit_holds_for_all_tries_together(make_chat: Make, server: LLMServer) -> None:
    chat = make_chat(timeout=1)
    chat.ask(PROMPT)
    server.behave(*[does.silent] * 20)
    start = time.monotonic()
    with pytest.raises(LLMFailed, match=TIMEOUT):
        chat.ask(PROMPT)
    assert time.monotonic() - start < chat.connection.timeout + SLACK


# What a server lacks.


def test_the_first_request_asks_for_all(chat: Chat, server: LLMServer) -> None:
    chat.ask(PROMPT)
    sent = server.requests[0]
    assert [one["content"] for one in sent["messages"]] == [PROMPT.system, PROMPT.user]
    assert (sent["temperature"], sent["seed"], sent["max_tokens"]) == (0, SEED, REPLY_MOST)
    assert sent["response_format"]["type"] == "json_schema"
    assert sent["response_format"]["json_schema"]["schema"] == SCHEMA


LACKING = {
    "no_schema": {"response_format": {"type": "json_object"}},
    "no_formats": {"response_format": None},
    "needs_completion_tokens": {"max_tokens": None, "max_completion_tokens": REPLY_MOST},
    "no_seed": {"seed": None},
    "no_temperature": {"temperature": None},
    "no_stream_options": {"stream_options": None},
}


@pytest.mark.parametrize("trait", LACKING)
def test_a_server_that_lacks_something_is_asked_without_it_from_then_on(
    chat: Chat, server: LLMServer, trait: str
) -> None:
    chat.ask(PROMPT)
    full = server.requests[0]
    server.traits.add(trait)
    assert chat.ask(PROMPT) == PLAIN
    before = len(server.requests)
    assert chat.ask(PROMPT) == PLAIN
    assert len(server.requests) == before + 1
    wanted = {key: value for key, value in (full | LACKING[trait]).items() if value is not None}
    assert server.requests[-1] == wanted


@pytest.mark.parametrize(
    "traits",
    [("no_schema", "needs_completion_tokens", "no_temperature"), tuple(one for one in LACKING if one != "no_schema")],
    ids=["some", "all"],
)
def test_a_server_may_lack_several_things_at_once(chat: Chat, server: LLMServer, traits: tuple[str, ...]) -> None:
    server.traits |= set(traits)
    assert chat.ask(PROMPT) == PLAIN
    before = len(server.requests)
    assert chat.ask(PROMPT) == PLAIN
    assert len(server.requests) == before + 1


def test_a_request_refused_in_every_form_leaves_the_next_one_whole(chat: Chat, server: LLMServer) -> None:
    """The reason was the request itself, and not what the server lacks."""
    server.behave(*[does.too_much] * 20)
    with pytest.raises(LLMFailed):
        chat.ask(PROMPT)
    first, tries = server.requests[0], len(server.requests)
    assert tries <= STEPS + 1
    server.reset()
    chat.ask(PROMPT)
    assert server.requests == [first]


# What must not leave, or be written down.


CLIENTS = ("openai", "httpx2", "httpcore2")
"""The libraries that see what is sent."""


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All loggers at their most talkative, as they are before anything was asked."""
    caplog.set_level(logging.DEBUG)
    levels = {name: logging.getLogger(name).level for name in CLIENTS}
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield caplog
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_the_key_goes_to_the_server_and_nowhere_else(
    chat: Chat, server: LLMServer, everything_logged: pytest.LogCaptureFixture
) -> None:
    chat.ask(PROMPT)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(server.requests)
    assert KEY not in everything_logged.text
    assert KEY not in f"{chat.connection!r} {chat.connection} {chat.connection.model_dump_json()}"


def test_a_server_without_a_key_is_asked_without_a_secret(make_chat: Make, server: LLMServer) -> None:
    assert make_chat(api_key=None).ask(PROMPT) == PLAIN
    assert KEY not in json.dumps(server.headers)


@pytest.mark.parametrize("behaviour", [does.normal, does.error_500, does.leaks, does.error_inside, does.cut_hard])
def test_no_log_holds_a_word_of_the_prompt(
    chat: Chat, server: LLMServer, everything_logged: pytest.LogCaptureFixture, behaviour: does.Behaviour
) -> None:
    server.behave(behaviour)
    with contextlib.suppress(LLMFailed):
        chat.ask(PROMPT)
    assert server.requests
    records = [f"{one.getMessage()} {one.args} {one.exc_text}" for one in everything_logged.records]
    assert not [one for one in records if WORDS.search(one) or PLAIN in one]
    talk = [one for one in everything_logged.records if one.name.startswith(CLIENTS) and one.levelno < logging.WARNING]
    assert not talk  # what they write out differs from version to version


def test_a_redirect_is_not_followed(chat: Chat, server: LLMServer, elsewhere: LLMServer) -> None:
    server.behave(*[does.redirect(elsewhere.address)] * 20)
    with pytest.raises(LLMFailed):
        chat.ask(PROMPT)
    assert not elsewhere.requests


def test_a_proxy_does_not_see_what_stays_on_this_computer(
    chat: Chat, server: LLMServer, elsewhere: LLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.address)
    assert chat.connection.stays_here
    assert chat.ask(PROMPT) == PLAIN
    assert (len(server.requests), len(elsewhere.requests), elsewhere.lost) == (1, 0, 0)


def test_the_environment_of_another_account_is_not_sent(
    chat: Chat, server: LLMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "of-another-account")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Team: of-another-account")
    chat.ask(PROMPT)
    assert "of-another-account" not in json.dumps(server.headers)


# What it costs.


def test_the_servers_own_count_is_noted(chat: Chat, server: LLMServer, book: LLMBook) -> None:
    chat.ask(PROMPT)
    sent = len(f"{PROMPT.system} {PROMPT.user}".split())
    assert book.llm_usage() == Usage(prompt_tokens=sent, reply_tokens=len(PLAIN.split()), calls=1)


def test_tokens_are_estimated_where_the_server_counts_none(chat: Chat, server: LLMServer, book: LLMBook) -> None:
    server.traits.add("no_usage")
    chat.ask(PROMPT)
    used = book.llm_usage()
    assert used.calls == 1
    assert used.prompt_tokens == pytest.approx(len(PROMPT.system + PROMPT.user) / 4, abs=2)
    assert used.reply_tokens == pytest.approx(len(PLAIN) / 4, abs=2)


@pytest.mark.parametrize("behaviour", [does.slow, does.stalled, does.cut_off, does.cut_hard, does.content_filter])
def test_a_call_that_failed_is_noted_too(
    hasty: Chat, server: LLMServer, book: LLMBook, behaviour: does.Behaviour
) -> None:
    server.behave(behaviour)
    with pytest.raises(LLMFailed):
        hasty.ask(PROMPT)
    assert book.llm_usage().calls == 1
    assert book.llm_usage().prompt_tokens > 0


def test_a_spent_budget_refuses_before_anything_is_sent(make_chat: Make, server: LLMServer, book: LLMBook) -> None:
    book.add_llm_call("m-1", Usage(prompt_tokens=600, reply_tokens=400), NOW - timedelta(minutes=5))
    with pytest.raises(LLMFailed, match=r"1,000 tokens is spent \(1,000 .*GREENROOM_LLM_DAILY_TOKENS"):
        make_chat(daily_tokens=1000).ask(PROMPT)
    assert not server.requests
    assert make_chat(daily_tokens=1001).ask(PROMPT) == PLAIN


def test_calls_of_other_models_count_and_those_of_yesterday_do_not(make_chat: Make, book: LLMBook) -> None:
    book.add_llm_call("m-1", Usage(prompt_tokens=5000), NOW - timedelta(days=1))
    assert make_chat(daily_tokens=1000).ask(PROMPT) == PLAIN
    book.add_llm_call("m-2", Usage(prompt_tokens=5000), NOW)
    with pytest.raises(LLMFailed, match="budget"):
        make_chat(daily_tokens=1000).ask(PROMPT)


def test_no_budget_at_all_asks_nothing(make_chat: Make, server: LLMServer) -> None:
    with pytest.raises(LLMFailed, match="budget"):
        make_chat(daily_tokens=0).ask(PROMPT)
    assert not server.requests


def test_several_threads_may_ask_at_once(chat: Chat, server: LLMServer, book: LLMBook) -> None:
    server.traits |= {"no_formats", "no_seed"}
    with ThreadPoolExecutor(4) as threads:
        replies = list(threads.map(lambda _: chat.ask(PROMPT), range(12)))
    assert replies == [PLAIN] * 12
    assert book.llm_usage().calls == 12


# The connection's own address.


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://localhost/v1", "http://", "http://me:secret@localhost/v1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must"):
        Connection(base_url=url, model="m-1")


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:11434/v1", True),
        ("http://127.0.0.1:8080/v1", True),
        ("http://[::1]:8080/v1", True),
        ("https://api.example.com/v1", False),
        ("https://localhost.example.com/v1", False),
        ("https://127.example.com/v1", False),
        ("http://192.168.1.7:11434/v1", False),
    ],
)
def test_only_addresses_of_this_computer_stay_here(url: str, here: bool) -> None:
    assert Connection(base_url=url, model="m-1").stays_here is here


def test_where_no_server_is_nothing_counts_as_used(make_chat: Make, book: LLMBook) -> None:
    with pytest.raises(LLMFailed, match="can't be reached"):
        make_chat(base_url="http://127.0.0.1:9/v1").ask(PROMPT)
    assert book.llm_usage() == Usage()
