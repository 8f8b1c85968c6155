"""Artists, records and pictures of the stand-in for wikiart.org.

Records have the keys of the site's own JSON. Keys that begin with ``_`` are private and
never served.
"""

from __future__ import annotations

import hashlib
import html
import io
import json
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from PIL import Image, ImageDraw

Record = dict[str, Any]

RECORD_KEYS = (
    *("id", "title", "year", "width", "height", "artistName", "image", "map"),
    *("paintingUrl", "artistUrl", "albums", "flags", "images"),
)
"""Of a work in the site's JSON, in its order."""

PLACEHOLDER = "Content/images/FRAME-600x480.jpg"
"""What the site shows of a work that it withholds, under any uploads host."""

# Derivative → its digit in a record's ``map``, and the box that it fits in. That 2, 6
# and 7 are these three is a guess: all that is known is that they are always there.
DERIVATIVES = {
    "Blog": ("0", (500, 500)),
    "Large": ("1", (750, 600)),
    "PinterestSmall": ("2", (210, 1 << 20)),
    "Portrait": ("3", (400, 400)),
    "HalfHD": ("4", (1280, 800)),
    "HD": ("5", (1920, 1200)),
    "PortraitSmall": ("6", (120, 120)),
    "PinterestLarge": ("7", (280, 1 << 20)),
}
UNSIZED = (320, 240)  # of the picture, where the record has no usable size
MOST_PIXELS = 100_000_000  # of a generated picture; more would fill the memory

# Not http, nor with a port or a user before the host: a client must refuse those.
_HOST = re.compile(r"\A(https:)?//([a-z0-9-]+)\.wikiart\.org(?=/)")


# Addresses ----------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def local_path(address: str) -> str:
    """Return an address's path at the stand-in: decoded, without ``//`` and dots.

    ``https://uploads1.wikiart.org/images//caf%C3%A9.jpg`` is at
    ``/uploads1/images/café.jpg``; of a path, the path itself in that form.
    """
    path = re.sub(r"^https?://(?:127\.0\.0\.1|localhost):\d+(?=/)", "", address)
    path = _HOST.sub(_shard, path)
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    decoded = unquote_to_bytes(path.encode("utf-8", "surrogatepass"))
    parts: list[str] = []
    for part in decoded.decode("utf-8", "replace").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def rewrite_url(address: str, url: str) -> str:
    """Turn WikiArt's host in an address, if it has one, into a folder at ``url``."""

    def to_folder(match: re.Match[str]) -> str:
        scheme = "http:" if match[1] else ""
        return scheme + url.removeprefix("http:") + _shard(match)

    return _HOST.sub(to_folder, address)


def rewrite_record(record: Record, url: str) -> Record:
    """Return the record as JSON shows it, with its pictures at ``url``."""
    private_keys = ("contentId",)
    shown = {k: v for k, v in record.items() if k[:1] != "_" and k not in private_keys}
    if isinstance(shown.get("image"), str):
        shown["image"] = rewrite_url(shown["image"], url)
    if isinstance(shown.get("images"), list):
        scans = shown["images"]
        shown["images"] = [
            {**one, "image": rewrite_url(one["image"], url)} for one in scans
        ]
    return shown


def _shard(match: re.Match[str]) -> str:
    return "" if match[2] == "www" else f"/{match[2]}"


# Catalogues ---------------------------------------------------------------------------


@dataclass
class Artist:
    """An artist of the stand-in.

    Attributes:
        claims: Works that the text list counts in its title but does not list.
    """

    slug: str
    name: str
    works: list[Record] = field(default_factory=list)
    nation: str = "French"
    born: int = 1800
    died: int | None = 1880
    last_name_first: str = ""
    original_name: str = ""
    claims: int = 0

    @property
    def id(self) -> str:
        return short_hash(f"artist {self.slug}", 24)

    @property
    def content_id(self) -> int:
        return 200_000 + int(short_hash(self.slug, 4), 16)

    @property
    def year(self) -> str:
        return f"{self.born} - {self.died}" if self.died else f"born {self.born}"

    @property
    def folded(self) -> list[str]:
        """Words of the name, for searching."""
        return fold_words(self.name)


def fold_words(text: str) -> list[str]:
    """Split into lower-case words without accents."""
    letters = unicodedata.normalize("NFKD", html.unescape(text).casefold())
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    return re.findall(r"[^\W_]+", plain)


