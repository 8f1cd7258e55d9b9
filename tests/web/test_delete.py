"""Deleting a round: asks first, then really deletes."""

from __future__ import annotations

from pathlib import Path

from starlette.testclient import TestClient

from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, draft, parts, read, rows

SECRET = "Zyzzyva-marzipan-4711"
TABLES = ("rounds", "round_questions", "prompts", "replies", "feedbacks", "failures", "endings", "drafts")


def files_with(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_it_asks_first_and_asking_deletes_nothing(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "ALL")
    page = read(client.get(f"/rounds/{round_id}/delete").text)
    assert page.one("h1").text == "Delete this round?"
    assert "with 1 answer, its feedback" in page.text
    form = page.one("form")
    assert (form.attrs["method"], form.attrs["action"]) == ("post", f"/rounds/{round_id}/delete")
    assert "Keep it" in form.text
    assert rows(settings, "SELECT id FROM rounds") == [(round_id,)]


def test_a_copy_is_offered_when_there_is_a_report_to_copy(client: TestClient) -> None:
    round_id = begin(client)
    assert "report.md" not in client.get(f"/rounds/{round_id}/delete").text
    client.post(f"/rounds/{round_id}/end", data={"text": ""})
    page = read(client.get(f"/rounds/{round_id}/delete").text)
    links = {one.attrs["href"] for one in page.one(id="main").all("a")}
    assert {f"/rounds/{round_id}/report.md", f"/rounds/{round_id}/report.json"} <= links


def test_the_text_is_in_no_file_afterwards(client: TestClient, settings: Settings) -> None:
    other = begin(client)
    draft(client, other, 0, "another round stays")
    round_id = begin(client, OVERFITTING, RECALL)
    draft(client, round_id, 0, f"draft {SECRET}")
    answer(client, round_id, 0, f"ungradable {SECRET} " * 200)
    answer(client, round_id, 1, f"ALL {SECRET} " * 200)
    draft(client, round_id, 2, f"draft {SECRET}")
    assert files_with(settings.data_dir, SECRET), "the test must see the text before it is deleted"
    page = read(client.post(f"/rounds/{round_id}/delete").text)
    assert "The round was deleted." in page.one("p", class_="flash").text
    assert files_with(settings.data_dir, SECRET) == []
    for table in TABLES:
        key = "id" if table == "rounds" else "round_id"
        assert rows(settings, f"SELECT count(*) FROM {table} WHERE {key} = ?", round_id) == [(0,)], table
    assert rows(settings, "SELECT round_id, text FROM drafts") == [(other, "another round stays")]


def test_a_deleted_round_is_gone_from_every_page(client: TestClient) -> None:
    round_id = begin(client)
    answer(client, round_id, 0, "ALL")
    client.post(f"/rounds/{round_id}/delete")
    for path in ("", "/report", "/report.md", "/report.json", "/delete"):
        assert client.get(f"/rounds/{round_id}{path}").status_code == 404, path
    assert round_id not in client.get("/rounds").text
    assert round_id not in client.get("/").text
    assert round_id not in client.get(f"/questions/{OVERFITTING}").text


def test_deleting_twice_says_that_it_is_gone(client: TestClient) -> None:
    round_id = begin(client)
    client.post(f"/rounds/{round_id}/delete")
    again = client.post(f"/rounds/{round_id}/delete")
    assert again.status_code == 404
    assert "deleted already" in read(again.text).one(id="problem").text


def test_a_grading_under_way_brings_nothing_back(client: TestClient, settings: Settings, grader: WordGrader) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    grader.hold.clear()
    wired = parts(client)
    wired.practice.end(round_id, wired.store.load(round_id).round.started_at, f"ALL {SECRET}")
    client.post(f"/rounds/{round_id}/delete")
    grader.hold.set()
    assert wired.practice.wait_graded(round_id, 5)
    assert rows(settings, "SELECT count(*) FROM feedbacks") == [(0,)]
    assert files_with(settings.data_dir, SECRET) == []
