"""Regions that show alike things correspond, wherever they are in the pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from artist_nst.nst.tensors import to_tensor
from artist_nst.styles.descriptors import descriptor_network
from artist_nst.styles.segmentation import (
    Segmentation,
    _merge,
    segment_alike,
    tint_regions,
)


def noise(height: int, width: int, seed: int) -> np.ndarray:
    levels = np.random.default_rng(seed).random((height // 4, width // 4, 3))
    return levels.repeat(4, 0).repeat(4, 1)


def stripes(height: int, width: int, period: int) -> np.ndarray:
    columns = np.arange(width) % period < period / 2
    return np.broadcast_to(columns[None, :, None] * 1.0, (height, width, 3))


def stack(upper: np.ndarray, lower: np.ndarray) -> Tensor:
    return to_tensor(np.concatenate((upper, lower)))


@pytest.fixture(scope="module")
def segmentation() -> Segmentation:
    """Of a photo with noise above stripes, and works with stripes above noise."""
    photo = stack(noise(96, 160, 0), stripes(96, 160, 16))
    works = [
        stack(stripes(80, 200, 20), noise(80, 200, 1)),
        stack(stripes(120, 128, 16), noise(80, 128, 2)),
    ]
    return segment_alike(descriptor_network(), photo, works, 2)


def test_regions_are_paired_by_what_they_show(segmentation: Segmentation) -> None:
    photo = segmentation.photo_masks
    assert photo.shape == (2, 192, 160)
    noise_region = int(photo[:, 40, 80].argmax())
    assert photo[noise_region, :80].mean() > 0.9
    assert photo[noise_region, 112:].mean() < 0.1
    first, second = segmentation.work_masks
    assert first.shape == (2, 160, 200)
    assert second.shape == (2, 200, 128)
    assert first[noise_region, :64].mean() < 0.1
    assert first[noise_region, 96:].mean() > 0.9
    assert second[noise_region, :104].mean() < 0.1
    assert second[noise_region, 136:].mean() > 0.9


def test_masks_sum_to_one_and_have_soft_edges(segmentation: Segmentation) -> None:
    for masks in (segmentation.photo_masks, *segmentation.work_masks):
        assert masks.dtype == torch.float32
        assert 0 <= float(masks.min()) <= float(masks.max()) <= 1
        torch.testing.assert_close(masks.sum(0), torch.ones(masks.shape[1:]))
        assert float(masks[0].diff(dim=0).abs().max()) < 0.6


def test_the_same_pictures_give_the_same_regions() -> None:
    photo = stack(noise(40, 60, 0), stripes(40, 60, 12))
    works = [stack(stripes(40, 60, 12), noise(40, 60, 1))]
    first, second = (segment_alike(descriptor_network(), photo, works) for _ in "ab")
    assert torch.equal(first.photo_masks, second.photo_masks)
    assert torch.equal(first.work_masks[0], second.work_masks[0])


def test_flat_pictures_have_one_region() -> None:
    flat = torch.full((1, 3, 50, 70), 90.0)
    work = stack(noise(40, 60, 0), stripes(40, 60, 12))
    for photo, works in ((flat, [work]), (work, [flat, flat])):
        regions = segment_alike(descriptor_network(), photo, works)
        assert regions.photo_masks.shape == (1, *photo.shape[2:])
        assert bool((regions.photo_masks == 1).all())
        assert [len(masks) for masks in regions.work_masks] == [1] * len(works)


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (30, 40)])
def test_any_size_gray_and_a_flat_work_among_others(size: tuple[int, int]) -> None:
    photo = torch.rand((1, 1, *size), generator=torch.Generator().manual_seed(0)) * 255
    works = [
        torch.full((1, 3, 20, 20), 90.0),
        stack(noise(20, 40, 0), noise(20, 40, 1)),
    ]
    regions = segment_alike(descriptor_network(), photo, works)
    assert regions.photo_masks.shape[1:] == size
    for masks in (regions.photo_masks, *regions.work_masks):
        torch.testing.assert_close(masks.sum(0), torch.ones(masks.shape[1:]))


def test_small_clusters_join_the_nearest_that_both_sides_have() -> None:
    centers = np.array([[0.0], [1.0], [5.0], [6.0]])
    # The works lack cluster 1, and cluster 3 is too small in the photo.
    photo = np.array([0.3, 0.18, 0.5, 0.02])
    works = np.array([0.5, 0.0, 0.2, 0.3])
    assert _merge(centers, photo, works).tolist() == [1, 1, 0, 0]
    photo, works = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.5, 0.5])
    assert _merge(centers, photo, works).tolist() == [0] * 4


def test_tints_tell_regions_apart_and_keep_the_picture() -> None:
    pixels = np.random.default_rng(0).random((4, 6, 3))
    masks = np.zeros((2, 4, 6))
    masks[0, :2], masks[1, 2:] = 1, 1
    tinted = tint_regions(pixels, [*masks])
    assert tinted.shape == (4, 6, 3)
    gray = pixels.mean(2)
    color = tinted[0, 0] - tinted[3, 0] - 0.4 * (gray[0, 0] - gray[3, 0])
    assert np.abs(color).max() > 0.4
    assert np.allclose(np.diff(tinted[0, :, 0]), 0.4 * np.diff(gray[0]))
    assert tint_regions(pixels[..., :1], [*masks]).shape == (4, 6, 3)
