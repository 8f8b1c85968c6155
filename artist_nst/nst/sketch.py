"""Gram matrices made short, so that those of many works can be kept and compared."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

SIZE = 1024


def sketch(gram: Tensor) -> Tensor:
    """A Gram matrix in 1,024 numbers, whose distances are about the matrices' own.

    Each entry on and above the diagonal (those above it times √2, for they are there
    twice) is added, with a random sign, to a random one of the numbers. Hence
    E ‖s(G) − s(A)‖² = ‖G − A‖², with a standard deviation of at most √(2 / 1024), or
    4.4 %, of that. A matrix with no more entries is kept as it is.

    Args:
        gram: ``(N, N)``, symmetric.

    Returns:
        ``(1024,)`` float32. Which number and which sign is the same for all matrices
        of one N, everywhere and always.

    Source:
        The count sketch of Charikar, Chen and Farach-Colton, "Finding frequent items
        in data streams", 2002; as a projection, Weinberger et al., "Feature hashing
        for large scale multitask learning", 2009.
    """
    rows, columns = torch.triu_indices(*gram.shape)
    twice = torch.where(rows == columns, 1.0, 2**0.5).double()
    entries = gram.detach().cpu().double()[rows, columns] * twice
    if len(entries) <= SIZE:
        return torch.cat((entries, entries.new_zeros(SIZE - len(entries)))).float()
    places, signs = _drawn(len(entries))
    return entries.new_zeros(SIZE).index_add_(0, places, entries * signs).float()


@cache
def _drawn(count: int) -> tuple[Tensor, Tensor]:
    """A place and a sign for each entry."""
    # Not a library's generator, whose numbers may change with its version.
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    places = (mixed % np.uint64(SIZE)).astype(np.int64)
    signs = 1.0 - 2.0 * (mixed >> np.uint64(63)).astype(np.float64)
    return torch.from_numpy(places), torch.from_numpy(signs)
