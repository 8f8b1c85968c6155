"""Recipes in files of their own: TOML, any field left out being a named recipe's.

::

    base = "art.py"
    ratio = 2000
    levels = [[0.5, 100], [1.0, 60]]

    [content_layers]
    conv4_2 = 1.0
"""

import math
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import tomli_w

from artist_nst._types import PathLike
from artist_nst.errors import UsageError, nearest
from artist_nst.recipes.published import PUBLICATIONS, RECIPES
from artist_nst.recipes.recipe import FieldError, Recipe

SUFFIX = ".toml"
LARGEST = 1_000_000
"""The most bytes that a recipe's file may hold."""

_BASE = "default"
_LAYERS = ("content_layers", "style_layers")
_HEADER = """\
# A recipe of artist-nst, for paint's and repaint's option --recipe FILE.toml.
# Change what you like, its name too. A field that is left out is the default recipe's,
# or that of the recipe which a line such as base = "art.py" names.
"""

# TOML's whole numbers, which are those of 64 bits.
_WHOLE = range(-(2**63), 2**63)
# What decides where a statement ends: texts, comments, brackets and line breaks. A
# text of several lines that is not closed ends with the file.
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]",
    re.DOTALL,
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}
_PLACE = re.compile(
    r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL
)
# How tomllib's words begin, where they say little; what is said instead; and whether
# the mistake may lie further up, where the statement begins.
_REWORDED = (
    (
        "Invalid value",
        'a value that is none: a text needs quotes, as in init = "rand", and a number '
        "a digit before and after its point",
        False,
    ),
    ("Cannot overwrite", "a key that is given twice: give it once", True),
    ("Cannot declare", "a table that is given twice: give it once", False),
    ("Cannot mutate", "a table that is given twice: give it once", False),
    ("Duplicate inline", "a key that is given twice: give it once", False),
    ("Unclosed array", "a list without its ], or without a comma", True),
    ("Unclosed inline table", "a table without its }, or without a comma", True),
    ("Unterminated string", "a text without the quotes at its end", True),
    ("Expected \"'", "a text without the quotes at its end", True),
    ("Found invalid character '\\n'", "a text without the quotes at its end", False),
    ("Illegal character '\\n'", "a text without the quotes at its end", False),
    ("Expected newline", "more than one value after the =", False),
    ("Invalid statement", "neither a key = value nor a [table]", False),
)
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a point",
    str: "a text",
    list: "a list",
    dict: "a table",
}


def find_recipe(name: str) -> Recipe:
    """A named recipe, or the one in a file.

    Args:
        name: of a recipe, or the path of a file: ends in ``.toml``, or is there.

    Raises:
        UsageError: an unknown name, or :func:`read_recipe`'s reasons.
    """
    if name in RECIPES:
        return RECIPES[name]
    if name.lower().endswith(SUFFIX) or os.path.isfile(name):
        return read_recipe(name)
    raise UsageError(
        f"unknown recipe {name!r}: {nearest(name, RECIPES)} (a file of your own is "
        "named with its ending: mine.toml)"
    )


def read_recipe(path: PathLike) -> Recipe:
    """The recipe in a TOML file.

    ``base`` names the recipe whose fields are taken where the file gives none
    (``default``). The name is the file's unless given.

    Raises:
        UsageError: the file can't be read, or a line of it is wrong; which one is
            said: ``mine.toml, line 3: …``. Whether the network has the layers is
            not checked here.
    """
    file = _File(_shown(path), _read(path))
    given = file.values
    base = given.pop("base", _BASE)
    if not isinstance(base, str):
        raise file.wrong(f"base must be a text in quotes, not {_kind(base)}", "base")
    if base not in RECIPES:
        raise file.wrong(f"unknown base {base!r}: {nearest(base, RECIPES)}", "base")
    recipe = replace(
        RECIPES[base],
        name=os.fsencode(Path(path).stem).decode("utf-8", "replace"),
        source=f"based on {base}: {PUBLICATIONS[base].citation}",
    )
    for key, value in given.items():
        recipe = _changed(recipe, key, value, file)
    return recipe


def write_recipe(path: PathLike, recipe: Recipe) -> None:
    """Write every field of a recipe, exactly; a file that is there is replaced.

    Raises:
        UsageError: the name does not end in ``.toml``, or can't be written there.
        ArtistNstError: the disk refused.
    """
    # Late, for the commands that only read recipes load no pictures.
    from artist_nst.image.files import check_writable, write_text

    check_writable(path, (SUFFIX,))
    write_text(path, _text_of(recipe))


def _changed(recipe: Recipe, key: str, value: object, file: "_File") -> Recipe:
    hints = get_type_hints(Recipe)
    if key not in hints:
        hint = nearest(key, ("base", *hints))
        raise file.wrong(f"a recipe has no {key!r}: {hint}", key)
    try:
        if key in _LAYERS:
            value = tuple(_layers(recipe, key, value, file))
        elif key == "levels":
            value = _levels(value)
        else:
            value = _plain(key, hints[key], value)
        changes: dict[str, Any] = {key: value}
        return replace(recipe, **changes)
    except FieldError as error:
        raise file.wrong(f"{key}{error.problem}", key) from error


def _layers(
    recipe: Recipe, key: str, value: object, file: "_File"
) -> Iterator[tuple[str, float]]:
    """Each layer with its weight, checked one by one: each has a line of its own."""
    if not isinstance(value, dict):
        raise FieldError(
            key, f" must be a table: [{key}], and below it lines such as conv4_2 = 1.0"
        )
    for layer, given in value.items():
        try:
            if not layer:
                raise FieldError(key, " must name its layers, such as conv4_2")
            weight = _number(key, given, f" {layer}")
            changes: dict[str, Any] = {key: ((layer, weight),)}
            replace(recipe, **changes)
        except FieldError as error:
            raise file.wrong(f"{key}{error.problem}", key, layer) from error
        yield layer, weight


