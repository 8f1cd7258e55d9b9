"""Nothing jumps under the reader's eyes, and a report prints well."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.settings import Settings
from tests.browser.conftest import Site, Watch, practise, start_round
from tests.server.process import LOADING, served

pytestmark = pytest.mark.browser

MOST = 0.02
WATCH_SHIFTS = """
window.shifts = [];
const observer = new PerformanceObserver(list => window.shifts.push(...list.getEntries()));
observer.observe({type: 'layout-shift', buffered: true});
"""
SHIFTS = """() => window.shifts.filter(one => !one.hadRecentInput).map(one => [one.value,
  ...one.sources.map(source => (source.node?.outerHTML ?? source.node?.textContent ?? '').slice(0, 80))])"""


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    context.add_init_script(WATCH_SHIFTS)
    return context


def assert_steady(page: Page) -> None:
    page.wait_for_timeout(300)
    shifts = page.evaluate(SHIFTS)
    assert sum(shift[0] for shift in shifts) < MOST, shifts


def test_the_start_page_stays_where_it_is_while_the_grader_gets_ready(
    context: BrowserContext, watch: Watch, settings: Settings
) -> None:
    with served(settings.data_dir / "other") as server:
        pages = [context.new_page(), context.new_page()]
        for page, width in zip(pages, (1280, 390), strict=True):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(server.address)
            expect(page.locator("#grader")).to_contain_text("The grader is loading.")
        for page in pages:
            expect(page.locator("#grader")).to_contain_text("The grader is ready.", timeout=1000 * LOADING)
            assert_steady(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_a_round_stays_where_it_is_while_one_types(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    start_round(page)
    send = page.get_by_role("button", name="Send answer")
    before = send.bounding_box()
    page.get_by_label("Your answer").press_sequentially("A few words, and then a rest")
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    page.get_by_label("Your answer").press_sequentially(" and more.")
    expect(page.locator("#draft-state")).to_have_text("Saving…")
    assert send.bounding_box() == before
    expect(page.locator("#draft-state")).to_have_text("Draft saved")
    assert_steady(page)


def test_a_report_stays_where_it_is(page: Page) -> None:
    round_id = practise(page, "fundamentals/overfitting")
    page.request.post(f"/rounds/{round_id}/end", form={"text": "ALL of it."})
    page.goto(f"/rounds/{round_id}/report")
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    assert_steady(page)


def test_the_question_list_and_the_history_stay_where_they_are(page: Page) -> None:
    for address in ("/questions", "/rounds", "/how-it-works"):
        page.goto(address)
        assert_steady(page)


def test_a_printed_report_has_the_answers_and_no_navigation(page: Page, site: Site) -> None:
    round_id = practise(page, "fundamentals/overfitting")
    page.request.post(f"/rounds/{round_id}/end", form={"text": "ALL of it, on paper."})
    page.goto(f"/rounds/{round_id}/report")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".answer-text")).to_be_visible()
    expect(page.locator(".answer-text")).to_contain_text("of it, on paper.")
    expect(page.locator(".point")).to_have_count(len(site.record(round_id).round.plan[0].rubric.points))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for hidden in (".top", ".bottom", ".report-head .actions", ".question-head form"):
        expect(page.locator(hidden)).to_be_hidden()
