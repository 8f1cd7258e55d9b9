"""Grading a file of answers: JSON lines in, JSON lines out; a bad line is reported and the rest goes on."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.core.errors import GradingFailed, GreenroomError
from app.core.feedback import Answer, Evidence, Feedback
from app.core.grader import Grader
from app.core.question import Level, Question, Strict, Text
from app.core.rubric import Mistake, Point, Rubric, Scale

OWN_RUBRIC = "own/rubric"
"""The question id that feedback on a rubric of one's own carries inside; it never appears in the output."""

Id = Annotated[Text | int, Field(description="handed back as it came")]
Name = Annotated[Text, Field(max_length=200)]


class LinePoint(Strict):
    """A point of a rubric of one's own."""

    id: Name
    says: Text
    exemplars: tuple[Text, ...] = ()
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1


class LineMistake(Strict):
    """A mistake of a rubric of one's own; `denies` are the ids of points that it says the contrary of."""

    id: Name
    says: Text
    exemplars: tuple[Text, ...] = ()
    correction: Text | None = None
    denies: tuple[Name, ...] = ()


class Line(BaseModel):
    """One line in: an answer with either the id of a question of the bank or a question and rubric of its own.

    Other keys of a line are passed over: files often carry columns of their own, a label for instance.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Id
    answer: str
    question_id: str | None = None
    question: str | None = None
    points: tuple[LinePoint, ...] | None = None
    mistakes: tuple[LineMistake, ...] | None = None

    @model_validator(mode="after")
    def _one_rubric(self) -> Line:
        own = self.points is not None or bool(self.mistakes) or self.question_id is None
        if own == (self.question_id is not None) or (own and self.question is None and self.points is None):
            raise ValueError("give either question_id, or question and points")
        if own and (self.question is None or not self.points):
            raise ValueError("a rubric of its own needs both question and at least one of points")
        for what, entries in (("point", self.points or ()), ("mistake", self.mistakes or ())):
            ids = [entry.id for entry in entries]
            if len(set(ids)) < len(ids):
                raise ValueError(f"two {what}s have the same id: give each its own")
        points = {entry.id for entry in self.points or ()}
        for mistake in self.mistakes or ():
            if unknown := sorted(set(mistake.denies) - points):
                raise ValueError(f"mistake {mistake.id} denies {', '.join(unknown)}: name points of the same line")
        return self


class BadLine(GreenroomError):
    """A line that can't be graded; the text says what to do."""


class Outcome(NamedTuple):
    """What came of one line: its number (from 1), and either the line out or the reason why there is none."""

    number: int
    result: dict[str, Any] | None
    problem: str | None


class Bank(NamedTuple):
    """The content that lines may refer to."""

    questions: Mapping[str, Question]
    rubrics: Mapping[str, Rubric]
    scale: Scale


class Job(NamedTuple):
    """A line made ready for a grader."""

    id: str | int
    question: str
    rubric: Rubric
    answer: str


def read_line(text: str, bank: Bank, answer_max_chars: int) -> Job:
    """The job that one line asks for. Raises BadLine."""
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadLine(f"not JSON ({error}): write one JSON object a line") from None
    if not isinstance(data, dict):
        raise BadLine('not a JSON object: a line looks like {"id": ..., "question_id": ..., "answer": ...}')
    try:
        line = Line.model_validate(data)
    except ValidationError as error:
        raise BadLine("; ".join(_reason(detail) for detail in error.errors(include_url=False))) from None
    if len(line.answer) > answer_max_chars:
        raise BadLine(
            f"answer: {len(line.answer)} characters, at most {answer_max_chars} are read: shorten it, or raise "
            "GREENROOM_ANSWER_MAX_CHARS"
        )
    if line.question_id is None:
        return Job(line.id, line.question or "", own_rubric(line.points or (), line.mistakes or ()), line.answer)
    if line.question_id not in bank.questions or line.question_id not in bank.rubrics:
        raise BadLine(f"question_id: no question {line.question_id!r} in the bank: use one of its ids, such as "
                      f"{next(iter(bank.questions), 'lifecycle/champion-challenger')!r}")  # fmt: skip
    question = bank.questions[line.question_id]
    return Job(line.id, question.prompt, bank.rubrics[line.question_id], line.answer)


