"""Names of output files: short ones, and such as are not yet taken."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

# Suffixes of the folder of saved iterations and of the page that explains a painting.
FRAMES, EXPLANATION = ".frames", ".explained.png"
# What the folder of a series of paintings holds besides them.
SHEET, TABLE, PLOT = "sheet.png", "results.csv", "losses.png"


def shorten_name(name: str) -> str:
    """Shorten a part of a file name to 80 characters and 100 bytes."""
    return os.fsencode(name[:80])[:100].decode(errors="ignore")


def reserve(path: Path) -> Path:
    """Create an empty file that does not exist, so that no other process takes it.

    Returns:
        Its path: ``path``, or with a number.
    """
    while True:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            path = find_unused(path, (FRAMES, EXPLANATION))
        except OSError:
            return path  # saving says why
        else:
            return path


def find_unused(path: Path, suffixes: Sequence[str] = ()) -> Path:
    """Return a path that does not exist: ``path``, or with the first free number.

    Args:
        path: The preferred path.
        suffixes: Of files beside it that must not exist either.
    """
    # os.path's functions: pathlib's raise if a name is too long.
    return next(
        candidate
        for candidate in number_paths(path)
        if not any(
            os.path.lexists(file)
            for file in (candidate, *(candidate.with_suffix(end) for end in suffixes))
        )
    )


def number_paths(path: Path) -> Iterator[Path]:
    """Yield ``a.png``, then ``a-2.png``, ``a-3.png`` and so on."""
    yield path
    for number in count(2):
        yield path.with_stem(f"{path.stem}-{number}")
