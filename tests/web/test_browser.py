"""The studio in Chromium: paint, look, compare, fetch, by mouse, touch and keyboard."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from skimage import data

from artist_nst.corpus.works import get_packaged_corpora
from artist_nst.painting.record import load_record
from artist_nst.wikiart.client import URL_VARIABLE
from tests.web.browser import StudioProcess, Watched, open_browser, open_studio
from tests.wikiart_catalogue import make_catalogue
from tests.wikiart_server import WikiArtServer

pytestmark = pytest.mark.browser

PAGES = "/", "/gallery", "/compare", "/artists", "/surveys", "/api"
DESKTOP, PHONE = {"width": 1440, "height": 950}, {"width": 390, "height": 844}
# Where docs/studio.md's pictures are written, if anywhere.
SHOTS = os.environ.get("ARTIST_NST_SCREENSHOTS")
PAINT_MS = 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioProcess]:
    folder = tmp_path_factory.mktemp("studio")
    with open_studio(folder / "paintings", get_packaged_corpora()) as studio:
        yield studio


@pytest.fixture
def page(browser: Browser, studio: StudioProcess) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP, base_url=studio.url)
    context.set_default_timeout(30_000)
    watched = Watched(context.new_page(), studio.url)
    yield watched.page
    context.close()
    assert watched.problems == []


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phone's photo, which lies on its side but for its EXIF orientation."""
    path = tmp_path_factory.mktemp("photos") / "coffee.jpg"
    image = Image.fromarray(data.coffee()).reduce(2)
    exif = Image.Exif()
    exif[0x0112] = 6
    image.rotate(90, expand=True).save(path, quality=92, exif=exif)
    return path


def open_page(page: Page, address: str) -> None:
    page.goto(address)
    if address not in ("/api", "/surveys"):
        page.wait_for_selector("html[data-ready]")


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(600)
        page.screenshot(path=Path(SHOTS) / f"{name}.jpg", quality=82, type="jpeg")


def prepare(page: Page, photo: Path, *, draft: bool = True, size: str = "256") -> None:
    """Choose a photo, a size and the quality."""
    open_page(page, "/")
    page.set_input_files("#photo input", photo)
    expect(page.locator("#photo .chosen img")).to_be_visible()
    if draft:
        page.get_by_text("Draft", exact=True).click()
    page.select_option("#size", size)


def paint(page: Page, photo: Path) -> None:
    """Paint a draft to its end."""
    prepare(page, photo)
    page.get_by_role("button", name="Paint", exact=True).click()
    done = page.get_by_role("link", name="Open the painting")
    expect(page.locator("progress")).to_be_visible()
    expect(done).to_be_visible(timeout=PAINT_MS)


@pytest.fixture(scope="module")
def painted(browser: Browser, studio: StudioProcess, photo: Path) -> str:
    """The page of a finished painting."""
    page = browser.new_page(base_url=studio.url)
    paint(page, photo)
    address = page.get_by_role("link", name="Open the painting").get_attribute("href")
    page.close()
    assert address is not None
    return address