def _levels(value: object) -> tuple[tuple[float, int], ...]:
    shape = FieldError(
        "levels",
        " must be a list of pairs of a scale and whole iterations, such as "
        "[[0.5, 80], [1.0, 40]]",
    )
    if not isinstance(value, list):
        raise shape
    levels = []
    for level in value:
        if not isinstance(level, list) or len(level) != 2:
            raise shape
        scale, count = level
        levels.append(
            (
                _number("levels", scale, ": a scale"),
                _whole("levels", count, ": its iterations"),
            )
        )
    return tuple(levels)


def _plain(key: str, hint: object, value: object) -> object:
    if hint is float:
        return _number(key, value)
    if hint is int:
        return _whole(key, value)
    if not isinstance(value, str):
        raise FieldError(key, f" must be a text in quotes, not {_kind(value)}")
    return value


def _number(key: str, value: object, part: str = "") -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FieldError(key, f"{part} must be a number, not {_kind(value)}")
    try:
        return float(value)
    except OverflowError:
        return math.inf  # which no field takes


def _whole(key: str, value: object, part: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldError(key, f"{part} must be a whole number, not {_kind(value)}")
    if value not in _WHOLE:
        raise FieldError(key, f"{part} must be a whole number of fewer digits")
    return value


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date or time")


def _text_of(recipe: Recipe) -> str:
    values = recipe.to_dict()
    layers = {key: dict(values.pop(key)) for key in _LAYERS}
    # By hand, for tomli_w gives every number of a list a line.
    levels = [[float(scale), count] for scale, count in values.pop("levels")]
    return "\n".join(
        (_HEADER, f"{tomli_w.dumps(values)}levels = {levels}\n", tomli_w.dumps(layers))
    )


def _read(path: PathLike) -> str:
    """The file's text, its lines ended by ``\\n``."""
    name = _shown(path)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{name} is a folder: name a recipe's file in it")
        if not stat.S_ISREG(status.st_mode):
            # A pipe could block for ever, and a device never end.
            raise UsageError(f"{name} is a pipe or device: copy it to a file")
        if status.st_size > LARGEST:
            raise UsageError(
                f"{name} is too large for a recipe ({status.st_size:,} bytes, at most "
                f"{LARGEST:,}): name another file"
            )
        content = Path(path).read_bytes()
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError as error:
        raise UsageError(f"{name}: there is no such file; check the path") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{name}, line {line}: it is not text in UTF-8; save it as that"
        ) from error
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}; check the path and its rights"
        ) from error
    except ValueError as error:  # a NUL in the path
        raise UsageError(f"{name} cannot be read: {error}") from error


def _shown(path: PathLike) -> str:
    """The path as it stands in a message: on one line, whatever it holds."""
    text = os.fspath(path)
    return text if text.isprintable() and text else repr(text)


class _File:
    """A recipe's file: its values, and on which line each stands."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.values = self._parsed()

    def wrong(self, problem: str, *keys: str) -> UsageError:
        """An error that names the line of a key, or of a key in a table."""
        return self._at(self._line_of(keys), problem)

    def _at(self, line: int, problem: str) -> UsageError:
        return UsageError(f"{self.name}, line {line}: {problem}")

    def _parsed(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise self._misspelt(str(error)) from error
        except (ValueError, RecursionError) as error:
            line = self._first_unreadable() or 1
            raise self._at(line, "a number too long, or lists too deep") from error

    def _misspelt(self, message: str) -> UsageError:
        found = _PLACE.fullmatch(message)
        words, place = found.groups() if found else (message, None)
        last = self.text.rstrip().count("\n") + 1
        line = min(int(place), last) if place else last
        reworded = (
            (problem, above)
            for begin, problem, above in _REWORDED
            if words.startswith(begin)
        )
        own = f"{words[:1].lower()}{words[1:]}"
        problem, above = next(reworded, (own, False))
        if above:
            *_, begun = (at for at, _ in _statements(self.text) if at <= line)
            start = self._first_unreadable() or begun
            if start < line:
                problem += f" (up to line {line})"
            line = start
        return self._at(line, f"not TOML: {problem}")

    def _first_unreadable(self) -> int | None:
        """The line of the first statement that is wrong by itself."""
        statements = _statements(self.text)
        return next((line for line, text in statements if not _readable(text)), None)

    def _line_of(self, keys: tuple[str, ...]) -> int:
        """Of the first statement that gives that key."""
        table: tuple[str, ...] = ()
        for line, statement in _statements(self.text):
            if head := statement.lstrip().startswith("["):
                table = ()
            given = [(*table, *path) for path in _paths(tomllib.loads(statement))]
            if any(path[: len(keys)] == keys for path in given):
                return line
            if head:
                table = given[-1]
        raise AssertionError(f"{keys} came from no line")


def _readable(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except (ValueError, RecursionError):
        return False
    return True


def _paths(values: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The keys, and those of the tables in them: all that a recipe has."""
    for key, value in values.items():
        yield (key,)
        if isinstance(value, dict):
            yield from ((key, inner) for inner in value)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Statements of TOML (keys with values, table heads, comments, empty lines), each
    with the number of its first line."""
    line, start, depth = 1, 0, 0
    for token in _TOKEN.finditer(f"{text}\n"):
        depth += _DEPTH.get(token[0], 0)
        if token[0] == "\n" and depth <= 0:
            statement = text[start : token.start()]
            yield line, statement
            line += statement.count("\n") + 1
            start, depth = token.end(), 0
    if start < len(text):
        yield line, text[start:]
