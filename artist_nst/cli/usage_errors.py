"""What is wrong with a command line, in our words rather than the parser's."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Any

from artist_nst.cli.aliases import MEANINGS
from artist_nst.errors import suggest

# What a value must be, by the kind of a validator's error.
_KINDS = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}


def describe_usage_error(error: Any) -> str:
    """Describe an error of typer or click in one line, without the last full stop."""
    if hasattr(error, "possibilities"):
        return _describe_unknown_option(error)
    # typer before 0.27, say, has no validator behind it.
    if details := getattr(error.__cause__, "errors", None):
        return _describe_value(error, details()[0])
    message = str(error.format_message()).rstrip(".")
    return message[:1].lower() + message[1:]


def _describe_unknown_option(error: Any) -> str:
    """Suggest options by what is meant first, then by their letters."""
    name = error.option_name
    options = [
        name for parameter in error.ctx.command.params for name in parameter.opts
    ]
    hints = [hint for pattern, hint in MEANINGS.items() if re.search(pattern, name)]
    hints = [hint for hint in hints if {*re.findall(r"--[\w-]+", hint)} <= {*options}]
    if not hints and (similar := get_close_matches(name, options, n=2, cutoff=0.7)):
        hints = [f"did you mean {' or '.join(similar)}?"]
    return "; ".join([f"no such option: {name}", *hints[:1]])


def _describe_value(error: Any, details: dict[str, Any]) -> str:
    names = error.param.opts if error.param.param_type_name == "option" else ()
    name = max(names, key=len) if names else (error.param.metavar or error.param.name)
    value = details["input"]
    if choices := re.search(r"is not one of (.*)", details["msg"]):
        hint = suggest(str(value), re.findall(r"'([^']*)'", choices[1]))
        return f"{name} can't be {value!r}: {hint}"
    kind = _KINDS.get(details["type"])
    if kind is None:
        return str(error.format_message()).replace("Value error, ", "").rstrip(".")
    return f"{name} must be {kind.format(**details.get('ctx', {}))}, not {value!r}"
