"""Tell the jobs that are finished from those to be painted, and from other files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from artist_nst._files import format_path
from artist_nst.batch.jobs import Problem
from artist_nst.batch.ledger import Entry, Ledger
from artist_nst.batch.plan import Plan, PlannedJob
from artist_nst.batch.urls import (
    exists,
    fetch,
    get_fetched_version,
    list_folder,
    name_path,
    to_url,
)
from artist_nst.errors import ArtistNstError
from artist_nst.image.files import read_small
from artist_nst.painting.record import load_record
from artist_nst.painting.record_types import Record


@dataclass(frozen=True, slots=True)
class FinishedJobs:
    """What is there of a plan.

    Attributes:
        remaining: The jobs that are to be painted, in the plan's order.
        finished: The entries of the others.
        recovered: Those of them that are not in the ledger yet: their paintings'
            records say so.
        conflicts: The jobs whose output is another file.
    """

    remaining: tuple[PlannedJob, ...]
    finished: tuple[tuple[PlannedJob, Entry], ...]
    recovered: tuple[Entry, ...]
    conflicts: tuple[Problem, ...]


def find_finished(plan: Plan, folder: Path, ledger: Ledger) -> FinishedJobs:
    """Find the jobs whose output is there; each folder is listed once.

    A painting of a batch has its job's key in its record, once it is finished.

    Raises:
        ArtistNstError: A folder of outputs cannot be read.
    """
    files = _list_outputs((planned.job.out for planned in plan.jobs), folder)
    remaining: list[PlannedJob] = []
    finished: list[tuple[PlannedJob, Entry]] = []
    recovered: list[Entry] = []
    conflicts: list[Problem] = []
    for planned in plan.jobs:
        out = planned.job.out
        if out not in files:
            remaining.append(planned)
            continue
        entry = ledger.find(planned.key, out)
        if entry and (entry.size, entry.mtime_ns, entry.version) == files[out]():
            finished.append((planned, entry))
            continue
        path = folder / out
        record = _read_record(planned, path)
        if record is None:
            conflicts.append(Problem(planned.job.line, "out", _describe(path)))
        elif (entry := _make_entry(planned, path, record)) is not None:
            recovered.append(entry)
            finished.append((planned, entry))
        else:
            remaining.append(planned)
    return FinishedJobs(
        tuple(remaining), tuple(finished), tuple(recovered), tuple(conflicts)
    )


Stamp = tuple[int | None, int | None, str]
"""A file's size, its mtime in nanoseconds, and its version in a store."""


def _list_outputs(outs: Iterable[str], folder: Path) -> dict[str, Callable[[], Stamp]]:
    """List the files in the folders of outputs, by their paths as outputs have them."""
    parents = {os.path.dirname(out) for out in outs}
    if to_url(folder):
        return {
            _join(parent, name): partial(_pass, (size, None, version))
            for parent in parents
            for name, (size, version) in list_folder(folder / parent).items()
        }
    files: dict[str, Callable[[], Stamp]] = {}
    for parent in parents:
        try:
            with os.scandir(folder / parent) as entries:
                for entry in entries:
                    files[_join(parent, entry.name)] = partial(_stat, entry)
        except FileNotFoundError:
            continue
        except OSError as error:
            name = format_path(folder / parent)
            raise ArtistNstError(
                f"{name} is no folder, or cannot be read ({error.strerror}): choose "
                "another with -o"
            ) from error
    return files


def _join(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name


def _pass(stamp: Stamp) -> Stamp:
    return stamp


def _stat(entry: os.DirEntry[str]) -> Stamp:
    try:
        status = entry.stat()
    except OSError:
        return None, None, ""
    return status.st_size, status.st_mtime_ns, ""


def recover(planned: PlannedJob, path: Path) -> Entry | None:
    """Return the entry of a job whose painting is at ``path``; None if it is not.

    Raises:
        ArtistNstError: The output is behind a URL, and its store cannot be read.
    """
    record = _read_record(planned, path) if exists(path) else None
    return None if record is None else _make_entry(planned, path, record)


def _read_record(planned: PlannedJob, path: Path) -> Record | None:
    """Read the record of a job's painting; None if it is another file."""
    if to_url(path):
        fetch(path)
    try:
        record = load_record(path)
    except ArtistNstError:
        return None
    return record if record.get("job") == planned.key else None


def _make_entry(planned: PlannedJob, path: Path, record: Record) -> Entry | None:
    """Make the entry of a painting; None if it was cut off behind its record."""
    try:
        read_small(path, 64)
        status = path.stat()
    except (ArtistNstError, OSError):
        return None
    return Entry(
        key=planned.key,
        out=planned.job.out,
        state="finished",
        seconds=record["seconds"],
        size=status.st_size,
        mtime_ns=None if to_url(path) else status.st_mtime_ns,
        version=get_fetched_version(path) if to_url(path) else "",
        time=record["painted"],
    )


def _describe(path: Path) -> str:
    return (
        f"{name_path(path)} is there, and is not this job's painting: choose another "
        "name, or another folder with -o, or move it away"
    )
