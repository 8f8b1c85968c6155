"""How near a student comes to its teacher on pictures that it never saw."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from artist_nst.nst.features import survey
from artist_nst.nst.losses import style_relative
from artist_nst.nst.vgg import VGG
from distillation.student import LEARNT, STYLE, Student, errors, features

Kernels = Mapping[str, tuple[Tensor, Tensor]]


@torch.no_grad()
def held_out_errors(
    student: Student, teacher: Kernels, images: Sequence[Tensor]
) -> dict[str, tuple[float, float]]:
    """By layer the mean of ‖U f − F‖ / ‖F‖ and of ‖U g Uᵀ − G‖ / ‖G‖."""
    found: dict[str, list[tuple[float, float]]] = {layer: [] for layer in LEARNT}
    for image in images:
        wanted = features(teacher, image, LEARNT)
        apart = errors(student, student.features(image, LEARNT), wanted)
        for layer, (seen, style) in apart.items():
            found[layer].append((float(seen.sqrt()), float(style.sqrt())))
    means = {layer: np.mean(pairs, axis=0) for layer, pairs in found.items()}
    return {layer: (float(one[0]), float(one[1])) for layer, one in means.items()}


def rank_agreement(small: VGG, large: VGG, images: Sequence[Tensor]) -> float:
    """Spearman's ρ between two networks' style distances of all pairs of images."""
    found = [_distances(network, images) for network in (small, large)]
    return float(spearmanr(*found).statistic)


def _distances(network: VGG, images: Sequence[Tensor]) -> list[float]:
    grams = [survey(network, image, (), STYLE)[1] for image in images]
    return [
        sum(float(style_relative(one[layer], other[layer])) for layer in STYLE)
        for one, other in combinations(grams, 2)
    ]
