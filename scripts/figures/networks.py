#!/usr/bin/env python3
"""One photo and work by the features of several networks.

Section 4.4 of "Style transfer" (L. Danino, D. Goman) compares VGG-11, 13, 16 and 19;
normalised VGG-19 is from Gatys et al., the compact network from this project. Networks
without weights on this machine are left out (`artist-nst weights --network vgg16`
downloads them). The default recipe's losses do not depend on the scale of features, so
that one ratio suits all.
"""

from common import Figure, get_works, has_weights, run_figure

from artist_nst.experiments.axes import parse_axis
from artist_nst.recipes.recipe import Network

NETWORKS: tuple[Network, ...] = (
    "vgg19",
    "vgg19-normalised",
    "compact",
    "vgg16",
    "vgg13",
    "vgg11",
)


def draw(figure: Figure) -> None:
    """Paint a cup after work 8 with each network."""
    available = [network for network in NETWORKS if has_weights(network)]
    across = parse_axis("network", ",".join(available))
    figure.compare(figure.plan(across, figure.load_photo("coffee"), get_works(8)))


if __name__ == "__main__":
    run_figure(draw)
