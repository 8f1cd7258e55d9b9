"""Work from several threads in common batches."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.grading.batching import Batcher


def test_results_come_back_in_the_order_asked_for() -> None:
    batches: list[tuple[int, list[str]]] = []

    def forward(size: int, items: list[str]) -> list[str]:
        batches.append((size, items))
        return [item.upper() for item in items]

    batcher = Batcher(forward, most=2, workers=2)
    assert batcher.run([(1, "a"), (2, "bb"), (1, "c"), (1, "d")]) == ["A", "BB", "C", "D"]
    assert sorted(batches) == [(1, ["a", "c"]), (1, ["d"]), (2, ["bb"])]
    assert batcher.run([]) == []


def test_what_several_callers_wait_for_shares_a_batch() -> None:
    busy, go_on = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def forward(size: int, items: list[int]) -> list[int]:
        batches.append(sorted(items))
        busy.set()
        assert go_on.wait(10)
        return [10 * item for item in items]

    batcher = Batcher(forward, most=8, workers=1)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(batcher.run, [(1, 1)])
        assert busy.wait(10)  # the only worker is at work; the next three callers queue up behind it
        others = [pool.submit(batcher.run, [(1, number)]) for number in (2, 3, 4)]
        while sum(map(len, batcher._waiting.values())) < 3:
            pass
        go_on.set()
        assert [one.result(10) for one in (first, *others)] == [[10], [20], [30], [40]]
    assert batches == [[1], [2, 3, 4]]


def test_a_batch_that_fails_fails_only_for_those_in_it() -> None:
    def forward(size: int, items: list[str]) -> list[str]:
        if "bad" in items:
            raise ValueError("no")
        return items

    batcher = Batcher(forward, most=8, workers=1)
    with pytest.raises(ValueError, match="no"):
        batcher.run([(1, "bad"), (1, "with it")])
    assert batcher.run([(1, "good")]) == ["good"]
