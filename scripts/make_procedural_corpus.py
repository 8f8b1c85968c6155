#!/usr/bin/env python3
"""Paint the corpus `procedural`: eight pictures by an artificial artist.

Every picture starts as a scene: the color and the brush direction at every pixel.
Layers of brush marks sample it, coarse to fine. Marks leave a relief of paint, and a
low light across that relief makes them look like paint.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.color import hsv2rgb, rgb2hsv

from artist_nst._files import write_bytes

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Rng = np.random.Generator
Points = Sequence[tuple[float, float]]

SUPERSAMPLE = 2
SAMPLES_PER_PIXEL = 1.42
CHUNK = 1_500_000
MAX_BYTES = 338_000
OUT = Path(__file__).resolve().parents[1] / "corpora" / "procedural"
SCRIPT = "scripts/make_procedural_corpus.py"


# --- Fields -----------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """A picture's pixel grid; coordinates are in units of its height."""

    width: int
    height: int

    def grid(self) -> tuple[Floats, Floats]:
        y, x = np.mgrid[: self.height, : self.width].astype(np.float32)
        return x / self.height, y / self.height

    def finer(self) -> "Frame":
        return Frame(self.width * SUPERSAMPLE, self.height * SUPERSAMPLE)


@dataclass
class Scene:
    """Color and brush direction at every pixel, and where details belong."""

    color: Floats
    angle: Floats
    detail: Floats

    def put(
        self, mask: Mask, color: Floats, angle: Floats | float | None = None
    ) -> None:
        """Cover a part of the scene."""
        self.color[mask] = np.broadcast_to(color, self.color.shape)[mask]
        if angle is not None:
            self.angle[mask] = np.broadcast_to(angle, self.angle.shape)[mask]


def make_scene(frame: Frame) -> Scene:
    """Create an empty scene, with details everywhere."""
    shape = (frame.height, frame.width)
    zeros = np.zeros(shape, np.float32)
    return Scene(np.zeros((*shape, 3), np.float32), zeros, np.ones(shape, np.float32))


