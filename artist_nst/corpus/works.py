"""Work and Corpus: an artist's manifest and files, and how they are found."""

import json
import os
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import platformdirs

from artist_nst.errors import ArtistNstError, UsageError

FORMAT = 1
VARIABLE = "ARTIST_NST_CORPORA"
# Letters of Latin alphabets that Unicode takes for letters of their own.
UNDECOMPOSED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})
PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif"}


class DamagedError(ArtistNstError):
    """A manifest that is not what artist-nst writes: mended, or forgotten."""


@dataclass(frozen=True, slots=True)
class Work:
    """One line of ``works.jsonl``.

    Attributes:
        id: the source's own.
        year: as the source writes it ("c.1900").
        width, height: of the picture that is here, in pixels.
        listed_width, listed_height: of the original, as the source says.
        rights, style, genre, media: as the source writes them; None if not asked
            (and rights "" if the source does not tell).
        dimensions: of the work itself ("92.1 x 73 cm").
        image_url: of the original, as listed.
        file: relative to the corpus's folder; None while there is none.
        file_url: where the file came from: the original, or a smaller derivative.
        bytes: of the file.
        status: ``ok`` where the picture is there, ``pending`` where it was listed and
            not fetched, ``restricted`` where the source withholds it, ``failed``
            where it can't be had.
        reason: why there is no picture, or what is odd about it.
    """

    id: str
    title: str
    year: str | None = None
    artist: str | None = None
    url: str | None = None
    image_url: str | None = None
    width: int | None = None
    height: int | None = None
    listed_width: int | None = None
    listed_height: int | None = None
    rights: str | None = None
    style: str | None = None
    genre: str | None = None
    media: str | None = None
    dimensions: str | None = None
    sha256: str | None = None
    file: str | None = None
    file_url: str | None = None
    bytes: int | None = None
    status: str = "ok"
    reason: str | None = None

    @property
    def label(self) -> str:
        """``Title (year)``, on one line."""
        text = f"{self.title} ({self.year})" if self.year else self.title
        return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class Corpus:
    """An artist's works on disk, in the manifest's order."""

    folder: Path
    slug: str
    artist: str
    works: tuple[Work, ...]

    def path(self, work: Work) -> Path:
        """Where the picture of ``work`` is.

        Raises:
            ArtistNstError: it has none, or the manifest points out of the folder.
        """
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
    def here(self) -> tuple[Work, ...]:
        """Works whose picture is on disk."""
        return tuple(
            work
            for work in self.works
            if work.status == "ok" and work.file and os.path.isfile(self.path(work))
        )


def corpora_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Where corpora are: ``given``, ``$ARTIST_NST_CORPORA``, ``./corpora``, or else
    the user's data folder. It need not exist.

    Raises:
        UsageError: ``given`` is an empty text.
    """
    if given is not None:
        if not os.fspath(given):
            raise UsageError("--corpora is empty: name a folder")
        return Path(given)
    if named := os.environ.get(VARIABLE):
        return Path(named)
    here = Path("corpora")
    if here.is_dir():
        return here
    return platformdirs.user_data_path("artist-nst", appauthor=False) / "corpora"


def check_corpora(folder: Path) -> None:
    """Whether ``folder`` is a folder of corpora, or may become one.

    Raises:
        UsageError: it is a file.
    """
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise UsageError(
            f"{folder} is a file, not a folder of corpora: name another with --corpora "
            f"or ${VARIABLE}"
        )


def packaged_corpora() -> Path:
    """The folder of the ``procedural`` artist: in the wheel, or in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "data" / "corpora"
    return installed if installed.is_dir() else package.parent / "corpora"


def artists(folder: Path) -> dict[str, Path]:
    """Slug → folder of every artist in ``folder``, and of ``procedural``."""
    found = {"procedural": packaged_corpora() / "procedural"}
    if folder.is_dir():
        for one in sorted(folder.iterdir()):
            if one.is_dir() and not one.name.startswith("."):
                found[one.name] = one
    return found


def find_corpus(name: str, folder: Path) -> Corpus:
    """The corpus of the artist called ``name``: slug, full name or part of it.

    Raises:
        UsageError: no artist, or several, are called so; names the nearest.
        ArtistNstError: see :func:`load_corpus`.
    """
    return load_corpus(find_folder(name, folder))


