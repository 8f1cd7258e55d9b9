"""Planning a round: what the candidate chose, the rounds that real loops have, and which questions get asked."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator

from app.core.errors import InvalidRequest
from app.core.question import Domain, Level, Question, Slug, Strict, Text, Track

UNTIMED_QUESTIONS = 3
"""How many questions an untimed round has when it is to "fit to time"; one for each domain where that is more."""

MOST_QUESTIONS = 12


class Mode(StrEnum):
    """`pressure`: feedback only at the end, the clock is strict. `coach`: feedback after each question."""

    pressure = "pressure"
    coach = "coach"


class Options(Strict):
    """What the candidate chose. `minutes` None is untimed, `count` None fits the number of questions to the time.

    `only` names one question to practise by itself; domains and count then say nothing more. The same options, bank
    and history give the same plan: `seed` is the only chance in it.
    """

    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    level: Level = Level.mid
    minutes: Literal[15, 30, 45, 60] | None = None
    count: Annotated[int, Field(ge=1, le=MOST_QUESTIONS)] | None = None
    mode: Mode = Mode.pressure
    track: Track | None = None
    preset: Slug | None = None
    only: str | None = None
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("domains")
    @classmethod
    def _each_once(cls, domains: tuple[Domain, ...]) -> tuple[Domain, ...]:
        return tuple(domain for domain in Domain if domain in domains)


class Preset(Strict):
    """A ready-made round, as real loops have them."""

    id: Slug
    title: Text
    about: Text
    domains: tuple[Domain, ...]
    minutes: Literal[15, 30, 45, 60]


PRESETS = (
    Preset(
        id="ml-fundamentals",
        title="ML fundamentals",
        about="Quick questions on how models behave, with follow-ups until you reason instead of recite.",
        domains=(Domain.fundamentals,),
        minutes=45,
    ),
    Preset(
        id="ml-system-design",
        title="ML system design",
        about="Open-ended designs from data to serving, with safeguards, failures and cost.",
        domains=(Domain.system_design,),
        minutes=45,
    ),
    Preset(
        id="production-ml",
        title="Production ML and lifecycle",
        about="Promotion, rollback, versions and retraining: what happens after the notebook.",
        domains=(Domain.lifecycle, Domain.system_design),
        minutes=45,
    ),
    Preset(
        id="project-deep-dive",
        title="Project deep dive",
        about="Your own work, drilled into until it is clear what you decided and why.",
        domains=(Domain.project_deep_dive,),
        minutes=30,
    ),
    Preset(
        id="behavioural",
        title="Behavioural",
        about="Conflict, priorities and setbacks, told as one concrete story at a time.",
        domains=(Domain.behavioural,),
        minutes=30,
    ),
    Preset(
        id="full-loop",
        title="Full loop",
        about="An hour across all five domains, as an interview day in miniature.",
        domains=tuple(Domain),
        minutes=60,
    ),
)


def preset(preset_id: str) -> Preset:
    """The ready-made round with this id. Raises InvalidRequest when there is none."""
    for one in PRESETS:
        if one.id == preset_id:
            return one
    raise InvalidRequest(f"There is no ready-made round {preset_id!r}. Choose one of the start page.")


def plan(options: Options, bank: Mapping[str, Question], recent: Sequence[str] = ()) -> tuple[Question, ...]:
    """The questions of a round, in the order in which they will be asked.

    Domains take turns, so that each gets its share; in a domain, questions not seen lately come first, then those at or
    below the level, then typical gaps of the track. `recent` holds the ids asked before, latest first.
    Raises InvalidRequest when nothing fits.
    """
    if options.only is not None:
        if options.only not in bank:
            raise InvalidRequest(f"There is no question {options.only!r}. Choose one from the question list.")
        return (bank[options.only],)
    queues = [_ranked(options, bank.values(), domain, recent) for domain in options.domains]
    random.Random(f"{options.seed}/domains").shuffle(queues)  # who goes first when there isn't time for all
    chosen = list(_take(options, [queue for queue in queues if queue]))
    if not chosen:
        raise InvalidRequest("The question bank has no question in the chosen domains. Choose others.")
    order = list(Domain)
    return tuple(sorted(chosen, key=lambda question: order.index(question.domain)))


def _ranked(options: Options, bank: Iterable[Question], domain: Domain, recent: Sequence[str]) -> list[Question]:
    questions = sorted((one for one in bank if one.domain is domain), key=lambda one: one.id)
    random.Random(f"{options.seed}/{domain}").shuffle(questions)
    age = {question_id: index for index, question_id in reversed(list(enumerate(recent)))}

    def rank(question: Question) -> tuple[int, bool, bool]:
        seen = -age[question.id] if question.id in age else -len(recent) - 1
        return seen, question.level.rank > options.level.rank, options.track not in question.typical_gap_for

    return sorted(questions, key=rank)


def _take(options: Options, queues: list[list[Question]]) -> Iterable[Question]:
    """Questions from the queues in turn, until the count or the time is used up. Always at least one."""
    taken = used = 0
    wanted = options.count or (None if options.minutes else max(UNTIMED_QUESTIONS, len(options.domains)))
    while queues and taken < (wanted or MOST_QUESTIONS):
        queue = queues.pop(0)
        question = queue.pop(0)
        if wanted is None and options.minutes and taken and used + question.minutes > options.minutes:
            continue  # this domain has nothing short enough at its head; the others may
        yield question
        taken, used = taken + 1, used + question.minutes
        if queue:
            queues.append(queue)
