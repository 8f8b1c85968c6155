"""``artist-nst web``: the studio, a page in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from artist_nst.cli.console import open_console
from artist_nst.cli.options import Corpora, RunOptions, with_options
from artist_nst.cli.serving import (
    Host,
    NoBrowser,
    Port,
    announce,
    check_installed,
    choose_token,
    token_option,
)


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
    host: Host = "127.0.0.1",
    port: Port = 8420,
    token: Annotated[
        str | None, token_option("Secret that visitors must enter")
    ] = None,
    no_browser: NoBrowser = False,
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
    from artist_nst.web.app import create_app
    from artist_nst.web.security import is_loopback
    from artist_nst.web.server import open_socket, serve
    from artist_nst.web.studio import Studio

    console = open_console(options.quiet, options.verbose)
    token = choose_token(token, host)
    bound = open_socket(host, port)
    folder = None if corpora is None else Path(corpora)
    is_local = is_loopback(host) and not token
    studio = Studio(out, folder, options.compute, is_local=is_local)
    end = f"paintings are in {out}; Ctrl-C ends the studio"
    serve(
        create_app(studio, host, token),
        bound,
        lambda address: announce(console, address, host, token, end),
        studio.end_streams,
        open_browser=not no_browser,
    )