def find_folder(name: str, folder: Path, *, hint: bool = True) -> Path:
    """Where :func:`find_corpus` finds the artist, whatever state the corpus is in.

    Args:
        hint: where there is none, say how it may be had.
    Raises:
        UsageError: no artist, or several, are called so; names the nearest.
    """
    found = artists(folder)
    wanted, typed = fold(name), alike(name)
    folded = {slug: fold(slug) for slug in found}
    named = {slug: name_of(path) for slug, path in found.items()}
    written = {slug: alike(full) for slug, full in named.items()}
    words = {
        slug: {*folded[slug].split("-"), *fold(full).split("-")}
        for slug, full in named.items()
    }
    fits: list[Callable[[str], bool]] = [
        lambda slug: slug == name,
        # In any alphabet; of two of one name, the one whose folder is called so too.
        lambda slug: bool(typed) and written[slug] == typed and slug == wanted,
        lambda slug: bool(typed) and written[slug] == typed,
        lambda slug: slug == wanted,
        lambda slug: bool(typed) and alike(slug) == typed,
        lambda slug: bool(wanted) and wanted in (folded[slug], fold(named[slug])),
        lambda slug: bool(wanted) and set(wanted.split("-")) <= words[slug],
        lambda slug: bool(typed) and set(typed.split()) <= set(written[slug].split()),
        # A folder "picasso" for "Pablo Picasso".
        lambda slug: bool(folded[slug]) and wanted.endswith(f"-{folded[slug]}"),
    ]
    for fit in fits:
        matches = [slug for slug in found if fit(slug)]
        if len(matches) == 1:
            return found[matches[0]]
        if matches:
            raise UsageError(f"{name!r} may be {' or '.join(matches)}; say which")
    raise _nobody(name, folder, folded, hint)


def _nobody(name: str, folder: Path, slugs: dict[str, str], hint: bool) -> UsageError:
    """What to say where none of the slugs (each with its folded form) is meant."""
    wanted = fold(name)
    close = get_close_matches(wanted, slugs.values(), n=3, cutoff=0.5)
    near = [slug for one in close for slug in slugs if slugs[slug] == one]
    near += [
        slug
        for slug in slugs
        if get_close_matches(wanted, slugs[slug].split("-"), cutoff=0.7)
    ]
    what, shown = ("nearest:", dict.fromkeys(near)) if near else ("there is", slugs)
    message = f"no works of {name!r} in {folder}; {what} {', '.join(shown)}"
    if hint and any(map(str.isalnum, name)):
        message += f"; `artist-nst fetch {wanted or repr(name)}` may get them"
    return UsageError(message)


def find_work(corpus: Corpus, name: str) -> Work:
    """The work with that id, title, file name, or part of a title.

    Raises:
        UsageError: none, or several, are called so.
    """
    works, folded, typed = corpus.here, fold(name), alike(name)
    fits: list[Callable[[Work], bool]] = [
        lambda work: work.id == name,
        lambda work: Path(work.file or "").name == name,
        lambda work: work.title == name,
        lambda work: bool(typed) and alike(work.title) == typed,
        lambda work: bool(folded) and fold(work.title) == folded,
        lambda work: bool(folded) and folded in fold(work.title),
    ]
    for fit in fits:
        found = [work for work in works if fit(work)]
        if len(found) == 1:
            return found[0]
        if found:
            ids = "; ".join(f"{work.label}: {work.id}" for work in found[:5])
            raise UsageError(
                f"--work {name!r} fits {len(found)} works; give an id ({ids})"
            )
    titles = {fold(work.title) or work.title: work.title for work in works}
    close = get_close_matches(folded or name, titles, cutoff=0.3)
    near = [titles[key] for key in close]
    hint = f"nearest: {'; '.join(near)}" if near else f"it has {len(works)} works"
    raise UsageError(f"--work {name!r}: {corpus.artist} has no such work; {hint}")


