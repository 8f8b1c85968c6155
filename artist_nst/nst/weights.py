"""Where a VGG's weights come from: found, checked, cached, downloaded.

Looked for in this order: a file that was named, ``$ARTIST_NST_WEIGHTS``, torch's
cache, torchvision's server. A file is data from strangers: no code in it runs, and
whatever is wrong with it is said in one line.
"""

import hashlib
import logging
import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import requests
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from artist_nst.errors import ArtistNstError, UsageError, nearest
from artist_nst.recipes.recipe import Architecture, Network, architecture, title

# torchvision: RGB 0-1, its mean and standard deviation; oxford: BGR 0-255 minus mean.
InputConvention = Literal["torchvision", "oxford"]
Progress = Callable[[int, int], None]

VARIABLE = "ARTIST_NST_WEIGHTS"
WIDTHS: dict[Architecture, tuple[tuple[int, ...], ...]] = {
    "vgg11": ((64,), (128,), (256,) * 2, (512,) * 2, (512,) * 2),
    "vgg13": ((64,) * 2, (128,) * 2, (256,) * 2, (512,) * 2, (512,) * 2),
    "vgg16": ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3),
    "vgg19": ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4),
}
# Held here too, so that a look into the cache need not import torchvision (> 1 s).
FILE_NAMES: dict[Architecture, str] = {
    "vgg11": "vgg11-8a719046.pth",
    "vgg13": "vgg13-19584684.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
}
# vgg19-d01eb7cb.pth and vgg16-00b39a1b.pth, converted from Oxford's Caffe models.
_OXFORD_HASHES = ("d01eb7cb", "00b39a1b")
_STATED: dict[str, InputConvention] = {
    "bgr-255-minus-mean": "oxford",
    "oxford": "oxford",
    "rgb-01-mean-std": "torchvision",
    "torchvision": "torchvision",
}
_DEEPEST_NEEDED = "conv5_1"  # the deepest layer that the papers use
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)

_TIMEOUTS_S = (5.0, 30.0)  # to connect, and between two pieces of the body
_TRIES = 5
_CHUNK_BYTES = 1 << 16
_LARGEST_BYTES = 1 << 30  # about twice VGG-19: a server cannot fill the disk
_MEND = (
    f"name a file with --weights or ${VARIABLE}, run `artist-nst weights` where the "
    "network is reached, or paint with --network compact"
)

logger = logging.getLogger(__name__)


