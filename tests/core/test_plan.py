from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.content import Content
from app.core.errors import InvalidRequest
from app.core.plan import MOST_QUESTIONS, PRESETS, UNTIMED_QUESTIONS, Options, Preset, plan, preset
from app.core.question import Domain, Level, Question, Track
from tests.values import question

Bank = dict[str, Question]


def a_bank(seed: int) -> Bank:
    """Up to four questions for each domain, of any length and level."""
    any_ = random.Random(seed)
    found = [
        question(
            f"{domain}/q{number}",
            minutes=any_.randint(2, 45),
            level=any_.choice(list(Level)),
            typical_gap_for=tuple(any_.sample(list(Track), any_.randint(0, 3))),
        )
        for domain in Domain
        for number in range(any_.randint(0, 4))
    ]
    return {one.id: one for one in found}


@st.composite
def cases(draw: st.DrawFn) -> tuple[Options, Bank, list[str]]:
    """Options, a bank that has at least one question for them, and what was asked lately."""
    bank = draw(st.integers(0, 10_000).map(a_bank).filter(bool))
    there = sorted({one.domain for one in bank.values()})
    options = Options(
        domains=tuple({draw(st.sampled_from(there)), *draw(st.sets(st.sampled_from(Domain)))}),
        level=draw(st.sampled_from(Level)),
        minutes=draw(st.sampled_from([None, 15, 30, 45, 60])),
        count=draw(st.none() | st.integers(1, MOST_QUESTIONS)),
        track=draw(st.none() | st.sampled_from(Track)),
        seed=draw(st.integers(0, 1000)),
    )
    return options, bank, draw(st.lists(st.sampled_from(sorted(bank)), unique=True))


def fitting(options: Options, bank: Bank) -> list[Question]:
    return [one for one in bank.values() if one.domain in options.domains]


@given(case=cases(), data=st.data())
def test_the_same_seed_gives_the_same_plan_whatever_order_the_bank_is_read_in(
    case: tuple[Options, Bank, list[str]], data: st.DataObject
) -> None:
    options, bank, recent = case
    shuffled = dict(data.draw(st.permutations(list(bank.items()))))
    assert plan(options, bank, recent) == plan(options, shuffled, recent)


@given(cases())
def test_a_plan_has_only_chosen_domains_in_their_order_and_no_question_twice(
    case: tuple[Options, Bank, list[str]],
) -> None:
    options, bank, recent = case
    chosen = plan(options, bank, recent)
    assert chosen
    assert len({one.id for one in chosen}) == len(chosen)
    order = [list(Domain).index(one.domain) for one in chosen]
    assert order == sorted(order)
    assert {one.domain for one in chosen} <= set(options.domains)


@given(cases())
def test_the_count_is_kept_or_the_time_is(case: tuple[Options, Bank, list[str]]) -> None:
    options, bank, recent = case
    chosen = plan(options, bank, recent)
    there = len(fitting(options, bank))
    if options.count is not None:
        assert len(chosen) == min(options.count, there)
    elif options.minutes is None:
        assert len(chosen) == min(max(UNTIMED_QUESTIONS, len(options.domains)), there)
    else:
        assert len(chosen) <= MOST_QUESTIONS
        assert len(chosen) == 1 or sum(one.minutes for one in chosen) <= options.minutes


@given(cases())
def test_every_domain_has_its_share_when_the_count_leaves_room(case: tuple[Options, Bank, list[str]]) -> None:
    options, bank, recent = case
    there = {one.domain for one in fitting(options, bank)}
    chosen = plan(options.model_copy(update={"count": max(len(there), options.count or 0)}), bank, recent)
    assert {one.domain for one in chosen} == there