def load_corpus(folder: Path) -> Corpus:
    """Read a corpus; a plain folder of pictures is one too.

    Raises:
        DamagedError: the manifest is damaged.
        ArtistNstError: it can't be read, or is from a newer version.
    """
    if not (folder / "corpus.json").exists():
        pictures = tuple(_pictures(folder))
        return Corpus(folder, folder.name, titled(folder.name), pictures)
    head = head_of(folder)
    slug = str(head.get("slug") or folder.name)
    artist = str(head.get("artist") or titled(slug))
    # A dict keeps the place of a work's first line, and the values of its last.
    works = {work.id: work for work in _listed(folder / "works.jsonl")}
    return Corpus(folder, slug, artist, tuple(works.values()))


def head_of(folder: Path) -> dict[str, Any]:
    """What a corpus's ``corpus.json`` says; nothing where there is none.

    Raises:
        DamagedError: it is damaged.
        ArtistNstError: it can't be read, or is from a newer version.
    """
    manifest = folder / "corpus.json"
    if not manifest.exists():
        return {}
    head = _json(str(manifest), _bytes(manifest))
    version = head.get("format", FORMAT)
    if not isinstance(version, int):
        raise _damaged(str(manifest), f"format {version!r} is not a whole number")
    if version > FORMAT:
        raise ArtistNstError(
            f"{manifest}: format {version} is newer than this artist-nst reads; "
            "upgrade artist-nst"
        )
    return head


def fold(name: str) -> str:
    """``"Joan Miró"`` → ``"joan-miro"``: lower-case ASCII words joined by hyphens."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(UNDECOMPOSED))
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    # Curly apostrophes and dashes part words, as their ASCII forms do.
    return "-".join(re.findall(r"[a-z0-9]+", re.sub(r"[^\W\x00-\x7f]", "", plain)))


def alike(name: str) -> str:
    """Equal for names that differ in case, spaces or how letters are encoded."""
    return " ".join(unicodedata.normalize("NFKC", name.casefold()).split())


def titled(name: str) -> str:
    """``"starry_night-II"`` → ``"Starry Night II"``: a title from a slug or a file."""
    words = re.sub(r"[-_]+", " ", name).split()
    return " ".join(word[0].upper() + word[1:] for word in words) or name


def _pictures(folder: Path) -> Iterable[Work]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() in PICTURES and not hidden and path.is_file():
            file = inside.as_posix()
            yield Work(id=file, title=titled(path.stem), file=file)


def name_of(folder: Path) -> str:
    """The full name in a corpus's manifest; "" where that is not to be had."""
    manifest = folder / "corpus.json"
    with suppress(ArtistNstError):
        return str(_json(str(manifest), _bytes(manifest)).get("artist") or "")
    return ""


def _listed(path: Path) -> Iterable[Work]:
    """The lines of a manifest; the last may have been cut off while being written."""
    if not path.exists():
        return
    # Not by splitlines(), which splits inside titles that hold U+2028 and the like.
    *lines, rest = _bytes(path).split(b"\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _work(f"{path}:{number}", line)
    # A whole line ends in a line break, or is whole JSON where an editor left it out.
    if rest.strip():
        with suppress(_NotJson):
            yield _work(f"{path}:{len(lines) + 1}", rest)


def _work(place: str, line: bytes) -> Work:
    values = _json(place, line)
    if not all(isinstance(values.get(key), str) for key in ("id", "title")):
        raise _damaged(place, "a work has no id or no title")
    file = values.get("file")
    if not (file is None or (isinstance(file, str) and "\0" not in file)):
        raise _damaged(place, f"{file!r} is not the name of a file")
    known = {field.name for field in fields(Work)}
    return Work(**{key: value for key, value in values.items() if key in known})


class _NotJson(DamagedError):
    pass


def _damaged(
    place: str, what: str, kind: type[DamagedError] = DamagedError
) -> DamagedError:
    """What is wrong at a place in a manifest, and what to do about it."""
    name = shlex.quote(Path(place).parent.name)
    return kind(
        f"{place}: {what}: mend the file, or remove the corpus with "
        f"`artist-nst forget {name}`"
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtistNstError(f"{path}: can't be read ({error.strerror})") from error


def _json(place: str, text: bytes) -> dict[str, Any]:
    try:
        values = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _damaged(place, f"not JSON ({error})", _NotJson) from error
    if not isinstance(values, dict):
        raise _damaged(place, "not a JSON object")
    return values
