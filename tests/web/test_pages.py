"""What is true of every page: its structure, that the policy lets all of it run, that all it names exists."""

from __future__ import annotations

import itertools
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from starlette.testclient import TestClient

from app.core.plan import Mode
from app.main import create_app
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.conftest import HOSTS
from tests.web.helpers import OVERFITTING, RECALL, Node, answer, begin, draft, execute, mistakes_of, points_of, read

PAGES = (
    "start, first time",
    "start",
    "how it works",
    "questions",
    "questions, none found",
    "question, closed",
    "question, open",
    "question, attempted",
    "history, empty",
    "history",
    "history, none found",
    "history, deleted",
    "round, question",
    "round, draft",
    "round, probe",
    "round, grading",
    "round, second question",
    "round, overtime",
    "round, review",
    "round, failed review",
    "report",
    "report, failed",
    "report, grading",
    "report, nothing answered",
    "delete",
    "refused, text kept",
    "not found",
    "method",
    "form",
    "too much",
    "foreign host",
    "cross-site",
    "broken",
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Node]]:
    """Every page in every state, each with its address, from one server."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("pages"), allowed_hosts=HOSTS)
    grader = WordGrader()
    with TestClient(create_app(settings, grader)) as client, pytest.MonkeyPatch.context() as patch:
        found = _pages(client, grader, settings, patch)
    return {name: (response.url.path, read(response.text)) for name, response in found.items()}


def _pages(client: TestClient, grader: WordGrader, settings: Settings, patch: pytest.MonkeyPatch) -> dict:
    found = {
        "start, first time": client.get("/"),
        "history, empty": client.get("/rounds"),
        "how it works": client.get("/how-it-works"),
        "questions": client.get("/questions"),
        "questions, none found": client.get("/questions?q=zzz"),
        "question, closed": client.get(f"/questions/{OVERFITTING}"),
        "question, open": client.get(f"/questions/{OVERFITTING}?reveal=yes"),
    }
    points, mistakes = points_of(client), mistakes_of(client)
    rich = f"First {points[0]}.\n\nThen {points[1]}, but {mistakes[0]} & <i>{mistakes[1]}</i>."
    one = begin(client, OVERFITTING, RECALL)
    found["round, question"] = client.get(f"/rounds/{one}")
    draft(client, one, 0, rich)
    found["round, draft"] = client.get(f"/rounds/{one}")
    found["start"] = client.get("/")
    found["round, probe"] = answer(client, one, 0, rich)
    answer(client, one, 1, "", "dont_know")
    answer(client, one, 2, points[2])
    found["round, second question"] = client.get(f"/rounds/{one}")
    found["refused, text kept"] = answer(client, one, 0, "other")
    client.post(f"/rounds/{one}/end", data={"text": "ALL"})
    begin(client, OVERFITTING, mode=Mode.coach, ago=timedelta(minutes=45))
    again = begin(client, OVERFITTING)
    found["report"] = client.post(f"/rounds/{again}/end", data={"text": rich})
    found["question, attempted"] = client.get(f"/questions/{OVERFITTING}")
    late = begin(client, OVERFITTING, mode=Mode.coach, minutes=15, ago=timedelta(minutes=45))
    found["round, overtime"] = client.get(f"/rounds/{late}")
    found["round, review"] = answer(client, late, 0, rich)
    failed = begin(client, OVERFITTING, RECALL, mode=Mode.coach)
    found["round, failed review"] = answer(client, failed, 0, "ungradable")
    found["report, failed"] = client.post(f"/rounds/{failed}/end")
    found["report, nothing answered"] = client.post(f"/rounds/{begin(client)}/end", data={"text": ""})
    found["delete"] = client.get(f"/rounds/{failed}/delete")
    found["history"] = client.get("/rounds")
    found["history, none found"] = client.get("/rounds?domain=lifecycle")
    found["history, deleted"] = client.post(f"/rounds/{failed}/delete")
    found["not found"] = client.get("/none")
    found["method"] = client.put("/rounds")
    found["form"] = client.post("/rounds", data={})
    found["too much"] = answer(client, one, 0, "x" * 400_000)
    found["foreign host"] = client.get("/", headers={"host": "evil.example"})
    found["cross-site"] = client.post("/rounds", headers={"sec-fetch-site": "cross-site"})
    patch.setattr("app.web.rounds.GRADING_PATIENCE", 0)
    grader.hold.clear()
    held, ended = begin(client, OVERFITTING), begin(client, OVERFITTING)
    found["round, grading"] = answer(client, held, 0, rich)
    found["report, grading"] = client.post(f"/rounds/{ended}/end", data={"text": rich})
    grader.hold.set()
    execute(settings, "DROP TABLE round_questions")
    found["broken"] = client.get("/rounds")
    return found


def page_of(pages: dict[str, tuple[str, Node]], name: str) -> Node:
    return pages[name][1]


def test_no_page_is_forgotten(pages: dict[str, tuple[str, Node]]) -> None:
    assert set(pages) == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_heading_a_title_and_a_language(pages: dict[str, tuple[str, Node]], name: str) -> None:
    page = page_of(pages, name)
    assert page.one("html").attrs["lang"] == "en"
    assert page.one("h1").text
    assert page.one("head").one("title").text.endswith(" · Greenroom")
    assert len(page.all("main")) == 1
    assert page.one("head").one("meta", name="viewport")
    levels = [int(node.tag[1]) for node in page if node.tag in {"h1", "h2", "h3", "h4", "h5", "h6"}]
    jumps = [(one, two) for one, two in itertools.pairwise(levels) if two > one + 1]
    assert not jumps, "a heading level is left out"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_inline_script_or_style(pages: dict[str, tuple[str, Node]], name: str) -> None:
    page = page_of(pages, name)
    assert not page.all("style")
    for script in page.all("script"):
        assert script.attrs["src"].startswith("/static/")
        assert not script.raw_text().strip()
    for node in page:
        inline = [one for one in node.attrs if one == "style" or one.startswith("on") or one.startswith("hx-on")]
        assert not inline, f"<{node.tag}> has {inline}"
        assert not any(value.strip().lower().startswith("javascript:") for value in node.attrs.values())


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_whatever_points_at_one_finds_it(pages: dict[str, tuple[str, Node]], name: str) -> None:
    page = page_of(pages, name)
    ids = [node.attrs["id"] for node in page if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    for node in page:
        for attribute in ("for", "form", "aria-labelledby", "aria-describedby"):
            assert set(node.attrs.get(attribute, "").split()) <= set(ids), (attribute, node.attrs)
        href = node.attrs.get("href", "")
        if href.startswith("#"):
            assert href[1:] in ids, href


@pytest.mark.parametrize("name", PAGES)
def test_every_control_has_a_label(pages: dict[str, tuple[str, Node]], name: str) -> None:
    page = page_of(pages, name)
    labelled = {node.attrs.get("for", "") for node in page.all("label")}
    inside = {id(control) for label in page.all("label") for control in label if label.text}
    for control in page:
        if control.tag in {"input", "select", "textarea"} and control.attrs.get("type") != "hidden":
            assert control.attrs.get("id") in labelled or id(control) in inside, control.attrs
        if control.tag in {"button", "a"}:
            assert control.text or control.attrs.get("aria-label"), control.attrs


def test_every_file_that_a_page_names_exists(pages: dict[str, tuple[str, Node]], shared: TestClient) -> None:
    named = {
        node.attrs[attribute]
        for _, page in pages.values()
        for node in page
        for attribute in ("src", "href")
        if node.attrs.get(attribute, "").startswith("/static/")
    }
    assert {"app.css", "round.js", "report.js", "icon.svg"} <= {
        urlsplit(one).path.removeprefix("/static/") for one in named
    }
    for one in sorted(named):
        assert shared.get(one).status_code == 200, one


def test_nothing_is_loaded_from_elsewhere(pages: dict[str, tuple[str, Node]]) -> None:
    for name, (_, page) in pages.items():
        for node in page:
            for attribute in ("src", "href", "action", "formaction", "hx-get", "hx-post"):
                assert not urlsplit(node.attrs.get(attribute, "")).netloc, (name, node.attrs)


def test_every_link_that_needs_no_round_leads_somewhere(pages: dict[str, tuple[str, Node]], shared: TestClient) -> None:
    links = {
        urljoin(address, node.attrs["href"])
        for address, page in pages.values()
        for node in page.all("a")
        if not node.attrs.get("href", "#").startswith("#")
    }
    followed = {one for one in links if not urlsplit(one).path.startswith("/rounds/")}
    assert len(followed) > 26
    for one in sorted(followed):
        assert shared.get(one).status_code == 200, one


def test_the_navigation_marks_where_one_is(pages: dict[str, tuple[str, Node]]) -> None:
    for name, current in (("start", "Practise"), ("questions", "Questions"), ("history", "History")):
        assert page_of(pages, name).one("nav", aria_label="Main").one("a", aria_current="page").text == current
