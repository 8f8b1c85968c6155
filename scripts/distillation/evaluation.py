"""Errors of a student on pictures that it was not trained on."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from artist_nst.nst.features import extract_features
from artist_nst.nst.losses import style_relative
from artist_nst.nst.vgg import VGG
from distillation.student import (
    STYLE_LAYERS,
    TRAINED_LAYERS,
    Kernels,
    Student,
    compute_features,
    relative_errors,
)


@torch.no_grad()
def mean_errors(
    student: Student, teacher: Kernels, images: Sequence[Tensor]
) -> dict[str, tuple[float, float]]:
    """Average ‖U f − F‖ / ‖F‖ and ‖U g Uᵀ − G‖ / ‖G‖ over images, by layer."""
    errors: dict[str, list[tuple[float, float]]] = {name: [] for name in TRAINED_LAYERS}
    for image in images:
        targets = compute_features(teacher, image, TRAINED_LAYERS)
        features = student.compute_features(image, TRAINED_LAYERS)
        squares = relative_errors(student, features, targets)
        for layer, (feature_error, gram_error) in squares.items():
            pair = float(feature_error.sqrt()), float(gram_error.sqrt())
            errors[layer].append(pair)
    means = {layer: np.mean(pairs, axis=0) for layer, pairs in errors.items()}
    return {layer: (float(mean[0]), float(mean[1])) for layer, mean in means.items()}


def rank_correlation(small: VGG, large: VGG, images: Sequence[Tensor]) -> float:
    """Compute Spearman's ρ of two networks' style distances over all image pairs."""
    distances = [_style_distances(network, images) for network in (small, large)]
    return float(spearmanr(*distances).statistic)


def _style_distances(network: VGG, images: Sequence[Tensor]) -> list[float]:
    grams = [extract_features(network, image, (), STYLE_LAYERS)[1] for image in images]
    return [
        sum(float(style_relative(a[layer], b[layer])) for layer in STYLE_LAYERS)
        for a, b in combinations(grams, 2)
    ]
