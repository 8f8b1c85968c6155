"""How the longer scripts are run, and what they say last."""

import sys
from collections.abc import Callable

import typer
from rich.console import Console

from artist_nst.cli import FAILURE, INTERRUPTED, USAGE
from artist_nst.errors import ArtistNstError, UsageError

console = Console(stderr=True, highlight=False)


def run(main: Callable[..., None], script: str) -> None:
    """Run ``main`` by the command line; whatever goes wrong is one line."""
    try:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command()(main)
        app()
    except ArtistNstError as error:
        print(f"{script}: {error}", file=sys.stderr)
        sys.exit(USAGE if isinstance(error, UsageError) else FAILURE)
    except SystemExit as ended:
        # What typer makes of Ctrl-C.
        if ended.code == INTERRUPTED:
            console.print(f"{script}: stopped; the same command goes on")
        raise
