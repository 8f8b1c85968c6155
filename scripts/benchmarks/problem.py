"""The problem that all contenders solve: one photo in the style of one image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchmarks.flops import reference_height

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from artist_nst.recipes.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is painted, in plain values that can be sent to another process.

    Attributes:
        photo: Picture file.
        style: Picture file, resized to the same width.
        width: Of the painting, in pixels.
        weights: VGG-19's file; None looks for one.
        device: auto, cpu, cuda or mps.
        cropped: Whether to crop the photo's center to the aspect of 512×272.
        iterations: Over all levels; 0 for the default recipe's own.
        network: Whose features are compared.
        draft_levels: As in a recipe; None for the default recipe's own.
        optimizer: As in a recipe.
    """

    photo: str
    style: str
    width: int
    weights: str | None = None
    device: str = "auto"
    cropped: bool = True
    iterations: int = 0
    network: str = "vgg19"
    draft_levels: int | None = None
    optimizer: str = "auto"

    def make_recipe(self) -> Recipe:
        """Return the recipe `gram` at this width and number of iterations."""
        from artist_nst.recipes.published import RECIPES

        changes: dict[str, Any] = {
            "width": self.width,
            "network": self.network,
            "optimizer": self.optimizer,
        }
        if self.draft_levels is not None:
            changes["draft_levels"] = self.draft_levels
        recipe = replace(RECIPES["gram"], **changes)
        return recipe.with_iterations(self.iterations) if self.iterations else recipe

    def get_device(self) -> torch.device:
        """Return the device.

        Raises:
            UsageError: It is unavailable.
        """
        from artist_nst.nst.devices import choose_device

        return choose_device(self.device)  # type: ignore[arg-type]

    def load_images(self) -> tuple[Tensor, Tensor]:
        """Load photo and style, each ``(1, 3, H, W)`` float32 in [0, 255].

        Raises:
            ArtistNstError: A picture cannot be read.
        """
        from artist_nst.image.files import read_picture, resize
        from artist_nst.nst.tensors import to_tensor

        photo = read_picture(self.photo).pixels
        style = read_picture(self.style).pixels
        height = max(1, round(photo.shape[0] * self.width / photo.shape[1]))
        if self.cropped:
            height = reference_height(self.width)
            photo = _crop_center(photo, height / self.width)
        style_height = max(1, round(style.shape[0] * self.width / style.shape[1]))
        device = self.get_device()
        return (
            to_tensor(resize(photo, height, self.width), device),
            to_tensor(resize(style, style_height, self.width), device),
        )


def find_weights_file(named: str | None) -> Path:
    """Return the file named, or the file that artist_nst would use.

    Raises:
        ArtistNstError: There is none.
    """
    from artist_nst.errors import ArtistNstError
    from artist_nst.nst.weights.locate import locate_weights

    path = locate_weights("vgg19", named)
    if path is None:
        raise ArtistNstError(
            "VGG-19's weights are not here: name a file with --weights or "
            "$ARTIST_NST_WEIGHTS, or run `artist-nst weights`"
        )
    return path.absolute()


def _crop_center(pixels: Any, aspect: float) -> Any:
    """Crop the largest centered part of ``(H, W, 3)`` with H / W = ``aspect``."""
    height, width = pixels.shape[:2]
    h, w = min(height, round(width * aspect)), min(width, round(height / aspect))
    top, left = (height - h) // 2, (width - w) // 2
    return pixels[top : top + h, left : left + w]
