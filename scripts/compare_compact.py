#!/usr/bin/env python3
"""Compare the compact network's paintings with VGG-19's, measured by VGG-19's loss.

python scripts/compare_compact.py --photos photos --paintings paintings -o compared

Paints held-out photos after held-out paintings (those that scripts/train_compact.py
holds out of the same folders) with VGG-19 and with each --network, by the default
recipe, and reports for each painting its share of the decrease of VGG-19's loss that
VGG-19 itself reaches from the photo. Writes results.json, a table in Markdown and a
contact sheet; skips paintings that are already finished.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from command import console, run_script
from distillation.dataset import Dataset, load_dataset, read_image
from distillation.evaluation import rank_correlation
from rich.progress import track
from torch import Tensor

from artist_nst._files import hash_file, write_text
from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.figures.sheet import Panel, draw_sheet
from artist_nst.image.files import write_picture
from artist_nst.nst.compact import PACKAGED_FILE, load_compact, read_training_record
from artist_nst.nst.devices import choose_device
from artist_nst.nst.machine import configure_process
from artist_nst.nst.objective import Objective, compute_targets
from artist_nst.nst.precision import choose_precision
from artist_nst.nst.pyramid import run_pyramid
from artist_nst.nst.tensors import to_pixels
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.locate import find_weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe

REFERENCE = "VGG-19"
PAIRS = 12
SHEET_PAIRS = 4
RANKED, RANKED_WIDTH = 48, 256  # paintings, and their width in pixels


@dataclass(frozen=True)
class Pair:
    """A photo and the painting whose style it gets."""

    photo: Path
    painting: Path

    @property
    def name(self) -> str:
        """The names of both, for the table."""
        return f"{self.photo.stem} / {self.painting.parent.name} {self.painting.stem}"


@dataclass(frozen=True)
class Painter:
    """A network, and the network that drafts the first levels for it."""

    network: VGG
    draft: VGG | None = None
    draft_levels: int = 0


class Comparison:
    """Paintings by several painters with VGG-19's losses, kept in a folder.

    Args:
        recipe: Of all paintings, at their width.
        folder: For ``results.json`` and the paintings.
        weights: VGG-19's file; None looks for one.

    Raises:
        UsageError: The folder cannot be used.
        ArtistNstError: VGG-19's weights are unavailable.
    """

    def __init__(self, recipe: Recipe, folder: Path, weights: Path | None) -> None:
        self.recipe = recipe
        self.folder = folder
        self.device = choose_device("auto")
        self.precision = choose_precision("auto", self.device)
        self.vgg = VGG(find_weights("vgg19", weights, offline=True)).to(self.device)
        self.path = folder / "results.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            results = json.loads(self.path.read_text() if self.path.exists() else "{}")
            if not isinstance(results, dict):
                raise ValueError("results.json has another format")
            self.results: dict[str, dict[str, Any]] = results
        except (OSError, ValueError) as error:
            raise UsageError(
                f"-o {folder} cannot be used ({error}): name another folder"
            ) from error

    def paint(self, pair: Pair, painter: Painter) -> dict[str, Any]:
        """Paint a pair if it is not finished, and return VGG-19's losses.

        Raises:
            ArtistNstError: The painting ended early.
        """
        key = self._key(pair, painter)
        if key not in self.results:
            content, style = self._read(pair)
            result = run_pyramid(
                painter.network,
                replace(self.recipe, draft_levels=painter.draft_levels),
                content,
                [(style, 1.0)],
                draft=painter.draft,
                precision=self.precision,
            )
            if result.interrupted:
                raise KeyboardInterrupt
            if len(result.history) < self.recipe.iterations:
                raise ArtistNstError(f"{pair.name}: {result.reasons[-1]}")
            file = f"{hashlib.sha256(key.encode()).hexdigest()[:12]}.png"
            write_picture(self.folder / file, to_pixels(result.image))
            losses = self._losses(result.image, pair)
            self._keep(key, {"pair": pair.name, "file": file, **losses})
        return self.results[key]

    def photo_loss(self, pair: Pair) -> float:
        """Compute VGG-19's loss of the photo itself."""
        key = self._key(pair, None)
        if key not in self.results:
            self._keep(key, self._losses(self._read(pair)[0], pair))
        return float(self.results[key]["total"])

    def _key(self, pair: Pair, painter: Painter | None) -> str:
        """Hash everything that determines a result."""
        parts: list[Any] = [hash_file(pair.photo), hash_file(pair.painting)]
        parts += [self.vgg.sha256, self.recipe.to_dict(), self.precision]
        if painter is not None:
            draft = None if painter.draft is None else painter.draft.sha256
            parts += [painter.network.sha256, draft, painter.draft_levels]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def _keep(self, key: str, result: dict[str, Any]) -> None:
        self.results[key] = result
        write_text(self.path, json.dumps(self.results, indent=1))

    def _read(self, pair: Pair) -> tuple[Tensor, Tensor]:
        content, style = (
            read_image(path, self.recipe.width).to(self.device)
            for path in (pair.photo, pair.painting)
        )
        return content, style

    def _losses(self, image: Tensor, pair: Pair) -> dict[str, float]:
        content, style = self._read(pair)
        targets = compute_targets(self.vgg, self.recipe, content, [(style, 1.0)])
        losses, _ = Objective(self.vgg, self.recipe, targets)(image)
        names = "total", "content", "style"
        return {name: getattr(losses, name) for name in names}


