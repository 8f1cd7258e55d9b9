"""Worker threads that load the grader in the background and grade rounds: several at a time, each one alone.

Loading takes seconds and the first page must not wait for it; an answer given earlier waits in the queue.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
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


WORKERS = 4
"""Rounds graded at the same time: the encoder then has several answers to put into one batch."""


class GradingQueue:
    """Grades rounds by id, begun in the order in which they were put; never the same round twice at a time."""

    def __init__(self, load: Callable[[], Grader], workers: int = WORKERS) -> None:
        self._load = load
        self._loading = threading.Lock()
        self._grader: Grader | None = None
        self._state = GraderState(Readiness.loading)
        self._jobs: queue.Queue[str | None] = queue.Queue()
        self._waiting: dict[str, int] = {}
        self._changed = threading.Condition()
        self._at_work: set[str] = set()
        self._threads = [
            threading.Thread(target=self._run, name=f"grading-{number}", daemon=True) for number in range(workers)
        ]
        self._job: Job | None = None
        self._closed = threading.Event()

    @property
    def state(self) -> GraderState:
        """How the grader is doing."""
        return self._state

    def start(self, job: Job) -> None:
        """Load the grader and then work, until `close`."""
        self._job = job
        for thread in self._threads:
            thread.start()

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
        """Stop after the gradings under way; what is queued is graded at the next start."""
        self._closed.set()
        until = time.monotonic() + timeout
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        assert self._job is not None
        self._load_grader(again=False)
        while (round_id := self._jobs.get()) is not None and not self._closed.is_set():
            with self._changed:
                self._changed.wait_for(lambda: round_id not in self._at_work)
                self._at_work.add(round_id)
            try:
                self._load_grader(again=True)  # what was missing may be there by now
                self._job(round_id, self._grader, self._state.reason)
            except Exception as error:  # the thread must outlive any one round
                _log.error("grading of round %s broke off: %s", round_id, frames(error))
            finally:
                self._done_with(round_id)

    def _done_with(self, round_id: str) -> None:
        with self._changed:
            self._at_work.discard(round_id)
            self._waiting[round_id] -= 1
            if self._waiting[round_id] <= 0:
                del self._waiting[round_id]
            self._changed.notify_all()

    def _load_grader(self, *, again: bool) -> None:
        """Load the grader unless it is there; one that failed is only tried `again` when asked for."""
        with self._loading:
            if self._grader is None and (again or self._state.readiness is Readiness.loading):
                self._try_to_load()

    def _try_to_load(self) -> None:
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
