"""The LLM as a grader: a verdict and a verbatim quote for each point and mistake, and every quote is looked up."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.feedback import Answer, Evidence, Feedback, Flag, MistakeFeedback, PointCredit, feedback_from, marks
from app.core.llm import Book, LLMFailed, Model, OnText, Prompt
from app.core.question import Level
from app.core.rubric import Rubric, Scale, Verdict
from app.grading.flags import count_words
from app.grading.llm import prompts, quotes

VERSION = "judge-2"
"""Of the prompt's text and of how its reply is read."""

EXAMPLES = 2
"""Exemplars shown for each point."""
TRIES = 2
"""Replies asked for before one that can't be read counts as a failure."""
CREDIT = {"said": 1.0, "partly": 0.5, "missing": 0.0}
SHORTEST = 3
"""Words; where all that was said has fewer, there is nothing to judge and nothing is sent."""
ADVICE_MOST = 600
"""Characters of the advice; the two sentences asked for have about 250."""

_ADVICE = re.compile(r'"advice"\s*:\s*"((?:[^"\\]|\\.)+)')
_VERDICT = '"verdict"'


class PointReply(BaseModel):
    """What the model says of a point."""

    model_config = ConfigDict(extra="ignore")

    quote: str
    verdict: Literal["said", "partly", "missing"]


class MistakeReply(BaseModel):
    """What the model says of a mistake."""

    model_config = ConfigDict(extra="ignore")

    quote: str
    made: bool


class Reply(BaseModel):
    """A whole reply. Ids that the rubric lacks are passed over; one that is missing makes the reply unusable."""

    model_config = ConfigDict(extra="ignore")

    points: dict[str, PointReply]
    mistakes: dict[str, MistakeReply] = Field(default_factory=dict)
    advice: Annotated[str, Field(max_length=4000)] = ""
    verdict: Verdict | None = None


class LLMGrader:
    """Asks a model about each answer, once: what it said of the same texts before comes from the book."""

    def __init__(
        self, model: Model, scale: Scale, level: Level, book: Book | None, clock: Callable[[], datetime]
    ) -> None:
        """Without a `book` every call asks. `clock` tells the time in UTC."""
        self._model = model
        self._scale = scale
        self._level = level
        self._book = book
        self._clock = clock

    @property
    def name(self) -> str:
        """The prompt's version and the model."""
        return f"llm-{VERSION} ({self._model.name})"

    def prompt(self, question: str, rubric: Rubric, answers: Sequence[Answer]) -> Prompt | None:
        """What the model is asked about `answers`; None where they say nothing that could be judged."""
        said = [prompts.harmless(answer) for answer in answers]
        if sum(count_words(answer.text) for answer in said) < SHORTEST:
            return None
        band = self._scale.levels[self._level]
        return prompts.fill(
            "judge",
            schema(rubric),
            question=question,
            rubric=rubric,
            level=self._level,
            anchors=[(verdict.value, band[verdict].anchor) for verdict in Verdict],
            answers=said,
            mark=prompts.fence([answer.text for answer in said]),
            examples=EXAMPLES,
        )

    def key(self, prompt: Prompt) -> str:
        """Under which a reply is kept: the prompt with all that is in it, its version, and the model."""
        parts = (VERSION, self._model.name, prompt.system, prompt.user)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()

    def grade(
        self, question: str, rubric: Rubric, answers: Sequence[Answer], on_text: OnText | None = None
    ) -> Feedback:
        """Feedback on the turns of one question; see app.core.grader.Grader. Raises LLMFailed.

        `on_text` gets, in words for the page, how far the reply has come.
        """
        prompt = self.prompt(question, rubric, answers)
        if prompt is None:
            return feedback_from(rubric, [], [], [Flag.no_answer], self.name)
        key = self.key(prompt)
        if self._book and (known := self._book.llm_reply(key)) is not None:
            return self._read(read(known, rubric), rubric, answers)
        text, reply = self._asked(prompt, rubric, on_text)
        if self._book:
            self._book.add_llm_reply(key, marks(answers), text, self._clock())
        return self._read(reply, rubric, answers)

    def _asked(self, prompt: Prompt, rubric: Rubric, on_text: OnText | None) -> tuple[str, Reply]:
        def show(so_far: str) -> None:
            if on_text:
                on_text(in_words(so_far, len(rubric.points)))

        for left in reversed(range(TRIES)):
            text = self._model.ask(prompt, show)
            try:
                return text, read(text, rubric)
            except LLMFailed:
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _read(self, reply: Reply, rubric: Rubric, answers: Sequence[Answer]) -> Feedback:
        """A reply as feedback: a verdict whose quote is not in the answer is void."""
        void: list[str] = []
        found, made = [], []
        judged = [prompts.harmless(answer) for answer in answers]
        for point in rubric.points:
            said = reply.points[point.id]
            credit, evidence = CREDIT[said.verdict], _evidence(said.quote, answers, judged)
            if credit and evidence is None:
                void.append(point.id)
                credit = 0.0
            late = evidence is not None and any(one.turn == evidence.turn and one.after_probe for one in answers)
            found.append(PointCredit(point_id=point.id, credit=credit, evidence=evidence, after_probe=late))
        for mistake in rubric.mistakes:
            claimed = reply.mistakes[mistake.id]
            evidence = _evidence(claimed.quote, answers, judged) if claimed.made else None
            if claimed.made and evidence is None:
                void.append(mistake.id)
            made.append(MistakeFeedback(mistake_id=mistake.id, made=evidence is not None, evidence=evidence))
        feedback = feedback_from(rubric, found, made, (), self.name)
        advice = " ".join(reply.advice.split())[:ADVICE_MOST] or None
        return feedback.model_copy(update={"advice": advice, "impression": reply.verdict, "void": tuple(void)})


