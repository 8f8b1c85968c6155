"""Names: folded, found, and made safe for files."""

from __future__ import annotations

import re
import time
import unicodedata
from itertools import product

from artist_nst.corpus.names import (
    collect_words,
    find_similar,
    fold,
    make_file_name,
    make_folder_name,
    match_name,
    split_words,
)

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
    assert make_file_name(HEX, "Bust of Young Man", ".jpg") == (
        f"{HEX}_bust-of-young-man.jpg"
    )
    assert make_file_name("224238", "", ".png") == "224238.png"


def test_file_names_are_safe() -> None:
    for id, title in product([HEX, *NASTY], NASTY):
        name = make_file_name(id, title, ".jpg")
        assert re.fullmatch(r"[a-z0-9-]{5,}(_[a-z0-9]+(-[a-z0-9]+)*)?\.jpg", name), name
        assert len(name) <= 110


def test_ids_never_meet() -> None:
    ids = [HEX, HEX.upper(), "a/b", "a\\b", "A/B", "a-b", "con", "CON", "x" * 41, "é"]
    names = {make_file_name(id, "Same", ".jpg").casefold() for id in ids}
    assert len(names) == len(ids)


def test_ids_and_titles_do_not_run_together() -> None:
    pairs = [
        (("57727-bust", ""), ("57727", "bust")),
        (("guernica", "1937 Guernica"), ("guernica-1937", "Guernica")),
        (("12345-alt1", "Nude"), ("12345", "Alt1 Nude")),
    ]
    for first, second in pairs:
        assert make_file_name(*first, ".jpg") != make_file_name(*second, ".jpg")


def test_composed_and_decomposed_titles_are_one() -> None:
    titles = [unicodedata.normalize(form, "Café à Royan") for form in ("NFC", "NFD")]
    assert len({make_file_name(HEX, title, ".jpg") for title in titles}) == 1


def test_folder_names_are_safe() -> None:
    for artist in NASTY:
        folder = make_folder_name(artist)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", folder)
        assert len(folder) <= 60


def test_folders_of_artists() -> None:
    assert make_folder_name("Joan Miró") == "joan-miro"
    assert make_folder_name("pablo-picasso") == "pablo-picasso"
    assert make_folder_name("北斎") != make_folder_name("広重")


# Comparing names


def test_fold() -> None:
    for name, folded in [
        ("Pablo Picasso", "pablo-picasso"),
        ("pablo-picasso", "pablo-picasso"),
        ("  PABLO_Picasso. ", "pablo-picasso"),
        ("Joan Miró", "joan-miro"),
        ("Joan Miro\N{COMBINING ACUTE ACCENT}", "joan-miro"),
        ("Georgia O'Keeffe", "georgia-o-keeffe"),
        ("Georgia O’Keeffe", "georgia-o-keeffe"),
        ("Toulouse–Lautrec", "toulouse-lautrec"),
        ("Władysław Ślewiński", "wladyslaw-slewinski"),
        ("Peder Severin Krøyer", "peder-severin-kroyer"),
        ("Gerd Weiß", "gerd-weiss"),
        ("Hokusai 葛飾北斎", "hokusai"),
        ("Composition No. 10", "composition-no-10"),
        ("", ""),
        ("'-'", ""),
        ("葛飾北斎", ""),
    ]:
        assert fold(name) == folded
        assert fold(folded) == folded


def test_words() -> None:
    assert split_words("O'Keeffe, Georgia") == ("o", "keeffe", "georgia")
    assert split_words("Иван  ШИШКИН_1832") == ("иван", "шишкин", "1832")
    assert split_words("--") == ()
    assert collect_words(["J. M. W. Turner"]) == {"j", "m", "w", "jmw", "turner"}


NAMES = {
    "1": ("1", "Night"),
    "2": ("2", "Starry Night"),
    "3": ("3", "Starry night"),
    "night": ("night", "Étoiles"),
    "cafe": ("cafe", "Café"),
    "other": ("other", "Café"),
}


def test_the_strictest_rule_decides() -> None:
    for query, matches in [
        ("1", ["1"]),
        ("Night", ["1"]),
        ("night", ["night"]),
        ("NIGHT", ["1"]),
        ("Starry Night", ["2"]),
        ("starry  night", ["2", "3"]),
        ("night, starry", ["2", "3"]),
        ("starry", ["2", "3"]),
        ("etoiles", ["night"]),
        ("Café", ["cafe"]),  # of two, the one whose identifier is the folded name
        ("star", []),
        ("", []),
        ("-", []),
    ]:
        assert match_name(query, NAMES, NAMES.__getitem__) == matches, query


def test_similar_names_come_first() -> None:
    names = {"a": ("Claude Monet",), "b": ("Edouard Manet",), "c": ("Claude Lorrain",)}
    for query, similar in [
        ("Claud Monnet", ["a", "c"]),
        ("Monett", ["a"]),
        ("Picasso", []),
        ("", []),
    ]:
        assert find_similar(query, names, names.__getitem__) == similar, query


def test_words_are_joined() -> None:
    names = {"a": ("Vincent van Gogh",), "b": ("Van Dyck",)}
    for query, matches in [
        ("vangogh", ["a"]),
        ("vincentvan", ["a"]),
        ("vincentvangogh", ["a"]),
        ("vandyck", ["b"]),
        ("vango", []),
        ("ngogh", []),
    ]:
        assert match_name(query, names, names.__getitem__) == matches, query


def test_long_names_and_many_of_one_take_no_long_time() -> None:
    names = {number: ("x y", f"{'a b ' * 500}{number}") for number in range(20_000)}
    start = time.monotonic()
    assert len(find_similar("x y", names, lambda number: names[number][:1])) == 20_000
    few = list(names)[:20]
    assert match_name("b" * 30, few, lambda number: ("", *names[number])) == []
    assert time.monotonic() - start < 20