class WeightsUnavailableError(ArtistNstError):
    """No weights are at hand and none could be downloaded; no file is at fault.

    Attributes:
        problem: what is wrong, without what to do about it.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}: {_MEND}")
        self.problem = problem


class OtherNetworkError(ArtistNstError):
    """The file holds the weights of another network than the one asked for."""


@dataclass(frozen=True, eq=False)  # comparing tensors has no single truth value
class Metric:
    """How a small layer's features stand for those of a larger network's layer.

    The larger one's N features are about U times the small one's k; all that losses
    ask of them is in UᵀU, of which this is a root.

    Attributes:
        root: R ``(k, k)``, with RᵀR = UᵀU: the larger one's Gram matrices differ by
            ‖R (G − A) Rᵀ‖, its features by ‖R (F − P)‖.
        filters: N.
    """

    root: Tensor
    filters: int


@dataclass(frozen=True, eq=False)
class Weights:
    """A VGG's convolutions as they are in a file, and how they want their input.

    Attributes:
        network: which VGG they belong to; ``vgg19-normalised`` when rescaled.
        kernels: per layer (``"conv1_1"``) the weight ``(out, in, 3, 3)`` and the bias
            ``(out,)``, float32 on the CPU, shallow to deep, at least to conv5_1.
        input: ``"torchvision"`` (RGB 0-1, mean and standard deviation) or
            ``"oxford"`` (BGR 0-255 minus the mean 103.939, 116.779, 123.68).
        sha256: of the file's bytes, in hexadecimal.
        source: the file's path as it was given or found.
        metrics: by layer, where the network stands in for another.
    """

    network: Network
    kernels: dict[str, tuple[Tensor, Tensor]] = field(repr=False)
    input: InputConvention
    sha256: str
    source: str
    metrics: dict[str, Metric] = field(default_factory=dict, repr=False)


def layer_names(network: Network) -> tuple[str, ...]:
    """The network's convolutions by the papers' names: conv1_1, conv1_2, conv2_1, …

    Raises:
        UsageError: there is no such network.
    """
    if network == "compact":
        return tuple(one for one in layer_names("vgg19") if one <= _DEEPEST_NEEDED)
    return tuple(layer for layer, _, _ in _layout(_known(network)))


def find_weights(
    network: Network = "vgg19",
    file: str | os.PathLike[str] | None = None,
    *,
    input: InputConvention | None = None,
    offline: bool = False,
    on_progress: Progress | None = None,
) -> Weights:
    """The weights from the first place that has them, downloaded if need be.

    Args:
        network: which VGG.
        file: a file to use rather than looking for one.
        input: the file's input convention, where it cannot tell or tells wrong.
        offline: do not try the download.
        on_progress: called with the bytes done and in total (0: not known).
    Raises:
        WeightsUnavailableError: nothing was found, and nothing could be downloaded.
        UsageError: unknown network, or the file's input convention is not known.
        ArtistNstError: the file that was found is missing, damaged or another's.
    """
    kind = _known(network)
    cached = _cached(kind)
    path = locate_weights(kind, file)
    if path is None and offline:
        raise WeightsUnavailableError(
            f"{title(kind)}'s weights are not here, and offline nothing is downloaded"
        )
    if path is None:
        path = download_weights(kind, on_progress=on_progress)
    return _load(path, kind, input, _hash_in(path.name) if path == cached else "")


def locate_weights(
    network: Network = "vgg19", file: str | os.PathLike[str] | None = None
) -> Path | None:
    """The file that `find_weights` would read without a download, None if none.

    Raises:
        ArtistNstError: ``file``, or what ``$ARTIST_NST_WEIGHTS`` names, is not a file.
    """
    kind = _known(network)
    cached = _cached(kind)
    if file is not None:
        return _existing(Path(file), "")
    if named := os.environ.get(VARIABLE):
        path = _existing(Path(named), f"${VARIABLE}: ")
        # The variable speaks of one network; another's may be in the cache.
        return cached if cached.is_file() and not _may_fit(path, kind) else path
    return cached if cached.is_file() else None


def check_readable(path: str | os.PathLike[str]) -> None:
    """Raises ArtistNstError for a file that is missing, or holds no tensors."""
    try:
        _open(_existing(Path(path), ""))
    except OSError as error:
        raise ArtistNstError(
            f"{path} cannot be read ({error.strerror or error}): name another file"
        ) from error


def load_weights(
    path: str | os.PathLike[str],
    network: Network = "vgg19",
    *,
    input: InputConvention | None = None,
) -> Weights:
    """Read a state dict in torchvision's layout, from safetensors or PyTorch's format.

    The whole network or its features only, with or without the ``features.`` before
    the names, bare or under ``state_dict``; other tensors are left aside.

    Args:
        path: the file; its content, not its name, tells the format.
        network: which VGG it must hold.
        input: the file's input convention; wins over what the file says.
    Raises:
        UsageError: the input convention is not known and must be given.
        ArtistNstError: missing, damaged, hostile or another network's file.
    """
    return _load(_existing(Path(path), ""), _known(network), input, "")


def download_size(network: Network) -> int:
    """Bytes of torchvision's file, nearly: it publishes them in thousandths of a MiB.

    Raises:
        UsageError: there is no such network.
    """
    return round(float(_published(_known(network)).meta["_file_size"]) * 2**20)


def download_weights(
    network: Network = "vgg19",
    *,
    url: str | None = None,
    folder: Path | None = None,
    on_progress: Progress | None = None,
) -> Path:
    """Download torchvision's weights into torch's cache; go on where it broke off.

    The bytes gather in ``<name>.part`` and get their name only with the right hash.
    Two processes may do this at once: both write the same bytes to the same places
    and never shorten the part, and a cached file's hash is checked whenever it is read.

    Args:
        url: another address than torchvision's; ends in ``<name>-<hash>.pth``.
        folder: where to, rather than torch's cache.
        on_progress: called with the bytes done and in total (0: not known).
    Returns:
        The file; one that is there already, whole, is not downloaded again.
    Raises:
        WeightsUnavailableError: the network, the server or the disk failed.
    """
    kind = _known(network)
    url = url or str(_published(kind).url)
    name = PurePosixPath(urlsplit(url).path).name
    expected = _hash_in(name)
    target = (folder or _cached(kind).parent) / name
    part = target.with_name(f"{name}.part")
    try:
        if not _intact(target, expected):
            target.parent.mkdir(parents=True, exist_ok=True)
            _fetch(url, part, expected, on_progress)
            _accept(part, target, expected)
    except OSError as error:  # requests' errors are OSErrors too
        if _intact(target, expected):
            return target  # another process was first, and took the part away
        raise WeightsUnavailableError(
            f"{title(kind)}'s weights are not here and could not be downloaded "
            f"({_reason(error)})"
        ) from error
    return target


def _known(network: Network) -> Architecture:
    if network not in get_args(Network):
        hint = nearest(network, get_args(Network))
        raise UsageError(f"unknown network {network!r}: {hint}")
    if network == "compact":
        raise UsageError(
            "the compact network comes with artist-nst: there is nothing to download"
        )
    return architecture(network)


def _cached(network: Architecture) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAMES[network]


def _published(network: Architecture) -> Any:
    from torchvision.models import get_model_weights

    return get_model_weights(network)["IMAGENET1K_V1"]


def _hash_in(name: str) -> str:
    """The leading digits of the sha256 that torch's file names carry."""
    match = re.fullmatch(r".*-([0-9a-f]{8,64})\.\w+", name)
    if match is None:
        raise UsageError(f"{name!r} carries no hash: expected <name>-<sha256>.pth")
    return match[1]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _intact(path: Path, expected: str) -> bool:
    return path.is_file() and _sha256(path).startswith(expected)


