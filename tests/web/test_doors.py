"""The doors: who is answered, what may write, what every reply carries, how errors read, and what the log says."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app import logs
from app.core.errors import GradingFailed
from app.main import create_app
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, draft, execute, log_lines, parts, read, rows

JSON = {"accept": "application/json"}
START = {"preset": "behavioural"}
SECRET = "Zyzzyva-marzipan-4711"


# Hosts.


@pytest.mark.parametrize("host", ["testserver", "testserver:8000", "LOCALHOST:1", "127.0.0.1:8000"])
def test_known_hosts_are_answered_on_any_port(shared: TestClient, host: str) -> None:
    assert shared.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.", "127.0.0.2", "[::1]", "", "[::1"],
)
@pytest.mark.parametrize("path", ["/", "/static/app.css", "/health"])
def test_foreign_hosts_are_refused_everywhere(shared: TestClient, host: str, path: str) -> None:
    response = shared.get(path, headers={"host": host})
    assert response.status_code == 421
    assert "GREENROOM_ALLOWED_HOSTS" in response.text


@pytest.mark.parametrize(("host", "status"), [("[::1]:8000", 200), ("[::1]", 200), ("[::2]:8000", 421)])
def test_loopback_has_its_ipv6_name_by_default(tmp_path: Path, few_questions: Path, host: str, status: int) -> None:
    settings = Settings(data_dir=tmp_path, content_dir=few_questions)
    with TestClient(create_app(settings, WordGrader()), base_url="http://127.0.0.1:8000") as client:
        assert client.get("/health", headers={"host": host}).status_code == status


# Cross-site writes.


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
        {"origin": "http://evil.example"},
        {"origin": "http://testserver:9999"},
        {"origin": "http://testserver.evil.example"},
        {"origin": "null"},
        {"origin": ""},
    ],
    ids=lambda headers: ",".join(f"{name}={value}" for name, value in headers.items()),
)
def test_cross_site_writes_are_refused_and_write_nothing(
    client: TestClient, settings: Settings, headers: dict[str, str]
) -> None:
    round_id = begin(client)
    for path, form in (("/rounds", START), (f"/rounds/{round_id}/delete", {}), (f"/rounds/{round_id}/end", {})):
        response = client.post(path, data=form, headers=headers)
        assert response.status_code == 403
        assert "another site" in read(response.text).one("h1").text
    assert rows(settings, "SELECT id FROM rounds") == [(round_id,)]
    assert rows(settings, "SELECT count(*) FROM endings") == [(0,)]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver"},
        {"origin": "http://testserver", "sec-fetch-site": "same-origin"},
    ],
    ids=["neither", "same-origin", "none", "origin", "both"],
)
def test_writes_from_our_own_pages_and_from_programs_are_taken(
    client: TestClient, settings: Settings, headers: dict[str, str]
) -> None:
    assert client.post("/rounds", data=START, headers=headers).status_code == 200
    assert rows(settings, "SELECT count(*) FROM rounds") == [(1,)]


def test_links_from_other_sites_may_be_followed(shared: TestClient) -> None:
    assert shared.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 200


# Headers.


def responses(client: TestClient) -> Iterator[tuple[str, object]]:
    """One reply of each kind, errors and files included."""
    round_id = begin(client)
    yield "start", client.get("/")
    yield "round", client.get(f"/rounds/{round_id}")
    yield "redirect", client.post("/rounds", data=START, follow_redirects=False)
    yield "part", client.get("/status")
    yield "json", client.get("/health")
    yield "draft", draft(client, round_id, 0, "text")
    yield "file", client.get("/static/app.css")
    yield "no file", client.get("/static/none.css")
    yield "not found", client.get("/none")
    yield "not found as json", client.get("/none", headers=JSON)
    yield "method", client.put("/")
    yield "host", client.get("/", headers={"host": "evil.example"})
    yield "site", client.post("/rounds", headers={"sec-fetch-site": "cross-site"})
    yield "form", client.post("/rounds", data={"domains": "astrology"})
    yield "too long", answer(client, round_id, 0, "x" * 40_000)
    yield "too much", answer(client, round_id, 0, "x" * 400_000)
    client.post(f"/rounds/{round_id}/end", data={"text": "ALL"})
    yield "report", client.get(f"/rounds/{round_id}/report")
    yield "markdown", client.get(f"/rounds/{round_id}/report.md")
    parts(client).store.engine.dispose()
    execute(parts_settings(client), "DROP TABLE round_questions")
    yield "broken", client.get("/rounds")


def parts_settings(client: TestClient) -> Settings:
    """The settings of a client's own database file."""
    return Settings(data_dir=Path(str(parts(client).store.engine.url.database)).parent)


