"""Fetching an artist's works from the stand-in, whatever it does."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.corpus.filters import Selection
from artist_nst.corpus.manifest import make_disk_error, open_manifest
from artist_nst.corpus.works import Work, find_corpus, load_corpus
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.verify import verify_picture
from artist_nst.wikiart import client as client_module
from artist_nst.wikiart import download, workers
from artist_nst.wikiart.client import RefusedError, UnavailableError, WikiArtClient
from artist_nst.wikiart.fetch import fetch
from artist_nst.wikiart.parsing import Artist
from artist_nst.wikiart.registry import choose_folder, find_fetched_artist
from artist_nst.wikiart.report import FetchOptions, FetchProgress, FetchReport
from tests.wikiart_catalogue import make_map
from tests.wikiart_server import (
    WikiArtServer,
    load_catalogue,
    make_catalogue,
    make_hostile_works,
)

FAST = 2000.0
FETCH = """
import sys
from pathlib import Path
from artist_nst.wikiart import client
from artist_nst.wikiart.fetch import fetch
client.BACKOFF_S = 0.01
site = client.WikiArtClient(rate=float(sys.argv[2]))
fetch("pablo picasso", Path(sys.argv[1]), client=site)
"""
RUN = """
import sys
from artist_nst.wikiart import client, workers
client.BACKOFF_S, workers.GRACE_S = 0.01, 1.5
from artist_nst.cli import run
sys.exit(run(["fetch", "picasso", "--rate", sys.argv[2], "--corpora", sys.argv[1]]))
"""
Get = Callable[..., FetchReport]


@pytest.fixture
def get(site: WikiArtServer, tmp_path: Path) -> Get:
    """Fetch Picasso, or another artist, into ``tmp_path / "corpora"``."""
    assert site.url

    def run(
        name: str = "pablo picasso", *, rate: float = FAST, **options: object
    ) -> FetchReport:
        return fetch(
            name,
            tmp_path / "corpora",
            options=FetchOptions(**options),  # type: ignore[arg-type]
            client=WikiArtClient(rate=rate),
        )

    return run


def works(report: FetchReport, status: str = "") -> list[Work]:
    return [
        work for work in load_corpus(report.folder).works if status in ("", work.status)
    ]


def work(report: FetchReport, site: WikiArtServer, index: int) -> Work:
    id = str(site.works[index]["id"])
    return next(work for work in works(report) if work.id == id)


def check_whole(report: FetchReport) -> None:
    """Every work that is said to be here is, as described; and nothing else is."""
    corpus = load_corpus(report.folder)
    for one in corpus.available:
        path = corpus.get_path(one)
        assert hash_file(path) == one.sha256
        assert path.stat().st_size == one.bytes
        with Image.open(path) as image:
            image.load()
            assert image.size == (one.width, one.height)
    assert len(corpus.available) == len(works(report, "ok"))
    there = {
        str(path.relative_to(report.folder))
        for path in report.folder.rglob("*")
        if path.is_file()
    }
    described = {one.file for one in corpus.available}
    assert there - {".lock"} == {"corpus.json", "works.jsonl"} | described
    assert {path.name for path in report.folder.parent.parent.iterdir()} == {"corpora"}


# A fetch ------------------------------------------------------------------------------


def test_a_whole_corpus(site: WikiArtServer, get: Get) -> None:
    report = get()
    assert (report.listed, report.selected, report.downloaded) == (40, 40, 40)
    assert report.complete
    assert report.bytes == sum(one.bytes or 0 for one in works(report))
    check_whole(report)
    first = works(report)[0]
    assert [one.id for one in works(report)] == [one["id"] for one in site.works]
    assert first.url == f"{site.url}{site.works[0]['paintingUrl']}"
    assert first.artist == "Pablo Picasso"
    assert (first.rights, first.style) == (None, None)
    head = json.loads((report.folder / "corpus.json").read_text())
    assert head["artist"] == "Pablo Picasso"
    assert head["source"] == f"{site.url}/en/pablo-picasso"
    assert head["list"]["works"] == 40


def test_again_asks_for_nothing(site: WikiArtServer, get: Get) -> None:
    get("picasso")
    site.requests.clear()
    report = get("picasso")
    assert (report.present, report.downloaded, report.requests) == (40, 0, 0)
    assert get("Pablo Picasso").complete
    assert get("pablo-picasso", verify=True).complete
    assert not site.requests


def test_what_is_missing_or_broken_is_had_again(site: WikiArtServer, get: Get) -> None:
    report = get()
    corpus = load_corpus(report.folder)
    paths = [corpus.get_path(one) for one in corpus.available[:3]]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-5])
    site.requests.clear()
    again = get()
    assert (again.downloaded, again.present, again.requests) == (2, 38, 2)
    check_whole(again)
    # A change that keeps the length is found where that is asked for.
    content = bytearray(paths[2].read_bytes())
    content[len(content) // 2] ^= 255
    paths[2].write_bytes(content)
    assert get().downloaded == 0
    verified = get(verify=True)
    assert verified.downloaded == 1
    assert "40 files compared with their hashes: 1 broken" in verified.notes[0]
    assert "has changed" in verified.notes[0]
    check_whole(verified)


def test_a_corpus_can_be_used_at_any_time(
    site: WikiArtServer, get: Get, tmp_path: Path
) -> None:
    site.delay_s = 0.02
    thread = threading.Thread(target=get)
    thread.start()
    verified = set()
    while thread.is_alive():
        try:
            corpus = find_corpus("picasso", tmp_path / "corpora")
        except ArtistNstError:
            assert not verified  # before the list is here
            continue
        for work in corpus.available[-1:]:
            verify_picture(corpus.get_path(work))
            verified.add(work.id)
    thread.join()
    assert len(verified) > 1


@pytest.mark.usefixtures("site")
def test_progress(tmp_path: Path) -> None:
    steps: list[FetchProgress] = []
    client = WikiArtClient(rate=FAST)
    fetch("picasso", tmp_path / "corpora", client=client, on_progress=steps.append)
    assert steps[0].phase == "list"
    pictures = [step for step in steps if step.phase == "pictures"]
    assert (pictures[0].done, pictures[0].total) == (0, 40)
    assert (pictures[-1].done, pictures[-1].failed) == (40, 0)


# What the site does -------------------------------------------------------------------


@pytest.mark.shared
def test_all_works_through_a_storm(site: WikiArtServer, get: Get, shared: Path) -> None:
    """1,166 works, a fifth of all responses spoiled, some forever."""
    site.works = load_catalogue(shared)
    dead = random.Random(5).sample(range(1166), 12)
    faults = ["404", "500", "truncated", "placeholder", "redirect-out", "padded"]
    for place, index in enumerate(dead):
        fault = faults[place % len(faults)]
        site.add_fault(site.path(site.works[index]), fault, exact=True)
    site.add_random_faults(0.2, seed=2)
    report = get()
    assert (report.listed, report.downloaded) == (1166, 1154)
    assert (report.restricted, report.failed, report.remaining) == (2, 10, 0)
    assert not report.complete
    check_whole(report)
    reasons = {
        "404": "HTTP 404",
        "500": "HTTP 500 (5 attempts)",
        "truncated": "truncated",
        "placeholder": "placeholder",
        "redirect-out": "refused",
        "padded": "truncated",
    }
    for place, index in enumerate(dead):
        one = work(report, site, index)
        assert reasons[faults[place % len(faults)]] in (one.reason or "")
        assert one.file is None
    # And no more than what had failed is asked for in a second run.
    site.clear_faults()
    site.requests.clear()
    again = get()
    assert (again.downloaded, again.failed, again.restricted) == (10, 0, 2)
    assert len(site.requests) == 10


def test_the_lists_end(site: WikiArtServer, get: Get) -> None:
    for end in ("empty", "null", "500"):
        site.end = end  # type: ignore[assignment]
        for count in (59, 60, 61, 120, 130):
            site.works = make_catalogue(count, sides=(16, 20))
            report = get(dry_run=True)
            assert (report.listed, report.notes) == (count, []), (end, count)


def test_works_that_only_the_text_list_has(site: WikiArtServer, get: Get) -> None:
    site.lose = 4
    report = get()
    assert (report.listed, report.downloaded) == (40, 40)
    assert Counter(bool(one.style) for one in works(report)) == {False: 36, True: 4}
    check_whole(report)


def test_no_json_at_all(site: WikiArtServer, get: Get) -> None:
    site.add_fault(re.compile("mode/all-paintings"), "html")
    site.unlinked = ["Withheld"]
    report = get()
    assert (report.downloaded, report.restricted) == (40, 1)
    assert any("plain list" in note for note in report.notes), report.notes
    check_whole(report)
    # The JSON list, when it is back, names the same works.
    site.clear_faults()
    site.requests.clear()
    again = get(refresh=True)
    assert again.downloaded == 0
    assert not site.count_images()


def test_neither_list(site: WikiArtServer, get: Get, tmp_path: Path) -> None:
    site.add_fault(re.compile("all-paintings|text-list"), "html")
    with pytest.raises(UnavailableError, match="5 attempts"):
        get()
    assert list((tmp_path / "corpora").glob("*")) == []


def test_an_artist_without_works(get: Get, tmp_path: Path) -> None:
    with pytest.raises(ArtistNstError, match="lists no works of Yves Klein"):
        get("yves klein")
    assert list((tmp_path / "corpora").glob("*")) == []


def test_nasty_records(site: WikiArtServer, get: Get, tmp_path: Path) -> None:
    """Nothing outside of the corpus is written, nobody but the site is asked."""
    site.works = [*site.works[:2], *make_hostile_works()]
    (tmp_path / "corpora").mkdir()
    report = get()
    check_whole(report)
    for one in works(report):
        if one.status == "ok":
            assert re.fullmatch(r"images/[a-z0-9_-]+\.(jpg|png)", one.file or "")
        else:
            assert one.reason
    foreign = [
        one
        for one in works(report)
        if one.image_url and not one.image_url.startswith(f"{site.url}/")
    ]
    assert foreign
    assert {one.status for one in foreign} == {"failed"}
    reasons = re.compile("refused: .* is not at WikiArt|is not an address")
    assert all(reasons.search(one.reason or "") for one in foreign)
    files = [one.file.casefold() for one in works(report) if one.file]
    assert len(set(files)) == len(files)


def test_pictures_that_can_not_be_downloaded(site: WikiArtServer, get: Get) -> None:
    faults = {
        "404": "no such picture",
        "text": "not a picture",
        "empty": "empty",
        "short": "broke off",
        "long": "truncated",
        "reset-body": "5 attempts",
        "bomb": "400,000,000|20000",
        "placeholder": "placeholder",
        "placeholder-redirect": "placeholder",
        "redirect-out": "not at WikiArt",
        "403": "HTTP 403",
    }
    site.elsewhere = "https://evil.example/x.jpg"
    for index, fault in enumerate(faults):
        site.add_fault(site.path(site.works[3 * index]), fault)
    report = get()
    assert (report.downloaded, report.restricted, report.failed) == (29, 2, 9)
    for index, (fault, pattern) in enumerate(faults.items()):
        failed = work(report, site, 3 * index)
        is_withheld = fault.startswith("placeholder")
        assert failed.status == ("restricted" if is_withheld else "failed"), fault
        assert re.search(pattern, failed.reason or ""), failed.reason
        assert ".part" not in (failed.reason or "")
    check_whole(report)


def test_a_placeholder_that_passes_is_no_restriction(
    site: WikiArtServer, get: Get
) -> None:
    site.add_fault(site.path(site.works[7]), "placeholder", times=2)
    assert get().downloaded == 40


def test_a_picture_of_another_size(site: WikiArtServer, get: Get) -> None:
    one, two = site.works[:2]
    wide = Image.new("RGB", (one["width"] * 2, one["height"] * 2))
    wide.save(buffer := Buffer(), "JPEG")
    site.pictures[one["image"]] = buffer.content
    Image.new("RGB", (90, 400)).save(buffer := Buffer(), "JPEG")
    site.pictures[two["image"]] = buffer.content
    report = get()
    # The list may be out of date; the shape must be the same, though.
    assert work(report, site, 0).width == one["width"] * 2
    assert "listed as" in (work(report, site, 0).reason or "")
    assert work(report, site, 1).status == "failed"
    assert "90×400 pixels, listed as" in (work(report, site, 1).reason or "")


def test_a_refusal_in_the_middle(site: WikiArtServer, get: Get) -> None:
    rule = site.add_fault(lambda _: len(site.count_images()) >= 10, "403")
    report = get(jobs=2)
    assert "refuses requests (HTTP 403)" in report.stop_reason
    assert not report.complete
    assert report.downloaded + report.failed + report.remaining == 40
    assert report.remaining > 15
    assert rule.used <= client_module.MAX_TRIES * (
        client_module.MAX_CONSECUTIVE_FAILURES + 2
    )
    check_whole(report)
    site.clear_faults()
    assert get().complete


# Sizes and scans ----------------------------------------------------------------------


def test_derivatives(site: WikiArtServer, get: Get) -> None:
    site.works = make_catalogue(12, sides=(400, 2000))
    report = get(size="large")
    assert report.downloaded == 12
    check_whole(report)
    large = [one for one in works(report) if "!Large" in (one.file_url or "")]
    assert 2 < len(large) < 12
    assert all((one.width or 0) <= 750 and (one.height or 0) <= 600 for one in large)
    assert get(size="large").requests == 0
    # Asked for larger, it gets larger; asked for smaller, it has them already.
    site.requests.clear()
    assert get().downloaded == len(large)
    assert get(size="hd").requests == 0
    assert all("!" not in (one.file_url or "") for one in works(report))
    check_whole(report)


def test_a_derivative_that_should_be_there_and_is_not(
    site: WikiArtServer, get: Get
) -> None:
    site.works = make_catalogue(5, sides=(800, 1200))
    site.add_fault(re.compile("!Large"), "404")
    report = get(size="large")
    assert report.downloaded == 5
    assert all("!" not in (one.file_url or "") for one in works(report))


def test_other_scans(site: WikiArtServer, get: Get) -> None:
    scans = make_catalogue(3, slug="scans")
    site.works[4]["images"] = [
        {key: scan[key] for key in ("image", "width", "height")} for scan in scans
    ]
    for scan in scans:
        Image.new("RGB", (scan["width"], scan["height"])).save(b := Buffer(), "JPEG")
        site.pictures[scan["image"]] = b.content
    assert get().downloaded == 40
    report = get(alternates=True)
    assert report.downloaded == 3
    ids = [one.id for one in works(report)]
    assert ids[4:8] == [ids[4], *(f"{ids[4]}-alt{n}" for n in (1, 2, 3))]
    check_whole(report)
    assert get().listed == 43


def test_scans_that_are_not_here_are_not_fetched_unasked(
    site: WikiArtServer, get: Get
) -> None:
    scan = make_catalogue(1, slug="scans")[0]
    site.works[0]["images"] = [{key: scan[key] for key in ("image", "width", "height")}]
    get(alternates=True, selection=Selection(limit=1, first=True))
    assert get().downloaded == 39


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_memory(site: WikiArtServer, tmp_path: Path) -> None:
    """Progressive JPEG of 20 megapixels, four at once, in a process of their own."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (500, 400, 3), dtype=np.uint8))
    noise.resize((4000, 5000)).save(
        buffer := Buffer(), "JPEG", progressive=True, subsampling=0
    )
    site.works = make_catalogue(4)
    for one in site.works:
        one["width"], one["height"] = 4000, 5000
        site.pictures[one["image"]] = buffer.content
    # getrusage would report the process that this one was forked from.
    code = FETCH + "print(Path('/proc/self/status').read_text())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "1000"],
        capture_output=True,
        text=True,
        check=True,
    )
    peak = re.search(r"VmHWM:\s*(\d+) kB", done.stdout)
    assert peak is not None
    assert int(peak[1]) * 1024 < 280e6
    assert len(load_corpus(tmp_path / "pablo-picasso").available) == 4


