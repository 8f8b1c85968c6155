"""What the figures' scripts share: options, photographs, works, painting, laying out.

A script is a function with typer's options that fills a folder; run again, it paints
only what is not there yet.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from artist_nst.cli import FAILURE, INTERRUPTED, USAGE
from artist_nst.cli import console as talk
from artist_nst.cli.outcome import report
from artist_nst.cli.signals import Interrupted
from artist_nst.corpus.works import packaged_corpora
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.experiments.comparison import Plan, compare
from artist_nst.experiments.results import panel, write_sheet, write_table
from artist_nst.experiments.runner import (
    SHEET,
    TABLE,
    Cell,
    Series,
    SeriesProgress,
    paint_series,
)
from artist_nst.figures.sheet import Panel, sheet
from artist_nst.image.files import write_picture
from artist_nst.nst.weights import OtherNetworkError, load_weights, locate_weights
from artist_nst.painting.networks import Networks
from artist_nst.painting.style_sources import Source, choose_sources
from artist_nst.recipes.published import recipe
from artist_nst.recipes.recipe import Network, Recipe, architecture

Pixels = NDArray[np.float64]

MAX_BYTES, MAX_WIDTH = 300_000, 1600  # of a JPEG for the docs

Width = Annotated[
    int, typer.Option("--width", "-w", min=64, help="Of a painting, in pixels.")
]
Out = Annotated[
    Path,
    typer.Option("--out", "-o", help="The folder; what is done there is kept."),
]
Numiter = Annotated[
    int | None,
    typer.Option(
        "--numiter",
        "-n",
        min=1,
        help="Iterations of a painting, if not the recipe's own.",
    ),
]
Jpeg = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Save the sheet as a JPEG, too, small enough for a web page.",
    ),
]


@dataclass(frozen=True, slots=True)
class Figure:
    """One run of a script; the folders it needs are made at once.

    Attributes:
        folder: for the paintings, ``sheet.png`` and ``results.csv``.
        width: of a painting, in pixels.
        numiter: iterations of a painting; None for the recipe's own.
        jpeg: where the sheet goes as a JPEG, too.

    Raises:
        UsageError: a folder can't be made, or ``jpeg`` is not named like one.
    """

    folder: Path
    width: int
    numiter: int | None
    jpeg: Path | None

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
                raise UsageError(
                    f"{folder} can't be made a folder ({error.strerror}): choose "
                    "another"
                ) from error

    def recipe(self, name: str = "default") -> Recipe:
        """A named recipe at this figure's width and iterations."""
        made = recipe(name, width=self.width)
        return made if self.numiter is None else made.with_iterations(self.numiter)

    def photograph(self, name: str) -> Path:
        """A photograph of scikit-image's, as a file in the folder."""
        import skimage.data

        path = self.folder / f"{name}.png"
        if not path.exists():
            write_picture(path, getattr(skimage.data, name)())
        return path

    def paint(
        self,
        cells: Sequence[Cell],
        on_step: Callable[[SeriesProgress], None] = lambda _: None,
        **how: Any,
    ) -> Series:
        """Paint the cells that are not done, and write ``results.csv``.

        Args:
            on_step: told of each iteration, besides whoever watches.
            how: passed on to :func:`artist_nst.painting.pipeline.paint`.

        Raises:
            Interrupted, ArtistNstError: and there is nothing to show.
        """
        with reporting(on_step) as said:
            series = paint_series(cells, self.folder, **said, **how)
        if not series.done:
            report(series, self.folder, len(cells))
        write_table(self.folder / TABLE, cells, series)
        return series

    def compare(self, planned: Plan) -> None:
        """Paint a comparison; its own sheet is the figure."""
        with reporting() as said:
            made = compare(planned, self.folder, **said)
        self.finish(made.series, len(planned.all))

    def finish(self, series: Series, count: int, sheet: Pixels | None = None) -> None:
        """Save the sheet where it is not saved yet, and the JPEG; print its path.

        Args:
            count: of the paintings asked for.
            sheet: ``(H, W, 3)`` in [0, 1]; None where it is in the folder already.

        Raises:
            Interrupted: painting was.
            ArtistNstError: a painting failed, or a file can't be written.
        """
        target = self.folder / SHEET
        if sheet is not None:
            write_sheet(target, sheet, series)
        if self.jpeg is not None and series.done and target.exists():
            save_jpeg(target, self.jpeg)
        report(series, self.folder, count)


@contextmanager
def reporting(
    on_step: Callable[[SeriesProgress], None] = lambda _: None,
) -> Iterator[dict[str, Any]]:
    """The arguments by which a series of paintings says on stderr how far it is, and
    tells ``on_step`` of each iteration."""
    console = talk.set_up(quiet=False, verbose=False)
    with talk.download_bar(console) as download, talk.series_bar(console) as show:

        def told(progress: SeriesProgress) -> None:
            show(progress)
            on_step(progress)

        yield {"networks": Networks(on_download=download), "on_progress": told}


def works(*numbers: int) -> list[Source]:
    """Works of the artist ``procedural`` by their numbers, 1 to 8."""
    names = [f"procedural-{number:02}" for number in numbers]
    return choose_sources((), "procedural", names, packaged_corpora(), 0)


def cell(name: str, photo: Path, sources: Sequence[Source], made: Recipe) -> Cell:
    """One painting, ``NAME.png`` in the figure's folder."""
    return Cell(name, photo, tuple(sources), made, 0, {"painting": name})


def photo_panel(photo: Path) -> Panel:
    """The photo, as every sheet shows it."""
    return panel(photo, f"photo: {photo.name}")


def titled(painted: Panel | None, title: str) -> Panel | None:
    """A line above what was measured; None, for not painted, stays None."""
    if painted is None:
        return None
    measured = painted.label.replace("\n", ", ")
    return replace(painted, label=f"{title}\n{measured}")


def gallery(panels: Sequence[Panel | None]) -> Pixels:
    """A sheet of the panels, without None, in rows of three to five that fill up."""
    there = [one for one in panels if one is not None]
    columns = min((4, 3, 5), key=lambda count: -len(there) % count)
    return sheet([there[at : at + columns] for at in range(0, len(there), columns)])


def at_hand(network: Network) -> bool:
    """Whether weights that fit the network are here; VGG-19's, which every figure
    needs, are taken for granted.

    Raises:
        ArtistNstError: the file that would be read can't be.
    """
    if architecture(network) == "vgg19":
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
    """The picture as a JPEG of at most ``MAX_BYTES`` and ``MAX_WIDTH``.

    Raises:
        ArtistNstError: it can't be written.
    """
    with Image.open(picture) as image:
        data = _jpeg(image.convert("RGB"))
    part = target.with_name(f"{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError as error:
        raise ArtistNstError(
            f"{target} can't be written ({error.strerror}): choose another --jpeg"
        ) from error


def _jpeg(image: Image.Image) -> bytes:
    """Quality is given up first, then size."""
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


def run(command: Callable[..., None], about: str) -> None:
    """Run a script's function on its command line; whatever goes wrong is one line.

    Args:
        about: what ``--help`` says: the script's docstring.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    paragraphs = [" ".join(one.split()) for one in about.split("\n\n")]
    app.command(help="\n\n".join(paragraphs))(command)
    try:
        app()
    except Interrupted as stop:
        code, line = INTERRUPTED, f"interrupted; {stop}"
    except ArtistNstError as error:
        code = USAGE if isinstance(error, UsageError) else FAILURE
        line = str(error)
    else:
        return
    print(f"{Path(sys.argv[0]).stem}: {line}", file=sys.stderr)
    sys.exit(code)