def test_every_reply_carries_the_security_headers(client: TestClient) -> None:
    statuses = {}
    for name, response in responses(client):
        headers = response.headers  # type: ignore[attr-defined]
        statuses[name] = response.status_code  # type: ignore[attr-defined]
        assert headers["x-content-type-options"] == "nosniff", name
        assert headers["x-frame-options"] == "DENY", name
        assert headers["referrer-policy"] == "same-origin", name
        assert headers["cross-origin-opener-policy"] == "same-origin", name
        assert headers["cross-origin-resource-policy"] == "same-origin", name
        assert "camera=()" in headers["permissions-policy"], name
        assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"]), name
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'", name
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'", name
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'", name
        assert policy["form-action"] == "'self'", name
        assert "unsafe" not in headers["content-security-policy"], name
    assert {name: statuses[name] for name in ("method", "host", "site", "form", "too long", "too much", "broken")} == {
        "method": 405,
        "host": 421,
        "site": 403,
        "form": 422,
        "too long": 413,
        "too much": 413,
        "broken": 500,
    }


def test_pages_are_not_cached_and_marked_files_are_for_a_year(shared: TestClient) -> None:
    assert shared.get("/").headers["cache-control"] == "no-store"
    marked = read(shared.get("/").text).one("link", rel="stylesheet").attrs["href"]
    assert "immutable" in shared.get(marked).headers["cache-control"]
    assert shared.get(marked.partition("?")[0]).headers["cache-control"] == "no-cache"


def test_files_outside_the_static_folder_are_not_served(shared: TestClient) -> None:
    for path in (
        "/static/../templates.py",
        "/static/%2e%2e/templates.py",
        "/static/..%2ftemplates.py",
        "/static//etc/passwd",
    ):
        assert shared.get(path).status_code == 404, path


def test_no_documentation_of_the_interface_is_served(shared: TestClient) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert shared.get(path).status_code == 404, path


# Limits.


def test_a_body_over_the_limit_is_refused_unread(client: TestClient, settings: Settings) -> None:
    round_id = begin(client)
    limit = 12 * settings.answer_max_chars + 10_000
    response = client.post(f"/rounds/{round_id}/answer", headers={"content-length": str(limit + 1)}, content=b"")
    assert response.status_code == 413
    assert f"{limit:,} bytes" in response.text
    assert rows(settings, "SELECT count(*) FROM replies") == [(0,)]


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_no_number_is_refused(client: TestClient, length: str) -> None:
    headers = [(b"content-length", length.encode())]
    assert client.post("/rounds", headers=headers, content=b"").status_code == 413


def test_a_body_that_hides_its_length_is_refused(client: TestClient) -> None:
    response = client.post("/rounds", content=iter([b"preset=", b"behavioural"]))
    assert response.status_code == 413


def test_the_longest_answer_fits_even_if_every_character_takes_twelve_bytes(
    client: TestClient, settings: Settings
) -> None:
    round_id = begin(client)
    assert answer(client, round_id, 0, "😀" * settings.answer_max_chars).status_code == 200
    assert rows(settings, "SELECT length(text) FROM replies") == [(settings.answer_max_chars,)]


# Errors.

