"""A worker thread that loads the grader in the background and grades rounds one after the other.

Loading takes seconds and the first page must not wait for it; an answer given earlier waits in the queue.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from app.core.errors import GreenroomError
from app.core.grader import Grader
from app.logs import frames

_log = logging.getLogger(__name__)


class Readiness(StrEnum):
    """Whether answers can be graded now."""

    loading = "loading"
    ready = "ready"
    failed = "failed"


class GraderState(NamedTuple):
    """The grader as the start page tells of it: its name when ready, the reason when it could not be loaded."""

    readiness: Readiness
    name: str = ""
    reason: str = ""


Job = Callable[[str, Grader | None, str], None]
"""Grades a round: (round id, the grader or None, why there is none)."""


class GradingQueue:
    """Grades rounds by id, in the order in which they were put, on one thread."""

    def __init__(self, load: Callable[[], Grader]) -> None:
        self._load = load
        self._grader: Grader | None = None
        self._state = GraderState(Readiness.loading)
        self._jobs: queue.Queue[str | None] = queue.Queue()
        self._waiting: dict[str, int] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def state(self) -> GraderState:
        """How the grader is doing."""
        return self._state

    def start(self, job: Job) -> None:
        """Load the grader and then work, until `close`."""
        self._thread = threading.Thread(target=self._run, args=(job,), name="grading", daemon=True)
        self._thread.start()

    def put(self, round_id: str) -> None:
        """Have a round graded soon."""
        with self._changed:
            self._waiting[round_id] = self._waiting.get(round_id, 0) + 1
        self._jobs.put(round_id)

    def busy_with(self, round_id: str) -> bool:
        """Whether a grading of this round is queued or under way."""
        return self._waiting.get(round_id, 0) > 0

    def wait(self, round_id: str, timeout: float) -> bool:
        """Wait until nothing is queued for a round, at most `timeout` seconds; whether that came to be."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.busy_with(round_id), timeout)

    def wait_ready(self, timeout: float) -> GraderState:
        """Wait until the grader has loaded or failed to, at most `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.readiness is not Readiness.loading, timeout)
        return self._state

    def close(self, timeout: float = 5) -> None:
        """Stop after the grading under way; what is queued is graded at the next start."""
        self._closed.set()
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, job: Job) -> None:
        self._load_grader()
        while (round_id := self._jobs.get()) is not None and not self._closed.is_set():
            if self._grader is None:
                self._load_grader()  # what was missing may be there by now
            try:
                job(round_id, self._grader, self._state.reason)
            except Exception as error:  # the thread must outlive any one round
                _log.error("grading of round %s broke off: %s", round_id, frames(error))
            finally:
                with self._changed:
                    self._waiting[round_id] -= 1
                    if self._waiting[round_id] <= 0:
                        del self._waiting[round_id]
                    self._changed.notify_all()

    def _load_grader(self) -> None:
        try:
            self._grader = self._load()
            state = GraderState(Readiness.ready, name=self._grader.name)
        except GreenroomError as error:
            state = GraderState(Readiness.failed, reason=str(error))
        except Exception as error:  # a broken install of torch raises anything
            _log.error("the grader could not be loaded: %s", frames(error))
            state = GraderState(Readiness.failed, reason=f"The grader could not be loaded: {error}")
        with self._changed:
            self._state = state
            self._changed.notify_all()
