"""What is fuzzed: the readers of all data that comes from elsewhere.

A target takes bytes, and raises nothing but ArtistNstError.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from artist_nst.errors import ArtistNstError
from artist_nst.recipes.published import RECIPES
from fuzzing.mutation import mutate_bytes, mutate_json_text

MAX_LINE = 100_000  # characters of a message


class FuzzTargets:
    """The targets, which share a folder.

    Attributes:
        folder: For what they write.
        functions: The targets by name.
        seeds: Valid and once invalid content for each.
    """

    def __init__(self, folder: Path, extra_seeds: Path | None = None) -> None:
        self.folder = folder
        self.functions: dict[str, Callable[[bytes], None]] = {
            "reader": self.read_pictures,
            "record": self.read_record,
            "manifest": self.read_manifest,
            "recipe": self.read_recipe,
            "wikiart": self.parse_wikiart,
            "weights": self.read_weights,
        }
        self.seeds = {name: list(_make_seeds(name, folder)) for name in self.functions}
        for path in _list_files(extra_seeds):
            name = {".toml": "recipe", ".json": "wikiart"}.get(path.suffix, "reader")
            self.seeds[name].append(path.read_bytes())

    def mutate(self, name: str, random: Random) -> bytes:
        """Make a case for a target of one of its seeds."""
        seed = random.choice(self.seeds[name])
        is_json = name in ("record", "manifest") or seed[:1] in (b"{", b"[")
        return (mutate_json_text if is_json else mutate_bytes)(seed, random)

    def run(self, name: str, content: bytes) -> None:
        """Run a target on a case.

        Raises:
            AssertionError: Its message is not one line, or is endless.
            Exception: Whatever else than ArtistNstError it raises.
        """
        _expect(self.functions[name], content)

    def read_pictures(self, content: bytes) -> None:
        """Read a picture by all readers, which must agree on whether it is one."""
        from artist_nst.image.files import read_picture, read_record, read_small
        from artist_nst.image.verify import verify_picture

        path = self._write("picture", content)
        limit = 1_000_000
        _expect(verify_picture, path, max_pixels=limit)
        _expect(read_record, path)
        is_small = _expect(read_small, path, 64, max_pixels=limit)
        is_reduced = _expect(read_picture, path, max_pixels=limit, width=8)
        is_whole = _expect(read_picture, path, max_pixels=limit)
        assert is_small == is_reduced == is_whole
        pixels = read_picture(path, max_pixels=limit).pixels
        assert np.isfinite(pixels).all()
        assert 0 <= pixels.min() <= pixels.max() <= 1

    def read_record(self, content: bytes) -> None:
        """Read a painting's record, and look for what it was painted from."""
        from artist_nst.image.files import write_picture
        from artist_nst.painting.description import describe_record
        from artist_nst.painting.record import (
            find_content,
            find_sources,
            is_cut_short,
            load_record,
        )
        from artist_nst.recipes.recipe import from_dict

        path = self.folder / "painting.png"
        text = content.decode("utf-8", "replace").replace("\0", "")
        write_picture(path, np.zeros((2, 2, 3)), record=text)
        facts = load_record(path)
        describe_record(facts, from_dict(facts["recipe"]).to_dict())
        is_cut_short(facts)
        _expect(find_sources, facts, path)
        _expect(find_content, facts, path, None)

    def read_manifest(self, content: bytes) -> None:
        """Read a corpus whose header is the first line, and its works the others."""
        from artist_nst.cli.commands.artists import _describe, _format_row
        from artist_nst.cli.commands.works import _make_row
        from artist_nst.corpus.works import find_work, load_corpus

        folder = self.folder / "corpora" / "anna"
        folder.mkdir(parents=True, exist_ok=True)
        header, _, works = content.partition(b"\n")
        (folder / "corpus.json").write_bytes(header)
        (folder / "works.jsonl").write_bytes(works)
        _format_row({"folder": "anna"} | _describe(folder))
        corpus = load_corpus(folder)
        for work in corpus.works:
            _make_row(work)
        for work in corpus.available:
            find_work(corpus, work.id)

    def read_recipe(self, content: bytes) -> None:
        """Read a recipe's file."""
        from artist_nst.recipes.toml_file import read_recipe

        read_recipe(self._write("recipe.toml", content))

    def parse_wikiart(self, content: bytes) -> None:
        """Parse a text as each of WikiArt's responses."""
        from artist_nst.wikiart import parsing

        text = content.decode("utf-8", "replace")
        _expect(parsing.parse_work_list, text, "claude-monet")
        _expect(parsing.parse_artist, text)
        _expect(parsing.parse_search, text)
        _expect(parsing.parse_all_artists, text)
        _expect(parsing.parse_letter_page, text)
        _expect(parsing.parse_text_list, text, "claude-monet")
        _expect(parsing.parse_work_page, text)

    def read_weights(self, content: bytes) -> None:
        """Read the weights of a VGG, and of the compact network."""
        from artist_nst.nst.compact import load_compact
        from artist_nst.nst.weights.checkpoint import load_weights

        path = self._write("weights", content)
        _expect(load_weights, path, "vgg19")
        _expect(load_compact, path)

    def _write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


