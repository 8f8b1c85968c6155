"""Job files of every kind: what they hold, and what is wrong on which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from artist_nst.batch import job_file
from artist_nst.batch import jobs as jobs_module
from artist_nst.batch.jobs import Job
from artist_nst.errors import UsageError
from tests.batch.conftest import Batch

CSV = """photo,artist,work,pick,style,recipe,seed,out,long-side,ratio,numiter
a.png,anna,"Work 1:0.5; Work 2",,,,7,one.png,64,5,10
b.png,anna,,whole,,art.py,,two.jpg,,,
sub/a.png,,,,a.png:0.7; b.png,mine.toml,,,,1e3,
"""
JSON = """{"photo": "a.png", "artist": "anna", "work": ["Work 1:0.5", "Work 2"], \
"seed": 7, "out": "one.png", "long_side": 64, "ratio": 5, "iterations": 10}
{"photo": "b.png", "artist": "anna", "pick": "whole", "recipe": "art.py", \
"out": "two.jpg", "seed": null}

{"photo": "sub/a.png", "style": ["a.png:0.7", "b.png"], "recipe": "mine.toml", \
"ratio": "1e3"}
"""
TOML = """[defaults]
artist = "anna"
ratio = "1e3"

[[job]]
photo = "a.png"
work = ["Work 1:0.5", "Work 2"]
seed = 7
out = "one.png"
long-side = 64
ratio = 5
numiter = 10

[[job]]
photo = "b.png"
pick = "whole"
recipe = "art.py"
out = "two.jpg"

[[ job ]]
photo = "sub/a.png"
style = "a.png:0.7;b.png"
recipe = "mine.toml"
"""


def check_jobs(jobs: list[Job], place: Path, ratio: str | None = None) -> None:
    """Check the jobs that the three files have in common."""
    one, two, three = jobs
    assert one.photo == place / "a.png"
    assert (one.artist, one.works) == ("anna", ("Work 1:0.5", "Work 2"))
    assert (one.seed, one.out, one.long_side) == (7, "one.png", 64)
    assert dict(one.changes) == {"ratio": "5", "iterations": "10"}
    assert (two.pick, two.recipe, two.out) == ("whole", "art.py", "two.jpg")
    assert (two.seed, two.long_side, two.works) == (None, None, ())
    assert dict(two.changes) == ({"ratio": ratio} if ratio else {})
    assert three.artist is None
    assert three.images == ((place / "a.png", 0.7), (place / "b.png", 1.0))
    assert three.recipe == str(place / "mine.toml")
    assert dict(three.changes) == {"ratio": "1e3"}


def test_csv(batch: Batch) -> None:
    listed = batch.read("jobs.csv", CSV)
    assert listed.problems == []
    check_jobs(listed.jobs, batch.place)
    assert [job.line for job in listed.jobs] == [2, 3, 4]
    assert listed.jobs[2].out == "a-a+b,recipe-mine.toml,ratio-1e3.png"


def test_json_lines(batch: Batch) -> None:
    listed = batch.read("jobs.jsonl", JSON)
    assert listed.problems == []
    check_jobs(listed.jobs, batch.place)
    assert [job.line for job in listed.jobs] == [1, 2, 4]


def test_toml(batch: Batch) -> None:
    """A row's own style takes the place of the default artist."""
    listed = batch.read("jobs.toml", TOML)
    assert listed.problems == []
    check_jobs(listed.jobs, batch.place, ratio="1e3")
    assert [job.line for job in listed.jobs] == [5, 14, 20]
    # Defaults are the same for all, and in no name.
    assert listed.jobs[2].out == "a-a+b,recipe-mine.toml.png"


def test_csv_of_spreadsheets(batch: Batch) -> None:
    """With a byte order mark, line ends of Windows, capitals, and blank lines."""
    text = "\ufeffPhoto,Artist,Long_Side\r\n a.png ,anna,\r\n\r\n,,\r\nb.png,anna,9\r\n"
    listed = batch.read("JOBS.CSV", text)
    assert listed.problems == []
    assert [(job.line, job.long_side) for job in listed.jobs] == [(2, None), (5, 9)]


def test_lines_behind_a_value_with_line_breaks(batch: Batch) -> None:
    text = 'photo,artist,work\na.png,anna,"x\ny"\nb.png,,\n'
    listed = batch.read("jobs.csv", text)
    assert [job.line for job in listed.jobs] == [2]
    assert [problem.line for problem in listed.problems] == [4]


