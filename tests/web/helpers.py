"""What the web tests share: a strict reader of pages, and the few steps that most of them begin with."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from starlette.testclient import TestClient

from app.core import round as rounds
from app.core.plan import Mode, Options
from app.core.question import Domain, Level
from app.core.round import Planned
from app.practice import now
from app.settings import Settings
from app.store.store import Record
from app.web.parts import Parts

OVERFITTING = "fundamentals/overfitting"
RECALL = "fundamentals/precision-recall"
CONFLICT = "behavioural/conflict"

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"}


class Node:
    """An element of a page."""

    def __init__(self, tag: str, attrs: dict[str, str]) -> None:
        self.tag = tag
        self.attrs = attrs
        self.children: list[Node | str] = []

    def __iter__(self) -> Iterator[Node]:
        """All elements below this one, in the order of the page."""
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child

    def raw_text(self, without: str = "") -> str:
        """The text exactly as written, leaving out elements of class `without`."""
        parts = []
        for child in self.children:
            if isinstance(child, str):
                parts.append(child)
            elif not without or without not in child.attrs.get("class", "").split():
                parts.append(child.raw_text(without))
        return "".join(parts)

    @property
    def text(self) -> str:
        return " ".join(self.raw_text().split())

    def all(self, tag: str = "", **attrs: str) -> list[Node]:
        """The elements with this tag and these attributes; `class_` asks for one class among others."""
        return [node for node in self if (not tag or node.tag == tag) and node.has(attrs)]

    def one(self, tag: str = "", **attrs: str) -> Node:
        found = self.all(tag, **attrs)
        assert len(found) == 1, f"{len(found)} elements {tag} {attrs}"
        return found[0]

    def has(self, attrs: dict[str, str]) -> bool:
        wanted = dict(attrs)
        klass = wanted.pop("class_", None)
        return (klass is None or klass in self.attrs.get("class", "").split()) and all(
            self.attrs.get(name.replace("_", "-")) == value for name, value in wanted.items()
        )


class _Reader(HTMLParser):
    """Builds the tree; an end tag that fits no open element is an error in the page."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        assert closed.tag == tag, f"</{tag}> closes <{closed.tag}>"
        if tag == "textarea":  # browsers drop a line break that comes first
            closed.children = [closed.raw_text().removeprefix("\n")]

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(html: str) -> Node:
    """A page's elements."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root], f"never closed: {[node.tag for node in reader.open[1:]]}"
    return reader.root


def parts(client: TestClient) -> Parts:
    return client.app.state.parts  # type: ignore[attr-defined]


def load(client: TestClient, round_id: str) -> Record:
    """The round as the database has it."""
    return parts(client).store.load(round_id)


def begin(
    client: TestClient,
    *question_ids: str,
    mode: Mode = Mode.pressure,
    minutes: int | None = 30,
    level: Level = Level.mid,
    ago: timedelta = timedelta(0),
) -> str:
    """The id of a round that asked the first of these questions so long ago."""
    return begin_at(client, *question_ids, mode=mode, minutes=minutes, level=level, at=now() - ago)


def begin_at(client: TestClient, *question_ids: str, at: datetime, **chosen: Any) -> str:
    """The id of a round begun at that moment, written through the Store."""
    wired = parts(client)
    asked = question_ids or (OVERFITTING,)
    plan = [Planned(question=wired.practice.questions[one], rubric=wired.practice.rubrics[one]) for one in asked]
    options = Options(domains=tuple(Domain(one.split("/")[0]) for one in asked), **chosen)
    round_id = f"round-{time.monotonic_ns()}"
    wired.store.add_round(rounds.start(round_id, options, plan, at))
    return round_id


def answer(client: TestClient, round_id: str, position: int, text: str, how: str = "answered", **more: Any) -> Any:
    """The response to an answer sent as the page's form sends it."""
    form = {"position": str(position), "text": text, "how": how}
    return client.post(f"/rounds/{round_id}/answer", data=form, **more)


def draft(client: TestClient, round_id: str, position: int, text: str, base: int | None = None) -> Any:
    """The response to a draft sent as the page's script sends it."""
    return client.post(
        f"/rounds/{round_id}/draft",
        json={"position": position, "text": text, "base": base},
        headers={"accept": "application/json"},
    )


def points_of(client: TestClient, question_id: str = OVERFITTING) -> list[str]:
    """The ids of a question's rubric points, heaviest first, which is the order of the follow-ups."""
    points = parts(client).practice.rubrics[question_id].points
    return [point.id for point in sorted(points, key=lambda point: -point.weight)]


def mistakes_of(client: TestClient, question_id: str = OVERFITTING) -> list[str]:
    return [mistake.id for mistake in parts(client).practice.rubrics[question_id].mistakes]


def rows(settings: Settings, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the database file says, read past the Store."""
    connection = sqlite3.connect(settings.database_path)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def execute(settings: Settings, sql: str) -> None:
    connection = sqlite3.connect(settings.database_path)
    try:
        connection.executescript(sql)
    finally:
        connection.close()


def eventually(found: Callable[[], Any], seconds: float = 10) -> Any:
    """What `found` returns as soon as that is something."""
    until = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.01)
    return value


def log_lines(text: str) -> list[dict[str, Any]]:
    """Log lines written as JSON."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
