"""The dataset: what is trained on, what is held out; crops and their changes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from distillation import dataset
from PIL import Image
from skimage import data
from torch import Tensor

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import read_picture
from tests.conftest import picture
from tests.scripts.distillation.conftest import image, save_pictures

pytestmark = pytest.mark.tools


@pytest.fixture(autouse=True)
def _no_packaged_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "PACKAGED_PHOTOS", ())


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of 4 photos and 7 paintings, to change."""
    photos, paintings = tmp_path / "photos", tmp_path / "paintings"
    save_pictures(photos, 4, 10)
    save_pictures(paintings, 7, 20)
    return photos, paintings


def contains(pictures: list[Any], path: Path) -> bool:
    pixels = np.asarray(Image.open(path).convert("RGB"))
    return any(np.array_equal(other, pixels) for other in pictures)


def test_every_third_picture_is_held_out(folders: tuple[Path, Path]) -> None:
    photos, paintings = folders
    found = dataset.load_dataset([photos], [paintings])
    assert found.held_out_photos == [photos / "0.png", photos / "3.png"]
    held_out = [paintings / f"{index}.png" for index in (0, 3, 6)]
    assert found.held_out_paintings == held_out
    assert (len(found.photos), len(found.paintings)) == (2, 4)
    for index in range(4):
        assert contains(found.photos, photos / f"{index}.png") == bool(index % 3)
    for index in range(7):
        assert contains(found.paintings, paintings / f"{index}.png") == bool(index % 3)


