"""Work from several threads done in common batches.

Answers graded at the same time ask for vectors at the same time. A batch takes whatever waits, whoever asked for it;
items share a batch only with others of their own size, so that nobody pays for a neighbour's padding.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Runs `forward` on batches of at most `most` items of one size, on up to `workers` threads. Thread-safe."""

    def __init__(self, forward: Callable[[int, list[Item]], Sequence[Result]], *, most: int, workers: int) -> None:
        """`forward(size, items)` returns a result for each item, in order. Threads start with the first items."""
        self._forward = forward
        self._most = most
        self._workers = workers
        self._waiting: dict[int, deque[tuple[Item, Future[Result]]]] = {}
        self._changed = threading.Condition()
        self._started = 0

    def run(self, sized: Sequence[tuple[int, Item]]) -> list[Result]:
        """The results for (size, item) pairs, in order; blocks. Raises what `forward` raised for an item's batch."""
        promised: list[Future[Result]] = [Future() for _ in sized]
        with self._changed:
            for (size, item), future in zip(sized, promised, strict=True):
                self._waiting.setdefault(size, deque()).append((item, future))
            while self._started < min(self._workers, len(sized)):
                threading.Thread(target=self._work, name="batches", daemon=True).start()
                self._started += 1
            self._changed.notify_all()
        return [future.result() for future in promised]

    def _work(self) -> None:
        while True:
            size, batch = self._take()
            try:
                results = self._forward(size, [item for item, _ in batch])
            except Exception as error:
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    future.set_result(result)

    def _take(self) -> tuple[int, list[tuple[Item, Future[Result]]]]:
        """The next batch: of the largest items that wait, as they take longest."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            size = max(self._waiting)
            waiting = self._waiting[size]
            batch = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
            if not waiting:
                del self._waiting[size]
            return size, batch
