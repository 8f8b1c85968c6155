"""Names of files, whatever a work is called."""

from __future__ import annotations

import re
import unicodedata

import pytest

from artist_nst.corpus.names import file_name, folder_name

HEX = "577272d5f0becab9d85dac77"
NASTY = [
    "../../etc/passwd",
    "..\\..\\windows",
    "a\0b",
    "CON",
    "con",
    "NUL.txt",
    "aux",
    "COM1",
    "trailing...",
    "trailing ",
    "%2e%2e%2f",
    "-rf",
    ".hidden",
    "",
    "x" * 300,
    "Девочка на шаре",
    "泣く女 🎨",
    "line\nbreak\ttab",
    'a:b*c?d"e<f>g|h',
    "\ud800",
]


def test_id_and_title() -> None:
    assert file_name(HEX, "Bust of Young Man", ".jpg") == (
        f"{HEX}_bust-of-young-man.jpg"
    )
    assert file_name("224238", "", ".png") == "224238.png"


@pytest.mark.parametrize("title", NASTY)
@pytest.mark.parametrize("id", [HEX, *NASTY])
def test_whatever_they_are_called(id: str, title: str) -> None:
    name = file_name(id, title, ".jpg")
    assert re.fullmatch(r"[a-z0-9-]{5,}(_[a-z0-9]+(-[a-z0-9]+)*)?\.jpg", name), name
    assert len(name) <= 110


def test_ids_never_meet() -> None:
    ids = [HEX, HEX.upper(), "a/b", "a\\b", "A/B", "a-b", "con", "CON", "x" * 41, "é"]
    names = {file_name(id, "Same", ".jpg").casefold() for id in ids}
    assert len(names) == len(ids)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("57727-bust", ""), ("57727", "bust")),
        (("guernica", "1937 Guernica"), ("guernica-1937", "Guernica")),
        (("12345-alt1", "Nude"), ("12345", "Alt1 Nude")),
    ],
)
def test_ids_and_titles_do_not_run_together(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert file_name(*one, ".jpg") != file_name(*other, ".jpg")


def test_composed_and_decomposed_titles_are_one() -> None:
    titles = [unicodedata.normalize(form, "Café à Royan") for form in ("NFC", "NFD")]
    assert len({file_name(HEX, title, ".jpg") for title in titles}) == 1


@pytest.mark.parametrize("name", NASTY)
def test_folders(name: str) -> None:
    folder = folder_name(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", folder)
    assert len(folder) <= 60


def test_folders_of_artists() -> None:
    assert folder_name("Joan Miró") == "joan-miro"
    assert folder_name("pablo-picasso") == "pablo-picasso"
    assert folder_name("北斎") != folder_name("広重")
