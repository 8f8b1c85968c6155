"""Every number that decides a painting, in one frozen value.

Symbols follow Gatys et al.: content image p, style image a, candidate x; the loss is
α·content + β·style + γ·TV with α = 1, β = ``ratio`` and γ = ``tv``. The named recipes
are in :mod:`artist_nst.recipes.published`.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from operator import index
from typing import Any, Literal, get_args, get_type_hints

from artist_nst.errors import UsageError, nearest

Architecture = Literal["vgg11", "vgg13", "vgg16", "vgg19"]
Network = Literal[
    "auto", "vgg11", "vgg13", "vgg16", "vgg19", "vgg19-normalised", "compact"
]
Pool = Literal["max", "average", "average-plain"]
Padding = Literal["zeros", "replicate"]
ContentLoss = Literal["relative", "half-squared", "squared", "mean", "quarter-mean"]
StyleLoss = Literal["relative", "gatys", "gatys-raw", "mean"]
StyleSize = Literal["width", "content"]
Init = Literal["content", "rand", "style", "noisy-content"]
Optimizer = Literal["auto", "lbfgs", "lbfgs-device", "adam"]
Color = Literal[
    "none",
    "reinhard",
    "reinhard-lalphabeta",
    "linear",
    "histogram",
    "luminance",
    "hsv",
]

Weighted = tuple[tuple[str, float], ...]

# The options that set fields, for messages.
_OPTIONS = {
    name: f"--{name.removesuffix('s').replace('_', '-')}"
    for name in (
        "network",
        "pool",
        "padding",
        "content_layers",
        "style_layers",
        "ratio",
        "tv",
        "init",
        "optimizer",
        "width",
        "style_scale",
        "color",
        "color_strength",
    )
} | {"draft_levels": "--draft-levels"}
_MOST = 1e300
_RANGES: dict[str, tuple[float, float]] = {
    "ratio": (0, 1e15),
    "tv": (0, 1e15),
    "tv_sum": (0, 1e15),
    "history": (1, 1000),
    "ftol": (0, _MOST),
    "gtol": (0, _MOST),
    "first_step": (0, _MOST),
    "learning_rate": (1e-6, 1e3),
    "width": (1, _MOST),
    "style_scale": (1e-3, 100),
    "color_strength": (0, 1),
}

STYLE_LAYERS: Weighted = tuple((f"conv{block}_1", 0.2) for block in range(1, 6))


class FieldError(UsageError):
    """A recipe's field that can't be painted with; says its option, if it has one.

    Attributes:
        field: its name.
        problem: what is wrong, as it goes on after the field's name.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem

    def __str__(self) -> str:
        name = _OPTIONS.get(self.field, f"a recipe's {self.field}")
        return f"{name}{self.problem}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to paint, apart from the pictures, the seed and the machine.

    Attributes:
        name: of the recipe that this is, or was made from by changing fields.
        source: where its numbers come from.
        network, pool, padding: the feature extractor; ``auto`` is VGG-19, or the
            compact network where its weights can't be had. ``padding`` is that of the
            first layer, the others are padded with zeros.
        content_layers, style_layers: ``(name, weight)`` pairs.
        content_loss, style_loss: see :mod:`artist_nst.nst.losses`.
        ratio: β/α. tv: γ, weighs the mean absolute difference between neighbouring
            pixels on 0–255; tv_sum: weighs their sum, as papers do.
        init: the first candidate.
        levels: the pyramid, coarse to fine: ``(scale, iterations)``, scale relative
            to the painting's size; the sum of iterations is the total.
        draft_levels: how many of the first levels the compact network paints in place
            of ``network``.
        optimizer: ``lbfgs`` is scipy's L-BFGS-B with the pixel range as bounds;
            ``lbfgs-device`` one whose vectors stay on the GPU; ``auto`` takes the
            first on a CPU and the second on a GPU.
        history: L-BFGS's number of corrections m.
        ftol, gtol: L-BFGS-B's own tolerances; 0 leaves stopping to ``levels``.
        first_step: the loss is multiplied by a constant so that L-BFGS's first step
            moves a pixel by this many levels of 255 on average; 0 leaves it as it is.
        learning_rate: Adam's, in levels of 255.
        width: of the painting in pixels.
        style_scale: the style image's width relative to the painting's.
        style_size: ``width`` keeps the style's aspect; ``content`` gives it the
            painting's height and width (times ``style_scale``), whatever its aspect.
        color, color_strength: how the photo's colours are kept; strength in 0–1.
    """

    name: str
    source: str
    network: Network = "auto"
    pool: Pool = "max"
    padding: Padding = "zeros"
    content_layers: Weighted = (("conv4_2", 1.0),)
    style_layers: Weighted = STYLE_LAYERS
    content_loss: ContentLoss = "relative"
    style_loss: StyleLoss = "relative"
    ratio: float = 5.0
    tv: float = 0.0
    tv_sum: float = 0.0
    init: Init = "content"
    levels: tuple[tuple[float, int], ...] = ((1 / 3, 80), (2 / 3, 60), (1.0, 40))
    draft_levels: int = 0
    optimizer: Optimizer = "lbfgs"
    history: int = 10
    ftol: float = 0.0
    gtol: float = 0.0
    first_step: float = 1.0
    learning_rate: float = 10.0
    width: int = 512
    style_scale: float = 1.0
    style_size: StyleSize = "width"
    color: Color = "none"
    color_strength: float = 1.0

    def __post_init__(self) -> None:
        """Raises FieldError where a number or a name can't be painted with."""
        for name, hint in get_type_hints(Recipe).items():
            if (choices := get_args(hint)) and isinstance(choices[0], str):
                _one_of(name, getattr(self, name), choices)
        for name, (least, most) in _RANGES.items():
            _within(name, getattr(self, name), least, most)
        for name in ("content_layers", "style_layers"):
            layers: Weighted = getattr(self, name)
            for layer, weight in layers:
                _within(name, weight, 0, _MOST, f" {layer}")
            if len(dict(layers)) < len(layers):
                raise FieldError(name, " names a layer twice: give each once")
        for scale, count in self.levels:
            _within("levels", scale, 1e-3, 1, ": a scale")
            _within("levels", count, 0, 10**9, ": its iterations")
        if not self.levels or self.levels[-1][0] != 1 or self.levels[-1][1] < 1:
            raise FieldError("levels", " must end with one of scale 1 that iterates")
        if not 0 <= self.draft_levels < len(self.levels):
            raise FieldError(
                "draft_levels",
                f" must be a number from 0 to {len(self.levels) - 1}, for the last of "
                f"{len(self.levels)} levels is the network's own",
            )

    @property
    def iterations(self) -> int:
        """Of all levels together."""
        return sum(count for _, count in self.levels)

    def with_iterations(self, total: int) -> "Recipe":
        """The same recipe in ``total`` iterations, split over levels as before."""
        if total < 1:
            raise UsageError(f"--numiter must be a number from 1 up, not {total}")
        before = [0]
        for _, count in self.levels:
            before.append(before[-1] + count)
        ends = [total * done // before[-1] for done in before]
        counts = [end - start for start, end in itertools.pairwise(ends)]
        levels = zip(self.levels, counts, strict=True)
        return replace(self, levels=tuple((scale, n) for (scale, _), n in levels))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; :func:`from_dict` reads them back."""
        return asdict(self)


def architecture(network: Network) -> Architecture:
    """The network whose weights these are: a normalised one's are computed of them,
    the compact one's were learnt of them."""
    if network in ("auto", "compact"):
        return "vgg19"
    plain: Architecture = network.removesuffix("-normalised")  # type: ignore[assignment]
    return plain


def title(network: Network) -> str:
    """What a network is called in a sentence: ``VGG-19``."""
    if network == "compact":
        return "the compact network"
    name = architecture(network).replace("vgg", "VGG-")
    return f"the normalised {name}" if network.endswith("-normalised") else name


def layers_of(texts: Sequence[str]) -> Weighted:
    """``["conv1_1=0.5", "conv2_1=2"]`` as layers with weights; those without a weight
    share alike: 1 over their number.

    Raises:
        UsageError: a weight is not a number.
    """
    layers = []
    for text in texts:
        name, equals, number = text.strip().partition("=")
        try:
            weight = float(number) if equals else 1 / len(texts)
        except ValueError:
            raise UsageError(
                f"{text}: {number!r} is not a number; write {name}=0.5"
            ) from None
        layers.append((name, weight))
    return tuple(layers)


def check_fields(names: Iterable[str]) -> None:
    """Raises UsageError, with the nearest name, for a field that no recipe has."""
    known = [field.name for field in fields(Recipe)]
    for name in names:
        if name not in known:
            raise UsageError(f"a recipe has no {name!r}: {nearest(name, known)}")


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """A recipe from :meth:`Recipe.to_dict`'s values.

    Raises:
        UsageError: a key that no recipe has, or a value of the wrong kind.
    """
    check_fields(values)
    try:
        _check_kinds(values)
        levels = tuple(
            (float(scale), index(count)) for scale, count in values["levels"]
        )
        content, style = (
            tuple((str(layer), float(weight)) for layer, weight in values[key])
            for key in ("content_layers", "style_layers")
        )
        frozen = {"levels": levels, "content_layers": content, "style_layers": style}
        return Recipe(**{**values, **frozen})
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise UsageError(f"a recipe can't be read: {error}") from error


def _check_kinds(values: Mapping[str, Any]) -> None:
    kinds: dict[object, tuple[type, ...]] = {
        str: (str,),
        int: (int,),
        float: (int, float),
    }
    for name, hint in get_type_hints(Recipe).items():
        if name in values and hint in kinds:
            value = values[name]
            if not isinstance(value, kinds[hint]) or isinstance(value, bool):
                raise TypeError(f"{name} can't be {value!r}")


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise FieldError(name, f" can't be {value!r}: {nearest(str(value), choices)}")


def _within(name: str, value: float, least: float, most: float, part: str = "") -> None:
    # Written so that NaN fails too.
    if not least <= value <= most:
        bounds = f"from {least:g} up" if most == _MOST else f"{least:g} to {most:g}"
        raise FieldError(name, f"{part} must be a number, {bounds}, not {value}")
