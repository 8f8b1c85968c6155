"""``artist-nst fetch``: download an artist's works from WikiArt."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from artist_nst.cli.console import (
    counting_bar,
    format_bytes,
    format_seconds,
    open_console,
    print_note,
)
from artist_nst.cli.options import Corpora, Quiet, Verbose, panel_option
from artist_nst.cli.output import make_visible, print_error, write_stdout
from artist_nst.cli.signals import RESUME, Interrupted, one_interrupt
from artist_nst.errors import ArtistNstError, UsageError, format_count

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.wikiart.client import WikiArtClient
    from artist_nst.wikiart.report import FetchOptions, FetchProgress, FetchReport

_filter_option = partial(panel_option, "Filters (* loads one more page per work)")
_download_option = partial(panel_option, "Download")
MAX_SHOWN = 5  # failures or changes that are named


def fetch(
    artists: Annotated[
        list[str],
        typer.Argument(
            metavar="ARTIST", help="Name, or WikiArt's slug such as pablo-picasso."
        ),
    ],
    limit: Annotated[
        int | None,
        typer.Option(help="At most N works, sampled at random.", min=1, metavar="N"),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Count and estimate only; download nothing."),
    ] = False,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh", help="Read WikiArt's list again, and report changes."
        ),
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check the files on disk against their hashes."),
    ] = False,
    first: Annotated[
        bool, _filter_option("--first", help="With --limit: the first N, not a sample.")
    ] = False,
    seed: Annotated[
        int, _filter_option(help="Random seed of the sample.", min=0, metavar="N")
    ] = 0,
    style: Annotated[
        list[str] | None,
        _filter_option(
            "--movement",
            "--style",
            metavar="TEXT",
            help="Only a style, such as cubism; repeatable. *",
        ),
    ] = None,
    genre: Annotated[
        list[str] | None,
        _filter_option(
            metavar="TEXT", help="Only a genre, such as portrait; repeatable. *"
        ),
    ] = None,
    media: Annotated[
        list[str] | None,
        _filter_option(
            metavar="TEXT", help="Only a medium, such as oil; repeatable. *"
        ),
    ] = None,
    public_domain: Annotated[
        bool,
        _filter_option(
            "--public-domain",
            help="Only works in the public domain, according to WikiArt. *",
        ),
    ] = False,
    since: Annotated[
        int | None, _filter_option(help="Only this year or later.", metavar="YEAR")
    ] = None,
    until: Annotated[
        int | None, _filter_option(help="Only this year or earlier.", metavar="YEAR")
    ] = None,
    min_size: Annotated[
        int | None,
        _filter_option(help="Shorter side in pixels, at least.", min=1, metavar="N"),
    ] = None,
    alternates: Annotated[
        bool, _filter_option("--alternates", help="Also other scans of a work.")
    ] = False,
    size: Annotated[
        Literal["original", "large", "hd"],
        _download_option(
            help="Image size: original, large (within 750×600) or hd (within "
            "1920×1200); the original if WikiArt has no smaller one."
        ),
    ] = "original",
    details: Annotated[
        bool,
        _download_option(
            "--details",
            help="Also load rights, style, genre and media: one more page per work.",
        ),
    ] = False,
    jobs: Annotated[
        int, _download_option(help="Parallel connections.", min=1, max=16, metavar="N")
    ] = 4,
    rate: Annotated[
        float, _download_option(help="Requests per second, at most 1000.", metavar="X")
    ] = 2.0,
    user_agent: Annotated[
        str | None,
        _download_option(
            metavar="TEXT", help="User-Agent header (default: artist-nst/VERSION)."
        ),
    ] = None,
    max_pixels: Annotated[
        int,
        _download_option(help="Refuse pictures of more pixels.", min=1, metavar="N"),
    ] = 300_000_000,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Download an artist's works from WikiArt, and verify every picture.

    Run it again to continue: only missing and broken files are downloaded. For
    tests, $ARTIST_NST_WIKIART_URL replaces the site by a server on this machine.

    Example: artist-nst fetch picasso --limit 50
    """
    from artist_nst.collection import FetchOptions, Selection, WikiArtClient

    if first and limit is None:
        raise UsageError("--first needs --limit N")
    options = FetchOptions(
        selection=Selection(
            limit=limit,
            first=first,
            seed=seed,
            style=_check_words("--movement", style),
            genre=_check_words("--genre", genre),
            media=_check_words("--media", media),
            since=since,
            until=until,
            public_domain=public_domain,
            min_size=min_size,
        ),
        size=size,
        alternates=alternates,
        details=details,
        refresh=refresh,
        verify=verify,
        jobs=jobs,
        max_pixels=max_pixels,
        dry_run=dry_run,
    )
    client = WikiArtClient(rate=_check_rate(rate), agent=_check_agent(user_agent))
    fetcher = _Fetcher(open_console(quiet, verbose), options, client, corpora)
    with one_interrupt():
        for name in artists:
            fetcher.fetch(name, is_only=len(artists) == 1)
        fetcher.print_reports()
    return 0 if fetcher.is_complete else 1


