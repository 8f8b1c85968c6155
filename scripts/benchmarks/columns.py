"""How a benchmark's figures are laid out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table


def table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    """A table with columns of words, then of numbers."""
    made = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for name in words:
        made.add_column(name)
    for name in numbers:
        made.add_column(name, justify="right")
    return made
