"""Where and how a painting is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from artist_nst.image.files import MAX_PIXELS

if TYPE_CHECKING:
    from artist_nst._types import PathLike, PrecisionName
    from artist_nst.nst.devices import DeviceName
    from artist_nst.nst.weights.checkpoint import InputConvention


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeOptions:
    """Where and how to compute, and where the network's weights come from.

    Attributes:
        device: Where to compute; ``auto`` takes a GPU if there is one.
        precision: Of the convolutions; ``auto`` is bfloat16 where that is faster.
        max_memory: Bytes that the process may take where it computes; what is free
            if None. Larger paintings are computed in strips, to the same effect.
        max_pixels: Larger pictures, and larger paintings, are refused.
        weights: A file of weights; looked for, then downloaded, if None.
        weights_input: What the weights expect, if their file does not say so.
        offline: Never download.
    """

    device: DeviceName = "auto"
    precision: PrecisionName = "auto"
    max_memory: int | None = None
    max_pixels: int = MAX_PIXELS
    weights: PathLike | None = None
    weights_input: InputConvention | None = None
    offline: bool = False


DEFAULT_COMPUTE = ComputeOptions()
