"""Lines on stdout and stderr: whatever the text, the encoding or the reader is."""

from __future__ import annotations

import os
import re
import sys
from typing import IO, Any

from artist_nst.errors import ArtistNstError

MAX_WORD = 400  # characters of a name in an error; paths may have more
MAX_LINE = 2000


def prepare_streams() -> None:
    """Let text that an encoding lacks, or a closed stream, not stop any work.

    On Windows a pipe's encoding is a code page; unknown letters become escapes there.
    """
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is None:  # closed by the shell: >&-
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - until the exit
        elif hasattr(stream, "reconfigure"):
            # File names may hold bytes that are not UTF-8: they stay as they are.
            is_utf8 = stream.encoding.lower().replace("-", "") == "utf8"
            is_out = name == "stdout"
            errors = "surrogateescape" if is_utf8 and is_out else "backslashreplace"
            stream.reconfigure(errors=errors)


def make_visible(text: str) -> str:
    """Write control and direction characters as escapes: they may spoof a terminal."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or 0xDC80 <= ord(c) <= 0xDCFF else repr(c)[1:-1]
        for c in text
    )


def print_result(text: object) -> None:
    """Print what was made, or another result, as one line on stdout."""
    write_stdout(f"{make_visible(str(text))}\n")


def print_error(text: object) -> None:
    """Print one line on stderr, after the program's name; a very long one is cut."""
    line = make_visible(" ".join(str(text).split()))
    line = re.sub(
        rf"\S{{{MAX_WORD},}}", lambda word: _shorten(word.group(), MAX_WORD), line
    )
    line = _shorten(line, MAX_LINE)
    try:
        print(f"artist-nst: {line}", file=sys.stderr)
    except OSError:
        _discard(sys.stderr)


def _shorten(text: str, limit: int) -> str:
    """Leave out the middle of a text that is longer than ``limit`` characters."""
    half = limit // 2 - 1
    return text if len(text) <= limit else f"{text[:half]} … {text[-half:]}"


def write_stdout(content: str | bytes) -> None:
    """Write to stdout, and ignore that its reader has gone (``| head``).

    Raises:
        ArtistNstError: The disk that it is redirected to is full, or the like.
    """
    try:
        if isinstance(content, bytes):
            sys.stdout.buffer.write(content)
        else:
            sys.stdout.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        raise ArtistNstError(
            f"the output cannot be written: {error.strerror}; free some space, or "
            "redirect it to another place"
        ) from error


def _discard(stream: IO[str]) -> None:
    # Otherwise Python reports the error again when it closes the stream at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
