"""The report as Markdown and as JSON."""

from __future__ import annotations

import itertools

import pytest
from markdown_it import MarkdownIt
from starlette.testclient import TestClient

from app.core.plan import Mode
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, load, mistakes_of, parts, points_of

HOSTILE = [
    "<script>alert(1)</script>",
    "# A heading of mine",
    "```\n</code></pre>\n# after the fence",
    "- [x] a point that I tick myself\n\n\n---\n\n> quoted",
    "[link](javascript:alert(1)) ![image](http://example.com/x.png)",
    "\n\n\n# after blank lines\n\t# after a tab",
    "one\u2028# two\x0b# three\x85# four\r# five",
]


def ended(client: TestClient, text: str) -> str:
    round_id = begin(client, OVERFITTING, RECALL)
    client.post(f"/rounds/{round_id}/end", data={"text": text})
    parts(client).practice.wait_graded(round_id, 5)
    return round_id


def headings(markdown: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [after.content for one, after in itertools.pairwise(tokens) if one.type == "heading_open"]


def test_the_markdown_has_all_of_the_report(client: TestClient) -> None:
    said, wrong = points_of(client)[0], mistakes_of(client)[0]
    round_id = ended(client, f"It is {said} and {wrong}")
    response = client.get(f"/rounds/{round_id}/report.md")
    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    assert response.headers["content-disposition"].startswith('attachment; filename="greenroom-')
    assert response.headers["content-disposition"].endswith('.md"')
    wired = parts(client)
    rubric, question = wired.practice.rubrics[OVERFITTING], wired.practice.questions[OVERFITTING]
    feedback = load(client, round_id).feedbacks[0]
    assert headings(response.text)[1:] == [
        f"{question.title} ({feedback.score:.0f} of 100)",
        "Points",
        "Model answer",
        "Practise next",
    ]
    assert f"- [x] {rubric.point(said).says} — said, 1.00" in response.text
    assert f"- [ ] {rubric.point(points_of(client)[1]).says} — missing, 0.00" in response.text
    assert f"- Mistake: {rubric.mistake(wrong).says} **Instead:** {rubric.mistake(wrong).correction}" in response.text
    assert question.model_answer in response.text
    assert wired.practice.questions[RECALL].title not in response.text, "that one was never reached"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_a_quotation_in_markdown(client: TestClient, text: str) -> None:
    harmless = headings(client.get(f"/rounds/{ended(client, 'harmless')}/report.md").text)
    markdown = client.get(f"/rounds/{ended(client, text)}/report.md").text
    assert headings(markdown)[1:] == harmless[1:]
    tokens = MarkdownIt("commonmark").parse(markdown)
    assert {one.type for one in tokens}.isdisjoint({"html_block", "fence", "hr"})
    assert {inner.type for one in tokens for inner in one.children or ()}.isdisjoint({"html_inline", "image", "link"})
    quoted = "".join(one.content for one in tokens if one.type == "code_block")
    words = [word for word in text.split() if word]
    assert all(word in quoted for word in words)


def test_the_json_has_all_of_the_report(client: TestClient) -> None:
    said, wrong = points_of(client)[0], mistakes_of(client)[0]
    text = f'It is {said}, "</script>\n\u2028 {wrong} 😀'
    round_id = ended(client, text)
    response = client.get(f"/rounds/{round_id}/report.json")
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-disposition"].endswith('.json"')
    body = response.json()
    record = load(client, round_id)
    assert body["round"]["id"] == round_id
    assert body["round"]["ending"] == "ended"
    first, second = body["questions"]
    assert first["turns"][0]["reply"]["text"] == text
    assert first["feedback"] == record.feedbacks[0].model_dump(mode="json")
    assert body["score"] == record.feedbacks[0].score
    evidence = next(one["evidence"] for one in first["feedback"]["points"] if one["point_id"] == said)
    assert text[evidence["start"] : evidence["end"]] == evidence["text"] == said
    assert [one["mistake_id"] for one in first["feedback"]["mistakes"] if one["made"]] == [wrong]
    assert first["model_answer"]
    assert body["practise_next"][0]["point"] == points_of(client)[1]
    assert (second["reached"], second["model_answer"], second["rubric"], second["turns"]) == (False, None, None, [])


def test_a_failed_grading_is_no_score_in_either(client: TestClient) -> None:
    round_id = ended(client, "ungradable")
    body = client.get(f"/rounds/{round_id}/report.json").json()
    assert (body["score"], body["verdict"], body["questions"][0]["feedback"]) == (None, None, None)
    assert "refuses this answer" in body["questions"][0]["failure"]
    markdown = client.get(f"/rounds/{round_id}/report.md").text
    assert "(not graded)" in markdown
    assert "of 100" not in markdown


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("suffix", ["md", "json"])
def test_a_round_that_still_runs_has_no_export(client: TestClient, suffix: str, mode: Mode) -> None:
    round_id = begin(client, OVERFITTING, RECALL, mode=mode)
    answer(client, round_id, 0, "ALL")
    response = client.get(f"/rounds/{round_id}/report.{suffix}")
    assert response.status_code == 409
    assert parts(client).practice.questions[OVERFITTING].model_answer[:60] not in response.text
