"""Surveys in Chromium: create one, answer by thumb and by keyboard, see the results."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from artist_nst.corpus.works import get_packaged_corpora
from tests.artists import save, save_painting, work
from tests.web.browser import StudioProcess, Watched, open_browser, open_studio

pytestmark = pytest.mark.browser

PAINTINGS = 4
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
}
DESKTOP = {"viewport": {"width": 1440, "height": 950}}
TITLE = "Streets & <b>squares</b>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    """A studio with paintings."""
    folder = tmp_path_factory.mktemp("studio") / "paintings"
    photo = save(folder / "photos" / "street.png", work(0, 0))
    for number in range(PAINTINGS):
        save_painting(folder / f"{number}.png", work(1, number), photo, [photo])
    with open_studio(folder, get_packaged_corpora()) as studio:
        yield studio


@contextmanager
def open_page(
    browser: Browser, studio: StudioProcess, **options: Any
) -> Iterator[Page]:
    """Open a page of a person of their own, which must have no problem."""
    context = browser.new_context(base_url=studio.url, **options)
    context.set_default_timeout(20_000)
    watched = Watched(context.new_page(), studio.url)
    yield watched.page
    context.close()
    assert watched.problems == []


def go(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector("html[data-ready]")


def create(browser: Browser, studio: StudioProcess, kind: str, *ticks: str) -> str:
    """Create a survey of all paintings as a user does, and return its raters' page."""
    with open_page(browser, studio, **DESKTOP) as page:
        go(page, "/surveys")
        page.get_by_text(kind).click()
        page.get_by_label("Title").fill(TITLE)
        page.get_by_role("button", name="All", exact=True).click()
        for tick in ticks:
            page.get_by_label(tick).check()
        expect(page.get_by_text(f"{PAINTINGS} paintings chosen")).to_be_visible()
        before = page.get_by_role("link", name="Rate").count()
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("link", name="Rate")).to_have_count(before + 1)
        entry = page.locator(".entry").first
        expect(entry).to_contain_text(TITLE)
        expect(entry).to_contain_text(f"{PAINTINGS} paintings · 0 raters · 0 answers")
        address = entry.get_by_role("link", name="Rate").get_attribute("href")
    assert address is not None
    return address


@pytest.fixture(scope="module")
def ratings(browser: Browser, studio: StudioProcess) -> str:
    return create(browser, studio, "Rate each", "Show the photo", "Show the work")


def check_accessible(page: Page) -> None:
    violations = [
        f"{violation['id']}: {node['html']}"
        for violation in Axe().run(page).response["violations"]
        for node in violation["nodes"]
    ]
    assert violations == []