def test_paths_are_relative_to_the_file(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch.write("jobs.csv", "photo,artist\nb.png,corpora/anna\n/x.png,anna\n")
    monkeypatch.chdir("sub")
    jobs = job_file.read_jobs("../jobs.csv").jobs
    assert [str(job.photo) for job in jobs] == ["../b.png", "/x.png"]
    assert [job.artist for job in jobs] == ["../corpora/anna", "anna"]


def test_a_file_that_is_called_like_a_weight(batch: Batch) -> None:
    batch.write("c.png:2", "")
    listed = batch.read("jobs.csv", "photo,style\na.png,c.png:2;b.png:2\n")
    assert listed.jobs[0].images == (
        (batch.place / "c.png:2", 1.0),
        (batch.place / "b.png", 2.0),
    )


def test_names_tell_photos_apart_that_are_called_alike(batch: Batch) -> None:
    text = "photo,artist,pick\na.png,anna,\nsub/a.png,anna,\na.png,anna,mix\n"
    outs = [job.out for job in batch.read("jobs.csv", text).jobs]
    name = batch.place.name
    assert outs == [
        f"{name}-a-anna.png",
        "sub-a-anna.png",
        f"{name}-a-anna,pick-mix.png",
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("no.csv", None, "no.csv cannot be read: there is no such file"),
        ("jobs.txt", "photo", "jobs.txt is no job file: end its name in .csv"),
        ("empty.csv", "", "it is empty"),
        ("header.csv", "photo,artist\n", "holds no jobs"),
        ("ansi.csv", "photo,artist\na,b\ncafé,x\n".encode("cp1252"), "line 3: it is"),
        ("utf16.csv", "photo\n".encode("utf-16"), "not text in UTF-8"),
        ("semi.csv", "photo;artist\na;b\n", "separated by semicolons"),
        ("tabs.csv", "photo\tartist\na\tb\n", "separated by tabs"),
        ("odd.csv", "photo,ration\n", "unknown column 'ration': did you mean 'ratio"),
        ("twice.csv", "photo,numiter,iterations\n", "two columns iterations"),
        ("bad.toml", "[[job]\n", "bad.toml is not valid TOML"),
        ("deep.toml", "[[job]]\nx = " + "[" * 5000, "is"),
        ("key.toml", "[[jobs]]\nphoto = 'a'", "unknown table 'jobs': did you mean"),
        ("inline.toml", "job = [{photo = 'a.png'}]", "write each job as a table"),
        ("number.toml", "job = 3", "write each job as a table"),
        ("defaults.toml", "defaults = 3", "write the defaults as a table"),
        ("wrong.toml", "[defaults]\nratoi = 3", "[defaults]: unknown column 'ratoi'"),
        ("kind.toml", "[defaults]\nseed = true", "[defaults]: seed: it must be text"),
    ],
)
def test_files_that_cannot_be_read(
    batch: Batch, name: str, content: str | bytes | None, expected: str
) -> None:
    path = batch.place / name
    if content is not None:
        batch.write(name, content)
    with pytest.raises(UsageError) as caught:
        job_file.read_jobs(path)
    assert expected in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_too_large(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artist_nst.batch.rows.MAX_JOBS", 2)
    text = "photo,artist\n" + "a.png,anna\n" * 3
    with pytest.raises(UsageError, match="more than 2 jobs"):
        batch.read("jobs.csv", text)
    monkeypatch.setattr(job_file, "MAX_FILE_BYTES", 20)
    with pytest.raises(UsageError, match="too large"):
        batch.read("jobs.csv", text)
    assert jobs_module.MAX_JOBS >= 100_000


# By line: what it holds, the field and the start of what is said of it.
BAD_JSON = [
    ("{", "", "it is not JSON"),
    ("[1]", "", "it is no object"),
    ("[" * 100_000, "", "it is not JSON (it is nested too deeply)"),
    ('{"photo": "a.png", "artist": "anna", "seed": 1%s}' % ("0" * 5000), "", "it is"),
    ('{"photo": "a.png", "artist": "anna", "sed": 1}', "", "unknown column 'sed'"),
    ('{"photo": "a.png", "artist": "anna", "seed": true}', "seed", "it must be text"),
    ('{"photo": "a.png", "artist": "anna", "seed": {}}', "seed", "it must be text"),
    ('{"photo": ["a.png"], "artist": "anna"}', "photo", "it takes one value"),
    ('{"photo": "a.png", "artist": "anna", "work": ["x", ""]}', "work", "one of its"),
    (r'{"photo": "\ud800.png", "artist": "anna"}', "photo", "it holds characters"),
    (r'{"photo": "a.png", "artist": "\u0000"}', "artist", "it holds characters"),
    ('{"photo": "a", "artist": "b", "numiter": 1, "iterations": 1}', "iterations", ""),
]


def test_bad_json_lines(batch: Batch) -> None:
    text = "\n".join(line for line, _, _ in BAD_JSON)
    problems = batch.read("jobs.jsonl", text).problems
    assert [problem.line for problem in problems] == [*range(1, len(BAD_JSON) + 1)]
    for problem, (_, field, reason) in zip(problems, BAD_JSON, strict=True):
        assert problem.field == field
        assert problem.reason.startswith(reason)
        assert "\n" not in problem.reason


def test_layers_as_a_list(batch: Batch) -> None:
    line = '{"photo": "a", "artist": "b", "style-layer": ["conv1_1", "conv2_1=0.5"]}'
    (job,) = batch.read("jobs.jsonl", line).jobs
    assert job.changes == (("style-layer", "conv1_1+conv2_1=0.5"),)


def test_toml_defaults_that_a_row_excludes(batch: Batch) -> None:
    text = """
    defaults = {artist = "anna", pick = "whole", width = 64}
    [[job]]
    photo = "a.png"
    artist = "b"
    [[job]]
    photo = "a.png"
    work = "Work 1"
    long_side = 32
    """
    first, second = batch.read("jobs.toml", text).jobs
    assert (first.artist, first.pick, dict(first.changes)) == (
        "b",
        "whole",
        {"width": "64"},
    )
    assert (second.pick, second.works, second.changes) == (None, ("Work 1",), ())
