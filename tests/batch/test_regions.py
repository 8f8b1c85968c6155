"""Jobs with masks, faces and regions: how they are read, checked and told apart."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artist_nst.batch.inputs import fetch_inputs, fetch_job, place_job
from artist_nst.batch.jobs import Job
from artist_nst.batch.matrix import make_jobs, parse_variation
from artist_nst.batch.tasks import Task, Workplace
from artist_nst.batch.urls import get_mirror, to_path
from artist_nst.batch.worker import Painter
from artist_nst.painting.compute import ComputeOptions
from artist_nst.painting.mask_names import NamedMask, NamedStyle
from tests.batch.conftest import Batch, save_picture

MakeJob = Callable[..., Job]


@pytest.fixture(autouse=True)
def _masks(place: Path) -> None:
    """``masks/a.png``, ``masks/b.png``: the left half; ``top.png``: the upper one."""
    (place / "masks").mkdir()
    for name in ("masks/a.png", "masks/b.png", "top.png"):
        save_mask(place / name, rows=name == "top.png")


def save_mask(path: Path, *, rows: bool = False) -> None:
    mask = np.zeros((40, 48), np.uint8)
    mask[np.s_[:20] if rows else np.s_[:, :24]] = 255
    Image.fromarray(mask).save(path)


CSV = """photo,artist,mask,protect,regions
a.png,anna,masks/{stem}.png=keep; top.png=b.png:2@masks/a.png,faces,
b.png,,masks/{stem}.png=anna/Work 1:0.5;rest=keep,,
a.png,anna,,,auto
"""
JSON = """{"photo": "a.png", "artist": "anna", \
"mask": ["masks/{stem}.png=keep", "top.png=b.png:2@masks/a.png"], "protect": "faces"}
{"photo": "b.png", "mask": ["masks/{stem}.png=anna/Work 1:0.5", "rest=keep"]}
{"photo": "a.png", "artist": "anna", "regions": "auto"}
"""
TOML = """[defaults]
mask = ["masks/{stem}.png=keep", "top.png=b.png:2@masks/a.png"]
[[job]]
photo = "a.png"
artist = "anna"
protect = "faces"
[[job]]
photo = "b.png"
mask = "masks/{stem}.png=anna/Work 1:0.5;rest=keep"
[[job]]
photo = "a.png"
artist = "anna"
regions = "auto"
"""


@pytest.mark.parametrize(
    ("name", "text"), [("j.csv", CSV), ("j.jsonl", JSON), ("j.toml", TOML)]
)
def test_of_files(
    batch: Batch, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Masks and their styles are relative to the file."""
    place = batch.place
    batch.write(name, text)
    monkeypatch.chdir("sub")
    listed = batch.read(name, text)
    assert listed.problems == []
    one, two, three = listed.jobs
    part = NamedStyle(place / "b.png", strength=2, style_mask=place / "masks/a.png")
    assert one.masks == (
        NamedMask(place / "masks/a.png", ()),
        NamedMask(place / "top.png", (part,)),
    )
    assert (one.protect_faces, one.segmented) == (True, False)
    work = NamedStyle(artist="anna", work="Work 1", strength=0.5)
    assert two.masks == (
        NamedMask(place / "masks/b.png", (work,)),
        NamedMask(None, ()),
    )
    assert (two.artist, two.images) == (None, ())
    assert (three.masks, three.segmented) == ((), True)
    if name != "j.toml":  # whose defaults are in no name
        assert [job.out for job in listed.jobs] == [
            "a-anna,mask-a=keep+top=b-a-2,protect-faces.png",
            "b-anna-work-1,mask-b=anna-work-1-0.5+rest=keep.png",
            "a-anna,regions-auto.png",
        ]
    checked, problems = batch.check(listed.jobs)
    assert (len(checked), problems) == (3, [])