def _evidence(quote: str, answers: Sequence[Answer], judged: Sequence[Answer]) -> Evidence | None:
    """Where a quote stands in the answers; only words that the model was shown count."""
    return quotes.find(quote, answers) if quotes.find(quote, judged) else None


def schema(rubric: Rubric) -> dict[str, Any]:
    """The JSON schema of a reply on this rubric: every id once, the quote before the verdict."""

    def entry(last: str, kind: dict[str, Any]) -> dict[str, Any]:
        return _object({"quote": {"type": "string"}, last: kind})

    verdict = {"type": "string", "enum": ["said", "partly", "missing"]}
    return _object(
        {
            "points": _object({point.id: entry("verdict", verdict) for point in rubric.points}),
            "mistakes": _object({one.id: entry("made", {"type": "boolean"}) for one in rubric.mistakes}),
            "advice": {"type": "string"},
            "verdict": {"type": "string", "enum": [one.value for one in Verdict]},
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def in_words(so_far: str, points: int) -> str:
    """How far a reply has come, for the page: the advice as far as it stands there, or how many points were read."""
    if found := _ADVICE.search(so_far):
        with contextlib.suppress(ValueError):  # it ends within an escape: one more piece and it is whole
            advice = str(json.loads(f'"{found[1]}"')).encode("utf-8", "ignore").decode()  # half an emoji is none
            return " ".join(advice.split())
    return f"Reading point {min(points, so_far.count(_VERDICT) + 1)} of {points} …"


def read(text: str, rubric: Rubric) -> Reply:
    """A model's reply, which may stand between other words. Raises LLMFailed when it is not what was asked for."""
    text = prompts.without_thoughts(text)
    start, end = text.find("{"), text.rfind("}")
    try:
        data = json.loads(text[start : end + 1])
        for part in ("points", "mistakes"):
            if isinstance(data.get(part), list):  # as some models write it who are not held to the schema
                data[part] = {str(one.get("id")): one for one in data[part] if isinstance(one, dict)}
        reply = Reply.model_validate(data)
    except (ValueError, RecursionError, AttributeError, ValidationError):
        raise LLMFailed("The model's reply is not the JSON that was asked for. A larger model may do better.") from None
    wanted = {*(point.id for point in rubric.points)} - {*reply.points}
    wanted |= {*(one.id for one in rubric.mistakes)} - {*reply.mistakes}
    if wanted:
        raise LLMFailed(f"The model's reply leaves out {len(wanted)} of the rubric's points and mistakes.")
    return reply
