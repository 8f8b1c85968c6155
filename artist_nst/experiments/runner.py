"""Paint several pictures into one folder, skipping those that are already finished.

Each network is loaded once, and features that the paintings share are computed once.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from artist_nst._files import check_writable, hash_file
from artist_nst._types import PathLike, PrecisionName
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import read_record, read_small
from artist_nst.nst.compact import PACKAGED_FILE
from artist_nst.nst.devices import choose_device
from artist_nst.nst.features import TargetCache
from artist_nst.nst.lbfgs import StopReason
from artist_nst.nst.precision import choose_precision
from artist_nst.nst.vgg import VGG
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.folder_lock import exclusive_lock
from artist_nst.painting.in_memory import ImageLike
from artist_nst.painting.networks import Networks, has_drafts
from artist_nst.painting.output_names import PLOT, SHEET, TABLE
from artist_nst.painting.pipeline import Progress, paint
from artist_nst.painting.record import is_cut_short, load_record
from artist_nst.painting.record_types import (
    Record,
    RecordedDistances,
    RecordedPicture,
)
from artist_nst.painting.regions import NO_REGIONS, RegionPlan, RegionRequest
from artist_nst.painting.sources import Source
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.recipes.layers import check_recipe_layers
from artist_nst.recipes.recipe import Recipe

log = logging.getLogger(__name__)

# Features of a photo at a few sizes and networks, Gram matrices of many works.
MAX_CACHE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Cell:
    """One painting of a series.

    Attributes:
        name: Of its file, without suffix; unique in the series.
        photo: What is painted.
        sources: The style images.
        recipe: How it is painted.
        seed: Of the noise.
        settings: Names and values, as typed, that tell it from the other cells.
        corpora: The folder of corpora that was named, for the record.
        precision: In place of the series's own, if given.
        keep_paths: Whether the record has paths, not only files' names.
        regions: Parts of the photo that are after styles of their own, or left.
    """

    name: str
    photo: PathLike
    sources: tuple[Source, ...]
    recipe: Recipe
    seed: int
    settings: dict[str, str]
    corpora: PathLike | None = None
    precision: PrecisionName | None = None
    keep_paths: bool = True
    regions: RegionRequest = NO_REGIONS

    @property
    def label(self) -> str:
        """Its name in a legend: ``style scale 1.2, ratio 5``."""
        pairs = self.settings.items()
        return ", ".join(f"{name.replace('-', ' ')} {value}" for name, value in pairs)

    @property
    def plan(self) -> RegionPlan:
        """Its style images, and which part of the photo is after which."""
        own = () if self.regions.masks else self.sources
        return RegionPlan.make(own, self.regions)

    def change_compute(self, compute: ComputeOptions) -> ComputeOptions:
        """Return where to compute, with the cell's own precision."""
        return replace(compute, precision=self.precision or compute.precision)

    @property
    def cost(self) -> float:
        """Its time relative to other cells of the same photo."""
        iterations = sum(count * scale**2 for scale, count in self.recipe.levels)
        return iterations * self.recipe.width**2


@dataclass(frozen=True, slots=True)
class FinishedCell:
    """A cell's painting: its file, and the record inside, which has distances."""

    path: Path
    record: Record

    @property
    def distances(self) -> RecordedDistances:
        """The painting's distances from photo and style."""
        distances = self.record["distances"]
        assert distances is not None
        return distances


@dataclass(frozen=True, slots=True)
class SeriesProgress:
    """The state of a series after an iteration, as ``on_progress`` gets it.

    Attributes:
        cell: The cell that is being painted.
        number: Its number, counted from 1.
        count: The number of cells.
        progress: Of its painting.
        remaining: Seconds left for all cells, as estimated.
    """

    cell: Cell
    number: int
    count: int
    progress: Progress
    remaining: float


