"""``artist-nst web``: the studio, a page in the browser."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli.console import open_console, print_note
from artist_nst.cli.options import Corpora, RunOptions, with_options
from artist_nst.cli.output import write_stdout
from artist_nst.errors import UsageError

MIN_TOKEN = 8  # characters


@with_options(RunOptions)
def web(
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Folder of the paintings, photos and surveys; created if needed.",
        ),
    ] = Path("studio"),
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Address to serve at; others than this machine's own need --token.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=65535, help="Port to serve at; 0 for a free one."
        ),
    ] = 8420,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Secret that visitors must enter; 'new' makes one up.",
            envvar="ARTIST_NST_TOKEN",
        ),
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Don't open the page in the browser.")
    ] = False,
    corpora: Corpora = None,
    *,
    options: RunOptions,
) -> None:
    """Open the studio, a page in the browser: paint, compare, fetch, ask people.

    Examples:
        artist-nst web
        artist-nst web -o holidays --port 0 --no-browser
        artist-nst web --host 0.0.0.0 --token new
    """
    check_installed()
    from artist_nst.web.security import is_loopback
    from artist_nst.web.server import open_socket, serve
    from artist_nst.web.studio import Studio

    console = open_console(options.quiet, options.verbose)
    is_local = is_loopback(host)
    token = secrets.token_urlsafe(12) if token == "new" else token or ""
    if not is_local and not token:
        raise UsageError(
            f"--host {host} lets others in: add --token new, which they must enter"
        )
    if token and len(token) < MIN_TOKEN:
        raise UsageError(f"--token is too short: at least {MIN_TOKEN} characters")
    bound = open_socket(host, port)
    folder = None if corpora is None else Path(corpora)
    studio = Studio(out, folder, options.compute, is_local=is_local and not token)

    def announce(address: str) -> None:
        write_stdout(f"{address}\n")
        if token:
            print_note(console, f"the token is {token}")
        if not is_local:
            print_note(console, "others in your network reach it by your address")
        print_note(console, f"paintings are in {out}; Ctrl-C ends the studio")

    serve(studio, bound, host, token, announce, open_browser=not no_browser)


def check_installed() -> None:
    """Raise UsageError if what the studio needs is not installed."""
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise UsageError(
            "the studio needs more packages: pip install 'artist-nst[web]'"
        )
