"""One work's picture: which address, and whether what came is the picture."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from artist_nst.corpus.verify import Verified, Verify
from artist_nst.corpus.works import Work
from artist_nst.errors import ArtistNstError, TooLargeError
from artist_nst.wikiart.client import BadAnswerError, Download, NotFoundError, Polite
from artist_nst.wikiart.parsing import is_placeholder

Size = Literal["large", "hd", "original"]

# FRAME-600x480.jpg and ARTIST-480x600.jpg, whatever address they come from.
PLACEHOLDERS = {(600, 480), (480, 600)}
SURE = 3  # times that something odd must come before it is believed
TOLERANCE = 0.02  # of width by height
ROUNDING = 3  # pixels, of a derivative's sides
LEAST = 0.5  # of a listed side: the list may be out of date, but a thumbnail is none


@dataclass(frozen=True, slots=True)
class Derivative:
    """A smaller picture that WikiArt has of most works.

    Attributes:
        suffix: what it adds to the original's address.
        box: that the result fits in, width and height in pixels.
        from_width, from_height: of the original, either of which there must be for the
            derivative to exist (measured over 512 works).
    """

    suffix: str
    box: tuple[int, int]
    from_width: int
    from_height: int


DERIVATIVES: dict[Size, Derivative] = {
    "large": Derivative("!Large.jpg", (750, 600), 750, 600),
    "hd": Derivative("!HD.jpg", (1920, 1200), 1818, 1200),
}


class PlaceholderError(ArtistNstError):
    """WikiArt's own picture came in place of the work."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was downloaded and decoded.

    Attributes:
        path: where its bytes are, under a temporary name.
        address: the original's, or that of the derivative it is.
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
    original = work.image_url or ""
    for derivative in tried(work, size):
        check = _Check(verify, work, expected(work, derivative))
        address = original + derivative.suffix if derivative else original
        try:
            came, seen = site.download(address, part, check)
        except NotFoundError as error:
            if derivative is None:
                raise ArtistNstError(
                    f"WikiArt has no such picture ({error})"
                ) from error
            continue
        return Picture(
            part,
            address,
            came.bytes,
            came.sha256,
            seen.width,
            seen.height,
            seen.suffix,
            check.remark,
        )
    raise AssertionError("the original is tried last, and returned or raised for")


def size_of(work: Work) -> Size:
    """Which of WikiArt's sizes the file that is here has."""
    address = work.file_url or ""
    sizes = (one for one in DERIVATIVES if address.endswith(DERIVATIVES[one].suffix))
    return next(sizes, "original")


def is_outdated(work: Work) -> bool:
    """Whether another picture is listed than the one that is here."""
    if not (work.file_url and work.image_url):
        return False
    return _path(work.file_url) != _path(work.image_url)


def pixels_of(work: Work, size: Size) -> float:
    """About how many pixels its picture will have; 0 if not known."""
    width, height = expected(work, tried(work, size)[0]) or (0, 0)
    return width * height


def tried(work: Work, size: Size) -> list[Derivative | None]:
    """The derivative to ask for, if there may be one; the original (None) last."""
    derivative, listed = DERIVATIVES.get(size), expected(work, None)
    if derivative is None:
        return [None]
    small = listed is not None and (
        listed[0] < derivative.from_width and listed[1] < derivative.from_height
    )
    return [None] if small else [derivative, None]


def expected(work: Work, derivative: Derivative | None) -> tuple[float, float] | None:
    """Width and height of the original or of a derivative, by what is listed."""
    width, height = work.listed_width, work.listed_height
    if not (width and height):
        return None
    if derivative is None:
        return width, height
    shrink = min(1.0, derivative.box[0] / width, derivative.box[1] / height)
    return width * shrink, height * shrink


class _Check:
    """Whether a download is the picture that was meant, seen over several tries."""

    def __init__(
        self, verify: Verify, work: Work, size: tuple[float, float] | None
    ) -> None:
        self.verify = verify
        self.work = work
        self.size = size
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
        width, height = seen.width, seen.height
        if self.size and _is_turned(width, height, *self.size):
            width, height = height, width
        if not (self.size and _is_same(width, height, *self.size)):
            if (seen.width, seen.height) in PLACEHOLDERS:
                raise self._withheld()
            self._other_size(width, height)
        return came, seen

    def _withheld(self) -> ArtistNstError:
        self.odd += 1
        told = "WikiArt shows a placeholder, perhaps for copyright where you are"
        return PlaceholderError(told) if self.odd >= SURE else BadAnswerError(told)

    def _other_size(self, width: int, height: int) -> None:
        """The list may be out of date, but then the proportions stay the same."""
        here = (self.work.width or 0) * (self.work.height or 0)
        if not is_outdated(self.work) and width * height < here:
            raise BadAnswerError(f"{width}×{height} pixels, worse than what was here")
        if self.size is None:
            return
        told = f"{width}×{height} pixels, listed as {_rounded(*self.size)}"
        self.odd += 1
        proportions = width / height * self.size[1] / self.size[0]
        if (
            self.odd < SURE
            or abs(proportions - 1) > TOLERANCE
            or width < LEAST * self.size[0]
        ):
            raise BadAnswerError(told)
        self.remark = told


def _is_same(
    width: int, height: int, wanted_width: float, wanted_height: float
) -> bool:
    return (
        abs(width - wanted_width) <= ROUNDING
        and abs(height - wanted_height) <= ROUNDING
    )


def _is_turned(width: int, height: int, like_width: float, like_height: float) -> bool:
    """Whether one is upright and the other is not."""
    return (width - height) * (like_width - like_height) < 0


def _rounded(width: float, height: float) -> str:
    return f"{width:.0f}×{height:.0f}"


def _path(address: str) -> str:
    """The same for a picture on whichever of the ten hosts, in whichever size."""
    path = urlsplit(address).path
    for derivative in DERIVATIVES.values():
        path = path.removesuffix(derivative.suffix)
    return path


def _without(path: Path, error: ArtistNstError) -> str:
    """What is wrong with the picture, without its temporary name and the mend."""
    text = str(error).replace(str(path), "the picture")
    return text.rpartition("; ")[0] or text