ERRORS: dict[str, tuple[int, Callable[[TestClient, dict[str, str]], object]]] = {
    "page": (404, lambda client, headers: client.get("/none", headers=headers)),
    "question": (404, lambda client, headers: client.get("/questions/fundamentals/none", headers=headers)),
    "method": (405, lambda client, headers: client.delete("/rounds", headers=headers)),
    "host": (421, lambda client, headers: client.get("/", headers={"host": "evil.example", **headers})),
    "site": (403, lambda client, headers: client.post("/rounds", headers={"origin": "http://x", **headers})),
    "choices": (422, lambda client, headers: client.post("/rounds", data={"domains": "x"}, headers=headers)),
    "form": (422, lambda client, headers: client.post("/rounds/none/answer", data={}, headers=headers)),
    "length": (413, lambda client, headers: answer(client, "none", 0, "x" * 40_000, headers=headers)),
    "body": (413, lambda client, headers: answer(client, "none", 0, "x" * 400_000, headers=headers)),
    **{
        f"{method} {path}": (404, lambda client, headers, m=method, p=path: client.request(m, p, headers=headers))
        for method, path in (
            ("GET", "/rounds/none"),
            ("GET", "/rounds/none/report"),
            ("GET", "/rounds/none/report.md"),
            ("GET", "/rounds/none/report.json"),
            ("GET", "/rounds/none/delete"),
            ("POST", "/rounds/none/delete"),
            ("POST", "/rounds/none/retry"),
            ("POST", "/rounds/none/end"),
            ("POST", "/rounds/none/continue"),
        )
    },
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says_the_same_to_people_and_to_programs(shared: TestClient, name: str) -> None:
    status, send = ERRORS[name]
    for_people, for_programs = send(shared, {"accept": "text/html"}), send(shared, JSON)
    assert for_people.status_code == for_programs.status_code == status  # type: ignore[attr-defined]
    page = read(for_people.text)  # type: ignore[attr-defined]
    body = for_programs.json()  # type: ignore[attr-defined]
    assert set(body) == {"error", "detail"}
    assert page.one("h1").text == body["error"]
    assert page.one(id="problem").one("p", class_="lead").text == " ".join(body["detail"].split())
    assert len(body["detail"]) > 25, "an error has to help"
    links = {one.attrs["href"] for one in page.one("main").all("a")}
    assert {"/", "/rounds"} <= links


def test_a_method_not_taken_names_the_one_that_is(shared: TestClient) -> None:
    response = shared.get("/rounds/any/answer")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert "takes no GET request" in read(response.text).one(id="problem").text


def test_when_something_breaks_the_page_helps_and_the_text_is_given_back(
    client: TestClient, settings: Settings
) -> None:
    round_id = begin(client)
    execute(settings, "DROP TABLE replies")
    response = answer(client, round_id, 0, "typed for ten minutes")
    assert response.status_code == 500
    page = read(response.text)
    assert page.one("h1").text == "Something broke"
    assert page.one("textarea", id="kept").raw_text() == "typed for ten minutes"
    assert "OperationalError" not in response.text
    assert client.get("/none", headers=JSON).status_code == 404, "the server goes on"


# Logs.

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def logged() -> Iterator[Lines]:
    """The log as the program writes it for machines."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream):
        logs.configure("debug", as_json=True)
    yield lambda: log_lines(stream.getvalue())
    root.handlers[:] = handlers
    root.setLevel(level)


def test_each_request_is_one_line_with_the_id_that_its_reply_carries(client: TestClient, logged: Lines) -> None:
    replies = [client.get("/"), client.get("/none"), client.get("/", headers={"host": "evil.example"})]
    requests = [line for line in logged() if line.get("logger") == "app.access"]
    assert [line["request_id"] for line in requests] == [one.headers["x-request-id"] for one in replies]
    assert [(line["method"], line["path"], line["status"]) for line in requests] == [
        ("GET", "/", 200),
        ("GET", "/none", 404),
        ("GET", "/", 421),
    ]
    assert len({line["request_id"] for line in requests}) == 3


def test_no_line_has_any_text_of_an_answer_or_a_draft(client: TestClient, logged: Lines) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    draft(client, round_id, 0, f"draft {SECRET}")
    draft(client, round_id, 0, f"other {SECRET}", base=0)
    answer(client, round_id, 0, f"{SECRET} ungradable")
    answer(client, round_id, 0, f"{SECRET} again")
    answer(client, round_id, 1, SECRET * 3000)
    client.post(f"/rounds/{round_id}/answer", data={"position": SECRET, "text": SECRET})
    client.post(f"/rounds/{round_id}/end", data={"text": SECRET})
    client.get(f"/rounds/{round_id}/report")
    lines = logged()
    assert len(lines) > 8
    assert SECRET not in repr(lines)
    assert any("could not be graded" in str(line["event"]) for line in lines)


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, GradingFailed])
def test_a_grader_whose_error_quotes_the_answer_leaves_no_trace_of_it_in_the_log(
    settings: Settings, logged: Lines, kind: type[Exception]
) -> None:
    class Quoting(WordGrader):
        def grade(self, question: str, rubric: object, answers: list[object]) -> None:  # type: ignore[override]
            raise kind(f"can't read {answers!r}") from KeyError(repr(answers))

    with TestClient(create_app(settings, Quoting())) as client:
        round_id = begin(client, OVERFITTING)
        answer(client, round_id, 0, SECRET)
        assert parts(client).practice.wait_graded(round_id, 5)
    lines = logged()
    assert any(round_id in str(line["event"]) for line in lines), "the failure itself must be logged"
    assert SECRET not in repr(lines)


def test_a_database_error_that_quotes_the_answer_is_logged_without_it(
    client: TestClient, settings: Settings, logged: Lines
) -> None:
    round_id = begin(client)
    execute(settings, "CREATE TRIGGER broken AFTER INSERT ON replies BEGIN INSERT INTO nowhere VALUES (NEW.text); END")
    response = answer(client, round_id, 0, SECRET)
    assert response.status_code == 500
    errors = [line for line in logged() if line["level"] == "error"]
    assert len(errors) == 1
    assert errors[0]["request_id"] == response.headers["x-request-id"]
    assert "OperationalError" in str(errors[0]["event"])
    assert SECRET not in repr(logged())
