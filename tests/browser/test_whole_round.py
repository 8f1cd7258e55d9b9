"""A whole round as a candidate plays it, in a real browser, with nothing going wrong behind the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site, Watch

pytestmark = pytest.mark.browser


def choose_own_mix(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#grader")).to_contain_text("The grader is ready")
    page.get_by_text("Or mix your own").click()
    for domain in ("Lifecycle", "System design", "Project deep dive", "Behavioural"):
        page.locator(".checks label", has_text=domain).click()
    page.get_by_label("Questions").select_option("2")
    page.get_by_role("button", name="Start this round").click()
    expect(page.get_by_text("Question 1 of 2")).to_be_visible()


def test_a_whole_round_from_the_start_page_to_its_deletion(
    page: Page, context: BrowserContext, site: Site, watch: Watch
) -> None:
    watch.expected = ("the server responded with a status of 409", "reply: 409")  # the two tabs below disagree
    choose_own_mix(page)
    round_id = page.url.split("/")[4]
    box = page.get_by_label("Your answer")
    draft_state = page.locator("#draft-state")
    expect(box).to_be_focused()

    page.keyboard.type("It depends on the data.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("follow-up")).to_be_visible()
    expect(page.locator(".candidate .bubble").first).to_have_text("It depends on the data.")
    expect(box).to_be_focused()
    expect(box).to_have_value("")

    page.keyboard.type("Half of ")
    expect(draft_state).to_have_text("Draft saved")
    page.keyboard.type("a ")
    page.reload()
    expect(box).to_have_value("Half of a ")
    expect(draft_state).to_have_text("Draft saved")

    other = context.new_page()
    other.goto(page.url)
    other_box = other.get_by_label("Your answer")
    expect(other_box).to_have_value("Half of a ")
    other_box.press_sequentially("thought, in the second tab")
    expect(other.locator("#draft-state")).to_have_text("Draft saved")
    box.press_sequentially("sentence, in the first")
    expect(page.get_by_text("This answer was changed in another tab or window.")).to_be_visible()
    page.get_by_role("button", name="Keep mine").click()
    expect(draft_state).to_have_text("Draft saved")
    other_box.press_sequentially(" again")
    other.get_by_role("button", name="Take that text").click()
    expect(other_box).to_have_value("Half of a sentence, in the first")
    expect(other.locator("#conflict")).to_be_hidden()
    other.close()
    assert site.store.draft(round_id, 1).text == "Half of a sentence, in the first"

    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()
    page.get_by_role("button", name="I don’t know").click()
    expect(page.locator(".bubble").last).to_contain_text("That’s fine, it is better to say so.")

    first_point = site.record(round_id).round.plan[1].rubric.points[0].id
    box.fill(f"I would {first_point} before anything else.")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="End round").click()
    expect(page).to_have_url(f"{site.address}/rounds/{round_id}/report")
    record = site.record(round_id)
    assert [(turn.reply.how, turn.reply.text) for turn in record.round.turns if turn.reply] == [
        ("answered", "It depends on the data."),
        ("skipped", "Half of a sentence, in the first"),
        ("dont_know", ""),
        ("ended", f"I would {first_point} before anything else."),
    ]

    expect(page.locator("mark.said")).to_have_text(first_point)
    page.locator("a.ref").click()
    expect(page.locator("#q2-point-1:target")).to_be_visible()
    expect(page.locator("#q2-point-1 .chip")).to_have_text("Said")
    expect(page.get_by_role("heading", level=1)).to_contain_text("hire")
    page.get_by_text("A model answer").first.click()
    expect(page.locator(".model-answer[open] .prose")).to_be_visible()

    page.get_by_role("link", name="History").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Delete the round").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete this round?")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("The round was deleted.")).to_be_visible()
    expect(page.get_by_text("No rounds yet")).to_be_visible()
    assert site.rows("select count(*) from rounds") == [(0,)]
    assert site.rows("select count(*) from replies") == [(0,)]


def test_a_ready_made_round_starts_with_one_click(page: Page, site: Site) -> None:
    page.goto("/")
    page.get_by_role("button", name="Full loop").click()
    expect(page.locator(".clock-value")).to_have_text(re.compile("^(59|60):"))
    (round_id,) = [past.id for past in site.store.rounds()]
    assert site.record(round_id).round.options.preset == "full-loop"


def test_a_double_click_on_send_answers_once(page: Page, site: Site) -> None:
    choose_own_mix(page)
    page.get_by_label("Your answer").fill("Once is enough.")
    page.get_by_role("button", name="Send answer").dblclick()
    expect(page.get_by_text("follow-up")).to_be_visible()
    assert site.rows("select position, text from replies") == [(0, "Once is enough.")]


def test_ending_a_round_asks_first(page: Page, site: Site) -> None:
    choose_own_mix(page)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_label("Your answer").fill("Not done yet.")
    page.get_by_role("button", name="End round").click()
    assert asked == ["End this round now? What stands in the answer box is kept and graded."]
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    expect(page.get_by_label("Your answer")).to_have_value("Not done yet.")
    assert site.rows("select * from endings") == []


def test_the_browser_keeps_no_draft_of_a_round_that_is_over(page: Page, site: Site) -> None:
    choose_own_mix(page)
    round_id = str(page.locator("#round").get_attribute("data-round"))
    keep = 'key => localStorage.setItem(key, \'{"text": "secret", "revision": 0}\')'
    page.evaluate(keep, f"greenroom:{round_id}:0")
    page.evaluate(keep, "greenroom:another:0")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="End round").click()
    page.wait_for_url("**/report")
    expect(page.locator("h1")).to_be_visible()
    assert page.evaluate("() => Object.keys(localStorage)") == ["greenroom:another:0"]


def test_an_empty_answer_is_refused_on_the_page(page: Page, site: Site, watch: Watch) -> None:
    watch.expected = ("422",)
    choose_own_mix(page)
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("#notice")).to_contain_text("The answer box is empty.")
    assert site.rows("select * from replies") == []
    page.get_by_label("Your answer").fill("Not any more.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("follow-up")).to_be_visible()


def test_coach_mode_shows_feedback_after_each_question(page: Page, site: Site) -> None:
    page.goto("/questions/fundamentals/overfitting")
    page.get_by_role("button", name="Practise this question").click()
    page.get_by_label("Your answer").fill("ALL of it, in one sentence.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("heading", name="What your interviewer heard")).to_be_visible()
    expect(page.locator(".point.said")).to_have_count(page.locator(".point").count())
    page.get_by_role("button", name="See the report").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Strong hire")


def test_the_answer_waits_on_the_page_while_it_is_graded(page: Page, site: Site) -> None:
    choose_own_mix(page)
    site.grader.hold.clear()
    page.get_by_label("Your answer").fill("Take your time.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("The interviewer is thinking; the clock stands.")).to_be_visible()
    site.grader.hold.set()
    expect(page.get_by_text("follow-up")).to_be_visible()
    expect(page.get_by_label("Your answer")).to_be_focused()


def test_the_question_browser_filters_as_one_types_and_keeps_the_address(page: Page) -> None:
    page.goto("/questions")
    page.get_by_label("Search").press_sequentially("imbalanced")
    expect(page.get_by_role("status")).to_contain_text("1 of 26")
    page.wait_for_url("**/questions?q=imbalanced*")
    page.reload()
    expect(page.get_by_label("Search")).to_have_value("imbalanced")
    expect(page.locator(".question-list li")).to_have_count(1)
