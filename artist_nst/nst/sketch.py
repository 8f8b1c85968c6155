"""Gram matrices compressed to a fixed length, to compare those of many works."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

SKETCH_SIZE = 1024


def sketch_gram(gram: Tensor) -> Tensor:
    """Compress a Gram matrix ``(N, N)`` to 1,024 numbers that about keep distances.

    Each entry on and above the diagonal (those above it times √2, because they occur
    twice) is added, with a random sign, to a random one of the numbers. Hence
    E ‖s(G) − s(A)‖² = ‖G − A‖², with a standard deviation of at most √(2 / 1024), or
    4.4 %, of that. A matrix with no more entries is kept exactly.

    Returns:
        ``(1024,)`` float32. The random choices are the same for all matrices of one N,
        on every machine and in every version.

    Source:
        The count sketch of Charikar, Chen and Farach-Colton, "Finding frequent items
        in data streams", 2002; as a projection, Weinberger et al., "Feature hashing
        for large scale multitask learning", 2009.
    """
    rows, columns = torch.triu_indices(*gram.shape)
    factors = torch.where(rows == columns, 1.0, 2**0.5).double()
    entries = gram.detach().cpu().double()[rows, columns] * factors
    if len(entries) <= SKETCH_SIZE:
        return torch.cat(
            (entries, entries.new_zeros(SKETCH_SIZE - len(entries)))
        ).float()
    buckets, signs = _hash_entries(len(entries))
    return (
        entries.new_zeros(SKETCH_SIZE).index_add_(0, buckets, entries * signs).float()
    )


@cache
def _hash_entries(count: int) -> tuple[Tensor, Tensor]:
    """Draw a bucket and a sign for each entry."""
    # Not by a library's generator, whose numbers may change with its version.
    mixed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    buckets = (mixed % np.uint64(SKETCH_SIZE)).astype(np.int64)
    signs = 1.0 - 2.0 * (mixed >> np.uint64(63)).astype(np.float64)
    return torch.from_numpy(buckets), torch.from_numpy(signs)
