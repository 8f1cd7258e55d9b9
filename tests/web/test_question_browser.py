"""The question browser: filters that live in the address, and rubrics that stay closed until an attempt."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from app.core.plan import Mode
from app.core.question import Domain, Level, Question, Track
from tests.web.helpers import OVERFITTING, RECALL, answer, begin, load, parts, read


def found(client: TestClient, query: str) -> set[str]:
    page = read(client.get(f"/questions?{query}").text)
    return {link.attrs["href"].removeprefix("/questions/") for link in page.all("a", class_="question-link")}


def expected(client: TestClient, test: Callable[[Question], bool]) -> set[str]:
    return {one.id for one in parts(client).practice.questions.values() if test(one)}


@pytest.mark.parametrize("domain", Domain)
def test_by_domain(shared: TestClient, domain: Domain) -> None:
    mine = expected(shared, lambda one: one.domain is domain)
    assert found(shared, f"domain={domain}") == mine != set()


@pytest.mark.parametrize("level", Level)
def test_by_level(shared: TestClient, level: Level) -> None:
    assert found(shared, f"level={level}") == expected(shared, lambda one: one.level is level)


@pytest.mark.parametrize("track", Track)
def test_by_track(shared: TestClient, track: Track) -> None:
    mine = expected(shared, lambda one: track in one.typical_gap_for)
    assert found(shared, f"track={track}") == mine != set()


def test_by_each_tag(shared: TestClient) -> None:
    page = read(shared.get("/questions").text)
    tags = [one.attrs["value"] for one in page.one("select", name="tag").all("option") if one.attrs["value"]]
    assert tags == sorted({tag for one in parts(shared).practice.questions.values() for tag in one.tags})
    for tag in tags[::6]:
        assert found(shared, f"tag={tag}") == expected(shared, lambda one, tag=tag: tag in one.tags)


@pytest.mark.parametrize("query", ["overfitting", "OVERFITTING", "trained  brilliantly", "regularisation"])
def test_by_words_of_title_prompt_and_tags_in_any_order(shared: TestClient, query: str) -> None:
    words = query.casefold().split()

    def has_all(one: Question) -> bool:
        text = f"{one.title} {one.prompt} {' '.join(one.tags)}".casefold()
        return all(word in text for word in words)

    assert found(shared, f"q={query}") == expected(shared, has_all)
    assert OVERFITTING in found(shared, f"q={query}")


def test_filters_add_up(shared: TestClient) -> None:
    both = found(shared, "domain=fundamentals&tag=evaluation")
    assert both == found(shared, "domain=fundamentals") & found(shared, "tag=evaluation") != set()


def test_all_questions_are_shown_by_domain_when_nothing_is_chosen(shared: TestClient) -> None:
    assert len(found(shared, "")) == 26
    page = read(shared.get("/questions").text)
    assert [one.text for one in page.one(id="found").all("h2")] == [domain.label for domain in Domain]
    assert page.one("p", role="status").text == "26 of 26 questions"


def test_the_address_keeps_the_view_and_the_form_shows_it(shared: TestClient) -> None:
    query = "q=model&domain=lifecycle&level=mid&tag=rollout&track=data_engineering&attempted=no"
    page = read(shared.get(f"/questions?{query}").text)
    form = page.one("form", role="search")
    assert (form.attrs["method"], form.attrs["action"], form.attrs["hx-push-url"]) == ("get", "/questions", "true")
    shown = {"q": form.one("input", name="q").attrs["value"]}
    for select in form.all("select"):
        shown[select.attrs["name"]] = select.one("option", selected="").attrs["value"]
    assert shown == {key: values[0] for key, values in parse_qs(query).items()}


@pytest.mark.parametrize("query", ["q=zzzz", "domain=astrology", "level=emperor", "tag=none-such", "attempted=yes"])
def test_when_nothing_matches_the_page_says_how_to_see_all(shared: TestClient, query: str) -> None:
    page = read(shared.get(f"/questions?{query}").text)
    assert page.one("p", class_="empty").one("a").attrs["href"] == "/questions"
    assert "show all 26" in page.one("p", class_="empty").text


def test_a_hostile_search_is_only_text(shared: TestClient) -> None:
    page = read(shared.get("/questions", params={"q": '"><script>x</script>'}).text)
    assert page.one("input", name="q").attrs["value"] == '"><script>x</script>'
    assert not [one for one in page.all("script") if "src" not in one.attrs]


def test_by_attempted_or_not_and_the_best_score_is_shown(client: TestClient) -> None:
    for said in ("ALL", "nothing"):
        client.post(f"/rounds/{begin(client, OVERFITTING)}/end", data={"text": said})
    client.post(f"/rounds/{begin(client, RECALL)}/end", data={"text": "ungradable"})
    assert found(client, "attempted=yes") == {OVERFITTING, RECALL}
    assert found(client, "attempted=no") == expected(client, lambda one: one.id not in {OVERFITTING, RECALL})
    items = read(client.get("/questions?attempted=yes").text).one("ul", class_="question-list").all("li")
    assert {
        item.one("a", class_="question-link").attrs["href"]: item.one("span", class_="chip").text for item in items
    } == {
        f"/questions/{OVERFITTING}": "best 100",
        f"/questions/{RECALL}": "attempted",
    }


def test_a_question_that_was_only_asked_is_not_attempted(client: TestClient) -> None:
    begin(client, OVERFITTING)
    assert found(client, "attempted=yes") == set()


def test_the_rubric_and_the_model_answer_stay_closed_until_asked_for(shared: TestClient) -> None:
    wired = parts(shared)
    question, rubric = wired.practice.questions[OVERFITTING], wired.practice.rubrics[OVERFITTING]
    page = read(shared.get(f"/questions/{OVERFITTING}").text)
    secrets = [" ".join(text.split()) for text in (question.model_answer[:80], *(one.says for one in rubric.points))]
    assert question.title == page.one("h1").text
    assert not any(secret in page.text for secret in secrets)
    reveal = page.one("section", class_="closed").one("a").attrs["href"]
    opened = read(shared.get(f"/questions/{OVERFITTING}{reveal}").text)
    assert all(secret in opened.text for secret in secrets)
    assert all(" ".join(one.correction.split()) in opened.text for one in rubric.mistakes)


def test_the_rubric_opens_with_the_first_attempt(client: TestClient) -> None:
    round_id = begin(client, OVERFITTING)
    closed = read(client.get(f"/questions/{OVERFITTING}").text)
    assert closed.all("section", class_="closed")
    answer(client, round_id, 0, "ALL")
    page = read(client.get(f"/questions/{OVERFITTING}").text)
    assert not page.all("section", class_="closed")
    assert page.all("ol", class_="points")


def test_attempts_stand_side_by_side_with_their_change(client: TestClient) -> None:
    rounds = []
    for said in ("nothing", "ALL"):
        rounds.append(begin(client, OVERFITTING))
        client.post(f"/rounds/{rounds[-1]}/end", data={"text": said})
    page = read(client.get(f"/questions/{OVERFITTING}").text)
    table = page.one("table", class_="attempts")
    assert [one.attrs["href"] for one in table.one("thead").all("a")] == [f"/rounds/{one}/report" for one in rounds]
    totals, *points = table.one("tbody").all("tr")
    assert [one.text for one in totals.all("td")] == ["0", "100 +100"]
    for row in points:
        assert [one.text for one in row.all("td")] == ["missing", "said"]


def test_practise_asks_just_that_question_untimed_with_a_coach(client: TestClient) -> None:
    page = read(client.get(f"/questions/{RECALL}").text)
    form = page.one("form", class_="practise")
    response = client.post(form.attrs["action"], data={"level": "senior"})
    round_ = load(client, response.url.path.removeprefix("/rounds/")).round
    assert [one.question.id for one in round_.plan] == [RECALL]
    assert (round_.options.only, round_.options.minutes) == (RECALL, None)
    assert (round_.options.level, round_.options.mode) == (Level.senior, Mode.coach)


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_question_is_not_found(shared: TestClient, method: str) -> None:
    suffix = "/practise" if method == "post" else ""
    response = shared.request(method, f"/questions/fundamentals/no-such{suffix}")
    assert response.status_code == 404
    assert "The question list has all of them" in read(response.text).one(id="problem").text


def test_tags_lead_to_all_questions_with_that_tag(shared: TestClient) -> None:
    page = read(shared.get(f"/questions/{OVERFITTING}").text)
    link = page.all("a", class_="tag")[0]
    assert OVERFITTING in found(shared, urlsplit(link.attrs["href"]).query)
