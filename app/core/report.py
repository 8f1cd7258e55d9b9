"""What a round came to: scores, verdicts, time, and what to practise next. Pure; pages and exports are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from statistics import fmean
from types import MappingProxyType
from typing import NamedTuple

from app.core.feedback import Feedback, MistakeFeedback, Status
from app.core.question import Domain, Level, Strict
from app.core.round import Planned, PromptKind, Round, Turn
from app.core.rubric import Mistake, Point, Scale, Verdict

MOST_NEXT = 5
"""How many points are named to practise next."""


class QuestionReport(Strict):
    """One question of a round. `feedback` is None while ungraded; `failure` says why when grading failed.

    A second `opinion` stands beside the feedback and counts for nothing.
    """

    index: int
    planned: Planned
    turns: tuple[Turn, ...]
    feedback: Feedback | None
    failure: str | None
    verdict: Verdict | None
    seconds: float
    opinion: Feedback | None = None
    opinion_failure: str | None = None
    opinion_verdict: Verdict | None = None

    @property
    def answered(self) -> bool:
        """Whether anything was replied, a skip included."""
        return any(turn.reply is not None for turn in self.turns)

    def differs_on(self, point_id: str) -> Status | None:
        """What the second opinion says of a point where it sees it otherwise than the feedback does."""
        if self.feedback is None or self.opinion is None or point_id in self.opinion.void:
            return None
        ours = {one.point_id: one.status for one in self.feedback.points}
        theirs = {one.point_id: one.status for one in self.opinion.points}
        return theirs[point_id] if theirs.get(point_id) != ours.get(point_id) and point_id in theirs else None

    def disputed_mistakes(self) -> tuple[tuple[MistakeFeedback, bool], ...]:
        """The mistakes that only one of the two saw, as that one put it, and whether it was the second opinion."""
        if self.feedback is None or self.opinion is None:
            return ()
        ours = {one.mistake_id: one for one in self.feedback.mistakes if one.made}
        theirs = {one.mistake_id: one for one in self.opinion.mistakes if one.made}
        only_ours = tuple((one, False) for name, one in ours.items() if name not in {*theirs, *self.opinion.void})
        return (*only_ours, *((one, True) for name, one in theirs.items() if name not in ours))

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
    """A finished (or still running) round, added up. `score` and `verdict` are None until something is graded.

    `second_score` is the mean of the second opinions where every graded question has one: a mean over some of them
    could not be compared with `score`.
    """

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
    second_score: float | None = None
    second_verdict: Verdict | None = None

    @property
    def not_reached(self) -> int:
        """How many planned questions were never asked."""
        return sum(not question.turns for question in self.questions)


class Opinions(NamedTuple):
    """Second opinions on a round, and why there are none, by question index."""

    given: Mapping[int, Feedback]
    failures: Mapping[int, str]


NO_OPINIONS = Opinions(MappingProxyType({}), MappingProxyType({}))


def report(
    round_: Round,
    feedbacks: Mapping[int, Feedback],
    failures: Mapping[int, str],
    scale: Scale,
    opinions: Opinions = NO_OPINIONS,
) -> RoundReport:
    """Add up a round. `feedbacks` and `failures` are by question index.

    The round's score is the mean of its answered questions' scores; questions never reached don't count.
    """
    level = round_.options.level
    questions = tuple(
        _question(round_, index, feedbacks.get(index), failures.get(index), opinions, scale)
        for index in range(len(round_.plan))
    )
    graded = [one for one in questions if one.feedback is not None]
    score = round(fmean(one.feedback.score for one in graded if one.feedback), 1) if graded else None
    verdict = None if score is None else scale.verdict(score, level)
    opined = [one.opinion.score for one in graded if one.opinion]
    second = round(fmean(opined), 1) if opined and len(opined) == len(graded) else None
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
        second_score=second,
        second_verdict=None if second is None else scale.verdict(second, level),
    )


def _question(
    round_: Round, index: int, feedback: Feedback | None, failure: str | None, opinions: Opinions, scale: Scale
) -> QuestionReport:
    opinion, level = opinions.given.get(index), round_.options.level
    turns = round_.turns_of(index)
    waited = [turn.reply.at - turn.asked_at for turn in turns if turn.reply is not None]
    return QuestionReport(
        index=index,
        planned=round_.plan[index],
        turns=turns,
        feedback=feedback,
        failure=None if feedback is not None else failure,
        verdict=None if feedback is None else scale.verdict(feedback.score, level),
        opinion=opinion,
        opinion_failure=None if opinion else opinions.failures.get(index),
        opinion_verdict=None if opinion is None else scale.verdict(opinion.score, level),
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
