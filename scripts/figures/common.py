"""What the figures' scripts share: options, photos, works, painting, sheets.

A script has a function ``draw`` that fills a folder; run again, it paints only what is
not finished.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from artist_nst._files import describe_write_error, write_bytes
from artist_nst._types import Pixels
from artist_nst.cli import FAILURE, INTERRUPTED, USAGE
from artist_nst.cli.console import open_console
from artist_nst.cli.series import run_series
from artist_nst.cli.signals import Interrupted
from artist_nst.corpus.works import get_packaged_corpora
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.experiments.axes import Axis
from artist_nst.experiments.comparison import ComparisonPlan, compare, plan_comparison
from artist_nst.experiments.results import lay_out, read_panel
from artist_nst.experiments.runner import (
    Cell,
    Series,
    SeriesProgress,
    paint_series,
)
from artist_nst.figures.sheet import Panel, draw_sheet
from artist_nst.image.files import write_picture
from artist_nst.nst.weights.checkpoint import OtherNetworkError, load_weights
from artist_nst.nst.weights.locate import locate_weights
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.networks import Networks
from artist_nst.painting.output_names import SHEET
from artist_nst.painting.sources import Source
from artist_nst.painting.style_sources import StyleRequest
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Network, Recipe, get_architecture
from artist_nst.styles.pick import Pick

MAX_BYTES, MAX_WIDTH = 300_000, 1600  # of a JPEG for the docs

OnProgress = Callable[[SeriesProgress], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One run of a script; creates its folders.

    Attributes:
        folder: For the paintings, ``sheet.png`` and ``results.csv``.
        width: Of a painting, in pixels.
        iterations: Of a painting; None for the recipe's own.
        jpeg: A JPEG of the sheet, if any.

    Raises:
        UsageError: A folder cannot be created, or ``jpeg`` has another suffix.
    """

    folder: Path
    width: int
    iterations: int | None = None
    jpeg: Path | None = None

    def __post_init__(self) -> None:
        folders = [self.folder]
        if self.jpeg is not None:
            if self.jpeg.suffix.lower() not in (".jpg", ".jpeg"):
                raise UsageError(f"--jpeg {self.jpeg}: its name must end in .jpg")
            folders.append(self.jpeg.parent)
        for folder in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(describe_write_error(folder, error)) from error

    def make_recipe(self, name: str = "default", **changes: Any) -> Recipe:
        """Return a named recipe with changes, at this figure's width and iterations."""
        made = recipe(name, width=self.width, **changes)
        return made.with_iterations(self.iterations) if self.iterations else made

    def load_photo(self, name: str) -> Path:
        """Save a photograph of scikit-image's to the folder."""
        import skimage.data

        path = self.folder / f"{name}.png"
        if not path.exists():
            write_picture(path, getattr(skimage.data, name)())
        return path

    def plan(
        self,
        across: Axis,
        photo: Path,
        sources: Sequence[Source],
        down: Axis | None = None,
    ) -> ComparisonPlan:
        """Plan a comparison with the default recipe."""
        return plan_comparison(
            across,
            photo,
            StyleRequest(images=sources),
            down=down,
            recipe=self.make_recipe(),
        )

    def compare(self, plan: ComparisonPlan) -> None:
        """Paint a comparison; its own sheet is the figure."""

        def run(networks: Networks, on_progress: OnProgress) -> Series:
            return compare(
                plan, self.folder, networks=networks, on_progress=on_progress
            )

        self.run(run)

    def paint(
        self,
        cells: Sequence[Cell],
        draw_sheet: Callable[[Series], Pixels],
        on_step: OnProgress = lambda _: None,
    ) -> None:
        """Paint the cells that are not finished, and draw the sheet.

        Args:
            cells: What to paint.
            draw_sheet: Returns the sheet of a series, ``(H, W, 3)`` in [0, 1].
            on_step: Called after each iteration.
        """

        def run(networks: Networks, on_progress: OnProgress) -> Series:
            def both(progress: SeriesProgress) -> None:
                on_progress(progress)
                on_step(progress)

            series = paint_series(cells, self.folder, networks, both)
            lay_out(series, lambda: draw_sheet(series), plot=False)
            return series

        self.run(run)

    def run(self, run: Callable[[Networks, OnProgress], Series]) -> None:
        """Run a series with progress bars, and save the JPEG of its sheet.

        Raises:
            Interrupted: Ctrl-C stopped the painting.
            ArtistNstError: A painting failed, or a file cannot be written.
        """
        console = open_console(quiet=False, verbose=False)
        run_series(run, self.folder, ComputeOptions(), console)
        if self.jpeg is not None:
            save_jpeg(self.folder / SHEET, self.jpeg)