def test_subfolders_are_split_separately(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    for index, name in enumerate(("a", "b")):
        save_pictures(tmp_path / "artists" / name, 2, 40 + 5 * index)
    found = dataset.load_dataset([folders[0]], [tmp_path / "artists"])
    held_out = [str(path.relative_to(tmp_path)) for path in found.held_out_paintings]
    assert held_out == ["artists/a/0.png", "artists/b/0.png"]
    assert len(found.paintings) == 2


def test_copies_of_held_out_pictures_are_left_out(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """In any folder, also where they were resized and compressed."""
    photos, paintings = folders
    before = dataset.load_dataset([photos], [paintings])
    more = tmp_path / "more"
    save_pictures(more, 1, 60)
    shutil.copy(paintings / "3.png", more / "1.png")
    shutil.copy(photos / "0.png", more / "2.png")
    save_pictures(tmp_path / "others", 1, 61)
    for index, size in enumerate([(64, 48), (150, 112), (40, 30)]):
        copy = Image.open(paintings / "3.png").resize(size, Image.Resampling.BICUBIC)
        copy.save(tmp_path / "others" / f"0{index}.jpg", quality=40 + 25 * index)
    found = dataset.load_dataset([photos], [paintings, more, tmp_path / "others"])
    assert len(found.paintings) == len(before.paintings) == 4
    assert not contains(found.paintings, paintings / "3.png")
    assert not contains(found.paintings, photos / "0.png")


def test_packaged_photos(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are trained on, except where a folder's held-out photo is the same."""
    photos, paintings = folders
    monkeypatch.setattr(dataset, "PACKAGED_PHOTOS", ("chelsea", "rocket"))
    Image.fromarray(data.chelsea()).save(photos / "0.png")
    found = dataset.load_dataset([photos], [paintings])
    assert len(found.photos) == 3
    assert found.photos[-1].dtype == np.uint8
    assert found.photos[-1].shape == (427, 640, 3)


def test_the_hash_is_of_the_training_files(folders: tuple[Path, Path]) -> None:
    photos, paintings = folders
    first = dataset.load_dataset([photos], [paintings]).sha256
    (photos / "1.txt").write_text("no picture")
    Image.fromarray(picture(48, 64, 99)).save(paintings / "3.png")
    assert dataset.load_dataset([photos], [paintings]).sha256 == first
    Image.fromarray(picture(48, 64, 98)).save(paintings / "4.png")
    assert dataset.load_dataset([photos], [paintings]).sha256 != first


def test_large_pictures_are_reduced(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "LONG_SIDE", 32)
    found = dataset.load_dataset([folders[0]], [folders[1]])
    assert {pixels.shape for pixels in found.paintings} == {(24, 32, 3)}


def test_unusable_folders_are_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    photos, paintings = folders
    (tmp_path / "empty").mkdir()
    save_pictures(tmp_path / "single", 1, 70)
    with pytest.raises(UsageError, match="empty"):
        dataset.load_dataset([photos], [paintings, tmp_path / "empty"])
    with pytest.raises(UsageError, match="single"):
        dataset.load_dataset([photos], [tmp_path / "single"])
    (paintings / "2.png").write_bytes((paintings / "2.png").read_bytes()[:200])
    with pytest.raises(ArtistNstError, match=r"2\.png"):
        dataset.load_dataset([photos], [paintings])


# Crops -------------------------------------------------------------------------------


def draw(seed: int) -> Tensor:
    pictures = [picture(48, 64, 1), picture(90, 30, 2), picture(10, 12, 3)]
    return dataset.random_crop(np.random.default_rng(seed), pictures, 24)


def test_crops() -> None:
    crops = [draw(seed) for seed in range(40)]
    for seed, crop in enumerate(crops):
        assert crop.shape == (1, 3, 24, 24)
        assert crop.dtype == torch.float32
        assert 0 <= float(crop.min()) <= float(crop.max()) <= 255
        assert float(crop.std()) > 10
        assert torch.equal(crop, draw(seed))
    assert not torch.equal(crops[0], crops[1])


def test_crops_are_from_all_pictures() -> None:
    flat = [np.full((30, 30, 3), level, np.uint8) for level in (10, 100, 200)]
    levels = {
        round(float(dataset.random_crop(np.random.default_rng(seed), flat, 24).mean()))
        for seed in range(20)
    }
    assert levels == {10, 100, 200}


def test_a_whole_picture_is_cropped_to_itself_or_its_mirror_image() -> None:
    pixels = picture(24, 24, 5)
    expected = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    seen = set()
    for seed in range(10):
        crop = dataset.random_crop(np.random.default_rng(seed), [pixels], 24)
        mirrored = torch.equal(crop, expected.flip(-1))
        assert mirrored or torch.equal(crop, expected)
        seen.add(mirrored)
    assert seen == {True, False}


def test_crops_have_many_scales() -> None:
    """The slope of a ramp tells the scale."""
    ramp = np.repeat(np.arange(96, dtype=np.uint8)[None, :, None] * 2, 96, 0)
    ramp = np.repeat(ramp, 3, 2)
    slopes = []
    for seed in range(40):
        crop = dataset.random_crop(np.random.default_rng(seed), [ramp], 24)
        slopes.append(float(crop[0, 0, 12].diff()[6:18].mean().abs()))
    assert 1.9 < min(slopes) < max(slopes) / 2
    assert max(slopes) < 8.1


@pytest.mark.parametrize("name", ["jitter_colors", "add_noise"])
def test_changed_crops_stay_in_range(name: str) -> None:
    change = getattr(dataset, name)
    photo = image(29, 31, 4)
    original = photo.clone()
    unchanged = 0
    for seed in range(60):
        result = change(np.random.default_rng(seed), photo)
        assert result.shape == photo.shape
        assert result.dtype == torch.float32
        assert 0 <= float(result.min()) <= float(result.max()) <= 255
        assert torch.equal(result, change(np.random.default_rng(seed), photo))
        unchanged += torch.equal(result, photo)
    assert torch.equal(photo, original)
    assert 15 < unchanged < 50 if name == "jitter_colors" else unchanged == 0


def test_noise_is_added_or_replaces_the_image() -> None:
    photo = image(40, 40, 4)
    correlations = []
    for seed in range(60):
        noisy = dataset.add_noise(np.random.default_rng(seed), photo)
        correlations.append(np.corrcoef(photo.ravel(), noisy.ravel())[0, 1])
    assert 2 < sum(value < 0.1 for value in correlations) < 20
    assert sum(value > 0.7 for value in correlations) > 30


def test_read_image(tmp_path: Path) -> None:
    (path,) = save_pictures(tmp_path / "one", 1, 3)
    tensor = dataset.read_image(path, 64)
    expected = read_picture(path).pixels * 255
    assert tensor[0].permute(1, 2, 0).numpy() == pytest.approx(expected, abs=1e-3)
    assert dataset.read_image(path, 32).shape == (1, 3, 24, 32)
