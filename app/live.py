"""Texts under way: what a language model writes in the background, as far as it has come, for whoever watches."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from app.core.errors import GreenroomError
from app.logs import frames

_log = logging.getLogger(__name__)

AT_ONCE = 4
"""Texts written at the same time; the rest wait. A server of one's own does one after the other anyway."""
REMEMBERED = 500
"""Texts that are remembered once they are done."""

Key = tuple[str | int, ...]
Work = Callable[[Callable[[str], None]], str]
"""Writes a text: calls its argument with what there is so far, and returns the whole."""


class Text(NamedTuple):
    """A text: what there is of it, whether it is done, and why there will be none."""

    so_far: str = ""
    done: bool = False
    failure: str = ""


class Live:
    """Works, each on a thread of its own that ends with the program. Safe to call from several threads."""

    def __init__(self) -> None:
        self._texts: OrderedDict[Key, Text] = OrderedDict()
        self._changed = threading.Condition()
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def start(self, key: Key, work: Work) -> bool:
        """Begin a work, unless the same is under way or done; whether it was begun."""
        with self._changed:
            if key in self._texts:
                return False
            self._texts[key] = Text()
            self._forget_old()
        threading.Thread(target=self._run, args=(key, work), name="live", daemon=True).start()
        return True

    def look(self, key: Key) -> Text | None:
        """How a text is doing; None where it was never begun, or long ago."""
        with self._changed:
            return self._texts.get(key)

    def wait(self, key: Key, seen: Text | None, timeout: float) -> Text | None:
        """The text once it is another than `seen`, or after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._texts.get(key) != seen, timeout)
            return self._texts.get(key)

    def forget(self, key: Key) -> None:
        """Let a work that is done be begun again."""
        with self._changed:
            if (text := self._texts.get(key)) is not None and text.done:
                del self._texts[key]

    def _run(self, key: Key, work: Work) -> None:
        with self._room:
            try:
                text = Text(work(lambda so_far: self._set(key, Text(so_far))), done=True)
            except GreenroomError as error:
                text = Text(done=True, failure=str(error))
            except Exception as error:  # somebody waits for an end, whatever it is
                _log.error("a text broke off: %s", frames(error))
                text = Text(done=True, failure=f"It broke off ({type(error).__name__}).")
        self._set(key, text)

    def _set(self, key: Key, text: Text) -> None:
        with self._changed:
            self._texts[key] = text
            self._changed.notify_all()

    def _forget_old(self) -> None:
        for key in [key for key, text in self._texts.items() if text.done][: max(0, len(self._texts) - REMEMBERED)]:
            del self._texts[key]
