"""Types that many modules share, without importing numpy."""

import os
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PathLike: TypeAlias = str | os.PathLike[str]

# (H, W, 3) sRGB in [0, 1], or (H, W) of one channel.
Pixels: TypeAlias = "NDArray[np.float64]"
