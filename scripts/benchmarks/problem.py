"""One photo to be painted after one style: the same for all that is compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.flops import height_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from artist_nst.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is painted, of plain values that go from process to process.

    Attributes:
        photo, style: picture files.
        width: of the painting, in pixels; the style is as wide.
        weights: the file; None looks for one.
        device: auto, cpu, cuda or mps.
        cropped: the photo's middle, in the aspect of 512×272; else all of it.
        iterations: over all levels; 0 for the default recipe's own.
        network: whose features are compared.
    """

    photo: str
    style: str
    width: int
    weights: str | None = None
    device: str = "auto"
    cropped: bool = True
    iterations: int = 0
    network: str = "vgg19"

    def recipe(self) -> Recipe:
        """The default recipe, at this width and of as many iterations."""
        from artist_nst.recipes.published import RECIPES

        network: Any = self.network
        recipe = replace(RECIPES["default"], width=self.width, network=network)
        return recipe.with_iterations(self.iterations) if self.iterations else recipe

    def where(self) -> torch.device:
        """The device.

        Raises:
            UsageError: it is not there.
        """
        from artist_nst.nst.devices import choose_device

        return choose_device(self.device)  # type: ignore[arg-type]

    def pictures(self) -> tuple[Tensor, Tensor]:
        """Photo and style, each ``(1, 3, H, W)`` float32 on 0–255.

        Raises:
            ArtistNstError: a picture can't be read.
        """
        from artist_nst.image.files import read_picture, resize

        photo = read_picture(self.photo).pixels
        style = read_picture(self.style).pixels
        height = round(photo.shape[0] * self.width / photo.shape[1])
        if self.cropped:
            height = height_of(self.width)
            photo = _middle(photo, height / self.width)
        tall = round(style.shape[0] * self.width / style.shape[1])
        return (
            self._tensor(resize(photo, max(1, height), self.width)),
            self._tensor(resize(style, max(1, tall), self.width)),
        )

    def _tensor(self, pixels: Any) -> Tensor:
        import numpy as np
        import torch

        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None] * 255)
        return torch.from_numpy(planes).to(self.where(), torch.float32)


def weights_file(named: str | None) -> Path:
    """Where VGG-19's weights are: the file named, or where artist_nst looks for it.

    Raises:
        ArtistNstError: nowhere.
    """
    from artist_nst.errors import ArtistNstError
    from artist_nst.nst.weights import locate_weights

    path = locate_weights("vgg19", named)
    if path is None:
        raise ArtistNstError(
            "VGG-19's weights are not here: name a file with --weights or "
            "$ARTIST_NST_WEIGHTS, or run `artist-nst weights`"
        )
    return path.absolute()


def _middle(pixels: Any, aspect: float) -> Any:
    """The largest middle part of ``(H, W, 3)``, ``aspect`` times as high as wide."""
    height, width = pixels.shape[:2]
    h, w = min(height, round(width * aspect)), min(width, round(height / aspect))
    top, left = (height - h) // 2, (width - w) // 2
    return pixels[top : top + h, left : left + w]