_TITLES = (
    *("Harlequin", "Bust of Young Man", "The Old Fisherman", "Head of a Woman"),
    *(
        "Les Demoiselles d&#39;Avignon",
        "Still Life / Nature morte",
        "Family of Acrobats",
    ),
    *("Portrait of Sebastià Junyent", "Woman with &quot;Mandolin&quot;", "Minotaur"),
    *("Man and Woman in Café", "Bullfight", "Self-Portrait", "Girl with a Dove"),
    *("Untitled", "Two Women", "The Kiss", "Guitar, Bottle & Glass", "Dove", "Vollard"),
)
_ODD_YEARS = ("c.1900", "1920-1930", "", "XIX-XX cent.", "?1903", "1945 (signed 1971)")


def make_catalogue(
    n: int,
    *,
    artist: str = "Pablo Picasso",
    slug: str = "pablo-picasso",
    sides: tuple[int, int] = (200, 700),
    years: tuple[int, int] = (1895, 1973),
) -> list[Record]:
    """Make ``n`` works of an artist, the same at each call, as varied as real ones.

    Args:
        n: The number of works.
        artist: The name.
        slug: Of the artist.
        sides: Bounds of widths and heights, in pixels.
        years: Bounds of those years that are plain numbers.
    """
    rng = np.random.default_rng(list(slug.encode()))
    taken: set[str] = set()
    works = []
    for index in range(n):
        title = _TITLES[index % len(_TITLES)]
        plain = index % 5 != 4
        year = str(rng.integers(years[0], years[1] + 1))
        year = year if plain else _ODD_YEARS[index // 5 % len(_ODD_YEARS)]
        name = "-".join([*fold_words(title), *fold_words(year)])
        while name in taken:
            name = f"{name}-1"
        taken.add(name)
        width, height = (int(side) for side in rng.integers(*sides, 2, endpoint=True))
        works.append(
            make_work(
                name,
                artist=artist,
                slug=slug,
                title=title,
                year=year,
                width=width,
                height=height,
                image=_address(index, slug, name),
            )
        )
    return works


def make_work(
    name: str,
    *,
    artist: str = "Pablo Picasso",
    slug: str = "pablo-picasso",
    **values: Any,
) -> Record:
    """Make the record of the work whose slug is ``name``, with ``values`` in it."""
    width, height = values.get("width", 320), values.get("height", 240)
    known = isinstance(width, int) and isinstance(height, int)
    return {
        "id": short_hash(f"{slug}/{name}", 24),
        "title": name.replace("-", " ").title(),
        "year": "1905",
        "width": width,
        "height": height,
        "artistName": artist,
        "image": f"https://uploads1.wikiart.org/images/{slug}/{name}.jpg",
        "map": make_map(width, height) if known else "**2***67*",
        "paintingUrl": f"/en/{slug}/{name}",
        "artistUrl": f"/en/{slug}",
        "albums": None,
        "flags": 2,
        "images": None,
        **values,
    }


def load_catalogue(shared: Path, shrink: int = 8) -> list[Record]:
    """Load Picasso's 1,166 works of the real site, ``shrink`` times smaller."""
    file = shared / "wikiart" / "samples" / "catalogue_picasso_1166.json"
    works = []
    for record in json.loads(file.read_text("utf-8")):
        width, height = (max(record[k] // shrink, 16) for k in ("width", "height"))
        changed = {"width": width, "height": height, "map": make_map(width, height)}
        works.append({key: (record | changed)[key] for key in RECORD_KEYS})
    return works


def make_map(width: int, height: int) -> str:
    """Make a record's ``map``, by the rule measured on real ones."""
    there = {
        "0": max(width, height) >= 500,
        "1": width >= 750 or height >= 600,
        "3": max(width, height) >= 400,
        "4": width >= 1280 or height >= 800,
        "5": width >= 1920 or height >= 1200,
    }
    return "".join(d if there.get(d, True) else "*" for d in "01234567") + "*"


def make_artists(works: list[Record]) -> dict[str, Artist]:
    """Make Picasso with ``works``, and other artists, by slug."""
    picasso = Artist(
        "pablo-picasso",
        "Pablo Picasso",
        works,
        "Spanish",
        1881,
        1973,
        "Picasso Pablo",
        "Pablo Ruiz Picasso",
    )
    others = [
        ("paloma-picasso", "Paloma Picasso", 1, "French", 1949, None, "Picasso Paloma"),
        ("yves-klein", "Yves Klein", 0, "French", 1928, 1962, ""),
        ("georgia-o-keeffe", "Georgia O'Keeffe", 7, "American", 1887, 1986, ""),
        ("joan-miro", "Joan Miró", 9, "Spanish", 1893, 1983, "Miró Joan"),
        ("jacques-h-rold", "Jacques Hérold", 3, "Romanian", 1910, 1987, ""),
        ("william-turner", "J.M.W. Turner", 8, "British", 1775, 1851, "Turner J.M.W."),
        ("jan-van-eyck", "Jan van Eyck", 5, "Flemish", 1390, 1441, "van Eyck Jan"),
        ("jacopo-bassano", "Jacopo Bassano", 60, "Italian", 1510, 1592, ""),
        ("leandro-bassano", "Leandro Bassano", 40, "Italian", 1557, 1622, ""),
    ]
    found = {picasso.slug: picasso}
    for slug, name, count, nation, born, died, last_name_first in others:
        until = died or born + 60
        owns = make_catalogue(count, artist=name, slug=slug, years=(born + 20, until))
        made = Artist(slug, name, owns, nation, born, died, last_name_first)
        found[slug] = made
    found["yves-klein"].claims = 64
    return found


def _address(index: int, slug: str, name: str) -> str:
    """Make a picture's address, sharded and not always named like the work."""
    host = f"https://uploads{index * 7 % 10}.wikiart.org"
    folder = f"{index * 137 % 500:05}/images" if index % 13 == 5 else "images"
    if index % 17 == 7:
        key = short_hash(f"temp {slug}/{name}", 32)
        parts = (key[:8], key[8:12], key[12:16], key[16:20], key[20:])
        return f"{host}/temp/{'-'.join(parts)}.jpg"
    if index % 23 == 9:
        name = f"{name} café (1)"
    suffixes = {3: "png", 6: "JPG", 8: "jpeg"}
    return f"{host}/{folder}/{slug}/{name}.{suffixes.get(index % 11, 'jpg')}"


def short_hash(text: str, digits: int) -> str:
    """Return the first hexadecimal digits of a hash."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


# Hostile records ----------------------------------------------------------------------

_IMAGES = "https://uploads1.wikiart.org/images/pablo-picasso"
_WORKS = "/en/pablo-picasso"
_LONG = "very-long-" * 30
_STRANGE = {
    "leads out of the folder": "../../../../tmp/evil",
    "leads out of the folder, encoded": "%2e%2e%2f%2e%2e%2fevil",
    "leads out of the folder on Windows": "..\\..\\evil",
    "has a NUL": "evil\0.sh",
    "has 300 characters": _LONG,
    "is a device on Windows": "CON",
    "ends in dots": "evil...",
    "is dots": "..",
    "has a line break": "two\nlines",
    "has a slash": "1/2",
    "is composed": "caf\u00e9",
    "is decomposed": "cafe\u0301",
    "turns the text around": "evil\u202egpj.exe",
    "talks to the terminal": "\x1b[2J\x1b[31mred",
    "is markup": "<script>alert(1)</script>",
    "is an option": "--help",
    "begins with a dot": ".hidden",
    "has a Unicode line separator": "two\u2028lines",
}
_ADDRESSES = {
    "another host": "https://evil.example/x.jpg",
    "a file": "file:///etc/passwd",
    "no TLS": "http://uploads1.wikiart.org/images/x.jpg",
    "our host as user": "https://uploads1.wikiart.org@evil.example/x.jpg",
    "our host as user, backslash": "https://uploads1.wikiart.org\\@evil.example/x.jpg",
    "our host as the end of another": "https://evilwikiart.org/x.jpg",
    "our host as the beginning": "https://uploads1.wikiart.org.evil.example/x.jpg",
    "another port": "https://uploads1.wikiart.org:8443/images/x.jpg",
    "another host, of no scheme": "//evil.example/x.jpg",
    "the cloud's own address": "http://169.254.169.254/latest/meta-data",
    "data": "data:image/png;base64,iVBORw0KGgo=",
    "FTP": "ftp://uploads1.wikiart.org/x.jpg",
    "not an address": "https://[::1",
    "nothing": "",
    "null": None,
    "a number": 7,
}


def make_hostile_works() -> list[Record]:
    """Make works with hostile or awkward records; ``_why`` says in what way."""
    cases = [*_strange_names(), *_strange_values()]
    cases += [
        (f"image is {why}", {"image": image}) for why, image in _ADDRESSES.items()
    ]
    return [
        make_work(f"nasty-{number}", **values) | {"_why": why}
        for number, (why, values) in enumerate(cases, 1)
    ] + list(_incomplete())


def _strange_names() -> Iterator[tuple[str, Record]]:
    for number, (why, text) in enumerate(_STRANGE.items()):
        yield f"id {why}", {"id": text}
        # The same title, composed and not, and else one of its own.
        yield f"title {why}", {"title": text}
        yield f"slug {why}", {"paintingUrl": f"{_WORKS}/{text}"}
        # Under a folder of its own, since dots take the last one away.
        image = f"{_IMAGES}/n{number}/a/b/c/d/e/{text}.jpg"
        yield f"image's name {why}", {"image": image}
    yield "image's name has no suffix", {"image": f"{_IMAGES}/none"}
    yield "image's name is a program", {"image": f"{_IMAGES}/evil.php"}
    yield "image has a query", {"image": f"{_IMAGES}/query.jpg?file=../../evil"}
    yield "image's name is doubly encoded", {"image": f"{_IMAGES}/caf%25C3%25A9.jpg"}
    yield "image has //", {"image": "https://uploads3.wikiart.org/00273/images//a.jpg"}


def _strange_values() -> Iterator[tuple[str, Record]]:
    yield "id, upper case", {"id": "5772FFFF00000000000000EE"}
    yield "id, lower case", {"id": "5772ffff00000000000000ee"}
    yield "id is an int", {"id": 224238}
    yield "id is empty", {"id": ""}
    yield "id is null", {"id": None}
    yield "id is a list", {"id": ["5772"]}
    yield "title is empty", {"title": ""}
    yield "title is null", {"title": None}
    yield "title is a number", {"title": 1907}
    yield "width is 0", {"width": 0, "height": 0}
    yield "width is negative", {"width": -5}
    yield "width is text", {"width": "800"}
    yield "width is null", {"width": None, "height": None}
    yield "width is beyond all bounds", {"width": 10**30, "height": 10**30}
    yield "year is a number", {"year": 1907}
    yield "year is null", {"year": None}
    yield "slug is another host", {"paintingUrl": "https://evil.example/work"}
    yield "slug is a script", {"paintingUrl": "javascript:alert(1)"}
    yield "slug is null", {"paintingUrl": None}
    yield "by another artist", {"artistName": "Braque", "artistUrl": "/en/braque"}


def _incomplete() -> Iterator[Record]:
    for key in ("id", "title", "year", "image", "paintingUrl"):
        record = make_work(f"without-{key.lower()}") | {"_why": f"no {key}"}
        del record[key]
        yield record
    few = ("id", "title", "image")
    record = make_work("with-few-keys")
    yield {key: record[key] for key in few} | {"_why": "few keys"}


# Pictures -----------------------------------------------------------------------------


def size_of(record: Mapping[str, Any]) -> tuple[int, int]:
    """Return the picture's size in pixels: as listed, if that makes sense."""
    width, height = record.get("width"), record.get("height")
    if not (isinstance(width, int) and isinstance(height, int)):
        return UNSIZED
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        return UNSIZED
    return width, height


def derivative_size(record: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    """Return the size of a derivative in pixels; None if there is none."""
    digit, (most_wide, most_high) = DERIVATIVES.get(name, ("-", (1, 1)))
    width, height = size_of(record)
    scale = min(most_wide / width, most_high / height)
    if scale >= 1 or digit not in str(record.get("map", "")):
        return None
    return max(round(width * scale), 1), max(round(height * scale), 1)


def get_picture(record: Mapping[str, Any], path: str) -> bytes | None:
    """Return what is at ``path``: the record's picture, or a derivative."""
    size: tuple[int, int] | None = size_of(record)
    if suffix := re.search(r"!(\w+)\.\w+$", path):
        size = derivative_size(record, suffix[1])
    if size is None:
        return None
    kind = "PNG" if path.lower().endswith(".png") else "JPEG"
    return draw_picture(str(record.get("id", path)), *size, kind)


@lru_cache(maxsize=64)
def draw_picture(seed: str, width: int, height: int, kind: str = "JPEG") -> bytes:
    """Draw smooth blobs of color with a few strokes, the same for each seed."""
    rng = np.random.default_rng(int(short_hash(seed, 16), 16))
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    thickness = max(min(width, height) // 40, 1)
    for _ in range(6):
        ends = rng.random(4) * (width, height, width, height)
        color = tuple(int(one) for one in rng.integers(0, 256, 3))
        draw.line([float(one) for one in ends], fill=color, width=thickness)
    return _encoded(image, kind)


@lru_cache(maxsize=1)
def draw_placeholder() -> bytes:
    """Draw the frame that the site shows for withheld works."""
    image = Image.new("RGB", (600, 480), (245, 245, 245))
    ImageDraw.Draw(image).rectangle(
        (60, 60, 540, 420), outline=(200, 200, 200), width=9
    )
    return _encoded(image, "JPEG")


@lru_cache(maxsize=1)
def make_bomb(side: int = 20_000) -> bytes:
    """Make a small valid PNG of ``side``² pixels."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body))
        + name
        + body
        + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def _encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    options = {"compress_level": 1} if kind == "PNG" else {"quality": 85}
    image.save(file, kind, **options)
    return file.getvalue()
