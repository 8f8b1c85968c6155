"""The command line: what a user types, and one line for whatever goes wrong."""

import os
import sys
from typing import Any

import typer

from artist_nst.cli.commands import (
    adopt,
    artists,
    compare,
    demo,
    doctor,
    evaluate,
    fetch,
    film,
    forget,
    paint,
    recipes,
    reconstruct,
    repaint,
    weights,
    works,
)
from artist_nst.cli.signals import Interrupted
from artist_nst.errors import ArtistNstError, UsageError

FAILURE, USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="artist-nst",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"artist-nst {version('artist-nst')}")
        raise typer.Exit


@app.callback()
def top(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Say the version."
    ),
) -> None:
    """Repaint a photograph the way an artist would.

    Example: artist-nst paint photo.jpg --artist procedural --color-transfer
    """


app.command("fetch")(fetch.fetch)
app.command("adopt")(adopt.adopt)
app.command("artists")(artists.artists)
app.command("works")(works.works)
app.command("forget")(forget.forget)
app.command("paint")(paint.paint)
app.command("repaint")(repaint.repaint)
app.command("compare")(compare.compare)
app.command("reconstruct")(reconstruct.reconstruct)
app.command("evaluate")(evaluate.evaluate)
app.command("film")(film.film)
app.command("recipes")(recipes.recipes)
app.command("weights")(weights.weights)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)


def run(arguments: list[str]) -> int:
    """Run one command line.

    Returns:
        The exit code: 0, 1 for a failure, 2 for usage, 130 for Ctrl-C. What went
        wrong is one line on stderr.
    """
    try:
        code: Any = app(arguments, prog_name="artist-nst", standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt  # typer's own answer to Ctrl-C
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        # As it may also come while typer still puts the commands together.
        return _failed("interrupted; nothing was left unfinished", INTERRUPTED)
    except Interrupted as stop:
        return _failed(f"interrupted; {stop}", INTERRUPTED)
    except typer.Abort:
        # Ctrl-C or the end of the input, at a question.
        typer.echo(err=True)
        return _failed("interrupted", INTERRUPTED)
    except UsageError as error:
        return _failed(str(error), USAGE)
    except ArtistNstError as error:
        return _failed(str(error), FAILURE)
    except Exception as error:
        # typer's own errors: of the class click has, wherever that is kept.
        if hasattr(error, "format_message"):
            return _usage(error)
        if os.environ.get("ARTIST_NST_DEBUG"):
            raise
        kind = type(error).__name__
        line = " ".join(str(error).split()) or "no more is known"
        return _failed(
            f"a defect of artist-nst, please report it: {kind}: {line} "
            "(ARTIST_NST_DEBUG=1 shows where)",
            FAILURE,
        )


def _usage(error: Any) -> int:
    message = error.format_message()
    if not message:
        # No command at all: its help has been printed.
        return USAGE
    command = error.ctx.command_path if getattr(error, "ctx", None) else "artist-nst"
    return _failed(f"{message.rstrip('.')} (see `{command} --help`)", error.exit_code)


def _failed(message: str, code: int) -> int:
    print(f"artist-nst: {' '.join(message.split())}", file=sys.stderr)
    return code
