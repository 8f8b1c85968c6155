"""Download torchvision's weights into torch's cache, resuming where it broke off."""

import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import requests
import torch

from artist_nst._files import get_version, hash_file
from artist_nst.errors import ArtistNstError
from artist_nst.nst.weights.checkpoint import TORCHVISION_FILES, parse_hash_prefix
from artist_nst.recipes.layers import resolve_vgg
from artist_nst.recipes.recipe import Architecture, Network, format_network

DownloadCallback = Callable[[int, int], None]
"""Called with the bytes received so far and in total (0: unknown)."""

WEIGHTS_VARIABLE = "ARTIST_NST_WEIGHTS"
_ADVICE = (
    f"name a file with --weights or ${WEIGHTS_VARIABLE}, run `artist-nst weights` "
    "when you are online, or paint with --network compact"
)

_TIMEOUTS_S = (5.0, 30.0)  # to connect, and between two chunks of the body
_MAX_ATTEMPTS = 5
_CHUNK_BYTES = 1 << 16
_MAX_BYTES = 1 << 30  # about twice VGG-19: a server cannot fill the disk

logger = logging.getLogger(__name__)


class WeightsUnavailableError(ArtistNstError):
    """No weights are on this machine and none could be downloaded.

    Attributes:
        problem: The problem, without the advice.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}: {_ADVICE}")
        self.problem = problem


def get_cache_path(network: Architecture) -> Path:
    """Return where torch caches torchvision's file, whether it is there or not."""
    return Path(torch.hub.get_dir()) / "checkpoints" / TORCHVISION_FILES[network]


def get_download_size(network: Network) -> int:
    """Return the size of torchvision's file in bytes, to a thousandth of a MiB.

    Raises:
        UsageError: There is no such network.
    """
    return round(float(_get_published(resolve_vgg(network)).meta["_file_size"]) * 2**20)


def download_weights(
    network: Network = "vgg19",
    *,
    url: str | None = None,
    folder: Path | None = None,
    on_progress: DownloadCallback | None = None,
) -> Path:
    """Download torchvision's weights, unless the intact file is there already.

    The bytes are collected in ``<name>.part``, which is renamed when its hash is right.
    Two processes may do this at once: both write the same bytes to the same places and
    never shorten the part. A cached file's hash is checked whenever it is read.

    Args:
        network: Which VGG.
        url: Another address than torchvision's; ends in ``<name>-<hash>.pth``.
        folder: Where to, in place of torch's cache.
        on_progress: Called after each chunk.

    Raises:
        WeightsUnavailableError: The connection, the server or the disk failed.
    """
    architecture = resolve_vgg(network)
    url = url or str(_get_published(architecture).url)
    name = PurePosixPath(urlsplit(url).path).name
    sha256_prefix = parse_hash_prefix(name)
    target = (folder or get_cache_path(architecture).parent) / name
    part = target.with_name(f"{name}.part")
    try:
        if not _is_intact(target, sha256_prefix):
            target.parent.mkdir(parents=True, exist_ok=True)
            _Download(url, part, sha256_prefix, on_progress).run()
            os.replace(part, target)
    except (OSError, ArtistNstError) as error:  # requests' errors are OSErrors
        if _is_intact(target, sha256_prefix):
            return target  # another process was first and renamed the part
        raise WeightsUnavailableError(
            f"{format_network(architecture)}'s weights are not on this machine and "
            f"could not be downloaded ({_summarize(error)})"
        ) from error
    return target


def _get_published(network: Architecture) -> Any:
    from torchvision.models import get_model_weights

    return get_model_weights(network)["IMAGENET1K_V1"]


def _is_intact(path: Path, sha256_prefix: str) -> bool:
    with suppress(ArtistNstError):
        return path.is_file() and hash_file(path).startswith(sha256_prefix)
    return False


