"""Everything but the countdown and saved drafts works with JavaScript off, by plain forms and links."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import OpenContext, Site, Watch

pytestmark = pytest.mark.browser


@pytest.fixture
def context(open_context: OpenContext) -> Iterator[BrowserContext]:
    return open_context(java_script_enabled=False)


def test_a_whole_round_by_plain_forms(page: Page, site: Site) -> None:
    page.goto("/")
    page.get_by_text("Or mix your own").click()
    for domain in ("Lifecycle", "System design", "Project deep dive", "Behavioural"):
        page.locator(".checks label", has_text=domain).click()
    page.get_by_label("Questions").select_option("2")
    page.get_by_role("button", name="Start this round").click()
    round_id = page.url.split("/")[4]
    expect(page.get_by_text("Question 1 of 2")).to_be_visible()
    expect(page.locator(".clock-value")).to_have_text(re.compile("^(29|30):"))

    page.get_by_label("Your answer").fill("First line.\nSecond line.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("follow-up")).to_be_visible()
    page.get_by_role("button", name="I don’t know").click()
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()

    site.grader.hold.clear()
    page.get_by_label("Your answer").fill("ALL of it.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("Your answer is saved.")).to_be_visible()
    site.grader.hold.set()
    page.get_by_role("link", name="Look again").click()
    page.wait_for_url("**/report")
    expect(page.locator("mark.said")).to_have_text("ALL")
    assert [turn.reply.text for turn in site.record(round_id).round.turns if turn.reply] == [
        "First line.\nSecond line.",
        "",
        "ALL of it.",
    ]
    page.get_by_text("A model answer").first.click()
    expect(page.locator(".model-answer[open] .prose")).to_be_visible()
    page.get_by_text("Why it matters").first.click()
    expect(page.locator("details.why[open]")).to_be_visible()

    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("The round was deleted.")).to_be_visible()
    assert site.rows("select count(*) from rounds") == [(0,)]


def test_the_wait_for_a_grading_looks_again_by_itself(page: Page, site: Site) -> None:
    site.grader.hold.clear()
    page.goto("/questions/fundamentals/overfitting")
    page.get_by_role("button", name="Practise this question").click()
    page.get_by_label("Your answer").fill("ALL of it.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("Your answer is saved.")).to_be_visible()
    site.grader.hold.set()
    expect(page.get_by_role("heading", name="What your interviewer heard")).to_be_visible()


def test_coach_mode_goes_on_by_a_button(page: Page, site: Site) -> None:
    page.goto("/")
    page.locator(".segments label", has_text="Coach").click()
    page.get_by_role("button", name="Behavioural").click()
    page.get_by_label("Your answer").fill("ALL of it.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("heading", name="What your interviewer heard")).to_be_visible()
    page.get_by_role("button", name="Next question").click()
    expect(page.get_by_text("Question 2 of")).to_be_visible()
    page.get_by_text("Earlier in this round").click()
    expect(page.locator(".earlier .candidate .bubble")).to_have_text("ALL of it.")
    page.get_by_role("button", name="End round").click()
    page.wait_for_url("**/report")


def test_a_failed_grading_can_be_tried_again(page: Page, site: Site) -> None:
    site.grader.broken = True
    page.goto("/questions/fundamentals/overfitting")
    page.get_by_role("button", name="Practise this question").click()
    page.get_by_label("Your answer").fill("ALL of it.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("This answer could not be graded")).to_be_visible()
    page.get_by_role("button", name="End round").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing graded yet")
    site.grader.broken = False
    page.get_by_role("button", name="Try grading again").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Strong hire")


def test_the_question_list_filters_by_its_button(page: Page) -> None:
    page.goto("/questions")
    page.get_by_label("Search").fill("recall")
    page.get_by_label("Domain").select_option("fundamentals")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_label("Search")).to_have_value("recall")
    expect(page.get_by_role("heading", level=2)).to_have_text(["ML fundamentals"])
    shown = page.locator(".question-list li").count()
    assert 0 < shown < 6
    page.get_by_label("Attempted").select_option("yes")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No question matches.")).to_be_visible()
    page.get_by_role("link", name="show all 26").click()
    expect(page.locator(".question-list li")).to_have_count(26)


def test_a_refused_answer_gives_its_text_back(page: Page, site: Site, watch: Watch) -> None:
    watch.expected = ("404",)
    page.goto("/questions/fundamentals/overfitting")
    page.get_by_role("button", name="Practise this question").click()
    round_id = page.url.split("/")[4]
    site.store.delete_round(round_id)
    page.get_by_label("Your answer").fill("Words that took an hour.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_label("Your text, so that nothing is lost")).to_have_value("Words that took an hour.")
