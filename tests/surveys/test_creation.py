"""Surveys from folders: pictures, labels, photos and works."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.files import write_picture
from artist_nst.surveys import creation
from artist_nst.surveys.creation import create_survey
from artist_nst.surveys.store import open_survey
from tests.artists import save, save_artists, save_painting, work
from tests.conftest import picture
from tests.experiments.conftest import rewrite_record
from tests.surveys.conftest import save_pictures


def labels(path: Path, folder: Path) -> list[str]:
    return [item.label for item in create_survey(path, folder).items]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "survey.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_pictures(tmp_path / "some_paintings", ["b.png", "a.jpg"])


def test_pictures_with_their_names(path: Path, folder: Path) -> None:
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes((folder / "b.png").read_bytes())
    survey = create_survey(path, folder)
    assert [item.label for item in survey.items] == ["a", "b"]
    assert (survey.kind, survey.title) == ("rating", "Some Paintings")
    assert survey.items[0].pictures == ("painting",)
    assert survey.get_picture(1, "photo") is None
    assert survey.get_picture(99, "painting") is None
    assert open_survey(path) == survey
    # Same names but for their ends.
    save_pictures(folder, ["a.png"])
    assert labels(path.with_name("c.db"), folder) == ["a.jpg", "a.png", "b"]


def test_pictures_are_copies_of_a_size_without_metadata(
    path: Path, tmp_path: Path
) -> None:
    pixels = picture(700, 1400)
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    (tmp_path / "big").mkdir()
    source = tmp_path / "big" / "big.jpg"
    Image.fromarray(pixels).save(source, exif=exif, quality=95)
    survey = create_survey(path, source.parent)
    # It can be moved, and its folder deleted.
    shutil.rmtree(source.parent)
    moved = path.rename(tmp_path / "a name with ? and %41 #.db")
    jpeg = open_survey(moved).get_picture(1, "painting")
    assert jpeg is not None
    image = Image.open(io.BytesIO(jpeg))
    assert (image.format, image.size) == ("JPEG", (1200, 600))
    assert not image.getexif()
    assert b"where I live" not in jpeg
    expected = Image.fromarray(pixels).resize((1200, 600))
    assert np.abs(np.asarray(image, float) - np.asarray(expected)).mean() < 4
    assert survey.items[0].label == "big"


def test_a_comparison_is_labeled_by_what_varies(path: Path, tmp_path: Path) -> None:
    folder = save_pictures(tmp_path / "cmp", ["two.png", "one.png", "losses.png"])
    record = '{"sheet": "ratio"}'
    write_picture(folder / "sheet.png", picture(9, 9) / 255.0, record=record)
    table = (
        "style-scale,ratio,file,seconds,ratio\n0.6,5,one.png,1,5\n1.2,20,two.png,1,20\n"
    )
    (folder / "results.csv").write_text(table)
    survey = create_survey(path, folder)
    expected = ["style scale 0.6, ratio 5", "style scale 1.2, ratio 20"]
    assert [item.label for item in survey.items] == expected
    # Without its table, only the sheet is known to be no painting.
    (folder / "results.csv").unlink()
    again = labels(path.with_name("b.db"), folder)
    assert again == ["losses", "one", "two"]


@pytest.mark.parametrize(
    "table", ["", "a,b\n1,2\n", "file\n../secret.png\n", "file\n.png\n", "\xff,file"]
)
def test_other_tables_are_ignored(path: Path, folder: Path, table: str) -> None:
    save_pictures(folder.parent, ["secret.png"])
    (folder / "results.csv").write_bytes(table.encode("latin-1"))
    assert labels(path, folder) == ["a", "b"]


def test_what_can_not_be_read_is_left_out(
    path: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "broken.png").write_bytes((folder / "b.png").read_bytes()[:60])
    (folder / "nowhere.png").symlink_to("gone.png")
    assert labels(path, folder) == ["a", "b"]
    assert len(caplog.records) == 2
    assert all(name in caplog.text for name in ("broken.png", "nowhere.png"))


def test_too_few_and_too_many(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.jpg").unlink()
    with pytest.raises(UsageError, match=r"1 picture that can be read, and .* needs 2"):
        create_survey(path, folder, kind="pairs")
    (folder / "b.png").write_bytes(b"\x89PNG")
    with pytest.raises(UsageError, match="0 pictures"):
        create_survey(path, folder)
    monkeypatch.setattr(creation, "MAX_ITEMS", 1)
    save_pictures(folder, ["c.png"])
    with pytest.raises(UsageError, match="holds 2 pictures"):
        create_survey(path, folder)
    with pytest.raises(ArtistNstError, match=r"nothing.* cannot be read"):
        create_survey(path, folder / "nothing")
    # Nothing is left behind.
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["some_paintings"]


def test_a_file_is_not_replaced(path: Path, folder: Path) -> None:
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        create_survey(path, folder)
    assert path.read_text() == "mine"
    for name in ("survey.txt", "nowhere/survey.db"):
        with pytest.raises(UsageError, match="cannot be written"):
            create_survey(path.parent / name, folder)


class TestReferences:
    @pytest.fixture
    def painted(self, tmp_path: Path) -> Path:
        """Two paintings, after two works each, of which the second counts more."""
        photo = save(tmp_path / "photo.png", picture(48, 64, 9))
        works = [save(tmp_path / f"{name}.png", work(1, 7)) for name in ("min", "main")]
        save(works[0], work(2, 8))
        for number in range(2):
            file = tmp_path / "painted" / f"{number}.png"
            file.parent.mkdir(exist_ok=True)
            save_painting(file, work(1, number), photo, works, weights=[1, 2])
        return file.parent

    def test_photo_and_main_work(self, path: Path, painted: Path) -> None:
        survey = create_survey(path, painted, show_photo=True, show_works=True)
        for item in survey.items:
            assert item.caption == "after main.png and 1 more"
            assert item.pictures == ("painting", "photo", "work")
        for which, name in (("photo", "photo.png"), ("work", "main.png")):
            jpeg = survey.get_picture(2, which)
            assert jpeg is not None
            expected = np.asarray(Image.open(painted.parent / name), float)
            shown = np.asarray(Image.open(io.BytesIO(jpeg)), float)
            assert np.abs(shown - expected).mean() < 9
        # Not shown, if nobody asks for it.
        hidden = create_survey(path.with_name("b.db"), painted)
        assert hidden.items[0].pictures == ("painting",)

    def test_what_is_gone_or_another_is_not_shown(
        self, path: Path, painted: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (painted.parent / "photo.png").unlink()
        save(painted.parent / "main.png", work(4, 1))
        save_pictures(painted, ["foreign.png"])
        survey = create_survey(path, painted, show_photo=True, show_works=True)
        assert {item.pictures for item in survey.items} == {("painting",)}
        (photo, works) = caplog.messages
        assert "photo cannot be shown for 3 of 3 paintings" in photo
        assert "work cannot be shown for 3 of 3 paintings" in works

    def test_works_in_a_corpus(self, path: Path, painted: Path, tmp_path: Path) -> None:
        (file,) = save_artists(tmp_path / "corpora", ["bram"], works=1)["bram"]
        photo = painted.parent / "photo.png"
        one = save_painting(painted / "0.png", work(1, 3), photo, [file])
        sha256 = creation.hashlib.sha256(file.read_bytes()).hexdigest()
        facts = {"corpus": "bram", "id": file.name, "artist": "Bram", "title": "Night"}
        style = {"sha256": sha256, "width": 64, "height": 48, "weight": 1, "path": None}
        style["work"] = {**facts, "year": None, "rights": None}
        rewrite_record(one, styles=[style])
        survey = create_survey(
            path, painted, show_works=True, corpora=tmp_path / "corpora"
        )
        assert survey.items[0].caption == "after Night, Bram"
        assert survey.items[0].pictures == ("painting", "work")