def grade_lines(
    lines: Iterable[str],
    grader: Grader,
    bank: Bank,
    *,
    level: Level,
    answer_max_chars: int,
    workers: int = 1,
) -> Iterator[Outcome]:
    """The outcome of each line, in order; empty lines are passed over. Lines are read as they are needed.

    A grading that fails is a problem of its line, as a line that can't be read is.
    """

    def one(number: int, text: str) -> Outcome:
        try:
            job = read_line(text, bank, answer_max_chars)
            feedback = grader.grade(job.question, job.rubric, [Answer(turn=0, text=job.answer)])
        except (BadLine, GradingFailed) as error:
            return Outcome(number, None, str(error))
        return Outcome(number, line_out(job.id, feedback, bank.scale, level), None)

    numbered = ((number, text) for number, text in enumerate(lines, start=1) if text.strip())
    yield from _in_order(one, numbered, workers)


def line_out(line_id: str | int, feedback: Feedback, scale: Scale, level: Level) -> dict[str, Any]:
    """The line out for one feedback; what not every feedback has stands there where this one has it."""
    more: dict[str, Any] = {"advice": feedback.advice} if feedback.advice else {}
    more |= {"impression": feedback.impression.value} if feedback.impression else {}
    more |= {"void": list(feedback.void)} if feedback.void else {}
    left_out = [_stretch(one.stretch) | {"why": one.why.value} for one in feedback.left_out]
    more |= {"left_out": left_out} if left_out else {}
    return {
        "id": line_id,
        "score": feedback.score,
        "verdict": scale.verdict(feedback.score, level).value,
        "points": [
            {
                "id": point.point_id,
                "credit": point.credit,
                "status": point.status.value,
                "evidence": _stretch(point.evidence) if point.evidence else None,
            }
            for point in feedback.points
        ],
        "mistakes": [
            {
                "id": one.mistake_id,
                "made": one.made,
                "evidence": _stretch(one.evidence) if one.evidence else None,
            }
            for one in feedback.mistakes
        ],
        "flags": [flag.value for flag in feedback.flags],
        "grader": feedback.grader,
        **more,
    }


def _stretch(evidence: Evidence) -> dict[str, Any]:
    return evidence.model_dump(include={"start", "end", "text"})


def _in_order(
    work: Callable[[int, str], Outcome], numbered: Iterable[tuple[int, str]], workers: int
) -> Iterator[Outcome]:
    """`work` done by threads, a few lines ahead, its outcomes in the lines' order."""
    with ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[Outcome]] = deque()
        try:
            for number, text in numbered:
                ahead.append(pool.submit(work, number, text))
                if len(ahead) >= 4 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def own_rubric(points: Sequence[LinePoint], mistakes: Sequence[LineMistake]) -> Rubric:
    """A rubric of one's own as a core value; the texts that grading does not read are filled with the statement."""
    return Rubric.model_construct(
        question_id=OWN_RUBRIC,
        points=tuple(
            Point.model_construct(
                id=point.id,
                says=point.says,
                why=point.says,
                weight=point.weight,
                exemplars=point.exemplars,
                probe="",
            )
            for point in points
        ),
        mistakes=tuple(
            Mistake.model_construct(
                id=mistake.id,
                says=mistake.says,
                exemplars=mistake.exemplars,
                correction=mistake.correction or "",
                denies=mistake.denies,
            )
            for mistake in mistakes
        ),
    )


def _reason(detail: Any) -> str:
    field = ".".join(str(part) for part in detail["loc"] if part not in ("constrained-str", "int"))
    if detail["type"] == "extra_forbidden":
        return f"{field}: unknown key, remove it or mend its spelling"
    if detail["type"] == "missing":
        return f"{field}: is missing, add it"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{field}: {message}" if field else message
