"""The results of a batch as a table: a row for each job, as CSV and as Parquet."""

from __future__ import annotations

import csv
import importlib.util
import io
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from artist_nst._files import atomic_write, translate_write_errors, write_text
from artist_nst.batch.checking import CheckedJob
from artist_nst.batch.ledger import Ledger
from artist_nst.batch.plan import Plan
from artist_nst.batch.styles import NO_STYLE, Style
from artist_nst.batch.urls import to_url
from artist_nst.painting.mask_names import KEEP, REST
from artist_nst.painting.output_names import TABLE

PARQUET = "results.parquet"


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job, and what became of it.

    Attributes:
        out: The painting's file, relative to the folder.
        state: ``finished``, ``failed``, or ``waiting``.
        reason: Why it failed.
        photo: As it was named.
        artist: The folder of the works that it is painted after; empty for images, and
            where masks alone say what it is after.
        style: The works' or style images' titles, or the way that works are picked;
            then those of masks.
        recipe: Its name.
        width: In pixels.
        height: In pixels.
        seed: Of the pick and the noise.
        seconds: That it took.
        ended: When, in ISO 8601.
        line: Of the job file.
        key: The job's.
    """

    out: str
    state: str
    reason: str
    photo: str
    artist: str
    style: str
    recipe: str
    width: int
    height: int
    seed: int
    seconds: float | None
    ended: str
    line: int
    key: str


def make_rows(plan: Plan, ledger: Ledger) -> list[JobRow]:
    """Make the rows of a plan's jobs, in the order of the job file."""
    rows = []
    for planned in sorted(plan.jobs, key=lambda planned: planned.job.line):
        job = planned.job
        entry = ledger.find(planned.key, job.out)
        row = JobRow(
            out=job.out,
            state=entry.state if entry else "waiting",
            reason=entry.reason if entry else "",
            photo=to_url(job.photo) or os.fspath(job.photo),
            artist=_name_artist(job),
            style=_name_style(job),
            recipe=job.recipe.name,
            width=job.width,
            height=job.height,
            seed=job.seed,
            seconds=entry.seconds if entry else None,
            ended=entry.time if entry else "",
            line=job.line,
            key=planned.key,
        )
        rows.append(row)
    return rows


def write_tables(rows: Sequence[JobRow], folder: Path) -> None:
    """Write ``results.csv``, and ``results.parquet`` if pyarrow is installed.

    Raises:
        ArtistNstError: The disk refuses them.
    """
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, JobRow.__slots__)
    writer.writeheader()
    values = [asdict(row) for row in rows]
    writer.writerows(values)
    write_text(folder / TABLE, stream.getvalue().encode("utf-8", "replace").decode())
    if importlib.util.find_spec("pyarrow") is None:
        return
    import pyarrow
    from pyarrow import parquet

    types = {int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string()}
    kinds = {"width": int, "height": int, "seed": int, "line": int, "seconds": float}
    schema = pyarrow.schema(
        [(name, types[kinds.get(name, str)]) for name in JobRow.__slots__]
    )
    columns = {
        name: [_make_plain(row[name]) for row in values] for name in JobRow.__slots__
    }
    path = folder / PARQUET
    with translate_write_errors(path), atomic_write(path) as temporary:
        parquet.write_table(pyarrow.table(columns, schema), temporary)


def _make_plain(value: object) -> object:
    """Replace what UTF-8 cannot hold, as names of files may."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value


def _name_artist(job: CheckedJob) -> str:
    if job.style.corpus is not None:
        return job.style.corpus.name
    work = job.style.sources[0].work if job.style.sources else None
    return work["corpus"] if work else ""


def _name_style(job: CheckedJob) -> str:
    names = [_describe(job.style)] if job.style != NO_STYLE else []
    for part in job.regions.parts:
        mask = part.mask.name if part.mask else REST
        styles = "; ".join(_describe(style) for style, _ in part.styles)
        names.append(f"{mask}: {styles or KEEP}")
    return "; ".join(names)


def _describe(style: Style) -> str:
    if style.pick is not None:
        return f"pick {style.pick}"
    return "; ".join(source.title for source in style.sources)
