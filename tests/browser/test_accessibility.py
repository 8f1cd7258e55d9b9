"""WCAG 2.2 AA on every page in every state: axe, the keyboard, the smallest screens, and calm when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.content import Content
from app.settings import Settings
from tests.browser.conftest import OpenContext, Site, Watch, practise, start_round
from tests.server.process import environment, served

pytestmark = pytest.mark.browser

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations']}).then(found => found.violations)"
WIDE, PHONE, NARROWEST = 1280, 390, 320
QUESTION = "fundamentals/overfitting"

SMALL_TARGETS = """() => [...document.querySelectorAll('button, .button, select, input, summary, textarea, nav a')]
  .filter(one => one.checkVisibility())
  .map(one => [one, (one.matches('input[type=radio], input[type=checkbox]') ? one.nextElementSibling : one)])
  .map(([one, target]) => [one.outerHTML.slice(0, 100), target.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""

TOO_WIDE = """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
  [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > window.innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 100))"""

FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const drawn = [one, one.nextElementSibling].filter(Boolean).map(it => getComputedStyle(it));
  const box = one.getBoundingClientRect();
  return {
    id: one.id,
    html: one.outerHTML.slice(0, 100),
    ring: drawn.some(style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2),
    seen: box.bottom > 0 && box.top < window.innerHeight,
  };
}"""


@pytest.fixture
def context(open_context: OpenContext) -> BrowserContext:
    context = open_context(bypass_csp=True, reduced_motion="reduce")  # axe is injected, which our policy forbids
    context.add_init_script(path=AXE)
    return context


def violations(page: Page) -> list[str]:
    return [
        f"{one['id']} ({one['help']}): {node['html'][:140]} {node['failureSummary'][:300]}"
        for one in page.evaluate(RUN_AXE, TAGS)
        for node in one["nodes"]
    ]


def problems(page: Page, name: str) -> list[str]:
    """What is wrong with the page that is open, in light and dark, on a desk and on a phone."""
    found: list[str] = []
    for width in (WIDE, PHONE):
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{name}, {scheme}, {width} px: {one}" for one in violations(page)]
        found += [f"{name}, {width} px, target under 24 px: {one}" for one in page.evaluate(SMALL_TARGETS)]
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    found += [f"{name}, wider than {NARROWEST} px: {one}" for one in page.evaluate(TOO_WIDE)]
    return found


def tab_stops(page: Page, most: int = 60) -> Iterator[dict[str, Any]]:
    """What has the focus after each Tab from the top of the page, until the focus leaves it."""
    page.evaluate(
        "() => { document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex'); }"
    )
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None:
            return
        yield stop


def fail_round(page: Page, site: Site) -> str:
    round_id = practise(page, QUESTION)
    page.request.post(f"/rounds/{round_id}/end", form={"text": "This is ungradable."})
    return round_id


def good_round(page: Page, content: Content) -> str:
    """A round of two questions: points said, partly late, missing, a mistake, a follow-up; one of them unanswered."""
    round_id = start_round(page, count="2", domains="fundamentals", mode="pressure")
    for position in range(2):
        rubric = content.rubrics[QUESTION]
        said = " ".join(one.id for one in rubric.points[:2])
        text = f"First {said} and then {rubric.mistakes[0].id}. " + "And a long story about it. " * 12
        assert page.request.post(f"/rounds/{round_id}/answer", form={"position": position, "text": text}).ok
    assert page.request.post(f"/rounds/{round_id}/end").ok
    return round_id


def test_pages_before_the_first_round(page: Page, watch: Watch) -> None:
    watch.expected = ("404",)
    found: list[str] = []
    for address in (
        "/",
        "/rounds",
        "/questions",
        "/questions?q=nothing+like+this",
        "/how-it-works",
        "/settings",
        "/no-such-page",
    ):
        page.goto(address)
        for closed in page.locator("details:not([open]) summary").all():
            closed.click()
        found += problems(page, address)
    for address in (f"/questions/{QUESTION}", f"/questions/{QUESTION}?reveal=yes"):
        page.goto(address)
        found += problems(page, address)
    assert not found, "\n".join(found)


def test_the_stages_of_a_round(page: Page, site: Site, content: Content) -> None:
    point = content.rubrics[QUESTION].points[0].id
    mistake = content.rubrics[QUESTION].mistakes[0].id
    practise(page, QUESTION, mode="coach")
    found = problems(page, "round, answer")
    page.get_by_label("Your answer").fill(f"I would {point}, and {mistake}.")
    page.locator("#conflict").evaluate("bar => bar.hidden = false")
    page.locator("#notice").evaluate("bar => bar.textContent = 'Greenroom can’t be reached.'")
    found += problems(page, "round, answer, with both bars")

    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("follow-up")).to_be_visible()
    found += problems(page, "round, follow-up")

    site.grader.hold.clear()
    page.get_by_role("button", name="I don’t know").click()
    expect(page.get_by_text("The interviewer is thinking")).to_be_visible()
    found += problems(page, "round, grading")

    site.grader.hold.set()
    expect(page.get_by_role("heading", name="What your interviewer heard")).to_be_visible()
    found += problems(page, "round, review")

    start_round(page, count="2")
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("Question 2 of 2")).to_be_visible()
    page.get_by_text("Earlier in this round").click()
    found += problems(page, "round, second question with the first one open")
    page.goto("/")
    found += problems(page, "start with an open round")
    assert not found, "\n".join(found)


def test_reports_and_what_hangs_on_them(page: Page, site: Site, content: Content) -> None:
    site.grader.hold.clear()
    pending = practise(page, QUESTION)
    page.request.post(f"/rounds/{pending}/end", form={"text": "ALL of it."}, max_redirects=0)
    page.goto(f"/rounds/{pending}/report")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your answers are being graded")
    found = problems(page, "report, pending")
    site.grader.hold.set()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Strong hire")
    found += problems(page, "report, all said")

    again = practise(page, QUESTION)
    mistake = content.rubrics[QUESTION].mistakes[0].id
    page.request.post(f"/rounds/{again}/end", form={"text": f"Just {mistake}."})
    page.goto(f"/rounds/{again}/report")
    expect(page.locator(".delta")).to_contain_text("since")
    page.get_by_text("A model answer").click()
    found += problems(page, "report, a mistake and a change for the worse")

    failed = fail_round(page, site)
    page.goto(f"/rounds/{failed}/report")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing graded yet")
    found += problems(page, "report, failed")

    several = good_round(page, content)
    page.goto(f"/rounds/{several}/report")
    found += problems(page, "report, several questions")

    for address in (
        f"/rounds/{several}/delete",
        "/rounds",
        "/rounds?mode=coach",
        f"/questions/{QUESTION}",
        "/questions",
    ):
        page.goto(address)
        found += problems(page, f"{address} after rounds")
    assert not found, "\n".join(found)


def test_the_start_page_while_the_grader_loads_and_when_it_cannot(page: Page, settings: Settings) -> None:
    broken = environment(settings.data_dir / "other", GREENROOM_EMBEDDING_MODEL="/no/such/model")
    with served(settings.data_dir / "other", broken) as server:
        page.goto(server.address)
        expect(page.locator("#grader")).to_contain_text("The grader is loading.")
        found = violations(page)
        expect(page.locator("#grader")).to_contain_text("The grader could not be loaded.", timeout=60_000)
        found += violations(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "address", ["/", "/questions", f"/questions/{QUESTION}", "/how-it-works", "/settings", "/rounds"]
)
def test_every_stop_of_the_tab_key_shows_its_focus_and_the_first_skips_to_the_content(page: Page, address: str) -> None:
    page.goto(address)
    stops = list(tab_stops(page))
    assert len(stops) > 5
    assert [stop["html"] for stop in stops if not (stop["ring"] and stop["seen"])] == []
    assert "Skip to the content" in stops[0]["html"]
    page.goto(address)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_whole_answer_can_be_given_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    while page.evaluate("document.activeElement.value") != "ml-fundamentals":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    box = page.get_by_label("Your answer")
    expect(box).to_be_focused()
    stops = [stop["id"] for stop in tab_stops(page, 12)]
    assert "answer" in stops
    box.focus()
    page.keyboard.type("By keyboard.")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send answer")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("follow-up")).to_be_visible()
    expect(box).to_be_focused()


def test_the_focus_is_seen_on_a_round_and_a_report(page: Page, content: Content) -> None:
    start_round(page)
    hidden = [stop["html"] for stop in tab_stops(page) if not (stop["ring"] and stop["seen"])]
    round_id = good_round(page, content)
    page.goto(f"/rounds/{round_id}/report")
    hidden += [stop["html"] for stop in tab_stops(page) if not (stop["ring"] and stop["seen"])]
    assert not hidden, "\n".join(hidden)


def test_nothing_moves_for_those_who_asked_for_that(page: Page, site: Site) -> None:
    start_round(page)
    site.grader.hold.clear()
    page.get_by_label("Your answer").fill("Wait.")
    page.get_by_role("button", name="Send answer").click()
    for motion, moving in (("reduce", False), ("no-preference", True)):
        page.emulate_media(reduced_motion=motion)
        expect(page.locator(".dots i").first).to_be_visible()
        animation = page.locator(".dots i").first.evaluate("dot => getComputedStyle(dot).animationName")
        assert (animation != "none") == moving