def _existing(path: Path, asked_by: str) -> Path:
    if path.is_file():
        return path
    problem = "is a folder" if path.is_dir() else "is not a file"
    if not path.exists():
        problem = "does not exist"
    raise ArtistNstError(
        f"{asked_by}{path} {problem}: name a .safetensors or .pth file of weights"
    )


# Reading a file ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Archive:
    """What a file holds, before the tensors themselves are read."""

    shapes: Mapping[str, tuple[int, ...]]
    get: Callable[[str], Tensor]
    stated_input: str | None

    def names(self, index: int) -> tuple[str, str]:
        """Weight and bias of ``features[index]``, as this file names them."""
        whole = any(name.startswith("features.") for name in self.shapes)
        stem = f"{'features.' if whole else ''}{index}"
        return f"{stem}.weight", f"{stem}.bias"


def _load(
    path: Path, network: Architecture, input: InputConvention | None, expected: str
) -> Weights:
    """Read and check ``path``, whose sha256 must begin with ``expected``."""
    try:
        digest = _sha256(path)
        if not digest.startswith(expected):
            raise ArtistNstError(
                f"{path} is damaged (its hash does not begin with {expected}): "
                "run `artist-nst weights` to download it again"
            )
        archive = _open(path)
    except OSError as error:
        raise ArtistNstError(
            f"{path} cannot be read ({error.strerror or error}): name another file"
        ) from error
    _check_fit(archive, path, network)
    kernels = {}
    for layer, index, _ in _layout(network):
        weight, bias = archive.names(index)
        if weight in archive.shapes:
            kernels[layer] = (
                _as_float32(archive, weight, path),
                _as_float32(archive, bias, path),
            )
    convention = _settle_input(path, input, archive.stated_input, digest)
    return Weights(network, kernels, convention, digest, str(path))


def _open(path: Path) -> _Archive:
    """Tell the format by the first bytes, for names lie."""
    with path.open("rb") as file:
        head = file.read(9)
    if not head:
        raise ArtistNstError(f"{path} is empty: fetch it again")
    # First, for the header's size that comes before may begin like the others.
    if head[8:] == b"{":
        return _open_safetensors(path)
    if head.startswith((b"PK", b"\x80")):
        return _open_pytorch(path, zipped=head.startswith(b"PK"))
    raise ArtistNstError(
        f"{path} is neither a safetensors nor a PyTorch file: name another"
    )


def _open_safetensors(path: Path) -> _Archive:
    try:
        file: Any = safe_open(path, framework="pt")
        names = sorted(file.keys())
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
    except SafetensorError as error:
        raise _damaged(path) from error
    return _Archive(shapes, file.get_tensor, (file.metadata() or {}).get("input"))