def test_a_photo_is_painted_as_one_watches(
    page: Page, photo: Path, studio: StudioProcess
) -> None:
    prepare(page, photo)
    # Upright.
    expect(page.locator("#photo")).to_contain_text("coffee.jpg")
    expect(page.locator("#photo")).to_contain_text("300 × 200 pixels")
    works = page.locator(".works button")
    expect(works).to_have_count(8)
    works.nth(0).click()
    expect(works.nth(0)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#style")).to_contain_text("1 work chosen")
    page.get_by_role("button", name="Paint", exact=True).click()
    image = page.locator(".canvas img")
    expect(image).to_be_visible(timeout=PAINT_MS)
    first = image.get_attribute("src")
    expect(image).not_to_have_attribute("src", first or "", timeout=PAINT_MS)
    expect(page.locator(".facts")).to_contain_text("iterations")
    shoot(page, "painting")
    link = page.get_by_role("link", name="Open the painting")
    expect(link).to_be_visible(timeout=PAINT_MS)
    expect(page.locator("#status")).to_be_hidden()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Procedural")
    page.locator("#wipe").fill("50")
    expect(page.locator(".wipe .under")).to_be_visible()
    page.get_by_label("Compare with").select_option("The work")
    expect(page.locator(".wipe .under")).to_have_attribute("alt", "The work")
    expect(page.locator("table")).to_contain_text("photos/")
    expect(page.locator(".command").nth(1)).to_contain_text("--draft")
    page.get_by_label("Compare with").select_option("The photo")
    shoot(page, "look")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    record = load_record(download.value.path())
    assert record["size"] == [256, 171]
    assert record["network"]["name"] == "compact"
    assert (run_command(page, studio) == load(download.value.path())).all()


def load(path: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(path).convert("RGB"))


def run_command(page: Page, studio: StudioProcess) -> NDArray[np.uint8]:
    """Run the command that a painting's page shows; returns its pixels."""
    words = page.locator(".command").nth(1).inner_text().split()
    assert words[:2] == ["artist-nst", "paint"]
    corpora = ["--corpora", str(get_packaged_corpora()), "-q", "-o", "again.png"]
    command = [sys.executable, "-m", "artist_nst", *words[1:], *corpora]
    subprocess.run(command, cwd=studio.folder, check=True)
    again = load(studio.folder / "again.png")
    (studio.folder / "again.png").unlink()
    return again


def add_region(page: Page) -> Locator:
    """Add a region to the form; returns it."""
    section = page.locator("#regions details")
    if section.get_attribute("open") is None:
        page.locator("#regions summary").click()
    regions = page.get_by_role("group", name=re.compile("Region"))
    count = regions.count()
    page.get_by_role("button", name="Add a region").click()
    return regions.nth(count)


def draw(page: Page, region: Locator, *places: tuple[float, float]) -> None:
    """Draw a line over the photo with the brush, through places in shares of it."""
    region.get_by_role("button", name="Draw").click()
    box = page.locator("dialog canvas").bounding_box()
    assert box is not None
    for index, (x, y) in enumerate(places):
        at = box["x"] + x * box["width"], box["y"] + y * box["height"]
        page.mouse.move(*at, steps=10 if index else 1)
        page.mouse.down()
    page.mouse.up()


def test_parts_of_a_photo(page: Page, studio: StudioProcess, tmp_path: Path) -> None:
    size = 256, 171
    image = Image.fromarray(data.coffee()).resize(size)
    image.save(tmp_path / "cup.png")
    mask = Image.new("L", size)
    mask.paste(255, (200, 0, 256, 171))
    mask.save(tmp_path / "right.png")
    prepare(page, tmp_path / "cup.png")
    kept = add_region(page)
    draw(page, kept, (0.25, 0.01), (0.25, 0.99))
    page.get_by_label("Brush size").fill("50")
    page.locator("dialog canvas").focus()
    page.keyboard.press("Space")  # in the middle: too much, and taken back
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Clear").click()
    page.keyboard.press("Escape")
    problem = kept.locator(".problem").first
    expect(problem).to_contain_text("covers nothing")
    draw(page, kept, (0.1, 0.01), (0.1, 0.99), (0.35, 0.99), (0.35, 0.01))
    page.get_by_role("button", name="Done").click()
    expect(kept.locator(".masked img")).to_have_count(2)
    expect(problem).to_be_empty()
    painted = add_region(page)
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.locator("#problem")).to_have_text(
        "Region 2 has no mask: draw or upload one"
    )
    painted.locator("input[type=file]").first.set_input_files(tmp_path / "right.png")
    expect(painted.locator(".masked img")).to_have_count(2)
    painted.get_by_text("An artist", exact=True).click()
    painted.locator(".works button").nth(2).click()
    painted.get_by_label("Strength").fill("2")
    expect(page.locator("#regions summary")).to_contain_text("2 masks")
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.locator("progress")).to_be_visible()
    link = page.get_by_role("link", name="Open the painting")
    expect(link).to_be_visible(timeout=PAINT_MS)
    link.click()
    row = page.get_by_role("row", name="regions")
    expect(row).to_contain_text("region-1.png: kept; right.png:")
    expect(row).to_contain_text("× 2; the rest:")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PNG").click()
    pixels, photo = load(download.value.path()), np.asarray(image)
    (drawn,) = (studio.folder / "masks").glob("*/region-1.png")
    with Image.open(drawn) as opened:
        assert opened.mode == "L"
        covers = np.asarray(opened)
    assert covers.shape == photo.shape[:2]
    assert 0.4 < (covers == 255).mean() < 0.6
    assert (pixels == photo)[covers == 255].all()
    difference = np.abs(pixels.astype(int) - photo).mean(2)
    assert difference[covers == 0].mean() > 10
    assert (run_command(page, studio) == pixels).all()
    page.get_by_role("link", name="Paint again with…").click()
    page.wait_for_selector("html[data-ready]")
    expect(kept.locator(".masked img")).to_have_count(2)
    regions = page.get_by_role("group", name=re.compile("Region"))
    expect(regions).to_have_count(2)
    expect(painted.locator(".masked img")).to_have_count(2)
    expect(painted).to_contain_text("1 work chosen")
    expect(painted.get_by_label("Strength")).to_have_value("2")
    expect(page.locator("#style")).to_contain_text("1 work chosen")
    # Another photo's mask is not this one's.
    draw(page, kept, (0.5, 0.5))
    page.get_by_role("button", name="Done").click()
    expect(kept.locator(".masked img")).to_have_count(2)
    image.resize((100, 171)).save(tmp_path / "tall.png")
    page.get_by_role("button", name="Choose another").click()
    page.set_input_files("#photo input", tmp_path / "tall.png")
    expect(kept.locator(".problem").first).to_contain_text("another photo")
    kept.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.locator("#problem")).to_contain_text("right.png is 256×171")


