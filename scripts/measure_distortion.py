#!/usr/bin/env python3
"""Measure how much of a photo's drawing its paintings keep.

python scripts/measure_distortion.py photo.jpg painted/*.png --style sunset.jpg

All pictures are compared at 512 pixels on the long side, by their luma. Edges is the
F1 score of Canny edges, those within two pixels of each other agreeing; structure the
SSIM after local mean and contrast are made equal (Gaussian windows, sigma 8 pixels);
bends the root mean square distance in pixels of the points of an edge from a straight
line, where the photo has one: the median and the 90th percentile of its longest lines;
style the relative distance of Gram matrices from the style's. The first row is the
photo's own.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from command import run_script
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from skimage.feature import canny
from skimage.measure import LineModelND, ransac
from skimage.metrics import structural_similarity
from skimage.transform import probabilistic_hough_line

from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.color import LUMA
from artist_nst.image.files import read_picture, resize, resize_long_side
from artist_nst.nst.distance import measure_distances
from artist_nst.nst.features import TargetCache
from artist_nst.nst.tensors import to_tensor
from artist_nst.painting.networks import load_network
from artist_nst.recipes.published import RECIPES

SIDE = 512
EDGE_TOLERANCE = 2.0  # pixels, as all lengths
CONTRAST_SIGMA = 8.0
# Of normalized luma, whose deviation is at most one: more are rare.
NORMALIZED_RANGE = 4.0
MIN_LINE_LENGTH = 40
# How far from the photo's line its edge is looked for, and in which steps.
REACH, STEP = 6.0, 0.25
# The edge of a place is what is this strong beside the line's 90th percentile.
MIN_STRENGTH = 0.3
# Of a robust fit; and which points then belong to the edge, not to another beside it.
FIT_TOLERANCE, MAX_DISTANCE = 1.0, 4.0
# A line that is not straight in the photo itself is not looked for in a painting.
MAX_BEND = 0.75

Points = NDArray[np.float64]


def main(
    photo: Path,
    paintings: list[Path],
    style: Annotated[Path | None, typer.Option(help="Also measure style.")] = None,
    lines: Annotated[int, typer.Option(min=1, help="How many are looked for.")] = 20,
) -> None:
    original = resize_long_side(read_picture(photo).pixels, SIDE)
    photo_lines = find_lines(original @ LUMA, lines)
    if not photo_lines:
        raise ArtistNstError(f"{photo}: no straight line of {MIN_LINE_LENGTH} pixels")
    measure_style = None if style is None else StyleMeter(original, style)
    width = max(len(path.name) for path in [photo, *paintings])
    columns = "edges", "structure", "bends", "90%", *(["style"] if style else [])
    print(f"{'':{width}}", *(f"{column:>9}" for column in columns))
    for path in [photo, *paintings]:
        pixels = read_picture(path).pixels
        check_aspect(path, pixels, original)
        painting = resize(pixels, *original.shape[:2])
        bends = [measure_bend(painting @ LUMA, line) for line in photo_lines]
        numbers = [
            compare_edges(painting @ LUMA, original @ LUMA),
            compare_structure(painting @ LUMA, original @ LUMA),
            *np.percentile(bends, [50, 90]),
            *([measure_style(painting)] if measure_style else []),
        ]
        print(f"{path.name:{width}}", *(f"{number:9.3f}" for number in numbers))


def check_aspect(path: Path, pixels: Pixels, original: Pixels) -> None:
    (height, width), (rows, columns) = pixels.shape[:2], original.shape[:2]
    if abs(height / width * columns / rows - 1) > 0.02:
        raise UsageError(f"{path}: {width}×{height} pixels, not of the photo's aspect")


class StyleMeter:
    """Measures style distances of paintings from one style image, with VGG-19."""

    def __init__(self, photo: Pixels, style: Path) -> None:
        pixels = read_picture(style).pixels
        height, width = pixels.shape[:2]
        scale = photo.shape[1] / width
        scaled = resize(pixels, round(height * scale), photo.shape[1])
        self.photo, self.styles = to_tensor(photo), [(to_tensor(scaled), 1.0)]
        self.network = load_network(RECIPES["gram"])
        self.cache = TargetCache()

    def __call__(self, painting: Pixels) -> float:
        distances = measure_distances(
            self.network, to_tensor(painting), self.photo, self.styles, self.cache
        )
        return distances.style or 0.0


def compare_edges(painting: Pixels, photo: Pixels) -> float:
    """F1 of edges: those of each picture that have one of the other's nearby."""
    edges = [find_edges(luma) for luma in (painting, photo)]
    shares = [
        (distance_transform_edt(~other)[own] <= EDGE_TOLERANCE).mean()
        if own.any() and other.any()
        else 0.0
        for own, other in (edges, edges[::-1])
    ]
    return float(2 * np.prod(shares) / max(sum(shares), 1e-9))