def _open_pytorch(path: Path, *, zipped: bool) -> _Archive:
    """Let torch read tensors and plain containers, nothing that would run code."""
    try:
        loaded = _load_tensors_only(path, zipped=zipped)
    except Exception as error:  # a stranger's bytes can make it raise anything
        # torch tells these cases apart by its words only.
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
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict):
        raise ArtistNstError(f"{path} holds no state dict: name a file that does")
    tensors = {
        name: value
        for name, value in loaded.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    return _Archive(shapes, tensors.__getitem__, None)


def _load_tensors_only(path: Path, *, zipped: bool) -> Any:
    options: dict[str, Any] = {"map_location": "cpu", "weights_only": True}
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")
        # Given a path, newer torch goes by the suffix; an open file cannot be mapped.
        if zipped and path.suffix != ".safetensors":
            return torch.load(path, mmap=True, **options)
        return torch.load(file, **options)


def _damaged(path: Path) -> ArtistNstError:
    return ArtistNstError(f"{path} is cut short or damaged: fetch it again")


def _layout(
    network: Architecture,
) -> Iterator[tuple[str, int, tuple[int, int, int, int]]]:
    """Each convolution's name, index in torchvision's ``features``, weight shape."""
    index, inputs = 0, 3
    for block, widths in enumerate(WIDTHS[network], start=1):
        for nth, width in enumerate(widths, start=1):
            yield f"conv{block}_{nth}", index, (width, inputs, 3, 3)
            index, inputs = index + 2, width  # a ReLU follows
        index += 1  # and after the block, pooling


def _may_fit(path: Path, network: Architecture) -> bool:
    """False for another network's weights; what can't be read is said when it is."""
    try:
        _check_fit(_open(path), path, network)
    except OtherNetworkError:
        return False
    except (ArtistNstError, OSError):
        pass
    return True


def _check_fit(archive: _Archive, path: Path, network: Architecture) -> None:
    misfit = _misfit(archive, network)
    if misfit is None:
        return
    if "conv1_1.root" in archive.shapes:
        raise OtherNetworkError(
            f"{path}: this is a compact network, not {title(network)}: choose "
            "--network compact, and name it with --weights"
        )
    for other in WIDTHS:
        if _misfit(archive, other) is None:
            raise OtherNetworkError(
                f"{path}: these are {title(other)}'s weights, not "
                f"{title(network)}'s: choose --network {other} or another file, or "
                f"run `artist-nst weights --network {network}`"
            )
    raise ArtistNstError(
        f"{path}: these are weights of another network, or not all of "
        f"{title(network)}'s: {misfit}; name a state dict in torchvision's layout"
    )


def _misfit(archive: _Archive, network: Architecture) -> str | None:
    """Why these are not the network's layers to conv5_1 or deeper, without a gap."""
    gap = None
    for layer, index, shape in _layout(network):
        names = archive.names(index)
        absent = [name for name in names if name not in archive.shapes]
        if absent and gap is None:
            gap = f"{layer} is missing (no {absent[0]})"
        if gap is not None and (len(absent) < 2 or layer <= _DEEPEST_NEEDED):
            return gap
        for name, expected in zip(names, (shape, shape[:1]), strict=True):
            found = archive.shapes.get(name, expected)
            if found != expected:
                return f"{name} has shape {found}, expected {expected}"
    return None


def _as_float32(archive: _Archive, name: str, path: Path) -> Tensor:
    """A copy, so that nothing hangs on the file once it is read."""
    try:
        tensor = archive.get(name).detach()
    except Exception as error:  # a precision that this torch does not know
        raise _damaged(path) from error
    dense = tensor.layout == torch.strided and tensor.device.type == "cpu"
    if not dense or tensor.dtype not in _FLOATS:
        raise ArtistNstError(
            f"{path}: {name} is {tensor.dtype}, not plain floats: "
            "convert it to float32 or float16"
        )
    tensor = tensor.to(torch.float32, copy=True).contiguous()
    if not torch.isfinite(tensor).all():
        raise ArtistNstError(
            f"{path}: {name} has values that are not finite: fetch the file again"
        )
    return tensor


def _settle_input(
    path: Path, asked: InputConvention | None, stated: str | None, digest: str
) -> InputConvention:
    """What was asked for, else what the file says, else what its hash is known for."""
    if asked is not None and asked not in get_args(InputConvention):
        raise UsageError(
            f"unknown input convention {asked!r}: "
            f"{nearest(asked, get_args(InputConvention))}"
        )
    known = _known_by_hash(digest) if stated is None else _STATED.get(stated)
    if asked is not None:
        if (stated is not None or known is not None) and known != asked:
            logger.warning(
                "%s: its input is said to be %s; %s is used, as asked",
                path,
                repr(stated) if known is None else known,
                asked,
            )
        return asked
    if known is not None:
        return known
    problem = "does not say which input it wants"
    if stated is not None:
        problem = f"wants an unknown input, {stated[:60]!r}"
    raise UsageError(f"{path} {problem}: give --weights-input torchvision|oxford")


def _known_by_hash(digest: str) -> InputConvention | None:
    if digest.startswith(tuple(_hash_in(name) for name in FILE_NAMES.values())):
        return "torchvision"
    return "oxford" if digest.startswith(_OXFORD_HASHES) else None


# Downloading -------------------------------------------------------------------------


def _fetch(url: str, part: Path, expected: str, on_progress: Progress | None) -> None:
    """Complete ``part``, asking again as long as each broken answer brought some."""
    for remaining in reversed(range(_TRIES)):
        before = _size(part)
        try:
            return _fetch_rest(url, part, expected, on_progress)
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            if not remaining or _size(part) <= before:
                raise
            logger.info("%s; going on from %s", _reason(error), _mib(_size(part)))


def _fetch_rest(
    url: str, part: Path, expected: str, on_progress: Progress | None
) -> None:
    """One request for what ``part`` lacks; it starts anew where it cannot go on."""
    have = _size(part)
    headers = {
        "User-Agent": f"artist-nst/{_version()}",
        "Accept-Encoding": "identity",  # sizes and ranges are the file's own
    }
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(
        url, headers=headers, stream=True, timeout=_TIMEOUTS_S
    ) as response:
        start, total = _span(response)
        if start == have:
            return _append(response, part, start, total, on_progress)
        if start == 0:  # the server does not know ranges
            part.unlink(missing_ok=True)
            return _append(response, part, start, total, on_progress)
    # Refused (416), or another range than was asked for: all is here, or all is wrong.
    if have and not _intact(part, expected):
        part.unlink(missing_ok=True)
        _fetch_rest(url, part, expected, on_progress)


def _span(response: requests.Response) -> tuple[int, int]:
    """Where an answer starts (-1: nowhere), and the file's size (0: not said)."""
    length = response.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else 0
    if response.status_code == 200:
        return 0, size
    if response.status_code == 206:
        stated = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(?:(\d+)|\*)", stated)
        if match is None:
            return -1, 0
        start = int(match[1])
        return start, int(match[2] or (start + size if size else 0))
    if response.status_code == 416 and "Range" in response.request.headers:
        return -1, 0
    raise requests.HTTPError(
        f"{response.status_code} {response.reason} from {_host(response)}"
    )


def _append(
    response: requests.Response,
    part: Path,
    start: int,
    total: int,
    on_progress: Progress | None,
) -> None:
    """Write an answer's body into ``part`` from ``start`` on, never shortening it."""
    size = _mib(total) if total else "size unknown"
    logger.info(
        "downloading %s (%s%s) from %s to %s",
        part.stem,
        size,
        f", {_mib(start)} are here" if start else "",
        _host(response),
        part.parent,
    )
    if total > _LARGEST_BYTES:
        raise requests.HTTPError(f"{_host(response)} offers {size}, too much")
    if start == 0:  # else it must be there: a hole would look like bytes that came
        part.touch()
    done = start
    with part.open("r+b", buffering=0) as file:
        file.seek(start)
        for chunk in response.iter_content(_CHUNK_BYTES):
            if done + len(chunk) > (total or _LARGEST_BYTES):
                raise requests.HTTPError(f"{_host(response)} sent more than it said")
            if file.write(chunk) != len(chunk):
                raise OSError("the disk took only a part")
            done += len(chunk)
            if on_progress is not None:
                on_progress(done, total)
    if done < total:
        raise requests.ConnectionError(f"only {_mib(done)} of {size} came")


def _accept(part: Path, target: Path, expected: str) -> None:
    digest = _sha256(part)
    if not digest.startswith(expected):
        part.unlink(missing_ok=True)
        raise OSError(
            f"what came has the hash {digest[:8]}, not {expected[:8]}, and was deleted"
        )
    os.replace(part, target)


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"


def _host(response: requests.Response) -> str:
    return urlsplit(response.url).hostname or response.url


def _version() -> str:
    try:
        return metadata.version("artist-nst")
    except metadata.PackageNotFoundError:
        return "0"


def _reason(error: BaseException) -> str:
    """The innermost system error in a few words: requests' own wrap it three times."""
    if isinstance(error, requests.ConnectTimeout):
        return f"no answer within {_TIMEOUTS_S[0]:.0f} s"
    text = str(error)
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, OSError) and inner.strerror:
            place = f": {inner.filename}" if inner.filename else ""
            text = f"{inner.strerror}{place}"
        inner = inner.__cause__ or inner.__context__
    return " ".join(text.split())[:200]