class _Fetcher:
    """Fetches the artists of one command, and reports them at its end.

    Attributes:
        is_complete: Whether nothing failed so far.
    """

    def __init__(
        self,
        console: Console,
        options: FetchOptions,
        client: WikiArtClient,
        corpora: str | None,
    ) -> None:
        self.console = console
        self.options = options
        self.client = client
        self.corpora = corpora
        self.reports: list[FetchReport] = []
        self.is_complete = True

    def fetch(self, name: str, *, is_only: bool) -> None:
        """Fetch one artist; one of several that fails does not stop the others."""
        from artist_nst import collection

        try:
            with _fetch_bar(self.console, name) as show:
                report = collection.fetch(
                    name,
                    corpora=self.corpora,
                    options=self.options,
                    client=self.client,
                    on_progress=show,
                )
        except KeyboardInterrupt:
            self.print_reports()
            raise Interrupted(
                f"nothing more of {name} was downloaded; finished files are kept"
            ) from None
        except ArtistNstError as error:
            if is_only or self.client.refusal:
                self.print_reports()
                raise
            self.is_complete = False
            print_error(error)
            return
        if (report.folder, report.page) in (
            (earlier.folder, earlier.page) for earlier in self.reports
        ):
            return  # the same artist under another name
        self.reports.append(report)
        self.is_complete &= report.complete or self.options.dry_run
        if report.interrupted:
            self.print_reports()
            raise Interrupted(
                f"{report.artist}: {report.present + report.downloaded:,} of "
                f"{report.selected:,} works are here",
                RESUME,
            )
        if report.stop_reason:
            self.print_reports()
            raise ArtistNstError(report.stop_reason)

    def print_reports(self) -> None:
        """Print the counts of each artist on stdout, notes and failures on stderr."""
        for report in self.reports:
            if not self.console.quiet or not report.complete:
                is_dry = self.options.dry_run
                write_stdout(_format_counts(report, is_dry, self.client.rate) + "\n")
            for line in [*report.notes, *_describe_changes(report)]:
                print_note(self.console, line)
            for line in _describe_failures(report):
                print(make_visible(line), file=sys.stderr)
        self.reports = []


def _format_counts(report: FetchReport, dry_run: bool, rate: float) -> str:
    """Format one number per line, which can be read at any width.

    ``rate`` is that of requests per second.
    """
    counts = {
        "listed by WikiArt": report.listed,
        "not selected": report.listed - report.selected,
        "already here": report.present,
        "downloaded": report.downloaded,
        "restricted": report.restricted,
        "failed": report.failed,
        "not reached": report.remaining,
    }
    if dry_run:
        counts["to download"] = counts.pop("not reached")
        del counts["downloaded"], counts["failed"]
    values = {name: f"{count:,}" for name, count in counts.items()}
    if report.is_upper_bound:
        values["to download"] = f"up to {values['to download']}"
    bound = "up to about " if report.is_upper_bound else "about " if dry_run else ""
    values["to receive" if dry_run else "received"] = bound + format_bytes(report.bytes)
    requests = _format_cost(report.requests, report.seconds)
    if dry_run:
        needed = report.estimated_requests
        values["would take"] = bound + _format_cost(needed, needed / rate)
        values["this look took"] = requests
    else:
        values["took"] = requests
        values["folder"] = str(report.folder)
    title = make_visible(f"{report.artist} ({report.slug})")
    return "\n".join([title, *(f"  {name:20}{values[name]}" for name in values)])


def _format_cost(requests: int, seconds: float) -> str:
    return f"{format_count(requests, 'request')}, {format_seconds(seconds)}"


def _describe_changes(report: FetchReport) -> Iterator[str]:
    changes = report.changes
    if changes is None:
        return
    for kind, works in (
        ("added", changes.added),
        ("removed", changes.removed),
        ("changed", changes.changed),
    ):
        names = "; ".join(work.label for work in works[:MAX_SHOWN])
        if len(works) > MAX_SHOWN:
            names += f" and {len(works) - MAX_SHOWN} more"
        line = f"{kind} since the last list: {len(works)}"
        yield f"{line} ({names})" if works else line


def _describe_failures(report: FetchReport) -> Iterator[str]:
    for failure in report.failures[:MAX_SHOWN]:
        yield f"failed: {failure}"
    if len(report.failures) > MAX_SHOWN:
        yield f"and {len(report.failures) - MAX_SHOWN:,} more failed"
    if report.failed or report.restricted:
        yield f"`artist-nst works {report.folder.name} --failed` lists the reasons"


@contextmanager
def _fetch_bar(
    console: Console, name: str
) -> Iterator[Callable[[FetchProgress], None]]:
    """Show a bar over one artist's pages, then pictures."""
    titles = {
        "list": f"{name}: reading the list",
        "pages": f"{name}: reading pages",
        "pictures": name,
    }
    with counting_bar(console) as show:
        show(f"{name}: looking up", 0, None, "")

        def show_progress(progress: FetchProgress) -> None:
            size = format_bytes(progress.bytes) if progress.bytes else ""
            failed = f"{progress.failed} failed" if progress.failed else ""
            title = titles[progress.phase]
            show(title, progress.done, progress.total, f"{size} {failed}")

        yield show_progress


def _check_words(option: str, words: list[str] | None) -> tuple[str, ...]:
    if any(not word.strip() for word in words or ()):
        raise UsageError(f"{option} is empty: give a word, or leave it out")
    return tuple(words or ())


def _check_rate(rate: float) -> float:
    if not 0 < rate <= 1000:
        raise UsageError(f"--rate {rate:g}: it must be above 0, and 1000 at most")
    return rate


def _check_agent(agent: str | None) -> str | None:
    if agent is not None and not (
        agent.strip() and agent.isascii() and agent.isprintable()
    ):
        raise UsageError("--user-agent must be a line of plain ASCII text")
    return agent and agent.strip()
