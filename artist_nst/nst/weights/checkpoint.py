"""Read and check a file of VGG weights.

Both formats, safetensors and PyTorch's, are read as untrusted data: no code in a file
is executed, and every problem is reported as a one-line error.
"""

import logging
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from artist_nst._files import hash_file, open_file
from artist_nst._types import PathLike
from artist_nst.errors import ArtistNstError, UsageError, suggest
from artist_nst.recipes.layers import LAST_REQUIRED_LAYER, VGG_WIDTHS, resolve_vgg
from artist_nst.recipes.recipe import Architecture, Network, format_network

InputConvention = Literal["torchvision", "oxford"]
"""``torchvision``: RGB 0–1, normalized by mean and standard deviation; ``oxford``: BGR
0–255 minus the mean 103.939, 116.779, 123.68."""

# Listed here because importing torchvision to ask for them takes more than a second.
TORCHVISION_FILES: dict[Architecture, str] = {
    "vgg11": "vgg11-8a719046.pth",
    "vgg13": "vgg13-19584684.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
}
# vgg19-d01eb7cb.pth and vgg16-00b39a1b.pth, converted from Oxford's Caffe models.
_OXFORD_HASHES = ("d01eb7cb", "00b39a1b")
# Values of the key "input" in a safetensors file's metadata.
_INPUT_NAMES: dict[str, InputConvention] = {
    "bgr-255-minus-mean": "oxford",
    "oxford": "oxford",
    "rgb-01-mean-std": "torchvision",
    "torchvision": "torchvision",
}
# Of tensors' names and sizes alone; VGG-19's is of 3,000 bytes.
MAX_PICKLE_BYTES = 16 << 20
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

logger = logging.getLogger(__name__)


class OtherNetworkError(ArtistNstError):
    """The file holds the weights of another network than the one asked for."""


@dataclass(frozen=True, eq=False)  # comparing tensors has no single truth value
class ProjectionRoot:
    """Map from a compact layer's features to the larger layer that it stands for.

    The larger layer's N features are about U times the compact layer's k features. The
    losses need only UᵀU, of which this is a root.

    Attributes:
        matrix: R ``(k, k)``, with RᵀR = UᵀU: the larger layer's Gram matrices differ by
            ‖R (G − A) Rᵀ‖, its features by ‖R (F − P)‖.
        filters: N.
    """

    matrix: Tensor
    filters: int


@dataclass(frozen=True, eq=False)
class Weights:
    """Convolutions of a VGG as a file holds them, with the input that they expect.

    Attributes:
        network: Which VGG they belong to; ``vgg19-normalised`` after rescaling.
        kernels: Weight ``(out, in, 3, 3)`` and bias ``(out,)`` of each layer
            (``"conv1_1"``), float32 on the CPU, shallow to deep, at least to conv5_1.
        input: The input convention.
        sha256: Hash of the file's bytes, in hexadecimal.
        source: The file's path as it was given or found.
        projection_roots: By layer, where the network stands in for a larger one.
    """

    network: Network
    kernels: dict[str, tuple[Tensor, Tensor]] = field(repr=False)
    input: InputConvention
    sha256: str
    source: str
    projection_roots: dict[str, ProjectionRoot] = field(
        default_factory=dict, repr=False
    )


def check_readable(path: PathLike) -> None:
    """Raise ArtistNstError for a file that is missing or holds no tensors."""
    _open(Path(path))


def belongs_to_other(path: Path, network: Architecture) -> bool:
    """Return whether a file holds another network's weights.

    False for an unreadable file: that is reported when it is loaded.
    """
    try:
        _check_architecture(_open(path), path, network)
    except OtherNetworkError:
        return True
    except ArtistNstError:
        pass
    return False


