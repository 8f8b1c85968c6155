#!/usr/bin/env python3
"""What the compact network's paintings are worth, by VGG-19's own judgement.

python scripts/compare_compact.py --photos photos --paintings paintings -o compared

Paints held-out photos after held-out paintings (scripts/train_compact.py holds the
same ones out of the same folders) with VGG-19 and with each --network, by the default
recipe, and evaluates every painting under VGG-19's loss: how much of the decrease from
the photo that VGG-19 reaches does the other one reach? Leaves results.json, a table in
Markdown and a sheet; what is done is not painted again.
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
from command import console
from command import run as run_script
from distillation.checking import rank_agreement
from distillation.pictures import Pictures, gather, read
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.figures.sheet import Panel, sheet
from artist_nst.image.files import sha256_of, write_picture, write_text
from artist_nst.nst.compact import PACKAGED, load_compact, training_record
from artist_nst.nst.devices import choose_device
from artist_nst.nst.machine import prepare
from artist_nst.nst.objective import Objective, targets
from artist_nst.nst.precision import choose_precision
from artist_nst.nst.pyramid import run
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights import find_weights
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Recipe

OWN = "VGG-19"
PAIRS = 12
SHOWN = 4  # in the sheet, beginning with the first
RANKED, RANKED_WIDTH = 48, 256


@dataclass(frozen=True)
class Pair:
    """A photo and the painting that it is painted after."""

    photo: Path
    painting: Path

    @property
    def name(self) -> str:
        return f"{self.photo.stem} / {self.painting.parent.name} {self.painting.stem}"


@dataclass(frozen=True)
class Painter:
    """A network, and what paints the first levels in its place."""

    network: VGG
    draft: VGG | None = None
    draft_levels: int = 0


class Judge:
    """VGG-19, its losses, and what has been painted.

    Args:
        made: the recipe that all paint by, at its width.
        folder: where results are kept.

    Raises:
        UsageError: the folder can't be used.
        ArtistNstError: VGG-19's weights are not here.
    """

    def __init__(self, made: Recipe, folder: Path, weights: Path | None) -> None:
        self.recipe = made
        self.folder = folder
        self.device = choose_device("auto")
        self.precision = choose_precision("auto", self.device)
        self.vgg = VGG(find_weights("vgg19", weights, offline=True)).to(self.device)
        self.path = folder / "results.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            found = json.loads(self.path.read_text() if self.path.exists() else "{}")
            if not isinstance(found, dict):
                raise ValueError("its results.json is another's")
            self.results: dict[str, dict[str, Any]] = found
        except (OSError, ValueError) as error:
            raise UsageError(
                f"-o {folder} can't be used ({error}): name another folder"
            ) from error

    def painted(self, pair: Pair, painter: Painter) -> dict[str, Any]:
        """What became of a pair, under VGG-19's loss; painted if it is not there.

        Raises:
            ArtistNstError: it was not painted to the end.
        """
        key = self._key(pair, painter)
        if key not in self.results:
            content, style = self._read(pair)
            made = run(
                painter.network,
                replace(self.recipe, draft_levels=painter.draft_levels),
                content,
                [(style, 1.0)],
                draft=painter.draft,
                precision=self.precision,
            )
            if made.interrupted:
                raise KeyboardInterrupt
            if len(made.history) < self.recipe.iterations:
                raise ArtistNstError(f"{pair.name}: {made.reasons[-1]}")
            file = f"{hashlib.sha256(key.encode()).hexdigest()[:12]}.png"
            write_picture(self.folder / file, _pixels(made.image))
            found = {"pair": pair.name, "file": file, **self._losses(made.image, pair)}
            self._keep(key, found)
        return self.results[key]

    def before(self, pair: Pair) -> float:
        """VGG-19's loss of the photo itself."""
        key = self._key(pair, None)
        if key not in self.results:
            self._keep(key, self._losses(self._read(pair)[0], pair))
        return float(self.results[key]["total"])

    def _key(self, pair: Pair, painter: Painter | None) -> str:
        """All that decides a figure."""
        what: list[Any] = [sha256_of(pair.photo), sha256_of(pair.painting)]
        what += [self.vgg.sha256, self.recipe.to_dict(), self.precision]
        if painter is not None:
            draft = None if painter.draft is None else painter.draft.sha256
            what += [painter.network.sha256, draft, painter.draft_levels]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()

    def _keep(self, key: str, found: dict[str, Any]) -> None:
        self.results[key] = found
        write_text(self.path, json.dumps(self.results, indent=1))

    def _read(self, pair: Pair) -> tuple[Tensor, Tensor]:
        content, style = (
            read(path, self.recipe.width).to(self.device)
            for path in (pair.photo, pair.painting)
        )
        return content, style

    def _losses(self, image: Tensor, pair: Pair) -> dict[str, float]:
        content, style = self._read(pair)
        wanted = targets(self.vgg, self.recipe, content, [(style, 1.0)])
        losses, _ = Objective(self.vgg, self.recipe, wanted)(image)
        return {
            "total": losses.total,
            "content": losses.content,
            "style": losses.style,
        }


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
            help="Levels that the first network drafts for VGG-19, as one more "
            "painter; repeatable.",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="VGG-19's; looked for if not given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path(
        "figures/compact-compared"
    ),
    width: Annotated[int, typer.Option("--width", "-w", min=64)] = 256,
    pairs: Annotated[int, typer.Option(min=1)] = PAIRS,
) -> None:
    """Paint held-out pairs with VGG-19 and with compact networks, and compare."""
    prepare()
    judge = Judge(recipe(width=width), out, weights)
    files = network or [PACKAGED]
    painters = named(files, judge, draft_levels or [])
    with console.status("reading pictures"):
        pictures = gather(photos, paintings)
    for file in files:
        if training_record(file).get("pictures_sha256") != pictures.sha256:
            raise UsageError(
                f"{file} was not trained on these pictures: what is held out of them "
                "may have been learnt; name the folders of its training"
            )
    chosen = choose(pictures, pairs)
    for pair in track(chosen, "painting", console=console):
        judge.before(pair)
        for painter in painters.values():
            judge.painted(pair, painter)
    small = {
        name: one.network
        for name, one in painters.items()
        if one.network is not judge.vgg
    }
    lines = [*table(judge, chosen, painters), "", *ranks(judge, pictures, small)]
    write_text(out / "table.md", "\n".join(lines) + "\n")
    write_picture(out / "sheet.png", laid_out(judge, chosen[:SHOWN], painters))
    typer.echo("\n".join(lines))


