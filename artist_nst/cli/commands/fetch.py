"""``artist-nst fetch``: an artist's works, downloaded from WikiArt."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from artist_nst.cli import console as talk
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.signals import Interrupted
from artist_nst.errors import ArtistNstError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from artist_nst.wikiart.report import Progress, Report, Wish

WHICH = "Which works"
HOW = "How it is asked"
SHOWN = 5  # reasons, before `artist-nst works` is named for the rest


def _which(*names: str, help: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=WHICH, **more)


def _how(*names: str, help: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=HOW, **more)


def fetch(
    artists: Annotated[
        list[str],
        typer.Argument(metavar="ARTIST", help="Names, or slugs as in addresses."),
    ],
    limit: Annotated[
        int | None,
        _which("--limit", help="At most N works: a fair sample.", min=1, metavar="N"),
    ] = None,
    first: Annotated[
        bool, _which("--first", help="With --limit: the first N of the list.")
    ] = False,
    seed: Annotated[
        int, _which("--seed", help="With --limit: which sample.", min=0)
    ] = 0,
    style: Annotated[
        list[str] | None,
        _which("--style", help="Such as cubism; repeatable: any of. *"),
    ] = None,
    genre: Annotated[
        list[str] | None,
        _which("--genre", help="Such as portrait; repeatable: any of. *"),
    ] = None,
    media: Annotated[
        list[str] | None,
        _which("--media", help="Such as oil; repeatable: any of. *"),
    ] = None,
    public_domain: Annotated[
        bool, _which("--public-domain", help="Only where WikiArt says so. *")
    ] = False,
    since: Annotated[int | None, _which("--since", help="From this year on.")] = None,
    until: Annotated[int | None, _which("--until", help="Up to this year.")] = None,
    min_size: Annotated[
        int | None, _which("--min-size", help="Shorter side, in pixels.", min=1)
    ] = None,
    alternates: Annotated[
        bool, _which("--alternates", help="Other scans of a work, too.")
    ] = False,
    size: Annotated[
        Literal["original", "large", "hd"],
        _how(
            "--size",
            help="Of the pictures: as WikiArt has them, within 750×600, or within "
            "1920×1200; the original where there is no such.",
        ),
    ] = "original",
    details: Annotated[
        bool,
        _how("--details", help="Rights, style, genre, media: a request more a work."),
    ] = False,
    refresh: Annotated[
        bool, _how("--refresh", help="Read WikiArt's list again; say what changed.")
    ] = False,
    verify: Annotated[
        bool, _how("--verify", help="Compare the files here with their hashes.")
    ] = False,
    dry_run: Annotated[
        bool, _how("--dry-run", help="Count and estimate; download nothing.")
    ] = False,
    jobs: Annotated[
        int, _how("--jobs", help="Connections at once.", min=1, max=16)
    ] = 4,
    rate: Annotated[
        float,
        _how("--rate", help="Requests a second, of all connections (up to 1000)."),
    ] = 2.0,
    user_agent: Annotated[
        str | None,
        _how("--user-agent", help="What to call ourselves (our name and version)."),
    ] = None,
    max_pixels: Annotated[
        int, _how("--max-pixels", help="Refuse larger pictures.", min=1, metavar="N")
    ] = 300_000_000,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Download all of an artist's works from WikiArt, every picture verified.

    Run it again to go on where it stopped: only what is missing or broken is
    downloaded. The options marked * need a page more for each work.
    $ARTIST_NST_WIKIART_URL names a stand-in for the site, on this machine.

    Example: artist-nst fetch picasso --limit 50
    """
    from artist_nst.collection import Polite, Selection, Wish

    selection = Selection(
        limit=_limit(limit, first),
        first=first,
        seed=seed,
        style=_words("--style", style),
        genre=_words("--genre", genre),
        media=_words("--media", media),
        since=since,
        until=until,
        public_domain=public_domain,
        min_size=min_size,
    )
    wish = Wish(
        selection=selection,
        size=size,
        alternates=alternates,
        details=details,
        refresh=refresh,
        verify=verify,
        jobs=jobs,
        dry_run=dry_run,
    )
    site = Polite(rate=_rate(rate), agent=_agent(user_agent))
    run = _Run(talk.set_up(quiet, verbose), wish, site, corpora, max_pixels)
    for name in artists:
        run.fetch(name, only=len(artists) == 1)
    run.summarize()
    return 0 if run.complete else 1