@dataclass(slots=True)
class Series:
    """Cells and their paintings in one folder.

    Attributes:
        folder: Holds the paintings.
        cells: What was to be painted.
        done: The finished paintings, by cell name.
        failed: The reasons of failures, by cell name.
        painted: How many were painted by this run.
        interrupted: Whether Ctrl-C stopped it; finished paintings are kept.
    """

    folder: Path
    cells: Sequence[Cell]
    done: dict[str, FinishedCell] = field(default_factory=dict)
    failed: dict[str, ArtistNstError] = field(default_factory=dict)
    painted: int = 0
    interrupted: bool = False

    @property
    def kind(self) -> str:
        """What varies, separated by commas."""
        return ",".join(self.cells[0].settings)

    @property
    def sheet(self) -> Path:
        """The file that shows all paintings."""
        return self.folder / SHEET


def paint_series(
    cells: Sequence[Cell],
    folder: PathLike,
    networks: Networks | None = None,
    on_progress: Callable[[SeriesProgress], None] = lambda _: None,
) -> Series:
    """Paint the cells into ``folder``, each to ``NAME.png``.

    All are measured by the network of the first one. A cell whose file has the same
    pictures, numbers and seed is left as it is. One that cannot be painted is noted,
    and the others go on.

    Args:
        cells: What to paint.
        folder: Where to.
        networks: Loads what recipes ask for, once; says where to compute.
        on_progress: Called after each iteration.

    Raises:
        UsageError: A file is there that was painted otherwise, or a picture to be
            painted from is where the sheet or the plot goes.
        ArtistNstError: The folder cannot be written to.
    """
    folder = Path(folder)
    networks = networks or Networks()
    _check_files(cells, folder)
    with exclusive_lock(folder):
        cells = [
            replace(cell, recipe=networks.resolve_auto(cell.recipe)) for cell in cells
        ]
        series = Series(folder, cells)
        _resume(series, networks)
        _paint_remaining(series, networks, on_progress)
    _check_distances(series)
    return series


def _resume(series: Series, networks: Networks) -> None:
    """Note the paintings that are already finished."""
    checker = ResumeChecker(networks)
    for cell in series.cells:
        path = series.folder / f"{cell.name}.png"
        if (facts := checker.check(path, cell)) is not None:
            series.done[cell.name] = FinishedCell(path, facts)
    if series.done:
        count, total = len(series.done), len(series.cells)
        log.info("%d of %d are already finished", count, total)
    _check_outputs(series)


def _paint_remaining(
    series: Series, networks: Networks, on_progress: Callable[[SeriesProgress], None]
) -> None:
    remaining = [cell for cell in series.cells if cell.name not in series.done]
    estimator = EtaEstimator(len(series.cells), remaining, on_progress)
    cache = TargetCache(MAX_CACHE_BYTES)
    for cell in remaining:
        series.interrupted = _paint_cell(
            series, cell, networks, cache, estimator.track(cell)
        )
        if series.interrupted:
            break


def _paint_cell(
    series: Series,
    cell: Cell,
    networks: Networks,
    cache: TargetCache,
    on_progress: Callable[[Progress], None],
) -> bool:
    """Paint one cell and note the outcome; return True after Ctrl-C."""
    path = series.folder / f"{cell.name}.png"
    try:
        painting = paint(
            cell.photo,
            StyleRequest(images=cell.plan.own_sources, corpora=cell.corpora),
            recipe=cell.recipe,
            seed=cell.seed,
            regions=cell.regions,
            compute=cell.change_compute(networks.compute),
            network=lambda: networks.load(cell.recipe),
            cache=cache,
            keep_paths=cell.keep_paths,
            measure=lambda: _reference_network(networks, series.cells[0], cell),
            on_progress=on_progress,
        )
    except KeyboardInterrupt:
        return True
    except ArtistNstError as error:
        series.failed[cell.name] = error
        return False
    if not painting.record["iterations"]:
        return painting.interrupted
    try:
        painting.save(path)
    except KeyboardInterrupt:
        painting.save(path)
        painting = replace(painting, interrupted=True)
    if _is_complete(painting.record):
        series.done[cell.name] = FinishedCell(path, painting.record)
        series.painted += 1
    return painting.interrupted