def _expect(function: Callable[..., object], *values: Any, **named: Any) -> bool:
    """Call a function, which may raise ArtistNstError of one line, and nothing else.

    Returns:
        Whether it raised nothing.
    """
    try:
        function(*values, **named)
    except ArtistNstError as error:
        text = str(error)
        if "\n" in text or not 0 < len(text) < MAX_LINE:
            raise AssertionError(f"not one line: {text[:80]!r}") from error
        return False
    return True


def _list_files(folder: Path | None) -> Iterable[Path]:
    if folder is None:
        return []
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in files if path.stat().st_size < 200_000]


def _make_seeds(name: str, folder: Path) -> Iterable[bytes]:
    match name:
        case "reader":
            yield from _make_pictures(folder)
        case "record":
            yield json.dumps(make_record()).encode()
        case "manifest":
            yield from _make_manifests()
        case "recipe":
            from artist_nst.recipes.toml_file import write_recipe

            for recipe in RECIPES.values():
                write_recipe(folder / "seed.toml", recipe)
                yield (folder / "seed.toml").read_bytes()
        case "wikiart":
            yield from _make_pages()
        case "weights":
            yield from _make_weights(folder)


def make_record() -> dict[str, object]:
    """Make the record of a painting after a file and a work."""
    picture = {"path": "a.jpg", "sha256": "0" * 64, "width": 8, "height": 8}
    work = {"artist": "Anna", "corpus": "anna", "id": "a", "title": "A"}
    styles = [
        {**picture, "weight": 1.0, "work": None, "share": 0.5},
        {**picture, "weight": 1, "work": {**work, "year": "1900", "rights": None}},
    ]
    level = {"width": 8, "height": 8, "network": "vgg19", "precision": "float32"}
    return {
        "artist_nst": "0.2.0",
        "format": 1,
        "painted": "2026-01-01T00:00:00+00:00",
        "content": picture,
        "styles": styles,
        "corpora": "corpora",
        "recipe": RECIPES["default"].to_dict(),
        "seed": 7,
        "size": [8, 8],
        "network": {"name": "vgg19", "sha256": "1" * 64, "input": "torchvision"},
        "device": "cpu (2 threads)",
        "precision": "float32",
        "computed": [{**level, "optimizer": "lbfgs", "rows": None, "history": 10}],
        "versions": {"python": "3.11"},
        "stopped": ["all iterations done"],
        "iterations": 2,
        "evaluations": 3,
        "losses": {"total": 1.0, "content": 0.5, "style": 0.5, "tv": 0.0},
        "distances": {"content": 0.1, "style": 0.2, "grams": {"conv1_1": 0.1}},
        "history": [[1, 1.0, 0.5, 0.5, 0.0, 0.1, 0.0]],
        "seconds": 1.5,
    }


