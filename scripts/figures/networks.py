#!/usr/bin/env python3
"""One photo and work by the features of several networks.

Section 4.4 of "Style transfer" (L. Danino, D. Goman) compares VGG-11, 13, 16 and 19;
normalised VGG-19 is that of Gatys et al., the compact one our own. Those whose weights
are not here are left out (`artist-nst weights --network vgg16` downloads them). The
default recipe's losses do not depend on how loud a network is, so that one ratio serves
all.
"""

from pathlib import Path

from common import Figure, Jpeg, Numiter, Out, Width, at_hand, run, works

from artist_nst.experiments.axes import axis
from artist_nst.experiments.comparison import plan
from artist_nst.recipes.recipe import Network

NETWORKS: tuple[Network, ...] = (
    "vgg19",
    "vgg19-normalised",
    "compact",
    "vgg16",
    "vgg13",
    "vgg11",
)


def main(
    width: Width = 256,
    out: Out = Path("figures/networks"),
    numiter: Numiter = None,
    jpeg: Jpeg = None,
) -> None:
    """A painting of a cup after work 8 by each network."""
    figure = Figure(out, width, numiter, jpeg)
    here = [network for network in NETWORKS if at_hand(network)]
    across = axis("network", ",".join(here))
    photo = figure.photograph("coffee")
    figure.compare(plan(across, photo, works(8), recipe=figure.recipe()))


if __name__ == "__main__":
    run(main, __doc__)
