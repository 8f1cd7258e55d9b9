"""A lost connection: the page says so, keeps the text, tries again, and saves it when the server is back."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Site, Watch, start_round

pytestmark = pytest.mark.browser

LOST = "Connection lost. Your text is kept in this browser; trying again…"
OFFLINE = (
    "ERR_INTERNET_DISCONNECTED",
    "ERR_CONNECTION",
    "ERR_EMPTY_RESPONSE",
    "ERR_SOCKET",
    "htmx:sendError",
    "htmx:afterRequest",
)


@pytest.fixture(autouse=True)
def _failures_are_expected(watch: Watch) -> None:
    watch.expected = OFFLINE


def test_what_is_typed_offline_is_kept_and_saved_when_the_connection_is_back(
    page: Page, context: BrowserContext, site: Site
) -> None:
    round_id = start_round(page)
    box, state = page.get_by_label("Your answer"), page.locator("#draft-state")
    context.set_offline(True)
    box.press_sequentially("Typed in a tunnel")
    expect(state).to_have_text(LOST)
    box.press_sequentially(", and more")
    expect(state).to_have_text(LOST)
    assert site.rows("select * from drafts") == []
    context.set_offline(False)
    expect(state).to_have_text("Draft saved")
    assert site.store.draft(round_id, 0).text == "Typed in a tunnel, and more"


def test_sending_offline_keeps_the_text_and_says_so(page: Page, context: BrowserContext, site: Site) -> None:
    start_round(page)
    box = page.get_by_label("Your answer")
    context.set_offline(True)
    box.fill("An answer for later.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.locator("#notice")).to_contain_text("Greenroom can’t be reached. Your text is still here")
    expect(box).to_have_value("An answer for later.")
    context.set_offline(False)
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("follow-up")).to_be_visible()
    assert site.rows("select text, how from replies") == [("An answer for later.", "answered")]


def test_a_page_closed_offline_finds_its_text_again(page: Page, context: BrowserContext, site: Site) -> None:
    round_id = start_round(page)
    context.set_offline(True)
    page.get_by_label("Your answer").press_sequentially("Never reached the server")
    expect(page.locator("#draft-state")).to_have_text(LOST)
    page.close()
    context.set_offline(False)
    again = context.new_page()
    again.goto(f"/rounds/{round_id}")
    expect(again.get_by_label("Your answer")).to_have_value("Never reached the server")
    expect(again.locator("#draft-state")).to_have_text("Draft saved")
    assert site.store.draft(round_id, 0).text == "Never reached the server"


def test_a_restart_of_the_server_loses_nothing(page: Page, site: Site) -> None:
    round_id = start_round(page)
    box, state = page.get_by_label("Your answer"), page.locator("#draft-state")
    box.press_sequentially("Before")
    expect(state).to_have_text("Draft saved")
    site.stop()
    box.press_sequentially(" and during")
    expect(state).to_have_text(LOST)
    site.start()
    expect(state).to_have_text("Draft saved")
    assert site.store.draft(round_id, 0).text == "Before and during"
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("follow-up")).to_be_visible()
    assert site.rows("select text from replies") == [("Before and during",)]


def test_a_page_that_waits_for_grading_goes_on_after_a_restart(page: Page, site: Site) -> None:
    start_round(page)
    site.grader.hold.clear()
    page.get_by_label("Your answer").fill("Sent just before.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("The interviewer is thinking")).to_be_visible()
    site.stop()
    expect(page.locator("#notice")).to_have_text("Greenroom can’t be reached. Your answer is saved; trying again…")
    site.start()
    expect(page.get_by_text("follow-up")).to_be_visible()


def test_a_report_that_waits_for_grading_fills_in_after_a_restart(page: Page, site: Site) -> None:
    round_id = start_round(page)
    site.grader.hold.clear()
    page.request.post(f"/rounds/{round_id}/end", form={"text": "ALL of it."}, max_redirects=0)
    page.goto(f"/rounds/{round_id}/report")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your answers are being graded")
    site.stop()
    page.wait_for_timeout(2500)
    site.start()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Strong hire")