def _reference_network(networks: Networks, first: Cell, cell: Cell) -> VGG:
    """Return one network to measure all cells, so that distances can be compared."""
    try:
        return networks.load(first.recipe)
    except ArtistNstError:
        # The painting itself need not be lost.
        return networks.load(cell.recipe)


def _check_distances(series: Series) -> None:
    """Warn if the cells were not all measured by one network."""
    names = {cell.distances.get("network", "") for cell in series.done.values()}
    if len(names) > 1:
        log.warning(
            "the distances can't be compared: they are measured by %s (another cell "
            "came first then); paint to a new folder with -o to compare them",
            "; ".join(sorted(names)),
        )


def _check_files(cells: Sequence[Cell], folder: Path) -> None:
    """Raise UsageError if a result would replace a picture that is painted from."""
    pictures = {Path(cell.photo) for cell in cells}
    for cell in cells:
        check_recipe_layers(cell.recipe)
        pictures |= {source.path for source in cell.sources}
    check_writable(folder / TABLE, (".csv",))
    for file in (folder / SHEET, folder / PLOT):
        check_writable(file, (".png",))
        for picture in pictures:
            if file.exists() and os.path.exists(picture) and file.samefile(picture):
                raise UsageError(
                    f"{file} would be replaced, and is painted from: choose another "
                    "folder with -o"
                )


def _check_outputs(series: Series) -> None:
    """Raise UsageError if another series' sheet, table or plot would be replaced."""
    folder = series.folder
    existing = [name for name in (SHEET, TABLE, PLOT) if os.path.lexists(folder / name)]
    try:
        is_ours = json.loads(read_record(series.sheet))["sheet"] == series.kind
    except (ArtistNstError, ValueError, TypeError, KeyError):
        # The sheet is drawn last: after a crash there may be a table alone.
        is_ours = bool(series.done) and SHEET not in existing
    if existing and not is_ours:
        raise UsageError(
            f"{folder / existing[0]} exists, and is not of a comparison like this: "
            "choose another folder with -o, or move it away"
        )


