"""What a round came to: scores, verdicts, time, and what to practise next. Pure; pages and exports are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from statistics import fmean

from app.core.feedback import Feedback, Status
from app.core.question import Domain, Level, Strict
from app.core.round import Planned, PromptKind, Round, Turn
from app.core.rubric import Mistake, Point, Scale, Verdict

MOST_NEXT = 5
"""How many points are named to practise next."""


class QuestionReport(Strict):
    """One question of a round. `feedback` is None while ungraded; `failure` says why when grading failed."""

    index: int
    planned: Planned
    turns: tuple[Turn, ...]
    feedback: Feedback | None
    failure: str | None
    verdict: Verdict | None
    seconds: float

    @property
    def answered(self) -> bool:
        """Whether anything was replied, a skip included."""
        return any(turn.reply is not None for turn in self.turns)

    @property
    def probes(self) -> int:
        """How many follow-ups were asked."""
        return sum(turn.kind is PromptKind.probe for turn in self.turns)


class PractiseNext(Strict):
    """A point to work on: missed or only partly said, with the question it belongs to."""

    question_id: str
    question_title: str
    point: Point
    status: Status


class RoundReport(Strict):
    """A finished (or still running) round, added up. `score` and `verdict` are None until something is graded."""

    score: float | None
    verdict: Verdict | None
    anchor: str | None
    level: Level
    domains: dict[Domain, float]
    questions: tuple[QuestionReport, ...]
    mistakes: tuple[tuple[str, Mistake], ...]
    practise_next: tuple[PractiseNext, ...]
    seconds: float
    pending: int

    @property
    def not_reached(self) -> int:
        """How many planned questions were never asked."""
        return sum(not question.turns for question in self.questions)


def report(round_: Round, feedbacks: Mapping[int, Feedback], failures: Mapping[int, str], scale: Scale) -> RoundReport:
    """Add up a round. `feedbacks` and `failures` are by question index.

    The round's score is the mean of its answered questions' scores; questions never reached don't count.
    """
    level = round_.options.level
    questions = tuple(
        _question(round_, index, feedbacks.get(index), failures.get(index), scale) for index in range(len(round_.plan))
    )
    graded = [one for one in questions if one.feedback is not None]
    score = round(fmean(one.feedback.score for one in graded if one.feedback), 1) if graded else None
    verdict = None if score is None else scale.verdict(score, level)
    return RoundReport(
        score=score,
        verdict=verdict,
        anchor=None if verdict is None else scale.anchor(verdict, level),
        level=level,
        domains=_domains(graded),
        questions=questions,
        mistakes=tuple(_mistakes(graded)),
        practise_next=_practise_next(graded),
        seconds=sum(one.seconds for one in questions),
        pending=sum(one.answered and one.feedback is None for one in questions),
    )


def _question(
    round_: Round, index: int, feedback: Feedback | None, failure: str | None, scale: Scale
) -> QuestionReport:
    turns = round_.turns_of(index)
    waited = [turn.reply.at - turn.asked_at for turn in turns if turn.reply is not None]
    return QuestionReport(
        index=index,
        planned=round_.plan[index],
        turns=turns,
        feedback=feedback,
        failure=None if feedback is not None else failure,
        verdict=None if feedback is None else scale.verdict(feedback.score, round_.options.level),
        seconds=sum(waited, timedelta()).total_seconds(),
    )


def _domains(graded: list[QuestionReport]) -> dict[Domain, float]:
    scores: dict[Domain, list[float]] = {}
    for one in graded:
        if one.feedback is not None:
            scores.setdefault(one.planned.question.domain, []).append(one.feedback.score)
    return {domain: round(fmean(scores[domain]), 1) for domain in Domain if domain in scores}


def _mistakes(graded: list[QuestionReport]) -> list[tuple[str, Mistake]]:
    return [
        (one.planned.question.title, one.planned.rubric.mistake(found.mistake_id))
        for one in graded
        if one.feedback is not None
        for found in one.feedback.mistakes
        if found.made
    ]


def _practise_next(graded: list[QuestionReport]) -> tuple[PractiseNext, ...]:
    """The heaviest points that were missing, then those said in part, from the weakest question on."""
    found = [
        (status is Status.partly, -point.weight, one.feedback.score, one, point, status)
        for one in graded
        if one.feedback is not None
        for point, status in zip(
            one.planned.rubric.points, (outcome.status for outcome in one.feedback.points), strict=True
        )
        if status is not Status.said
    ]
    found.sort(key=lambda entry: entry[:3])
    return tuple(
        PractiseNext(
            question_id=one.planned.question.id,
            question_title=one.planned.question.title,
            point=point,
            status=status,
        )
        for _, _, _, one, point, status in found[:MOST_NEXT]
    )
