"""Requests written to a file, and replies taken from one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.errors import InvalidRequest
from app.core.llm import LLMFailed
from app.core.question import Question
from app.core.rubric import Rubric
from app.grading.llm.chat import Chat
from app.grading.llm.judge import LLMGrader
from app.grading.llm.replay import KeptReplies, Unasked, read_replies, request_line
from tests.grading.llm.conftest import ANSWER, clock, said
from tests.llm_server import LLMServer, judged

OBJECT = {"points": {"a": {"quote": "“so”", "verdict": "said"}}, "mistakes": {}}
TEXT = json.dumps(OBJECT, ensure_ascii=False)
COMPLETION = {"id": "c1", "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}}]}
REPLIES: dict[str, Any] = {
    "text": {"reply": TEXT},
    "object": {"reply": OBJECT},
    "chat completion": {"reply": COMPLETION},
    "line of a batch file": {"response": {"status_code": 200, "body": COMPLETION}},
}


@pytest.fixture
def line(judge: LLMGrader, question: Question, rubric: Rubric) -> dict[str, Any]:
    prompt = judge.prompt(question.prompt, rubric, said(ANSWER))
    assert prompt is not None
    return request_line("a-1", judge.key(prompt), "m-1", prompt)


def test_a_line_holds_what_would_be_sent(
    judge: LLMGrader, chat: Chat, server: LLMServer, question: Question, rubric: Rubric, line: dict[str, Any]
) -> None:
    written = json.loads(json.dumps(line))
    prompt = judge.prompt(question.prompt, rubric, said(ANSWER))
    assert prompt is not None
    chat.ask(prompt)
    assert server.requests == [written["request"]]
    assert (written["id"], written["reply"]) == ("a-1", None)


def test_a_line_written_and_not_filled_in_has_no_reply(line: dict[str, Any]) -> None:
    assert read_replies([json.dumps(line), "", "\n"]) == {}


@pytest.mark.parametrize("form", REPLIES)
def test_a_reply_may_stand_in_several_forms(form: str) -> None:
    found = read_replies([json.dumps({"id": 7, "key": "k"} | REPLIES[form]) + "\n"])
    assert found.keys() == {"k", "id:7"}
    assert {json.dumps(json.loads(text)) for text in found.values()} == {json.dumps(OBJECT)}


@pytest.mark.parametrize("name", ["id", "key"])
def test_an_id_or_a_key_is_enough(name: str) -> None:
    assert read_replies([json.dumps({name: "x", "reply": "y"})]) == {"x" if name == "key" else "id:x": "y"}


@pytest.mark.parametrize(
    "bad",
    [
        "{half",
        "[]",
        '"text"',
        "7",
        '{"key": "k", "reply": 7}',
        '{"key": "k", "reply": [1]}',
        '{"key": "k", "reply": {"choices": []}}',
        '{"key": "k", "reply": {"choices": [{}]}}',
        '{"key": "k", "reply": {"choices": [{"message": {"content": null}}]}}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:60],
)
def test_a_bad_line_is_named_by_its_number(bad: str) -> None:
    good = json.dumps({"id": 1, "reply": "x"})
    with pytest.raises(InvalidRequest, match="line 3 "):
        read_replies([good, "", bad, good])


def replayed(judge: LLMGrader, kept: KeptReplies) -> LLMGrader:
    """The judge over replies from a file, with no server."""
    return LLMGrader(Unasked("m-1"), judge._scale, judge._level, kept, clock)


@pytest.mark.parametrize("name", ["key", "id"])
def test_a_reply_taken_from_a_file_gives_the_same_feedback(
    judge: LLMGrader, server: LLMServer, question: Question, rubric: Rubric, line: dict[str, Any], name: str
) -> None:
    live = judge.grade(question.prompt, rubric, said(ANSWER))
    assert live.score > 0
    kept = KeptReplies(read_replies([json.dumps({name: line[name], "reply": judged(server.users[0])})]))
    kept.also(line["key"], f"id:{line['id']}")
    assert replayed(judge, kept).grade(question.prompt, rubric, said(ANSWER)) == live
    assert len(server.requests) == 1


def test_a_replys_own_key_goes_before_its_id() -> None:
    kept = KeptReplies({"k": "by key", "id:1": "by id"})
    kept.also("k", "id:1")
    kept.also("other", "id:1")
    kept.also("third", "id:2")
    assert [kept.llm_reply(key) for key in ("k", "other", "third")] == ["by key", "by id", None]


def test_an_answer_without_a_reply_fails_and_says_what_to_do(
    judge: LLMGrader, server: LLMServer, question: Question, rubric: Rubric
) -> None:
    with pytest.raises(LLMFailed, match="--dry-run"):
        replayed(judge, KeptReplies({})).grade(question.prompt, rubric, said(ANSWER))
    assert not server.requests
