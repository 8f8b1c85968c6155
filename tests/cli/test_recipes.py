"""``artist-nst recipes``, and recipes named or in files wherever ``--recipe`` is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from artist_nst.cli.options import PaintOptions
from artist_nst.painting.record import load_record
from artist_nst.recipes.published import PUBLICATIONS, RECIPES
from artist_nst.recipes.toml_file import read_recipe
from tests.cli.conftest import Cli, files, pixels

SMALL = """\
base = "art.py"
width = 48
levels = [[0.5, 1], [1.0, 2]]

[style_layers]
conv1_1 = 1.0
conv2_1 = 0.5
"""


def get_values(out: str) -> dict[str, str]:
    """Get the values of ``recipes NAME`` by field."""
    table, *_ = out.split("\n\n")
    head, *lines = table.splitlines()
    column = head.index("value")
    return {line[:column].strip(): line[column:] for line in lines}


def test_the_list_has_every_recipe_with_its_source(cli: Cli) -> None:
    ran = cli("recipes")
    assert ran.code == 0
    head, *lines = ran.out.splitlines()
    assert head.split() == ["recipe", "source"]
    assert [line.split()[0] for line in lines] == list(RECIPES)
    for line, publication in zip(lines, PUBLICATIONS.values(), strict=True):
        assert line.endswith(publication.citation)


def test_every_field_and_what_the_source_says_is_printed(cli: Cli) -> None:
    for name, recipe in RECIPES.items():
        ran = cli("recipes", name)
        assert ran.code == 0
        values, publication = get_values(ran.out), PUBLICATIONS[name]
        assert list(values) == [field.replace("_", " ") for field in recipe.to_dict()]
        assert values["source"] == publication.citation
        _, stated, *left_open = ran.out.split("\n\n")
        assert stated.splitlines()[1:] == [f"– {line}" for line in publication.given]
        listed = [line for text in left_open for line in text.splitlines()[1:]]
        assert listed == [f"– {line}" for line in publication.left_open]


def test_values_are_written_for_people(cli: Cli) -> None:
    patel, default, art = (
        get_values(cli("recipes", name).out) for name in ("patel", "default", "art.py")
    )
    assert patel["levels"] == "12 × (1, 20)"
    assert patel["content layers"] == "conv3_1=1"
    assert patel["ratio"] == "100"
    assert default["levels"] == "(0.3333, 40), (0.6667, 50), (1, 30), (1, 35)"
    assert default["style layers"].startswith("conv1_1=0.2, conv2_1=0.2, ")
    assert default["tv"] == "0.003"
    assert art["ratio"] == "10000"
    assert art["ftol"] == "2.22e-09"


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


def test_saved_changed_and_printed(cli: Cli) -> None:
    ran = cli("recipes", "patel", "--save", "mine.toml")
    assert (ran.code, ran.out, ran.err) == (0, "mine.toml\n", "")
    saved, patel = read_recipe("mine.toml"), RECIPES["patel"]
    assert replace(saved, name="patel", source=patel.source) == patel
    # It is going to be changed: its name and source say so.
    assert saved.name == "mine"
    assert saved.source.startswith("after patel: E. Patel")
    assert "\n\n" not in cli("recipes", "mine.toml").out
    text = Path("mine.toml").read_text("utf-8")
    Path("mine.toml").write_text(text.replace("ratio = 100.0", "ratio = 7"), "utf-8")
    assert get_values(cli("recipes", "mine.toml").out)["ratio"] == "7"
    # A file that exists is kept.
    ran = cli("recipes", "patel", "--save", "mine.toml")
    assert ran.code == 2
    assert "--save mine.toml" in ran.line
    assert "ratio = 7" in Path("mine.toml").read_text("utf-8")
    assert files() == ["mine.toml"]


def test_a_recipe_without_layers_and_with_an_odd_name(cli: Cli) -> None:
    Path("mine.toml").write_text('name = "[red]\\u001b[31m"\n[content_layers]')
    values = get_values(cli("recipes", "mine.toml").out)
    assert values["name"] == "[red] [31m"
    assert values["content layers"] == "none"


def test_one_line_for_what_is_wrong(cli: Cli, photo: Path, style: Path) -> None:
    Path("bad.toml").write_text("\nratio = -1")
    for text, word in (
        ("art", "'art.py'"),
        ("no.toml", "no.toml"),
        ("bad.toml", "bad.toml: ratio"),
        ("--save mine.toml", "--save mine.toml"),
        ("patel --save mine.txt", ".toml"),
        ("patel --save no/mine.toml", "no/mine.toml"),
        ("bad.toml --save mine.toml", "bad.toml"),
    ):
        ran = cli("recipes", *text.split())
        assert ran.code == 2
        assert word in ran.line
        assert (ran.out, files()) == ("", ["bad.toml"])
    for content, word in (
        ("\nratio = x", "line 2"),
        ("\n[style_layers]\nconv1_1 = -1", "style_layers conv1_1"),
        ("[style_layers]\nconv9_1 = 1", "vgg19 has no 'conv9_1'"),
    ):
        Path("bad.toml").write_text(content)
        ran = cli("paint", photo, style, "--recipe", "bad.toml", "-o", "a.png")
        assert ran.code == 2
        assert word in ran.line
        assert files() == ["bad.toml"]


def test_a_file_paints_and_options_change_it(
    cli: Cli, photo: Path, style: Path
) -> None:
    Path("mine.toml").write_text(SMALL)
    paint = ("paint", photo, style, "--recipe", "mine.toml", "--seed", 1)
    ran = cli(*paint, "-o", "a.png")
    assert ran.code == 0, ran.err
    recipe = load_record("a.png")["recipe"]
    assert recipe["name"] == "mine"
    assert recipe["style_layers"] == [["conv1_1", 1.0], ["conv2_1", 0.5]]
    assert recipe["levels"] == [[0.5, 1], [1.0, 2]]
    assert recipe["style_loss"] == "gatys-raw"
    assert pixels("a.png").shape[1] == 48
    assert cli(*paint, "-w", 40, "-n", 1, "--ratio", 3, "-o", "b.png").code == 0
    recipe = load_record("b.png")["recipe"]
    assert (recipe["width"], recipe["ratio"]) == (40, 3)
    # It is repainted without the file, and with another.
    Path("mine.toml").unlink()
    assert cli("repaint", "a.png", "-o", "c.png").code == 0
    assert (pixels("a.png") == pixels("c.png")).all()
    Path("other.toml").write_text(SMALL.replace("48", "40"))
    ran = cli("repaint", "a.png", "--recipe", "other.toml", "-o", "d.png")
    assert ran.code == 0, ran.err
    assert pixels("d.png").shape[1] == 40
    assert load_record("d.png")["recipe"]["name"] == "other"


def test_tv_replaces_a_sum() -> None:
    patel = RECIPES["patel"]
    for tv in (0.5, 0.0):
        changed = PaintOptions(settings={"tv": tv}).change_recipe(patel)
        assert (changed.tv, changed.tv_sum) == (tv, 0)
    assert PaintOptions(settings={"ratio": 2.0}).change_recipe(patel).tv_sum == 1
