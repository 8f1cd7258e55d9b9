"""The report of a round: verdict, evidence in the candidate's own text, points, mistakes, and what to do next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from app.core.feedback import MISTAKE_COST, Evidence, Feedback, Flag, LeftOut, SetAside, Status, Unheard
from app.core.question import Level
from app.core.rubric import PointKind, Verdict
from tests.web.helpers import (
    CONFLICT,
    OVERFITTING,
    RECALL,
    Node,
    answer,
    begin,
    load,
    mistakes_of,
    parts,
    points_of,
    read,
)


def played(client: TestClient, text: str, *more: str, level: Level = Level.mid) -> Node:
    """The report of a round of one question, ended after these answers."""
    round_id = begin(client, OVERFITTING, level=level)
    for position, said in enumerate((text, *more)):
        answer(client, round_id, position, said)
    client.post(f"/rounds/{round_id}/end", data={"text": ""})
    parts(client).practice.wait_graded(round_id, 5)
    return read(client.get(f"/rounds/{round_id}/report").text)


def point(page: Node, client: TestClient, point_id: str) -> Node:
    """The entry of a rubric point."""
    ids = [one.id for one in parts(client).practice.rubrics[OVERFITTING].points]
    return page.one(id=f"q1-point-{ids.index(point_id) + 1}")


def regrade(client: TestClient, round_id: str, feedback: Feedback) -> None:
    """Another grader's word on the first answer, later than the first one's."""
    later = load(client, round_id).round.started_at + timedelta(hours=1)
    parts(client).store.add_feedback(round_id, 0, feedback.model_copy(update={"grader": "later-1"}), later)


@pytest.mark.parametrize("level", Level)
def test_the_verdict_stands_with_its_anchor_for_the_level(client: TestClient, level: Level) -> None:
    page = played(client, "ALL", level=level)
    head = page.one("div", class_="report-verdict")
    assert head.one("h1").text == f"Strong hire for {level.label.lower()}"
    assert head.one("p", class_="lead").text == parts(client).scale.anchor(Verdict.strong_hire, level)
    assert page.one("svg", class_="ring").attrs["aria-label"] == "Score 100 of 100"


def test_evidence_is_marked_at_its_place_in_the_text_as_it_was_typed(client: TestClient) -> None:
    first, second = points_of(client)[:2]
    wrong = mistakes_of(client)[0]
    said = f"Ä 😀 first {first},\n  then  {second}; but {wrong}."
    page = played(client, said)
    box = page.all("div", class_="answer-text")[0]
    assert box.raw_text(without="ref") == said, "nothing may be lost or moved by the marks"
    assert [(mark.attrs["class"], mark.raw_text()) for mark in box.all("mark")] == [
        ("said", first),
        ("said", second),
        ("mistake", wrong),
    ]
    for reference in box.all("a", class_="ref"):
        assert page.all(id=reference.attrs["href"].removeprefix("#")), reference.attrs["href"]


def test_evidence_for_several_points_is_one_mark_with_all_their_numbers(client: TestClient) -> None:
    page = played(client, "It is ALL here")
    box = page.one("div", class_="answer-text")
    assert [mark.raw_text() for mark in box.all("mark")] == ["ALL"]
    assert [one.text for one in box.all("a", class_="ref")] == [str(n + 1) for n in range(len(points_of(client)))]


def test_hostile_text_is_shown_and_never_becomes_part_of_the_page(client: TestClient) -> None:
    first = points_of(client)[0]
    hostile = f'<script>alert(1)</script><img src=x onerror=alert(1)> {first} " onmouseover="x {{{{ 7*7 }}}} &amp;'
    page = played(client, hostile)
    assert page.all("div", class_="answer-text")[0].raw_text(without="ref") == hostile
    assert not [one for one in page.all("script") if "src" not in one.attrs]
    assert not [one for one in page if any(name.startswith("on") for name in one.attrs)]
    assert all(image.attrs["src"].startswith("/static/") for image in page.all("img"))


def test_hostile_text_that_is_the_evidence_is_escaped_as_well(client: TestClient) -> None:
    hostile = '<script>alert("1")</script> & <b>ALL</b>'
    round_id = begin(client, OVERFITTING)
    client.post(f"/rounds/{round_id}/end", data={"text": hostile})
    parts(client).practice.wait_graded(round_id, 5)
    feedback = load(client, round_id).feedbacks[0]
    all_of_it = Evidence(turn=0, start=0, end=len(hostile), text=hostile)
    points = tuple(one.model_copy(update={"evidence": all_of_it}) for one in feedback.points)
    regrade(client, round_id, feedback.model_copy(update={"points": points}))
    page = read(client.get(f"/rounds/{round_id}/report").text)
    assert page.one("mark").raw_text() == hostile
    assert {quote.raw_text() for quote in page.all("blockquote", class_="evidence")} == {hostile}
    assert not page.all("b")
    assert not [one for one in page.all("script") if "src" not in one.attrs]


def test_each_point_is_said_or_missing_with_its_evidence_and_why_it_matters(client: TestClient) -> None:
    first, second = points_of(client)[:2]
    page = played(client, f"well, {first}")
    rubric = parts(client).practice.rubrics[OVERFITTING]
    said, missing = point(page, client, first), point(page, client, second)
    assert said.one("span", class_="chip").text == "Said"
    assert said.one("blockquote").text == first
    assert missing.one("span", class_="chip").text == "Missing"
    assert not missing.all("blockquote")
    for one in rubric.points:
        entry = point(page, client, one.id)
        assert entry.one("span", class_="says").text == " ".join(one.says.split())
        assert " ".join(one.why.split()) in entry.text


def test_a_point_said_in_part_says_so(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    client.post(f"/rounds/{round_id}/end", data={"text": "ALL"})
    parts(client).practice.wait_graded(round_id, 5)
    feedback = load(client, round_id).feedbacks[0]
    halved = feedback.points[0].model_copy(update={"credit": 0.5, "status": Status.partly})
    regrade(client, round_id, feedback.model_copy(update={"points": (halved, *feedback.points[1:])}))
    page = read(client.get(f"/rounds/{round_id}/report").text)
    assert page.one(id="q1-point-1").one("span", class_="chip").text == "Partly said"
    assert page.one("section", class_="next").text.endswith("said in part")


def test_a_mistake_is_shown_with_the_words_and_what_is_right_instead(client: TestClient) -> None:
    wrong = mistakes_of(client)[1]
    page = played(client, f"ALL, and {wrong}")
    known = parts(client).practice.rubrics[OVERFITTING].mistake(wrong)
    entry = page.one("li", class_="mistake")
    assert entry.one("blockquote").text == wrong
    assert " ".join(known.says.split()) in entry.text
    assert " ".join(known.correction.split()) in entry.text
    assert f"{100 - MISTAKE_COST:.0f} of 100" in page.text
    assert " ".join(known.correction.split()) in page.one("section", class_="next").text


def test_what_came_only_after_a_follow_up_counts_less_and_says_so(client: TestClient) -> None:
    first = points_of(client)[0]
    page = played(client, "nothing yet", f"oh, {first}")
    assert "only after a follow-up: counts 70 %" in point(page, client, first).text
    assert page.text.count("only after a follow-up") == 1
    assert "2 follow-ups" in page.one("div", class_="verdict-line").text
    rubric = parts(client).practice.rubrics[OVERFITTING]
    expected = 70 * rubric.point(first).weight / sum(one.weight for one in rubric.points)
    assert f"{round(expected)} of 100" in page.one("div", class_="verdict-line").text


def test_a_signal_says_what_it_counts_where_little_of_what_was_asked_is_said(client: TestClient) -> None:
    rubric = parts(client).practice.rubrics[CONFLICT]
    signal = next(one for one in rubric.points if one.kind is PointKind.signal)
    own = [one for one in rubric.points if one.kind is not PointKind.signal]
    counts = {}
    for said in ("", own[0].id, f"{own[0].id} {own[1].id}"):
        round_id = begin(client, CONFLICT)
        client.post(f"/rounds/{round_id}/end", data={"text": f"{signal.id} {said}"})
        parts(client).practice.wait_graded(round_id, 5)
        page = read(client.get(f"/rounds/{round_id}/report").text)
        entry = page.one(id=f"q1-point-{rubric.points.index(signal) + 1}")
        assert entry.one("span", class_="chip").text == "Said"
        counts[said] = [text for text in ("counts 30 %", "counts 65 %", "counts") if text in entry.text][:1]
        download = client.get(f"/rounds/{round_id}/report.md").text
        assert ("How it is told counts" in download) == bool(counts[said])
    assert list(counts.values()) == [["counts 30 %"], ["counts 65 %"], []]


def test_a_flag_says_why_nothing_was_credited(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "", "skipped")
    page = read(client.get(f"/rounds/{round_id}/report").text)
    assert "No answer was given, so no point is credited." in page.one("p", class_="flag").text
    assert "You skipped this one." in page.one("div", class_="answer-text").text


def test_a_turn_that_did_not_count_says_why_where_it_stands(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    client.post(f"/rounds/{round_id}/end", data={"text": "ALL"})
    parts(client).practice.wait_graded(round_id, 5)
    feedback = load(client, round_id).feedbacks[0]
    aside = (SetAside(turn=0, flag=Flag.off_topic),)
    regrade(client, round_id, feedback.model_copy(update={"set_aside": aside}))
    why = "This is about something else than what was asked, so no point is credited. Start with the question."
    page = read(client.get(f"/rounds/{round_id}/report").text)
    assert page.one("div", class_="exchange").one("p", class_="flag").text == why
    assert why in client.get(f"/rounds/{round_id}/report.md").text


def test_sentences_that_were_not_judged_are_marked_and_named(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    client.post(f"/rounds/{round_id}/end", data={"text": "ALL, <b>by the way</b>"})
    parts(client).practice.wait_graded(round_id, 5)
    feedback = load(client, round_id).feedbacks[0]
    stretch = Evidence(turn=0, start=5, end=22, text="<b>by the way</b>")
    left_out = (LeftOut(stretch=stretch, why=Unheard.everyday_talk),)
    regrade(client, round_id, feedback.model_copy(update={"left_out": left_out}))
    page = read(client.get(f"/rounds/{round_id}/report").text)
    said = page.one("div", class_="answer-text").one("mark", class_="left-out")
    why = "this reads as small talk and was not judged."
    assert said.text == "(Left out: <b>by the way</b>)"
    assert said.attrs["title"].endswith(f"Left out: {why}")
    assert page.one("div", class_="exchange").one("p", class_="quiet").text == f"Left out: {why}"
    markdown = client.get(f"/rounds/{round_id}/report.md").text
    assert f"Left out: {why}\n\n    <b>by the way</b>\n" in markdown


def test_the_markdown_says_why_nothing_was_credited(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    answer(client, round_id, 0, "", "skipped")
    assert "No answer was given, so no point is credited." in client.get(f"/rounds/{round_id}/report.md").text


def test_a_draft_that_time_turned_into_the_answer_is_named_so(client: TestClient) -> None:
    round_id = begin(client, minutes=15, ago=timedelta(minutes=16))
    parts(client).store.save_draft(round_id, 0, "ALL", None, load(client, round_id).round.started_at)
    assert "the draft counted as the answer" in client.get(f"/rounds/{round_id}").text


def test_the_model_answer_comes_with_the_report_and_not_before(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    bank = parts(client).practice.questions
    beginnings = {one: " ".join(bank[one].model_answer.split())[:80] for one in (OVERFITTING, RECALL)}
    asking = read(answer(client, round_id, 0, "ALL").text).text
    assert not any(beginning in asking for beginning in beginnings.values())
    running = client.get(f"/rounds/{round_id}/report")
    assert running.url.path == f"/rounds/{round_id}", "a round that still runs has no report"
    page = read(client.post(f"/rounds/{round_id}/end", data={"text": ""}).text)
    assert [section.text.count(beginnings[OVERFITTING]) for section in page.all("details", class_="model-answer")] == [
        1,
        0,
    ]


def test_the_model_answer_of_a_question_never_reached_stays_closed(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, RECALL)
    page = read(client.post(f"/rounds/{round_id}/end", data={"text": "x"}).text)
    assert len(page.all("details", class_="model-answer")) == 1
    assert " ".join(parts(client).practice.questions[RECALL].model_answer.split())[:80] not in page.text


def test_the_heaviest_missing_points_come_first_in_what_to_practise_next(client: TestClient) -> None:
    page = played(client, "nothing")
    rubric = parts(client).practice.rubrics[OVERFITTING]
    items = page.one("section", class_="next").one("ol").all("li")
    assert [one.text for one in items] == [
        f"{' '.join(rubric.point(one).says.split())} missing" for one in points_of(client)[:5]
    ]


def test_a_round_of_several_questions_has_scores_by_domain_and_question(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING, CONFLICT)
    answer(client, round_id, 0, "ALL")
    answer(client, round_id, 1, "no points", "skipped")
    page = read(client.get(f"/rounds/{round_id}/report").text)
    assert [(row.one("dt").text, row.one("dd").text) for row in page.one("dl", class_="domains").all("div")] == [
        ("ML fundamentals", "100"),
        ("Behavioural", "0"),
    ]
    assert page.one("svg", class_="ring").attrs["aria-label"] == "Score 50 of 100"
    lines = page.one("nav", class_="summary").one("tbody").all("tr")
    assert [line.all("td")[-1].text for line in lines] == ["100", "0"]
    for line in lines:
        assert page.all("section", id=line.one("a").attrs["href"].removeprefix("#"))


def test_practise_again_shows_the_change_since_the_last_attempt(client: TestClient) -> None:
    first, second = points_of(client)[:2]
    before = begin(client, OVERFITTING, ago=timedelta(minutes=2))
    client.post(f"/rounds/{before}/end", data={"text": f"{first} and {mistakes_of(client)[0]}"})
    parts(client).practice.wait_graded(before, 5)
    old = load(client, before).feedbacks[0].score
    report = read(client.get(f"/rounds/{before}/report").text)
    again = report.one("form", action=f"/questions/{OVERFITTING}/practise")
    assert not report.all("span", class_="delta"), "there was nothing before it"
    response = client.post(again.attrs["action"], data={"level": "mid"})
    round_id = response.url.path.removeprefix("/rounds/")
    page = read(client.post(f"/rounds/{round_id}/end", data={"text": f"{first} and {second}"}).text)
    parts(client).practice.wait_graded(round_id, 5)
    new = load(client, round_id).feedbacks[0].score
    assert new > old
    delta = page.one("span", class_="delta")
    assert delta.text.startswith(f"+{round(new - old)} since")
    assert delta.one("a").attrs["href"] == f"/rounds/{before}/report"
    assert "last time: missing" in point(page, client, second).text
    assert "last time" not in point(page, client, first).text


def test_while_answers_are_being_graded_the_report_says_so_and_looks_again(
    client: TestClient, grader: object, impatient: None
) -> None:
    round_id = begin(client, OVERFITTING)
    grader.hold.clear()  # type: ignore[attr-defined]
    page = read(client.post(f"/rounds/{round_id}/end", data={"text": "ALL"}).text)
    assert page.one("h1").text == "Your answers are being graded"
    assert page.one(id="report").attrs["hx-get"] == f"/rounds/{round_id}/report"
    assert not page.all("form", action=f"/rounds/{round_id}/retry")
    grader.hold.set()  # type: ignore[attr-defined]
    assert parts(client).practice.wait_graded(round_id, 5)
    page = read(client.get(f"/rounds/{round_id}/report").text)
    assert page.one("h1").text.startswith("Strong hire")
    assert "hx-get" not in page.one(id="report").attrs
