"""Regions in the API: masks are checked, passed on to the painter, and found again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.image.files import write_picture
from artist_nst.painting.record import load_record
from artist_nst.web import photos
from tests.artists import save_painting, work
from tests.web.conftest import StudioServer

SIZE = 40, 30


def encode(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def draw_half(size: tuple[int, int] = SIZE, white: int = 255) -> Image.Image:
    """Draw a mask that covers the left half."""
    image = Image.new("L", size)
    image.paste(white, (0, 0, size[0] // 2, size[1]))
    return image


def upload_mask(server: StudioServer, image: Image.Image, name: str = "sky.png") -> str:
    answer = server.upload("/api/masks", encode(image), name)
    assert answer.status == 201, answer.body
    mask_id: str = answer.json["id"]
    return mask_id


@pytest.fixture(scope="module")
def photo_id(served: StudioServer) -> str:
    content = encode(Image.fromarray(work(0, 0)).resize(SIZE))
    photo_id: str = served.upload("/api/photos", content).json["id"]
    return photo_id


@pytest.fixture(scope="module")
def mask_id(served: StudioServer) -> str:
    return upload_mask(served, draw_half())


def test_regions_reach_the_painter(
    studio_server: StudioServer, photo_id: str, mask_id: str
) -> None:
    other = upload_mask(studio_server, draw_half(white=200), "face.png")
    regions = [
        {"mask": other},
        {"mask": mask_id, "style": {"images": [photo_id]}, "strength": 2.5},
    ]
    request = {
        "photo": photo_id,
        "style": {"artist": "anna-pauw", "pick": "typical"},
        "regions": regions,
        "protect_faces": True,
    }
    answer = studio_server.post("/api/paintings", request)
    assert answer.status == 202, answer.body
    assert answer.json["title"] == "Anna Pauw and 1 picture"
    (job,) = studio_server.studio.queue.list_jobs()
    studio_server.studio.queue._jobs.clear()
    kept, painted = job.task.regions.masks
    assert job.task.regions.protect_faces
    assert not job.task.regions.segmented
    assert (kept.mask, kept.style) == (f"masks/{other}/face.png", None)
    assert (painted.mask, painted.strength) == (f"masks/{mask_id}/sky.png", 2.5)
    root = studio_server.studio.folder.root
    for path in (kept.mask, painted.mask):
        assert isinstance(path, str)
        assert (root / path).is_file()
    (source,) = job.task.regions.choose(0).masks[1].sources
    assert source.path == Path(f"photos/{photo_id}/photo.png")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"regions": [{"mask": "0" * 16}]}, "no such mask"),
        ({"regions": [{"mask": "PHOTO"}]}, "no such mask"),
        ({"regions": [{"mask": "../../etc/passwd"}]}, "regions.0.mask"),
        ({"regions": [{"mask": "TALL"}]}, "sky.png is 20×80, but the photo 40×30"),
        ({"regions": [{"mask": "MASK"}] * 2}, "same mask"),
        ({"regions": [{"mask": "MASK"}] * 9}, "regions"),
        ({"regions": [{"mask": "MASK"}], "style": None}, "all of the photo is kept"),
        ({"regions": [{}], "style": None}, "all of the photo is kept"),
        ({"regions": [{"style": {"artist": "anna-pauw"}}]}, "two styles"),
        ({"regions": [{}, {}], "style": None}, "two styles"),
        ({"regions": [{"mask": "MASK"}], "segmented": True}, "not both"),
        ({"regions": [{"mask": "MASK", "style": {"artist": "x"}}]}, "no such artist"),
        ({"regions": [{"mask": "MASK", "style": {}}]}, "region 1: choose an artist"),
        ({"regions": [{"mask": "MASK", "strength": -1}]}, "strength"),
        ({"regions": [{"mask": "MASK", "strength": float("nan")}]}, "strength"),
        ({"regions": [{"mask": "MASK", "style_mask": "MASK"}]}, "belongs to a style"),
        ({"segmented": True, "style": None}, "choose an artist"),
        ({"protect_faces": "much"}, "protect_faces"),
    ],
)
def test_regions_that_are_refused(
    studio_server: StudioServer,
    photo_id: str,
    mask_id: str,
    changes: dict[str, Any],
    reason: str,
) -> None:
    tall = upload_mask(studio_server, draw_half((20, 80)))
    request = {"photo": photo_id, "style": {"artist": "anna-pauw"}} | changes
    body = json.dumps(request, ensure_ascii=False)
    for name, given in (("PHOTO", photo_id), ("MASK", mask_id), ("TALL", tall)):
        body = body.replace(f'"{name}"', f'"{given}"')
    answer = studio_server.post("/api/paintings", body.encode())
    assert answer.status == 422
    assert reason in answer.error
    assert not studio_server.studio.queue.list_jobs()


def test_a_comparison_has_no_regions(
    studio_server: StudioServer, photo_id: str, mask_id: str
) -> None:
    request = {
        "photo": photo_id,
        "style": {"artist": "anna-pauw"},
        "across": {"name": "ratio", "values": "1, 2"},
        "regions": [{"mask": mask_id}],
    }
    answer = studio_server.post("/api/comparisons", request)
    assert answer.status == 422
    assert answer.error.startswith("regions")


def test_masks_that_are_refused(
    studio_server: StudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    black = encode(Image.new("L", SIZE))
    kept = set(studio_server.studio.folder.masks.iterdir())
    for content, reason in (
        (b"no picture", "the picture"),
        (encode(draw_half())[:-30], "the picture"),
        (black, "sky.png covers nothing as a mask"),
    ):
        answer = studio_server.upload("/api/masks", content, "sky.png")
        assert answer.status == 400
        assert answer.error.startswith(reason)
    assert set(studio_server.studio.folder.masks.iterdir()) == kept
    monkeypatch.setattr(photos, "MAX_PIXELS", 1000)
    answer = studio_server.upload("/api/masks", encode(draw_half((90, 60))))
    assert answer.status == 400
    assert "pixels" in answer.error
    head = {"Content-Length": str(10**8)}
    assert studio_server.ask("/api/masks", "POST", b"", head).status == 413
    assert studio_server.ask(f"/api/masks/{'0' * 16}/thumbnail").status == 404


def test_masks_are_shown_as_they_are_read(studio_server: StudioServer) -> None:
    image = Image.new("RGBA", (2000, 1500))
    image.paste((0, 0, 0, 255), (0, 0, 1000, 1500))
    mask_id = upload_mask(studio_server, image, "opaque.png")
    for query, side in (("", 320), ("?large=true", 1280)):
        answer = studio_server.ask(f"/api/masks/{mask_id}/thumbnail{query}")
        shown = np.asarray(Image.open(io.BytesIO(answer.body)).convert("L"))
        assert shown.shape == (side * 3 // 4, side)
        assert (shown[:, : side // 2 - 4] == 255).all()
        assert (shown[:, side // 2 + 4 :] == 0).all()
    # Not among the photos to choose from.
    recent = studio_server.ask("/api/photos").json
    assert "opaque.png" not in [photo["name"] for photo in recent]


def save_divided(root: Path, corpora: Path) -> Path:
    """Save a painting of two masks and the rest, as the command does; returns it."""
    for name, white in (("sky.png", 255), ("gone.png", 128)):
        draw_half((64, 48), white).save(root / name)
    photo = root / "street.png"
    Image.fromarray(work(0, 0)).save(photo)
    path = root / "divided.png"
    works = [photo, corpora / "anna-pauw" / "work-1.png"]
    save_painting(path, work(1, 0), photo, works)
    record: Any = load_record(path)
    facts = {"corpus": "anna-pauw", "id": "work-1.png", "title": "Work"}
    empty = {"artist": "Anna", "year": None, "rights": None}
    record["styles"][1]["work"] = {**facts, **empty}

    def describe(name: str) -> dict[str, Any]:
        sha256 = hash_file(root / name)
        return {"path": str(root / name), "sha256": sha256, "width": 64, "height": 48}

    record["protect_faces"] = True
    record["regions"] = [
        {"mask": describe("sky.png"), "styles": [0], "style_mask": None, "strength": 2},
        {"mask": describe("gone.png"), "styles": [], "style_mask": None, "strength": 1},
        {"mask": None, "styles": [1], "style_mask": None, "strength": 0.5},
    ]
    write_picture(path, work(1, 0), record=json.dumps(record))
    return path


def test_regions_are_painted_again(
    studio_server: StudioServer, studio_corpora: Path
) -> None:
    root = studio_server.studio.folder.root
    path = save_divided(root, studio_corpora)
    painting_id = studio_server.studio.paintings.make_id(path)
    shown = studio_server.ask(f"/api/paintings/{painting_id}").json
    words = dict(shown["description"])["regions"]
    assert words.startswith("sky.png: street.png × 2; gone.png: kept; the rest: Work")
    assert "--mask sky.png=street.png:2 --mask gone.png=keep" in shown["command"]
    assert shown["record"]["regions"][0]["mask"]["path"] == "sky.png"
    (root / "gone.png").unlink()
    again = studio_server.post(f"/api/paintings/{painting_id}/reuse", {}).json
    artist = studio_server.studio.artists.get("anna-pauw")
    (key,) = (key for key, one in artist.works.items() if one.id == "work-1.png")
    assert again["style"] == {"artist": "anna-pauw", "works": [key]}
    regions = again["regions"]
    assert regions["rest_strength"] == 0.5
    assert regions["protect_faces"]
    sky, gone = regions["masks"]
    assert sky["mask"]["name"] == "sky.png"
    assert sky["style"]["images"][0]["name"] == "street.png"
    assert sky["strength"] == 2
    assert (gone["mask"], gone["style"]) == (None, None)
    # What the form then asks for is accepted.
    request = {
        "photo": again["photo"]["id"],
        "regions": [
            {"mask": sky["mask"]["id"], "style": {"images": [again["photo"]["id"]]}},
            {"style": again["style"], "strength": regions["rest_strength"]},
        ],
    }
    assert studio_server.post("/api/paintings", request).status == 202
    studio_server.studio.queue._jobs.clear()
    path.unlink()


def test_the_record_of_a_stranger(
    studio_server: StudioServer, studio_corpora: Path
) -> None:
    path = save_divided(studio_server.studio.folder.root, studio_corpora)
    record: Any = load_record(path)
    record["regions"][0]["styles"] = [7]
    write_picture(path, work(1, 0), record=json.dumps(record))
    painting_id = studio_server.studio.paintings.make_id(path)
    assert studio_server.ask(f"/api/paintings/{painting_id}").status == 404
    path.unlink()


def test_the_api_page_documents_regions(studio_server: StudioServer) -> None:
    page = studio_server.ask("/api").body.decode()
    for words in ("/api/masks", "<code>regions</code>", "protect_faces", "segmented"):
        assert words in page
