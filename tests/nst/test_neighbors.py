"""Nearest neighbors: against NumPy in float64, finite differences, and hard inputs."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from artist_nst.errors import UsageError
from artist_nst.nst import neighbors as module
from artist_nst.nst.neighbors import (
    NeighborFinder,
    assign_works,
    cell_size,
    count_places,
    pool_to_grid,
    sum_distances,
    turn_image,
)
from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights

LAYERS = ["conv1_1", "conv2_1", "conv3_1", "conv4_1"]
Array = NDArray[np.float64]


@pytest.fixture
def network(random_weights: Weights) -> VGG:
    return VGG(random_weights, dtype=torch.float64)


def make_image(height: int, width: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 3, height, width, generator=generator).double() * 255


def pool(features: Array, size: int) -> Array:
    filters, height, width = features.shape
    height, width = height // size, width // size
    cropped = features[:, : height * size, : width * size]
    return cropped.reshape(filters, height, size, width, size).mean((2, 4))


def interpolate(features: Array, height: int, width: int) -> Array:
    """Interpolate linearly between the centers of cells, as OpenCV and PIL do."""

    def weights(size: int, target: int) -> Array:
        positions = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, None)
        low = np.floor(positions).astype(int)
        high = np.minimum(low + 1, size - 1)
        matrix = np.zeros((target, size))
        np.add.at(matrix, (np.arange(target), low), 1 - (positions - low))
        np.add.at(matrix, (np.arange(target), high), positions - low)
        return matrix

    rows = weights(features.shape[1], height)
    columns = weights(features.shape[2], width)
    return np.einsum("hi,nij,wj->nhw", rows, features, columns)


def grids(network: VGG, image: Tensor) -> dict[str, Array]:
    sizes = {"1": 4, "2": 2}
    return {
        layer: pool(values.numpy(), sizes.get(layer[4], 1))
        for layer, values in network(image, LAYERS).items()
    }


def unit(columns: Array) -> Array:
    return np.asarray(columns / np.linalg.norm(columns, axis=1, keepdims=True))


class Reference:
    """The search and its targets, in NumPy, in one piece."""

    def __init__(self, network: VGG, works: list[Tensor], photo: Tensor) -> None:
        self.photo = grids(network, photo)
        self.works = [grids(network, work) for work in works]
        flat = {
            layer: np.concatenate(
                [work[layer].reshape(len(work[layer]), -1) for work in self.works], 1
            )
            for layer in LAYERS
        }
        self.means = {layer: values.mean(1) for layer, values in flat.items()}
        self.scales = {
            layer: 1 / np.sqrt((values**2).sum(0).mean())
            for layer, values in flat.items()
        }

    def columns(
        self, features: dict[str, Array], layers: list[str]
    ) -> dict[str, Array]:
        height, width = max(features[layer].shape[1:] for layer in layers)
        return {
            layer: interpolate(features[layer], height, width)
            .reshape(len(features[layer]), -1)
            .T
            for layer in layers
        }

    def find(self, layers: list[str]) -> tuple[dict[str, Array], Array, float]:
        """Return directions by layer, the work of each place, and the mean cosine."""
        queries = self.columns(self.photo, layers)
        keys = [self.columns(work, layers) for work in self.works]
        q = np.concatenate(
            [(queries[x] - queries[x].mean(0)) * self.scales[x] for x in layers], 1
        )
        k = np.concatenate(
            [
                np.concatenate(
                    [(w[x] - self.means[x]) * self.scales[x] for x in layers], 1
                )
                for w in keys
            ]
        )
        cosines = unit(q) @ unit(k).T
        best = cosines.argmax(1)
        owner = np.repeat(np.arange(len(keys)), [len(w[layers[0]]) for w in keys])
        directions = {}
        for layer in layers:
            shape = self.photo[layer].shape
            grid = max(self.photo[x].shape[1:] for x in layers)
            found = np.concatenate([w[layer] for w in keys])[best].T
            found = found.reshape(len(found), *grid)
            target = found if grid == shape[1:] else pool(found, 2)
            target = target - self.means[layer][:, None, None]
            directions[layer] = target / np.linalg.norm(target, axis=0)
        return directions, owner[best].reshape(grid), float(cosines.max(1).mean())


SIZES = [(48, 64), (37, 51), (13, 64)]


@pytest.mark.parametrize("size", SIZES)
def test_hypercolumns_are_the_formulas(network: VGG, size: tuple[int, int]) -> None:
    photo = make_image(*size, 1)
    works = [make_image(40, 56, 2), make_image(61, 33, 3)]
    found = NeighborFinder(network, LAYERS, works).find(photo)
    directions, sources, similarity = Reference(network, works, photo).find(LAYERS)
    assert found.similarity == pytest.approx(similarity, rel=1e-6)
    np.testing.assert_array_equal(found.sources.numpy(), sources)
    assert len(set(sources.flat)) == 2
    for layer in LAYERS:
        np.testing.assert_allclose(
            found.directions[layer].numpy(), directions[layer], atol=1e-6
        )


def test_split_features_are_the_formulas(network: VGG) -> None:
    photo = make_image(48, 64, 1)
    works = [make_image(40, 56, 2), make_image(61, 33, 3)]
    found = NeighborFinder(network, LAYERS, works).find_by_layer(photo)
    reference = Reference(network, works, photo)
    for layer in LAYERS:
        directions, _, _ = reference.find([layer])
        np.testing.assert_allclose(
            found.directions[layer].numpy(), directions[layer], atol=1e-6
        )


def test_blocks_do_not_change_what_is_found(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, works = make_image(45, 64, 1), [make_image(40, 56, 2), make_image(61, 33, 3)]
    whole = NeighborFinder(network, LAYERS, works).find(photo)
    monkeypatch.setattr(module, "BLOCK_ELEMENTS", 100)
    monkeypatch.setattr(module, "BLOCK_PLACES", 70)
    monkeypatch.setattr(module, "FEATURE_ROWS", 16)
    blocks = NeighborFinder(network, LAYERS, works).find(photo)
    torch.testing.assert_close(blocks.sources, whole.sources)
    for layer in LAYERS:
        torch.testing.assert_close(blocks.directions[layer], whole.directions[layer])


@pytest.mark.parametrize("layer", LAYERS)
def test_distances_are_the_formulas(network: VGG, layer: str) -> None:
    image, photo = make_image(37, 51, 4), make_image(37, 51, 1)
    found = NeighborFinder(network, LAYERS, [make_image(40, 56, 2)]).find(photo)
    features = network(image, [layer])[layer]
    direction, mean = found.directions[layer], found.means[layer]
    total = sum_distances(pool_to_grid(layer, features), direction, mean)
    centered = grids(network, image)[layer] - mean.numpy()[:, None, None]
    cosines = (centered * direction.numpy()).sum(0) / np.linalg.norm(centered, axis=0)
    assert float(total) == pytest.approx((1 - cosines).sum(), rel=1e-9)


def test_the_gradient_is_that_of_finite_differences() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.rand(5, 3, 4, generator=generator).double().requires_grad_()
    direction = torch.randn(5, 3, 4, generator=generator).double()
    direction = torch.nn.functional.normalize(direction, dim=0)
    mean = torch.rand(5, generator=generator).double()
    assert torch.autograd.gradcheck(
        lambda x: sum_distances(x, direction, mean), (features,), atol=1e-8
    )


def test_a_work_finds_itself(network: VGG) -> None:
    photo, other = make_image(48, 64, 1), make_image(48, 64, 2)
    finder = NeighborFinder(network, LAYERS, [other, photo])
    # Apart from the means: the photo's own, and those of both works.
    found = finder.find(photo)
    assert (found.sources == 1).float().mean() > 0.9
    alone = NeighborFinder(network, LAYERS, [photo])
    assert alone.find(photo).similarity == pytest.approx(1, abs=1e-9)
    features = network(photo, ["conv3_1"])["conv3_1"]
    neighbors = alone.find(photo)
    total = sum_distances(
        features, neighbors.directions["conv3_1"], neighbors.means["conv3_1"]
    )
    assert float(total) == pytest.approx(0, abs=1e-6)


def test_turned_works_are_searched_too(network: VGG) -> None:
    photo = make_image(48, 48, 1)
    mirrored = photo.flip(3)
    similarities = [
        NeighborFinder(network, LAYERS, [mirrored], turns=turns).find(photo).similarity
        for turns in ("none", "mirror", "all")
    ]
    # Not quite 1: the means are of all copies.
    assert similarities[0] < 0.9
    assert min(similarities[1:]) > 0.99
    quarter = NeighborFinder(network, LAYERS, [photo.rot90(1, (2, 3))], turns="all")
    assert quarter.find(photo).similarity > 0.99


def test_eight_turns_are_all_different() -> None:
    image = torch.arange(12.0).view(1, 1, 3, 4)
    turned = {(*x.flatten().tolist(), *x.shape) for x in turn_image(image, "all")}
    assert len(turned) == 8


def test_many_places_are_thinned_evenly(
    network: VGG, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_image(64, 64, 1)
    works = [make_image(64, 64, seed) for seed in range(2, 6)]
    exact = NeighborFinder(network, LAYERS, works).find(photo).similarity
    monkeypatch.setattr(module, "MAX_PLACES", 400)
    finder = NeighborFinder(network, LAYERS, works)
    kept = [columns["conv3_1"] for columns in finder._keys[finder.layers]]
    assert [len(columns) for columns in kept] == [100] * 4
    thinned = finder.find(photo)
    assert exact - 0.2 < thinned.similarity < exact
    assert set(thinned.sources.flatten().tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("share", [1.0, 0.5, 0.34])
def test_no_work_gives_more_than_its_share(share: float) -> None:
    scores = torch.rand(200, 3, generator=torch.Generator().manual_seed(0))
    scores[:, 1] += 0.5
    assigned = assign_works(scores, share)
    sizes = assigned.bincount(minlength=3)
    assert sizes.max() <= np.ceil(share * 200)
    if share == 1:
        assert torch.equal(assigned, scores.argmax(1))
    else:
        # The work that most places want is full, by those that would lose most.
        assert sizes[1] == np.ceil(share * 200)
        wanted = scores.argmax(1) == 1
        losses = scores[:, 1] - scores[:, [0, 2]].max(1).values
        kept = losses[wanted & (assigned == 1)].min()
        assert kept >= losses[wanted & (assigned != 1)].max() - 1e-6


def test_a_share_limits_what_is_found(network: VGG) -> None:
    photo = make_image(48, 64, 1)
    works = [photo, make_image(48, 64, 2)]
    found = NeighborFinder(network, LAYERS, works, max_share=0.6).find(photo)
    shares = found.sources.flatten().bincount() / found.sources.numel()
    assert shares[0] == pytest.approx(0.6, abs=0.01)


def test_too_few_works_for_a_share(network: VGG) -> None:
    with pytest.raises(UsageError, match=r"--max-share 0\.4: 2 works"):
        NeighborFinder(network, LAYERS, [make_image(32, 32, 1)] * 2, max_share=0.4)


@pytest.mark.parametrize("level", [0.0, 128.0])
def test_flat_works_and_photos_are_finite(network: VGG, level: float) -> None:
    flat, photo = torch.full((1, 3, 32, 32), level).double(), make_image(32, 32, 1)
    for works, image in (([flat], photo), ([flat], flat), ([flat, photo], flat)):
        found = NeighborFinder(network, LAYERS, works).find(image)
        x = flat.clone().requires_grad_()
        total = sum(
            sum_distances(
                pool_to_grid(layer, features),
                found.directions[layer],
                found.means[layer],
            )
            for layer, features in network(x, LAYERS).items()
        )
        (gradient,) = torch.autograd.grad(total, x)
        assert torch.isfinite(gradient).all()


def test_works_of_very_different_sizes(network: VGG) -> None:
    photo = make_image(40, 40, 1)
    works = [make_image(8, 8, 2), make_image(200, 24, 3)]
    found = NeighborFinder(network, LAYERS, works).find(photo)
    assert found.sources.shape == (10, 10)
    assert -1 <= found.similarity <= 1


def test_places_are_counted_as_they_are_found(network: VGG) -> None:
    for height, width in ((37, 51), (64, 48), (9, 8)):
        image = make_image(height, width, 1)
        finder = NeighborFinder(network, LAYERS, [image])
        for group, (columns,) in finder._keys.items():
            assert len(columns[group[0]]) == count_places(group, [image])


def test_bfloat16_finds_nearly_as_near(real_weights: Weights) -> None:
    network = VGG(real_weights)
    photo, works = make_image(64, 80, 1).float(), [make_image(80, 96, 2).float()]
    exact = NeighborFinder(network, LAYERS, works).find(photo)
    rounded = NeighborFinder(network, LAYERS, works, dtype=torch.bfloat16).find(photo)
    assert rounded.similarity == pytest.approx(exact.similarity, abs=0.01)


@pytest.mark.parametrize("layer", ["conv1_2", "conv2_1"])
def test_places_and_their_gradient_are_of_averages(layer: str) -> None:
    """Whatever the memory layout, and where some rows fill no place."""
    for permute in (False, True):
        features = torch.rand(3, 13, 18, dtype=torch.float64)
        if permute:
            features = features.permute(1, 2, 0).contiguous().permute(2, 0, 1)
        leaf = features.requires_grad_()
        expected = functional.avg_pool2d(leaf, cell_size(layer))
        weights = torch.rand_like(expected)
        wanted = torch.autograd.grad((expected * weights).sum(), leaf)[0]
        found = pool_to_grid(layer, leaf)
        torch.testing.assert_close(found, expected)
        (gradient,) = torch.autograd.grad((found * weights).sum(), leaf)
        torch.testing.assert_close(gradient, wanted)
        if permute:  # of the layout that is faster
            assert gradient.stride() == leaf.stride()
