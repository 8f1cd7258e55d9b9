"""The history: every round, latest first, with filters in the address."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import pytest
from starlette.testclient import TestClient

from app.core.plan import Mode
from app.core.question import Level
from app.practice import now
from tests.web.helpers import CONFLICT, OVERFITTING, RECALL, Node, answer, begin, begin_at, parts, read


class Played(NamedTuple):
    fundamentals: str
    behavioural: str
    open: str


@pytest.fixture
def played(client: TestClient) -> Played:
    fundamentals = begin(client, OVERFITTING, RECALL, level=Level.senior, ago=timedelta(minutes=3))
    answer(client, fundamentals, 0, "ALL")
    client.post(f"/rounds/{fundamentals}/end", data={"text": "ALL"})
    parts(client).practice.wait_graded(fundamentals, 5)
    behavioural = begin(client, CONFLICT, mode=Mode.coach, minutes=None, ago=timedelta(minutes=2))
    client.post(f"/rounds/{behavioural}/end", data={"text": "ungradable"})
    return Played(fundamentals, behavioural, begin(client, OVERFITTING, CONFLICT))


def shown(page: Node) -> list[str]:
    """The rounds in the table, in its order."""
    links = [row.one("th").one("a").attrs["href"] for row in page.one("tbody").all("tr")] if page.all("table") else []
    return [link.removeprefix("/rounds/") for link in links]


def test_without_rounds_the_page_says_what_to_do(client: TestClient) -> None:
    page = read(client.get("/rounds").text)
    assert "No rounds yet" in page.one("div", class_="empty").text
    assert page.one("div", class_="empty").one("a").attrs["href"] == "/"
    assert not page.all("form")


def test_all_rounds_are_listed_latest_first(client: TestClient, played: Played) -> None:
    assert shown(read(client.get("/rounds").text)) == [played.open, played.behavioural, played.fundamentals]


def test_a_line_tells_title_answers_verdict_and_score(client: TestClient, played: Played) -> None:
    open_line, failed, done = read(client.get("/rounds").text).one("tbody").all("tr")
    assert "ML fundamentals 2 of 2 answered" in done.text
    assert "Strong hire 100 Delete" in done.text
    assert "Senior Pressure, 30 min" in done.text
    assert "Behavioural 1 of 1 answered" in failed.text
    assert "Coach – – Delete" in failed.text, "a failed grading is no score"
    assert "0 of 2 answered" in open_line.text
    assert "Open – Delete" in open_line.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("domain=behavioural", ["open", "behavioural"]),
        ("domain=lifecycle", []),
        ("level=senior", ["fundamentals"]),
        ("mode=coach", ["behavioural"]),
        ("state=open", ["open"]),
        ("state=ended", ["behavioural", "fundamentals"]),
        ("state=ended&mode=pressure", ["fundamentals"]),
        ("domain=&level=&mode=&state=", ["open", "behavioural", "fundamentals"]),
        ("level=emperor", []),
    ],
)
def test_filters(client: TestClient, played: Played, query: str, expected: list[str]) -> None:
    page = read(client.get(f"/rounds?{query}").text)
    assert shown(page) == [getattr(played, name) for name in expected]
    if not expected:
        assert "Show all 3" in page.one("p", class_="empty").text


@pytest.mark.usefixtures("played")
def test_the_form_shows_which_filters_are_set(client: TestClient) -> None:
    page = read(client.get("/rounds?domain=fundamentals&level=senior&mode=pressure&state=ended").text)
    for name, value in (("domain", "fundamentals"), ("level", "senior"), ("mode", "pressure"), ("state", "ended")):
        assert [one.attrs["value"] for one in page.one("select", name=name).all("option", selected="")] == [value]
    assert "Show all" in page.one("form").text


def test_a_single_question_is_listed_by_its_title_and_a_ready_made_round_by_its_name(client: TestClient) -> None:
    client.post(f"/questions/{OVERFITTING}/practise")
    client.post("/rounds", data={"preset": "behavioural"})
    titles = [row.one("th").one("a").text for row in read(client.get("/rounds").text).one("tbody").all("tr")]
    assert titles == ["Behavioural", parts(client).practice.questions[OVERFITTING].title]


def test_a_ready_made_round_that_is_no_longer_offered_is_still_listed(client: TestClient) -> None:
    begin_at(client, OVERFITTING, at=now(), preset="retired-round")
    page = read(client.get("/rounds").text)
    assert page.one("tbody").one("th").one("a").text == "ML fundamentals"
