"""`grade` and `evaluate` with a language model: asked for real, written down, and replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli.commands import app
from app.grading.llm.judge import VERSION
from app.settings import from_environment
from tests.cli.test_evaluate import small  # noqa: F401 - a fixture
from tests.llm_behaviours import error_500
from tests.llm_server import LLMServer, judged
from tests.test_batch import OWN

QUESTION = "lifecycle/champion-challenger"
ANSWER = (
    "I would rescore both models on one frozen holdout set that neither has seen. I bootstrap the gap to see whether "
    "it could be luck. Then the new one runs in shadow on live requests."
)
LINES = [
    {"id": 1, "question_id": QUESTION, "answer": ANSWER},
    {
        "id": "two",
        **{key: value for key, value in OWN.items() if key != "id"},
        "answer": "Air scatters blue light more.",
    },
    {"id": 3, "question_id": QUESTION, "answer": ""},
]


@pytest.fixture
def server() -> Iterator[LLMServer]:
    started = LLMServer()
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def _data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def named(server: LLMServer, monkeypatch: pytest.MonkeyPatch) -> LLMServer:
    monkeypatch.setenv("GREENROOM_LLM_BASE_URL", f"{server.address}/v1")
    monkeypatch.setenv("GREENROOM_LLM_MODEL", "m-1")
    return server


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    return file


def grade(*options: str) -> Result:
    return CliRunner().invoke(app, ["grade", "--grader", "llm", *options])


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def filled_in(ran: Result, file: Path, *, by: str = "key") -> Path:
    """The dry run with the replies of the server's own judge, named by the request's key or by the line's id."""
    found = lines(ran.stdout)
    for line in found:
        line["reply"] = json.loads(judged(line["request"]["messages"][1]["content"]))
        if by == "id":
            del line["key"], line["request"]
    file.write_text("".join(json.dumps(line) + "\n" for line in found), "utf-8")
    return file


def test_a_dry_run_writes_what_would_be_sent_and_sends_nothing(named: LLMServer, answers: Path) -> None:
    ran = grade("--jsonl", str(answers), "--dry-run")
    assert ran.exit_code == 0, ran.output
    found = lines(ran.stdout)
    assert [one["id"] for one in found] == [1, "two"]  # the empty answer is judged without a model
    assert named.requests == []
    asked = grade("--jsonl", str(answers))
    assert asked.exit_code == 0, asked.output
    sent = sorted(named.requests, key=json.dumps)
    assert sent == sorted((one["request"] for one in found), key=json.dumps)


@pytest.mark.parametrize("by", ["key", "id"])
def test_replies_from_a_file_give_what_the_server_would_have_given(
    named: LLMServer, answers: Path, tmp_path: Path, by: str
) -> None:
    replies = filled_in(grade("--jsonl", str(answers), "--dry-run"), tmp_path / "replies.jsonl", by=by)
    ran = grade("--jsonl", str(answers), "--replay", str(replies))
    assert ran.exit_code == 0, ran.output
    assert named.requests == []
    found = lines(ran.stdout)
    assert found == lines(grade("--jsonl", str(answers)).stdout)
    assert found[0]["score"] > 0
    assert found[2]["flags"] == ["no_answer"]
    for line, given in zip(LINES, found, strict=True):
        for point in given["points"]:
            if point["evidence"]:
                span = slice(point["evidence"]["start"], point["evidence"]["end"])
                assert str(line["answer"])[span] == point["evidence"]["text"]


def test_a_reply_that_is_missing_is_a_problem_of_its_line(answers: Path, tmp_path: Path) -> None:
    replies = filled_in(grade("--jsonl", str(answers), "--dry-run"), tmp_path / "replies.jsonl")
    kept = replies.read_text("utf-8").splitlines()
    replies.write_text(kept[1] + "\n", "utf-8")
    ran = grade("--jsonl", str(answers), "--replay", str(replies))
    assert ran.exit_code == 1
    assert "line 1: the file of replies has none for this answer" in ran.stderr
    assert [one["id"] for one in lines(ran.stdout)] == ["two", 3]


def test_a_file_of_replies_that_is_none_is_refused(answers: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text("[]\n", "utf-8")
    ran = grade("--jsonl", str(answers), "--replay", str(wrong))
    assert ran.exit_code == 2
    assert "line 1 is no reply" in ran.stderr
    assert grade("--jsonl", str(answers), "--replay", str(tmp_path / "none.jsonl")).exit_code == 2


def test_what_is_sent_and_where_is_said_before_the_first_call(named: LLMServer, answers: Path) -> None:
    ran = grade("--jsonl", str(answers))
    assert f"Sending 2 answers with their questions and rubrics to {named.address[7:]}, model m-1" in ran.stderr


def test_the_same_answers_again_are_not_sent_again(named: LLMServer, answers: Path) -> None:
    first = grade("--jsonl", str(answers)).stdout
    count = len(named.requests)
    assert grade("--jsonl", str(answers)).stdout == first
    assert len(named.requests) == count == 2


def test_a_model_that_fails_is_a_problem_of_its_line_and_no_zero(named: LLMServer, answers: Path) -> None:
    named.behave(*[error_500] * 6)
    ran = grade("--jsonl", str(answers))
    assert ran.exit_code == 1
    assert "(500)" in ran.stderr
    assert [one["id"] for one in lines(ran.stdout)] == [3]


def test_without_a_model_the_command_says_how_to_name_one(answers: Path) -> None:
    ran = grade("--jsonl", str(answers))
    assert ran.exit_code == 2
    assert "GREENROOM_LLM_BASE_URL" in ran.stderr


def test_a_database_that_cannot_be_opened_is_named_without_a_traceback(named: LLMServer, answers: Path) -> None:
    database = from_environment().database_path
    database.parent.mkdir(parents=True, exist_ok=True)
    database.write_text("a shopping list, " * 100, "utf-8")
    ran = grade("--jsonl", str(answers))
    assert ran.exit_code == 2
    assert f"{database.parent} can't be used" in ran.stderr
    assert "GREENROOM_DATA_DIR" in ran.stderr
    assert isinstance(ran.exception, SystemExit)


@pytest.mark.parametrize("option", [["--dry-run"], ["--replay", "x"]])
def test_dry_runs_and_replays_are_for_the_language_model(answers: Path, option: list[str]) -> None:
    ran = CliRunner().invoke(app, ["grade", "--jsonl", str(answers), *option])
    assert ran.exit_code == 2
    assert "--grader llm" in ran.stderr


def test_evaluate_judges_the_language_model_beside_the_baselines(
    named: LLMServer,
    small: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    out = tmp_path / "figures.json"
    ran = CliRunner().invoke(app, ["evaluate", "--grader", "llm", "--content", str(small), "--json", str(out)])
    assert ran.exit_code == 0, ran.output
    figures = json.loads(out.read_text("utf-8"))
    assert figures[0]["grader"] == f"llm-{VERSION} (m-1)"
    assert len(figures) == 4
    assert figures[0]["overall"]["regraded"] == 1
    assert figures[0]["overall"]["spearman_within"] > 0
    labelled = [line for file in small.rglob("*.examples.jsonl") for line in file.read_text("utf-8").splitlines()]
    assert len(named.requests) == len(labelled)  # each once, though some are graded twice
