"""`make bench`: how long grading takes, where the time goes, and what the machine could do at best."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from app.content import Content
from app.core.feedback import Answer
from app.core.rubric import Rubric
from app.grading import embedding, reading
from app.grading.background import Background
from app.grading.calibration import shipped
from app.grading.embedding import EmbeddingGrader
from app.grading.encoder import load_encoder
from app.grading.reading import BOTH
from tests.server.process import served

pytestmark = pytest.mark.bench

QUESTION = "system_design/weekly-retraining"
# of MiniLM: multiply-adds of a token are LAYERS x (4 H^2 + 2 H I)
HIDDEN, INNER, LAYERS = 384, 1536, 6


@pytest.fixture(scope="module")
def rubric(content: Content) -> Rubric:
    whole = content.rubrics[QUESTION]
    return whole.model_copy(update={"points": whole.points[:8], "mistakes": whole.mistakes[:6]})


@pytest.fixture(scope="module")
def grader(content: Content, tmp_path_factory: pytest.TempPathFactory) -> EmbeddingGrader:
    encoder = load_encoder(None, tmp_path_factory.mktemp("cache"))
    return EmbeddingGrader(encoder, shipped(encoder.trained), Background(content.known, encoder))


@pytest.fixture(scope="module")
def answer(content: Content) -> str:
    """About 200 words."""
    words = content.questions[QUESTION].model_answer.split()
    return " ".join(islice(cycle(words), 200)) + "."


@pytest.fixture
def two_cores() -> Any:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:2]))
    yield
    os.sched_setaffinity(0, before)


def test_an_answer_of_200_words_on_two_cores(
    benchmark: Any, grader: EmbeddingGrader, content: Content, rubric: Rubric, answer: str, two_cores: None
) -> None:
    prompt = content.questions[QUESTION].prompt
    benchmark.pedantic(lambda: grader.grade(prompt, rubric, [Answer(turn=0, text=answer)]), rounds=30, warmup_rounds=3)
    assert benchmark.stats.stats.median < 0.5


def test_answers_in_a_batch_on_all_cores(benchmark: Any, grader: EmbeddingGrader, content: Content) -> None:
    answers = [(name, one.answer) for name, examples in content.examples.items() for one in examples[:3]]

    def grade(item: tuple[str, str]) -> float:
        name, text = item
        return grader.grade(content.questions[name].prompt, content.rubrics[name], [Answer(turn=0, text=text)]).score

    def batch() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(grade, answers))

    batch()
    benchmark.pedantic(batch, rounds=3)
    speed = len(answers) / benchmark.stats.stats.median
    print(f"\n{speed:.1f} answers a second on {os.cpu_count()} cores")
    assert speed > 5


def test_where_the_time_goes(
    grader: EmbeddingGrader, content: Content, rubric: Rubric, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: dict[str, float] = {}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **more: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **more)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - start

        return run

    encoder = grader._encoder
    monkeypatch.setattr(embedding, "BOTH", tuple(timed("segment", cut) for cut in BOTH))
    monkeypatch.setattr(encoder, "encode", timed("encode", encoder.encode))
    monkeypatch.setattr(reading, "measure", timed("measure", reading.measure))
    monkeypatch.setattr(embedding.flags, "flag", timed("flags", embedding.flags.flag))
    prompt, rounds = content.questions[QUESTION].prompt, 20
    grader.grade(prompt, rubric, [Answer(turn=0, text=answer)])
    spent.clear()
    start = time.perf_counter()
    for _ in range(rounds):
        grader.grade(prompt, rubric, [Answer(turn=0, text=answer)])
    total = time.perf_counter() - start
    spent["the rest"] = total - sum(spent.values())
    shares = ", ".join(f"{name} {part / total:.0%}" for name, part in sorted(spent.items(), key=lambda item: -item[1]))
    cores = min(4, os.cpu_count() or 1)
    best = rounds * _tokens(encoder, answer) * LAYERS * 2 * (4 * HIDDEN**2 + 2 * HIDDEN * INNER) / (cores * _flops())
    print(f"\n{1000 * total / rounds:.0f} ms an answer: {shares}")
    print(f"encoding takes {spent['encode'] / best:.1f} times what its matrix products alone need on {cores} cores")
    assert spent["encode"] > best


def test_memory_of_the_server(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.wait_ready()
        status = Path(f"/proc/{server.popen.pid}/status").read_text().splitlines()
    peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    print(f"\nthe server's memory at its peak: {peak:.0f} MB")
    assert peak < 1200


def _tokens(encoder: Any, answer: str) -> int:
    return sum(map(encoder._size, {window.text for cut in BOTH for window in cut(answer)}))


def _flops() -> float:
    """Floating-point operations a second of one core in matrix products."""
    import torch

    left, right = torch.randn(512, HIDDEN), torch.randn(HIDDEN, INNER)
    for _ in range(10):
        left @ right
    start = time.perf_counter()
    for _ in range(100):
        left @ right
    return 100 * 2 * 512 * HIDDEN * INNER / (time.perf_counter() - start)
