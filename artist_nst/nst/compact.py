"""The compact network that stands in for VGG-19, and its file.

Trained by ``scripts/train_compact.py``; docs/compact.md says how. The file is
safetensors in 16 bits: by layer ``conv1_1.weight``, ``.bias`` and ``.root``, the last
being R of :class:`~artist_nst.nst.weights.checkpoint.ProjectionRoot`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from artist_nst._files import hash_file, open_file
from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError
from artist_nst.nst.weights.checkpoint import ProjectionRoot, Weights
from artist_nst.recipes.layers import layer_names

PACKAGED_FILE = Path(__file__).parents[1] / "data" / "compact.safetensors"

FORMAT_KEY = "artist-nst compact 1"
"""The key of the file's metadata: JSON with ``filters`` (N by layer), ``teacher`` and
``training``, the record of how it was trained."""
TEACHER = "VGG-19 (Simonyan and Zisserman, Oxford), CC BY 4.0"
PARTS = "weight", "bias", "root"
# The largest number in 16 bits.
_MAX_HALF = 65504.0
_ADVICE = "reinstall artist-nst, or name another file with --weights"


def load_compact(path: PathLike | None = None) -> Weights:
    """Load the compact network that comes with the package, or another from ``path``.

    Raises:
        ArtistNstError: The file is missing, damaged, or holds something else.
    """
    file = PACKAGED_FILE if path is None else Path(path)
    sha256 = hash_file(file)
    try:
        with safe_open(file, framework="pt") as archive:
            metadata = archive.metadata() or {}
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ArtistNstError(
            f"{file} is no safetensors file, or damaged: {_ADVICE}"
        ) from error
    if FORMAT_KEY not in metadata:
        raise ArtistNstError(f"{file} holds no compact network: {_ADVICE}")
    kernels, roots = {}, {}
    try:
        filters = json.loads(metadata[FORMAT_KEY])["filters"]
        for layer in layer_names("compact"):
            weight, bias, root = (tensors[f"{layer}.{part}"].float() for part in PARTS)
            kernels[layer] = weight, bias
            roots[layer] = ProjectionRoot(root, int(filters[layer]))
        _check_tensors(kernels, roots)
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ArtistNstError(
            f"{file} holds a compact network with something missing or misshapen "
            f"({error}): {_ADVICE}"
        ) from error
    return Weights("compact", kernels, "oxford", sha256, str(file), roots)


def is_compact(path: PathLike) -> bool:
    """Return whether a file says that it holds a compact network.

    False for an unreadable file: that is reported when it is loaded.
    """
    try:
        open_file(path).close()  # a pipe would block
        with safe_open(path, framework="pt") as archive:
            return FORMAT_KEY in (archive.metadata() or {})
    except (ArtistNstError, OSError, SafetensorError):
        return False


def pack_weights(weights: Weights, record: Mapping[str, object]) -> bytes:
    """Make the file of a compact network, with its numbers in 16 bits.

    Args:
        weights: The compact network.
        record: How it was trained, as JSON can hold it; the file's ``training``.

    Returns:
        The same bytes for the same values.
    """
    tensors: dict[str, Tensor] = {}
    for layer, (weight, bias) in weights.kernels.items():
        root = weights.projection_roots[layer].matrix
        for part, values in zip(PARTS, (weight, bias, root), strict=True):
            assert float(values.abs().max()) < _MAX_HALF
            tensors[f"{layer}.{part}"] = values.half().contiguous()
    filters = {layer: root.filters for layer, root in weights.projection_roots.items()}
    about = {"filters": filters, "teacher": TEACHER, "training": record}
    # Under one key: several would be written in any order, and the file's hash would
    # differ each time.
    return save(tensors, {FORMAT_KEY: json.dumps(about)})


def read_training_record(path: PathLike | None = None) -> dict[str, object]:
    """Read how a compact network was trained from its file."""
    with safe_open(PACKAGED_FILE if path is None else path, framework="pt") as archive:
        about = json.loads(archive.metadata()[FORMAT_KEY])
    record: dict[str, object] = about["training"]
    return record


def _check_tensors(
    kernels: Mapping[str, tuple[Tensor, Tensor]], roots: Mapping[str, ProjectionRoot]
) -> None:
    """Raise ValueError where the layers don't fit together."""
    inputs = 3
    for layer, (weight, bias) in kernels.items():
        width = max(1, len(bias))
        tensors = weight, bias, roots[layer].matrix
        shapes = tuple(tuple(tensor.shape) for tensor in tensors)
        if shapes != ((width, inputs, 3, 3), (width,), (width, width)):
            raise ValueError(f"{layer} has shapes {shapes}")
        if roots[layer].filters < 1:
            raise ValueError(f"{layer} stands for {roots[layer].filters} filters")
        if not all(torch.isfinite(tensor).all() for tensor in tensors):
            raise ValueError(f"{layer} has values that are not finite")
        inputs = width
