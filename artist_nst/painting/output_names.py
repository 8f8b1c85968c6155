"""Names of output files: short ones, and such as are not yet taken."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from artist_nst.errors import UsageError

# Suffixes of the folder of saved iterations and of the page that explains a painting.
FRAMES, EXPLANATION = ".frames", ".explained.png"
# What the folder of a series of paintings holds besides them.
SHEET, TABLE, PLOT = "sheet.png", "results.csv", "losses.png"
# In bytes: a file's name is two of them and a suffix, and may have 255.
MAX_SLUG_BYTES = 110


def shorten_name(name: str) -> str:
    """Shorten a part of a file name to 80 characters and 100 bytes."""
    return os.fsencode(name[:80])[:100].decode(errors="ignore")


def slug_setting(name: str, value: str) -> str:
    """Make a part of a file name of a setting: ``style-scale-1.2``."""
    slug = f"{name}-" + re.sub(r"[^\w.+=-]+", "-", value)
    return limit_name(slug, MAX_SLUG_BYTES, value)


def split_values(name: str, values: str) -> tuple[str, ...]:
    """Split a setting's values at commas: each is to have a file of its own.

    Raises:
        UsageError: There is no value, or one is given twice; two would share a file
            name.
    """
    texts = tuple(value.strip() for value in values.split(","))
    if not all(texts):
        raise UsageError(f"{name} {values!r}: separate its values by single commas")
    taken: dict[str, str] = {}
    for text in texts:
        # Some file systems do not tell upper from lower case.
        file_name = slug_setting(name, text).casefold()
        if taken.get(file_name) == text:
            raise UsageError(f"{name}: {text} is given twice")
        if file_name in taken:
            raise UsageError(
                f"{name}: {taken[file_name]} and {text} would be painted to one file: "
                "leave one of them out"
            )
        taken[file_name] = text
    return texts


def limit_name(name: str, limit: int, hashed: str | None = None) -> str:
    """Cut a name that has more bytes than ``limit``, and end it in a hash.

    Args:
        name: A part of a file name.
        limit: In bytes.
        hashed: What is hashed, if it is not the name.
    """
    if len(name.encode()) <= limit:
        return name
    text = name if hashed is None else hashed
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    start = name.encode()[: limit - len(digest) - 1]
    return f"{start.decode(errors='ignore')}-{digest}"


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
