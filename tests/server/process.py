"""The program as a user runs it: `python -m app serve` as a process of its own, on a free port and a fresh folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).resolve().parent.parent.parent
LOADING = 90
"""Seconds that the real grader may take to load."""


def environment(data: Path, *, covered: bool = False, **more: str) -> dict[str, str]:
    """Nothing of the developer's own settings, and a port that the system chooses.

    `covered` measures coverage when the tests do, which makes a start about twice as slow.
    """
    unwanted = ("GREENROOM_",) if covered else ("GREENROOM_", "COVERAGE_")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**mine, "GREENROOM_DATA_DIR": str(data), "GREENROOM_PORT": "0", **more}


class Process:
    """A running server. `log` is what it wrote to standard error."""

    def __init__(self, data: Path, env: Mapping[str, str] | None = None) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.log_path = data / "stderr.log"
        self.began = time.perf_counter()
        with self.log_path.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                cwd=ROOT,
                env=dict(env or environment(data)),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.popen.stdout is not None
        self.printed = self.popen.stdout.readline()
        found = re.search(r"http://\S+", self.printed)
        assert found, f"the server printed {self.printed!r} and no address; its log: {self.log}"
        self.address = found.group()
        self.http = httpx2.Client(base_url=self.address, follow_redirects=True, timeout=30)

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8")

    def health(self) -> str:
        return str(self.http.get("/health").json()["grader"])

    def wait_ready(self) -> None:
        until(lambda: self.health() == "ready", LOADING, "the grader to be ready")

    def start_round(self, **options: Any) -> str:
        page = self.http.post("/rounds", data={"domains": ["fundamentals"], "length": "15", "count": "1", **options})
        assert page.status_code == 200
        return page.url.path.split("/")[2]

    def answer(self, round_id: str, position: int, text: str) -> None:
        page = self.http.post(f"/rounds/{round_id}/answer", data={"position": position, "text": text})
        assert page.status_code == 200, page.text

    def report(self, round_id: str) -> Any:
        return self.http.get(f"/rounds/{round_id}/report.json").json()

    def kill(self) -> None:
        """kill -9."""
        self.popen.kill()
        self._gone()

    def terminate(self, limit: float) -> int:
        self.popen.terminate()
        self.popen.wait(limit)
        return self._gone()

    def _gone(self) -> int:
        self.http.close()
        status = self.popen.wait(10)
        if self.popen.stdout is not None:
            self.popen.stdout.close()
        return status


@contextmanager
def served(data: Path, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A server that is gone afterwards, whatever happened."""
    process = Process(data, env)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.kill()


def until(true: Callable[[], bool], limit: float, what: str) -> None:
    """Wait until something is true; fail with its name when it takes longer than `limit` seconds."""
    end = time.monotonic() + limit
    while not true():
        assert time.monotonic() < end, f"waited {limit} s for {what}"
        time.sleep(0.1)
