"""What is learnt from, what is held out; crops, changed and spoiled."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import read_picture
from tests.conftest import picture
from tests.scripts.distillation.conftest import Script, image, save_pictures


@pytest.fixture(scope="module")
def pictures(script: Script) -> ModuleType:
    return script("distillation.pictures")


@pytest.fixture
def folders(
    tmp_path: Path, pictures: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Four photos and seven paintings; no shipped ones beside them."""
    monkeypatch.setattr(pictures, "SHIPPED", ())
    photos, paintings = tmp_path / "photos", tmp_path / "paintings"
    save_pictures(photos, 4, 10)
    save_pictures(paintings, 7, 20)
    return photos, paintings


def levels(path: Path) -> Any:
    return np.asarray(Image.open(path).convert("RGB"))


def has(found: list[Any], path: Path) -> bool:
    wanted = levels(path)
    return any(np.array_equal(one, wanted) for one in found)


def test_every_third_is_held_out(
    pictures: ModuleType, folders: tuple[Path, Path]
) -> None:
    photos, paintings = folders
    found = pictures.gather([photos], [paintings])
    assert found.held_out_photos == [photos / "0.png", photos / "3.png"]
    held = [paintings / f"{nth}.png" for nth in (0, 3, 6)]
    assert found.held_out_paintings == held
    assert (len(found.photos), len(found.paintings)) == (2, 4)
    for nth in range(4):
        assert has(found.photos, photos / f"{nth}.png") == bool(nth % 3)
    for nth in range(7):
        assert has(found.paintings, paintings / f"{nth}.png") == bool(nth % 3)


