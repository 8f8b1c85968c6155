"""Pictures to adopt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from artist_nst.corpus.adopt import AdoptReport


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Four pictures, one of them in a folder below."""
    folder = tmp_path / "my scans"
    for seed, name in enumerate(["a.png", "b.jpg", "c10.tif", "late/c9.webp"]):
        draw(folder / name, seed)
    return folder


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    return tmp_path / "corpora"


def draw(
    path: Path,
    seed: int = 0,
    format: str | None = None,
    size: tuple[int, int] = (4, 3),
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    color = (seed * 37 % 256, seed * 91 % 256, 90)
    Image.new("RGB", size, color).save(path, format)
    return path


def content(folder: Path) -> dict[str, bytes]:
    """Every file below, but for when it was written."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            inside = path.relative_to(folder).as_posix()
            found[inside] = path.read_bytes()
            if path.name == "corpus.json":
                times = {"created": "", "updated": ""}
                found[inside] = json.dumps(json.loads(found[inside]) | times).encode()
    return found


def counts(one: AdoptReport) -> tuple[int, int, int, int, int]:
    assert one.found == one.added + one.here + one.duplicates + len(one.failed)
    return one.found, one.added, one.here, one.duplicates, len(one.failed)
