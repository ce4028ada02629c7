"""The dashboard in a real Chromium, on a server whose parts the test sets."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfctl.errors import UnreachableError
from tests.dashboard_server import HOSTILE, DashboardServer, dashboard_server, metrics, slow

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.debian, pytest.mark.xdist_group("browser")]

CHROMIUM = os.environ.get("PERFCTL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FIGURES = 10
LOOKING = Path(__file__).parent
NAMELESS = (LOOKING / "nameless.js").read_text()
LOW_CONTRAST = (LOOKING / "low_contrast.js").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip(
            "SKIPPED LOUDLY: no Chromium is installed, so the dashboard was not looked at: apt-get install chromium"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardServer]:
    """A server for tests that set no part."""
    with dashboard_server(tmp_path_factory.mktemp("dashboard")) as server:
        yield server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DashboardServer]:
    """A server of the test's own."""
    with dashboard_server(tmp_path) as started:
        yield started


class Seen:
    """What a page did that it may not: each test ends with nothing of it."""

    def __init__(self, page: Page, origin: str) -> None:
        self.wrong: list[str] = []
        self.allowed = False
        page.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("request", lambda request: self._outside(request.url, origin))

    def _note(self, is_wrong: bool, text: str) -> None:
        if is_wrong and not self.allowed:
            self.wrong.append(text)

    def _outside(self, url: str, origin: str) -> None:
        if not url.startswith(origin):
            self.wrong.append(f"asked outside: {url}")


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """Open a page: `opened(server, width=390)`; console errors and requests to elsewhere fail the test."""
    pages: list[tuple[Any, Seen]] = []

    def open_page(server: DashboardServer, *, width: int = 1280, scheme: str = "light", wait: bool = True) -> Page:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        page = context.new_page()
        seen = Seen(page, f"http://127.0.0.1:{server.port}/")
        pages.append((context, seen))
        page.goto(server.url)
        if wait:
            page.wait_for_selector("#live[data-state=live]")
            page.wait_for_selector("#charts canvas")
            page.wait_for_selector("#database-table button")
        page.seen = seen  # type: ignore[attr-defined]
        return page

    yield open_page
    for context, seen in pages:
        context.close()
        assert seen.wrong == []


def shows(page: Page, place: str, text: str) -> None:
    """Wait until a text is there. The page's policy forbids what `wait_for_function` does."""
    page.locator(place).get_by_text(text).first.wait_for(state="attached")


def test_the_page_shows_ten_figures_and_why_one_is_not_measured(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared)
    cards = page.locator("#figure-cards > li")
    assert cards.count() == FIGURES
    assert "25.0" in cards.filter(has_text="Cache hit rate").inner_text()
    unmeasured = cards.filter(has_text="API response time")
    assert unmeasured.locator(".value").inner_text() == "-"
    assert "no source of api_response_time_ms" in unmeasured.inner_text()


def test_an_update_arrives_without_a_reload_and_is_not_read_out(opened: Any, server: DashboardServer) -> None:
    page = opened(server)
    server.answers["metrics"] = metrics(cache_hit_rate=0.75)
    shows(page, "#figure-cards", "75.0")
    assert page.locator("#said").inner_text() in ("", "Firing: slow")


def test_hostile_texts_are_shown_and_never_run(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared)
    for table in ("cache", "database", "http", "cdn", "health", "alerts"):
        assert HOSTILE[:40] in page.locator(f"#{table}-table").inner_text(), table
    page.locator("#database-table button", has_text="onerror").click()
    page.wait_for_selector("#plan .tree")
    assert page.evaluate("[window.hacked, document.images.length, document.scripts.length]") == [None, 0, 2]
    refused = "(() => { try { document.body.innerHTML = 'x'; } catch (error) { return error.name; } })()"
    page.seen.allowed = True  # the policy is told in the console
    assert page.evaluate(refused) == "TypeError"


def test_a_click_on_a_query_shows_its_plan_and_the_findings(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared)
    page.locator("#database-table button").first.click()
    page.wait_for_selector("#plan[open] .tree")
    told = page.locator("#plan-body").inner_text()
    assert "SELECT * FROM orders" in told
    assert "Findings (1)" in told
    assert "CREATE INDEX ..." in told
    assert "filter: (user_id = $1)" in told
    assert "it was not run" in told


