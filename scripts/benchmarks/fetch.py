"""Works a second from the stand-in site, which runs on loopback on the same machine."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks import columns
from benchmarks.setting import Bench, LeftOutError
from benchmarks.timing import summary

ROOT = Path(__file__).resolve().parents[2]
ARTIST = "pablo-picasso"  # whose works the stand-in is given
WORKS = 300
UNBOUNDED = 1e6  # requests a second


def measure(bench: Bench) -> dict[str, Any]:
    """Fetch all works into an empty folder, several times.

    Raises:
        LeftOutError: the stand-in, which is part of the tests, is not here.
    """
    if not (ROOT / "tests" / "wikiart_server.py").is_file():
        raise LeftOutError("the stand-in site, tests/wikiart_server.py, is not here")
    works, rounds = (12 if bench.setting.quick else WORKS), bench.setting.rounds_or(5)
    with bench.fresh("bare") as site:
        address = site("fetch.serve", works=works)
        with bench.fresh("bare", ARTIST_NST_WIKIART_URL=address) as client:
            found = [client("fetch.gather") for _ in range(1 + rounds)]
    del found[0]  # in which the site has drawn its pictures
    seconds = [one["seconds"] for one in found]
    return {
        "works": works,
        "seconds": summary(seconds),
        "works_per_s": median(works / one for one in seconds),
        "megabytes_per_s": median(one["bytes"] / one["seconds"] / 1e6 for one in found),
        "requests": found[-1]["requests"],
        "rounds": found,
    }


# What the parent asks for -------------------------------------------------------------


def serve(works: int) -> str:
    """Start the stand-in in this process; its address."""
    sys.path.insert(0, str(ROOT))
    from tests import wikiart_catalogue
    from tests.wikiart_server import WikiArtServer, catalogue

    # Drawn once, or the site would take longer than who asks it.
    wikiart_catalogue.painted = cache(wikiart_catalogue.painted)
    site = WikiArtServer(catalogue(works))
    site.__enter__()
    return str(site.url)


def gather() -> dict[str, Any]:
    """Fetch everything into a folder that is removed again."""
    from artist_nst.collection import Polite, fetch
    from artist_nst.errors import ArtistNstError

    with tempfile.TemporaryDirectory() as folder:
        report = fetch(ARTIST, folder, site=Polite(rate=UNBOUNDED))
        told = asdict(report)
    if not report.complete:
        raise ArtistNstError(f"fetch: {report.stopped or report.failures[0]}")
    return {name: told[name] for name in ("downloaded", "seconds", "bytes", "requests")}


def table(found: dict[str, Any]) -> Table:
    """One line."""
    made = columns.table(
        "fetch: from the stand-in site on the same machine",
        (),
        ("works", "median s", "works/s", "MB/s", "requests"),
    )
    made.add_row(
        str(found["works"]),
        f"{found['seconds']['median']:.2f}",
        f"{found['works_per_s']:.0f}",
        f"{found['megabytes_per_s']:.1f}",
        str(found["requests"]),
    )
    return made