class _Run:
    """All artists of one command."""

    def __init__(
        self, console: Console, wish: Wish, site: Any, corpora: Any, max_pixels: int
    ) -> None:
        self.console = console
        self.wish = wish
        self.site = site
        self.corpora = corpora
        self.max_pixels = max_pixels
        self.reports: list[Report] = []
        self.complete = True

    def fetch(self, name: str, *, only: bool) -> None:
        """One artist; of several, one that fails does not keep the others."""
        from artist_nst import collection

        try:
            with _bar(self.console, name) as show:
                report = collection.fetch(
                    name,
                    corpora=self.corpora,
                    wish=self.wish,
                    site=self.site,
                    max_pixels=self.max_pixels,
                    on_progress=show,
                )
        except KeyboardInterrupt:
            self.summarize()
            raise Interrupted(
                f"nothing more of {name} was downloaded; what is here stays"
            ) from None
        except ArtistNstError as error:
            if only or self.site.refusal:
                self.summarize()
                raise
            self.complete = False
            print(f"artist-nst: {' '.join(str(error).split())}", file=sys.stderr)
            return
        if report.folder in (one.folder for one in self.reports):
            return  # the same artist under another name
        self.reports.append(report)
        self.complete &= report.complete or self.wish.dry_run
        if report.interrupted:
            self.summarize()
            raise Interrupted(
                f"{report.artist}: {report.already + report.downloaded:,} of "
                f"{report.wanted:,} works are here; the same command goes on"
            )
        if report.stopped:
            self.summarize()
            raise ArtistNstError(report.stopped)

    def summarize(self) -> None:
        """A table for each, on stdout, and what else is to be said."""
        for report in self.reports:
            if not self.console.quiet or not report.complete:
                typer.echo(_table(report, self.wish.dry_run))
            for line in _remarks(report):
                self.console.print(line, markup=False)
            for line in _failures(report):
                print(line, file=sys.stderr)
        self.reports = []


def _table(report: Report, dry_run: bool) -> str:
    """A line a number, so that it can be read at any width."""
    counts = {
        "listed by WikiArt": report.listed,
        "left out": report.listed - report.wanted,
        "already here": report.already,
        "downloaded": report.downloaded,
        "restricted": report.restricted,
        "failed": report.failed,
        "not reached": report.left,
    }
    if dry_run:
        counts["to download"] = counts.pop("not reached")
        del counts["downloaded"], counts["failed"]
    lines = {name: f"{count:,}" for name, count in counts.items()}
    if report.at_most:
        lines["to download"] = f"up to {lines['to download']}"
    about = "up to about " if report.at_most else "about " if dry_run else ""
    lines["to receive" if dry_run else "received"] = about + talk.size(report.bytes)
    lines["requests"] = f"{report.requests:,}"
    lines["time"] = talk.clock(report.seconds)
    if not dry_run:
        lines["folder"] = str(report.folder)
    title = f"{report.artist} ({report.slug})"
    return "\n".join([title, *(f"  {key:20}{lines[key]}" for key in lines)])


def _remarks(report: Report) -> Iterator[str]:
    yield from report.notes
    changes = report.changes
    if changes is not None:
        for what, listed in (
            ("added", changes.added),
            ("removed", changes.removed),
            ("changed", changes.changed),
        ):
            named = "; ".join(work.label for work in listed[:SHOWN])
            more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
            yield f"{what} since the last list: {len(listed)}" + (
                f" ({named}{more})" if listed else ""
            )


def _failures(report: Report) -> Iterator[str]:
    for failure in report.failures[:SHOWN]:
        yield f"failed: {failure}"
    if len(report.failures) > SHOWN:
        yield f"and {len(report.failures) - SHOWN:,} more failed"
    if report.failed or report.restricted:
        yield f"`artist-nst works {report.folder.name} --failed` says what and why"


@contextmanager
def _bar(console: Console, name: str) -> Iterator[Any]:
    phases = {
        "list": f"{name}: reading the list",
        "pages": f"{name}: reading pages",
        "pictures": name,
    }
    with talk.counting_bar(console) as show:
        show(f"{name}: looking up", 0, None, "")

        def told(progress: Progress) -> None:
            note = f"{progress.failed} failed" if progress.failed else ""
            size = talk.size(progress.bytes) if progress.bytes else ""
            show(
                phases[progress.phase], progress.done, progress.total, f"{size} {note}"
            )

        yield told


def _limit(limit: int | None, first: bool) -> int | None:
    if first and limit is None:
        raise UsageError("--first needs a --limit: the first how many?")
    return limit


def _words(option: str, given: list[str] | None) -> tuple[str, ...]:
    if any(not one.strip() for one in given or ()):
        raise UsageError(f"{option} is empty: name one, or leave it out")
    return tuple(given or ())


def _rate(rate: float) -> float:
    if not 0 < rate <= 1000:
        raise UsageError(f"--rate {rate:g}: it must be above 0, and 1000 at most")
    return rate


def _agent(agent: str | None) -> str | None:
    if agent is not None and not (
        agent.strip() and agent.isascii() and agent.isprintable()
    ):
        raise UsageError("--user-agent must be a line of plain ASCII text")
    return agent and agent.strip()