@given(cases())
def test_what_was_asked_lately_comes_last_and_the_latest_of_it_at_the_very_end(
    case: tuple[Options, Bank, list[str]],
) -> None:
    options, bank, recent = case
    domain = options.domains[0]
    options = options.model_copy(update={"domains": (domain,), "count": options.count or 2})
    there = {one.id for one in fitting(options, bank)}
    assume(there)
    chosen = {one.id for one in plan(options, bank, recent)}
    for left_out in there - chosen:
        for taken in chosen & set(recent):
            assert left_out in recent, "a question seen before was taken although a new one was there"
            assert recent.index(left_out) < recent.index(taken), "a question seen later was taken first"


@given(case=cases())
def test_questions_above_the_level_are_asked_only_where_no_others_are_left(
    case: tuple[Options, Bank, list[str]],
) -> None:
    options, bank, _ = case
    options = options.model_copy(update={"domains": options.domains[:1], "count": 2})
    there = fitting(options, bank)
    assume(there)
    chosen = plan(options, bank)
    suited = [one for one in there if one.level.rank <= options.level.rank]
    assert sum(one in suited for one in chosen) == min(2, len(suited))


def test_a_typical_gap_of_the_track_comes_first_among_equals() -> None:
    bank = {one.id: one for one in (question(f"lifecycle/q{n}") for n in range(6))}
    bank["lifecycle/gap"] = question("lifecycle/gap", typical_gap_for=(Track.data_science,))
    for seed in range(10):
        options = Options(domains=(Domain.lifecycle,), count=1, track=Track.data_science, seed=seed)
        assert [one.id for one in plan(options, bank)] == ["lifecycle/gap"]


def test_another_seed_gives_another_plan(content: Content) -> None:
    plans = {plan(Options(domains=tuple(Domain), count=5, seed=seed), content.questions) for seed in range(10)}
    assert len(plans) > 5


def test_one_question_can_be_practised_by_itself_whatever_else_was_chosen(content: Content) -> None:
    options = Options(domains=(Domain.behavioural,), count=5, only="lifecycle/champion-challenger")
    recent = ["lifecycle/champion-challenger"]
    assert [one.id for one in plan(options, content.questions, recent)] == ["lifecycle/champion-challenger"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(domains=(Domain.lifecycle,), only="lifecycle/nothing"), "lifecycle/nothing"),
        (Options(domains=(Domain.lifecycle,)), "no question in the chosen domains"),
    ],
)
def test_what_nothing_fits_is_refused_with_the_reason(options: Options, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        plan(options, {"behavioural/q0": question("behavioural/q0")})


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.id)
def test_a_ready_made_round_covers_all_its_domains_in_its_time(content: Content, one: Preset) -> None:
    for seed in range(40):
        chosen = plan(Options(domains=one.domains, minutes=one.minutes, seed=seed), content.questions)
        assert {question.domain for question in chosen} == set(one.domains)
        assert sum(question.minutes for question in chosen) <= one.minutes
        assert len(chosen) >= 2


def test_ready_made_rounds_are_found_by_id() -> None:
    assert [preset(one.id) for one in PRESETS] == list(PRESETS)
    assert len({one.id for one in PRESETS}) == 6
    with pytest.raises(InvalidRequest, match="no ready-made round 'nothing'"):
        preset("nothing")


def test_domains_are_kept_once_each_and_in_their_own_order() -> None:
    twice = Options(domains=(Domain.behavioural, Domain.lifecycle, Domain.behavioural))
    assert twice.domains == (Domain.lifecycle, Domain.behavioural)


@pytest.mark.parametrize(
    "bad",
    [
        {"domains": ()},
        {"domains": ("astrology",)},
        {"count": 0},
        {"count": MOST_QUESTIONS + 1},
        {"minutes": 20},
        {"seed": -1},
        {"preset": "Not A Slug"},
        {"surprise": 1},
    ],
    ids=str,
)
def test_options_that_make_no_sense_are_refused(bad: dict[str, object]) -> None:
    Options(domains=(Domain.lifecycle,))
    with pytest.raises(ValidationError):
        Options.model_validate({"domains": ("lifecycle",)} | bad)
