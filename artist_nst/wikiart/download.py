"""Downloading one work's picture, and checking that it is the right one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError, TooLargeError
from artist_nst.image.verify import Verified, verify_picture
from artist_nst.wikiart.client import (
    Download,
    InvalidResponseError,
    NotFoundError,
    WikiArtClient,
)
from artist_nst.wikiart.parsing import MAX_SIDE, get_url_path, is_placeholder

Size = Literal["large", "hd", "original"]

# FRAME-600x480.jpg and ARTIST-480x600.jpg, at any address.
PLACEHOLDER_SIZES = {(600, 480), (480, 600)}
CONFIRMATIONS = 3  # times that something unexpected must come before it is believed
ASPECT_TOLERANCE = 0.02
ROUNDING = 3  # pixels, of a derivative's sides
MIN_SCALE = 0.5  # of a listed side: the list may be outdated, but not by a thumbnail


@dataclass(frozen=True, slots=True)
class Derivative:
    """A smaller picture that WikiArt has of most works.

    Attributes:
        suffix: What it adds to the original's address.
        box: Width and height in pixels that it fits in.
        min_width, min_height: Of the original, one of which is needed for the
            derivative to exist (measured over 512 works).
    """

    suffix: str
    box: tuple[int, int]
    min_width: int
    min_height: int


DERIVATIVES: dict[Size, Derivative] = {
    "large": Derivative("!Large.jpg", (750, 600), 750, 600),
    "hd": Derivative("!HD.jpg", (1920, 1200), 1818, 1200),
}


class PlaceholderError(ArtistNstError):
    """WikiArt's placeholder came in place of the work."""


@dataclass(frozen=True, slots=True)
class DownloadedPicture:
    """A picture that was downloaded and decoded.

    Attributes:
        url: The address of the original, or of the derivative that it is.
        file: Its bytes, under a temporary name.
        image: Its size and format.
        remark: What is unexpected about it, if anything.
    """

    url: str
    file: Download
    image: Verified
    remark: str | None


def download_picture(
    client: WikiArtClient, work: Work, size: Size, path: Path, max_pixels: int
) -> DownloadedPicture:
    """Download the picture of a work to ``path``.

    Raises:
        PlaceholderError: WikiArt withholds it.
        ArtistNstError: It can't be downloaded; says why in a few words.
        OSError: The file cannot be written.
    """
    original = work.image_url or ""
    for derivative in list_derivatives(work, size):
        check = _PictureCheck(work, expected_size(work, derivative), max_pixels)
        url = original + derivative.suffix if derivative else original
        try:
            file, image = client.download(url, path, check)
        except NotFoundError as error:
            if derivative is None:
                raise ArtistNstError(
                    f"WikiArt has no such picture ({error})"
                ) from error
            continue
        return DownloadedPicture(url, file, image, check.remark)
    raise AssertionError("the original is tried last, and returned or raised for")


def get_size_name(work: Work) -> Size:
    """Return which of WikiArt's sizes the file that is here has."""
    url = work.file_url or ""
    sizes = (size for size in DERIVATIVES if url.endswith(DERIVATIVES[size].suffix))
    return next(sizes, "original")


def is_outdated(work: Work) -> bool:
    """Tell whether another picture is listed than the one that is here."""
    if not (work.file_url and work.image_url):
        return False
    return _original_path(work.file_url) != _original_path(work.image_url)


def estimate_pixels(work: Work, size: Size) -> float:
    """Estimate how many pixels a work's picture will have; 0 if not known."""
    width, height = expected_size(work, list_derivatives(work, size)[0]) or (0, 0)
    return width * height


def list_derivatives(work: Work, size: Size) -> list[Derivative | None]:
    """List what to try: the derivative, if there may be one; the original (None)."""
    derivative, original = DERIVATIVES.get(size), expected_size(work, None)
    if derivative is None:
        return [None]
    is_too_small = original is not None and (
        original[0] < derivative.min_width and original[1] < derivative.min_height
    )
    return [None] if is_too_small else [derivative, None]


def expected_size(
    work: Work, derivative: Derivative | None
) -> tuple[float, float] | None:
    """Compute width and height of the original or a derivative from those listed."""
    width, height = work.listed_width, work.listed_height
    if not (width and height) or max(width, height) > MAX_SIDE:
        return None
    if derivative is None:
        return width, height
    scale = min(1.0, derivative.box[0] / width, derivative.box[1] / height)
    return width * scale, height * scale


class _PictureCheck:
    """A check that downloads are the right picture, with a memory over several tries.

    Attributes:
        remark: What is unexpected about the accepted picture, if anything.
    """

    def __init__(
        self, work: Work, expected: tuple[float, float] | None, max_pixels: int
    ) -> None:
        self.remark: str | None = None
        self._work = work
        self._expected = expected
        self._max_pixels = max_pixels
        self._unexpected = 0

    def __call__(self, file: Download) -> tuple[Download, Verified]:
        if is_placeholder(file.url):
            raise self._placeholder_error()
        try:
            image = verify_picture(file.path, max_pixels=self._max_pixels)
        except TooLargeError as error:
            raise TooLargeError(_shorten(error, file.path)) from error
        except ArtistNstError as error:
            raise InvalidResponseError(_shorten(error, file.path)) from error
        width, height, expected = image.width, image.height, self._expected
        # The list may have the size before a rotation.
        if expected and (width - height) * (expected[0] - expected[1]) < 0:
            width, height = height, width
        is_same = expected and (
            abs(width - expected[0]) <= ROUNDING
            and abs(height - expected[1]) <= ROUNDING
        )
        if not is_same:
            if (image.width, image.height) in PLACEHOLDER_SIZES:
                raise self._placeholder_error()
            self._check_other_size(width, height)
        return file, image

    def _placeholder_error(self) -> ArtistNstError:
        self._unexpected += 1
        is_confirmed = self._unexpected >= CONFIRMATIONS
        kind = PlaceholderError if is_confirmed else InvalidResponseError
        return kind("WikiArt shows a placeholder, perhaps for copyright where you are")

    def _check_other_size(self, width: int, height: int) -> None:
        """Accept another size than the listed one only if the proportions agree."""
        present = (self._work.width or 0) * (self._work.height or 0)
        if not is_outdated(self._work) and width * height < present:
            raise InvalidResponseError(
                f"{width}×{height} pixels, fewer than the picture that is here"
            )
        if self._expected is None:
            return
        listed_width, listed_height = self._expected
        message = (
            f"{width}×{height} pixels, listed as {listed_width:.0f}×{listed_height:.0f}"
        )
        self._unexpected += 1
        aspect_ratio = width / height * listed_height / listed_width
        if (
            self._unexpected < CONFIRMATIONS
            or abs(aspect_ratio - 1) > ASPECT_TOLERANCE
            or width < MIN_SCALE * listed_width
        ):
            raise InvalidResponseError(message)
        self.remark = message


def _original_path(url: str) -> str:
    """Return the original's path, which is the same on all hosts and for all sizes."""
    path = get_url_path(url)
    for derivative in DERIVATIVES.values():
        path = path.removesuffix(derivative.suffix)
    return path


def _shorten(error: ArtistNstError, path: Path) -> str:
    """Shorten a message: no temporary file name, no advice."""
    text = str(error).replace(str(path), "the picture")
    return text.rpartition("; ")[0] or text