@dataclass(frozen=True)
class _Download:
    """One file's download into ``part``."""

    url: str
    part: Path
    sha256_prefix: str
    on_progress: DownloadCallback | None

    def run(self) -> None:
        """Complete the part, retrying as long as each broken response added bytes.

        Raises:
            OSError: The server, the connection or the disk failed, or the hash is
                wrong.
        """
        for remaining in reversed(range(_MAX_ATTEMPTS)):
            size = _size(self.part)
            try:
                self._request_rest()
                break
            except (
                requests.ConnectionError,
                requests.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ) as error:
                if not remaining or _size(self.part) <= size:
                    raise
                reason = _summarize(error)
                logger.info("%s; resuming at %s", reason, _mib(_size(self.part)))
        sha256 = hash_file(self.part)
        if not sha256.startswith(self.sha256_prefix):
            self.part.unlink(missing_ok=True)
            raise OSError(
                f"the file received has the hash {sha256[:8]}, not "
                f"{self.sha256_prefix[:8]}, and was deleted"
            )

    def _request_rest(self) -> None:
        """Request what the part lacks; start again where that is impossible."""
        size = _size(self.part)
        headers = {
            "User-Agent": f"artist-nst/{get_version() or 0}",
            "Accept-Encoding": "identity",  # sizes and ranges are the file's own
        }
        if size:
            headers["Range"] = f"bytes={size}-"
        with requests.get(
            self.url, headers=headers, stream=True, timeout=_TIMEOUTS_S
        ) as response:
            start, total = _parse_range(response)
            if start in (0, size):
                if start != size:  # the server ignores ranges
                    self.part.unlink(missing_ok=True)
                return self._append(response, start, total)
        # Refused (416) or another range: the part is complete, or it is wrong.
        if size and not _is_intact(self.part, self.sha256_prefix):
            self.part.unlink(missing_ok=True)
            self._request_rest()
        return None

    def _append(self, response: requests.Response, start: int, total: int) -> None:
        """Write a response's body from ``start`` on, never shortening the part."""
        size = _mib(total) if total else "size unknown"
        logger.info(
            "downloading %s (%s%s) from %s to %s",
            self.part.stem,
            size,
            f", {_mib(start)} are here" if start else "",
            _host(response),
            self.part.parent,
        )
        if total > _MAX_BYTES:
            raise requests.HTTPError(f"{_host(response)} offers {size}, too much")
        if start == 0:  # else it must exist: a hole would look like received bytes
            self.part.touch()
        received = start
        with self.part.open("r+b", buffering=0) as file:
            file.seek(start)
            for chunk in response.iter_content(_CHUNK_BYTES):
                if received + len(chunk) > (total or _MAX_BYTES):
                    raise requests.HTTPError(
                        f"{_host(response)} sent more than it announced"
                    )
                if file.write(chunk) != len(chunk):
                    raise OSError("the disk took only a part")
                received += len(chunk)
                if self.on_progress is not None:
                    self.on_progress(received, total)
        if received < total:
            raise requests.ConnectionError(
                f"only {_mib(received)} of {size} were received"
            )


def _parse_range(response: requests.Response) -> tuple[int, int]:
    """Return where a body starts (-1: no body), and the file's size (0: unknown)."""
    length = response.headers.get("Content-Length", "")
    size = int(length) if length.isdecimal() else 0
    if response.status_code == 200:
        return 0, size
    if response.status_code == 206:
        content_range = response.headers.get("Content-Range", "")
        match = re.fullmatch(r"bytes (\d+)-\d+/(?:(\d+)|\*)", content_range)
        if match is None:
            return -1, 0
        start = int(match[1])
        return start, int(match[2] or (start + size if size else 0))
    if response.status_code == 416 and "Range" in response.request.headers:
        return -1, 0
    raise requests.HTTPError(
        f"{response.status_code} {response.reason} from {_host(response)}"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"


def _host(response: requests.Response) -> str:
    return urlsplit(response.url).hostname or response.url


def _summarize(error: BaseException) -> str:
    """Return the innermost system error's text: requests wraps it three times."""
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
