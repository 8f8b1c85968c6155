"""Command-line interface: the commands, and one line for every error."""

import os
from typing import Any

import typer

from artist_nst._files import describe_read_error
from artist_nst.cli.aliases import replace_aliases
from artist_nst.cli.commands import (
    adopt,
    artists,
    batch,
    compare,
    demo,
    doctor,
    evaluate,
    fetch,
    film,
    forget,
    info,
    paint,
    recipes,
    reconstruct,
    repaint,
    survey,
    web,
    weights,
    works,
)
from artist_nst.cli.help import Command, Group, shorten_values
from artist_nst.cli.output import prepare_streams, print_error
from artist_nst.cli.signals import Interrupted
from artist_nst.cli.usage_errors import describe_usage_error
from artist_nst.errors import ArtistNstError, UsageError

FAILURE, USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="artist-nst",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


# The commands under their headings in --help.
COMMANDS = {
    "Painting": (
        paint.paint,
        repaint.repaint,
        compare.compare,
        batch.batch,
        reconstruct.reconstruct,
        film.film,
        evaluate.evaluate,
    ),
    "Studio": (web.web,),
    "Artists": (fetch.fetch, adopt.adopt, artists.artists, works.works, forget.forget),
    "Setup and information": (
        demo.demo,
        info.info,
        recipes.recipes,
        weights.weights,
        doctor.doctor,
    ),
}
for heading, functions in COMMANDS.items():
    for function in functions:
        register = app.command(rich_help_panel=heading, cls=Command)
        register(shorten_values(function))
app.add_typer(survey.app, name="survey", rich_help_panel="Studio")


def _print_version(is_requested: bool) -> None:
    if is_requested:
        from artist_nst._files import get_version

        typer.echo(f"artist-nst {get_version()}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False,
        "--version",
        "-V",
        callback=_print_version,
        is_eager=True,
        help="Show the version and exit.",
    ),
) -> None:
    """Repaint a photograph the way an artist would.

    Example: artist-nst paint photo.jpg --artist procedural --color-transfer
    """


def run(arguments: list[str]) -> int:
    """Run one command, and print any error as one line on stderr.

    Returns:
        The exit code: 0, 1 for a failure, 2 for a usage error, 130 for Ctrl-C.
    """
    prepare_streams()
    try:
        arguments = replace_aliases(arguments)
        code: Any = app(arguments, prog_name="artist-nst", standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt  # typer catches Ctrl-C itself
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return _fail("interrupted before anything was made", INTERRUPTED)
    except Interrupted as stop:
        return _fail(f"interrupted; {stop}", INTERRUPTED)
    except typer.Abort:
        # Ctrl-C, or the end of the input, at a question.
        typer.echo(err=True)
        return _fail("interrupted", INTERRUPTED)
    except UsageError as error:
        return _fail(str(error), USAGE)
    except ArtistNstError as error:
        return _fail(str(error), FAILURE)
    except OSError as error:
        # A file or folder that the machine refuses, in a step that is not prepared.
        name = error.filename or "a file"
        return _fail(describe_read_error(name, error), FAILURE)
    except Exception as error:
        # typer's own errors; where click defines their class depends on the version.
        if hasattr(error, "format_message"):
            return _fail_usage(error, arguments)
        if os.environ.get("ARTIST_NST_DEBUG"):
            raise
        kind = type(error).__name__
        details = " ".join(str(error).split()) or "no details"
        return _fail(
            f"internal error, please report it: {kind}: {details} "
            "(set ARTIST_NST_DEBUG=1 for a traceback)",
            FAILURE,
        )


def _fail_usage(error: Any, arguments: list[str]) -> int:
    if not error.format_message():
        # No command was given, and the help has been printed.
        return USAGE
    message = describe_usage_error(error)
    if arguments and os.path.isfile(arguments[0]):
        message += f"; did you mean `artist-nst paint {' '.join(arguments)}`?"
    if getattr(error, "ctx", None):
        command = error.ctx.command_path
    else:  # an option without its value
        command = " ".join(["artist-nst", *arguments[:1]])
    return _fail(f"{message} (see `{command} --help`)", error.exit_code)


def _fail(message: str, code: int) -> int:
    print_error(message)
    return code
