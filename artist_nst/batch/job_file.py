"""Read jobs from a CSV, JSON-lines or TOML file; each bad line is a problem.

::

    photo,artist,pick,ratio,out
    bridge.jpg,monet,whole,5,bridge.png
    dog.jpg,monet,,,
"""

from __future__ import annotations

import csv
import io
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artist_nst._files import format_error, format_path, read_text
from artist_nst._types import PathLike
from artist_nst._validation import parse_json
from artist_nst.batch.columns import Value, find_column, read_value
from artist_nst.batch.jobs import JobList, Problem
from artist_nst.batch.rows import RowReader
from artist_nst.batch.urls import choose_path, fetch, to_url
from artist_nst.errors import ArtistNstError, UsageError, suggest

SUFFIXES = (".csv", ".jsonl", ".toml")
MAX_FILE_BYTES = 256 << 20

_TABLE, _DEFAULTS = "job", "defaults"

# The defaults that a row's own columns exclude.
_EXCLUDED = {
    "artist": ("work", "style"),
    "work": ("pick", "style"),
    "pick": ("work", "style"),
    "style": ("artist", "work", "pick"),
    "mask": ("regions",),
    "regions": ("mask",),
    "width": ("long-side",),
    "long-side": ("width",),
}


def read_jobs(path: PathLike) -> JobList:
    """Read the jobs in a file.

    Paths in it are relative to its folder. Its columns are those of
    :data:`~artist_nst.batch.columns.COLUMNS`.

    A file behind a URL is fetched first.

    Args:
        path: Path or URL of a ``.csv`` file with a header, a ``.jsonl`` file with an
            object a line, or a ``.toml`` file with tables ``[[job]]`` and maybe
            ``[defaults]``.

    Raises:
        UsageError: The file as a whole cannot be read.
    """
    name = format_path(path)
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{name} is no job file: end its name in {', '.join(SUFFIXES)}"
        )
    place = choose_path(os.fspath(path))
    if to_url(place):
        try:
            fetch(place)
        except ArtistNstError as error:
            raise UsageError(str(error)) from error
    text = read_text(
        place,
        MAX_FILE_BYTES,
        f"is too large for a job file (over {MAX_FILE_BYTES >> 20} MB): split it",
        hint=" (in a spreadsheet: CSV UTF-8)",
    )
    reader = RowReader(place.parent)
    try:
        if suffix == ".csv":
            _read_csv(text, name, reader)
        elif suffix == ".jsonl":
            _read_json_lines(text, reader)
        else:
            _read_toml(text, name, reader)
    except RecursionError as error:
        raise UsageError(f"{name} is nested too deeply: correct it") from error
    listed = reader.finish()
    if not listed.jobs and not listed.problems:
        raise UsageError(f"{name} holds no jobs: add some")
    return listed


def _read_csv(text: str, name: str, reader: RowReader) -> None:
    records = _parse_csv(text, reader)
    line, header = next(records, (1, []))
    if len(header) == 1 and (mark := re.search("[;\t]", header[0])):
        mark_name = "tabs" if mark[0] == "\t" else "semicolons"
        raise UsageError(
            f"{name}, line {line}: its columns are separated by {mark_name}; save it "
            "with commas"
        )
    try:
        columns = [find_column(cell) for cell in header]
    except UsageError as error:
        raise UsageError(f"{name}, line {line}: {error}") from error
    if doubled := next((name for name in columns if columns.count(name) > 1), None):
        raise UsageError(
            f"{name}, line {line}: there are two columns {doubled}: leave one out"
        )
    for line, cells in records:
        if len(cells) != len(columns):
            reason = (
                f"it has {len(cells)} values, and the header {len(columns)} columns: "
                "correct the commas, or put quotes round a value that has some"
            )
            reader.problems.append(Problem(line, "", reason))
            continue
        row = {
            column: stripped
            for column, cell in zip(columns, cells, strict=True)
            if (stripped := cell.strip())
        }
        reader.add(line, row)


def _parse_csv(text: str, reader: RowReader) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which a record starts, and its cells; blank ones are left out.

    A record that is no CSV is a problem.
    """
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = records.line_num + 1
        try:
            cells = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"it is not CSV ({error}): correct its quotes"
            reader.problems.append(Problem(line, "", reason))
            continue
        if any(map(str.strip, cells)):
            yield line, cells


def _read_json_lines(text: str, reader: RowReader) -> None:
    # Not by splitlines(), which splits inside texts that hold U+2028 and the like.
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip():
            continue
        try:
            values = parse_json(content)
        except ValueError as error:
            reason = f"it is not JSON ({format_error(error)}): correct it"
            reader.problems.append(Problem(line, "", reason))
            continue
        if not isinstance(values, dict):
            reason = 'it is no object: write {"photo": …}'
            reader.problems.append(Problem(line, "", reason))
            continue
        row = _read_row(line, values, reader)
        if row is not None:
            reader.add(line, row)


def _read_toml(text: str, name: str, reader: RowReader) -> None:
    try:
        values = tomllib.loads(text.replace("\r\n", "\n"))
    except ValueError as error:
        raise UsageError(f"{name} is not valid TOML: {error}") from error
    for key in values:
        if key not in (_TABLE, _DEFAULTS):
            raise UsageError(
                f"{name}: unknown table {key!r}: {suggest(key, (_TABLE, _DEFAULTS))}"
            )
    tables, defaults = values.get(_TABLE, []), values.get(_DEFAULTS, {})
    lines = [
        number
        for number, line in enumerate(text.split("\n"), 1)
        if re.match(rf"\s*\[\[\s*[\"']?{_TABLE}[\"']?\s*\]\]", line)
    ]
    if not isinstance(tables, list) or len(lines) != len(tables):
        raise UsageError(f"{name}: write each job as a table [[{_TABLE}]]")
    if not isinstance(defaults, dict):
        raise UsageError(f"{name}: write the defaults as a table [{_DEFAULTS}]")
    shared = _read_defaults(defaults, name)
    for line, table in zip(lines, tables, strict=True):
        row = _read_row(line, table, reader)
        if row is not None:
            reader.add(line, _add_defaults(row, shared), naming=row)


def _read_defaults(defaults: Mapping[str, Any], name: str) -> dict[str, Value]:
    problems = RowReader(Path())
    row = _read_row(0, defaults, problems)
    if row is None:
        problem = problems.problems[0]
        field = f"{problem.field}: " if problem.field else ""
        raise UsageError(f"{name}, [{_DEFAULTS}]: {field}{problem.reason}")
    return row


def _add_defaults(
    row: dict[str, Value], defaults: dict[str, Value]
) -> dict[str, Value]:
    """Fill a row in; a default that the row's own values exclude is left out."""
    excluded = {other for column in row for other in _EXCLUDED.get(column, ())}
    kept = {name: value for name, value in defaults.items() if name not in excluded}
    return kept | row


def _read_row(
    line: int, values: Mapping[str, Any], reader: RowReader
) -> dict[str, Value] | None:
    """Read the values of an object or table; None, and problems, if one is wrong."""
    row: dict[str, Value] = {}
    count = len(reader.problems)
    for name, value in values.items():
        try:
            column = find_column(name)
        except UsageError as error:
            reader.problems.append(Problem(line, "", str(error)))
            continue
        try:
            text = read_value(column, value)
            if column in row:
                raise UsageError("it is given twice: leave one out")
        except UsageError as error:
            reader.problems.append(Problem(line, column, str(error)))
            continue
        if text:
            row[column] = text
    return row if len(reader.problems) == count else None
