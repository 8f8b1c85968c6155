"""Work and Corpus: an artist's manifest and files, read and found by name."""

import logging
import os
import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import platformdirs

from artist_nst._files import (
    describe_read_error,
    find_files,
    format_error,
    is_picture_file,
    list_folder,
    open_file,
)
from artist_nst._validation import Count, Side, Text, is_json, parse_json, validate
from artist_nst.corpus.names import find_similar, fold, make_title, match_name
from artist_nst.errors import ArtistNstError, UsageError, format_count

FORMAT = 1
CORPORA_VARIABLE = "ARTIST_NST_CORPORA"

log = logging.getLogger(__name__)


class DamagedError(ArtistNstError):
    """A manifest that artist-nst did not write: it must be corrected, or forgotten."""


Status = Literal["ok", "pending", "restricted", "failed"]


@dataclass(frozen=True, slots=True)
class Work:
    """One line of ``works.jsonl``.

    Attributes:
        id: The source's own.
        year: As the source writes it ("c.1900").
        url, image_url: Of the work's page; of the original, as listed.
        width, height: Of the picture on disk, in pixels.
        listed_width, listed_height: Of the original, as the source says.
        rights, style, genre, media: As the source writes them; None if not asked (and
            rights "" if the source does not say).
        dimensions: Of the work itself ("92.1 x 73 cm").
        file: Relative to the corpus's folder; None while there is none.
        file_url: Where the file came from: the original, or a smaller derivative.
        status: ``ok`` if the picture is on disk, ``pending`` if it was listed and not
            fetched, ``restricted`` if the source withholds it, or ``failed``.
        reason: Why there is no picture, or what is odd about it.
    """

    id: Text
    title: Text
    year: Text | None = None
    artist: Text | None = None
    url: Text | None = None
    image_url: Text | None = None
    width: Side | None = None
    height: Side | None = None
    listed_width: Count | None = None
    listed_height: Count | None = None
    rights: Text | None = None
    style: Text | None = None
    genre: Text | None = None
    media: Text | None = None
    dimensions: Text | None = None
    sha256: Text | None = None
    file: Text | None = None
    file_url: Text | None = None
    bytes: Count | None = None
    status: Status = "ok"
    reason: Text | None = None

    @property
    def label(self) -> str:
        """``Title (year)``, on one line."""
        text = f"{self.title} ({self.year})" if self.year else self.title
        return " ".join(text.split())


class Header(TypedDict, total=False):
    """``corpus.json``. It may have other keys; an adopted corpus lacks some.

    Attributes:
        source: The site's address, or the folder that was adopted.
        asked: Names by which the artist was asked for.
        list: How the site's list was read last.
    """

    format: int
    slug: Text | None
    artist: Text | None
    source: Text | None
    created: Text | None
    updated: Text | None
    asked: list[Text]
    list: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Corpus:
    """An artist's works on disk, in the manifest's order."""

    folder: Path
    slug: str
    artist: str
    works: tuple[Work, ...]

    def get_path(self, work: Work) -> Path:
        """Get the path of a work's picture, which must be in the corpus's folder."""
        if not work.file:
            raise ArtistNstError(f"{self.slug}: {work.label} has no picture")
        path = self.folder / work.file
        # os.path's functions, since pathlib's raise on link loops and overlong names.
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(os.path.realpath(self.folder)):
            raise ArtistNstError(
                f"{self.folder}: {work.file!r} lies outside the corpus; "
                "a picture must be in its folder, not linked or pointed to from there"
            )
        return path

    @property
    def available(self) -> tuple[Work, ...]:
        """Works whose picture is on disk."""
        return tuple(
            work
            for work in self.works
            if work.status == "ok" and work.file and os.path.isfile(self.get_path(work))
        )


def choose_corpora_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Choose the folder of all corpora, which need not exist.

    It is ``given``, ``$ARTIST_NST_CORPORA``, ``./corpora`` if that exists, or else in
    the user's data folder.
    """
    if given is not None:
        if not os.fspath(given):
            raise UsageError("--corpora is empty: name a folder")
        return Path(given)
    if named := os.environ.get(CORPORA_VARIABLE):
        return Path(named)
    if os.path.isdir("corpora"):
        return Path("corpora")
    return platformdirs.user_data_path("artist-nst", appauthor=False) / "corpora"


def check_corpora_folder(folder: Path) -> None:
    """Raise UsageError if the folder of corpora is a file."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UsageError(
            f"{folder} is a file, not a folder of corpora: name another with --corpora "
            f"or ${CORPORA_VARIABLE}"
        )