# Which works --------------------------------------------------------------------------


def test_a_sample(site: WikiArtServer, get: Get) -> None:
    report = get(selection=Selection(limit=10))
    assert (report.selected, report.downloaded) == (10, 10)
    assert len(works(report, "pending")) == 30
    assert len(site.count_images()) == 10
    grown = get(selection=Selection(limit=15))
    assert (grown.present, grown.downloaded) == (10, 5)
    check_whole(grown)
    first = get(selection=Selection(limit=5, first=True))
    ids = [one["id"] for one in site.works[:5]]
    assert {one.id for one in works(first, "ok")} >= set(ids)


def test_years(get: Get) -> None:
    report = get(selection=Selection(since=1905, until=1910))
    years = [one.year for one in works(report, "ok")]
    assert 0 < len(years) < 40
    nothing = get(selection=Selection(since=2090))
    assert (nothing.selected, nothing.notes) == (0, ["no work fits the selection"])
    assert all(year for year in years)


def test_what_only_pages_say(
    site: WikiArtServer, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for place, one in enumerate(site.works):
        slug = one["paintingUrl"].rpartition("/")[2]
        style = "Cubism" if place % 4 == 0 else "Expressionism"
        site.details[slug] = {"style": style, "rights": "Public domain"}
    report = get(selection=Selection(style=("cubism",)))
    assert "up to 40 more requests" in caplog.text
    assert report.downloaded == 10
    assert {one.style for one in works(report, "ok")} == {"Cubism"}
    assert {one.rights for one in works(report)} == {"Public domain"}
    typo = get(selection=Selection(style=("cubsm",)))
    assert "no work fits the selection: style is Cubism, Expressionism" in typo.notes
    # The pages are known now.
    site.requests.clear()
    more = get(selection=Selection(style=("expressionism",)))
    assert (more.downloaded, more.requests) == (30, 30)


def test_a_sample_reads_no_more_pages_than_it_needs(
    site: WikiArtServer, get: Get
) -> None:
    for place, one in enumerate(site.works):
        slug = one["paintingUrl"].rpartition("/")[2]
        site.details[slug] = {"genre": "portrait" if place % 2 else "landscape"}
    selection = Selection(genre=("portrait",), limit=5, seed=3)
    report = get(selection=selection, jobs=2)
    assert report.downloaded == 5
    assert {one.genre for one in works(report, "ok")} == {"portrait"}
    assert len([one for one in site.requests if not one.image]) < 25
    # The same sample, however many connections there are.
    ids = {one.id for one in works(report, "ok")}
    drawn = selection.filter_listed(works(report))
    assert ids == {one.id for one in drawn if one.genre == "portrait"} & ids
    again = get(selection=selection, jobs=8)
    assert again.present == 5


def test_details(site: WikiArtServer, get: Get) -> None:
    get(selection=Selection(limit=10))
    site.requests.clear()
    report = get(details=True)
    assert report.downloaded == 30
    assert len([one for one in site.requests if not one.image]) == 40
    assert all(one.rights and one.style and one.dimensions for one in works(report))
    assert get(details=True).requests == 0


def test_details_that_can_not_be_had_keep_no_picture_back(
    site: WikiArtServer, get: Get
) -> None:
    site.add_fault(site.works[3]["paintingUrl"], "500")
    report = get(details=True)
    assert (report.downloaded, report.failed) == (40, 0)
    assert work(report, site, 3).rights is None
    # It is reported, and the picture is not downloaded again for it.
    assert "HTTP 500" in report.failures[0]
    assert not report.complete
    site.requests.clear()
    again = get(details=True)
    assert (again.downloaded, again.bytes) == (0, 0)
    assert not site.count_images()


def test_a_work_that_is_withheld_until_it_is_not(site: WikiArtServer, get: Get) -> None:
    image = site.works[3]["image"]
    site.works[3]["image"] = (
        "https://uploads.wikiart.org/Content/images/FRAME-600x480.jpg"
    )
    report = get()
    assert (report.restricted, report.downloaded) == (1, 39)
    assert report.complete
    assert "placeholder" in (work(report, site, 3).reason or "")
    # Its page might have shown it; that is not asked twice.
    assert get().requests == 0
    site.works[3]["image"] = image
    report = get(refresh=True)
    assert (report.restricted, report.downloaded) == (0, 1)
    check_whole(report)


@pytest.mark.parametrize("fault", ["500", "404"])
def test_a_page_that_must_be_known_and_can_not_be_read(
    site: WikiArtServer, get: Get, fault: str
) -> None:
    for one in site.works:
        slug = one["paintingUrl"].rpartition("/")[2]
        site.details[slug] = {"style": "Cubism"}
    for one in site.works[:4]:
        site.add_fault(one["paintingUrl"], fault)
    report = get(selection=Selection(style=("cubism",)))
    assert (report.selected, report.downloaded, report.failed) == (40, 36, 4)
    assert not report.complete
    assert all("its page: " in failure for failure in report.failures)
    site.clear_faults()
    assert get(selection=Selection(style=("cubism",))).downloaded == 4


def test_refused_while_pages_are_read(site: WikiArtServer, get: Get) -> None:
    pages = re.compile("/en/pablo-picasso/[^m]")
    site.add_fault(
        lambda one: pages.search(one.path) and len(site.requests) > 12, "403"
    )
    report = get(selection=Selection(style=("cubism",)), jobs=2)
    assert report.stop_reason
    assert report.remaining + report.failed > 20
    assert report.downloaded == 0


def test_pages_that_say_nothing_are_read_once(site: WikiArtServer, get: Get) -> None:
    for one in site.works:
        slug = one["paintingUrl"].rpartition("/")[2]
        site.details[slug] = dict.fromkeys(
            ("style", "genre", "media", "dimensions", "rights")
        )
    assert get(details=True).downloaded == 40
    assert get(details=True).requests == 0


def test_a_sample_makes_good_for_what_is_withheld(
    site: WikiArtServer, get: Get
) -> None:
    for one in site.works[::3]:
        site.add_fault(site.path(one), "placeholder")
    report = get(selection=Selection(limit=20))
    assert report.downloaded == 20
    assert report.restricted > 0
    again = get(selection=Selection(limit=20))
    assert (again.present, again.requests) == (20, 0)


# The list, read again -----------------------------------------------------------------


def test_refresh(site: WikiArtServer, get: Get) -> None:
    get()
    gone = site.works.pop(5)
    site.works[0]["title"] = "Another title"
    site.works[1]["image"] = site.works[1]["image"].replace(".jpg", "-better.jpg")
    new = make_catalogue(41)[40]
    site.works.insert(2, new)
    assert get().requests == 0
    site.requests.clear()
    report = get(refresh=True)
    assert report.changes is not None
    assert [one.id for one in report.changes.added] == [new["id"]]
    assert [one.id for one in report.changes.removed] == [gone["id"]]
    assert len(report.changes.changed) == 2
    assert report.downloaded == 2
    assert len(site.count_images()) == 2
    assert [one.id for one in works(report)] == [
        *(one["id"] for one in site.works),
        gone["id"],
    ]
    # Its picture stays.
    assert works(report)[-1].status == "ok"
    check_whole(report)


def test_a_better_picture_that_can_not_be_had(site: WikiArtServer, get: Get) -> None:
    """What is here and whole is never given up for what is not."""
    first = get()
    before = {one.id: one.sha256 for one in works(first)}
    for one in site.works[:7]:
        one["image"] = re.sub(r"\.(\w+)$", r"-better.\1", one["image"])
    site.add_fault(re.compile("-better"), "500")
    small = get(refresh=True, selection=Selection(limit=1))
    assert len(load_corpus(small.folder).available) == 40
    report = get()
    assert len(report.failures) == 7
    assert all("what is here stays" in failure for failure in report.failures)
    assert (report.present, report.failed) == (40, 0)
    assert {one.id: one.sha256 for one in works(report)} == before
    check_whole(report)
    site.clear_faults()
    better = get()
    assert (better.downloaded, better.complete) == (7, True)
    check_whole(better)


def test_a_placeholder_never_replaces_a_picture(site: WikiArtServer, get: Get) -> None:
    site.works = make_catalogue(12, sides=(800, 1400))
    get(size="large")
    before = [one.sha256 for one in works(get(size="large"))]
    for one in site.works:
        site.add_fault(site.path(one), "placeholder", exact=True)
    report = get()
    assert [one.sha256 for one in works(report)] == before
    assert all("what is here stays" in (one.reason or "") for one in works(report))


def single(site: WikiArtServer, width: int, height: int) -> dict[str, Any]:
    """One work of that size is all there is."""
    one = make_catalogue(1, sides=(100, 100))[0]
    one["width"], one["height"] = width, height
    one["map"] = make_map(width, height)
    site.works = [one]
    return one


@pytest.mark.parametrize(("width", "height"), [(2000, 1600), (1600, 2000)])
def test_nor_one_of_its_own_shape(
    site: WikiArtServer, get: Get, width: int, height: int
) -> None:
    one = single(site, width, height)
    before = works(get(size="large"))[0]
    site.add_fault(site.path(one), "placeholder", exact=True)
    report = get()
    after = works(report)[0]
    assert (after.sha256, after.status) == (before.sha256, "ok")
    assert "what is here stays: WikiArt shows a placeholder" in (after.reason or "")
    # That is how it is: it is not asked again until the list is.
    assert get().requests == 0
    assert report.complete
    site.clear_faults()
    assert get(refresh=True).downloaded == 1


@pytest.mark.parametrize("refresh", [False, True])
def test_a_thumbnail_never_replaces_a_picture(
    site: WikiArtServer, get: Get, refresh: bool
) -> None:
    one = single(site, 2000, 1500)
    get(size="original" if refresh else "large")
    if refresh:
        one["image"] = re.sub(r"\.(\w+)$", r"-new.\1", one["image"])
    Image.new("RGB", (200, 150)).save(b := Buffer(), "JPEG")
    site.pictures[one["image"]] = b.content
    before = works(get(size="large"))[0].sha256
    report = get(refresh=refresh)
    assert works(report)[0].sha256 == before
    assert "200×150 pixels" in report.failures[0]


def test_a_placeholder_in_place_of_a_derivative(site: WikiArtServer, get: Get) -> None:
    site.works = make_catalogue(6, sides=(800, 1400))
    site.add_fault(re.compile("!Large"), "placeholder")
    assert get(size="large").restricted == 6


def test_a_list_that_is_read_in_part_removes_nothing(
    site: WikiArtServer, get: Get
) -> None:
    site.works = make_catalogue(130, sides=(16, 20))
    get(selection=Selection(limit=70))
    site.add_fault(re.compile("page=2|text-list"), "500")
    report = get(refresh=True, selection=Selection(limit=70))
    assert report.changes is not None
    assert report.changes.removed == []
    assert (report.listed, report.present) == (130, 70)
    site.clear_faults()
    assert get().downloaded == 60


def test_listed_no_longer_and_lost(site: WikiArtServer, get: Get) -> None:
    report = get()
    gone = work(report, site, 5)
    site.works.pop(5)
    again = get(refresh=True)
    assert again.listed == 39
    assert again.present == 39
    assert get(refresh=True).changes is not None
    assert get(refresh=True).changes.removed == []  # type: ignore[union-attr]
    (report.folder / (gone.file or "")).unlink()
    last = get()
    assert last.complete
    assert len(works(last)) == 39


def test_other_artists_works_do_not_make_the_list_incomplete(
    site: WikiArtServer, get: Get
) -> None:
    site.works[3]["artistUrl"] = "/en/georges-braque"
    report = get()
    assert report.downloaded == 39
    assert get().requests == 0


def test_two_records_of_one_page(site: WikiArtServer, get: Get) -> None:
    get()
    twin = dict(make_catalogue(41)[40], paintingUrl=site.works[6]["paintingUrl"])
    site.works.insert(6, twin)
    report = get(refresh=True)
    assert (report.present, report.downloaded, report.listed) == (40, 1, 41)
    check_whole(report)


def test_a_page_without_a_picture_is_asked_again(site: WikiArtServer, get: Get) -> None:
    site.works[3]["image"], image = None, site.works[3]["image"]
    report = get()
    assert report.failures == [
        f"{work(report, site, 3).label}: its page shows no picture"
    ]
    site.works[3]["image"] = image
    assert get().downloaded == 1


def test_dry_run(site: WikiArtServer, get: Get, tmp_path: Path) -> None:
    report = get(dry_run=True, selection=Selection(limit=20))
    assert (report.listed, report.selected, report.remaining) == (40, 20, 20)
    assert report.estimated_requests == 20
    assert 20 * 200 * 200 * 0.1 < report.bytes < 20 * 700 * 700
    assert not (tmp_path / "corpora").exists()
    assert not site.count_images()
    get(selection=Selection(limit=20))
    site.requests.clear()
    more = get(dry_run=True)
    assert (more.present, more.remaining, more.requests) == (20, 20, 0)
    whole = get()
    assert whole.bytes / 4 < more.bytes < whole.bytes * 4
    some = load_corpus(whole.folder)
    some.get_path(some.available[0]).unlink()
    assert get(dry_run=True).remaining == 1
    assert "40 works' own pages" in get(dry_run=True, details=True).notes[0]
    filtered = get(dry_run=True, selection=Selection(style=("cubism",)))
    assert "up to 40 of which must be read" in filtered.notes[0]
    assert filtered.estimated_requests >= 40


# One work -----------------------------------------------------------------------------


def address(one: dict[str, Any]) -> str:
    return f"https://www.wikiart.org{one['paintingUrl']}?a=b"


def test_the_address_of_a_work_fetches_that_work(
    site: WikiArtServer, get: Get, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    one, other = site.works[7], site.works[9]
    plan = get(address(one), dry_run=True)
    assert (plan.listed, plan.selected, plan.remaining) == (40, 1, 1)
    report = get(address(one))
    assert (report.listed, report.selected, report.downloaded) == (40, 1, 1)
    assert report.complete
    assert [work.id for work in works(report, "ok")] == [one["id"]]
    assert len(works(report, "pending")) == 39
    assert f"fetching one work: {work(report, site, 7).label}" in caplog.text
    # The list is not read again, nor are the others gone.
    site.requests.clear()
    report = get(address(other))
    assert (report.downloaded, report.requests) == (1, 1)
    report = get(address(one), refresh=True)
    assert report.changes is not None
    assert not report.changes.removed
    assert not report.changes.added
    assert (report.present, report.selected) == (1, 1)
    assert len(works(report, "ok")) == 2
    report = get(address(one), selection=Selection(since=2050))
    assert report.selected == 0
    assert "no work fits the selection" in report.notes
    assert get().downloaded == 38


def test_an_address_without_a_work(site: WikiArtServer, get: Get) -> None:
    for dry_run in (True, False, False):
        with pytest.raises(UsageError, match=r"no work at /en/pablo-picasso/nothing;"):
            get("www.wikiart.org/en/pablo-picasso/nothing", dry_run=dry_run)
    assert not site.count_images()
    report = get()
    assert (report.downloaded, report.selected) == (40, 40)


def test_an_address_is_compared_in_any_encoding(site: WikiArtServer, get: Get) -> None:
    site.works[3]["paintingUrl"] = "/en/pablo-picasso/caf%C3%A9"
    report = get("https://www.wikiart.org/en/pablo-picasso/Café/")
    assert [work.id for work in works(report, "ok")] == [site.works[3]["id"]]


# A manifest by other hands ------------------------------------------------------------

FOREIGN: list[dict[str, Any]] = [
    {"image_url": "http://["},
    {"image_url": "http://[::1"},
    {"image_url": "https://uploads1.wikiart.org:port/x.jpg"},
    {"image_url": "x" * 10_000},
    {"image_url": "http://\x00\x1b/\ud800"},
    {"image_url": "\u202ehttps://www.wikiart.org"},
    {"image_url": "file:///etc/passwd"},
    {"image_url": None, "url": "http://["},
    {"image_url": None, "url": "/en/\x00\ud800 x/../y"},
    {"image_url": None, "url": "/en/" + "x" * 10_000},
    {"listed_width": 2**63 - 1, "listed_height": 1, "image_url": "http://["},
]


@pytest.mark.parametrize("status", ["pending", "failed", "ok"])
def test_foreign_values_are_one_line(get: Get, status: str) -> None:
    folder = get(selection=Selection(limit=len(FOREIGN), first=True)).folder
    path = folder / "works.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for line, values in zip(lines, FOREIGN, strict=False):
        line |= values | {"status": status}
        if status != "ok":
            line |= {"file": None, "file_url": None, "sha256": None}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    for size in ("original", "large"):
        get(dry_run=True, size=size)
        report = get(size=size)
        assert all("bug" not in failure for failure in report.failures)
        assert all(failure.isprintable() for failure in report.failures)
        ok = len(FOREIGN) if status == "ok" else 0
        assert report.failed >= (0 if ok else len(FOREIGN))
    get(refresh=True)
    assert get().complete


# Crashes, and others ------------------------------------------------------------------


def described(folder: Path) -> tuple[bytes, dict[str, bytes]]:
    images = {path.name: path.read_bytes() for path in (folder / "images").iterdir()}
    return (folder / "works.jsonl").read_bytes(), images


def test_killed_again_and_again(site: WikiArtServer, get: Get, tmp_path: Path) -> None:
    site.works = make_catalogue(90)
    undisturbed = described(get().folder)
    site.requests.clear()
    other = tmp_path / "others"
    folder = other / "pablo-picasso"
    source = random.Random(4)
    site.delay_s = 0.01
    kills = 0
    while kills < 20:
        before = len(site.requests)
        process = subprocess.Popen([sys.executable, "-c", FETCH, str(other), "60"])
        # Counted from its first request, so that machines of any speed come along.
        while len(site.requests) == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(source.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        if (folder / "corpus.json").exists():
            load_corpus(folder)
    last = subprocess.run(
        [sys.executable, "-c", FETCH, str(other), "1000"], check=False
    )
    assert last.returncode == 0
    assert described(folder) == undisturbed
    again = Counter(site.count_images().values())
    # At each kill four pictures at most were in flight.
    assert sum(times - 1 for times in site.count_images().values()) <= 4 * kills
    assert again[1] > 45
    assert not [path for path in folder.rglob("*") if path.name.endswith(".part")]


def start_run(site: WikiArtServer, folder: Path) -> subprocess.Popen[str]:
    """Start a fetch in a process of its own, and wait until it is in the middle."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), "200"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(site.requests) < 12 and process.poll() is None:
        time.sleep(0.01)
    return process


def test_ctrl_c(site: WikiArtServer, get: Get, tmp_path: Path) -> None:
    site.delay_s = 0.02
    site.add_fault(site.path(site.works[20]), "stall")
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path / "corpora"), "200"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(site.count_images()) < 30 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    # It does not wait for the picture that does not come.
    out, err = process.communicate(timeout=site.stall_s / 2)
    assert process.returncode == 130
    assert "not reached" in out
    assert "interrupted; Pablo Picasso: " in err
    assert "Traceback" not in err
    site.clear_faults()
    report = get()
    assert report.complete
    assert report.present >= 20
    check_whole(report)


def test_ctrl_c_twice(site: WikiArtServer, tmp_path: Path) -> None:
    site.stall_s = 30
    site.delay_s = 0.02
    for one in site.works[5:9]:
        site.add_fault(site.path(one), "stall")
    process = start_run(site, tmp_path)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "not reached" in out
    assert "interrupted; Pablo Picasso: " in err
    lines = (tmp_path / "pablo-picasso" / "works.jsonl").read_bytes().splitlines()
    assert len(lines) == 40


@pytest.mark.parametrize("gap_s", [0.0005, 0.01, 0.1])
def test_a_storm_of_ctrl_c(site: WikiArtServer, tmp_path: Path, gap_s: float) -> None:
    site.delay_s = 0.02
    site.add_fault(site.path(site.works[8]), "stall")
    process = start_run(site, tmp_path)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(gap_s)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "not reached" in out
    (line,) = err.splitlines()[-1:]
    assert line.startswith("artist-nst: interrupted; Pablo Picasso: ")
    assert "Traceback" not in err
    assert "Exception" not in err
    lines = (tmp_path / "pablo-picasso" / "works.jsonl").read_bytes().splitlines()
    assert len(lines) == 40


def test_offline_nothing_is_marked_as_failed(
    site: WikiArtServer, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = get(selection=Selection(limit=5))
    corpus = load_corpus(report.folder)
    content = bytearray(corpus.get_path(corpus.available[0]).read_bytes())
    corpus.get_path(corpus.available[0]).write_bytes(bytes(content) + b"more")
    corpus.get_path(corpus.available[1]).unlink()
    asked = len(site.requests)
    site.stop()
    report = get()
    assert "can't be reached" in report.stop_reason
    assert (report.failed, report.remaining) == (0, 36)
    assert report.requests <= 8
    assert len(site.requests) == asked
    # Longer than it was, but whole: it can be painted from.
    assert len(load_corpus(report.folder).available) == 4
    assert monkeypatch


def test_a_bug_that_concerns_one_work(
    site: WikiArtServer, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(path: Path, *, max_pixels: int) -> object:
        if site.path(site.works[3]) in site.count_images():
            raise ZeroDivisionError("unlucky")
        return verify_picture(path, max_pixels=max_pixels)

    monkeypatch.setattr(download, "verify_picture", verify)
    report = get(jobs=1)
    assert report.downloaded >= 3
    assert report.downloaded + report.failed == 40
    assert "a bug in artist-nst: ZeroDivisionError" in report.failures[0]


def test_a_disk_that_is_full_for_a_moment(
    site: WikiArtServer, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    from artist_nst.corpus.manifest import Manifest

    append, calls = Manifest.append, 0

    def full(self: Manifest, one: Work) -> None:
        nonlocal calls
        calls += 1
        if calls == 8:
            raise make_disk_error(self.folder, OSError(28, "No space left on device"))
        append(self, one)

    monkeypatch.setattr(Manifest, "append", full)
    with pytest.raises(ArtistNstError, match="no space left"):
        get()
    report = get()
    assert report.complete
    assert {one.status for one in works(report)} == {"ok"}
    check_whole(report)
    assert site.works


@pytest.mark.timeout(30)  # the stalled picture would take five times as long
def test_a_full_disk_is_told_at_once(
    site: WikiArtServer, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "GRACE_S", 0.2)
    site.add_fault(site.path(site.works[0]), "stall")
    real = os.fsync

    def full(descriptor: int) -> None:
        if len(site.count_images()) > 4:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtistNstError, match="no space left"):
        get()


def test_artists_whose_folders_would_be_one(
    site: WikiArtServer, get: Get, tmp_path: Path
) -> None:
    artists = [
        Artist("leonid-sejka", ("Leonid Sejka",)),
        Artist("leonid-šejka", ("Leonid Šejka",)),
    ]
    folders = []
    for artist in artists:
        folder = choose_folder(artist, tmp_path)
        with open_manifest(
            folder, slug=artist.slug, artist=artist.name, source=f"{site.url}/en/"
        ) as manifest:
            manifest.rewrite([Work(id="a", title="A")])
        folders.append(folder)
    assert folders[0] != folders[1]
    assert [choose_folder(artist, tmp_path) for artist in artists] == folders
    assert get


def test_what_is_known_without_asking(
    site: WikiArtServer, get: Get, tmp_path: Path
) -> None:
    get("picasso")
    corpora = tmp_path / "corpora"
    (corpora / "pablo-picasso").rename(corpora / "renamed")
    site.requests.clear()
    for name in ("picasso", "PICASSO ", "pablo-picasso", "Pablo Picasso"):
        report = get(name)
        assert report.folder == corpora / "renamed"
        assert report.complete
    assert not site.requests
    assert get("paloma picasso").folder == corpora / "paloma-picasso"
    artist = Artist("pablo-picasso", ("Pablo Picasso",))
    assert choose_folder(artist, corpora) == corpora / "renamed"
    head = corpora / "renamed" / "corpus.json"
    header = json.loads(head.read_text())
    # A slug is another artist's, unless it is this one's.
    head.write_text(json.dumps(header | {"slug": "pablo-picasso-1", "asked": []}))
    assert find_fetched_artist("pablo-picasso", corpora) is None
    assert find_fetched_artist("Pablo Picasso", corpora) is not None
    for nonsense in ({"list": ["a"]}, {"slug": ["a"]}, {"artist": None}, {"asked": 3}):
        head.write_text(json.dumps(header | nonsense))
        get("pablo picasso")


def test_a_manifest_edited_by_hand(site: WikiArtServer, get: Get) -> None:
    report = get()
    manifest = report.folder / "works.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    del lines[0]["bytes"]
    lines[1]["file"] = None
    lines[2]["file"] = "../../elsewhere.jpg"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    site.requests.clear()
    again = get()
    assert again.complete
    assert again.downloaded == len(site.requests) == 3
    check_whole(again)


def test_files_of_the_users_own_stay(site: WikiArtServer, get: Get) -> None:
    report = get()
    id = site.works[0]["id"]
    names = "mine.jpg", f"{id}_caption.txt", f"{id}_edited.jpg", f"{id}.jpg.xmp"
    for name in names:
        (report.folder / "images" / name).write_bytes(b"")
    get(verify=True)
    assert all((report.folder / "images" / name).exists() for name in names)


def test_images_that_lead_elsewhere(
    site: WikiArtServer, get: Get, tmp_path: Path
) -> None:
    report = get()
    (report.folder / "images").rename(tmp_path / "moved")
    (report.folder / "images").symlink_to(tmp_path / "moved")
    site.requests.clear()
    with pytest.raises(ArtistNstError, match="out of its corpus"):
        get()
    assert not site.requests
    assert len(list((tmp_path / "moved").iterdir())) == 40


def test_a_manifest_that_was_lost_or_cut_down(site: WikiArtServer, get: Get) -> None:
    report = get()
    manifest = report.folder / "works.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(lines[:-1]))
    assert get(dry_run=True).listed == 40
    site.requests.clear()
    again = get()
    assert (again.listed, again.downloaded) == (40, 1)
    manifest.unlink()
    assert get().downloaded == 40
    check_whole(report)


@pytest.mark.parametrize(
    "options", [{"details": True}, {"selection": Selection(style=("cubism",))}]
)
def test_dead_pages_do_not_block_the_others(
    site: WikiArtServer, get: Get, options: dict[str, Any]
) -> None:
    site.works = make_catalogue(60, sides=(16, 20))
    for one in site.works:
        slug = one["paintingUrl"].rpartition("/")[2]
        site.details[slug] = {"style": "Cubism"}
    for one in site.works[:20]:
        site.add_fault(one["paintingUrl"], "500", exact=True)
    for _ in range(2):
        report = get(**options)
        assert not report.stop_reason
        assert len(report.failures) == 20
    assert sum(one.style == "Cubism" for one in works(report)) == 40


def test_one_artists_dead_pictures_are_not_anothers(
    site: WikiArtServer, get: Get, tmp_path: Path
) -> None:
    for one in site.works[:14]:
        site.add_fault(site.path(one), "500")
    assert get().failed == 14
    client = WikiArtClient(rate=FAST)
    again = fetch("picasso", tmp_path / "corpora", client=client)
    assert (again.failed, again.stop_reason) == (14, "")
    other = fetch("joan miro", tmp_path / "corpora", client=client)
    assert other.complete


def test_a_failed_page_and_a_withheld_work_cost_no_more_pages(
    site: WikiArtServer, get: Get
) -> None:
    site.works = make_catalogue(120, sides=(16, 20))
    for one in site.works:
        slug = one["paintingUrl"].rpartition("/")[2]
        site.details[slug] = {"style": "Cubism"}
    selection = Selection(limit=5, style=("cubism",), first=True)
    site.add_fault(site.works[1]["paintingUrl"], "404")
    site.add_fault(site.path(site.works[2]), "placeholder")
    report = get(selection=selection, jobs=1)
    assert report.downloaded == 5
    pages = [one for one in site.requests if "/en/pablo-picasso/" in one.path]
    assert len(pages) < 15


def test_no_connection_more_than_asked_for(site: WikiArtServer, get: Get) -> None:
    get("picasso", selection=Selection(limit=2))
    site.delay_s = 0.02
    site.peak_connections = 0
    get("https://www.wikiart.org/en/pablo-picasso", jobs=2)
    assert site.peak_connections <= 2


def test_broken_here_and_withheld_there(site: WikiArtServer, get: Get) -> None:
    report = get()
    broken = work(report, site, 3)
    (report.folder / (broken.file or "")).unlink()
    site.add_fault(site.path(site.works[3]), "placeholder")
    again = get()
    assert (again.restricted, again.remaining, again.failed) == (1, 0, 0)
    assert again.complete
    check_whole(again)


def test_nothing_has_changed(site: WikiArtServer, get: Get) -> None:
    site.add_fault(site.path(site.works[3]), "placeholder")
    site.add_fault(site.path(site.works[4]), "404")
    get()
    changes = get(refresh=True).changes
    assert changes is not None
    assert (changes.added, changes.removed, changes.changed) == ([], [], [])


def test_other_scans_wait_for_a_whole_list(site: WikiArtServer, get: Get) -> None:
    site.works = make_catalogue(70, sides=(16, 20))
    scan = make_catalogue(1, slug="scans", sides=(16, 20))[0]
    site.works[65]["images"] = [
        {key: scan[key] for key in ("image", "width", "height")}
    ]
    Image.new("RGB", (scan["width"], scan["height"])).save(b := Buffer(), "JPEG")
    site.pictures[scan["image"]] = b.content
    rule = site.add_fault(re.compile("page=2"), "500")
    assert get(alternates=True).downloaded == 70
    site.clear_faults()
    assert get(alternates=True).downloaded == 1
    assert rule.used
    site.add_fault(re.compile("page=2"), "500")
    again = get(alternates=True, refresh=True)
    assert again.changes is not None
    assert again.changes.removed == []
    assert len(works(again, "ok")) == 71


def test_two_at_once(site: WikiArtServer, get: Get, tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "pablo-picasso"
    with (
        open_manifest(
            folder, slug="pablo-picasso", artist="P", source=f"{site.url}/en/p"
        ),
        pytest.raises(ArtistNstError, match="another artist-nst is working on"),
    ):
        get()


def test_a_full_disk(
    site: WikiArtServer, get: Get, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 20:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtistNstError, match="no space left on the disk"):
        get(jobs=1)
    monkeypatch.undo()
    monkeypatch.setenv(client_module.URL_VARIABLE, site.url)
    report = get()
    assert report.complete
    assert report.present > 5
    check_whole(report)


def test_a_corpus_of_ones_own_is_not_mixed_in(get: Get, tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "pablo-picasso"
    folder.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(folder / "mine.png")
    with pytest.raises(UsageError, match="a corpus of your own"):
        get()
    (folder / "mine.png").unlink()
    with open_manifest(
        folder, slug="pablo-picasso", artist="P", source="adopted"
    ) as manifest:
        manifest.rewrite([Work(id="a", title="A")])
    with pytest.raises(UsageError, match="a corpus of your own"):
        get()


def test_no_network(get: Get, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(client_module.URL_VARIABLE, "http://127.0.0.1:9")
    with pytest.raises(RefusedError, match="artist-nst adopt"):
        get()
    assert not (tmp_path / "corpora").exists()


def test_rate_and_connections(site: WikiArtServer, get: Get) -> None:
    site.delay_s = 0.03
    get(rate=50, jobs=3)
    assert site.measure_rate() <= 50 * 1.1
    assert site.peak_connections <= 3
    assert site.peak_active <= 3
    assert site.peak_connections > 1


class Buffer(list[bytes]):
    """Where Pillow writes to, and ``content`` reads from."""

    def write(self, piece: bytes) -> int:
        self.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    @property
    def content(self) -> bytes:
        return b"".join(self)


def test_a_report_is_complete_only_where_nothing_is_amiss() -> None:
    report = FetchReport("A", "a", Path("a"), restricted=3)
    assert report.complete
    for key, value in (
        ("failures", ["A"]),
        ("remaining", 1),
        ("stop_reason", "refused"),
    ):
        assert not replace(report, **{key: value}).complete  # type: ignore[arg-type]
