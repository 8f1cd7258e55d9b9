"""Nothing leaves the computer: a whole graded round makes no connection but to the computer itself."""

from __future__ import annotations

import os
from pathlib import Path

from tests.server.process import environment, served, until

WATCH = """
import os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        with open(os.environ["CONNECTIONS"], "a") as log:
            log.write(f"{event} {arguments[1] if event != 'socket.getaddrinfo' else arguments[0]!r}\\n")

sys.addaudithook(watch)
with open(os.environ["CONNECTIONS"], "a") as log:
    log.write("watching\\n")
"""
HOME = ("127.0.0.1", "::1", "localhost")


def test_a_whole_graded_round_connects_to_nothing_but_this_computer(tmp_path: Path) -> None:
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH, "utf-8")
    seen = tmp_path / "connections.txt"
    path = os.pathsep.join(filter(None, (str(tmp_path / "watch"), os.environ.get("PYTHONPATH", ""))))
    data = tmp_path / "data"
    with served(data, environment(data, PYTHONPATH=path, CONNECTIONS=str(seen))) as server:
        server.wait_ready()
        round_id = server.start_round(mode="coach")
        server.answer(round_id, 0, "I would stratify the split, look at recall and precision, and move the threshold.")
        server.http.post(f"/rounds/{round_id}/end")
        until(lambda: server.report(round_id)["score"] is not None, 30, "the grading")
        assert server.terminate(10) == 0
    lines = seen.read_text("utf-8").splitlines()
    assert "watching" in lines
    assert [line for line in lines if line != "watching" and not any(f"'{host}'" in line for host in HOME)] == []