def get_packaged_corpora() -> Path:
    """Get the folder of the ``procedural`` artist: in the wheel, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / "corpora"
    return installed if installed.is_dir() else package.parent / "corpora"


def list_artists(folder: Path) -> dict[str, Path]:
    """Map slugs to folders: of every artist in ``folder``, and of ``procedural``.

    Raises:
        ArtistNstError: The folder cannot be read.
    """
    artists = {"procedural": get_packaged_corpora() / "procedural"}
    if os.path.isdir(folder):
        for name in list_folder(folder):
            if os.path.isdir(folder / name):
                artists[name] = folder / name
    return artists


def find_corpus(name: str, folder: Path) -> Corpus:
    """Find an artist's folder as ``find_corpus_folder``, and load the corpus.

    A name that holds a slash may also be the path of a corpus's folder.
    """
    is_path = os.path.basename(name) != name and os.path.isdir(name)
    return load_corpus(Path(name) if is_path else find_corpus_folder(name, folder))


def find_corpus_folder(name: str, folder: Path, *, hint: bool = True) -> Path:
    """Find the folder of an artist by slug, full name or part of it.

    Raises:
        UsageError: No artist has that name, or several have; names the nearest and,
            with ``hint``, the command that may get it.
    """
    artists = list_artists(folder)

    def get_names(slug: str) -> tuple[str, ...]:
        return slug, *filter(None, [read_artist_name(artists[slug])])

    folded = fold(name)
    # The last rule finds a folder "picasso" for "Pablo Picasso".
    matches = match_name(name, artists, get_names) or [
        slug for slug in artists if fold(slug) and folded.endswith(f"-{fold(slug)}")
    ]
    if len(matches) == 1:
        return artists[matches[0]]
    if matches:
        raise UsageError(f"{name!r} may be {' or '.join(matches)}; say which")
    similar = find_similar(name, artists, get_names)
    others = ", ".join(similar or artists)
    message = f"no works of {name!r} in {folder}; "
    message += f"nearest: {others}" if similar else f"there is {others}"
    if hint and os.path.isdir(name):
        message += f"; for the folder of that name write {os.path.join('.', name)}"
    elif hint and any(map(str.isalnum, name)):
        message += f"; `artist-nst fetch {folded or repr(name)}` may get them"
    raise UsageError(message)


def find_work(corpus: Corpus, name: str) -> Work:
    """Find a work by id, file name, title or part of a title.

    Raises:
        UsageError: No work has that name, or several have.
    """
    works, folded = corpus.available, fold(name)
    matches = match_name(
        name, works, lambda work: (work.id, Path(work.file or "").name, work.title)
    ) or [work for work in works if folded and folded in fold(work.title)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        ids = "; ".join(f"{work.label}: {work.id}" for work in matches[:5])
        raise UsageError(
            f"--work {name!r} fits {len(matches)} works; give an id ({ids})"
        )
    similar = find_similar(name, works, lambda work: (work.title,))[:3]
    titles = "; ".join(dict.fromkeys(work.title for work in similar))
    hint = (
        f"nearest: {titles}" if titles else f"it has {format_count(len(works), 'work')}"
    )
    raise UsageError(f"--work {name!r}: {corpus.artist} has no such work; {hint}")


def has_manifest(folder: Path) -> bool:
    """Tell whether a corpus is more than a plain folder of pictures."""
    return os.path.exists(folder / "corpus.json")


def load_corpus(folder: Path) -> Corpus:
    """Read a corpus; a plain folder of pictures is one too.

    Raises:
        DamagedError: The manifest is damaged.
        ArtistNstError: It cannot be read, or is from a newer version.
    """
    if os.path.lexists(folder):
        list_folder(folder)  # raises if it cannot be read
    if not has_manifest(folder):
        pictures = tuple(_list_pictures(folder))
        return Corpus(folder, folder.name, make_title(folder.name), pictures)
    # A dict keeps the place of a work's first line, and the values of its last.
    works = {work.id: work for work in _read_works(folder / "works.jsonl")}
    return make_corpus(folder, read_header(folder), works.values())


def make_corpus(folder: Path, header: dict[str, Any], works: Iterable[Work]) -> Corpus:
    """Make a corpus of its works and the content of ``corpus.json``."""
    slug = header.get("slug") or folder.name
    artist = header.get("artist") or make_title(slug)
    return Corpus(folder, slug, artist, tuple(works))


def read_header(folder: Path) -> dict[str, Any]:
    """Read ``corpus.json``, empty if there is none; raises as ``load_corpus``."""
    path = folder / "corpus.json"
    if not has_manifest(folder):
        return {}
    values = _parse_json(str(path), _read_bytes(path))
    version = values.get("format", FORMAT)
    if isinstance(version, int) and version > FORMAT:
        raise ArtistNstError(
            f"{path}: format {version} is newer than this artist-nst reads; "
            "upgrade artist-nst"
        )
    try:
        validate(values, Header)
    except ValueError as error:
        raise _damaged_error(str(path), format_error(error)) from error
    return values


def read_artist_name(folder: Path) -> str:
    """Read the artist's full name from a corpus's manifest; "" if it has none."""
    path = folder / "corpus.json"
    with suppress(ArtistNstError):
        return str(_parse_json(str(path), _read_bytes(path)).get("artist") or "")
    return ""


def _list_pictures(folder: Path) -> Iterable[Work]:
    for path in find_files(folder):
        if os.path.isfile(path) and is_picture_file(path):
            file = path.relative_to(folder).as_posix()
            yield Work(id=file, title=make_title(path.stem), file=file)


def _read_works(path: Path) -> list[Work]:
    """Read a manifest's lines; the last may have been cut off in writing.

    Damaged lines are left out, which is logged.

    Raises:
        DamagedError: No line can be read.
    """
    if not os.path.exists(path):
        return []
    # Not by splitlines(), which splits inside titles that hold U+2028 and the like.
    *lines, rest = _read_bytes(path).split(b"\n")
    # A whole line ends in a line break, or is whole JSON if an editor left that out.
    if is_json(rest):
        lines.append(rest)
    works: list[Work] = []
    errors: list[DamagedError] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                works.append(_parse_work(f"{path}:{number}", line))
            except DamagedError as error:
                errors.append(error)
    if errors and not works:
        raise errors[0]
    for damage in errors[:MAX_LOGGED]:
        log.warning("a work is left out: %s", damage)
    if len(errors) > MAX_LOGGED:
        log.warning("%s: %d more are left out", path, len(errors) - MAX_LOGGED)
    return works


def _parse_work(place: str, line: bytes) -> Work:
    values = _parse_json(place, line)
    if isinstance(values.get("year"), int):
        values["year"] = str(values["year"])
    try:
        work = validate(values, Work)
    except ValueError as error:
        raise _damaged_error(place, format_error(error)) from error
    if "\0" in (work.file or ""):
        raise _damaged_error(place, f"{work.file!r} is not the name of a file")
    return work


MAX_MANIFEST_BYTES = 256 << 20  # a hundred times the largest of WikiArt's
MAX_LOGGED = 3  # damaged lines


def _damaged_error(place: str, problem: str) -> DamagedError:
    name = shlex.quote(Path(place).parent.name)
    return DamagedError(
        f"{place}: {problem}: correct the file, or remove the corpus with "
        f"`artist-nst forget {name}`"
    )


def _read_bytes(path: Path) -> bytes:
    try:
        with open_file(path, allow_empty=True) as stream:
            content = stream.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ArtistNstError(describe_read_error(path, error)) from error
    if len(content) > MAX_MANIFEST_BYTES:
        raise _damaged_error(str(path), "it is too large for a manifest")
    return content


def _parse_json(place: str, text: bytes) -> dict[str, Any]:
    try:
        values = parse_json(text.decode("utf-8-sig"))
    except ValueError as error:
        raise _damaged_error(place, f"not JSON ({error})") from error
    if not isinstance(values, dict):
        raise _damaged_error(place, "not a JSON object")
    return values