def check_fits(page: Page) -> None:
    """Assert that nothing is outside the window, and buttons suit a thumb."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    size = page.viewport_size
    assert size is not None
    assert wide <= size["width"]
    for button in page.locator("#task [data-value]").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
        assert box["y"] + box["height"] <= size["height"]


def wait_for_task(page: Page, number: int, total: int = PAINTINGS) -> None:
    expect(page.locator("#progress")).to_have_text(f"{number} of {total}")
    # A moment later, in which double taps count for nothing.
    page.wait_for_timeout(300)


def test_two_raters_and_their_results(
    browser: Browser, studio: StudioProcess, ratings: str
) -> None:
    with open_page(browser, studio, **PHONE) as page:
        go(page, ratings)
        expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
        expect(
            page.get_by_text("4 paintings · about 1 min · anonymous")
        ).to_be_visible()
        check_accessible(page)
        page.get_by_role("button", name="Start").tap()
        for number in range(1, PAINTINGS + 1):
            wait_for_task(page, number)
            expect(page.get_by_alt_text(f"Painting {number}")).to_be_visible()
            expect(page.get_by_alt_text("Photo")).to_be_visible()
            check_fits(page)
            page.get_by_role("button", name="4 good").tap()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        expect(page.get_by_text("Your 4 answers are saved.")).to_be_visible()
        check_accessible(page)
        # Who comes back has finished.
        go(page, ratings)
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    with open_page(browser, studio, **DESKTOP, color_scheme="dark") as page:
        go(page, ratings)
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Start")).to_be_focused()
        page.keyboard.press("Enter")
        wait_for_task(page, 1)
        check_accessible(page)
        page.keyboard.press("2")
        wait_for_task(page, 2)
        page.keyboard.press("Backspace")
        wait_for_task(page, 1)
        poor = page.get_by_role("button", name="2 poor")
        expect(poor).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("3")
        wait_for_task(page, 2)
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        excellent = page.get_by_role("button", name="5 excellent")
        expect(excellent).to_be_focused()
        page.keyboard.press("Enter")
        for number in (3, 4):
            wait_for_task(page, number)
            page.keyboard.press("5")
        expect(page.get_by_role("heading", name="Thank you")).to_be_focused()
    with open_page(browser, studio, **DESKTOP) as page:
        go(page, "/surveys")
        expect(page.locator(".entry").first).to_contain_text("2 raters · 8 answers")
        page.get_by_role("link", name="Results").first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
        facts = page.locator("dl").inner_text().split("\n")
        assert facts[facts.index("RATERS") + 1] == "2"
        assert facts[facts.index("ANSWERS") + 1] == "8"
        # (4 + 5) / 2 of three paintings, and (4 + 3) / 2 of one.
        assert sorted(page.locator("td .value").all_inner_texts()) == [
            "3.50",
            *["4.50"] * 3,
        ]
        assert page.locator("td img").first.evaluate("image => image.naturalWidth") > 0
        with page.expect_download() as download:
            page.get_by_role("link", name="Answers as CSV").click()
        assert len(Path(download.value.path()).read_text().splitlines()) == 9


def test_pairs(browser: Browser, studio: StudioProcess) -> None:
    address = create(browser, studio, "Choose one", "Show the photo")
    pairs = PAINTINGS * (PAINTINGS - 1) // 2
    with open_page(browser, studio, **PHONE, color_scheme="dark") as page:
        go(page, address)
        page.get_by_role("button", name="Start").tap()
        for number in range(1, pairs + 1):
            wait_for_task(page, number, pairs)
            check_fits(page)
            expect(page.get_by_alt_text("Photo")).to_have_count(1)
            page.get_by_role("button", name="First painting").tap()
        expect(page.get_by_text("Your 6 answers are saved.")).to_be_visible()
    with open_page(browser, studio, **DESKTOP) as page:
        go(page, address)
        page.get_by_role("button", name="Start").click()
        wait_for_task(page, 1, pairs)
        check_accessible(page)
        for number in range(1, pairs + 1):
            wait_for_task(page, number, pairs)
            page.keyboard.press("ArrowRight")
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


def test_an_answer_waits_for_the_server(
    browser: Browser, studio: StudioProcess, ratings: str
) -> None:
    with open_page(browser, studio, **PHONE) as page:
        go(page, ratings)
        page.get_by_role("button", name="Start").tap()
        wait_for_task(page, 1)
        page.route("**/answers", lambda route: route.abort())
        page.get_by_role("button", name="1 bad").tap()
        problem = "The server does not answer. Your answer is kept, and sent again."
        expect(page.get_by_role("status").filter(has_text=problem)).to_be_visible()
        page.unroute("**/answers")
        wait_for_task(page, 2)
        expect(page.get_by_text(problem)).to_be_hidden()
        # It is kept even if the page is closed.
        page.route("**/answers", lambda route: route.abort())
        page.get_by_role("button", name="1 bad").tap()
        expect(page.get_by_text(problem)).to_be_visible()
        page.unroute("**/answers")
        go(page, ratings)
        expect(page.get_by_text("You have answered 2 of 4.")).to_be_visible()
        page.get_by_role("button", name="Go on").tap()
        wait_for_task(page, 3)


def test_the_next_person(browser: Browser, studio: StudioProcess, ratings: str) -> None:
    with open_page(browser, studio, **PHONE) as page:
        go(page, ratings)
        page.get_by_role("button", name="Start").tap()
        wait_for_task(page, 1)
        page.get_by_role("button", name="3 fair").tap()
        wait_for_task(page, 2)
        go(page, ratings)
        page.get_by_role("button", name="I am someone else").tap()
        page.get_by_role("button", name="Start").tap()
        wait_for_task(page, 1)
        expect(page.get_by_role("button", name="Back")).to_be_hidden()


def test_a_double_tap_is_one_answer(
    browser: Browser, studio: StudioProcess, ratings: str
) -> None:
    with open_page(browser, studio, **DESKTOP) as page:
        go(page, ratings)
        page.get_by_role("button", name="Start").click()
        wait_for_task(page, 1)
        page.get_by_role("button", name="3 fair").dblclick()
        wait_for_task(page, 2)


def test_without_cookies_it_says_so(
    browser: Browser, studio: StudioProcess, ratings: str
) -> None:
    with open_page(browser, studio, **DESKTOP) as page:
        go(page, ratings)
        page.route("**/task", lambda route: route.fulfill(status=409, json={}))
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_text("allow cookies for this page")).to_be_visible()


def test_a_wrong_choice_is_told(browser: Browser, studio: StudioProcess) -> None:
    with open_page(browser, studio, **DESKTOP) as page:
        go(page, "/surveys")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("alert")).to_have_text(
            "Choose what the survey is about"
        )
        page.get_by_text("A comparison").click()
        expect(page.get_by_text("No finished comparisons yet")).to_be_visible()