def find_edges(luma: Pixels) -> NDArray[np.bool_]:
    # By quantiles: how strong edges are is a matter of light.
    return np.asarray(
        canny(luma, 1.5, low_threshold=0.8, high_threshold=0.92, use_quantiles=True)
    )


def compare_structure(painting: Pixels, photo: Pixels) -> float:
    return float(
        structural_similarity(
            *(normalize_contrast(luma) for luma in (painting, photo)),
            gaussian_weights=True,
            data_range=NORMALIZED_RANGE,
        )
    )


def normalize_contrast(luma: Pixels) -> Pixels:
    """Subtract the local mean and divide by the local deviation and 3%."""
    centered = luma - gaussian_filter(luma, CONTRAST_SIGMA)
    deviation = np.sqrt(gaussian_filter(centered**2, CONTRAST_SIGMA))
    return np.asarray(centered / (deviation + 0.03))


def find_lines(luma: Pixels, count: int) -> list[Points]:
    """Return the ends ``(2, 2)``, as y and x, of the longest lines, each edge once."""
    found = probabilistic_hough_line(
        find_edges(luma), threshold=10, line_length=MIN_LINE_LENGTH, line_gap=2, rng=0
    )
    ends = [np.array(line, float)[:, ::-1] for line in found]
    ends.sort(key=lambda line: -np.linalg.norm(line[1] - line[0]))
    lines: list[Points] = []
    for line in ends:
        is_new = all(distance_from(line, other) > REACH for other in lines)
        if is_new and measure_bend(luma, line) <= MAX_BEND:
            lines.append(line)
            if len(lines) == count:
                break
    return lines


def distance_from(line: Points, other: Points) -> float:
    """Return how far the line's middle is from the other line, ends included."""
    start, end = other
    along = (end - start) / np.linalg.norm(end - start)
    offset = line.mean(0) - start
    reached = np.clip(offset @ along, 0, np.linalg.norm(end - start))
    return float(np.linalg.norm(offset - reached * along))


def measure_bend(luma: Pixels, line: Points) -> float:
    """Return the deviation from a straight line of the edge that is near ``line``."""
    points = locate_edge(luma, line)
    if len(points) < MIN_LINE_LENGTH / 4:
        return MAX_DISTANCE  # nothing is left of it
    model, _ = ransac(points, LineModelND, 2, FIT_TOLERANCE, max_trials=200, rng=0)
    if model is None:
        return MAX_DISTANCE
    distances = model.residuals(points)
    near = distances <= MAX_DISTANCE
    return float(np.sqrt(np.square(distances[near]).mean()))


def locate_edge(luma: Pixels, line: Points) -> Points:
    """Return the points ``(N, 2)`` where luma changes most across a line."""
    start, end = line
    length = np.linalg.norm(end - start)
    along = (end - start) / length
    across = np.array([-along[1], along[0]])
    positions = np.arange(0, length + 0.5)
    offsets = np.arange(-REACH, REACH + STEP, STEP)
    places = start + positions[:, None, None] * along + offsets[None, :, None] * across
    profiles = map_coordinates(
        gaussian_filter(luma, 1.0), places.transpose(2, 0, 1), order=1, mode="nearest"
    )
    slopes = np.abs(np.gradient(profiles, STEP, axis=1))
    best = slopes[:, 1:-1].argmax(1) + 1
    rows = np.arange(len(best))
    before, peak, after = (slopes[rows, best + step] for step in (-1, 0, 1))
    curvature = np.minimum(before - 2 * peak + after, -1e-12)
    shift = np.clip((before - after) / curvature / 2, -0.5, 0.5) * STEP
    is_edge = peak >= MIN_STRENGTH * np.percentile(peak, 90)
    points = start + positions[:, None] * along
    points = points + (offsets[best] + shift)[:, None] * across
    return np.asarray(points[is_edge])


if __name__ == "__main__":
    run_script(main)
