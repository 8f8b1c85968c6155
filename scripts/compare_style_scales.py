"""Paint a photo at several style scales: an example to copy and to change.

python scripts/compare_style_scales.py photo.jpg procedural 0.6,1,1.8 -o scales
"""

from pathlib import Path
from typing import Annotated

import typer

from artist_nst import ArtistNstError, recipe
from artist_nst.experiments.axes import parse_axis
from artist_nst.experiments.comparison import compare, plan_comparison
from artist_nst.experiments.runner import SeriesProgress
from artist_nst.painting.style_sources import StyleRequest


def main(
    photo: Path,
    artist: str,
    scales: str,
    width: int = 256,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("style-scales"),
) -> None:
    """Paint PHOTO after one work of ARTIST at each of SCALES, as in 0.6,1,1.8."""
    out.mkdir(parents=True, exist_ok=True)
    across = parse_axis("style-scale", scales)  # or "ratio", "tv", "content-layer", …
    plan = plan_comparison(
        across, photo, StyleRequest(artist=artist), recipe=recipe(width=width)
    )
    series = compare(plan, out, on_progress=show_progress)
    if series.interrupted or series.failed:
        raise SystemExit("\n".join(map(str, series.failed.values())) or 130)
    print(f"\n{series.sheet}")


def show_progress(progress: SeriesProgress) -> None:
    print(f"\r{progress.cell.name}: {progress.remaining:.0f} s left  ", end="")


if __name__ == "__main__":
    try:
        typer.run(main)
    except (ArtistNstError, OSError) as error:
        raise SystemExit(str(error)) from error
