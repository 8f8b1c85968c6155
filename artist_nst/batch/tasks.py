"""What the driver of a batch and its workers tell each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from artist_nst.batch.ledger import Entry
from artist_nst.batch.plan import PlannedJob

if TYPE_CHECKING:
    from artist_nst.painting.compute import ComputeOptions


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all workers of a batch share.

    Attributes:
        folder: Of the outputs.
        compute: Where to compute, and by which weights.
        corpora: The folder of corpora that was named, for the records.
        keep_paths: Whether records have paths, not only files' names.
        gpus: Of each worker on a Ray cluster, or a fraction of one; 0 for one CPU.
        fetches: Whether workers fetch what is behind URLs: those of other machines do.
    """

    folder: Path
    compute: ComputeOptions
    corpora: Path | None = None
    keep_paths: bool = True
    gpus: float = 0
    fetches: bool = False


@dataclass(frozen=True, slots=True)
class Task:
    """A job for a worker, and what it may take.

    Attributes:
        planned: The job.
        threads: Of the worker; as many as it has if None.
        max_memory: Bytes of the worker; as its workplace says if None.
    """

    planned: PlannedJob
    threads: int | None = None
    max_memory: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a job.

    Attributes:
        entry: For the ledger.
        notes: What was logged meanwhile.
        thumbnail: A JPEG of a painting that is behind a URL, for the report.
    """

    entry: Entry
    notes: tuple[str, ...] = ()
    thumbnail: bytes = b""


@dataclass(frozen=True, slots=True)
class Lost:
    """A job whose worker ended before it was done.

    Attributes:
        planned: The job.
        reason: Why the worker ended.
        is_blamed: Whether the job may be why; not if the worker had not begun it.
    """

    planned: PlannedJob
    reason: str
    is_blamed: bool = True


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a worker does: the job's output, and the share of it that is done."""

    name: str
    out: str
    share: float


class Pool(Protocol):
    """Workers that paint."""

    @property
    def capacity(self) -> int:
        """How many jobs may be handed out at a time."""

    def submit(self, planned: PlannedJob) -> None:
        """Hand out a job."""

    def wait(self, seconds: float) -> Iterable[Result | Lost]:
        """Wait until a job is done or lost, but not longer than ``seconds``."""

    def list_states(self) -> Sequence[WorkerState]:
        """List what the workers do."""

    def close(self, *, kill: bool = False) -> None:
        """End the workers, which drop what they do with ``kill``."""