def _make_pictures(folder: Path) -> Iterable[bytes]:
    import tifffile
    from PIL import Image

    from artist_nst.image.files import write_picture

    pixels = np.random.default_rng(0).random((12, 16, 3))
    image = Image.fromarray(np.uint8(255 * pixels))
    path = folder / "seed"
    for mode, suffix in (
        *(("RGB", "jpg"), ("RGB", "png"), ("RGBA", "png"), ("P", "gif"), ("L", "bmp")),
        *(("RGB", "webp"), ("CMYK", "jpg"), ("I;16", "png"), ("1", "png")),
        *(("RGB", "ppm"), ("RGB", "avif"), ("RGB", "jp2"), ("F", "tif")),
    ):
        image.convert("L" if mode == "I;16" else mode).save(f"{path}.{suffix}")
        yield Path(f"{path}.{suffix}").read_bytes()
    image.save(f"{path}.jpg", progressive=True, exif=Image.Exif().tobytes())
    yield Path(f"{path}.jpg").read_bytes()
    for suffix in ("png", "jpg", "tif", "webp"):
        write_picture(f"{path}.{suffix}", pixels, record='{"format": 1}')
        yield Path(f"{path}.{suffix}").read_bytes()
    for dtype in (np.uint8, np.uint16, np.float32):
        tifffile.imwrite(f"{path}.tif", pixels.astype(dtype), photometric="rgb")
        yield Path(f"{path}.tif").read_bytes()


def _make_manifests() -> Iterable[bytes]:
    header = {"format": 1, "slug": "anna", "artist": "Anna", "source": "https://x"}
    header |= {"asked": ["anna"], "list": {"works": 1, "complete": True}}
    work = {"id": "a", "title": "A", "year": "1900", "width": 8, "height": 8}
    work |= {
        "file": "images/a.jpg",
        "bytes": 9,
        "status": "ok",
        "image_url": "https://x",
    }
    lines = [json.dumps(values) for values in (header, work, {**work, "id": "b"})]
    yield "\n".join(lines).encode()
    yield json.dumps(header).encode() + b"\n" + json.dumps(work).encode() + b"\n"
    yield json.dumps(header).encode()


def _make_pages() -> Iterable[bytes]:
    work = {
        "id": "5",
        "title": "A &amp; B",
        "year": "1900",
        "width": 800,
        "height": 600,
    }
    work |= {"image": "https://uploads1.wikiart.org/a.jpg!Large.jpg"}
    work |= {"paintingUrl": "/en/claude-monet/a", "artistUrl": "/en/claude-monet"}
    yield json.dumps({"Paintings": [work], "AllPaintingsCount": 1}).encode()
    artist = {"artistName": "Claude Monet", "url": "/en/claude-monet"}
    yield json.dumps(artist).encode()
    yield json.dumps([artist]).encode()
    found = {"artistUrl": "/en/claude-monet", "title": "Claude Monet"}
    found["totalWorksTitle"] = "1,367 artworks"
    yield json.dumps(
        {"Artists": [found], "ArtistsHtml": "<a href='/en/x'>X</a>"}
    ).encode()
    yield b"""<html><title>Monet: 1,367 artworks</title><ul class=painting-list-text>
        <li><a href="/en/claude-monet/a">A</a><span>, 1900</span></li></ul></html>"""
    yield b"""<ul class=masonry-text-view-all><li><a href="/en/claude-monet">Monet</a>
        <span>1,367 artworks</span></li></ul></html>"""
    yield b"""<article><li><s>Date:</s>1900</li><li><s>Style:</s><a>Cubism</a></li>
        </article><div ng-init='paintingJson = {"year": 1900, "image":
        "https://uploads1.wikiart.org/a.jpg"}' itemprop=creator></div></html>"""


def _make_weights(folder: Path) -> Iterable[bytes]:
    import torch
    from safetensors.torch import save

    from artist_nst.nst.compact import PACKAGED_FILE

    tensors = {"features.0.weight": torch.zeros(64, 3, 3, 3)}
    yield save(tensors, metadata={"input": "oxford"})
    for is_zip in (True, False):
        path = folder / "seed.pth"
        torch.save(tensors, path, _use_new_zipfile_serialization=is_zip)
        yield path.read_bytes()
    shutil.copy(PACKAGED_FILE, folder / "compact")
    yield (folder / "compact").read_bytes()
