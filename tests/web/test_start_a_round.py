"""Starting a round: the ready-made ones, one's own mix, and what the start page offers."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Event

import pytest
from starlette.testclient import TestClient

from app.core.plan import PRESETS, Mode, Preset
from app.core.question import Domain, Level, Track
from app.main import create_app
from app.settings import Settings
from tests.graders import WordGrader
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, load, parts, read, rows


def start(client: TestClient, **form: str | list[str]) -> str:
    response = client.post("/rounds", data=form)
    assert response.status_code == 200, response.text
    return response.url.path.removeprefix("/rounds/")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_a_ready_made_round_starts_with_its_domains_and_length(shared: TestClient, preset: Preset) -> None:
    round_ = load(shared, start(shared, preset=preset.id, level="senior", mode="coach")).round
    assert round_.options.preset == preset.id
    assert round_.options.minutes == preset.minutes
    assert (round_.options.level, round_.options.mode) == (Level.senior, Mode.coach)
    assert {one.question.domain for one in round_.plan} == set(preset.domains)
    assert sum(one.question.minutes for one in round_.plan) <= preset.minutes


def test_ones_own_mix_is_kept_as_chosen(client: TestClient, settings: Settings) -> None:
    round_id = start(
        client,
        domains=["behavioural", "fundamentals"],
        level="staff",
        length="45",
        count="4",
        mode="pressure",
        track="data_engineering",
    )
    round_ = load(client, round_id).round
    assert round_.options.domains == (Domain.fundamentals, Domain.behavioural)
    assert (round_.options.minutes, round_.options.count) == (45, 4)
    assert (round_.options.level, round_.options.track) == (Level.staff, Track.data_engineering)
    assert len(round_.plan) == 4
    assert rows(settings, "SELECT position, kind, prompt FROM prompts") == [
        (0, "question", round_.plan[0].question.prompt)
    ]


def test_an_untimed_round_has_no_clock(client: TestClient) -> None:
    round_id = start(client, domains=["fundamentals"], length="untimed", count="fit")
    assert load(client, round_id).round.options.minutes is None
    page = read(client.get(f"/rounds/{round_id}").text)
    assert page.one("p", class_="clock").text == "Untimed"
    assert not page.all(id="clock")


def test_the_page_of_a_new_round_asks_its_first_question(client: TestClient) -> None:
    round_id = start(client, domains=["fundamentals"], length="30", count="2")
    page = read(client.get(f"/rounds/{round_id}").text)
    first = load(client, round_id).round.plan[0].question
    assert first.prompt in page.one("ol", class_="chat").text
    assert page.one("span", class_="progress-text").text == "Question 1 of 2"
    assert page.one("textarea", id="answer").raw_text() == ""


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"length": "30"}, "at least one domain"),
        ({"preset": "no-such"}, "no-such"),
        ({"domains": "fundamentals", "length": "20"}, "minutes"),
        ({"domains": "fundamentals", "length": "soon"}, "soon"),
        ({"domains": "fundamentals", "count": "0"}, "count"),
        ({"domains": "fundamentals", "count": "13"}, "count"),
        ({"domains": "astrology"}, "domains"),
        ({"domains": "fundamentals", "level": "emperor"}, "level"),
        ({"domains": "fundamentals", "mode": "torture"}, "mode"),
        ({"domains": "fundamentals", "track": "acting"}, "track"),
        ({"preset": "behavioural", "level": "emperor"}, "level"),
    ],
)
def test_choices_that_the_form_does_not_offer_are_refused_by_name(
    client: TestClient, settings: Settings, form: dict[str, str], says: str
) -> None:
    response = client.post("/rounds", data=form)
    assert response.status_code == 422
    assert says in read(response.text).one("p", class_="lead").text
    assert rows(settings, "SELECT id FROM rounds") == []


def test_two_rounds_get_different_seeds_and_avoid_what_was_just_asked(client: TestClient) -> None:
    options = {"domains": ["fundamentals"], "length": "untimed", "count": "1"}
    asked, seeds = set(), set()
    bank = [one for one in parts(client).practice.questions.values() if one.domain is Domain.fundamentals]
    for _ in bank:
        round_ = load(client, start(client, **options)).round
        asked.add(round_.plan[0].question.id)
        seeds.add(round_.options.seed)
    assert len(seeds) == len(bank) > 2
    assert len(asked) == len(bank), "none should come back before all were asked"


def test_a_round_carries_a_copy_of_what_it_asks(client: TestClient, settings: Settings) -> None:
    round_id = begin(client, OVERFITTING)
    ((plan,),) = rows(settings, "SELECT plan FROM rounds WHERE id = ?", round_id)
    bank = parts(client).practice.questions[OVERFITTING]
    assert json.loads(plan)[0]["question"] == bank.model_dump(mode="json")
    assert json.loads(plan)[0]["rubric"]["points"]


def test_the_start_page_offers_all_presets_and_every_choice(client: TestClient) -> None:
    page = read(client.get("/").text)
    assert [one.attrs["value"] for one in page.all("button", name="preset")] == [one.id for one in PRESETS]
    assert {one.attrs["value"] for one in page.all("input", name="domains")} == set(Domain)
    assert {one.attrs["value"] for one in page.all("input", name="level")} == set(Level)
    assert {one.attrs["value"] for one in page.all("input", name="mode")} == set(Mode)
    assert {one.attrs["value"] for one in page.all("input", name="length")} == {"15", "30", "45", "60", "untimed"}
    assert {one.attrs["value"] for one in page.one("select", id="track").all("option")} == {"", *Track}
    assert "First time here?" in page.text


def test_the_start_page_remembers_the_last_choices(client: TestClient) -> None:
    start(client, domains=["fundamentals"], level="staff", mode="coach", track="data_science")
    page = read(client.get("/").text)
    assert [one.attrs["value"] for one in page.all("input", checked="") if one.attrs["name"] == "level"] == ["staff"]
    assert [one.attrs["value"] for one in page.all("input", checked="") if one.attrs["name"] == "mode"] == ["coach"]
    assert [one.attrs["value"] for one in page.one("select", id="track").all("option", selected="")] == ["data_science"]


def test_practising_one_question_does_not_change_the_choices_for_rounds(client: TestClient) -> None:
    start(client, domains=["fundamentals"], level="staff", mode="pressure")
    client.post(f"/questions/{OVERFITTING}/practise", data={"level": "mid", "mode": "coach"})
    page = read(client.get("/").text)
    assert [one.attrs["value"] for one in page.all("input", checked="") if one.attrs["name"] == "level"] == ["staff"]
    assert [one.attrs["value"] for one in page.all("input", checked="") if one.attrs["name"] == "mode"] == ["pressure"]


def test_an_open_round_is_offered_to_be_taken_up_and_an_ended_one_is_not(client: TestClient) -> None:
    open_round = begin(client, OVERFITTING, RECALL, ago=timedelta(minutes=1))
    ended = begin(client, OVERFITTING)
    client.post(f"/rounds/{ended}/end", data={"text": ""})
    answer(client, open_round, 0, "ALL")
    page = read(client.get("/").text)
    resume = page.one("section", class_="resume")
    assert [one.attrs["href"] for one in resume.all("a")] == [f"/rounds/{open_round}"]
    assert "1 of 2 questions answered" in resume.text
    assert "First time here?" not in page.text


def test_the_start_page_says_that_the_grader_is_ready_and_which(client: TestClient) -> None:
    assert "The grader is ready. words-1" in read(client.get("/").text).one(id="grader").text
    assert client.get("/health").json() == {"status": "ok", "grader": "ready"}


class LateGrader(WordGrader):
    """Isn't loaded before it is allowed to be: loading ends with asking its name."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded = Event()

    @property
    def name(self) -> str:  # type: ignore[override]
        self.loaded.wait(20)
        return "late-1"


def test_while_the_grader_loads_pages_come_at_once_and_an_answer_waits_for_it(settings: Settings) -> None:
    late = LateGrader()
    with TestClient(create_app(settings, late)) as client:
        node = read(client.get("/").text).one(id="grader")
        assert "The grader is loading" in node.text
        assert node.attrs["hx-get"] == "/status"
        assert client.get("/health").json()["grader"] == "loading"
        round_id = begin(client, OVERFITTING, RECALL)
        page = read(answer(client, round_id, 0, "ALL").text)
        assert "The grader is still loading" in page.one("div", class_="thinking").text
        assert rows(settings, "SELECT text FROM replies") == [("ALL",)]
        late.loaded.set()
        assert parts(client).practice.wait_graded(round_id, 5)
        assert rows(settings, "SELECT grader, score FROM feedbacks") == [("late-1", 100.0)]
        assert "The grader is ready. late-1" in read(client.get("/status").text).one(id="grader").text
