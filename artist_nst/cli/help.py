"""Room for ``--help``'s texts on a narrow terminal."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from typer.core import TyperCommand, TyperGroup
from typer.models import OptionInfo

from artist_nst.errors import UsageError

# Narrower terminals have no room for columns of names, values and texts.
MIN_COLUMNS = 80


class Command(TyperCommand):
    """A command whose ``--help`` fills lines, and leaves out types of arguments."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments; UsageError if one is empty, as an unset variable's is."""
        for before, text in pairwise(["", *args]):
            name, equals, value = text.partition("=")
            if equals and not value and name.startswith("--"):
                raise UsageError(f"{name} is empty: leave it out, or name something")
            if not text:
                what = before if before.startswith("-") else "an argument"
                raise UsageError(f"{what} is empty: leave it out, or name something")
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        is_narrow = formatter.width < MIN_COLUMNS - 2
        self.help = _join_lines(inspect.cleandoc(self.help or ""), is_narrow)
        for parameter in self.params:
            if parameter.param_type_name == "argument":
                parameter.display_type = lambda _: None  # type: ignore[attr-defined]
        _hide_flag_types(self.get_params(ctx))
        markup = self.rich_markup_mode
        if is_narrow:
            self.rich_markup_mode = None
        super().format_help(ctx, formatter)
        self.rich_markup_mode = markup

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options without boxes, under their headings."""
        sections: dict[str, list[Any]] = {}
        for parameter in self.get_params(ctx):
            is_option = parameter.param_type_name == "option"
            panel = getattr(parameter, "rich_help_panel", None)
            heading = panel or ("Options" if is_option else "Arguments")
            if record := parameter.get_help_record(ctx):
                sections.setdefault(heading, []).append(record)
        order = sorted(sections, key=["Options", "Arguments"].count, reverse=True)
        for heading in order:
            with formatter.section(heading):
                formatter.write_dl(sections[heading])


class Group(TyperGroup):
    """The program, whose ``--help`` shows no value for flags."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        _hide_flag_types(self.get_params(ctx))
        super().format_help(ctx, formatter)


def _hide_flag_types(parameters: Iterable[Any]) -> None:
    """Show no ``<bool>`` for flags, which take no value."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = " "


def _join_lines(text: str, is_plain: bool) -> str:
    """Join the lines of each paragraph, but not those of examples."""
    paragraphs = re.split(r"\n\s*\n", text)
    start = "\b\n" if is_plain else ""  # for click: leave the lines alone
    return "\n\n".join(
        f"{start}{paragraph}" if "Example" in paragraph else " ".join(paragraph.split())
        for paragraph in paragraphs
    )


def shorten_values(command: Callable[..., Any]) -> Callable[..., Any]:
    """Show choices in the help text, where there is room.

    typer would give the longest list of them a column of its own.
    """
    if hasattr(command, "__signature__"):
        parameters = inspect.signature(command).parameters
        hints = {name: entry.annotation for name, entry in parameters.items()}
    else:
        # Evaluated once, so that typer sees what is changed here.
        hints = get_type_hints(command, include_extras=True)
        command.__annotations__ = hints
    for hint in hints.values():
        kind, *details = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
        for option in details:
            if isinstance(option, OptionInfo) and option.metavar is None:
                _shorten(option, kind)
    return command


def _shorten(option: OptionInfo, kind: Any) -> None:
    if get_origin(kind) in (Union, UnionType):
        (kind, *_) = (part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is Literal:
        option.metavar = "NAME"
        choices = get_args(kind)
        help_text = option.help or ""
        if not all(str(choice) in help_text for choice in choices):
            option.help = f"{help_text} One of {', '.join(map(str, choices))}."
