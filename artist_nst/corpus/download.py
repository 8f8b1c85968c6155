"""One work's picture: which address, and whether what came is the picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from artist_nst.corpus.answers import is_placeholder
from artist_nst.corpus.listing import original
from artist_nst.corpus.polite import BadAnswerError, Download, NotFoundError, Polite
from artist_nst.corpus.verify import Verified, Verify
from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError, TooLargeError

Size = Literal["large", "hd", "original"]
SIZES: tuple[Size, ...] = ("large", "hd", "original")  # smaller to larger

# FRAME-600x480.jpg and ARTIST-480x600.jpg, whatever address they come from.
PLACEHOLDERS = {(600, 480), (480, 600)}
SURE = 3  # times that something odd must come before it is believed
ASPECT_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class _Derivative:
    """What WikiArt adds to a picture's address, the box that the result fits in, and
    from what width or height on there is one (measured over 512 works)."""

    suffix: str
    box: tuple[int, int]
    from_width: int
    from_height: int


DERIVATIVES: dict[Size, _Derivative] = {
    "large": _Derivative("!Large.jpg", (750, 600), 750, 600),
    "hd": _Derivative("!HD.jpg", (1920, 1200), 1818, 1200),
}


class PlaceholderError(ArtistNstError):
    """WikiArt's own picture came in place of the work."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was downloaded and decoded.

    Attributes:
        path: where its bytes are, under a temporary name.
        address: the work's, or that of the derivative it is.
        width, height: in pixels, upright.
        remark: what is odd about it, if anything.
    """

    path: Path
    address: str
    bytes: int
    sha256: str
    width: int
    height: int
    suffix: str
    remark: str | None


def download(
    site: Polite, work: Work, size: Size, part: Path, verify: Verify
) -> Picture:
    """The picture of ``work`` at ``part``, whole.

    Raises:
        PlaceholderError: WikiArt withholds it.
        ArtistNstError: it can't be had; says why in a few words.
        OSError: the disk refused.
    """
    address = original(work.image_url) or ""
    for derivative in _tried(work, size):
        check = _Check(verify, _expected(work) if derivative is None else None)
        whole = address if derivative is None else address + derivative.suffix
        try:
            came, seen = site.download(whole, part, check)
        except NotFoundError as error:
            if derivative is None:
                raise ArtistNstError(
                    f"WikiArt has no such picture ({error})"
                ) from error
        else:
            return Picture(
                part,
                whole,
                came.bytes,
                came.sha256,
                seen.width,
                seen.height,
                seen.suffix,
                check.remark,
            )
    raise AssertionError("the original is tried last, and returned or raised for")


def smaller(work: Work, size: Size) -> bool:
    """Whether the picture that is here is a smaller derivative than ``size``."""
    here: Size = next((one for one in DERIVATIVES if _is(work, one)), "original")
    return SIZES.index(here) < SIZES.index(size)


def pixels_of(work: Work, size: Size) -> float:
    """About how many pixels its picture will have; 0 if not known."""
    width, height = work.width or 0, work.height or 0
    derivative = _tried(work, size)[0]
    if derivative is None or not (width and height):
        return width * height
    shrink = min(1.0, derivative.box[0] / width, derivative.box[1] / height)
    return width * height * shrink * shrink


def _tried(work: Work, size: Size) -> list[_Derivative | None]:
    """The derivatives to ask for, and the original (None) in the end."""
    derivative = DERIVATIVES.get(size)
    if derivative is None:
        return [None]
    sizes = _expected(work)
    small = sizes is not None and (
        sizes[0] < derivative.from_width and sizes[1] < derivative.from_height
    )
    return [None] if small else [derivative, None]


def _is(work: Work, size: Size) -> bool:
    return (work.image_url or "").endswith(DERIVATIVES[size].suffix)


def _expected(work: Work) -> tuple[int, int] | None:
    """The original's width and height, as far as they are known."""
    derived = any(_is(work, size) for size in DERIVATIVES)
    if derived or not (work.width and work.height):
        return None
    return work.width, work.height


class _Check:
    """Whether a download is the picture that was meant, seen over several tries."""

    def __init__(self, verify: Verify, expected: tuple[int, int] | None) -> None:
        self.verify = verify
        self.expected = expected
        self.odd = 0
        self.remark: str | None = None

    def __call__(self, came: Download) -> tuple[Download, Verified]:
        if is_placeholder(came.address):
            raise self._withheld()
        try:
            seen = self.verify(came.path)
        except TooLargeError as error:
            raise TooLargeError(_without(came.path, error)) from error
        except ArtistNstError as error:
            raise BadAnswerError(_without(came.path, error)) from error
        size = (seen.width, seen.height)
        if self.expected is None or sorted(size) == sorted(self.expected):
            return came, seen
        if size in PLACEHOLDERS:
            raise self._withheld()
        self._other_size(size, self.expected)
        return came, seen

    def _withheld(self) -> ArtistNstError:
        self.odd += 1
        told = "WikiArt shows a placeholder, perhaps for copyright where you are"
        return PlaceholderError(told) if self.odd >= SURE else BadAnswerError(told)

    def _other_size(self, size: tuple[int, int], expected: tuple[int, int]) -> None:
        """The list may be out of date, but then the work's shape stays the same."""
        told = f"{size[0]}×{size[1]} pixels, listed as {expected[0]}×{expected[1]}"
        self.odd += 1
        aspect = size[0] / size[1] * expected[1] / expected[0]
        if self.odd < SURE or abs(aspect - 1) > ASPECT_TOLERANCE:
            raise BadAnswerError(told)
        self.remark = told


def _without(path: Path, error: ArtistNstError) -> str:
    """What is wrong with the picture, without its temporary name and the mend."""
    text = str(error).replace(str(path), "the picture")
    return text.rpartition("; ")[0] or text