def test_stop_and_keep(page: Page, photo: Path, studio: StudioProcess) -> None:
    prepare(page, photo, size="512")
    page.locator(".works button").nth(1).click()
    page.get_by_text("More settings").click()
    page.get_by_label("Iterations").fill("2000")
    page.get_by_role("button", name="Paint", exact=True).click()
    stop = page.get_by_role("button", name="Stop and keep")
    expect(stop).to_be_visible(timeout=PAINT_MS)
    # A reload, and a second tab, find it.
    page.reload()
    expect(page.locator(".canvas img")).to_be_visible()
    other = page.context.new_page()
    other.goto(f"{studio.url}/gallery")
    expect(other.locator("#status")).to_contain_text("Painting")
    other.close()
    stop.click()
    expect(page.locator(".progress")).to_contain_text("Stopped early", timeout=30_000)
    page.get_by_role("link", name="Open the painting").click()
    expect(page.locator("table")).to_contain_text("interrupted")


def test_a_queue(page: Page, photo: Path) -> None:
    prepare(page, photo, size="512")
    page.get_by_text("More settings").click()
    page.get_by_label("Iterations").fill("3000")
    start = page.get_by_role("button", name="Paint", exact=True)
    start.click()
    cancel = page.locator(".progress").get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible(timeout=PAINT_MS)
    for count in (1, 2):
        start.click()
        expect(page.locator(".queue li")).to_have_count(count)
    expect(page.locator(".queue")).to_contain_text("waits, next")
    expect(page.locator(".queue")).to_contain_text("waits, 2 before it")
    for count in (1, 0):
        page.locator(".queue").get_by_role("button", name="Cancel").first.click()
        expect(page.locator(".queue li")).to_have_count(count)
    cancel.click()
    expect(page.locator("#status")).to_be_hidden(timeout=30_000)


def test_the_gallery(page: Page, painted: str) -> None:
    open_page(page, "/gallery")
    expect(page.locator(".card")).not_to_have_count(0)
    page.get_by_label("Artist").select_option("Procedural")
    expect(page).to_have_url(re.compile("artist=Procedural"))
    expect(page.locator(".card").first).to_contain_text("draft")
    shoot(page, "gallery")
    page.goto(painted)
    page.get_by_role("link", name="Paint again with…").click()
    page.wait_for_selector("html[data-ready]")
    expect(page.locator("#photo .chosen")).to_contain_text("coffee.jpg")
    expect(page.locator("#style")).to_contain_text("1 work chosen")
    expect(page.locator("#seed")).not_to_have_value("")


