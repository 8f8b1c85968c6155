"""Types that many modules share, without importing numpy or torch."""

import os
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PathLike: TypeAlias = str | os.PathLike[str]

# (H, W, 3) sRGB in [0, 1], or (H, W) of one channel.
Pixels: TypeAlias = "NDArray[np.float64]"

# Of the convolutions.
Precision: TypeAlias = Literal["float32", "bfloat16"]
PrecisionName: TypeAlias = Literal["auto", "float32", "bfloat16"]
