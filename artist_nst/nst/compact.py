"""The small network that stands in for VGG-19, and the file it is kept in.

Made by ``scripts/train_compact.py``; docs/compact.md says how. The file is safetensors
in 16 bits: by layer ``conv1_1.weight``, ``.bias`` and ``.root``, the last being R of
:class:`~artist_nst.nst.weights.Metric`.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from artist_nst.errors import ArtistNstError
from artist_nst.nst.weights import Metric, Weights, layer_names

PACKAGED = Path(__file__).parents[1] / "data" / "compact.safetensors"

# The key of the file's metadata: JSON with ``filters`` (N by layer), ``teacher`` and
# ``training``, the record of how it was made.
FORMAT = "artist-nst compact 1"
TEACHER = "VGG-19 (Simonyan and Zisserman, Oxford), CC BY 4.0"
PARTS = "weight", "bias", "root"
# 16 bits hold no number beyond this.
_MOST = 65504.0
_MEND = "install artist-nst anew, or name another file with --weights"


def load_compact(path: str | os.PathLike[str] | None = None) -> Weights:
    """The compact network that comes with the package, or another from ``path``.

    Raises:
        ArtistNstError: the file is missing, damaged, or holds something else.
    """
    file = PACKAGED if path is None else Path(path)
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        with safe_open(file, framework="pt") as archive:
            metadata = archive.metadata() or {}
            names = archive.keys()
            tensors = {name: archive.get_tensor(name) for name in names}
    except OSError as error:
        raise ArtistNstError(
            f"{file} cannot be read ({error.strerror or error}): {_MEND}"
        ) from error
    except SafetensorError as error:
        raise ArtistNstError(
            f"{file} is no safetensors file, or damaged: {_MEND}"
        ) from error
    if FORMAT not in metadata:
        raise ArtistNstError(f"{file} holds no compact network: {_MEND}")
    kernels, metrics = {}, {}
    try:
        filters = json.loads(metadata[FORMAT])["filters"]
        for layer in layer_names("compact"):
            weight, bias, root = (
                tensors[f"{layer}.{part}"].float()
                for part in ("weight", "bias", "root")
            )
            kernels[layer] = weight, bias
            metrics[layer] = Metric(root, int(filters[layer]))
        _check(kernels, metrics)
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ArtistNstError(
            f"{file} holds a compact network with something missing or misshapen "
            f"({error}): {_MEND}"
        ) from error
    return Weights("compact", kernels, "oxford", digest, str(file), metrics)


def is_compact(path: str | os.PathLike[str]) -> bool:
    """Whether a file says that it is of a compact network; false for one that can't
    be read, which is said when it is."""
    try:
        with safe_open(path, framework="pt") as archive:
            return FORMAT in (archive.metadata() or {})
    except (OSError, SafetensorError):
        return False


def packed(weights: Weights, record: Mapping[str, object]) -> bytes:
    """The file of a compact network: its numbers in 16 bits, and how it was made.

    Args:
        record: what JSON can hold; becomes the file's ``training``.

    Returns:
        The same bytes for the same values.
    """
    tensors: dict[str, Tensor] = {}
    for layer, (weight, bias) in weights.kernels.items():
        metric = weights.metrics[layer]
        for part, values in zip(PARTS, (weight, bias, metric.root), strict=True):
            assert float(values.abs().max()) < _MOST
            tensors[f"{layer}.{part}"] = values.half().contiguous()
    filters = {layer: metric.filters for layer, metric in weights.metrics.items()}
    about = {"filters": filters, "teacher": TEACHER, "training": record}
    # Under one key: several are written in any order, and the file would have another
    # hash each time.
    return save(tensors, {FORMAT: json.dumps(about)})


def training_record(path: str | os.PathLike[str] | None = None) -> dict[str, object]:
    """How a compact network was made, as its file tells."""
    with safe_open(PACKAGED if path is None else path, framework="pt") as archive:
        found: dict[str, object] = json.loads(archive.metadata()[FORMAT])["training"]
    return found


def _check(
    kernels: Mapping[str, tuple[Tensor, Tensor]], metrics: Mapping[str, Metric]
) -> None:
    """Raises ValueError where the layers don't fit together."""
    inputs = 3
    for layer, (weight, bias) in kernels.items():
        width = max(1, len(bias))
        found = tuple(weight.shape), tuple(bias.shape), tuple(metrics[layer].root.shape)
        if found != ((width, inputs, 3, 3), (width,), (width, width)):
            raise ValueError(f"{layer} has shapes {found}")
        parts = weight, bias, metrics[layer].root
        if metrics[layer].filters < 1:
            raise ValueError(f"{layer} stands for {metrics[layer].filters} filters")
        if not all(torch.isfinite(one).all() for one in parts):
            raise ValueError(f"{layer} has values that are not finite")
        inputs = width