def load_weights(
    path: PathLike,
    network: Network = "vgg19",
    *,
    input: InputConvention | None = None,
    sha256_prefix: str = "",
) -> Weights:
    """Read a state dict in torchvision's layout, from safetensors or PyTorch's format.

    It may be the whole network or its features only, with or without ``features.``
    before the names, bare or under ``state_dict``. Other tensors are ignored.

    Args:
        path: The file; its content, not its name, determines the format.
        network: Which VGG it must hold.
        input: The file's input convention; overrides what the file says.
        sha256_prefix: What the file's hash must begin with.

    Raises:
        UsageError: The input convention is unknown and must be given.
        ArtistNstError: A missing, damaged, hostile or another network's file.
    """
    path, architecture = Path(path), resolve_vgg(network)
    sha256 = hash_file(path)
    if not sha256.startswith(sha256_prefix):
        raise ArtistNstError(
            f"{path} is damaged (its hash does not begin with {sha256_prefix}): "
            "run `artist-nst weights` to download it again"
        )
    archive = _open(path)
    _check_architecture(archive, path, architecture)
    kernels = {}
    for layer, index, _ in _layout(architecture):
        weight, bias = archive.parameter_names(index)
        if weight in archive.shapes:
            kernels[layer] = (
                _read_float32(archive, weight, path),
                _read_float32(archive, bias, path),
            )
    convention = _choose_input(path, input, archive.stated_input, sha256)
    return Weights(architecture, kernels, convention, sha256, str(path))


def parse_hash_prefix(name: str) -> str:
    """Return the leading digits of the SHA-256 that torchvision's file names carry."""
    match = re.fullmatch(r".*-([0-9a-f]{8,64})\.\w+", name)
    if match is None:
        raise UsageError(f"{name!r} carries no hash: expected <name>-<sha256>.pth")
    return match[1]


# Formats -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Archive:
    """A file's index: what it holds, before the tensors themselves are read."""

    shapes: Mapping[str, tuple[int, ...]]
    get: Callable[[str], Tensor]
    stated_input: str | None

    def parameter_names(self, index: int) -> tuple[str, str]:
        """Return this file's names for weight and bias of ``features[index]``."""
        has_prefix = any(name.startswith("features.") for name in self.shapes)
        stem = f"{'features.' if has_prefix else ''}{index}"
        return f"{stem}.weight", f"{stem}.bias"


def _open(path: Path) -> _Archive:
    """Detect the format by the first bytes, for suffixes may be wrong."""
    with open_file(path) as file:
        head = file.read(9)
    # Safetensors first: the header's size in its first bytes may look like the others.
    if head[8:] == b"{":
        return _open_safetensors(path)
    if head.startswith((b"PK", b"\x80")):
        return _open_pytorch(path, is_zip=head.startswith(b"PK"))
    raise ArtistNstError(
        f"{path} is neither a safetensors nor a PyTorch file: name another"
    )


def _open_safetensors(path: Path) -> _Archive:
    try:
        file: Any = safe_open(path, framework="pt")
        names = sorted(file.keys())
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error
    return _Archive(shapes, file.get_tensor, (file.metadata() or {}).get("input"))


def _open_pytorch(path: Path, *, is_zip: bool) -> _Archive:
    """Let torch read tensors and plain containers, nothing that would run code."""
    if is_zip:
        _check_zip(path)
    try:
        content = _load_tensors_only(path, is_zip=is_zip)
    except Exception as error:  # untrusted bytes can make it raise anything
        # torch distinguishes these cases only by its messages.
        if re.search("GLOBAL|TorchScript|allowlisted|call reduce", str(error)):
            raise ArtistNstError(
                f"{path} refused: it holds code, not only tensors; "
                "save its state dict as safetensors"
            ) from error
        if isinstance(error, pickle.UnpicklingError):
            raise ArtistNstError(
                f"{path} refused: it is damaged or holds more than tensors; "
                "name a state dict"
            ) from error
        raise _damaged(path) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise ArtistNstError(f"{path} holds no state dict: name a file that does")
    tensors = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return _Archive(shapes, tensors.__getitem__, None)