def main(
    photos: Annotated[list[Path], typer.Option("--photos", help="Folders of photos.")],
    paintings: Annotated[
        list[Path], typer.Option("--paintings", help="Folders of paintings.")
    ],
    network: Annotated[
        list[Path] | None,
        typer.Option(help="A compact network; repeatable (default: the packaged one)."),
    ] = None,
    draft_levels: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help="Add a painter: VGG-19 after so many levels drafted by the first "
            "network; repeatable.",
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="VGG-19's weights, if not where they are cached."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path(
        "figures/compact-compared"
    ),
    width: Annotated[int, typer.Option("--width", "-w", min=64)] = 256,
    pairs: Annotated[int, typer.Option(min=1)] = PAIRS,
) -> None:
    configure_process()
    comparison = Comparison(recipe("gram", width=width), out, weights)
    files = network or [PACKAGED_FILE]
    painters = load_painters(files, comparison, draft_levels or [])
    with console.status("reading pictures"):
        dataset = load_dataset(photos, paintings)
    for file in files:
        if read_training_record(file).get("pictures_sha256") != dataset.sha256:
            raise UsageError(
                f"{file} was not trained on these pictures, so that those held out of "
                "them may have been trained on: name the folders of its training"
            )
    chosen = choose_pairs(dataset, pairs)
    for pair in track(chosen, "painting", console=console):
        comparison.photo_loss(pair)
        for painter in painters.values():
            comparison.paint(pair, painter)
    lines = [
        *format_table(comparison, chosen, painters),
        "",
        *format_ranks(comparison, dataset, painters),
    ]
    write_text(out / "table.md", "\n".join(lines) + "\n")
    sheet = draw_pairs(comparison, chosen[:SHEET_PAIRS], painters)
    write_picture(out / "sheet.png", sheet)
    typer.echo("\n".join(lines))


def load_painters(
    files: Sequence[Path], comparison: Comparison, draft_levels: Sequence[int]
) -> dict[str, Painter]:
    """Load the painters by name, VGG-19 first.

    Raises:
        UsageError: Two files have the same name.
    """
    painters = {REFERENCE: Painter(comparison.vgg)}
    for file in files:
        if file.stem in painters:
            raise UsageError(f"--network {file}: {file.stem} is named twice: rename it")
        painters[file.stem] = Painter(VGG(load_compact(file)).to(comparison.device))
    draft = painters[files[0].stem].network
    for count in draft_levels:
        painters[f"{count} drafted"] = Painter(comparison.vgg, draft, count)
    return painters


def choose_pairs(dataset: Dataset, count: int) -> list[Pair]:
    """Pair held-out photos in turn with a random painting from each folder in turn."""
    rng = np.random.default_rng(0)
    folders: dict[Path, list[Path]] = {}
    for path in dataset.held_out_paintings:
        folders.setdefault(path.parent, []).append(path)
    shuffled = [list(rng.permutation(np.array(paths))) for paths in folders.values()]
    pairs = []
    for index in range(count):
        photo = dataset.held_out_photos[index % len(dataset.held_out_photos)]
        paintings = shuffled[index % len(shuffled)]
        painting = paintings[index // len(shuffled) % len(paintings)]
        pairs.append(Pair(photo, Path(painting)))
    return pairs


def format_table(
    comparison: Comparison, pairs: Sequence[Pair], painters: dict[str, Painter]
) -> list[str]:
    """Format a Markdown table of VGG-19's losses of photos and paintings.

    The shares are of the decrease of the loss from the photo to VGG-19's painting.
    """
    others = {name: value for name, value in painters.items() if name != REFERENCE}
    names = "".join(f" {name} | share |" for name in others)
    lines = [f"| photo / painting | photo | {REFERENCE} |{names}"]
    lines.append("|---|---|---|" + "---|---|" * len(others))
    shares: dict[str, list[float]] = {name: [] for name in others}
    for pair in pairs:
        photo_loss = comparison.photo_loss(pair)
        reference = comparison.paint(pair, painters[REFERENCE])["total"]
        row = f"| {pair.name} | {photo_loss:.2f} | {reference:.3f} |"
        for name, painter in others.items():
            loss = comparison.paint(pair, painter)["total"]
            shares[name].append((photo_loss - loss) / (photo_loss - reference))
            row += f" {loss:.3f} | {shares[name][-1]:.1%} |"
        lines.append(row)
    medians = "".join(
        f" | **{median(values):.1%}** (least {min(values):.1%}) |"
        for values in shares.values()
    )
    return [*lines, f"| median | | |{medians}"]


def format_ranks(
    comparison: Comparison, dataset: Dataset, painters: dict[str, Painter]
) -> list[str]:
    """Report Spearman's ρ between each network's and VGG-19's style distances."""
    paths = dataset.held_out_paintings
    indices = np.linspace(0, len(paths) - 1, min(RANKED, len(paths))).round()
    images = [
        read_image(paths[int(index)], RANKED_WIDTH).to(comparison.device)
        for index in indices
    ]
    count = len(images) * (len(images) - 1) // 2
    vgg = comparison.vgg
    return [
        f"{name}: Spearman {rank_correlation(painter.network, vgg, images):.3f} with "
        f"VGG-19 over {count:,} pairs of held-out paintings"
        for name, painter in painters.items()
        if painter.network is not vgg
    ]


def draw_pairs(
    comparison: Comparison, pairs: Sequence[Pair], painters: dict[str, Painter]
) -> Pixels:
    """Draw a row for each pair: photo, painting, and its paintings by all painters."""

    def panel(path: Path, label: str) -> Panel:
        return Panel(to_pixels(read_image(path, comparison.recipe.width)), label)

    rows = []
    for pair in pairs:
        row = [
            panel(pair.photo, pair.photo.stem),
            panel(pair.painting, pair.painting.stem),
        ]
        for name, painter in painters.items():
            file = comparison.folder / comparison.paint(pair, painter)["file"]
            row.append(panel(file, f"by {name}"))
        rows.append(row)
    return draw_sheet(rows)


if __name__ == "__main__":
    run_script(main, resumable=True)
