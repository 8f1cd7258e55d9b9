"""The clock on the page: it counts, it nudges, and at the end what stands in the box is the answer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.core.round import Ending
from tests.browser.conftest import Site, start_round

pytestmark = pytest.mark.browser

QUARTER = 15 * 60


def seconds_shown(page: Page) -> int:
    minutes, seconds = re.findall(r"\d+", page.locator(".clock-value").inner_text())
    return 60 * int(minutes) + int(seconds)


def test_at_time_out_the_draft_is_the_answer_and_the_report_appears_by_itself(page: Page, site: Site) -> None:
    round_id = start_round(page)
    site.asked(round_id, QUARTER - 4)
    page.reload()
    assert seconds_shown(page) <= 4
    page.get_by_label("Your answer").press_sequentially("As far as I got")
    expect(page.locator("#clock")).to_have_class(re.compile("low"))
    page.wait_for_url("**/report")
    expect(page.locator(".answer-text")).to_have_text("As far as I got")
    expect(page.get_by_text("Time ran out here; the draft counted as the answer.")).to_be_visible()
    expect(page.get_by_text("15 min on the clock of 15 min")).to_be_visible()
    record = site.record(round_id)
    (turn,) = record.round.turns
    assert turn.reply is not None
    assert (turn.reply.text, turn.reply.how) == ("As far as I got", "timed_out")
    assert record.round.ending is Ending.timed_out


def test_at_time_out_with_an_empty_box_the_report_appears_too(page: Page, site: Site) -> None:
    round_id = start_round(page)
    site.asked(round_id, QUARTER - 2)
    page.reload()
    page.wait_for_url("**/report")
    expect(page.get_by_text("No answer was given", exact=False).first).to_be_visible()
    assert site.record(round_id).round.ending is Ending.timed_out


def test_a_saved_draft_counts_when_the_page_was_closed_before_time_out(page: Page, site: Site) -> None:
    round_id = start_round(page)
    page.get_by_label("Your answer").press_sequentially("Typed, then gone")
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.goto("about:blank")
    site.asked(round_id, QUARTER + 10)
    page.goto(f"/rounds/{round_id}")
    page.wait_for_url("**/report")
    expect(page.locator(".answer-text")).to_have_text("Typed, then gone")


def test_in_coach_mode_the_clock_only_warns(page: Page, site: Site) -> None:
    round_id = start_round(page, mode="coach")
    site.asked(round_id, QUARTER - 2)
    page.reload()
    expect(page.locator("#live")).to_have_text("Time is up. Finish your thought and send it.")
    expect(page.locator("#clock")).to_have_class(re.compile("out"))
    page.get_by_label("Your answer").fill("A little late.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_role("heading", name="What your interviewer heard")).to_be_visible()
    assert site.rows("select text, how from replies") == [("A little late.", "answered")]


def test_the_countdown_counts(page: Page, site: Site) -> None:
    start_round(page)
    first = seconds_shown(page)
    assert QUARTER - 10 <= first <= QUARTER
    page.wait_for_timeout(2200)
    assert 2 <= first - seconds_shown(page) <= 4


def test_the_clock_stands_while_an_answer_is_graded(page: Page, site: Site) -> None:
    start_round(page)
    site.grader.hold.clear()
    page.get_by_label("Your answer").fill("Take your time.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("the clock stands.")).to_be_visible()
    shown = seconds_shown(page)
    page.wait_for_timeout(1500)
    assert seconds_shown(page) == shown


def test_a_quiet_nudge_appears_when_the_suggested_time_is_passed(page: Page, site: Site) -> None:
    round_id = start_round(page, length="untimed")
    suggested = site.record(round_id).round.plan[0].question.minutes
    site.asked(round_id, 60 * suggested - 3)
    page.reload()
    expect(page.locator("#nudge")).to_be_empty()
    expect(page.locator("#nudge")).to_have_text(
        f"About {suggested} minutes are usual for this one. Round it off when you can."
    )
    expect(page.get_by_text("Untimed")).to_be_visible()
