"""Evaluate all paintings, and write a table, all numbers and sheets."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from command import console
from modes.planning import MODES, SERIES_MODES, ArtistPlan
from modes.statistics import bootstrap_interval, count_clusters
from numpy.typing import NDArray
from rich.progress import Progress

from artist_nst._files import hash_file, write_text
from artist_nst._types import Pixels
from artist_nst.evaluation.attribution import Proportion
from artist_nst.evaluation.metrics import Evaluator, PaintingMetrics
from artist_nst.experiments.results import read_panel
from artist_nst.experiments.runner import Cell
from artist_nst.figures.grid import draw_grid
from artist_nst.image.files import write_picture
from artist_nst.painting.record import load_record
from artist_nst.styles.descriptors import (
    StyleDescriptor,
    describe_file,
    describe_files,
)
from artist_nst.styles.pick import PickWay

HEADINGS = (
    "mode",
    "attribution (95 %)",
    "more than random (95 %)",
    "content",
    "edges",
    "held-out style",
    "closer than",
    "clusters of 8",
    "seconds",
)


class Report:
    """The metrics of every painting.

    Args:
        plans: What was painted.
        photos: In the order of their numbers.
        corpora: The folder of all artists that the classifiers know.
        out: The folder of the paintings.
    """

    def __init__(
        self,
        plans: Sequence[ArtistPlan],
        photos: Sequence[Path],
        corpora: Path,
        out: Path,
    ) -> None:
        self.plans = plans
        self.photos = photos
        self.out = out
        used = {
            hash_file(plan.painter.get_path(work))
            for plan in plans
            for work in plan.painter.works
        }
        with Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("", total=None)

            def on_progress(what: str, done: int, total: int) -> None:
                bar.update(task, description=what, completed=done, total=total)

            self.evaluator = Evaluator(corpora, used, on_progress=on_progress)
            count = sum(len(plan.cells) for plan in plans)
            self.metrics: dict[Path, PaintingMetrics] = {}
            for plan in plans:
                for cell in plan.cells.values():
                    on_progress("evaluating", len(self.metrics), count)
                    path = self.get_path(plan, cell)
                    slug = plan.artist.slug
                    self.metrics[path] = self.evaluator.measure(path, slug)

    def get_path(self, plan: ArtistPlan, cell: Cell) -> Path:
        """Return the file of a painting."""
        return self.out / plan.artist.slug / f"{cell.name}.png"

    def format_table(self) -> list[str]:
        """Format a row of Markdown for each mode, then how good the classifiers are."""
        lines = [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
        lines += [f"| {' | '.join(self._format_row(mode))} |" for mode in MODES]
        classifiers = self.evaluator.classifiers
        slugs = [plan.artist.slug for plan in self.plans]
        predictions = [classifiers.predict(photo) for photo in self.photos]
        votes = sum(one.count_votes(slug) for one in predictions for slug in slugs)
        attributed = Proportion(votes / 2, len(predictions) * len(slugs))
        return [
            *lines,
            "",
            f"Classifiers: {_format_proportion(classifiers.accuracy)} of "
            f"{classifiers.accuracy.total} held-out works right, of "
            f"{len(classifiers.artists)} artists (chance {classifiers.chance:.1%}); "
            f"{classifiers.reencoded_accuracy.rate:.1%} of them re-encoded; "
            f"calibration error {classifiers.calibration_error:.3f}; photos attributed "
            f"to the artist: {_format_proportion(attributed)}.",
        ]

    def _format_row(self, mode: PickWay) -> list[str]:
        hits = self._get_values(mode, "hits") / 2
        low, high = bootstrap_interval(hits)
        more = ""
        if mode != "random":
            difference = hits - self._get_values("random", "hits") / 2
            interval = bootstrap_interval(difference)
            more = "{:+.2f} ({:+.2f} … {:+.2f})".format(difference.mean(), *interval)
        means = [
            f"{np.nanmean(self._get_values(mode, name)):.3f}"
            for name in ("content", "edges", "held_out", "closer_than")
        ]
        return [
            mode,
            f"{hits.mean():.2f} ({low:.2f} … {high:.2f})",
            more,
            *means,
            self._format_clusters(mode) if mode in SERIES_MODES else "",
            f"{self._get_median_seconds(mode):.0f}",
        ]

    def _get_paths(self, mode: PickWay) -> list[list[Path]]:
        """Return the paintings of the table, by artist and photo."""
        return [
            [
                self.get_path(plan, cell)
                for cell in plan.get_table_cells(mode, len(self.photos))
            ]
            for plan in self.plans
        ]

    def _get_values(self, mode: PickWay, name: str) -> NDArray[np.float64]:
        """Return one metric, ``(artists, photos)``."""
        rows = [
            [getattr(self.metrics[path], name) for path in paths]
            for paths in self._get_paths(mode)
        ]
        return np.array(rows, dtype=float)

    def _get_median_seconds(self, mode: PickWay) -> float:
        paths = [path for row in self._get_paths(mode) for path in row]
        return float(np.median([load_record(path)["seconds"] for path in paths]))

    def _format_clusters(self, mode: PickWay) -> str:
        """Count the clusters of each artist's paintings of one photo."""
        counts = []
        for plan in self.plans:
            works = [plan.artist.get_path(work) for work in plan.artist.available]
            styles = [
                style
                for style in describe_files(works, plan.artist.slug)
                if isinstance(style, StyleDescriptor)
            ]
            paintings = [
                describe_file(self.get_path(plan, cell))
                for cell in plan.get_series_cells(mode)
            ]
            counts.append(count_clusters(styles, paintings)[0])
        return f"{np.mean(counts):.1f} (least {min(counts)})"

    def format_results(self) -> str:
        """Format all metrics as comma-separated values, a row for each painting."""
        text = io.StringIO()
        rows = [
            {
                "artist": plan.artist.slug,
                **cell.settings,
                **asdict(self.metrics[self.get_path(plan, cell)]),
            }
            for plan in self.plans
            for cell in plan.cells.values()
        ]
        table = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        return text.getvalue()

    def draw_sheet(self, photo: int) -> Pixels:
        """Draw one photo's paintings: a row for each artist, a column for each mode."""
        cells = [
            [
                read_panel(
                    self.get_path(plan, plan.cells[mode, photo, photo]), side=320
                )
                for mode in MODES
            ]
            for plan in self.plans
        ]
        return draw_grid(
            cells,
            columns=list(MODES),
            rows=[plan.artist.artist for plan in self.plans],
            references=[read_panel(self.photos[photo], "the photo")],
            cell_height=200,
        )


def write_report(
    plans: Sequence[ArtistPlan], photos: Sequence[Path], corpora: Path, out: Path
) -> None:
    """Write table.md, results.csv and a sheet for each photo."""
    report = Report(plans, photos, corpora, out)
    write_text(out / "results.csv", report.format_results())
    lines = report.format_table()
    write_text(out / "table.md", "\n".join(lines) + "\n")
    for index, photo in enumerate(photos):
        write_picture(out / f"sheet-{photo.stem}.png", report.draw_sheet(index))
    console.print("\n".join(lines), markup=False)


def _format_proportion(proportion: Proportion) -> str:
    low, high = proportion.interval
    return f"{proportion.rate:.1%} ({low:.1%} … {high:.1%})"