def test_a_comparison(page: Page, photo: Path) -> None:
    open_page(page, "/compare")
    page.set_input_files("#photo input", photo)
    expect(page.locator("#photo .chosen")).to_be_visible()
    page.get_by_text("Draft", exact=True).click()
    page.select_option("#size", "256")
    page.get_by_label("From left to right").select_option("style scale")
    page.get_by_label("Values, separated by commas").first.fill("0.6, 1.4")
    page.get_by_role("button", name="Compare", exact=True).click()
    done = page.get_by_role("link", name="Open the comparison")
    expect(done).to_be_visible(timeout=2 * PAINT_MS)
    done.click()
    expect(page.locator(".sheet-view img")).to_be_visible()
    expect(page.locator(".card")).to_have_count(2)
    page.wait_for_load_state("networkidle")
    shoot(page, "comparison")
    page.locator(".card").first.click()
    expect(page.locator(".command").nth(1)).to_contain_text("--style-scale 0.6")
    page.get_by_role("link", name="The comparison").click()
    expect(page.locator(".card")).to_have_count(2)


def test_an_artist_is_fetched(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WikiArtServer(make_catalogue(12)) as site:
        monkeypatch.setenv(URL_VARIABLE, site.url)
        with open_studio(tmp_path / "studio", tmp_path / "corpora") as studio:
            page = browser.new_page(viewport=DESKTOP, base_url=studio.url)
            open_page(page, "/artists")
            form = page.locator("#fetch")
            form.get_by_label("Artist").fill("picasso")
            form.get_by_role("button", name="How many?").click()
            expect(form).to_contain_text("to download, about", timeout=60_000)
            form.get_by_label("Number of works").fill("3")
            form.get_by_role("button", name="Fetch", exact=True).click()
            expect(form).to_contain_text("works downloaded", timeout=60_000)
            expect(page.locator(".card")).to_have_count(2)
            shoot(page, "artists")
            # A name that nobody has.
            form.get_by_label("Artist").fill("Nobody At All")
            form.get_by_role("button", name="How many?").click()
            expect(form.locator(".fetch .problem")).to_be_visible(timeout=60_000)
            folder = page.locator("#folder")
            folder.get_by_label("Artist").fill("Me")
            folder.get_by_label("Folder").fill(str(tmp_path / "nothing"))
            folder.get_by_role("button", name="Add").click()
            expect(folder.locator(".problem")).not_to_be_empty()
            Image.new("RGB", (64, 48), "teal").save(tmp_path / "mine.png")
            archive = tmp_path / "mine.zip"
            with zipfile.ZipFile(archive, "w") as zipped:
                zipped.write(tmp_path / "mine.png", "../../mine.png")
            form = page.locator("#zip")
            form.get_by_label("Artist").fill("Me")
            form.get_by_label("Zip").set_input_files(archive)
            form.get_by_role("button", name="Add").click()
            expect(form).to_contain_text("1 picture added", timeout=30_000)
            expect(page.locator(".card")).to_have_count(3)
            page.close()


def test_people_are_asked(page: Page, painted: str, browser: Browser) -> None:
    assert painted
    open_page(page, "/surveys")
    page.get_by_role("button", name="All").click()
    page.get_by_label("Title").fill("Cups of coffee")
    page.get_by_role("button", name="Create").click()
    rate = page.get_by_role("link", name="Rate")
    expect(rate).to_be_visible()
    address = rate.get_attribute("href")
    for keys in ("545", "434"):
        context = browser.new_context(viewport=DESKTOP)
        rater = context.new_page()
        rater.goto(f"{page.url.removesuffix('/surveys')}{address}")
        rater.get_by_role("button").first.click()
        expect(rater.locator("body")).to_contain_text("1 of")
        rater.wait_for_load_state("networkidle")
        shoot(rater, "survey")
        progress = rater.locator("#progress")
        number, _, total = map(str, progress.inner_text().split())
        for index in range(int(number), int(total) + 1):
            expect(progress).to_have_text(f"{index} of {total}")
            rater.wait_for_timeout(500)  # faster is taken for a mistake
            rater.keyboard.press(keys[index % 3])
        expect(rater.get_by_role("heading", name="Thank you")).to_be_visible()
        context.close()
    page.reload()
    page.get_by_role("link", name="Results").click()
    expect(page.locator("body")).to_contain_text("Cups of coffee")
    shoot(page, "results")


def test_by_keyboard_alone(page: Page, photo: Path) -> None:
    open_page(page, "/")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{selector} is not reached")

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    tab_to("#photo input[type=file]")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(photo)
    expect(page.locator("#photo .chosen")).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    tab_to(".works button")
    page.keyboard.press("Enter")
    expect(page.locator("#style")).to_contain_text("1 work chosen")
    tab_to("input[name=quality]")
    page.keyboard.press("ArrowLeft")
    tab_to("#size")
    page.keyboard.press("Home")
    tab_to("button[type=submit]")
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Open the painting")
    expect(page.locator("progress")).to_be_visible()
    expect(link).to_be_visible(timeout=PAINT_MS)


def test_mistakes_are_told_in_a_line(page: Page, tmp_path: Path) -> None:
    open_page(page, "/")
    page.get_by_role("button", name="Paint", exact=True).click()
    expect(page.locator("#problem")).to_have_text("Choose a photo first")
    (tmp_path / "letter.jpg").write_text("no picture")
    page.set_input_files("#photo input", tmp_path / "letter.jpg")
    problem = page.locator("#photo .problem")
    expect(problem).not_to_be_empty()
    assert str(tmp_path) not in problem.inner_text()
    page.goto("/paintings/0123456789abcdef")
    expect(page.locator("main")).to_contain_text("404")


def test_a_phone(
    browser: Browser, studio: StudioProcess, painted: str, photo: Path
) -> None:
    context = browser.new_context(
        viewport=PHONE, is_mobile=True, has_touch=True, base_url=studio.url
    )
    page = context.new_page()
    for address in (*PAGES, painted):
        open_page(page, address)
        page.wait_for_load_state("load")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width == PHONE["width"], address
    open_page(page, "/")
    page.get_by_text("Draft", exact=True).tap()
    shoot(page, "phone")
    page.set_input_files("#photo input", photo)
    expect(page.locator("#photo .chosen img")).to_be_visible()
    page.locator("#regions summary").tap()
    page.get_by_role("button", name="Add a region").tap()
    page.get_by_role("button", name="Draw on the photo").tap()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_disabled()
    page.locator("dialog canvas").tap()
    expect(undo).to_be_enabled()
    page.get_by_role("button", name="Done").tap()
    expect(page.locator(".masked img")).to_have_count(2)
    page.locator(".region").get_by_text("An artist", exact=True).tap()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible(
    browser: Browser, studio: StudioProcess, painted: str, photo: Path, scheme: str
) -> None:
    context = browser.new_context(
        viewport=DESKTOP,
        color_scheme="dark" if scheme == "dark" else "light",
        base_url=studio.url,
    )
    page = context.new_page()

    def check() -> None:
        violations = [
            f"{page.url}: {violation['id']}: {node['html'][:120]}"
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]
        assert violations == []

    for address in (*PAGES, painted):
        open_page(page, address)
        page.wait_for_load_state("load")
        check()
    prepare(page, photo)
    region = add_region(page)
    region.get_by_text("An artist", exact=True).click()
    check()
    draw(page, region, (0.5, 0.5))
    check()
    page.get_by_role("button", name="Done").click()
    expect(region.locator(".masked img")).to_have_count(2)
    check()
    context.close()


def test_many_works_scroll(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "prolific"
    folder.mkdir(parents=True)
    image = Image.new("RGB", (64, 48), "teal")
    for number in range(1166):
        image.save(folder / f"{number:04}.png")
    with open_studio(tmp_path / "studio", tmp_path / "corpora") as studio:
        context = browser.new_context(viewport=DESKTOP, base_url=studio.url)
        page = context.new_page()
        open_page(page, "/?artist=prolific")
        expect(page.locator(".works button")).to_have_count(1166)
        # Pictures are loaded as they come into view.
        loaded = "[...document.querySelectorAll('.works img')].filter(i => i.complete)"
        assert page.evaluate(f"{loaded}.length") < 400
        page.locator(".works button").last.scroll_into_view_if_needed()
        last = ".works button:last-child img"
        page.wait_for_function(
            "s => document.querySelector(s).naturalWidth > 0", arg=last
        )
        context.close()
        studio.stop()
