"""Uploaded masks as the painter reads them: in gray, whatever picture they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from artist_nst.image.encoder import encode
from artist_nst.web.photos import MAX_PIXELS, Photo

MASK_SIDE = 1280  # pixels of the longer side, at which masks are drawn


def draw_mask(path: Path, mask: Photo, side: int = 320) -> bytes:
    """Draw a mask in gray as a PNG, for pages to show and to draw on.

    Args:
        path: The file.
        mask: What is known of it.
        side: Of the longer side in pixels, unless the mask has fewer.

    Raises:
        ArtistNstError: It covers nothing.
    """
    # Late: it needs torch.
    from artist_nst.painting.masks import read_mask

    scale = min(1, side / max(mask.width, mask.height))
    height, width = (max(1, round(n * scale)) for n in (mask.height, mask.width))
    gray = read_mask(path, (height, width), MAX_PIXELS)
    return bytes(encode(np.repeat(gray[..., None], 3, axis=2), ".png", path.name))