def get_works(*numbers: int) -> list[Source]:
    """Return works of the artist ``procedural`` by their numbers, 1 to 8."""
    names = [f"procedural-{number:02}" for number in numbers]
    return _request(works=names).choose(seed=0)


def pick_works(pick: Pick, seed: int, photo: Path) -> list[Source]:
    """Pick works of the artist ``procedural``."""
    return _request(pick=pick).choose(seed, photo)


def _request(**choice: Any) -> StyleRequest:
    return StyleRequest(artist="procedural", corpora=get_packaged_corpora(), **choice)


def make_cell(
    name: str, photo: Path, sources: Sequence[Source], recipe: Recipe
) -> Cell:
    """Return a painting, ``NAME.png`` in the figure's folder."""
    return Cell(name, photo, tuple(sources), recipe, 0, {"painting": name})


def read_photo_panel(photo: Path) -> Panel:
    """Read the photo, with its name as caption."""
    return read_panel(photo, f"photo: {photo.name}")


def read_painting(series: Series, cell: Cell, caption: str = "") -> Panel | None:
    """Read a painting; None if it is not painted."""
    done = series.done.get(cell.name)
    return None if done is None else read_panel(done.path, caption)


def add_title(panel: Panel | None, title: str) -> Panel | None:
    """Put a line above a painting's caption of distances."""
    if panel is None:
        return None
    distances = panel.caption.replace("\n", ", ")
    return replace(panel, caption=f"{title}\n{distances}")


def draw_gallery(panels: Sequence[Panel | None]) -> Pixels:
    """Draw the panels, without None, in rows of three to five, as full as possible."""
    shown = [panel for panel in panels if panel is not None]
    columns = min((4, 3, 5), key=lambda count: -len(shown) % count)
    return draw_sheet(
        [shown[start : start + columns] for start in range(0, len(shown), columns)]
    )


def has_weights(network: Network) -> bool:
    """Whether weights for the network are here; VGG-19's are assumed to be.

    Raises:
        ArtistNstError: The file cannot be read.
    """
    if get_architecture(network) == "vgg19":
        return True
    path = locate_weights(network)
    if path is None:
        return False
    try:
        load_weights(path, network)
    except OtherNetworkError:
        return False
    return True


def save_jpeg(picture: Path, target: Path) -> None:
    """Save a picture as a JPEG of at most ``MAX_BYTES`` and ``MAX_WIDTH``.

    Raises:
        ArtistNstError: It cannot be written.
    """
    with Image.open(picture) as image:
        data = _encode_jpeg(image.convert("RGB"))
    try:
        write_bytes(target, data)
    except OSError as error:
        raise ArtistNstError(describe_write_error(target, error, "--jpeg")) from error


def _encode_jpeg(image: Image.Image) -> bytes:
    """Reduce the quality first, then the size."""
    width = min(image.width, MAX_WIDTH)
    while True:
        height = max(1, round(image.height * width / image.width))
        smaller = image.resize((width, height), Image.Resampling.LANCZOS)
        for quality in (92, 88, 84, 80, 75):
            buffer = io.BytesIO()
            smaller.save(buffer, "JPEG", quality=quality, optimize=True)
            if buffer.tell() <= MAX_BYTES:
                return buffer.getvalue()
        width = round(0.9 * width)


def run_figure(
    draw: Callable[[Figure], None], width: int = 256, iterations: int | None = None
) -> None:
    """Run a script on its command line, and report expected errors in one line.

    Args:
        draw: The script's function.
        width: Of a painting by default, in pixels.
        iterations: Of a painting by default; None for the recipe's own.
    """
    name = Path(sys.argv[0]).stem
    default_width, default_iterations = width, iterations

    def main(
        width: Annotated[
            int, typer.Option("--width", "-w", min=64, help="Of a painting, in pixels.")
        ] = default_width,
        out: Annotated[
            Path, typer.Option("--out", "-o", help="Folder; what is finished is kept.")
        ] = Path("figures") / name,
        numiter: Annotated[
            int | None,
            typer.Option(
                "--numiter", "-n", min=1, help="Iterations, if not the recipe's own."
            ),
        ] = default_iterations,
        jpeg: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Also save the sheet as a small JPEG."),
        ] = None,
    ) -> None:
        draw(Figure(out, width, numiter, jpeg))

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    paragraphs = (sys.modules["__main__"].__doc__ or "").split("\n\n")
    app.command(help="\n\n".join(" ".join(text.split()) for text in paragraphs))(main)
    try:
        app()
    except Interrupted as stop:
        code, line = INTERRUPTED, f"interrupted; {stop}"
    except ArtistNstError as error:
        code = USAGE if isinstance(error, UsageError) else FAILURE
        line = str(error)
    else:
        return
    print(f"{name}: {line}", file=sys.stderr)
    sys.exit(code)
