from __future__ import annotations

import contextvars
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from app import logs

ANSWER = "my secret answer"
_log = logging.getLogger("app.test")


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    """Log as before once the test is over."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("alembic", "httpx", "urllib3")}
    yield
    root.handlers[:] = before
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    def lines() -> list[str]:
        captured = capsys.readouterr()
        assert captured.out == "", "log lines belong on standard error"
        return captured.err.splitlines()

    return lines


Lines = Callable[[], list[str]]


def test_a_line_for_machines_is_json_with_all_that_was_noted(lines: Lines) -> None:
    logs.configure("info", as_json=True)
    logs.bind_request("abc123")
    _log.warning("round %s is late", "r1", extra={"ms": 12.5})
    (line,) = lines()
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "round r1 is late",
        "level": "warning",
        "logger": "app.test",
        "request_id": "abc123",
        "ms": 12.5,
    }


def test_a_line_for_people_is_one_line_without_colour_codes(lines: Lines) -> None:
    logs.configure("info", as_json=False)
    logs.bind_request("abc123")
    _log.info("request", extra={"path": "/rounds"})
    (line,) = lines()
    assert "\x1b" not in line
    for part in ("info", "request", "app.test", "path=/rounds", "request_id=abc123"):
        assert part in line


def test_lines_below_the_level_are_left_out_and_so_is_chatter_of_libraries(lines: Lines) -> None:
    logs.configure("info", as_json=True)
    _log.debug("quiet")
    logging.getLogger("alembic.runtime.migration").info("chatter")
    logging.getLogger("alembic.runtime.migration").warning("trouble")
    _log.info("loud")
    assert [json.loads(line)["event"] for line in lines()] == ["trouble", "loud"]


def test_configuring_twice_writes_each_line_once(lines: Lines) -> None:
    logs.configure("info", as_json=True)
    logs.configure("info", as_json=True)
    _log.info("once")
    assert len(lines()) == 1


def test_a_request_id_stays_with_its_own_request(lines: Lines) -> None:
    logs.configure("info", as_json=True)

    def request(request_id: str) -> None:
        logs.bind_request(request_id)
        structlog.contextvars.bind_contextvars(of=request_id)

    first, second = contextvars.copy_context(), contextvars.copy_context()
    first.run(request, "one")
    second.run(request, "two")
    first.run(_log.info, "first")
    second.run(_log.info, "second")
    first.run(logs.bind_request, "three")
    first.run(_log.info, "third")
    _log.info("outside")
    found = [(line["event"], line.get("request_id"), line.get("of")) for line in map(json.loads, lines())]
    assert found == [
        ("first", "one", "one"),
        ("second", "two", "two"),
        ("third", "three", None),
        ("outside", None, None),
    ]


def test_the_frames_of_an_error_tell_where_it_was_and_not_what_it_said() -> None:
    try:
        try:
            raise KeyError(ANSWER)
        except KeyError as cause:
            raise ValueError(f"can't read {ANSWER}") from cause
    except ValueError as error:
        told = logs.frames(error)
    assert told.startswith("ValueError\n")
    assert "test_logs.py" in told
    assert ANSWER not in told
