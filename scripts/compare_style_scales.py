"""Paint a photo at several style scales: an example to copy and to change.

python scripts/compare_style_scales.py photo.jpg procedural 0.6,1,1.8 -o scales
"""

from pathlib import Path
from typing import Annotated

import typer

from artist_nst import ArtistNstError, recipe
from artist_nst.experiments.axes import axis
from artist_nst.experiments.comparison import compare, plan
from artist_nst.experiments.runner import SeriesProgress


def main(
    photo: Path,
    artist: str,
    scales: str,
    width: int = 256,
    out: Annotated[Path, typer.Option("--out", "-o")] = Path("style-scales"),
) -> None:
    """Paint PHOTO after one work of ARTIST at each of SCALES, as in 0.6,1,1.8."""
    out.mkdir(parents=True, exist_ok=True)
    across = axis("style-scale", scales)  # or "ratio", "tv", "content-layer", …
    planned = plan(across, photo, artist=artist, recipe=recipe(width=width))
    made = compare(planned, out, on_progress=say)
    if made.series.interrupted or made.series.failed:
        raise SystemExit("\n".join(map(str, made.series.failed.values())) or 130)
    print(f"\n{made.sheet}")


def say(told: SeriesProgress) -> None:
    print(f"\r{told.cell.name}: {told.remaining:.0f} s left in all  ", end="")


if __name__ == "__main__":
    try:
        typer.run(main)
    except (ArtistNstError, OSError) as error:
        raise SystemExit(str(error)) from error