def test_the_keyboard_alone_opens_a_plan_and_comes_back(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.className") == "open":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector("#plan[open] .tree")
    assert page.evaluate("document.activeElement.closest('dialog')?.id") == "plan"
    page.keyboard.press("Escape")
    page.wait_for_selector("#plan:not([open])", state="attached")
    assert page.evaluate("document.activeElement.className") == "open"


def test_focus_stays_on_a_query_while_its_row_changes(opened: Any, server: DashboardServer) -> None:
    page = opened(server)
    page.locator("#database-table button").first.focus()
    server.answers["slow-queries"] = slow("SELECT * FROM orders WHERE user_id = $1", "SELECT 1", "SELECT 2")
    page.locator("#database-table button").nth(2).wait_for()
    assert "orders" in page.evaluate("document.activeElement.innerText")


def test_the_window_is_chosen_with_the_arrow_keys_and_kept(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared)
    page.locator("#windows input:checked").focus()
    page.keyboard.press("ArrowRight")
    shows(page, "#charts-as-of", "6h, in steps")
    page.reload()
    shows(page, "#charts-as-of", "6h, in steps")
    assert page.locator("#windows input:checked").input_value() == "6h"


def test_charts_are_told_in_words_and_as_a_table(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared)
    said = page.locator("#chart-hit-ratio [role=img]").get_attribute("aria-label") or ""
    assert re.search(r"Hit ratio\. cache: last 90\.0\s%, from 90\.0\s% to 90\.0\s%", said)
    page.locator("#chart-hit-ratio summary").click()
    assert "90.0" in page.locator("#chart-hit-ratio table").inner_text()


def test_a_part_without_an_answer_keeps_its_figures_and_says_since_when(opened: Any, server: DashboardServer) -> None:
    page = opened(server)
    server.answers["slow-queries"] = UnreachableError("127.0.0.1:5432 does not answer", hint="perfctl health")
    shows(page, "#database-table", "no answer since")
    told = page.locator("#database-table").inner_text()
    assert "127.0.0.1:5432 does not answer (perfctl health)" in told
    assert "SELECT * FROM orders" in told


def test_the_page_says_that_the_server_is_gone_and_comes_back_by_itself(opened: Any, server: DashboardServer) -> None:
    page = opened(server)
    page.seen.allowed = True  # a refused connection is in the console, whatever a page does
    server.stop()
    page.wait_for_selector("#live[data-state=gone]")
    assert "The server does not answer" in page.locator("#notice").inner_text()
    server.answers["metrics"] = metrics(cache_hit_rate=0.5)
    server.start()
    shows(page, "#figure-cards", "50.0")
    assert page.locator("#notice").is_hidden()
    assert page.locator("#said").inner_text() == "The server answers again"


def test_the_page_asks_for_a_token_and_keeps_it_in_its_tab_alone(opened: Any, browser: Browser, tmp_path: Path) -> None:
    with dashboard_server(tmp_path, open_reads=False, token="a-token-of-this-test") as server:
        page = opened(server, wait=False)
        page.seen.allowed = True  # Chromium notes each 401
        page.wait_for_selector("#token[open]")
        assert page.evaluate("document.activeElement.id") == "token-value"
        page.keyboard.type("not this one")
        page.keyboard.press("Enter")
        shows(page, "#token-words", "refused")
        page.wait_for_selector("#token[open]")
        page.locator("#token-value").fill("a-token-of-this-test")
        page.keyboard.press("Enter")
        page.wait_for_selector("#live[data-state=live]")
        page.locator("#database-table button").first.click()
        page.wait_for_selector("#plan[open] .tree")
        kept = page.evaluate("[{...localStorage}, document.cookie, location.href, document.body.innerText]")
        assert "a-token-of-this-test" not in json.dumps(kept)


def test_nothing_scrolls_sideways_and_every_text_has_contrast(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(LOW_CONTRAST) == [], f"{width} {scheme}"


def test_everything_has_a_name_a_place_and_an_order(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared, width=1280)
    assert page.evaluate(NAMELESS) == []


def test_the_documentation_of_the_api_is_a_page(opened: Any, shared: DashboardServer) -> None:
    page = opened(shared, wait=False)
    page.goto(shared.url.replace("/performance/", "/docs/performance"))
    assert page.locator("#cache article").count() >= 3
    assert "curl -s http://127.0.0.1" in page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate(LOW_CONTRAST) == []
