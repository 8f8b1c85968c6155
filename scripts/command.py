"""Run a script's main function on its command line."""

import sys
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console

from artist_nst.cli import FAILURE, INTERRUPTED, USAGE
from artist_nst.errors import ArtistNstError, UsageError

console = Console(stderr=True, highlight=False)


def run_script(main: Callable[..., None], *, resumable: bool = False) -> None:
    """Run ``main`` and report expected errors in one line.

    Args:
        main: A function with typer's annotations. The script's docstring is the help.
        resumable: Whether the same command continues after an interruption.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    paragraphs = (sys.modules["__main__"].__doc__ or "").split("\n\n")
    app.command(help="\n\n".join(" ".join(text.split()) for text in paragraphs))(main)
    try:
        app()
    except ArtistNstError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(USAGE if isinstance(error, UsageError) else FAILURE)
    except SystemExit as stop:
        # typer's exit code after Ctrl-C.
        if resumable and stop.code == INTERRUPTED:
            console.print("interrupted; run the same command again to continue")
        raise
