"""Names of artists and works: compare them, find what one means, make file names."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from itertools import accumulate, pairwise
from typing import TypeVar

# Letters of Latin alphabets that Unicode does not decompose.
_UNDECOMPOSED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})

# One case only, so that no two names collide where file systems ignore case.
_SAFE_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
MAX_ID_LENGTH = 40
MAX_TITLE_LENGTH = 60

T = TypeVar("T")
Names = Callable[[T], Sequence[str]]
"""Gets all names of a thing: its identifier first, such as a slug."""


def fold(name: str) -> str:
    """Fold a name to lower-case ASCII words: ``"Joan Miró"`` → ``"joan-miro"``."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_UNDECOMPOSED))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    # Curly apostrophes and dashes separate words, as their ASCII forms do.
    return "-".join(re.findall(r"[a-z0-9]+", re.sub(r"[^\W\x00-\x7f]", "", plain)))


def normalize_name(name: str) -> str:
    """Make names equal that differ in case, spaces or how letters are encoded."""
    return " ".join(unicodedata.normalize("NFKC", name.casefold()).split())


def split_words(name: str) -> tuple[str, ...]:
    """Split a name into words, folded if they are in Latin letters.

    ``"O'Keeffe, Georgia"`` → ``("o", "keeffe", "georgia")``.
    """
    words = re.findall(r"(?:[^\W_]|[\u0300-\u036f])+", normalize_name(name))
    return tuple(fold(word) or word for word in words)


def collect_words(names: Iterable[str]) -> set[str]:
    """Get all words of some names; also each name's initials, joined: ``"jmw"``."""
    words: set[str] = set()
    for name in names:
        parts = split_words(name)
        words |= {*parts, "".join(part for part in parts if len(part) == 1)}
    return words - {""}


def match_name(query: str, items: Iterable[T], names: Names[T]) -> list[T]:
    """Find the things that a name means, by the strictest rule that matches any.

    The rules: the identifier or a name is the query; a name or the identifier differs
    only in case and spaces; one of them is the same when folded; a name has the same
    words in any order; all words of the query are among those of the names; the query
    is words of a name without their spaces (``"vangogh"``). Of several matches, the one
    whose identifier is the folded query is taken, if there is one.
    """
    folded, normalized = fold(query), normalize_name(query)
    words = sorted(split_words(query))
    rules: list[Callable[[str, Sequence[str]], bool]] = [
        lambda id, _: id == query,
        lambda _, names: query in names,
        lambda _, names: normalized in map(normalize_name, names),
        lambda id, _: id == folded,
        lambda id, _: normalized == normalize_name(id),
        lambda _, names: bool(folded) and folded in map(fold, names),
        lambda id, _: bool(folded) and folded == fold(id),
        lambda _, names: any(words == sorted(split_words(name)) for name in names),
        lambda id, names: bool(words) and collect_words((id, *names)).issuperset(words),
        lambda id, names: any(_joins(name, query) for name in (id, *names)),
    ]
    named = [(item, names(item)) for item in items] if normalized else []
    for rule in rules:
        matches = [(item, ids[0]) for item, ids in named if rule(ids[0], ids[1:])]
        exact = [item for item, id in matches if id == folded]
        if matches:
            return exact if len(exact) == 1 else [item for item, _ in matches]
    return []


def _joins(name: str, query: str) -> bool:
    """Tell whether words that follow each other in a name make up a single word."""
    words, joined = split_words(name), "".join(split_words(query))
    together, ends = "".join(words), list(accumulate(map(len, words)))
    boundaries = set(ends)
    return any(
        end < start + len(joined) and start + len(joined) in boundaries
        for start, end in pairwise([0, *ends])
        if together.startswith(joined, start)
    )


def find_similar(query: str, items: Iterable[T], names: Names[T]) -> list[T]:
    """Find the things with a similar name, then those with a similar word.

    The most similar come first, each once.
    """
    by_name: dict[str, list[T]] = {}
    by_word: dict[str, list[T]] = {}
    for item in items:
        for name in names(item):
            by_name.setdefault(" ".join(split_words(name)), []).append(item)
        for word in collect_words(names(item)):
            by_word.setdefault(word, []).append(item)
    words = split_words(query)
    similar = [
        item
        for name in get_close_matches(" ".join(words), by_name, cutoff=0.6)
        for item in by_name[name]
    ]
    for word in sorted(words, key=len, reverse=True):
        for match in get_close_matches(word, by_word, cutoff=0.75):
            similar += by_word[match]
    return list({id(item): item for item in similar}.values())


def make_title(name: str) -> str:
    """Make a title from a slug or file: ``"starry_night-II"`` → "Starry Night II"."""
    words = re.sub(r"[-_]+", " ", name).split()
    return " ".join(word[0].upper() + word[1:] for word in words) or name


def clean_line(text: str) -> str:
    """Put text on one line of valid Unicode: file names may hold any bytes."""
    valid = text.encode("utf-8", "replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", valid).split())


def make_file_name(id: str, title: str, suffix: str) -> str:
    """Make a name for a work's file that is safe on every file system.

    ``"577"``, ``"Bust of Young Man"``, ``".jpg"`` → ``"577_bust-of-young-man.jpg"``.
    It has at most 110 characters: ``a-z``, ``0-9``, hyphens, one ``_`` at most and the
    suffix's dot. Two ids never give the same name; an unsafe one is hashed.
    """
    is_safe = len(id) <= MAX_ID_LENGTH and _SAFE_ID.fullmatch(id)
    # Windows takes some short names for devices, whatever follows the dot: con.jpg.
    if not is_safe or len(id) < 5:
        id = f"x{_hash(id)[:24]}"
    short = fold(title)[:MAX_TITLE_LENGTH].strip("-")
    return f"{id}_{short}{suffix}" if short else f"{id}{suffix}"


def make_folder_name(artist: str) -> str:
    """Make a folder's name: ``"joan-miro"``; a hash if it has no Latin letters."""
    short = fold(artist)[:MAX_TITLE_LENGTH].strip("-")
    return short or f"works-of-{_hash(artist)[:8]}"


def make_other_folder_name(artist: str) -> str:
    """Make another folder name, for when the first is taken by another artist."""
    return f"{make_folder_name(artist)}-{_hash(artist)[:8]}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
