"""Networks and recipes that the tests of single paintings share."""

import pytest

from artist_nst.nst.vgg import VGG
from artist_nst.nst.weights.checkpoint import Weights
from artist_nst.painting.compute import ComputeOptions
from artist_nst.recipes.published import recipe

SMALL = recipe(width=48).with_iterations(4)
OFFLINE = ComputeOptions(device="cpu", offline=True)


@pytest.fixture(scope="session")
def network(thin_weights: Weights) -> VGG:
    """A VGG-19 with few filters."""
    return VGG(thin_weights)


@pytest.fixture(scope="session")
def compact(compact_weights: Weights) -> VGG:
    """A compact network with four random filters in each layer."""
    return VGG(compact_weights)