def test_of_options(batch: Batch) -> None:
    listed = make_jobs(
        ["a.png", "b.png"],
        masks=["masks/{stem}.png=anna", "rest=b.png:3"],
        pick="whole",
        protect="faces",
        variations=[parse_variation("ratio=1,5")],
    )
    assert listed.problems == []
    assert [job.out for job in listed.jobs[1:3]] == [
        "a-anna+b,ratio-5.png",
        "b-anna+b,ratio-1.png",
    ]
    masks = [str(job.masks[0].mask) for job in listed.jobs]
    assert masks == ["masks/a.png", "masks/a.png", "masks/b.png", "masks/b.png"]
    checked, problems = batch.check(listed.jobs)
    assert problems == []
    ((picked, _),), ((image, strength),) = (
        part.styles for part in checked[0].regions.parts
    )
    assert (picked.pick, picked.sources) == ("whole", ())
    assert [source.path for source in image.sources] == [Path("b.png")]
    assert strength == 3


# One row each: photo, artist, pick, style, mask, protect, regions. Then the column that
# is wrong, and what is said of it.
BAD = [
    ("a.png,anna,,,no.png=keep", "mask", "no.png: there is no such file"),
    ("a.png,anna,,,masks=keep", "mask", "masks is a folder: name a picture"),
    (
        "a.png,anna,,,text.png=keep",
        "mask",
        "text.png cannot be read: it is not a picture",
    ),
    ("a.png,anna,,,large.png=keep", "mask", "over the limit of 5,000"),
    ("a.png,anna,,,top.png", "mask", "top.png: write MASK=STYLE"),
    ("a.png,,,,top.png=nobody", "mask", "top.png: no works of 'nobody'"),
    ("a.png,,,,top.png=anna/Work 9", "mask", "Anna has no such work"),
    ("a.png,,,,top.png=no.png", "mask", "there is no file no.png"),
    ("a.png,,,,top.png=text.png", "mask", "text.png"),
    ("a.png,,,,top.png=b.png@no.png", "mask", "there is no file no.png"),
    ("a.png,,,,top.png=anna:-1", "mask", "a strength is a number from 0 to 1e+15"),
    ("a.png,,,,top.png=anna:nan", "mask", "a strength is a number from 0 to 1e+15"),
    ("a.png,anna,,,top.png=keep:2", "mask", "what is kept has no strength"),
    ("a.png,anna,,,s3://me:x@b/a.png=keep", "mask", "leave the password out"),
    ("a.png,anna,,,rest=keep;rest=b.png", "mask", "rest: a part is painted or kept"),
    ("a.png,anna,,,rest=b.png", "mask", "two for one part"),
    ("a.png,,,b.png,rest=anna", "mask", "two for one part"),
    ("a.png,,,,top.png=keep", "mask", "all of the photo is left as it is"),
    ("a.png,,,,top.png=keep;rest=keep", "mask", "all of the photo is left as it is"),
    ("a.png,,mix,,top.png=anna@masks/a.png", "mask", "name ARTIST/WORK"),
    ("a.png,,mix,,top.png=b.png", "pick", "name the artist"),
    ("a.png,anna,,,top.png=keep,,auto", "regions", "leave out the mask"),
    ("a.png,anna,,,,hands,", "protect", "'hands' is unknown: write faces"),
    ("a.png,anna,,,,,all", "regions", "'all' is unknown: write auto"),
    ("a.png,anna,,,,faces,", "protect", "pip install 'artist-nst[faces]'"),
    ("a.png,,,,,,auto", "artist", "there is no style"),
]


def test_every_bad_line_is_told_once(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch.write("text.png", "no picture")
    save_picture(batch.place / "large.png", 0, 100, 100)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "dlib" else find_spec(name, *rest),
    )
    rows = [row + "," * (6 - row.count(",")) for row, _, _ in BAD]
    header = "photo,artist,pick,style,mask,protect,regions"
    listed = batch.read("jobs.csv", "\n".join([header, *rows]))
    jobs = [replace(job, long_side=48) for job in listed.jobs]
    checked, problems = batch.check(jobs, batch.index(max_pixels=5000))
    assert checked == []
    found = {}
    for problem in [*listed.problems, *problems]:
        assert problem.line not in found, problem
        assert "\n" not in problem.reason
        found[problem.line] = problem
    for line, (row, field, reason) in enumerate(BAD, 2):
        assert found[line].field == field, row
        assert reason in found[line].reason, (row, found[line])


