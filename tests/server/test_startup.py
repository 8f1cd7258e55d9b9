"""Starting and stopping: the first page comes at once, the grader later, and what is wrong is said in words."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.settings import InvalidSettings, from_environment
from tests.server.process import ROOT, Process, environment, served


def refused(data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """What came of a start that should not succeed."""
    return subprocess.run(
        [sys.executable, "-m", "app", "serve"],
        cwd=ROOT,
        env=environment(data, covered=True, **settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def seconds_to_the_first_page(data: Path) -> float:
    with served(data) as server:
        assert server.http.get("/").status_code == 200
        return time.perf_counter() - server.began


def test_the_first_page_answers_within_two_seconds_of_the_start(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0]
    limit = 2.0 if load <= cores / 2 else 6.0  # a busy machine says little about the program
    took = []
    for attempt in range(3):
        took.append(seconds_to_the_first_page(tmp_path / str(attempt)))
        if took[-1] < limit:
            break
    measured = ", ".join(f"{seconds:.2f} s" for seconds in took)
    assert min(took) < limit, f"starts took {measured}; the limit is {limit} s at a load of {load:.1f} on {cores} cores"


def test_the_start_page_comes_before_the_grader_which_is_ready_soon_and_the_server_stops_when_told(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as server:
        assert server.printed.startswith("Greenroom is at http://127.0.0.1:")
        assert "The grader is loading. You can start" in server.http.get("/").text
        server.wait_ready()
        assert "The grader is ready." in server.http.get("/").text
        assert server.terminate(10) == 0
        assert "Traceback" not in server.log


def test_a_server_told_to_stop_while_the_grader_loads_stops_too(tmp_path: Path) -> None:
    with served(tmp_path, environment(tmp_path, covered=True)) as server:
        assert server.health() == "loading"
        assert server.terminate(10) == 0


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("GREENROOM_PORT", "eighty", "valid integer"),
        ("GREENROOM_ALLOWED_HOSTS", "example.org", "JSON list"),
        ("GREENROOM_DATA_DIR", "/dev/null/greenroom", "can't be used"),
        ("GREENROOM_HOST", "host.invalid", "Can't listen on host.invalid"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_without_a_traceback(
    tmp_path: Path, variable: str, value: str, reason: str
) -> None:
    outcome = refused(tmp_path, **{variable: value})
    assert outcome.returncode == 2
    assert reason in outcome.stderr
    assert variable == "GREENROOM_HOST" or variable in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_every_setting_that_cannot_be_used_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_PORT", "70000")
    monkeypatch.setenv("GREENROOM_LOG_LEVEL", "loud")
    with pytest.raises(InvalidSettings) as raised:
        from_environment()
    port, log_level = sorted(str(raised.value).splitlines(), reverse=True)
    assert port.startswith("GREENROOM_PORT: ")
    assert "65535" in port
    assert log_level.startswith("GREENROOM_LOG_LEVEL: ")
    assert "'debug', 'info'" in log_level


def test_broken_content_is_listed_and_the_server_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "rubrics").mkdir()
    (tmp_path / "rubrics" / "signals.yaml").write_text("signals: [", "utf-8")
    outcome = refused(tmp_path / "data", GREENROOM_CONTENT_DIR=str(tmp_path))
    assert outcome.returncode == 2
    assert "rubrics/signals.yaml" in outcome.stderr
    assert "rubrics/scale.yaml" in outcome.stderr
    assert "python -m app check" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_port_in_use_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = refused(tmp_path, GREENROOM_PORT=port)
    assert outcome.returncode == 2
    assert f"port {port}: Address already in use" in outcome.stderr
    assert "GREENROOM_PORT" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_the_address_says_the_port_that_was_asked_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    server = Process(tmp_path, environment(tmp_path, GREENROOM_PORT=port))
    try:
        assert server.address == f"http://127.0.0.1:{port}"
    finally:
        server.kill()