def test_folders_inside_are_counted_apart(
    pictures: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    photos, _ = folders
    for nth, name in enumerate(("a", "b")):
        save_pictures(tmp_path / "artists" / name, 2, 40 + 5 * nth)
    found = pictures.gather([photos], [tmp_path / "artists"])
    held = [path.relative_to(tmp_path) for path in found.held_out_paintings]
    assert held == [Path("artists/a/0.png"), Path("artists/b/0.png")]
    assert len(found.paintings) == 2


def test_other_files_are_left_aside(
    pictures: ModuleType, folders: tuple[Path, Path]
) -> None:
    photos, paintings = folders
    before = pictures.gather([photos], [paintings])
    (photos / "1.txt").write_text("no picture")
    (paintings / "manifest.jsonl").write_text("{}")
    assert pictures.gather([photos], [paintings]).sha256 == before.sha256


def test_a_copy_of_a_held_out_picture_is_not_learnt_from(
    pictures: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """Not from the other kind of folder, either."""
    photos, paintings = folders
    more = tmp_path / "more"
    save_pictures(more, 1, 60)
    shutil.copy(paintings / "3.png", more / "1.png")
    shutil.copy(photos / "0.png", more / "2.png")
    found = pictures.gather([photos], [paintings, more])
    assert len(found.paintings) == 4
    assert not has(found.paintings, paintings / "3.png")
    assert not has(found.paintings, photos / "0.png")


@pytest.mark.parametrize(
    ("size", "quality"), [((64, 48), 40), ((150, 112), 90), ((40, 30), 70)]
)
def test_what_looks_like_a_held_out_picture_is_not_learnt_from(
    pictures: ModuleType,
    folders: tuple[Path, Path],
    size: tuple[int, int],
    quality: int,
) -> None:
    photos, paintings = folders
    before = pictures.gather([photos], [paintings])
    copy = Image.open(paintings / "3.png").resize(size, Image.Resampling.BICUBIC)
    copy.save(paintings / "31.jpg", quality=quality)  # in the place of "4.png"
    found = pictures.gather([photos], [paintings])
    held = [path.name for path in found.held_out_paintings]
    assert held == ["0.png", "3.png", "5.png"]
    left = {1: "1.png", 2: "2.png", 4: "4.png", 6: "6.png"}
    assert len(found.paintings) == 4
    assert all(has(found.paintings, paintings / name) for name in left.values())
    assert found.sha256 != before.sha256


def test_a_shipped_photo_that_is_held_out_is_not_learnt_from(
    pictures: ModuleType,
    folders: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, paintings = folders
    monkeypatch.setattr(pictures, "SHIPPED", ("chelsea",))
    photos = tmp_path / "with a cat"
    save_pictures(photos, 3, 10)
    Image.fromarray(data.chelsea()).save(photos / "0.png")
    found = pictures.gather([photos], [paintings])
    assert found.held_out_photos == [photos / "0.png"]
    assert not has(found.photos, photos / "0.png")


def test_shipped_photos_are_learnt_from(
    pictures: ModuleType, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "SHIPPED", ("rocket",))
    photos, paintings = folders
    found = pictures.gather([photos], [paintings])
    assert len(found.photos) == 3
    assert found.photos[-1].dtype == np.uint8
    assert found.photos[-1].shape == (427, 640, 3)


def test_the_hash_is_of_what_is_learnt(
    pictures: ModuleType, folders: tuple[Path, Path]
) -> None:
    photos, paintings = folders
    first = pictures.gather([photos], [paintings]).sha256
    assert pictures.gather([photos], [paintings]).sha256 == first
    Image.fromarray(picture(48, 64, 99)).save(paintings / "3.png")
    assert pictures.gather([photos], [paintings]).sha256 == first
    Image.fromarray(picture(48, 64, 98)).save(paintings / "4.png")
    assert pictures.gather([photos], [paintings]).sha256 != first


def test_large_pictures_are_kept_smaller(
    pictures: ModuleType, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "LONG_SIDE", 32)
    found = pictures.gather([folders[0]], [folders[1]])
    assert {one.shape for one in found.paintings} == {(24, 32, 3)}


@pytest.mark.parametrize("which", ["photos", "paintings"])
def test_a_folder_without_pictures_is_refused(
    pictures: ModuleType, folders: tuple[Path, Path], tmp_path: Path, which: str
) -> None:
    (tmp_path / "empty").mkdir()
    uses = {"photos": [folders[0]], "paintings": [folders[1]]}
    uses[which].append(tmp_path / "empty")
    with pytest.raises(UsageError, match=r"empty has no pictures: name a folder"):
        pictures.gather(uses["photos"], uses["paintings"])


def test_paintings_that_are_all_held_out_are_refused(
    pictures: ModuleType, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """A folder of one picture leaves nothing to crop."""
    save_pictures(tmp_path / "single", 1, 70)
    with pytest.raises(UsageError, match="single"):
        pictures.gather([folders[0]], [tmp_path / "single"])


def test_a_damaged_picture_is_named(
    pictures: ModuleType, folders: tuple[Path, Path]
) -> None:
    photos, paintings = folders
    (paintings / "2.png").write_bytes((paintings / "2.png").read_bytes()[:200])
    with pytest.raises(ArtistNstError, match=r"2\.png") as caught:
        pictures.gather([photos], [paintings])
    assert "\n" not in str(caught.value)


# Crops -------------------------------------------------------------------------------


def drawn(pictures: ModuleType, seed: int, side: int = 24) -> Tensor:
    some = [picture(48, 64, 1), picture(90, 30, 2), picture(10, 12, 3)]
    found: Tensor = pictures.crop(
        np.random.default_rng(seed), [np.asarray(one) for one in some], side
    )
    return found


def test_crops(pictures: ModuleType) -> None:
    found = [drawn(pictures, seed) for seed in range(40)]
    for one in found:
        assert one.shape == (1, 3, 24, 24)
        assert one.dtype == torch.float32
        assert 0 <= float(one.min()) <= float(one.max()) <= 255
        assert float(one.std()) > 10
    again = [drawn(pictures, seed) for seed in range(40)]
    assert all(torch.equal(one, other) for one, other in zip(found, again, strict=True))
    assert not torch.equal(found[0], found[1])


def test_crops_are_of_all_pictures(pictures: ModuleType) -> None:
    plain = [np.full((30, 30, 3), level, np.uint8) for level in (10, 100, 200)]
    found = [
        pictures.crop(np.random.default_rng(seed), plain, 24) for seed in range(20)
    ]
    assert {round(float(one.mean())) for one in found} == {10, 100, 200}


def test_a_crop_is_of_its_picture(pictures: ModuleType) -> None:
    """Of one as large as itself: the picture, or the picture mirrored."""
    whole = picture(24, 24, 5)
    expected = torch.from_numpy(whole).permute(2, 0, 1)[None].float()
    seen = set()
    for seed in range(10):
        found = pictures.crop(np.random.default_rng(seed), [whole], 24)
        mirrored = torch.equal(found, expected.flip(-1))
        assert mirrored or torch.equal(found, expected)
        seen.add(mirrored)
    assert seen == {True, False}


def test_crops_are_of_many_scales(pictures: ModuleType) -> None:
    """A ramp's slope tells the scale: from the whole short side to the pixels."""
    ramp = np.repeat(np.arange(96, dtype=np.uint8)[None, :, None] * 2, 96, 0)
    ramp = np.repeat(ramp, 3, 2)
    slopes = []
    for seed in range(40):
        found = pictures.crop(np.random.default_rng(seed), [ramp], 24)
        slopes.append(float(found[0, 0, 12].diff()[6:18].mean().abs()))
    assert min(slopes) > 1.9
    assert max(slopes) < 8.1
    assert max(slopes) > 2 * min(slopes)


@pytest.mark.parametrize("name", ["changed", "spoiled"])
def test_changes_stay_in_range(pictures: ModuleType, name: str) -> None:
    change = getattr(pictures, name)
    photo = image(29, 31, 4)
    kept = photo.clone()
    same = 0
    for seed in range(60):
        found = change(np.random.default_rng(seed), photo)
        assert found.shape == photo.shape
        assert found.dtype == torch.float32
        assert 0 <= float(found.min()) <= float(found.max()) <= 255
        assert torch.equal(found, change(np.random.default_rng(seed), photo))
        same += torch.equal(found, photo)
    assert torch.equal(photo, kept)
    # Colours are changed now and then, what is spoiled is so always.
    assert 15 < same < 50 if name == "changed" else same == 0


def test_spoiled_is_the_image_and_noise_or_noise_alone(pictures: ModuleType) -> None:
    photo = image(40, 40, 4)
    alike = []
    for seed in range(60):
        found = pictures.spoiled(np.random.default_rng(seed), photo)
        alike.append(np.corrcoef(photo.ravel(), found.ravel())[0, 1])
    assert 2 < sum(one < 0.1 for one in alike) < 20
    assert sum(one > 0.7 for one in alike) > 30


def test_read(pictures: ModuleType, tmp_path: Path) -> None:
    (path,) = save_pictures(tmp_path / "one", 1, 3)
    found = pictures.read(path, 64)
    expected = read_picture(path).pixels * 255
    assert found.shape == (1, 3, 48, 64)
    assert found[0].permute(1, 2, 0).numpy() == pytest.approx(expected, abs=1e-3)
    assert pictures.read(path, 32).shape == (1, 3, 24, 32)