def named(
    files: Sequence[Path], judge: Judge, draft_levels: Sequence[int]
) -> dict[str, Painter]:
    """The painters by what they are called, VGG-19 first.

    Raises:
        UsageError: two files are called alike.
    """
    found = {OWN: Painter(judge.vgg)}
    for file in files:
        if file.stem in found:
            raise UsageError(f"--network {file}: {file.stem} is named twice: rename it")
        found[file.stem] = Painter(VGG(load_compact(file)).to(judge.device))
    draft = found[files[0].stem].network
    for count in draft_levels:
        found[f"{count} drafted"] = Painter(judge.vgg, draft, count)
    return found


def choose(pictures: Pictures, count: int) -> list[Pair]:
    """Held-out photos by turns, each time with a painting from the next folder."""
    source = np.random.default_rng(0)
    by_folder: dict[Path, list[Path]] = {}
    for path in pictures.held_out_paintings:
        by_folder.setdefault(path.parent, []).append(path)
    shelves = [list(source.permutation(np.array(one))) for one in by_folder.values()]
    found = []
    for nth in range(count):
        photo = pictures.held_out_photos[nth % len(pictures.held_out_photos)]
        shelf = shelves[nth % len(shelves)]
        found.append(Pair(photo, Path(shelf[nth // len(shelves) % len(shelf)])))
    return found


def table(
    judge: Judge, pairs: Sequence[Pair], painters: dict[str, Painter]
) -> list[str]:
    """Markdown: VGG-19's losses of the photo, of its own painting and of the others',
    and their shares of its decrease."""
    others = {name: one for name, one in painters.items() if name != OWN}
    names = "".join(f" {name} | share |" for name in others)
    lines = [f"| photo / painting | photo | {OWN} |{names}"]
    lines.append("|---|---|---|" + "---|---|" * len(others))
    shares: dict[str, list[float]] = {name: [] for name in others}
    for pair in pairs:
        before = judge.before(pair)
        own = judge.painted(pair, painters[OWN])["total"]
        row = f"| {pair.name} | {before:.2f} | {own:.3f} |"
        for name, painter in others.items():
            reached = judge.painted(pair, painter)["total"]
            shares[name].append((before - reached) / (before - own))
            row += f" {reached:.3f} | {shares[name][-1]:.1%} |"
        lines.append(row)
    middle = "".join(
        f" | **{median(one):.1%}** (least {min(one):.1%}) |" for one in shares.values()
    )
    return [*lines, f"| median | | |{middle}"]


def ranks(judge: Judge, pictures: Pictures, small: dict[str, VGG]) -> list[str]:
    """Spearman's ρ between each network's and VGG-19's style distances."""
    paths = pictures.held_out_paintings
    some = np.linspace(0, len(paths) - 1, min(RANKED, len(paths))).round()
    images = [read(paths[int(one)], RANKED_WIDTH).to(judge.device) for one in some]
    count = len(images) * (len(images) - 1) // 2
    return [
        f"{name}: Spearman {rank_agreement(network, judge.vgg, images):.3f} with "
        f"VGG-19 over {count:,} pairs of held-out paintings"
        for name, network in small.items()
    ]


def laid_out(
    judge: Judge, pairs: Sequence[Pair], painters: dict[str, Painter]
) -> NDArray[np.float64]:
    """A row for each pair: photo, painting, by VGG-19, by the others."""
    width = judge.recipe.width
    rows = []
    for pair in pairs:
        row = [
            Panel(_pixels(read(pair.photo, width)), pair.photo.stem),
            Panel(_pixels(read(pair.painting, width)), pair.painting.stem),
        ]
        for name, painter in painters.items():
            file = judge.folder / judge.painted(pair, painter)["file"]
            row.append(Panel(_pixels(read(file, width)), f"by {name}"))
        rows.append(row)
    return sheet(rows)


def _pixels(image: Tensor) -> NDArray[np.float64]:
    return np.asarray((image[0].permute(1, 2, 0).cpu().double() / 255).numpy())


if __name__ == "__main__":
    run_script(main, "compare_compact.py")
