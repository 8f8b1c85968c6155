"""Faces are found where they are, and nowhere else; masks cover the whole head."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

from artist_nst._types import Pixels
from artist_nst.errors import ArtistNstError
from artist_nst.image import faces as face_search
from artist_nst.image.faces import Face, draw_face_mask, find_faces


def turn(levels: np.ndarray, angle: float = 0, side: int = 512) -> Pixels:
    picture = Image.fromarray(levels).rotate(angle, Image.Resampling.BICUBIC)
    return np.asarray(picture.resize((side, side))) / 255


# The middle of the astronaut's face, and about the distance from eyebrows to chin.
@pytest.mark.parametrize(
    ("angle", "side", "middle", "size"),
    [
        (0, 512, (222, 125), 90),
        (0, 128, (55, 31), 22),
        (20, 512, (180, 145), 90),
    ],
)
def test_the_astronauts_face_is_found(
    angle: float, side: int, middle: tuple[float, float], size: float
) -> None:
    faces = find_faces(turn(data.astronaut(), angle, side))
    face = faces[0]
    assert face.left + face.size / 2 == pytest.approx(middle[0], abs=size / 4)
    assert face.top + face.size / 2 == pytest.approx(middle[1], abs=size / 4)
    assert face.size == pytest.approx(size, rel=0.25)


def test_both_faces_of_two_are_found_the_larger_first() -> None:
    large = turn(data.astronaut())
    small = turn(data.astronaut(), side=256)
    both = np.concatenate((np.tile(small, (2, 1, 1))[:512], large), 1)
    both[256:, :256] = 0.5
    faces = find_faces(both)
    assert [face.left > 256 for face in faces] == [True, False]
    assert faces == find_faces(both)


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket"])
def test_there_is_no_face_in_a_picture_without_people(name: str) -> None:
    assert find_faces(getattr(data, name)() / 255) == []


@pytest.mark.parametrize("size", [(1, 1), (2, 300)])
def test_tiny_and_narrow_pictures_are_searched(size: tuple[int, int]) -> None:
    assert find_faces(np.full((*size, 3), 0.5)) == []


def test_a_mask_holds_the_whole_head_and_has_a_soft_edge() -> None:
    face = Face(left=60, top=80, size=40, score=1)
    mask = draw_face_mask([face], 200, 160)
    assert mask.shape == (200, 160)
    assert mask.dtype == np.float32
    assert mask[80:120, 75:85].min() == 1  # from the eyebrows to the chin
    assert mask[70, 80] == 1  # the forehead
    assert mask[30].max() == mask[160].max() == mask[:, 30].max() == 0
    column = mask[:, 80]
    assert np.abs(np.diff(column)).max() < 0.25
    assert np.allclose(mask[:, :80], mask[:, 80:][:, ::-1])


def test_the_edge_of_a_mask_grows_with_the_face() -> None:
    faces = [Face(10, 20, 20, 1), Face(100, 200, 200, 1)]
    edges = [
        np.logical_and(mask > 0, mask < 1).sum() / mask.sum()
        for mask in (draw_face_mask([face], 600, 400) for face in faces)
    ]
    assert edges[0] == pytest.approx(edges[1], rel=0.1)


def test_masks_of_faces_are_joined_and_cut_at_the_borders() -> None:
    faces = [Face(-20, -10, 40, 1), Face(70, 60, 40, 1), Face(500, 500, 40, 1)]
    mask = draw_face_mask(faces, 100, 100)
    both = [draw_face_mask([face], 100, 100) for face in faces[:2]]
    assert np.array_equal(mask, np.maximum(*both))
    assert mask[0, 0] == 1
    assert draw_face_mask([], 3, 5).tolist() == [[0] * 5] * 3


def test_without_dlib_one_line_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    face_search._load_detector.cache_clear()
    with pytest.raises(ArtistNstError, match=r"pip install 'artist-nst\[faces\]'"):
        find_faces(np.zeros((8, 8, 3)))