def _check_zip(path: Path) -> None:
    """Raise ArtistNstError for a zip whose entries do not unpack to what they take."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except Exception as error:  # a damaged index raises as many kinds as a decoder
        raise _damaged(path) from error
    pickles = [entry.file_size for entry in entries if entry.filename.endswith(".pkl")]
    is_compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
    # Overlapping entries would hold more than the file.
    is_larger = sum(entry.file_size for entry in entries) > path.stat().st_size
    if is_compressed or is_larger or sum(pickles) > MAX_PICKLE_BYTES:
        raise ArtistNstError(
            f"{path} refused: PyTorch does not write such a file; save the state dict "
            "as safetensors"
        )


def _load_tensors_only(path: Path, *, is_zip: bool) -> Any:
    options: dict[str, Any] = {"map_location": "cpu", "weights_only": True}
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")
        # Newer torch trusts a path's suffix, so a misnamed file is passed open, and an
        # open file cannot be memory-mapped.
        if is_zip and path.suffix != ".safetensors":
            return torch.load(path, mmap=True, **options)
        return torch.load(file, **options)


def _damaged(path: Path) -> ArtistNstError:
    return ArtistNstError(f"{path} is cut short or damaged: download it again")


# Checks ------------------------------------------------------------------------------


def _layout(
    network: Architecture,
) -> Iterator[tuple[str, int, tuple[int, int, int, int]]]:
    """Yield each convolution's name, index in torchvision's ``features``, and shape."""
    index, inputs = 0, 3
    for block, widths in enumerate(VGG_WIDTHS[network], start=1):
        for number, width in enumerate(widths, start=1):
            yield f"conv{block}_{number}", index, (width, inputs, 3, 3)
            index, inputs = index + 2, width  # a ReLU follows
        index += 1  # pooling follows the block


def _check_architecture(archive: _Archive, path: Path, network: Architecture) -> None:
    mismatch = _find_mismatch(archive, network)
    if mismatch is None:
        return
    expected = format_network(network)
    if "conv1_1.root" in archive.shapes:
        raise OtherNetworkError(
            f"{path}: this is a compact network, not {expected}: choose "
            "--network compact, and name it with --weights"
        )
    for other in VGG_WIDTHS:
        if _find_mismatch(archive, other) is None:
            raise OtherNetworkError(
                f"{path}: these are {format_network(other)}'s weights, not "
                f"{expected}'s: choose --network {other} or another file, or "
                f"run `artist-nst weights --network {network}`"
            )
    raise ArtistNstError(
        f"{path}: these are weights of another network, or not all of "
        f"{expected}'s: {mismatch}; name a state dict in torchvision's layout"
    )


def _find_mismatch(archive: _Archive, network: Architecture) -> str | None:
    """Say why these are not the network's layers to conv5_1 or deeper, without a gap.

    Returns:
        None if they are.
    """
    gap = None
    for layer, index, shape in _layout(network):
        names = archive.parameter_names(index)
        missing = [name for name in names if name not in archive.shapes]
        if missing and gap is None:
            gap = f"{layer} is missing (no {missing[0]})"
        if gap is not None and (len(missing) < 2 or layer <= LAST_REQUIRED_LAYER):
            return gap
        for name, expected in zip(names, (shape, shape[:1]), strict=True):
            actual = archive.shapes.get(name, expected)
            if actual != expected:
                return f"{name} has shape {actual}, expected {expected}"
    return None


def _read_float32(archive: _Archive, name: str, path: Path) -> Tensor:
    """Copy a tensor, so that nothing depends on the file once it is read."""
    try:
        tensor = archive.get(name).detach()
    except Exception as error:  # a dtype that this torch does not know
        raise _damaged(path) from error
    is_dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    if not is_dense or tensor.dtype not in _FLOATS:
        raise ArtistNstError(
            f"{path}: {name} is {tensor.dtype}, not plain floats: "
            "convert it to float32 or float16"
        )
    tensor = tensor.to(torch.float32, copy=True).contiguous()
    if not torch.isfinite(tensor).all():
        raise ArtistNstError(
            f"{path}: {name} has values that are not finite: download the file again"
        )
    return tensor


def _choose_input(
    path: Path, requested: InputConvention | None, stated: str | None, sha256: str
) -> InputConvention:
    """Take the convention requested, else the file's own, else known by its hash."""
    if requested is not None and requested not in get_args(InputConvention):
        hint = suggest(requested, get_args(InputConvention))
        raise UsageError(f"unknown input convention {requested!r}: {hint}")
    known = _get_known_input(sha256) if stated is None else _INPUT_NAMES.get(stated)
    if requested is not None:
        if known != requested and (stated is not None or known is not None):
            logger.warning(
                "%s: its input is said to be %s; %s is used, as requested",
                path,
                repr(stated) if known is None else known,
                requested,
            )
        return requested
    if known is not None:
        return known
    problem = "does not say which input it expects"
    if stated is not None:
        problem = f"expects an unknown input, {stated[:60]!r}"
    raise UsageError(f"{path} {problem}: give --weights-input torchvision|oxford")


def _get_known_input(sha256: str) -> InputConvention | None:
    published = tuple(parse_hash_prefix(name) for name in TORCHVISION_FILES.values())
    if sha256.startswith(published):
        return "torchvision"
    return "oxford" if sha256.startswith(_OXFORD_HASHES) else None
