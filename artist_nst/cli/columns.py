"""Tables on stdout: fitted to a terminal; for whatever else reads them, only cells
that would pad every row are clipped."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SHORTENED = 24  # characters that a column which may be shortened should keep
BETWEEN = 2
LONGEST = 100  # characters of a cell off a terminal, but in the last column

Row = Mapping[str, str]


def print_table(
    heads: Sequence[str],
    rows: Iterable[Row],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
    folded: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """Rows under their heads; a column that is empty is left out.

    Args:
        right: heads of columns of numbers.
        whole: heads of columns that a narrow terminal does not shorten either.
        folded: heads of columns that it does not shorten but break.
        spare: heads of columns that it leaves out, the first one first.
    """
    from rich.console import Console
    from rich.text import Text

    given = [{head: _line(row.get(head, "")) for head in heads} for row in rows]
    used = [head for head in heads if any(row[head] for row in given)]
    text, terminal = io.StringIO(), sys.stdout.isatty()
    console = Console() if terminal else Console(file=text, width=100_000)
    if terminal:
        _leave_out(used, given, spare, console.width)
    else:
        given = [_clipped(row, used[:-1]) for row in given]
    table = _table(used, right, (*right, *whole))
    for row in given:
        table.add_row(
            *(
                Text(row[head], overflow="fold")
                if head in folded
                else Text(row[head], no_wrap=True, overflow="ellipsis")
                for head in used
            )
        )
    console.print(table)
    if not terminal:
        say("".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines()))


def say(text: str) -> None:
    """Text on stdout, as long as somebody reads it (``| head``)."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Or Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _table(used: Sequence[str], right: Sequence[str], whole: Sequence[str]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in used:
        justify: Any = "right" if head in right else "left"
        table.add_column(head, justify=justify, no_wrap=head in whole)
    return table


def _leave_out(
    used: list[str], rows: Sequence[Row], spare: Sequence[str], width: int
) -> None:
    from rich.cells import cell_len

    wide = {
        head: max(cell_len(text) for text in (head, *(row[head] for row in rows)))
        for head in used
    }
    for head in spare:
        needed = sum(min(wide[one], SHORTENED) + BETWEEN for one in used)
        if head in used and needed > width:
            used.remove(head)


def _clipped(row: dict[str, str], heads: Sequence[str]) -> dict[str, str]:
    long = {head: row[head] for head in heads if len(row[head]) > LONGEST}
    return row | {head: f"{long[head][: LONGEST - 1].rstrip()}…" for head in long}


def _line(text: str) -> str:
    """Without line breaks, and without what a terminal would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