def test_keys(batch: Batch, make_job: MakeJob) -> None:
    """All that decides the parts is in the key; without parts, it is as it was."""

    def get_key(**changes: object) -> str:
        (planned,) = batch.plan(make_job(**changes)).jobs
        return planned.key

    def list_keys() -> list[str]:
        top, left = batch.place / "top.png", batch.place / "masks" / "a.png"
        image = NamedStyle(batch.place / "b.png")
        return [
            get_key(),
            get_key(protect_faces=True),
            get_key(segmented=True),
            get_key(masks=(NamedMask(top, ()),)),
            get_key(masks=(NamedMask(top, (image,)),)),
            get_key(masks=(NamedMask(top, (replace(image, strength=2),)),)),
            get_key(masks=(NamedMask(top, (replace(image, style_mask=left),)),)),
            get_key(masks=(NamedMask(top, (NamedStyle(artist="anna"),)),)),
            get_key(masks=(NamedMask(top, (image,)), NamedMask(left, ()))),
        ]

    keys = list_keys()
    assert len({*keys}) == len(keys)
    (planned,) = batch.plan(make_job()).jobs
    job = planned.job
    recipe = job.recipe.to_dict()
    del recipe["name"], recipe["source"]
    values = {
        "mathematics": 1,
        "photo": job.picture.sha256,
        "style": json.loads(job.style.identity),
        "recipe": recipe,
        "long_side": None,
        "seed": 0,
        "weights": "w",
    }
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    assert keys[0] == hashlib.sha256(text.encode()).hexdigest()
    # A mask is known by its file's content.
    shutil.copy(batch.place / "top.png", batch.place / "copy.png")
    copy = NamedMask(batch.place / "copy.png", ())
    assert get_key(masks=(copy,)) == keys[3]
    save_mask(batch.place / "masks" / "a.png", rows=True)
    save_mask(batch.place / "top.png")
    changed = list_keys()
    assert changed[:3] == keys[:3]
    assert not {*changed[3:]} & {*keys[3:]}


def test_behind_urls(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that masks name is fetched, by the command and by workers elsewhere."""
    url = f"file://{batch.place}"
    text = (
        "photo,mask\n"
        f"{url}/a.png,{url}/masks/a.png={url}/b.png:2@{url}/top.png;"
        f"rest={url}/corpora/anna\n"
        f"a.png,{url}/no.png=b.png\n"
    )
    listed = batch.read("jobs.csv", text)
    assert listed.problems == []
    failures = fetch_inputs(listed.jobs, batch.place / "corpora")
    assert [*failures] == [to_path(f"{url}/no.png")]
    (job,), problems = batch.check(listed.jobs)
    assert [problem.field for problem in problems] == ["mask"]
    names = ("a.png", "masks/a.png", "b.png", "top.png")
    assert {to_path(f"{url}/{name}") for name in names} <= {*job.files}
    # A worker on another machine, whose mirror is empty.
    mirror = get_mirror()
    monkeypatch.setenv("XDG_CACHE_HOME", str(batch.place / "elsewhere"))
    placed = place_job(job, mirror)
    assert not any(path.exists() for path in placed.files)
    fetch_job(placed)
    assert len(placed.files) == 5
    for path in placed.files:
        assert path.is_relative_to(get_mirror())
        assert path.exists()


def test_a_mask_that_changes_after_it_was_checked(
    batch: Batch, make_job: MakeJob
) -> None:
    top = batch.place / "top.png"
    changes = (("network", "compact"), ("width", "40"), ("iterations", "2"))
    job = make_job(masks=(NamedMask(top, ()),), changes=changes)
    (planned,) = batch.plan(job).jobs
    painter = Painter(Workplace(batch.out, ComputeOptions()))
    save_mask(top)
    entry = painter.paint(Task(planned)).entry
    assert entry.state == "failed"
    assert entry.reason.startswith("a mask has changed since the jobs were checked")
