"""What commands that serve pages share: where, for whom, and what they say."""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from typing import Annotated

import typer
from rich.console import Console

from artist_nst.cli.console import print_note
from artist_nst.cli.output import write_stdout
from artist_nst.errors import UsageError

MIN_TOKEN = 8  # characters

Host = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Address to serve at; others than this machine's own need --token.",
    ),
]
Port = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, max=65535, help="Port to serve at; 0 for a free one."
    ),
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Don't open the page in the browser.")
]


def token_option(help: str) -> typer.models.OptionInfo:
    """Declare the option for the token."""
    option: typer.models.OptionInfo = typer.Option(
        metavar="TEXT", help=f"{help}; 'new' makes one up.", envvar="ARTIST_NST_TOKEN"
    )
    return option


def check_installed() -> None:
    """Raise UsageError if what serving needs is not installed."""
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise UsageError(
            "serving pages needs more packages: pip install 'artist-nst[web]'"
        )


def choose_token(token: str | None, host: str) -> str:
    """Choose the token, or raise UsageError if others could come in without one."""
    from artist_nst.web.security import is_loopback

    token = secrets.token_urlsafe(12) if token == "new" else token or ""
    if not token and not is_loopback(host):
        raise UsageError(
            f"--host {host} lets others in: add --token new, which they must enter"
        )
    if token and len(token) < MIN_TOKEN:
        raise UsageError(f"--token is too short: at least {MIN_TOKEN} characters")
    return token


def announce(console: Console, address: str, host: str, token: str, end: str) -> None:
    """Say where pages are served, and how it ends."""
    from artist_nst.web.security import is_loopback

    write_stdout(f"{address}\n")
    if token:
        print_note(console, f"the token is {token}")
    if not is_loopback(host):
        print_note(console, "others in your network reach it by your address")
    print_note(console, end)
