"""Check the names of outputs: safe ones, each once, none of a picture painted from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from artist_nst._files import check_suffix
from artist_nst.batch.jobs import Job, Problem
from artist_nst.errors import UsageError

MAX_NAME_BYTES = 255


def check_outputs(
    jobs: Sequence[Job], folder: Path, pictures: Iterable[Path]
) -> Iterator[Problem]:
    """Find the jobs whose output cannot be painted.

    Args:
        jobs: All jobs; of those that share an output, the first one has it.
        folder: Outputs are relative to it.
        pictures: That are painted from.
    """
    # Some file systems do not tell upper from lower case.
    inputs = {os.path.realpath(path).casefold() for path in pictures}
    root = os.path.realpath(folder)
    taken: dict[str, Job] = {}
    folders = _list_folders(jobs)
    for job in jobs:
        reason = check_name(job.out)
        name = job.out.casefold()
        if reason is None and name in taken:
            other = taken[name]
            reason = f"{job.out} is also the output of line {other.line}: rename one"
        if reason is None and name in folders:
            reason = f"{job.out} is also the folder of another output: rename one"
        if reason is None and os.path.join(root, job.out).casefold() in inputs:
            reason = f"{job.out} is a picture that is painted from: rename it"
        if reason is None:
            taken[name] = job
        else:
            yield Problem(job.line, "out", reason)


def check_name(out: str) -> str | None:
    """Return why a name cannot be an output's, relative to the folder; None if it can.

    The same names are allowed on all systems.
    """
    parts = out.split("/")
    if out.startswith("/") or "\\" in out or out[1:2] == ":":
        return f"{out!r} must be relative to the output folder, with slashes"
    if any(part in ("", ".", "..") for part in parts):
        return f"{out!r} must be a path below the output folder, without '..'"
    if not out.isprintable():
        return f"{out!r} holds characters that a name cannot have: rename it"
    if max(len(part.encode()) for part in parts) > MAX_NAME_BYTES:
        return f"{out[:40]!r}… is too long: choose a shorter name"
    try:
        check_suffix(out)
    except UsageError as error:
        return str(error)
    return None


def _list_folders(jobs: Iterable[Job]) -> set[str]:
    """List the folders of all outputs, in one case."""
    parents = {os.path.dirname(job.out.casefold()) for job in jobs}
    return {
        str(folder)
        for parent in parents
        if parent
        for folder in (PurePosixPath(parent), *PurePosixPath(parent).parents)
    }
