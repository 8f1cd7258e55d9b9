from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from app.core.errors import GradingFailed
from app.core.grader import Grader
from app.grading_queue import GradingQueue, Readiness
from tests.graders import WordGrader

PATIENCE = 10.0
"""Longer than anything here takes; nothing waits it out unless a test fails."""

ANSWER = "my secret answer"


class Loader:
    """Loads a WordGrader once `hold` is set, or fails with the next of `failures`."""

    def __init__(self, *failures: Exception) -> None:
        self.hold = threading.Event()
        self.hold.set()
        self.failures = list(failures)
        self.calls = 0

    def __call__(self) -> Grader:
        self.calls += 1
        assert self.hold.wait(PATIENCE)
        if self.failures:
            raise self.failures.pop(0)
        return WordGrader()


class Job:
    """Notes what it is given; raises on the round "bad" and waits on "slow" until `hold` is set."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None, str]] = []
        self.hold = threading.Event()
        self.begun = threading.Event()

    def __call__(self, round_id: str, grader: Grader | None, reason: str) -> None:
        self.seen.append((round_id, grader.name if grader else None, reason))
        if round_id == "bad":
            raise ValueError(ANSWER)
        if round_id == "slow":
            self.begun.set()
            assert self.hold.wait(PATIENCE)


@pytest.fixture
def job() -> Iterator[Job]:
    made = Job()
    yield made
    made.hold.set()


@pytest.fixture
def start(job: Job) -> Iterator[Callable[..., GradingQueue]]:
    opened: list[tuple[GradingQueue, Loader]] = []

    def start(loader: Loader, workers: int = 1) -> GradingQueue:
        queue = GradingQueue(loader, workers)
        opened.append((queue, loader))
        queue.start(job)
        return queue

    yield start
    job.hold.set()
    for queue, loader in opened:
        loader.hold.set()
        queue.close()


Start = Callable[..., GradingQueue]


def test_the_grader_loads_in_the_background_and_answers_given_earlier_wait_for_it(start: Start, job: Job) -> None:
    loader = Loader()
    loader.hold.clear()
    queue = start(loader)
    assert queue.state == (Readiness.loading, "", "")
    queue.put("r1")
    assert queue.busy_with("r1")
    assert not queue.wait("r1", 0.05)
    assert job.seen == []
    loader.hold.set()
    assert queue.wait("r1", PATIENCE)
    assert queue.state == (Readiness.ready, "words-1", "")
    assert job.seen == [("r1", "words-1", "")]
    assert not queue.busy_with("r1")


def test_waiting_for_the_grader_ends_when_it_is_ready_or_patience_is_out(start: Start) -> None:
    loader = Loader()
    loader.hold.clear()
    queue = start(loader)
    assert queue.wait_ready(0.05).readiness is Readiness.loading
    loader.hold.set()
    assert queue.wait_ready(PATIENCE).readiness is Readiness.ready


def test_rounds_are_graded_in_the_order_in_which_they_came(start: Start, job: Job) -> None:
    queue = start(Loader())
    for number in range(20):
        queue.put(f"r{number}")
    assert queue.wait("r19", PATIENCE)
    assert [seen[0] for seen in job.seen] == [f"r{number}" for number in range(20)]


def test_the_grader_is_loaded_once(start: Start) -> None:
    loader = Loader()
    queue = start(loader)
    for round_id in ("r1", "r2", "r3"):
        queue.put(round_id)
    assert queue.wait("r3", PATIENCE)
    assert loader.calls == 1


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (GradingFailed("The model is missing. Install it."), "The model is missing. Install it."),
        (ImportError("libtorch.so: no such file"), "The grader could not be loaded: libtorch.so: no such file"),
    ],
)
def test_a_grader_that_cant_be_loaded_says_why(start: Start, failure: Exception, reason: str) -> None:
    assert start(Loader(failure)).wait_ready(PATIENCE) == (Readiness.failed, "", reason)


def test_a_grader_that_couldnt_be_loaded_is_tried_again_at_the_next_job(start: Start, job: Job) -> None:
    loader = Loader(GradingFailed("no model"), GradingFailed("still no model"))
    queue = start(loader)
    assert queue.wait_ready(PATIENCE).readiness is Readiness.failed
    queue.put("r1")
    assert queue.wait("r1", PATIENCE)
    queue.put("r2")
    assert queue.wait("r2", PATIENCE)
    assert job.seen == [("r1", None, "still no model"), ("r2", "words-1", "")]
    assert queue.state == (Readiness.ready, "words-1", "")


def test_a_job_that_raises_doesnt_stop_the_thread_and_its_message_isnt_logged(
    start: Start, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    queue = start(Loader())
    queue.put("bad")
    queue.put("good")
    assert queue.wait("good", PATIENCE)
    assert not queue.busy_with("bad")
    assert [seen[0] for seen in job.seen] == ["bad", "good"]
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "round bad" in line
    assert "ValueError" in line
    assert ANSWER not in line


def test_a_slow_round_doesnt_hold_up_the_others(start: Start, job: Job) -> None:
    loader = Loader()
    queue = start(loader, workers=3)
    queue.put("slow")
    assert job.begun.wait(PATIENCE)
    queue.put("r1")
    assert queue.wait("r1", PATIENCE)
    assert queue.busy_with("slow")
    assert loader.calls == 1


def test_a_round_is_never_graded_twice_at_a_time(start: Start, job: Job) -> None:
    queue = start(Loader(), workers=3)
    queue.put("slow")
    assert job.begun.wait(PATIENCE)
    queue.put("slow")
    queue.put("r1")
    assert queue.wait("r1", PATIENCE)
    assert [seen[0] for seen in job.seen] == ["slow", "r1"]
    job.hold.set()
    assert queue.wait("slow", PATIENCE)
    assert [seen[0] for seen in job.seen] == ["slow", "r1", "slow"]


def test_a_round_put_twice_is_busy_until_both_gradings_are_done(start: Start, job: Job) -> None:
    queue = start(Loader())
    for round_id in ("r1", "slow", "r1"):
        queue.put(round_id)
    assert job.begun.wait(PATIENCE)
    assert queue.busy_with("r1")
    assert not queue.wait("r1", 0.05)
    job.hold.set()
    assert queue.wait("r1", PATIENCE)
    assert [seen[0] for seen in job.seen] == ["r1", "slow", "r1"]


def test_waiting_for_a_round_that_isnt_queued_takes_no_time(start: Start) -> None:
    assert start(Loader()).wait("unknown", 0)


def test_closing_ends_after_the_grading_under_way_and_leaves_the_queued_ones(start: Start, job: Job) -> None:
    queue = start(Loader())
    queue.put("slow")
    queue.put("next")
    assert job.begun.wait(PATIENCE)
    closing = threading.Thread(target=queue.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive(), "closed in the middle of a grading"
    job.hold.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert [seen[0] for seen in job.seen] == ["slow"]


def test_closing_a_queue_that_never_started_is_harmless() -> None:
    GradingQueue(Loader()).close()
