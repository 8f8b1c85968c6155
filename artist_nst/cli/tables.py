"""Tables on stdout, fitted to the terminal if there is one."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artist_nst.cli.output import write_stdout

MIN_WIDTH = 24  # characters that a shortened column should keep
GAP = 2  # characters between columns
MAX_CELL = 100  # characters of a cell if not on a terminal, except in the last column

Row = Mapping[str, str]


def print_table(
    heads: Sequence[str],
    rows: Iterable[Row],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
    folded: Sequence[str] = (),
    dropped: Sequence[str] = (),
) -> None:
    """Print rows under their heads, leaving out empty columns.

    A terminal shortens columns to its width. Elsewhere only very long cells are
    shortened, which would pad every row.

    Args:
        heads: The columns.
        rows: Texts by head.
        right: Columns of numbers, which are aligned right and never shortened.
        whole: Other columns that are never shortened.
        folded: Columns that a terminal wraps rather than shortens.
        dropped: Columns that a narrow terminal leaves out, the first one first.
    """
    from rich.console import Console
    from rich.text import Text

    cells = [{head: _clean(row.get(head, "")) for head in heads} for row in rows]
    columns = [head for head in heads if any(row[head] for row in cells)]
    text, is_terminal = io.StringIO(), sys.stdout.isatty()
    console = Console() if is_terminal else Console(file=text, width=100_000)
    if is_terminal:
        _drop_columns(columns, cells, dropped, console.width)
    else:
        cells = [_shorten_cells(row, columns[:-1]) for row in cells]
    table = _make_table(columns, right, (*right, *whole))
    for row in cells:
        table.add_row(
            *(
                Text(row[head], overflow="fold")
                if head in folded
                else Text(row[head], no_wrap=True, overflow="ellipsis")
                for head in columns
            )
        )
    console.print(table)
    if not is_terminal:
        lines = text.getvalue().splitlines()
        write_stdout("".join(f"{line.rstrip()}\n" for line in lines))


def _make_table(
    columns: Sequence[str], right: Sequence[str], whole: Sequence[str]
) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in columns:
        justify: Any = "right" if head in right else "left"
        table.add_column(head, justify=justify, no_wrap=head in whole)
    return table


def _drop_columns(
    columns: list[str], rows: Sequence[Row], dropped: Sequence[str], width: int
) -> None:
    from rich.cells import cell_len

    widths = {
        head: max(cell_len(text) for text in (head, *(row[head] for row in rows)))
        for head in columns
    }
    for head in dropped:
        needed = sum(min(widths[column], MIN_WIDTH) + GAP for column in columns)
        if head in columns and needed > width:
            columns.remove(head)


def _shorten_cells(row: dict[str, str], heads: Sequence[str]) -> dict[str, str]:
    return row | {
        head: f"{row[head][: MAX_CELL - 1].rstrip()}…"
        for head in heads
        if len(row[head]) > MAX_CELL
    }


def _clean(text: str) -> str:
    """Put text on one line, without characters that would control a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
