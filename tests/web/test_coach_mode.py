"""Coach mode: feedback after each question, and the candidate says when to go on."""

from __future__ import annotations

from starlette.testclient import TestClient

from app.core.plan import Mode
from app.core.round import Ending, PromptKind
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, load, parts, points_of, read, rows


def test_feedback_is_shown_after_the_question_and_nothing_is_asked_yet(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL, mode=Mode.coach)
    page = read(answer(client, round_id, 0, "ALL").text)
    review = page.one("section", class_="review")
    assert "100 of 100" in review.text
    assert len(review.all("li", class_="said")) == len(points_of(client))
    assert page.one(id="round").attrs["data-stage"] == "review"
    assert page.one(id="clock").attrs["data-running"] == "no"
    assert load(client, round_id).round.open_turn is None


def test_the_follow_ups_come_before_the_feedback(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, mode=Mode.coach)
    for position in range(2):
        page = read(answer(client, round_id, position, "nothing").text)
        assert not page.all("section", class_="review")
        asked = load(client, round_id).round.open_turn
        assert asked is not None
        assert asked.kind is PromptKind.probe
    page = read(answer(client, round_id, 2, points_of(client)[0]).text)
    assert "counts 70" in page.one("section", class_="review").text


def test_going_on_asks_the_next_question_once(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING, RECALL, mode=Mode.coach)
    answer(client, round_id, 0, "ALL")
    for _ in range(2):
        page = read(client.post(f"/rounds/{round_id}/continue").text)
        assert page.one("span", class_="progress-text").text == "Question 2 of 2"
    assert rows(settings, "SELECT position, question_index FROM prompts ORDER BY position") == [(0, 0), (1, 1)]


def test_the_last_go_on_ends_the_round_and_shows_the_report(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, mode=Mode.coach)
    page = read(answer(client, round_id, 0, "ALL").text)
    assert "See the report" in page.one("section", class_="review").text
    assert load(client, round_id).round.ended_at is None
    response = client.post(f"/rounds/{round_id}/continue")
    assert response.url.path == f"/rounds/{round_id}/report"
    assert load(client, round_id).round.ending is Ending.finished


def test_looking_again_keeps_the_feedback_on_the_page(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL, mode=Mode.coach)
    answer(client, round_id, 0, "ALL")
    for _ in range(2):
        assert read(client.get(f"/rounds/{round_id}").text).all("section", class_="review")
    assert len(load(client, round_id).round.turns) == 1


def test_going_on_while_a_prompt_is_open_changes_nothing(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL, mode=Mode.coach)
    before = load(client, round_id)
    assert client.post(f"/rounds/{round_id}/continue").status_code == 200
    assert load(client, round_id) == before


def test_pressure_shows_no_feedback_and_no_model_answer_before_the_end(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    bank = parts(client).practice
    pages = [client.get(f"/rounds/{round_id}").text, answer(client, round_id, 0, "ALL").text]
    for html in pages:
        text = read(html).text
        assert "of 100" not in text
        assert bank.questions[OVERFITTING].model_answer[:60] not in text
        assert not any(point.says in text for point in bank.rubrics[OVERFITTING].points)


def test_a_failed_grading_is_shown_and_can_be_tried_again_or_passed(client: TestClient, grader: WordGrader) -> None:
    round_id = begin(client, OVERFITTING, RECALL, mode=Mode.coach)
    grader.broken = True
    review = read(answer(client, round_id, 0, "ALL").text).one("section", class_="review")
    assert "could not be graded" in review.text
    assert review.all("button", formaction=f"/rounds/{round_id}/retry")
    grader.broken = False
    review = read(client.post(f"/rounds/{round_id}/retry").text).one("section", class_="review")
    assert "100 of 100" in review.text
    grader.broken = True
    client.post(f"/rounds/{round_id}/continue")
    answer(client, round_id, 1, "ALL")
    assert client.post(f"/rounds/{round_id}/continue").url.path == f"/rounds/{round_id}/report"
