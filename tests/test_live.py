"""Texts that are written in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from app.core.llm import LLMFailed
from app.live import REMEMBERED, Live, Text

KEY = ("opinion", "r1", 0)


def finished(live: Live, key: tuple[str | int, ...] = KEY) -> Text:
    text = live.look(key)
    while text is not None and not text.done:
        text = live.wait(key, text, 10)
    assert text is not None
    return text


def test_a_text_is_seen_as_it_grows_and_then_whole() -> None:
    live, go_on = Live(), threading.Event()

    def work(show: Callable[[str], None]) -> str:
        show("Say")
        go_on.wait(10)
        return "Say why."

    assert live.start(KEY, work)
    assert live.wait(KEY, Text(), 10) == Text("Say")
    go_on.set()
    assert live.wait(KEY, Text("Say"), 10) == Text("Say why.", done=True)


def test_the_same_text_is_written_once_until_it_is_forgotten() -> None:
    live = Live()
    assert live.start(KEY, lambda show: "first")
    assert finished(live).so_far == "first"
    assert not live.start(KEY, lambda show: "second")
    live.forget(KEY)
    assert live.start(KEY, lambda show: "second")
    assert finished(live).so_far == "second"


def test_a_text_under_way_is_not_forgotten() -> None:
    live, go_on = Live(), threading.Event()
    live.start(KEY, lambda show: str(go_on.wait(10)))
    live.forget(KEY)
    assert live.look(KEY) == Text()
    go_on.set()
    assert finished(live).done


def failing(error: Exception) -> Callable[[Callable[[str], None]], str]:
    def work(show: Callable[[str], None]) -> str:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LLMFailed("The server is away."), "The server is away."),
        (KeyError("a word of the answer"), "It broke off (KeyError)."),
    ],
)
def test_a_failure_ends_the_text_and_says_why(error: Exception, said: str, caplog: pytest.LogCaptureFixture) -> None:
    live = Live()
    live.start(KEY, failing(error))
    assert finished(live) == Text(done=True, failure=said)
    assert "a word of the answer" not in caplog.text


def test_nothing_is_waited_for_in_vain() -> None:
    assert Live().wait(KEY, None, 0.01) is None


def test_old_texts_are_forgotten_and_those_under_way_are_not() -> None:
    live, go_on = Live(), threading.Event()
    live.start(KEY, lambda show: str(go_on.wait(20)))
    for number in range(REMEMBERED + 5):
        live.start(("done", number), lambda show: "")
        finished(live, ("done", number))
    assert live.look(("done", 0)) is None
    assert live.look(("done", REMEMBERED + 4)) is not None
    assert live.look(KEY) == Text()
    go_on.set()