def parse_colors(codes: str) -> Floats:
    """Parse "1b2a5c f2c14e" into rows of RGB."""
    rows = [
        [int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in codes.split()
    ]
    return np.array(rows, np.float32)


def ramp(value: Floats, codes: str) -> Floats:
    """Map a field in [0, 1] to a gradient of colors."""
    stops = parse_colors(codes)
    at = np.linspace(0, 1, len(stops))
    bands = [np.interp(value, at, stops[:, i]) for i in range(3)]
    return np.stack(bands, -1).astype(np.float32)


def noise(frame: Frame, cell: float, rng: Rng, stretch: float = 1.0) -> Floats:
    """Make smooth noise of unit variance; `stretch` elongates it horizontally."""
    total = np.zeros((frame.height, frame.width), np.float32)
    for octave in range(3):
        size = cell * frame.height / 2**octave
        rows = int(frame.height / size) + 4
        cols = int(frame.width / (size * stretch)) + 4
        knots = rng.standard_normal((rows, cols))
        y = np.arange(frame.height) / size + 1
        x = np.arange(frame.width) / (size * stretch) + 1
        at = np.meshgrid(y, x, indexing="ij")
        total += ndimage.map_coordinates(knots, at, order=3) / 2**octave
    return (total - total.mean()) / total.std()


def smoothstep(value: Floats, low: float, high: float) -> Floats:
    """Apply a soft threshold, which gives smooth edges."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def level_lines(field: Floats) -> Floats:
    """Compute the direction along a field's level lines."""
    gy, gx = np.gradient(ndimage.gaussian_filter(field, 2))
    return np.arctan2(gx, -gy).astype(np.float32)


def draw_polygon(frame: Frame, points: Points) -> Mask:
    """Fill a polygon."""
    sheet = Image.new("1", (frame.width, frame.height))
    at = [(x * frame.height, y * frame.height) for x, y in points]
    ImageDraw.Draw(sheet).polygon(at, fill=1)
    return np.array(sheet, bool)


def draw_limbs(frame: Frame, paths: Sequence[Points], width: float) -> Mask:
    """Draw tapering lines: trunks, masts and rigging."""
    sheet = Image.new("1", (frame.width, frame.height))
    pen = ImageDraw.Draw(sheet)
    for path in paths:
        at = np.array(path) * frame.height
        along = np.linspace(0, len(at) - 1, 60)
        for k, t in enumerate(along):
            x, y = (np.interp(t, np.arange(len(at)), at[:, i]) for i in (0, 1))
            r = width * frame.height * (1 - 0.75 * k / 60) / 2
            pen.ellipse((x - r, y - r, x + r, y + r), fill=1)
    return np.array(sheet, bool)


def make_vortices(
    x: Floats, y: Floats, swirls: Points, sizes: Sequence[float]
) -> Floats:
    """Make a flow field that curls around each swirl, alternately left and right."""
    vx = np.ones_like(x)
    vy = 0.55 * np.cos(5.2 * x + 2.0 * y)
    for i, ((cx, cy), size) in enumerate(zip(swirls, sizes, strict=True)):
        dx, dy = x - cx, y - cy
        pull = 9.0 * np.exp(-(dx**2 + dy**2) / size**2) / size * (-1) ** i
        vx, vy = vx - pull * dy, vy + pull * dx
    return np.arctan2(vy, vx).astype(np.float32)


# --- Paint ------------------------------------------------------------------------


@dataclass(frozen=True)
class Brush:
    """One layer of marks: sizes in output pixels, `cover` in areas of the picture."""

    length: float
    width: float
    cover: float = 2.0
    shape: str = "stroke"
    hue: float = 0.02
    chroma: float = 0.1
    value: float = 0.08
    two_tone: float = 0.5
    bristle: float = 0.10
    relief: float = 1.0
    tolerance: float = 0.35
    wobble: float = 0.10
    detail: bool = False
    accents: str = ""
    accent_rate: float = 0.0


@dataclass
class Canvas:
    """Paint color and thickness, supersampled."""

    rgb: Floats
    thickness: Floats


@dataclass
class Marks:
    """One layer's marks: center lines, drawn lengths, sizes, colors and ends."""

    path: Floats
    drawn: Floats
    size: Floats
    inks: Floats
    tail: Floats


def prime(color: Floats) -> Canvas:
    """Make a thin underpainting, which shows between marks."""
    ground = ndimage.gaussian_filter(color, (1.5, 1.5, 0)) * 0.8
    big = ground.repeat(SUPERSAMPLE, 0).repeat(SUPERSAMPLE, 1)
    return Canvas(big, np.zeros(big.shape[:2], np.float32))


def look_up(field: NDArray, at: Floats) -> NDArray:
    """Look up a field at points; the edge continues outside."""
    y = np.clip(at[..., 1].astype(np.int64), 0, field.shape[0] - 1)
    x = np.clip(at[..., 0].astype(np.int64), 0, field.shape[1] - 1)
    return field[y, x]


def trace(scene: Scene, start: Floats, brush: Brush, rng: Rng) -> tuple[Floats, Floats]:
    """Follow the flow from each start; stop where the scene's color changes."""
    steps = max(4, min(14, int(brush.length / 5)))
    stride = brush.length / (steps - 1)
    sway = rng.normal(0, brush.wobble, len(start))
    path = np.empty((len(start), steps, 2), np.float32)
    heading = np.zeros_like(start)
    at = start.copy()
    for k in range(steps):
        path[:, k] = at
        angle = look_up(scene.angle, at) + sway
        turn = np.stack([np.cos(angle), np.sin(angle)], 1)
        turn *= np.where((turn * heading).sum(1, keepdims=True) < 0, -1, 1)
        heading = turn.astype(np.float32)
        at = at + stride * heading
    seen = look_up(scene.color, path)
    same = np.abs(seen - seen[:, :1]).max(2) < brush.tolerance
    drawn = np.logical_and.accumulate(same, 1).sum(1) - 1.0
    return path, np.maximum(drawn, 1.0).astype(np.float32)


def mix_inks(scene: Scene, at: Floats, brush: Brush, rng: Rng) -> Floats:
    """Choose two related colors for each mark, like paint that is not quite mixed."""
    base = look_up(scene.color, at)
    spread = np.array([brush.hue, brush.chroma, brush.value])
    pairs = np.repeat(rgb2hsv(base)[:, None], 2, 1)
    pairs = pairs + rng.normal(0, 1, pairs.shape) * spread
    pairs[..., 0] %= 1.0
    inks = hsv2rgb(np.clip(pairs, 0, 1))
    if brush.accents:
        tubes = parse_colors(brush.accents)
        picked = rng.random(len(at)) < brush.accent_rate
        tube = tubes[rng.integers(len(tubes), size=len(at))]
        inks[picked] = 0.25 * inks[picked] + 0.75 * tube[picked, None]
    return inks.astype(np.float32)


def plan_marks(scene: Scene, brush: Brush, rng: Rng) -> Marks:
    """Choose where marks start, their paths and their colors."""
    height, width = scene.angle.shape
    count = int(brush.cover * height * width / (brush.length * brush.width))
    start = (rng.random((count, 2)) * [width, height]).astype(np.float32)
    if brush.detail:
        start = start[rng.random(count) < look_up(scene.detail, start)]
    head = look_up(scene.angle, start)
    half = 0.4 * brush.length * rng.random(len(start))
    way = np.stack([np.cos(head), np.sin(head)], 1)
    path, drawn = trace(scene, start, brush, rng)
    short = drawn >= path.shape[1] - 1
    path -= (way * (half * short)[:, None])[:, None].astype(np.float32)
    inks = mix_inks(scene, start, brush, rng)
    size = (0.55 + 0.6 * rng.random(len(start))).astype(np.float32)
    tail = rng.random((len(start), 64)).astype(np.float32)
    tail = ndimage.gaussian_filter1d(tail, 1.0, axis=1)
    return Marks(path, drawn, size, inks, tail)


def outline(shape: str, along: Floats) -> Floats:
    """Compute the half-width along a mark, relative to the brush's."""
    if shape == "dot":
        return np.sqrt(np.clip(1 - (2 * along - 1) ** 2, 0.02, 1))
    if shape == "slab":
        return 0.9 + 0.1 * np.cos(9 * along)
    swell = np.clip(along / 0.12, 0.35, 1) * np.clip((1 - along) / 0.45, 0.15, 1)
    return np.sqrt(swell)


def stamp(canvas: Canvas, marks: Marks, brush: Brush, rows: int, cols: int) -> Ints:
    """Find the sample of the mark that is on top at each pixel; -1 for none."""
    height, width = canvas.thickness.shape
    top = np.full(height * width + 1, -1, np.int64)
    along = np.linspace(0, 1, rows, dtype=np.float32)
    across = np.linspace(-1, 1, cols, dtype=np.float32)
    half = outline(brush.shape, along) * brush.width * SUPERSAMPLE / 2
    ragged = 0.0 if brush.shape == "dot" else 0.35
    tangent = np.gradient(marks.path, axis=1)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-6
    bristles = np.linspace(0, marks.tail.shape[1] - 1, cols).astype(np.int64)
    block = max(1, CHUNK // (rows * cols))
    for first in range(0, len(marks.path), block):
        part = slice(first, first + block)
        at = along[None] * marks.drawn[part, None]
        low = np.minimum(at.astype(np.int64), marks.path.shape[1] - 2)
        mix = (at - low)[..., None]
        who = np.arange(len(low))[:, None]
        path, lean = marks.path[part] * SUPERSAMPLE, tangent[part]
        center = path[who, low] * (1 - mix) + path[who, low + 1] * mix
        lean = lean[who, low] * (1 - mix) + lean[who, low + 1] * mix
        reach = (half * marks.size[part, None])[..., None] * across
        x = (center[..., :1] - lean[..., 1:] * reach).astype(np.int32)
        y = (center[..., 1:] + lean[..., :1] * reach).astype(np.int32)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        cut = 1 - ragged * marks.tail[part][:, bristles]
        inside &= along[None, :, None] < cut[:, None] + 0.02
        flat = np.where(inside, y * width + x, height * width)
        index = np.arange(flat.size, dtype=np.int64) + first * rows * cols
        top[flat.ravel()] = index
    return top[:-1]


def make_bristles(rng: Rng) -> Floats:
    """Make streaks along marks, which are looked up at a random place for each mark."""
    sheet = ndimage.gaussian_filter(
        rng.standard_normal((512, 512)), (1.1, 16), mode="wrap"
    )
    return (sheet / sheet.std()).astype(np.float32)


def lay(canvas: Canvas, scene: Scene, brush: Brush, rng: Rng) -> None:
    """Paint one layer of marks."""
    marks = plan_marks(scene, brush, rng)
    rows = int(brush.length * SUPERSAMPLE * SAMPLES_PER_PIXEL) + 3
    cols = int(brush.width * 1.15 * SUPERSAMPLE * SAMPLES_PER_PIXEL) + 3
    top = stamp(canvas, marks, brush, rows, cols)
    hit = np.flatnonzero(top >= 0)
    owner, rest = np.divmod(top[hit], rows * cols)
    row, col = np.divmod(rest, cols)
    along = (row / (rows - 1)).astype(np.float32)
    across = (2 * col / (cols - 1) - 1).astype(np.float32)
    place = rng.integers(512, size=(2, len(marks.path)))
    sheet = make_bristles(rng)
    streak = sheet[(place[0, owner] + col) % 512, (place[1, owner] + row) % 512]
    share = np.clip(0.5 + brush.two_tone * (0.6 * streak + 0.5 * across), 0, 1)
    inks = marks.inks[owner]
    paint = inks[:, 0] + (inks[:, 1] - inks[:, 0]) * share[:, None]
    paint *= 1 + brush.bristle * streak[:, None] * 0.6
    rim = np.exp(-(((np.abs(across) - 0.82) / 0.14) ** 2))
    body = 0.8 * (1 - across**2) + 0.35 * rim + 0.32 * streak + 0.4 * along**4
    canvas.rgb.reshape(-1, 3)[hit] = paint
    ground = canvas.thickness.ravel()
    ground[hit] = 0.35 * ground[hit] + brush.relief * body


def draw(canvas: Canvas, ink: Floats, color: str, relief: float = 0.0) -> None:
    """Blend a supersampled ink mask in [0, 1] over the paint."""
    canvas.rgb += ink[..., None] * (parse_colors(color)[0] - canvas.rgb)
    canvas.thickness += relief * ink


def finish(
    canvas: Canvas, rng: Rng, light: float = 0.19, weave: float = 0.012
) -> Floats:
    """Light the relief from a low angle, add the canvas's weave, and downsample."""
    relief = ndimage.gaussian_filter(canvas.thickness, 0.9)
    gy, gx = np.gradient(relief)
    shade = np.clip(light * (0.8 * gx + gy) * -2.2, -0.34, 0.34)
    y, x = np.mgrid[: relief.shape[0], : relief.shape[1]]
    cloth = np.sin(x * 0.9) * np.sin(y * 0.9) + 0.8 * rng.standard_normal(relief.shape)
    lit = canvas.rgb * (1 + shade + weave * cloth)[..., None]
    lit += np.clip(shade - 0.12, 0, 1)[..., None] * 0.5
    height, width = relief.shape[0] // SUPERSAMPLE, relief.shape[1] // SUPERSAMPLE
    cells = lit.reshape(height, SUPERSAMPLE, width, SUPERSAMPLE, 3)
    return np.clip(cells.mean((1, 3)), 0, 1).astype(np.float32)


def paint(scene: Scene, brushes: Sequence[Brush], rng: Rng) -> Canvas:
    """Cover the ground with short dabs, then paint the layers."""
    canvas = prime(scene.color)
    cover = replace(brushes[0], length=15, width=10, cover=3.0, accents="")
    for brush in (cover, *brushes):
        lay(canvas, scene, brush, rng)
    return canvas


# --- Flow strokes -----------------------------------------------------------------

FLOW = (
    Brush(95, 19, 1.8),
    Brush(70, 11, 1.7, two_tone=0.7),
    Brush(48, 7, 1.0, value=0.11, hue=0.03),
    Brush(34, 4.2, 0.5, value=0.14, hue=0.04, chroma=0.14, detail=True),
)


def add_night_sky(scene: Scene, frame: Frame, rng: Rng) -> None:
    """Put wind around glowing discs with rings of warm light."""
    x, y = frame.grid()
    discs = [(0.98, 0.17), (0.36, 0.11), (0.64, 0.09), (0.10, 0.33), (0.80, 0.42)]
    discs += [(1.17, 0.42), (0.38, 0.45), (0.06, 0.08)]
    radii = [0.125, 0.06, 0.042, 0.048, 0.05, 0.04, 0.05, 0.04]
    swirls = [(0.62, 0.29), (0.40, 0.27), *discs]
    reach = [0.12, 0.08, *(1.25 * r for r in radii)]
    scene.angle[:] = make_vortices(x, y, swirls, reach)
    bands = np.sin(26 * y + 3.0 * np.sin(4 * x + 1) + 1.3 * noise(frame, 0.22, rng, 2))
    tone = np.clip(0.42 + 0.25 * bands + 0.12 * noise(frame, 0.07, rng, 3), 0, 1)
    sky = "0b1440 152a74 1f4fa3 2f7fc0 74b8cf c4e0d0"
    scene.color[:] = ramp(tone * (0.78 + 0.35 * y), sky)
    for (cx, cy), radius in zip(discs, radii, strict=True):
        r = np.hypot(x - cx, y - cy) / radius
        glow = np.exp(-((r / 1.55) ** 2)) * (0.86 + 0.2 * np.cos(5.2 * r))
        warm = ramp(np.clip(1 - r / 2.3, 0, 1), "3f8f9f a8c686 f2d04a f59a23 ffe27a")
        scene.color += np.clip(glow * 1.25, 0, 1)[..., None] * (warm - scene.color)


def add_cypress(scene: Scene, frame: Frame, rng: Rng) -> Mask:
    """Put dark trees like flames; return their mask."""
    x, y = frame.grid()
    tree = np.zeros(x.shape, bool)
    spires = [(0.20, 0.13, 0.082), (0.262, 0.40, 0.046), (0.135, 0.47, 0.046)]
    for cx, top, size in spires:
        rise = np.clip((y - top) / (1.02 - top), 0, 1)
        sway = 0.016 * np.sin(17 * y + 30 * cx) + 0.008 * np.sin(43 * y)
        lobes = 1 + 0.16 * np.sin(31 * y + 50 * cx)
        reach = size * np.sin(np.pi * rise * 0.8) ** 0.8 * lobes
        tree |= np.abs(x - cx - sway * (0.3 + rise)) < reach
    sway = 0.02 * np.sin(17 * y) + 0.1 * (x - 0.2) * np.cos(17 * y)
    flicker = noise(frame, 0.09, rng, 0.4)
    licks = np.clip(0.42 + 0.25 * np.sin(75 * (x - sway) + 7 * y) + 0.2 * flicker, 0, 1)
    lean = np.pi / 2 - 0.4 * np.cos(17 * y) - 2.2 * (x - 0.2) * (0.6 - y)
    scene.put(tree, ramp(licks, "07150f 10301f 1f4a2a 47702c 9a8a30"), lean)
    return tree


def paint_night_wind(rng: Rng) -> Floats:
    """Paint wheat under a turbulent night sky."""
    frame = Frame(1000, 800)
    x, y = frame.grid()
    scene = make_scene(frame)
    add_night_sky(scene, frame, rng)
    far = 0.60 + 0.05 * np.sin(3.1 * x + 0.6) + 0.02 * np.sin(9 * x)
    near = 0.70 + 0.035 * np.sin(4.2 * x + 2.4)
    folds = 0.5 + 0.5 * np.sin(60 * (y - far) + 4 * np.sin(5 * x))
    ridge = level_lines(y - far + 0.02 * np.sin(14 * x))
    scene.put(y > far, ramp(folds, "14213f 1d4a5c 2f7a68 6da36f"), ridge)
    gust = noise(frame, 0.13, rng, 2.4)
    ears = np.clip(0.44 + 0.24 * gust + 0.3 * (y - 0.8) / 0.2, 0, 1)
    wheat = ramp(ears, "5b2a1e a8541c d88a1f f0b73a fbe28a")
    scene.put(y > near, wheat, -0.95 + 0.55 * gust + 0.4 * np.sin(5 * x))
    tree = add_cypress(scene, frame, rng)
    canvas = paint(scene, FLOW[:3], rng)
    low = replace(scene, detail=((y > near) & ~tree).astype(np.float32))
    poppies = Brush(36, 5, 0.16, detail=True, accents="c2361f 23406e 7fa650")
    lay(canvas, low, replace(poppies, accent_rate=1.0), rng)
    lay(canvas, scene, FLOW[3], rng)
    return finish(canvas, rng)


def add_noon_sky(scene: Scene, frame: Frame, rng: Rng) -> None:
    """Put a sun with rings across the whole sky."""
    x, y = frame.grid()
    r = np.hypot(x - 0.88, y - 0.23)
    rings = 0.07 * np.sin(44 * r + 0.7 * noise(frame, 0.2, rng)) * np.exp(-1.2 * r)
    tone = np.clip(r / 1.05 + rings + 0.05 * noise(frame, 0.1, rng, 2), 0, 1)
    scene.color[:] = ramp(tone, "fff6c0 fde06a f9b93a ee8f4c c8a878 7fb3a0 3f97a0")
    scene.put(r < 0.105, ramp(r / 0.105, "fffbe0 fff0a0 ffd23c"))
    scene.angle[:] = np.arctan2(x - 0.88, -(y - 0.23)) + 0.25 * noise(frame, 0.3, rng)


def add_noon_tree(scene: Scene, frame: Frame, rng: Rng) -> None:
    """Put a red tree and its shadow."""
    x, y = frame.grid()
    twigs = [
        [(0.36, 0.875), (0.31, 0.72), (0.35, 0.55), (0.30, 0.40), (0.33, 0.22)],
        [(0.33, 0.60), (0.43, 0.47), (0.47, 0.33), (0.55, 0.25)],
        [(0.33, 0.54), (0.22, 0.44), (0.16, 0.33), (0.08, 0.28)],
        [(0.44, 0.46), (0.54, 0.42), (0.60, 0.36)],
        [(0.33, 0.80), (0.29, 0.86), (0.24, 0.885)],
        [(0.35, 0.82), (0.41, 0.87), (0.46, 0.89)],
    ]
    widths = (0.075, 0.045, 0.042, 0.025, 0.05, 0.045)
    crown = np.full_like(x, -9.0)
    lumps = [(0.33, 0.20, 0.15), (0.53, 0.26, 0.12), (0.11, 0.28, 0.12)]
    lumps += [(0.22, 0.13, 0.11), (0.45, 0.12, 0.11), (0.60, 0.37, 0.07)]
    for cx, cy, size in lumps:
        crown = np.maximum(crown, 1 - np.hypot(x - cx, y - cy) / size)
    crown = crown + 0.16 * noise(frame, 0.07, rng)
    shade = np.clip(0.45 + 0.5 * (x - 0.33) - 1.0 * (y - 0.2), 0, 1)
    shade = np.clip(shade + 0.17 * noise(frame, 0.05, rng), 0, 1)
    fall = np.hypot((x - 0.24) / 0.26, (y - 0.865 + 0.05 * (x - 0.24)) / 0.045)
    dusk = np.clip(1.2 - fall + 0.12 * noise(frame, 0.05, rng, 3), 0, 1)
    violet = ramp(np.clip(0.5 + 0.4 * np.sin(50 * y + 9 * x), 0, 1), "241a4f 3f3a8f")
    scene.put(dusk > 0.15, violet, 0.06)
    for path, width in zip(twigs, widths, strict=True):
        run = np.arctan2(path[-1][1] - path[0][1], path[-1][0] - path[0][0])
        limb = draw_limbs(frame, [path], width)
        bark = ramp(np.clip(0.5 + 0.3 * np.sin(90 * x + 20 * y), 0, 1), "2a1538 6a2f4f")
        scene.put(limb, bark, float(run))
    leaves = ramp(shade, "3d1030 8f1d36 d0342c f0642c f9a13c")
    scene.put(crown > 0.12, leaves, level_lines(crown))


def paint_noon_furrows(rng: Rng) -> Floats:
    """Paint furrows that converge under a large sun."""
    frame = Frame(1000, 740)
    x, y = frame.grid()
    scene = make_scene(frame)
    add_noon_sky(scene, frame, rng)
    hills = 0.50 + 0.05 * np.sin(4.3 * x + 1.2) + 0.02 * np.sin(11 * x)
    slope = np.clip(0.5 + 0.3 * np.sin(30 * (y - hills) + 6 * x), 0, 1)
    scene.put(
        y > hills, ramp(slope, "3b3f8f 6a5fb5 9a86c9 5fa7b8"), 0.35 * np.sin(5 * x)
    )
    deep = np.maximum(y - 0.53, 0.004)
    fan = (x - 0.95) / deep
    ridge = np.sin(2.6 * fan + 0.5 * noise(frame, 0.15, rng))
    soil = ramp(0.5 + 0.5 * ridge, "1f3f5f 2f7a5a 8fae3a e7b53c d2602f 7a2b52")
    scene.put(y > 0.575, soil, np.arctan2(deep, x - 0.95))
    add_noon_tree(scene, frame, rng)
    sparks = Brush(30, 5, 0.14, accents="fff2b0 2b5fae e8402a 38a08a", accent_rate=1)
    canvas = paint(scene, (*FLOW[:2], sparks, *FLOW[2:]), rng)
    return finish(canvas, rng)


# --- Points -----------------------------------------------------------------------


def make_dots(accents: str, shape: str = "dot") -> tuple[Brush, ...]:
    """Return layers of dots; smaller dots vary more in hue."""
    base = Brush(17, 15, 2.2, shape, hue=0.03, two_tone=0.15, bristle=0.04, tolerance=9)
    hues = {"accents": accents, "hue": 0.05, "chroma": 0.16, "value": 0.11}
    return (
        base,
        replace(base, length=11, width=10, cover=1.5, **hues, accent_rate=0.05),
        replace(base, length=8, width=7, cover=1.0, **hues, accent_rate=0.08),
        replace(base, length=6, width=5, cover=0.6, **hues, accent_rate=0.14),
    )


def add_boats(scene: Scene, frame: Frame) -> None:
    """Put sails and hulls, each with a lit and a shaded half."""
    boats = [
        (0.30, 0.60, 0.40),
        (0.62, 0.52, 0.22),
        (1.13, 0.55, 0.30),
        (0.80, 0.5, 0.14),
    ]
    sails = ["f6e2b8 e8843c", "f9d0a0 c85a6a", "fff0d0 d9a04a", "f0c0b0 8f6ab0"]
    for (cx, foot, tall), tints in zip(boats, sails, strict=True):
        peak = (cx, foot - tall)
        lit, dim = parse_colors(tints)
        jib = [peak, (cx - 0.42 * tall, foot - 0.06 * tall), (cx, foot - 0.09 * tall)]
        scene.put(draw_polygon(frame, jib), lit)
        main = [(cx + 0.02 * tall, foot - 0.95 * tall)]
        main += [(cx + 0.36 * tall, foot - 0.1 * tall), (cx, foot - 0.09 * tall)]
        scene.put(draw_polygon(frame, main), dim)
        hull = [
            (cx - 0.5 * tall, foot - 0.05 * tall),
            (cx + 0.5 * tall, foot - 0.06 * tall),
        ]
        hull += [(cx + 0.36 * tall, foot + 0.06 * tall)]
        hull += [(cx - 0.36 * tall, foot + 0.06 * tall)]
        scene.put(draw_polygon(frame, hull), parse_colors("3a1f5c")[0])
        mast = draw_limbs(frame, [[(cx, foot), (cx, foot - tall * 1.04)]], 0.04 * tall)
        scene.put(mast, parse_colors("4a1a3a")[0])


def reflect(color: Floats, level: int, frame: Frame, rng: Rng) -> Floats:
    """Compute water: the picture above it, mirrored, rippled and bluer."""
    y, x = np.mgrid[: frame.height, : frame.width]
    depth = np.maximum(y - level, 0)
    ripple = noise(frame, 0.02, rng, 5)
    source = np.clip(level - depth * 1.1 + 6 * ripple, 0, level - 1).astype(int)
    shift = np.clip(x + (4 + 0.05 * depth) * ripple, 0, frame.width - 1).astype(int)
    cool = ramp(np.clip(0.45 + 0.2 * ripple, 0, 1), "1a2a8a 2a5fb0 3a9fc8 a8d8e0")
    return (0.72 * color[source, shift] + 0.28 * cool).astype(np.float32)


def paint_harbor(rng: Rng) -> Floats:
    """Paint boats between a low sun and its reflection."""
    frame = Frame(1000, 760)
    x, y = frame.grid()
    scene = make_scene(frame)
    r = np.hypot(x - 0.93, y - 0.30)
    haze = np.clip(r / 0.95 + 0.05 * noise(frame, 0.08, rng, 4), 0, 1)
    scene.color[:] = ramp(haze, "ffd86a ffb24a f9804c d9638f 8f6fc8 4f93d0 3373c0")
    scene.put(r < 0.075, parse_colors("fffbe0")[0])
    coast = 0.445 - 0.06 * np.exp(-((x - 0.2) ** 2) / 0.03)
    coast = coast - 0.04 * np.exp(-((x - 0.55) ** 2) / 0.01) + 0.008 * np.sin(37 * x)
    scene.put(y > coast, ramp(np.clip((y - coast) * 9, 0, 1), "5a4fa8 8a5aa8 c86a8a"))
    scene.put(y > 0.5, ramp(np.clip(y, 0, 1), "b07ab0 5fa7c0"))
    add_boats(scene, frame)
    above = scene.color.copy()
    sea = reflect(above, int(0.5 * frame.height), frame, rng)
    scene.put(y > 0.5, sea)
    glint = np.exp(-(((x - 0.93) / (0.04 + 0.22 * (y - 0.5))) ** 2)) * (y > 0.5)
    glint *= np.clip(0.5 + 0.7 * noise(frame, 0.018, rng, 6), 0, 1)
    scene.color += glint[..., None] * (parse_colors("ffc858")[0] - scene.color)
    add_boats(scene, frame)
    quay = y > 0.93 - 0.16 * smoothstep(x, 0.75, 0.0) + 0.006 * np.sin(30 * x)
    stone = np.clip(0.4 + 0.3 * noise(frame, 0.05, rng, 3), 0, 1)
    scene.put(quay, ramp(stone, "2a1a5a 5a2f7a 9a4a6a 3f6f8f"))
    for k, at in enumerate((0.06, 0.17, 0.27, 0.40, 0.55)):
        post = [(at, 0.93 + 0.012 * k), (at, 0.70 + 0.035 * k)]
        scene.put(
            draw_limbs(frame, [post, post[::-1]], 0.022), parse_colors("1f1440")[0]
        )
    canvas = paint(scene, make_dots("ff7a2a 2f5fd0 ffe07a 1fa7a0 d8487a"), rng)
    return finish(canvas, rng, light=0.16)


def add_orchard_trees(scene: Scene, frame: Frame, rng: Rng) -> None:
    """Put blossoming trees, from back to front."""
    x, y = frame.grid()
    trees = [
        (0.62, 0.36, 0.10),
        (0.42, 0.34, 0.11),
        (0.13, 0.30, 0.20),
        (0.72, 0.24, 0.23),
    ]
    for cx, cy, size in trees:
        foot = cy + 2.0 * size
        lean = 0.2 * size
        trunk = [(cx - lean, foot), (cx, cy + size), (cx + 0.2 * lean, cy)]
        fork = [
            (cx, cy + size),
            (cx - 0.5 * size, cy),
            (cx - 0.7 * size, cy - 0.3 * size),
        ]
        spur = [(cx, cy + 0.8 * size), (cx + 0.6 * size, cy)]
        wood = draw_limbs(frame, [trunk, fork, spur], 0.17 * size)
        light = np.clip(0.5 + (x - cx) / (0.2 * size), 0, 1)
        scene.put(wood, ramp(light, "2a1f4a 4a2f6a a05a5a"))
        rough = 0.26 * noise(frame, 0.28 * size, rng)
        mass = 1 - np.hypot((x - cx) / 1.1, (y - cy) / 0.85) / size + rough
        lit = 0.5 - 0.32 * (x - cx) / size - 0.42 * (y - cy) / size
        lit = np.clip(lit + 0.3 * noise(frame, 0.16 * size, rng), 0, 1)
        bloom = ramp(lit, "4a3f8a 8a4f9f d4618f f490a8 ffc4c4 fff2e4")
        scene.put(mass > 0.16, bloom)


def paint_orchard(rng: Rng) -> Floats:
    """Paint blossoming trees along a path, with colored shadows."""
    frame = Frame(800, 1000)
    x, y = frame.grid()
    scene = make_scene(frame)
    sky = np.clip(y / 0.42 + 0.1 * noise(frame, 0.07, rng, 3), 0, 1)
    scene.color[:] = ramp(sky, "3f8fd8 5fb5e0 9fdcd8 f4f0b0")
    scene.put(
        y > 0.36 + 0.02 * np.sin(9 * x), ramp(sky * 0 + x, "3f6fa8 5f9f8f 3f7f9f")
    )
    grass = noise(frame, 0.07, rng, 2.5)
    turf = np.clip(0.62 - 0.4 * (y - 0.45) + 0.2 * grass, 0, 1)
    meadow = y > 0.44 + 0.015 * np.sin(6 * x + 1)
    scene.put(meadow, ramp(turf, "0f4a4f 1f7a4f 4fa83f a4d048 f0ec6a"))
    bend = 0.42 + 0.16 * np.sin(5.2 * (y - 0.44)) - 0.1 * (y - 0.44)
    path = (np.abs(x - bend) < 0.012 + 0.24 * (y - 0.44)) & meadow
    dust = np.clip(0.6 + 0.22 * noise(frame, 0.04, rng, 5), 0, 1)
    scene.put(path, ramp(dust, "8f6fb8 e8a878 fcd89a fff4d0"))
    cast = noise(frame, 0.06, rng, 3) + 2.2 * np.exp(-(((y - 0.74) / 0.07) ** 2)) - 1.4
    shadow = (cast > 0) & meadow
    scene.color[shadow] *= parse_colors("506ac0")[0] * 1.05
    add_orchard_trees(scene, frame, rng)
    blooms = (noise(frame, 0.012, rng) > 1.1) & (y > 0.6) & ~path
    hues = ramp(
        np.clip(0.5 + 0.4 * noise(frame, 0.1, rng), 0, 1), "e8283f ff8f2f ffe23f"
    )
    scene.put(blooms, hues)
    scene.angle[:] = -0.7 + 0.5 * noise(frame, 0.2, rng)
    dots = make_dots("ff5f6a 1f8fd0 fff06a 7f3fa8 2fb07a")
    dabs = [replace(b, length=b.length * 1.25, width=b.width * 0.85) for b in dots]
    return finish(paint(scene, dabs, rng), rng, light=0.16)


# --- Planes -----------------------------------------------------------------------


@dataclass
class Facets:
    """A picture cut into cells: number, cut direction and slope at every pixel."""

    label: Ints
    angle: Floats
    slope: Floats


def cut_facets(frame: Frame, count: int, turns: Sequence[float], rng: Rng) -> Facets:
    """Cut one of the largest cells in two, repeatedly, with lines and a few arcs."""
    x, y = frame.grid()
    label = np.zeros(x.shape, np.int64)
    angle = np.zeros_like(x)
    for new in range(1, count):
        sizes = np.bincount(label.ravel())
        order = np.argsort(sizes)[::-1]
        cell = label == order[min(int(rng.integers(3)), len(order) - 1)]
        ys, xs = np.nonzero(cell)
        pick = rng.integers(len(xs), size=9)
        cx, cy = x[0, xs[pick]].mean(), y[ys[pick], 0].mean()
        turn = float(rng.choice(turns) + rng.normal(0, 0.13))
        side = (x - cx) * np.sin(turn) - (y - cy) * np.cos(turn)
        if rng.random() < 0.22:
            r = rng.uniform(0.1, 0.3)
            side = np.hypot(x - cx - r * np.sin(turn), y - cy + r * np.cos(turn)) - r
        half = cell & (side > 0)
        label[half] = new
        angle[half] = turn
    numbers = np.arange(count)
    slope = x * np.cos(angle * 3 + label) + y * np.sin(angle * 3 + label)
    low = ndimage.minimum(slope, label, numbers)[label]
    high = ndimage.maximum(slope, label, numbers)[label]
    return Facets(
        label, angle, ((slope - low) / (high - low + 1e-6)).astype(np.float32)
    )


def make_still_life(frame: Frame) -> list[tuple[Mask, str]]:
    """Return a table, paper, a guitar, a bottle, fruit and a bowl as silhouettes."""
    x, y = frame.grid()
    body = np.minimum(
        np.hypot((x - 0.47) / 0.9, y - 0.62) - 0.17,
        np.hypot(x - 0.42, y - 0.42) - 0.115,
    )
    neck = draw_polygon(frame, [(0.40, 0.42), (0.46, 0.42), (0.52, 0.06), (0.47, 0.05)])
    flask = draw_polygon(
        frame, [(0.15, 0.72), (0.31, 0.72), (0.31, 0.40), (0.26, 0.32)]
    )
    flask |= draw_polygon(
        frame, [(0.15, 0.72), (0.31, 0.72), (0.26, 0.32), (0.20, 0.32)]
    )
    flask |= draw_polygon(
        frame, [(0.15, 0.72), (0.15, 0.42), (0.20, 0.32), (0.26, 0.32)]
    )
    flask |= (np.abs(x - 0.23) < 0.032) & (y > 0.17) & (y < 0.34)
    bowl = (np.hypot(x - 0.66, y - 0.70) < 0.13) & (y > 0.70)
    fruit = np.hypot(x - 0.62, y - 0.665) < 0.05
    fruit |= np.hypot(x - 0.71, y - 0.67) < 0.045
    sheet = draw_polygon(frame, [(0.05, 0.86), (0.30, 0.78), (0.40, 0.94), (0.14, 1.0)])
    return [
        (y > 0.72 + 0.12 * (x - 0.4), "3a1f14 8a4a22 c8823a"),
        (sheet, "9a958a d8cfb4 f4ecd6"),
        (body < 0, "6a3416 b8702a e8b45a"),
        (neck, "1f1612 4a2c1a 8a5a34"),
        (flask, "10241f 2a5a4a 7aa07a"),
        (fruit, "7a1f14 c84a24 f09a44"),
        (bowl, "2f3f52 6f8494 c8d0cc"),
    ]


def draw_edges(label: Ints, width: float) -> Floats:
    """Draw soft, supersampled lines along the borders between cells."""
    big = label.repeat(SUPERSAMPLE, 0).repeat(SUPERSAMPLE, 1)
    gap = np.zeros(big.shape, bool)
    gap[:, 1:] |= big[:, 1:] != big[:, :-1]
    gap[1:] |= big[1:] != big[:-1]
    far = ndimage.distance_transform_edt(~gap)
    return (1 - smoothstep(far, width - 1, width + 1)).astype(np.float32)


def paint_table(rng: Rng) -> Floats:
    """Paint a still life from several viewpoints at once."""
    frame = Frame(800, 1000)
    scene = make_scene(frame)
    cells = cut_facets(frame, 130, (0.0, 1.57, 0.6, -0.75, 1.1), rng)
    lift = rng.normal(0, 0.14, 130).astype(np.float32)[cells.label]
    tone = np.clip(0.5 + lift + 0.75 * (cells.slope - 0.5), 0, 1)
    scene.put(tone >= 0, ramp(tone, "2a2b30 5a5f60 938a70 c8b48a e8dcc0"))
    things = np.zeros_like(cells.label)
    # Each cell shows the silhouettes shifted.
    shift = (rng.normal(0, 9, (2, 130)).astype(int))[:, cells.label]
    y, x = np.mgrid[: frame.height, : frame.width]
    y = np.clip(y + shift[0], 0, frame.height - 1)
    x = np.clip(x + shift[1], 0, frame.width - 1)
    for number, (mask, tints) in enumerate(make_still_life(frame), 1):
        broken = mask[y, x]
        scene.put(broken, ramp(tone, tints))
        things[broken] = number
    scene.angle[:] = cells.angle + 1.1 * (things % 3)
    cut = Brush(30, 9, 2.4, "slab", value=0.05, tolerance=0.3, two_tone=0.4)
    hatch = Brush(34, 3.2, 0.5, value=0.16, chroma=0.12, tolerance=0.25, hue=0.03)
    dab = replace(cut, length=16, width=6, cover=1.2, value=0.08)
    spice = replace(hatch, cover=0.1, accents="b8451f 1f3f4f f0e4c4", accent_rate=1)
    canvas = paint(scene, (cut, dab, hatch, spice), rng)
    breaks = np.clip(0.55 + 0.6 * noise(frame.finer(), 0.12, rng), 0, 1)
    draw(canvas, draw_edges(cells.label, 1.8) * breaks * 0.75, "1a1210", 0.5)
    draw(canvas, draw_edges(things, 3.2) * (0.55 + 0.4 * breaks), "140d0b", 0.6)
    draw_strings(canvas, frame)
    return finish(canvas, rng)


def draw_strings(canvas: Canvas, frame: Frame) -> None:
    """Draw guitar strings and a sound hole, without facets."""
    fine = frame.finer()
    x, y = fine.grid()
    hole = np.hypot(x - 0.455, y - 0.545)
    ring = 1 - smoothstep(np.abs(hole - 0.058), 0.002, 0.004)
    draw(canvas, 1 - smoothstep(hole, 0.047, 0.05), "1c0f0a")
    draw(canvas, ring, "f0d8a0", 0.5)
    for k in range(4):
        top, foot = 0.478 + 0.008 * k, 0.435 + 0.02 * k
        at = foot + (top - foot) * (0.74 - y) / 0.66
        line = 1 - smoothstep(np.abs(x - at), 0.0009, 0.002)
        draw(canvas, line * ((y > 0.08) & (y < 0.74)), "f4e6c4", 0.4)


def paint_circular_light(rng: Rng) -> Floats:
    """Paint overlapping discs; hues change along each ring and contrast across it."""
    frame = Frame(920, 920)
    x, y = frame.grid()
    scene = make_scene(frame)
    hues = parse_colors(
        "e0252b f26a1f f9b61f fbe36a 2f9f4f 0f7f7a"
        " 1f5fc0 2a2f8f 7a2f9f d83f8a f6efe0 141a33"
    )
    discs = [(0.50, 0.46, 2.0), (0.16, 0.78, 0.33), (0.82, 0.80, 0.27)]
    discs += [(0.86, 0.18, 0.21), (0.15, 0.17, 0.19), (0.50, 0.46, 0.36)]
    cell = np.zeros(x.shape, np.int64)
    for number, (cx, cy, size) in enumerate(discs):
        r = np.hypot(x - cx, y - cy)
        inside = r < size
        theta = np.arctan2(y - cy, x - cx)
        step = 0.075 if number else 0.13
        ring = np.floor(r / step).astype(np.int64)
        wedge = np.floor((theta + 0.32 * ring) / (np.pi / 2)).astype(np.int64) % 4
        key = (ring * 5 + wedge * 3 + (ring * wedge) % 4 + number * 2) % len(hues)
        fall = r / step - ring
        sweep = ((theta + 0.32 * ring) / (np.pi / 2)) % 1
        blend = 0.75 * smoothstep(sweep, 0.25, 1.0)[..., None]
        tint = (
            hues[key] * (1 - blend) + hues[(key + 1 + number % 2) % len(hues)] * blend
        )
        shaded = np.clip(tint * (0.62 + 0.5 * fall)[..., None], 0, 1)
        scene.put(inside, shaded, theta + np.pi / 2 * (ring % 3 != 1))
        cell[inside] = (number * 1000 + ring * 10 + wedge)[inside]
    brushes = (
        Brush(60, 16, 2.2, value=0.05, chroma=0.08, tolerance=0.22),
        Brush(46, 9, 1.6, value=0.08, hue=0.025, tolerance=0.2, two_tone=0.7),
        Brush(30, 5, 0.7, value=0.12, hue=0.04, tolerance=0.22),
    )
    canvas = paint(scene, brushes, rng)
    worn = np.clip(0.5 + 0.7 * noise(frame.finer(), 0.06, rng), 0, 1)
    draw(canvas, draw_edges(cell, 2.0) * worn * 0.6, "f6efe0", 0.6)
    return finish(canvas, rng)


# --- Ink and wash -----------------------------------------------------------------


def gouge(phase: Floats, weight: Floats) -> Floats:
    """Draw ink lines along integer values of `phase`; `weight` is their width."""
    slope = np.hypot(*np.gradient(phase)) + 1e-6
    slope = np.minimum(slope, 6 * np.median(slope))  # no line where angles wrap
    off = np.abs(phase - np.round(phase))
    return np.clip((0.5 * weight - off) / slope + 0.5, 0, 1).astype(np.float32)


@dataclass
class Print:
    """A block print: colored washes and black ink."""

    wash: Floats
    ink: Floats

    def add(self, mask: Mask, wash: Floats, ink: Floats) -> None:
        self.wash[mask] = wash[mask]
        self.ink[mask] = ink[mask]


def print_sky(sheet: Print, frame: Frame, rng: Rng) -> None:
    """Print rays around a red sun, clouds, and a hatched mountain."""
    x, y = frame.grid()
    r = np.hypot(x - 1.02, y - 0.27)
    ray = np.arctan2(y - 0.27, x - 1.02) * 96 / (2 * np.pi)
    bend = ray + 0.25 * noise(frame, 0.2, rng)
    weight = np.clip(0.1 + 0.34 * smoothstep(r, 0.16, 0.9), 0, 0.5)
    glow = np.clip(r / 1.1 + 0.02 * noise(frame, 0.1, rng), 0, 1)
    sheet.wash[:] = ramp(glow, "fbe6b0 f8cf8a f0a878 d88a80 8f7f96 4f6f94")
    sheet.ink[:] = gouge(bend, weight) * (r > 0.15)
    sun = r < 0.14
    sheet.add(sun, ramp(r / 0.14, "e8502f d8301f c41f1f"), gouge(y * 60, 0.16 + 0 * y))
    cloud = noise(frame, 0.16, rng, 3.2)
    bank = (cloud + 3.2 * np.exp(-(((y - 0.15) / 0.07) ** 2)) - 2.5 > 0) & ~sun
    sheet.add(
        bank,
        ramp(np.clip(cloud / 2, 0, 1), "f4e4c8 fff8e8"),
        gouge(cloud * 4, cloud * 0 + 0.2),
    )
    peak = 0.22 + 0.62 * np.abs(x - 0.62) ** 0.9 + 0.012 * noise(frame, 0.05, rng)
    snow = y < 0.31 + 0.02 * np.sin(60 * x)
    tilt = np.abs(x - 0.62) * 0.4
    stone = ramp(np.clip((y - 0.2) * 2.2, 0, 1), "4a6a9a 6f8fa8 c0b8a0")
    stone[snow] = parse_colors("f8f2e2")[0]
    hatch = gouge(
        (y + tilt + 0.01 * noise(frame, 0.06, rng)) * 46, np.where(snow, 0.1, 0.32)
    )
    sheet.add(y > peak, stone, hatch)


def swell(x: Floats, base: float, amp: float, pitch: float, at: float) -> Floats:
    """Compute a wave's outline: sharp at the crest, round in the trough."""
    phase = pitch * x + at + 0.35 * np.sin(pitch * x + at)
    return base - amp * (1 - np.abs(np.sin(phase / 2))) ** 1.4 * 2 + amp


WAVES = (
    (0.57, 0.03, 9.0, 0.4, 34),
    (0.65, 0.06, 6.2, 2.0, 29),
    (0.77, 0.09, 4.6, 0.2, 24),
    (0.91, 0.10, 3.7, 3.4, 19),
)


def print_wave(
    sheet: Print, frame: Frame, row: tuple[float, float, float, float, float], rng: Rng
) -> None:
    """Print one row of waves: lines below foam."""
    x, y = frame.grid()
    base, amp, pitch, at, lines = row
    crest = swell(x, base, amp, pitch, at) + 0.006 * noise(frame, 0.03, rng)
    depth = y - crest
    warp = 0.05 * np.sin(pitch * 2 * x + 9 * depth) + 0.010 * noise(frame, 0.1, rng)
    phase = (np.sqrt(np.maximum(depth, 0) + 0.002) + warp) * lines
    roll = np.sin(pitch * x + at + 2 + 6 * depth)
    tone = np.clip(depth / 0.22 + 0.1 * np.sin(phase * np.pi), 0, 1)
    wash = ramp(tone, "cfe4dc 7fb8c0 2f7fa0 1c4f86 12306a")
    ink = gouge(phase, 0.16 + 0.36 * smoothstep(roll, -0.8, 1))
    lace = 0.035 + 0.018 * noise(frame, 0.022, rng)
    foam = depth < lace
    wash[foam] = parse_colors("fbf4e2")[0]
    ink[foam] = gouge(noise(frame, 0.014, rng) * 0.8, 0 * x + 0.16)[foam]
    rim = np.clip(1 - np.abs(depth - lace) * frame.height / 2.2, 0, 1)
    key = np.clip(1.6 - np.abs(depth) * frame.height / 2.6, 0, 1)
    sheet.add(depth > -0.002, wash, np.maximum(ink, np.maximum(rim, key)))


def print_curl(sheet: Print, frame: Frame, rng: Rng) -> None:
    """Print the great wave: a spiral of blue bands with foam."""
    x, y = frame.grid()
    dx, dy = x - 0.44, y - 0.46
    r = np.hypot(dx, dy) + 1e-4
    theta = np.arctan2(dy, dx)
    turned = theta % (2 * np.pi)
    opening = smoothstep(turned, 0.75, 2.6) ** 2 - smoothstep(turned, 3.0, 4.6) ** 0.5
    claw = 0.02 * noise(frame, 0.035, rng)
    body = r < 0.26 + 1.3 * np.clip(opening, 0, 1) + claw
    phase = 9.5 * np.log(np.maximum(r, 0.025) / 0.05) + theta / (2 * np.pi) * 4
    phase = phase + 0.12 * noise(frame, 0.08, rng)
    weight = 0.18 + 0.36 * smoothstep(np.sin(theta + 16 * r), -1, 1)
    bands = 0.5 + 0.5 * np.sin(phase * np.pi / 2)
    wash = ramp(0.25 + 0.7 * bands, "e4efe0 8fc4c4 2f86a8 1a4c88 0f2a60")
    ink = gouge(phase, weight)
    eye = r < 0.03
    wash[eye], ink[eye] = parse_colors("0c1f4a")[0], 0
    far = ndimage.distance_transform_edt(body) / frame.height
    foam = body & (far < 0.034 + 0.016 * noise(frame, 0.022, rng))
    wash[foam] = parse_colors("fdf6e4")[0]
    ink[foam] = gouge(noise(frame, 0.014, rng) * 0.8, 0 * x + 0.17)[foam]
    inner = np.abs(ndimage.distance_transform_edt(~foam) - 1) * foam.max()
    rim = np.clip(1.5 - inner / 2, 0, 1) * ~foam
    line = np.clip(1.8 - far * frame.height / 2.4, 0, 1)
    sheet.add(body, wash, np.maximum(ink, np.maximum(line, rim)))
    flying = noise(frame, 0.014, rng) > 1.7 + 8 * np.abs(r - 0.31)
    spray = flying & ~body & (y < 0.55)
    sheet.add(spray, wash * 0 + parse_colors("fdf6e4")[0], ink * 0)


def paint_great_wave(rng: Rng) -> Floats:
    """Print a curling wave in front of the sun."""
    frame = Frame(1000, 700).finer()
    shape = (frame.height, frame.width)
    sheet = Print(np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32))
    print_sky(sheet, frame, rng)
    for row in WAVES[:2]:
        print_wave(sheet, frame, row, rng)
    print_curl(sheet, frame, rng)
    for row in WAVES[2:]:
        print_wave(sheet, frame, row, rng)
    grain = noise(frame, 0.012, rng, 22)
    speck = rng.standard_normal(shape).astype(np.float32)
    mottled = 0.045 * grain + 0.25 * ndimage.gaussian_filter(speck, 1.5)
    canvas = Canvas(sheet.wash * (1 + mottled)[..., None], -1.2 * sheet.ink)
    worn = np.clip(1.05 - 0.16 * np.clip(grain - 0.6, 0, 3) + 0.05 * speck, 0, 1)
    draw(canvas, sheet.ink * worn, "131a33")
    return finish(canvas, rng, light=0.06, weave=0.02)


# --- Palette knife ----------------------------------------------------------------


SLAB = Brush(58, 26, 2.6, "slab", value=0.07, tolerance=0.32, relief=1.6, wobble=0.16)
KNIFE = (
    SLAB,
    replace(SLAB, length=36, width=17, cover=1.3, hue=0.03, chroma=0.14),
    replace(SLAB, length=24, width=10, cover=0.5, value=0.12, hue=0.03),
    replace(SLAB, length=30, width=6, cover=0.16, value=0.16, hue=0.05),
)


def add_cliff(scene: Scene, frame: Frame, top: Floats, tints: str, rng: Rng) -> None:
    """Put a rock face: lit and shaded facets with ledges."""
    x, y = frame.grid()
    jag = noise(frame, 0.10, rng)[40] + 0.5 * np.sign(noise(frame, 0.05, rng)[40])
    crest = top + 0.028 * jag[None]
    lean = noise(frame, 0.09, rng, 0.6) + 1.1 * np.sin(17 * x + 5 * y)
    ledge = np.sin(38 * y + 7 * np.sin(3 * x)) > 0.86
    tone = 0.5 + 0.30 * np.tanh(3 * lean) + 0.07 * noise(frame, 0.04, rng)
    tone = tone - 0.22 * ledge + 0.25 * np.exp(-(((y - crest) / 0.03) ** 2))
    angle = np.where(lean > 0, 1.95, 1.2) * ~ledge + 0.05 * ledge
    scene.put(y > crest, ramp(np.clip(tone, 0, 1), tints), angle.astype(np.float32))


def paint_red_cliffs(rng: Rng) -> Floats:
    """Paint red rocks around a green bay with a palette knife."""
    frame = Frame(1000, 780)
    x, y = frame.grid()
    scene = make_scene(frame)
    drift = noise(frame, 0.16, rng, 2.5)
    dusk = np.clip(y / 0.50 + 0.13 * drift, 0, 1)
    scene.put(y >= 0, ramp(dusk, "2f2a6f 5f4aa0 b85fa0 f08f8f fcc890 fff0b8"))
    scene.angle[:] = -0.35 + 0.4 * drift
    moon = np.hypot(x - 0.70, y - 0.20) < 0.07
    scene.put(moon, parse_colors("fff4c8")[0], 0.8)
    far = 0.47 - 0.07 * np.exp(-(((x - 0.62) / 0.12) ** 2)) + 0 * y
    add_cliff(scene, frame, far, "5a3f8f 8f5fa8 d88fa8 f8c0a8", rng)
    right = 0.60 - 0.46 * smoothstep(x, 0.72, 1.16)
    add_cliff(scene, frame, right, "5a1434 a8242f ee5a2a fca048 ffe08a", rng)
    left = 0.62 - 0.56 * smoothstep(x, 0.62, 0.08) - 0.05 * smoothstep(x, 0.56, 0.4)
    add_cliff(scene, frame, left, "2f0a2c 7f1430 d02f2a f4703a ffc06a", rng)
    level = 0.64
    water = reflect(scene.color, int(level * frame.height), frame, rng) ** 0.85
    sea = ramp(
        np.clip((y - level) / 0.36 + 0.2 * drift, 0, 1), "8ff0d8 2fc4b8 0f8f9f 12507f"
    )
    patch = noise(frame, 0.03, rng, 6) - 5.5 * (y - level) + 0.8
    share = 0.9 * smoothstep(patch, -0.25, 0.25)
    bay = sea + share[..., None] * (water - sea)
    scene.put(y > level, bay, 0.05 + 0.12 * drift)
    beach = np.abs(y - level - 0.012 * np.sin(9 * x)) < 0.012 + 0.006 * drift
    scene.put(beach, parse_colors("ffe4b0")[0], 0.0)
    return finish(paint(scene, KNIFE, rng), rng, light=0.2)


# --- The works ----------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    title: str
    style: str
    genre: str
    make: Callable[[Rng], Floats]


WORKS = (
    Work("Night Wind over Wheat", "Flow strokes", "landscape", paint_night_wind),
    Work("Furrows at Noon", "Flow strokes", "landscape", paint_noon_furrows),
    Work("Harbour before Dusk", "Points", "marina", paint_harbor),
    Work("Orchard in April", "Points", "landscape", paint_orchard),
    Work("Table with Guitar", "Planes", "still life", paint_table),
    Work("Circular Light", "Planes", "abstract", paint_circular_light),
    Work("The Curling Wave", "Ink and wash", "marina", paint_great_wave),
    Work("Red Cliffs, Green Bay", "Palette knife", "landscape", paint_red_cliffs),
)


def encode(picture: Floats) -> bytes:
    """Encode the best JPEG of at most `MAX_BYTES`."""
    image = Image.fromarray(np.round(picture * 255).astype(np.uint8))
    for quality in range(93, 40, -2):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


def describe(name: str, work: Work, file: str, picture: Floats, data: bytes) -> str:
    """Return a work's line of the manifest."""
    entry = {
        "id": name,
        "title": work.title,
        "year": "2026",
        "artist": "Procedural",
        "url": None,
        "image_url": None,
        "width": picture.shape[1],
        "height": picture.shape[0],
        "listed_width": None,
        "listed_height": None,
        "rights": f"MIT, made by {SCRIPT}",
        "style": work.style,
        "genre": work.genre,
        "media": "digital brush",
        "dimensions": None,
        "sha256": hashlib.sha256(data).hexdigest(),
        "file": file,
        "file_url": None,
        "bytes": len(data),
        "status": "ok",
        "reason": None,
    }
    return json.dumps(entry, ensure_ascii=False) + "\n"


def main(out: Annotated[Path, typer.Option("--out", "-o")] = OUT) -> None:
    """Paint all works, and write the manifest."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    lines = ""
    for number, work in enumerate(WORKS, 1):
        picture = work.make(np.random.default_rng(2026 + number))
        data = encode(picture)
        name = f"procedural-{number:02d}"
        slug = re.sub(r"[^a-z0-9]+", "-", work.title.lower()).strip("-")
        file = f"images/{name}-{slug}.jpg"
        write_bytes(out / file, data)
        lines += describe(name, work, file, picture, data)
        print(file)
    write_bytes(out / "works.jsonl", lines.encode())
    header = {"format": 1, "slug": "procedural", "artist": "Procedural"}
    header |= {"source": SCRIPT, "created": "2026-11-21"}
    write_bytes(out / "corpus.json", (json.dumps(header, indent=2) + "\n").encode())


if __name__ == "__main__":
    typer.run(main)
