"""``artist-nst recipes``, and recipes named or in files wherever ``--recipe`` is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artist_nst.cli.options import PaintOptions
from artist_nst.painting import record
from artist_nst.recipes.published import PUBLICATIONS, RECIPES, recipe
from artist_nst.recipes.toml_file import read_recipe
from tests.cli.conftest import Cli
from tests.cli.test_paint import files, pixels

SMALL = """\
base = "art.py"
width = 48
levels = [[0.5, 1], [1.0, 2]]

[style_layers]
conv1_1 = 1.0
conv2_1 = 0.5
"""


def cells(out: str) -> dict[str, str]:
    """The table of ``recipes NAME``: values by field."""
    table, *_ = out.split("\n\n")
    lines = table.splitlines()[1:]
    column = table.splitlines()[0].index("value")
    return {line[:column].strip(): line[column:] for line in lines}


def test_the_list_has_a_line_for_each_with_its_source(cli: Cli) -> None:
    ran = cli("recipes")
    assert ran.code == 0
    head, *lines = ran.out.splitlines()
    assert head.split() == ["recipe", "source"]
    assert [line.split()[0] for line in lines] == list(RECIPES)
    for line, publication in zip(lines, PUBLICATIONS.values(), strict=True):
        assert line.endswith(publication.citation)


@pytest.mark.parametrize("name", RECIPES)
def test_every_field_of_a_recipe_is_printed(cli: Cli, name: str) -> None:
    ran = cli("recipes", name)
    assert ran.code == 0
    fields = [field.replace("_", " ") for field in RECIPES[name].to_dict()]
    assert list(cells(ran.out)) == fields
    assert cells(ran.out)["source"] == PUBLICATIONS[name].citation


@pytest.mark.parametrize("name", RECIPES)
def test_what_the_source_says_and_leaves_open_is_printed(cli: Cli, name: str) -> None:
    out = cli("recipes", name).out
    publication = PUBLICATIONS[name]
    _, _, below = out.partition("\n\n")
    stated, _, left_open = below.partition("\n\n")
    assert stated.splitlines() == [
        "stated by the source",
        *(f"– {line}" for line in publication.given),
    ]
    assert left_open.splitlines() == (
        ["left open, and chosen", *(f"– {line}" for line in publication.left_open)]
        if publication.left_open
        else []
    )


def test_numbers_as_they_are_read_by_people(cli: Cli) -> None:
    patel, default = (cells(cli("recipes", name).out) for name in ("patel", "default"))
    assert patel["levels"] == "12 × (1, 20)"
    assert patel["content layers"] == "conv3_1=1"
    assert patel["ratio"] == "100"
    assert default["levels"] == "(0.3333, 80), (0.6667, 60), (1, 40)"
    assert default["style layers"].startswith("conv1_1=0.2, conv2_1=0.2, ")
    assert default["tv"] == "0.003"
    assert cells(cli("recipes", "art.py").out)["ratio"] == "10000"
    assert cells(cli("recipes", "art.py").out)["ftol"] == "2.22e-09"


def test_a_terminal_of_80_columns_shows_all_of_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for arguments in ((), ("premamayudu",)):
        out = re.sub(r"\x1b\[[\d;]*m", "", cli("recipes", *arguments).out)
        assert max(map(len, out.splitlines())) <= 80
        words = "".join(out.split())
        assert "ria.330406,2019" in words
        assert "…" not in words.replace("conv1_1…", "")


def test_saved_changed_and_listed(cli: Cli) -> None:
    ran = cli("recipes", "patel", "--save", "mine.toml")
    assert (ran.code, ran.out, ran.err) == (0, "mine.toml\n", "")
    saved = read_recipe("mine.toml")
    assert replace(saved, name="patel", source=recipe("patel").source) == recipe(
        "patel"
    )
    # To be changed: what its source did not write is not called its.
    assert saved.name == "mine"
    assert saved.source.startswith("after patel: E. Patel")
    assert "left open" not in cli("recipes", "mine.toml").out
    text = Path("mine.toml").read_text("utf-8")
    Path("mine.toml").write_text(text.replace("ratio = 100.0", "ratio = 7"), "utf-8")
    out = cli("recipes", "mine.toml").out
    assert cells(out)["ratio"] == "7"


def test_saved_over_a_file_that_is_there(cli: Cli) -> None:
    Path("mine.toml").write_text(SMALL)
    ran = cli("recipes", "patel", "--save", "mine.toml")
    assert ran.code == 2
    assert "--save mine.toml: it is there already" in ran.line
    assert Path("mine.toml").read_text() == SMALL
    assert files() == ["mine.toml"]


def test_a_recipe_without_layers_and_with_an_odd_name(cli: Cli) -> None:
    Path("mine.toml").write_text('name = "[red]\\u001b[31m"\n[content_layers]')
    out = cli("recipes", "mine.toml").out
    assert cells(out)["name"] == "[red] [31m"
    assert cells(out)["content layers"] == "none"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("art",), "did you mean 'art.py'"),
        (("no.toml",), "no.toml: there is no such file"),
        (("bad.toml",), "bad.toml, line 2: ratio must be a number"),
        (("--save", "mine.toml"), "--save mine.toml: name the recipe"),
        (("patel", "--save", "mine.txt"), "end its name in .toml"),
        (("patel", "--save", "no/mine.toml"), "no/mine.toml cannot be written"),
        (("bad.toml", "--save", "mine.toml"), "bad.toml, line 2"),
    ],
)
def test_bad_usage(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    Path("bad.toml").write_text("\nratio = -1")
    ran = cli("recipes", *arguments)
    assert ran.code == 2
    assert says in ran.line
    assert ran.out == ""
    assert files() == ["bad.toml"]


class TestPainting:
    def test_after_a_file(self, cli: Cli, photo: Path, style: Path) -> None:
        Path("mine.toml").write_text(SMALL)
        ran = cli("paint", photo, style, "--recipe", "mine.toml", "-o", "a.png")
        assert ran.code == 0, ran.err
        painted = record.read("a.png")["recipe"]
        assert painted["name"] == "mine"
        assert painted["style_layers"] == [["conv1_1", 1.0], ["conv2_1", 0.5]]
        assert painted["levels"] == [[0.5, 1], [1.0, 2]]
        assert painted["style_loss"] == "gatys-raw"
        assert pixels("a.png").shape[1] == 48

    def test_options_win_over_the_file(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("mine.toml").write_text(SMALL)
        more = ("--recipe", "mine.toml", "-w", 40, "-n", 1, "--ratio", 3)
        assert cli("paint", photo, style, *more, "-o", "a.png").code == 0
        painted = record.read("a.png")["recipe"]
        assert (painted["width"], painted["ratio"]) == (40, 3)

    def test_again_without_the_file_and_with_another(
        self, cli: Cli, photo: Path, style: Path
    ) -> None:
        Path("mine.toml").write_text(SMALL)
        more = ("--recipe", "mine.toml", "-o", "a.png", "--seed", 1)
        assert cli("paint", photo, style, *more).code == 0
        Path("mine.toml").unlink()
        assert cli("repaint", "a.png", "-o", "b.png").code == 0
        np.testing.assert_array_equal(pixels("a.png"), pixels("b.png"))
        Path("other.toml").write_text(SMALL.replace("48", "40"))
        ran = cli("repaint", "a.png", "--recipe", "other.toml", "-o", "c.png")
        assert ran.code == 0, ran.err
        assert pixels("c.png").shape[1] == 40
        assert record.read("c.png")["recipe"]["name"] == "other"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("\nratio = x", "bad.toml, line 2: not TOML"),
            (
                "\n[style_layers]\nconv1_1 = -1",
                "bad.toml, line 3: style_layers conv1_1",
            ),
            ("[style_layers]\nconv9_1 = 1", "vgg19 has no 'conv9_1'"),
        ],
    )
    def test_a_file_with_a_mistake(
        self, cli: Cli, photo: Path, style: Path, text: str, says: str
    ) -> None:
        Path("bad.toml").write_text(text)
        ran = cli("paint", photo, style, "--recipe", "bad.toml", "-o", "a.png")
        assert ran.code == 2
        assert says in ran.line
        assert files() == ["bad.toml"]


def test_tv_takes_the_place_of_a_sum() -> None:
    patel = recipe("patel")
    assert PaintOptions(tv=0.5).recipe(patel).tv == 0.5
    assert PaintOptions(tv=0.5).recipe(patel).tv_sum == 0
    assert PaintOptions(tv=0.0).recipe(patel).tv_sum == 0
    assert PaintOptions(ratio=2.0).recipe(patel).tv_sum == 1


@pytest.mark.parametrize("command", ["paint", "repaint", "recipes"])
def test_help_names_files(cli: Cli, command: str) -> None:
    assert "FILE.toml" in cli(command, "--help").out
