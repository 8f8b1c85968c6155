"""Every painting judged and measured: a table of modes, all numbers, a sheet."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from command import console
from modes.figures import covered, interval
from modes.planning import MODES, RANGED, Plan
from numpy.typing import NDArray
from rich.progress import Progress

from artist_nst.evaluation.attribution import Share
from artist_nst.evaluation.metrics import Bench, Row
from artist_nst.experiments.results import panel
from artist_nst.experiments.runner import Cell
from artist_nst.figures.grid import grid
from artist_nst.image.files import sha256_of, write_picture, write_text
from artist_nst.painting import record
from artist_nst.styles.descriptors import style_of_file, styles_of

HEADS = (
    "mode",
    "attribution (95 %)",
    "less random's (95 %)",
    "content",
    "edges",
    "held-out style",
    "closer than",
    "manners of 8",
    "seconds",
)


class Report:
    """What is known of every painting.

    Args:
        plans: what was painted. photos: in the order of their numbers.
        corpora: all artists, to be judged between.
        out: where the paintings are.
    """

    def __init__(
        self, plans: Sequence[Plan], photos: Sequence[Path], corpora: Path, out: Path
    ) -> None:
        self.plans = plans
        self.photos = photos
        self.out = out
        spent = {
            sha256_of(one.painter.path(work))
            for one in plans
            for work in one.painter.works
        }
        with Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=None)

            def told(what: str, done: int, total: int) -> None:
                bar.update(task, description=what, completed=done, total=total)

            self.bench = Bench(corpora, spent, on_progress=told)
            count = sum(len(one.cells) for one in plans)
            self.rows: dict[str, Row] = {}
            for one in plans:
                for cell in one.cells.values():
                    told("judging", len(self.rows), count)
                    path = self.path(one, cell)
                    self.rows[str(path)] = self.bench.row(path, one.artist.slug)

    def path(self, planned: Plan, cell: Cell) -> Path:
        return self.out / planned.artist.slug / f"{cell.name}.png"

    def table(self) -> list[str]:
        """Markdown: one line for each mode, then what the judges are worth."""
        lines = [f"| {' | '.join(HEADS)} |", "|---" * len(HEADS) + "|"]
        lines += [f"| {' | '.join(self._line(mode))} |" for mode in MODES]
        judges = self.bench.judges
        slugs = [one.artist.slug for one in self.plans]
        photos = [self.bench.judges.verdict(photo) for photo in self.photos]
        hits = sum(one.hits(slug) for one in photos for slug in slugs) / 2
        taken = Share(hits, len(photos) * len(slugs))
        return [
            *lines,
            "",
            f"Judges: {_percent(judges.accuracy)} of {judges.accuracy.of} held-out "
            f"works known, of {len(judges.artists)} artists (chance "
            f"{judges.chance:.1%}); {judges.reencoded.rate:.1%} of them encoded anew; "
            f"calibration error {judges.calibration_error:.3f}; photos taken for the "
            f"artist's: {_percent(taken)}.",
        ]

    def _line(self, mode: str) -> list[str]:
        own = self._values(mode, "hits") / 2
        low, high = interval(own)
        apart = own - self._values("random", "hits") / 2
        less = (
            ""
            if mode == "random"
            else "{:+.2f} ({:+.2f} … {:+.2f})".format(apart.mean(), *interval(apart))
        )
        means = [
            f"{np.nanmean(self._values(mode, name)):.3f}"
            for name in ("content", "edges", "held_out", "closer_than")
        ]
        return [
            mode,
            f"{own.mean():.2f} ({low:.2f} … {high:.2f})",
            less,
            *means,
            self._manners(mode) if mode in RANGED else "",
            f"{self._seconds(mode):.0f}",
        ]

    def _values(self, mode: str, name: str) -> NDArray[np.float64]:
        """``(artists, photos)`` of one number."""
        return np.array(
            [
                [
                    getattr(self.rows[str(self.path(one, cell))], name)
                    for cell in one.table(mode, len(self.photos))
                ]
                for one in self.plans
            ],
            dtype=float,
        )

    def _seconds(self, mode: str) -> float:
        return float(
            np.median(
                [
                    record.read(self.path(one, cell))["seconds"]
                    for one in self.plans
                    for cell in one.table(mode, len(self.photos))
                ]
            )
        )

    def _manners(self, mode: str) -> str:
        """How many clusters each artist's paintings of one photo fall into: the mean,
        and the least."""
        found = []
        for one in self.plans:
            works = [one.artist.path(work) for work in one.artist.here]
            styles = list(styles_of(works, one.artist.slug))
            paths = [self.path(one, cell) for cell in one.range(mode)]
            found.append(covered(styles, [style_of_file(path) for path in paths])[0])
        return f"{np.mean(found):.1f} (least {min(found)})"

    def results(self) -> str:
        """Every painting with every number, as comma-separated values."""
        text = io.StringIO()
        rows = [
            {
                "artist": one.artist.slug,
                **cell.settings,
                **asdict(self.rows[str(self.path(one, cell))]),
            }
            for one in self.plans
            for cell in one.cells.values()
        ]
        table = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        return text.getvalue()

    def sheet(self, nth: int) -> NDArray[np.float64]:
        """One photo by every mode, after every artist."""
        cells = [
            [
                panel(self.path(one, one.cells[mode, nth, nth]), side=320)
                for mode in MODES
            ]
            for one in self.plans
        ]
        return grid(
            cells,
            columns=list(MODES),
            rows=[one.artist.artist for one in self.plans],
            beside=[panel(self.photos[nth], "the photo")],
            side=200,
        )


def report(
    plans: Sequence[Plan], photos: Sequence[Path], corpora: Path, out: Path
) -> None:
    """Leave table.md, results.csv and a sheet of every photo in ``out``."""
    made = Report(plans, photos, corpora, out)
    write_text(out / "results.csv", made.results())
    lines = made.table()
    write_text(out / "table.md", "\n".join(lines) + "\n")
    for nth, photo in enumerate(photos):
        write_picture(out / f"sheet-{photo.stem}.png", made.sheet(nth))
    console.print("\n".join(lines), markup=False)


def _percent(share: Share) -> str:
    low, high = share.interval
    return f"{share.rate:.1%} ({low:.1%} … {high:.1%})"
