"""Grading lines: what is read, what is refused and how it is reported."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.batch import BadLine, Bank, grade_lines, line_out, read_line
from app.content import Content
from app.core.errors import GradingFailed
from app.core.feedback import Answer, Evidence, LeftOut, Unheard
from app.core.question import Level
from tests.graders import WordGrader

POINT = {"id": "scatter", "says": "Short wavelengths scatter more."}
OWN = {"id": 1, "question": "Why is the sky blue?", "points": [POINT], "answer": "Blue scatters more."}
BANKED = {"id": "a", "question_id": "lifecycle/champion-challenger", "answer": "I rescore both on the same data."}


@pytest.fixture
def bank(content: Content) -> Bank:
    return Bank(content.questions, content.rubrics, content.scale)


def test_a_bank_line_and_a_line_with_its_own_rubric_are_read(bank: Bank) -> None:
    job = read_line(json.dumps(BANKED), bank, 1000)
    assert job.rubric is bank.rubrics[BANKED["question_id"]]
    mistakes = [{"id": "sea", "says": "The sky mirrors the sea.", "denies": ["scatter"]}]
    own = read_line(json.dumps({**OWN, "mistakes": mistakes}), bank, 1000)
    assert (own.id, own.rubric.points[0].weight) == (1, 1)
    assert [(one.id, one.denies) for one in own.rubric.mistakes] == [("sea", ("scatter",))]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("nope", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not a JSON object"),
        ({**BANKED, "question_id": "no/such"}, "no question 'no/such'"),
        ({key: value for key, value in BANKED.items() if key != "answer"}, "answer: is missing"),
        ({**BANKED, "answer": 5}, "answer: Input should be a valid string"),
        ({**BANKED, "answer": "x" * 1001}, "1001 characters, at most 1000"),
        ({"id": 1, "answer": "x"}, "give either question_id, or question and points"),
        ({**BANKED, "question": "Why?", "points": [POINT]}, "give either question_id, or question and points"),
        ({**OWN, "points": [{**POINT, "exemplar": []}]}, "points.0.exemplar: unknown key"),
        ({**OWN, "points": []}, "at least one of points"),
        ({**OWN, "points": [POINT, POINT]}, "two points have the same id"),
        ({**OWN, "points": [{**POINT, "weight": 0}]}, "points.0.weight"),
        ({**OWN, "points": [{**POINT, "says": " "}]}, "points.0.says"),
        (
            {**OWN, "mistakes": [{"id": "m", "says": "Wrong.", "denies": ["no-such"]}]},
            "mistake m denies no-such: name points of the same line",
        ),
    ],
)
def test_a_bad_line_says_what_to_do(bank: Bank, line: Any, reason: str) -> None:
    with pytest.raises(BadLine, match=reason.replace("[", r"\[")):
        read_line(line if isinstance(line, str) else json.dumps(line), bank, 1000)


def test_columns_of_ones_own_are_passed_over(bank: Bank) -> None:
    assert read_line(json.dumps({**BANKED, "grade": 3, "question": "as asked"}), bank, 1000).answer == BANKED["answer"]
    weighted = {**OWN, "points": [{**POINT, "weight": 2.5}], "mistakes": None}
    assert read_line(json.dumps(weighted), bank, 1000).rubric.points[0].weight == 2.5


@pytest.mark.parametrize("workers", [1, 4])
def test_outcomes_come_in_order_with_their_line_numbers(bank: Bank, workers: int) -> None:
    lines = [json.dumps(BANKED), "", "nope", json.dumps(OWN), *[json.dumps({**OWN, "id": n}) for n in range(40)]]
    found = list(grade_lines(lines, WordGrader(), bank, level=Level.mid, answer_max_chars=1000, workers=workers))
    assert [one.number for one in found] == [1, 3, 4, *range(5, 45)]
    assert [one.number for one in found if one.problem] == [3]
    first = found[0].result
    assert first is not None
    assert set(first) == {"id", "score", "verdict", "points", "mistakes", "flags", "grader"}
    assert set(first["points"][0]) == {"id", "credit", "status", "evidence"}
    assert [one.result["id"] for one in found[3:] if one.result] == list(range(40))


def test_a_line_out_names_what_was_not_judged(bank: Bank) -> None:
    job = read_line(json.dumps(BANKED), bank, 1000)
    found = WordGrader().grade(job.question, job.rubric, [Answer(turn=0, text=job.answer)])
    stretch = Evidence(turn=0, start=2, end=9, text=job.answer[2:9])
    aside = found.model_copy(update={"left_out": (LeftOut(stretch=stretch, why=Unheard.everyday_talk),)})
    line = line_out(job.id, aside, bank.scale, Level.mid)
    assert line["left_out"] == [{"start": 2, "end": 9, "text": "rescore", "why": "everyday_talk"}]


def test_a_grading_that_fails_is_a_problem_of_its_line(bank: Bank) -> None:
    class Broken:
        name = "broken"

        def grade(self, *_: object) -> Any:
            raise GradingFailed("out of memory: free some")

    found = list(grade_lines([json.dumps(OWN)], Broken(), bank, level=Level.mid, answer_max_chars=1000))
    assert found[0].problem == "out of memory: free some"
