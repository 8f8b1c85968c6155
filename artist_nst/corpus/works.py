"""Work and Corpus: an artist's manifest and files, and how they are found."""

import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import platformdirs

from artist_nst.errors import ArtistNstError, UsageError

FORMAT = 1
VARIABLE = "ARTIST_NST_CORPORA"
PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif"}


@dataclass(frozen=True, slots=True)
class Work:
    """One line of ``works.jsonl``.

    Attributes:
        id: the source's own.
        year: as the source writes it ("c.1900").
        width, height: of the picture, in pixels.
        file: relative to the corpus's folder; None while there is none.
        status: ``ok`` where the picture is there; else see ``reason``.
    """

    id: str
    title: str
    year: str | None = None
    artist: str | None = None
    url: str | None = None
    image_url: str | None = None
    width: int | None = None
    height: int | None = None
    rights: str | None = None
    style: str | None = None
    genre: str | None = None
    media: str | None = None
    sha256: str | None = None
    file: str | None = None
    status: str = "ok"
    reason: str | None = None

    @property
    def label(self) -> str:
        """``Title (year)``."""
        return f"{self.title} ({self.year})" if self.year else self.title


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
        if work.file is None:
            raise ArtistNstError(f"{self.slug}: {work.label} has no picture")
        path = self.folder / work.file
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise ArtistNstError(
                f"{self.folder / 'works.jsonl'}: {work.file!r} lies outside the corpus"
            )
        return path

    @property
    def here(self) -> tuple[Work, ...]:
        """Works whose picture is on disk."""
        return tuple(
            work
            for work in self.works
            if work.status == "ok" and work.file and self.path(work).is_file()
        )


def corpora_folder(given: str | os.PathLike[str] | None = None) -> Path:
    """Where corpora are: ``given``, ``$ARTIST_NST_CORPORA``, ``./corpora``, or else
    the user's data folder. It need not exist."""
    if given is not None:
        return Path(given)
    if named := os.environ.get(VARIABLE):
        return Path(named)
    here = Path("corpora")
    if here.is_dir():
        return here
    return platformdirs.user_data_path("artist-nst", appauthor=False) / "corpora"


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
    """
    found = artists(folder)
    wanted = fold(name)
    if wanted in found:
        return load_corpus(found[wanted])
    words = set(wanted.split("-"))
    matches = [slug for slug in found if words and words <= set(fold(slug).split("-"))]
    if len(matches) == 1:
        return load_corpus(found[matches[0]])
    if matches:
        raise UsageError(f"--artist {name!r} may be {' or '.join(matches)}; say which")
    near = get_close_matches(wanted, found, n=3, cutoff=0.5)
    near += [
        slug for slug in found if get_close_matches(wanted, slug.split("-"), cutoff=0.7)
    ]
    hint = " or ".join(dict.fromkeys(near)) or ", ".join(found)
    raise UsageError(
        f"no works of {name!r} in {folder}; there is {hint}; "
        f"`artist-nst fetch {wanted or name!r}` would get them"
    )


def find_work(corpus: Corpus, name: str) -> Work:
    """The work with that id, title, file name, or part of a title.

    Raises:
        UsageError: none, or several, are called so.
    """
    works, folded = corpus.here, fold(name)
    fits: list[Callable[[Work], bool]] = [
        lambda work: work.id == name,
        lambda work: Path(work.file or "").name == name,
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
    titles = {fold(work.title): work.title for work in works}
    near = [titles[key] for key in get_close_matches(folded, titles, cutoff=0.3)]
    hint = f"nearest: {'; '.join(near)}" if near else f"it has {len(works)} works"
    raise UsageError(f"--work {name!r}: {corpus.artist} has no such work; {hint}")


def load_corpus(folder: Path) -> Corpus:
    """Read a corpus; a plain folder of pictures is one too.

    Raises:
        ArtistNstError: the manifest can't be read, or is from a newer version.
    """
    manifest = folder / "corpus.json"
    if not manifest.exists():
        return Corpus(
            folder, folder.name, _titled(folder.name), tuple(_pictures(folder))
        )
    head = _json(manifest, manifest.read_text("utf-8"))
    if head.get("format", FORMAT) > FORMAT:
        raise ArtistNstError(
            f"{manifest}: format {head['format']} is newer than this artist-nst reads; "
            "upgrade artist-nst"
        )
    works = {}
    lines = folder / "works.jsonl"
    if lines.exists():
        for line in lines.read_text("utf-8").splitlines():
            if line.strip() and (work := _work(lines, line)):
                works[work.id] = work
    slug = head.get("slug", folder.name)
    return Corpus(
        folder, slug, head.get("artist", _titled(slug)), tuple(works.values())
    )


def fold(name: str) -> str:
    """``"Joan Miró"`` → ``"joan-miro"``: lower-case ASCII words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))


def _pictures(folder: Path) -> Iterable[Work]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES and not path.name.startswith("."):
            file = path.relative_to(folder).as_posix()
            yield Work(id=file, title=_titled(path.stem), file=file)


def _titled(slug: str) -> str:
    return re.sub(r"[-_]+", " ", slug).strip().title() or slug


def _work(path: Path, line: str) -> Work | None:
    """None for the last line of a manifest that was cut off while being written."""
    try:
        values = _json(path, line)
    except ArtistNstError:
        return None
    known = {field.name for field in fields(Work)}
    if not isinstance(values.get("id"), str) or not isinstance(
        values.get("title"), str
    ):
        raise ArtistNstError(f"{path}: a work has no id or no title: {line[:60]}")
    return Work(**{key: value for key, value in values.items() if key in known})


def _json(path: Path, text: str) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ArtistNstError(f"{path}: not JSON ({error})") from error
    if not isinstance(values, dict):
        raise ArtistNstError(f"{path}: not a JSON object")
    return values