class ResumeChecker:
    """Tells finished cells from those that are still to be painted."""

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self.hashes: dict[PathLike, str] = {}

    def check(self, path: Path, cell: Cell, *, measured: bool = True) -> Record | None:
        """Return the record of the cell's painting; None if it must be painted.

        With ``measured``, one without distances must be painted again.

        Raises:
            UsageError: The file was painted otherwise, or is no painting of ours.
        """
        if not os.path.lexists(path):
            return None
        try:
            facts = load_record(path)
        except ArtistNstError as error:
            raise _conflict_error(
                path, "is not a painting of this comparison"
            ) from error
        for what, recorded, required in self._compare(facts, cell):
            if recorded != required:
                raise _conflict_error(path, f"was painted with other {what}")
        is_complete = _is_complete(facts, measured)
        return facts if is_complete and self._is_readable(path) else None

    def _is_readable(self, path: Path) -> bool:
        """Return False for a painting that was cut off behind its record."""
        try:
            read_small(path, 64)
        except ArtistNstError:
            return False
        return True

    def _compare(
        self, facts: Record, cell: Cell
    ) -> Iterator[tuple[str, object, object]]:
        """Yield the name of each property, its recorded and its required value."""
        compute = cell.change_compute(self.networks.compute)
        yield "photo", facts["content"]["sha256"], self._hash(cell.photo)
        yield (
            "work",
            [(style["sha256"], style["weight"]) for style in facts["styles"]],
            [(self._hash(source.path), source.weight) for source in cell.sources],
        )
        yield "masks", self._list_masks(facts), self._hash_masks(cell.plan)
        request = cell.regions
        protected = facts.get("protect_faces", False)
        yield "protected faces", protected, request.protect_faces
        yield "regions", facts.get("segmented", False), request.segmented
        yield "seed", facts["seed"], cell.seed
        # A recipe's name and source do not change the painting.
        required = _to_json(cell.recipe)
        # Earlier versions did not record the fields that were added since.
        recorded = {**_to_json(Recipe(name="", source="")), **facts["recipe"]}
        for field_name in sorted(required.keys() - {"name", "source"}):
            what = "iterations" if field_name == "levels" else field_name
            yield (
                what.replace("_", " "),
                recorded.get(field_name),
                required[field_name],
            )
        sha256 = self.networks.hash_weights(cell.recipe)
        if sha256 is not None:
            yield "weights", facts["network"]["sha256"], sha256
        is_compact = cell.recipe.network == "compact"
        if has_drafts(cell.recipe):
            draft_sha256 = facts["network"].get("draft_sha256")
            yield "draft weights", draft_sha256, self._hash(PACKAGED_FILE)
        # The compact network's input convention is always the same.
        if compute.weights_input is not None and not is_compact:
            yield "weights input", facts["network"]["input"], compute.weights_input
        device = choose_device(compute.device)
        precision = choose_precision(compute.precision, device)
        yield "precision", facts.get("precision", "float32"), precision

    def _list_masks(self, facts: Record) -> list[object]:
        """List the recorded masks by their hashes, as :meth:`_hash_masks` does."""

        def get_hash(picture: RecordedPicture | None) -> str | None:
            return None if picture is None else picture["sha256"]

        return [
            (
                get_hash(region["mask"]),
                region["styles"],
                get_hash(region["style_mask"]),
                region["strength"],
            )
            for region in facts.get("regions", ())
        ]

    def _hash_masks(self, plan: RegionPlan) -> list[object]:
        def get_hash(picture: ImageLike | None) -> str | None:
            return None if picture is None else self._hash(cast(PathLike, picture))

        return [
            (get_hash(mask.mask), indices, get_hash(mask.style_mask), mask.strength)
            for mask, indices in zip(plan.request.masks, plan.indices, strict=True)
        ]

    def _hash(self, path: PathLike) -> str:
        if path not in self.hashes:
            self.hashes[path] = hash_file(path)
        return self.hashes[path]


class EtaEstimator:
    """Estimates the time left over all cells."""

    def __init__(
        self,
        count: int,
        remaining: Sequence[Cell],
        on_progress: Callable[[SeriesProgress], None],
    ) -> None:
        self.count = count
        self.remaining = remaining
        self.on_progress = on_progress
        self.seconds = self.cost = 0.0

    def track(self, cell: Cell) -> Callable[[Progress], None]:
        """Return the ``on_progress`` of that cell's painting."""
        index = self.remaining.index(cell)
        number = self.count - len(self.remaining) + index + 1
        later_cost = sum(other.cost for other in self.remaining[index + 1 :])
        spent = 0.0

        def report(progress: Progress) -> None:
            nonlocal spent
            step = progress.step
            spent += step.seconds
            if step.iteration == step.iterations:
                self.seconds += spent
                self.cost += cell.cost
            # By the finished cells, or, in the first one, by its own estimate.
            pace = (
                self.seconds / self.cost
                if self.cost
                else (spent + step.remaining) / cell.cost
            )
            seconds = step.remaining + later_cost * pace
            self.on_progress(
                SeriesProgress(cell, number, self.count, progress, seconds)
            )

        return report


def _is_complete(facts: Record, measured: bool = True) -> bool:
    """Tell whether a painting was finished, and measured if it has to be."""
    if StopReason.INTERRUPTED in facts["stopped"] or is_cut_short(facts):
        return False
    return not measured or facts["distances"] is not None


def _to_json(recipe: Recipe) -> dict[str, Any]:
    """Convert a recipe to what JSON makes of it in a record: lists, not tuples."""
    values: dict[str, Any] = json.loads(json.dumps(recipe.to_dict()))
    return values


def _conflict_error(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} {why}: choose another folder with -o, or move it away")
