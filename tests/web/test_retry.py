"""A grading that failed: said so, never a zero, tried again, and no reason to stop practising."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.core.plan import Mode
from app.core.round import PromptKind
from app.main import create_app
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, eventually, load, parts, read, rows


def test_a_failed_grading_says_so_and_is_no_zero(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    page = read(answer(client, round_id, 0, "ungradable").text)
    assert page.one("h1").text == "Nothing graded yet"
    assert "This answer could not be graded: The word grader refuses" in page.text
    assert "nothing is lost" in page.text
    assert not page.all("div", class_="report-score")
    assert not page.all("span", class_="verdict")
    assert rows(settings, "SELECT count(*) FROM feedbacks") == [(0,)]
    assert rows(settings, "SELECT position, reason FROM failures") == [
        (0, "The word grader refuses this answer. Try again.")
    ]


def test_retry_grades_what_failed(client: TestClient, grader: WordGrader) -> None:
    round_id = begin(client, OVERFITTING)
    grader.broken = True
    page = read(answer(client, round_id, 0, "ALL").text)
    assert page.all("form", action=f"/rounds/{round_id}/retry")
    grader.broken = False
    page = read(client.post(f"/rounds/{round_id}/retry").text)
    assert "100 of 100" in page.text
    assert "could not be graded" not in page.text
    feedback = load(client, round_id).feedback_on(0)
    assert feedback is not None
    assert feedback.score == 100


def test_a_retry_that_fails_again_says_so_again(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "ungradable")
    page = read(client.post(f"/rounds/{round_id}/retry").text)
    assert "could not be graded" in page.text
    assert page.all("form", action=f"/rounds/{round_id}/retry")


def test_a_retry_grades_nothing_twice(client: TestClient, grader: WordGrader, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "ALL")
    client.post(f"/rounds/{round_id}/retry")
    assert grader.graded == 1
    assert rows(settings, "SELECT count(*) FROM feedbacks") == [(1,)]


def test_under_pressure_the_round_goes_on_without_a_follow_up(client: TestClient, grader: WordGrader) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    grader.broken = True
    answer(client, round_id, 0, "said")
    asked = load(client, round_id).round.open_turn
    assert asked is not None
    assert (asked.kind, asked.question_index) == (PromptKind.question, 1)
    grader.broken = False
    page = read(answer(client, round_id, 1, "ALL").text)
    assert "could not be graded" not in page.text, "the next grading takes up what failed before"
    assert load(client, round_id).feedback_on(0) is not None


def test_one_failure_does_not_take_the_other_scores_away(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    answer(client, round_id, 0, "ungradable")
    page = read(answer(client, round_id, 1, "ALL").text)
    assert page.one("h1").text.startswith("Strong hire")
    assert "could not be graded" in page.text
    assert page.all("form", action=f"/rounds/{round_id}/retry")


def test_a_grader_that_breaks_is_a_failure_and_not_a_lost_answer(settings: Settings) -> None:
    class Breaking(WordGrader):
        def grade(self, *_: object) -> None:  # type: ignore[override]
            raise RuntimeError("CUDA is on fire")

    with TestClient(create_app(settings, Breaking())) as client:
        round_id = begin(client, OVERFITTING)
        page = read(answer(client, round_id, 0, "kept").text)
        assert "The grader broke off (RuntimeError)" in page.text
        assert rows(settings, "SELECT text FROM replies") == [("kept",)]


@pytest.mark.parametrize("mode", Mode)
def test_without_a_grader_one_can_practise_and_a_later_start_grades(
    settings: Settings, tmp_path: Path, mode: Mode
) -> None:
    no_model = settings.model_copy(update={"embedding_model": str(tmp_path / "no-model-here")})
    with TestClient(create_app(no_model)) as client:
        eventually(lambda: client.get("/health").json()["grader"] == "failed")
        start = read(client.get("/").text).one(id="grader")
        assert "could not be loaded" in start.text
        assert "no-model-here" in start.text
        round_id = begin(client, OVERFITTING, RECALL, mode=mode)
        for position in range(2):
            answer(client, round_id, position, "ALL")
            assert parts(client).practice.wait_graded(round_id, 5)
            if mode is Mode.coach:
                review = read(client.get(f"/rounds/{round_id}").text).one("section", class_="review")
                assert "There is no sentence model" in review.text
                client.post(f"/rounds/{round_id}/continue")
            else:
                client.get(f"/rounds/{round_id}")
        page = read(client.get(f"/rounds/{round_id}/report").text)
        assert page.one("h1").text == "Nothing graded yet"
    assert rows(settings, "SELECT text FROM replies ORDER BY position") == [("ALL",), ("ALL",)]
    with TestClient(create_app(settings, WordGrader())) as client:
        assert parts(client).practice.wait_graded(round_id, 5)
        page = read(client.get(f"/rounds/{round_id}/report").text)
        assert page.one("h1").text.startswith("Strong hire")


def test_an_unknown_round_cannot_be_tried_again(client: TestClient) -> None:
    assert client.post("/rounds/no-such-round/retry").status_code == 404
