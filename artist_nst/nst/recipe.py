"""Every number that decides a painting, in one frozen value; the named recipes.

Symbols follow Gatys et al.: content image p, style image a, candidate x; the loss is
α·content + β·style + γ·TV with α = 1, β = ``ratio`` and γ = ``tv``.
"""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from operator import index
from typing import Any, Literal, get_args, get_type_hints

from artist_nst.errors import UsageError, nearest

Network = Literal["vgg11", "vgg13", "vgg16", "vgg19"]
Pool = Literal["max", "average", "average-plain"]
Padding = Literal["zeros", "replicate"]
ContentLoss = Literal["relative", "half-squared"]
StyleLoss = Literal["relative", "gatys", "gatys-raw"]
Init = Literal["content", "rand", "style", "noisy-content"]
Optimizer = Literal["lbfgs", "adam"]
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

STYLE_LAYERS: Weighted = tuple((f"conv{block}_1", 0.2) for block in range(1, 6))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to paint, apart from the pictures, the seed and the machine.

    Attributes:
        name: of the recipe that this is, or was made from by changing fields.
        source: where its numbers come from.
        network, pool, padding: the feature extractor; ``padding`` is that of the
            first layer, the others are padded with zeros.
        content_layers, style_layers: ``(name, weight)`` pairs.
        content_loss, style_loss: see :mod:`artist_nst.nst.losses`.
        ratio: β/α. tv: γ, weighs the mean absolute difference between neighbouring
            pixels on 0–255.
        init: the first candidate.
        levels: the pyramid, coarse to fine: ``(scale, iterations)``, scale relative
            to the painting's size; the sum of iterations is the total.
        optimizer: ``lbfgs`` is scipy's L-BFGS-B with the pixel range as bounds.
        history: L-BFGS's number of corrections m.
        ftol, gtol: L-BFGS-B's own tolerances; 0 leaves stopping to ``levels``.
        first_step: the loss is multiplied by a constant so that L-BFGS's first step
            moves a pixel by this many levels of 255 on average; 0 leaves it as it is.
        learning_rate: Adam's, in levels of 255.
        width: of the painting in pixels.
        style_scale: the style image's width relative to the painting's.
        color, color_strength: how the photo's colours are kept; strength in 0–1.
    """

    name: str
    source: str
    network: Network = "vgg19"
    pool: Pool = "max"
    padding: Padding = "zeros"
    content_layers: Weighted = (("conv4_2", 1.0),)
    style_layers: Weighted = STYLE_LAYERS
    content_loss: ContentLoss = "relative"
    style_loss: StyleLoss = "relative"
    ratio: float = 5.0
    tv: float = 0.0
    init: Init = "content"
    levels: tuple[tuple[float, int], ...] = ((1 / 3, 80), (2 / 3, 60), (1.0, 40))
    optimizer: Optimizer = "lbfgs"
    history: int = 10
    ftol: float = 0.0
    gtol: float = 0.0
    first_step: float = 1.0
    learning_rate: float = 10.0
    width: int = 512
    style_scale: float = 1.0
    color: Color = "none"
    color_strength: float = 1.0

    def __post_init__(self) -> None:
        """Raises UsageError where a number or a name can't be painted with."""
        for name, hint in get_type_hints(Recipe).items():
            if (choices := get_args(hint)) and isinstance(choices[0], str):
                _one_of(name, getattr(self, name), choices)
        _at_least("--width", self.width, 1)
        _at_least("--numiter", self.iterations, 1)
        _at_least("--ratio", self.ratio, 0, 1e15)
        _at_least("--tv", self.tv, 0, 1e15)
        _at_least("--style-scale", self.style_scale, 1e-3, 100)
        _at_least("a recipe's learning rate", self.learning_rate, 1e-6, 1e3)
        if not 0 <= self.color_strength <= 1:
            raise UsageError("--color-strength must lie between 0 and 1")
        for option, layers in (
            ("--content-layer", self.content_layers),
            ("--style-layer", self.style_layers),
        ):
            for layer, weight in layers:
                _at_least(f"{option} {layer}", weight, 0)
            names = [layer for layer, _ in layers]
            if len(set(names)) < len(names):
                raise UsageError(f"{option} names a layer twice: give each once")
        _at_least("a recipe's history", self.history, 1, 1000)
        for name in ("ftol", "gtol", "first_step"):
            _at_least(f"a recipe's {name}", getattr(self, name), 0)
        for scale, count in self.levels:
            _at_least("the scale of a recipe's level", scale, 1e-3, 1)
            _at_least("the iterations of a recipe's level", count, 0, 10**9)
        if not self.levels or self.levels[-1][0] != 1 or self.levels[-1][1] < 1:
            raise UsageError("a recipe's last level must be of scale 1, and iterate")

    @property
    def iterations(self) -> int:
        """Of all levels together."""
        return sum(count for _, count in self.levels)

    def with_iterations(self, total: int) -> "Recipe":
        """The same recipe in ``total`` iterations, split over levels as before."""
        _at_least("--numiter", total, 1)
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


def from_dict(values: Mapping[str, Any]) -> Recipe:
    """A recipe from :meth:`Recipe.to_dict`'s values.

    Raises:
        UsageError: a key that no recipe has, or a value of the wrong kind.
    """
    known = [field.name for field in fields(Recipe)]
    for key in values:
        if key not in known:
            raise UsageError(f"a recipe has no {key!r}: {nearest(key, known)}")
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


def recipe(name: str = "default", **changes: Any) -> Recipe:
    """A named recipe, with fields changed: ``recipe("art.py", width=256)``.

    Raises:
        UsageError: an unknown name, or a value that can't be painted with.
    """
    if name not in RECIPES:
        raise UsageError(f"unknown recipe {name!r}: {nearest(name, RECIPES)}")
    known = [field.name for field in fields(Recipe)]
    for key in changes:
        if key not in known:
            raise UsageError(f"a recipe has no {key!r}: {nearest(key, known)}")
    return replace(RECIPES[name], **changes)


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
        option = name.replace("_", "-")
        hint = nearest(str(value), choices)
        raise UsageError(f"unknown --{option} {value!r}: {hint}")


def _at_least(what: str, value: float, least: float, most: float = 1e300) -> None:
    # Written so that NaN fails too.
    if not least <= value <= most:
        bounds = f"from {least:g} up" if most == 1e300 else f"{least:g} to {most:g}"
        raise UsageError(f"{what} must be a number, {bounds}, not {value}")


RECIPES: dict[str, Recipe] = {
    "default": Recipe(
        name="default",
        source="ours: relative losses on a pyramid; see docs/recipes.md",
        tv=0.003,
    ),
    "art.py": Recipe(
        name="art.py",
        source=(
            "J. Mu and A. Franc, art.py (jayelm/neural-art), 2016: raw Grams, one "
            "scale, scipy's L-BFGS-B at its default tolerances"
        ),
        content_loss="half-squared",
        style_loss="gatys-raw",
        ratio=1e4,
        levels=((1.0, 512),),
        # scipy's own defaults then: factr 1e7 times machine epsilon, pgtol 1e-5.
        ftol=1e7 * 2.0**-52,
        gtol=1e-5,
        first_step=0.0,
    ),
}
