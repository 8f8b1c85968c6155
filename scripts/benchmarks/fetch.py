"""Works per second from the tests' stand-in site on the same machine."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from benchmarks.context import Context, SkippedBenchmarkError, make_empty_table
from benchmarks.timing import summarize
from benchmarks.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
ARTIST = "pablo-picasso"  # the stand-in's artist
WORKS = 300
UNLIMITED = 1e6  # requests per second


def measure(context: Context) -> dict[str, Any]:
    """Fetch all works into an empty folder, several times.

    Raises:
        SkippedBenchmarkError: The stand-in, which is part of the tests, is not here.
    """
    if not (ROOT / "tests" / "wikiart_server.py").is_file():
        raise SkippedBenchmarkError("tests/wikiart_server.py is not here")
    options = context.options
    works, rounds = (12 if options.quick else WORKS), options.get_rounds(5)
    with Worker("bare") as site:
        url = site("fetch.serve", works=works)
        with Worker("bare", ARTIST_NST_WIKIART_URL=url) as client:
            client("fetch.fetch_works")  # while which the site draws its pictures
            results = [client("fetch.fetch_works") for _ in range(rounds)]
    seconds = [one["seconds"] for one in results]
    rates = [one["bytes"] / one["seconds"] / 1e6 for one in results]
    return {
        "works": works,
        "seconds": summarize(seconds),
        "works_per_s": median(works / one for one in seconds),
        "megabytes_per_s": median(rates),
        "requests": results[-1]["requests"],
        "rounds": results,
    }


# Called in workers -------------------------------------------------------------------


def serve(works: int) -> str:
    """Start the stand-in in this process and return its URL."""
    sys.path.insert(0, str(ROOT))
    from tests import wikiart_catalogue
    from tests.wikiart_server import WikiArtServer, make_catalogue

    # Otherwise drawing the pictures would take longer than fetching them.
    wikiart_catalogue.draw_picture = cache(wikiart_catalogue.draw_picture)
    site = WikiArtServer(make_catalogue(works))
    site.__enter__()
    return str(site.url)


def fetch_works() -> dict[str, Any]:
    """Fetch everything into a temporary folder."""
    from artist_nst.collection import WikiArtClient, fetch
    from artist_nst.errors import ArtistNstError

    with tempfile.TemporaryDirectory() as folder:
        report = fetch(ARTIST, folder, client=WikiArtClient(rate=UNLIMITED))
        values = asdict(report)
    if not report.complete:
        raise ArtistNstError(f"fetch: {report.stop_reason or report.failures[0]}")
    names = "downloaded", "seconds", "bytes", "requests"
    return {name: values[name] for name in names}


def make_table(results: dict[str, Any]) -> Table:
    """Show one row."""
    table = make_empty_table(
        "fetch: from the stand-in site on the same machine",
        (),
        ("works", "median s", "works/s", "MB/s", "requests"),
    )
    table.add_row(
        str(results["works"]),
        f"{results['seconds']['median']:.2f}",
        f"{results['works_per_s']:.0f}",
        f"{results['megabytes_per_s']:.1f}",
        str(results["requests"]),
    )
    return table
