"""Find a VGG's weights, in this order of places.

A file that was named, ``$ARTIST_NST_WEIGHTS``, torch's cache, torchvision's server.
"""

import os
from pathlib import Path

from artist_nst._files import open_file
from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError
from artist_nst.nst.weights.checkpoint import (
    InputConvention,
    Weights,
    belongs_to_other,
    load_weights,
    parse_hash_prefix,
)
from artist_nst.nst.weights.download import (
    WEIGHTS_VARIABLE,
    DownloadCallback,
    WeightsUnavailableError,
    download_weights,
    get_cache_path,
)
from artist_nst.recipes.layers import resolve_vgg
from artist_nst.recipes.recipe import Network, format_network


def find_weights(
    network: Network = "vgg19",
    file: PathLike | None = None,
    *,
    input: InputConvention | None = None,
    offline: bool = False,
    on_progress: DownloadCallback | None = None,
) -> Weights:
    """Load the weights from the first place that has them, downloading if necessary.

    Args:
        network: Which VGG.
        file: A file to use instead of searching.
        input: The file's input convention, if it is not stated or stated wrongly.
        offline: Do not download.
        on_progress: Called with the bytes received and in total (0: unknown).

    Raises:
        WeightsUnavailableError: Nothing was found or could be downloaded.
        UsageError: An unknown network, or the file's input convention is unknown.
        ArtistNstError: The file is missing, damaged or another network's.
    """
    architecture = resolve_vgg(network)
    path = locate_weights(network, file)
    if path is None and offline:
        raise WeightsUnavailableError(
            f"{format_network(architecture)}'s weights are not on this machine, and "
            "offline nothing is downloaded"
        )
    if path is None:
        path = download_weights(network, on_progress=on_progress)
    is_cached = path == get_cache_path(architecture)
    prefix = parse_hash_prefix(path.name) if is_cached else ""
    return load_weights(path, architecture, input=input, sha256_prefix=prefix)


def locate_weights(
    network: Network = "vgg19", file: PathLike | None = None
) -> Path | None:
    """Return the file that `find_weights` would read without a download, if any.

    Raises:
        ArtistNstError: ``file``, or what ``$ARTIST_NST_WEIGHTS`` names, cannot be read.
    """
    architecture = resolve_vgg(network)
    cached = get_cache_path(architecture)
    if file is not None:
        open_file(file).close()
        return Path(file)
    if named := os.environ.get(WEIGHTS_VARIABLE):
        path = Path(named)
        try:
            open_file(path).close()
        except ArtistNstError as error:
            raise ArtistNstError(f"${WEIGHTS_VARIABLE}: {error}") from error
        # The variable names one network's file; another's may be in the cache.
        if cached.is_file() and belongs_to_other(path, architecture):
            return cached
        return path
    return cached if cached.is_file() else None
