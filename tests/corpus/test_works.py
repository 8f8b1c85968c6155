"""Corpora: found by many names, read from manifests good and bad."""

import json
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from artist_nst._files import hash_file
from artist_nst.corpus.works import (
    FORMAT,
    Corpus,
    DamagedError,
    Work,
    choose_corpora_folder,
    find_corpus,
    find_work,
    get_packaged_corpora,
    list_artists,
    load_corpus,
    read_header,
)
from artist_nst.errors import ArtistNstError, UsageError

PROCEDURAL = get_packaged_corpora() / "procedural"


def draw(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (3, 2), (90, 60, 30)).save(path)
    return path


def line(id: str, title: str = "A Title", **more: Any) -> str:
    return json.dumps({"id": id, "title": title, **more}, ensure_ascii=False)


def write(folder: Path, *lines: str, head: Any = None, end: str = "\n") -> Path:
    """A corpus with these lines, and a picture for each that names a file."""
    folder.mkdir(parents=True, exist_ok=True)
    head = {"format": 1, "slug": folder.name} if head is None else head
    (folder / "corpus.json").write_text(json.dumps(head), "utf-8")
    (folder / "works.jsonl").write_text("\n".join(lines) + end, "utf-8")
    return folder


def one_line(error: BaseException) -> str:
    message = str(error)
    assert message
    assert "\n" not in message
    return message


def test_label() -> None:
    assert Work("1", "Guernica", "1937").label == "Guernica (1937)"
    assert Work("1", "Guernica").label == "Guernica"


# Where corpora are


def test_folder_as_given_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpora").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTIST_NST_CORPORA", str(tmp_path / "named"))
    given = tmp_path / "given"
    assert choose_corpora_folder(given) == given
    assert choose_corpora_folder(str(given)) == given


def test_folder_from_the_environment_comes_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpora").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTIST_NST_CORPORA", str(tmp_path / "named"))
    assert choose_corpora_folder() == tmp_path / "named"
    monkeypatch.setenv("ARTIST_NST_CORPORA", "")
    assert choose_corpora_folder().resolve() == tmp_path / "corpora"


def test_folder_here_comes_third(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "corpora").mkdir()
    monkeypatch.chdir(tmp_path)
    assert choose_corpora_folder().resolve() == tmp_path / "corpora"


@pytest.mark.parametrize("beside", ["nothing", "a file"])
def test_folder_of_the_user_comes_last(
    beside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "empty"
    here.mkdir()
    if beside == "a file":
        (here / "corpora").write_text("no folder")
    monkeypatch.chdir(here)
    found = choose_corpora_folder()
    assert found.name == "corpora"
    assert found.parent.name == "artist-nst"
    assert found.is_relative_to(os.environ["HOME"])
    assert not found.exists()


# Which artists there are


def test_procedural_is_always_there(tmp_path: Path) -> None:
    assert list_artists(tmp_path / "nowhere") == {"procedural": PROCEDURAL}
    corpus = find_corpus("procedural", tmp_path / "nowhere")
    assert corpus.artist == "Procedural"
    assert len(corpus.available) == 8


def test_artists_are_folders(tmp_path: Path) -> None:
    folder = tmp_path / "corpora"
    for name in ("claude-monet", "Amateurs", ".git"):
        (folder / name).mkdir(parents=True)
    (folder / "README.md").write_text("not an artist")
    found = list_artists(folder)
    assert set(found) == {"procedural", "claude-monet", "Amateurs"}
    assert found["claude-monet"] == folder / "claude-monet"


def test_ones_own_procedural_hides_the_packaged(tmp_path: Path) -> None:
    own = draw(tmp_path / "procedural" / "mine.png").parent
    assert list_artists(tmp_path) == {"procedural": own}
    assert [work.id for work in find_corpus("procedural", tmp_path).available] == [
        "mine.png"
    ]


# Which corpus is meant


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    folder = tmp_path / "corpora"
    for slug in (
        "claude-monet",
        "edouard-manet",
        "georgia-o-keeffe",
        "joan-miro",
        "pablo-picasso",
        "pieter-bruegel-the-elder",
        "pieter-bruegel-the-younger",
    ):
        write(folder / slug, line("1"))
    return folder


def test_corpus_by_name(corpora: Path) -> None:
    for name, slug in [
        ("pablo-picasso", "pablo-picasso"),
        ("Pablo Picasso", "pablo-picasso"),
        ("Picasso, Pablo", "pablo-picasso"),
        ("picasso", "pablo-picasso"),
        ("PICASSO", "pablo-picasso"),
        ("Miró", "joan-miro"),
        ("miro", "joan-miro"),
        ("Édouard Manet", "edouard-manet"),
        ("Georgia O'Keeffe", "georgia-o-keeffe"),
        ("O’Keeffe", "georgia-o-keeffe"),
        ("Bruegel the Elder", "pieter-bruegel-the-elder"),
        ("elder", "pieter-bruegel-the-elder"),
        ("Procedural", "procedural"),
    ]:
        assert find_corpus(name, corpora).slug == slug


def test_ambiguous_artist(corpora: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_corpus("Pieter Bruegel", corpora)
    message = one_line(caught.value)
    assert "pieter-bruegel-the-elder or pieter-bruegel-the-younger" in message
    assert "'Pieter Bruegel'" in message


@pytest.mark.parametrize(
    ("name", "nearest", "slug"),
    [
        ("Piccasso", "pablo-picasso", "piccasso"),
        ("Pablo Picaso", "pablo-picasso", "pablo-picaso"),
        ("Monnet", "claude-monet", "monnet"),
        ("Camille Claudel", "claude-monet", "camille-claudel"),
        ("Zzyzx", "joan-miro", "zzyzx"),
    ],
)
def test_unknown_artist(name: str, nearest: str, slug: str, corpora: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_corpus(name, corpora)
    message = one_line(caught.value)
    assert repr(name) in message
    assert nearest in message
    assert str(corpora) in message
    assert f"`artist-nst fetch {slug}`" in message


@pytest.mark.parametrize(
    ("folder", "manifest", "name"),
    [
        ("mywork", "Joan Miró", "Joan Miro"),
        ("mywork", "Joan Miró", "miro"),
        ("picasso", None, "Pablo Picasso"),
        ("picasso", "Pablo Picasso", "pablo"),
    ],
)
def test_found_by_the_artists_own_name(
    tmp_path: Path, folder: str, manifest: str | None, name: str
) -> None:
    (tmp_path / folder).mkdir()
    if manifest is not None:
        head = json.dumps({"format": 1, "artist": manifest})
        (tmp_path / folder / "corpus.json").write_text(head, "utf-8")
    assert find_corpus(name, tmp_path).folder == tmp_path / folder


@pytest.mark.parametrize("name", ["", "葛飾北斎", "--", "pablo\npicasso\nx"])
def test_artist_of_no_name(name: str, corpora: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_corpus(name, corpora)
    assert repr(name) in one_line(caught.value)


@pytest.mark.parametrize("folder", ["Claude Monet", "Claude_MONET", "claude monet"])
def test_folder_that_is_no_slug(folder: str, tmp_path: Path) -> None:
    draw(tmp_path / folder / "lilies.png")
    for name in ("Claude Monet", "claude-monet", "Monet", "claude monet"):
        corpus = find_corpus(name, tmp_path)
        assert corpus.folder == tmp_path / folder
        assert [work.title for work in corpus.available] == ["Lilies"]
        assert corpus.artist.lower() == "claude monet"
        # A record names the corpus by its slug.
        assert find_corpus(corpus.slug, tmp_path) == corpus


def test_folder_that_is_no_slug_is_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "Claude Monet").mkdir()
    with pytest.raises(UsageError, match="nearest: Claude Monet;"):
        find_corpus("claud monnet", tmp_path)


def test_folder_in_another_script(tmp_path: Path) -> None:
    draw(tmp_path / "葛飾北斎" / "神奈川沖浪裏.png")
    corpus = find_corpus("葛飾北斎", tmp_path)
    assert corpus.artist == "葛飾北斎"
    assert find_work(corpus, "神奈川沖浪裏").file == "神奈川沖浪裏.png"


def begin(folder: Path, artist: str) -> None:
    folder.mkdir(parents=True)
    head = json.dumps({"format": 1, "artist": artist})
    (folder / "corpus.json").write_text(head, "utf-8")


@pytest.mark.parametrize(
    "name", ["Иван Шишкин", "иван  шишкин", " ИВАН ШИШКИН", "Шишкин", "Шишкин Иван"]
)
def test_artist_in_another_script(tmp_path: Path, name: str) -> None:
    begin(tmp_path / "works-of-0123abcd", "Иван Шишкин")
    begin(tmp_path / "works-of-4567abcd", "Иван Айвазовский")
    assert find_corpus(name, tmp_path).slug == "works-of-0123abcd"
    with pytest.raises(UsageError, match="works-of-0123abcd or works-of-4567abcd"):
        find_corpus("Иван", tmp_path)


def test_the_name_as_typed_comes_first(tmp_path: Path) -> None:
    begin(tmp_path / "pablo", "Pablo")
    begin(tmp_path / "works-of-0123abcd", "Pablo Пикассо")
    assert find_corpus("pablo пикассо", tmp_path).slug == "works-of-0123abcd"
    begin(tmp_path / "claude-monet", "Claude Monet")
    begin(tmp_path / "claude-monet-0123abcd", "Claude Monet")
    assert find_corpus("claude monet", tmp_path).slug == "claude-monet"


def test_a_folder_whose_letters_are_encoded_otherwise(tmp_path: Path) -> None:
    draw(tmp_path / unicodedata.normalize("NFD", "ガッテン") / "Ёлки.png")
    corpus = find_corpus(unicodedata.normalize("NFC", "ガッテン"), tmp_path)
    assert find_work(corpus, unicodedata.normalize("NFD", "ёлки")).title == "Ёлки"


@pytest.mark.parametrize("name", ["", " ", "--"])
def test_artist_of_no_name_has_no_hint(name: str, corpora: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_corpus(name, corpora)
    message = one_line(caught.value)
    assert "fetch" not in message
    assert "; there is procedural, " in message


def test_the_nearest_and_all_there_is(corpora: Path) -> None:
    with pytest.raises(UsageError, match=r"; nearest: pablo-picasso; .*may get them"):
        find_corpus("Piccasso", corpora)
    with pytest.raises(UsageError, match=r"; there is procedural, .*may get them"):
        find_corpus("Zzyzx", corpora)


def test_an_empty_name_for_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--corpora is empty: name a folder"):
        choose_corpora_folder("")
    monkeypatch.setenv("ARTIST_NST_CORPORA", "")
    assert choose_corpora_folder() != Path()


def test_the_closest_name_wins(tmp_path: Path) -> None:
    for name in ("Monet", "claude-monet", "Monet-after"):
        (tmp_path / name).mkdir()
    assert find_corpus("monet", tmp_path).folder.name == "Monet"
    assert find_corpus("Monet", tmp_path).folder.name == "Monet"
    assert find_corpus("Claude Monet", tmp_path).folder.name == "claude-monet"
    (tmp_path / "Claude Monet").mkdir()
    assert find_corpus("Claude Monet", tmp_path).folder.name == "Claude Monet"
    assert find_corpus("claude-monet", tmp_path).folder.name == "claude-monet"
    assert find_corpus("CLAUDE MONET", tmp_path).folder.name == "claude-monet"
    (tmp_path / "Claude_Monet").mkdir()
    (tmp_path / "claude-monet").rmdir()
    with pytest.raises(UsageError, match="may be Claude Monet or Claude_Monet;"):
        find_corpus("claude-monet", tmp_path)


# Which work is meant


@pytest.fixture
def monet(tmp_path: Path) -> Corpus:
    folder = tmp_path / "claude-monet"
    listed = [
        ("577", "Water Lilies", "1906", "images/577.png"),
        ("578", "Water Lilies", "1919", "images/578.png"),
        ("579", "Water Lilies, Evening Effect", "1899", "images/579.png"),
        ("Impression, Sunrise", "Haystacks", None, "images/hay.png"),
        ("580", "Impression, Sunrise", "1872", "images/580.png"),
        ("581", "Étretat, la porte d’Aval", "1885", "images/581.png"),
        ("582", "睡蓮", "1907", "images/582.png"),
    ]
    for *_, file in listed:
        draw(folder / file)
    gone = line("583", "Poplars", file="images/583.png")
    return load_corpus(
        write(
            folder,
            *(line(i, title, year=y, file=file) for i, title, y, file in listed),
            gone,
        )
    )


def test_work_by_name(monet: Corpus) -> None:
    for name, id in [
        ("577", "577"),
        ("578.png", "578"),
        ("Water Lilies, Evening Effect", "579"),
        ("water lilies evening EFFECT", "579"),
        ("evening", "579"),
        ("haystacks", "Impression, Sunrise"),
        ("Impression, Sunrise", "Impression, Sunrise"),  # ids go before titles
        ("impression sunrise", "580"),
        ("Etretat", "581"),
        ("La Porte d'Aval", "581"),
        ("睡蓮", "582"),
    ]:
        assert find_work(monet, name).id == id


@pytest.mark.parametrize("name", ["Water Lilies", "water lilies"])
def test_ambiguous_title(name: str, monet: Corpus) -> None:
    with pytest.raises(UsageError) as caught:
        find_work(monet, name)
    message = one_line(caught.value)
    assert repr(name) in message
    assert "2 works" in message
    assert "Water Lilies (1906): 577; Water Lilies (1919): 578" in message
    assert "579" not in message


def test_ambiguous_part_of_a_title(monet: Corpus) -> None:
    with pytest.raises(UsageError, match="fits 3 works"):
        find_work(monet, "lilies")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Haystaks", "nearest: Haystacks"),
        ("Poplars", "Claude Monet has no such work"),  # listed, but not here
        ("", "it has 7 works"),
        ("北斎", "it has 7 works"),
    ],
)
def test_unknown_work(name: str, hint: str, monet: Corpus) -> None:
    with pytest.raises(UsageError) as caught:
        find_work(monet, name)
    message = one_line(caught.value)
    assert repr(name) in message
    assert hint in message


# Manifests


def test_manifest(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "year": "c.1900",
        "artist": "Anna Ancher",
        "width": 3,
        "height": 2,
        "rights": "public domain",
        "genre": "interior",
        "file": "images/a.png",
    }
    head = {"format": 1, "slug": "anna-ancher", "artist": "Anna Ancher", "new": 1}
    folder = write(tmp_path / "somewhere", line("a", **values, later=[1]), head=head)
    draw(folder / "images/a.png")
    corpus = load_corpus(folder)
    assert (corpus.slug, corpus.artist) == ("anna-ancher", "Anna Ancher")
    (work,) = corpus.available
    assert work == Work("a", "A Title", **values)
    assert corpus.get_path(work) == folder / "images/a.png"


@pytest.mark.parametrize("head", [{}, {"slug": None, "artist": None, "created": ""}])
def test_manifest_that_says_nothing(head: dict[str, None], tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path / "anna-ancher", line("a"), head=head))
    assert (corpus.slug, corpus.artist) == ("anna-ancher", "Anna Ancher")


def test_what_the_manifests_head_says(tmp_path: Path) -> None:
    assert read_header(tmp_path / "nowhere") == read_header(tmp_path) == {}
    head = {"slug": "anna-ancher", "source": None, "new": [1]}
    assert read_header(write(tmp_path / "x", head=head)) == head


def test_manifest_without_works(tmp_path: Path) -> None:
    folder = write(tmp_path / "new")
    (folder / "works.jsonl").unlink()
    draw(folder / "stray.png")
    assert load_corpus(folder).works == ()


def test_last_line_of_an_id_wins(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "x",
        line("a", "First", status="failed", reason="404"),
        line("b", "Second"),
        line("a", "First again"),
    )
    works = load_corpus(folder).works
    assert [(work.id, work.title, work.status) for work in works] == [
        ("a", "First again", "ok"),
        ("b", "Second", "ok"),
    ]


def test_blank_lines_and_windows_line_ends(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", "", line("a"), "   ", line("b") + "\r", "\r", "")
    assert [work.id for work in load_corpus(folder).works] == ["a", "b"]


def test_byte_order_mark(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", "\ufeff" + line("a"))
    text = (folder / "corpus.json").read_text("utf-8")
    (folder / "corpus.json").write_text("\ufeff" + text, "utf-8")
    assert [work.id for work in load_corpus(folder).works] == ["a"]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_titles_with_unicode_line_ends(separator: str, tmp_path: Path) -> None:
    title = f"Before{separator}After"
    folder = write(tmp_path / "x", line("a", title), line("b"))
    assert [work.title for work in load_corpus(folder).works] == [title, "A Title"]


def test_last_line_without_its_line_end(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", line("a"), line("b"), end="")
    assert [work.id for work in load_corpus(folder).works] == ["a", "b"]


def test_last_line_cut_off_anywhere(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", line("a"))
    last = line("b", "Étretat é", file="images/b.png").encode()
    for count in range(len(last)):
        with (folder / "works.jsonl").open("wb") as stream:
            stream.write(line("a").encode() + b"\n" + last[:count])
        assert [work.id for work in load_corpus(folder).works] == ["a"], last[:count]


DAMAGED_LINES = [
    b'{"id": "b", "ti',
    b'{"id": "b", "ti{"id": "c", "title": "C"}',
    b"\0\0\0\0",
    b'{"id": "b", "title": "\xff"}',
    b"[" * 100_000,
    b"[]",
    b"null",
    b'"b"',
    b'{"id": "b"}',
    b'{"title": "B"}',
    b'{"id": 7, "title": "B"}',
    b'{"id": "b", "title": null}',
    b'{"id": "b", "title": "B", "file": 5}',
    b'{"id": "b", "title": "B", "file": "a\\u0000.png"}',
    b'{"id": "b", "title": "B", "image_url": 5}',
    b'{"id": "b", "title": "B", "width": 1' + 400 * b"0" + b"}",
    b'{"id": "b", "title": "B", "height": -3}',
    b'{"id": "b", "title": "B", "status": "lost"}',
    b'{"id": "b", "title": "' + 30_000 * b"B" + b'"}',
]


@pytest.mark.parametrize("damaged", DAMAGED_LINES)
def test_a_damaged_line_costs_only_that_work(
    damaged: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path / "x")
    path = folder / "works.jsonl"
    good = line("a").encode(), line("z").encode()
    path.write_bytes(b"\n".join([good[0], b"", damaged, good[1], b""]))
    assert [work.id for work in load_corpus(folder).works] == ["a", "z"]
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith(f"a work is left out: {path}:3: ")
    assert "\n" not in message
    path.write_bytes(damaged + b"\n")
    with pytest.raises(DamagedError) as caught:
        load_corpus(folder)
    assert one_line(caught.value).startswith(f"{path}:1: ")


def test_many_damaged_lines_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path / "x", line("a"), *(50 * ['{"id": "b"}']))
    assert len(load_corpus(folder).works) == 1
    assert len(caplog.records) == 4
    assert "47 more" in caplog.text


def test_a_year_may_be_a_number(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", '{"id": "a", "title": "A", "year": 1907}')
    assert load_corpus(folder).works[0].year == "1907"


def test_whole_last_line_of_no_work_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path / "x", line("a"), '{"id": "b"}', end="")
    assert len(load_corpus(folder).works) == 1
    assert "2: it has no title" in caplog.text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"{'slug': 1}", "not JSON"),
        (b'{"slug": "x"', "not JSON"),
        (b'{"slug": "\xe9"}', "not JSON"),
        ('{"slug": "x"}'.encode("utf-16"), "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"format": "1"}', "format is text, not a whole number"),
        (b'{"format": null}', "format is null, not a whole number"),
        (b'{"slug": 1}', "slug is a whole number, not text"),
        (b'{"asked": [[1]]}', "asked[0] is a list, not text"),
    ],
)
def test_damaged_manifest(content: bytes, why: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "x", line("a"))
    (folder / "corpus.json").write_bytes(content)
    with pytest.raises(ArtistNstError) as caught:
        find_corpus("x", tmp_path)
    message = one_line(caught.value)
    assert str(folder / "corpus.json") in message
    assert why in message
    assert not isinstance(caught.value, UsageError)


@pytest.mark.parametrize("name", ["corpus.json", "works.jsonl"])
def test_unreadable_manifest(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "x", line("a"))
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(ArtistNstError) as caught:
        load_corpus(folder)
    assert one_line(caught.value).startswith(f"{folder / name} cannot be read")


@pytest.mark.parametrize("read", [load_corpus, read_header])
def test_newer_format(read: Callable[[Path], object], tmp_path: Path) -> None:
    folder = write(tmp_path / "x", line("a"), head={"format": FORMAT + 1})
    with pytest.raises(ArtistNstError) as caught:
        read(folder)
    message = one_line(caught.value)
    assert f"format {FORMAT + 1} is newer" in message
    assert "upgrade" in message


def test_what_is_here(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "x",
        line("whole", file="images/whole.png"),
        line("gone", file="images/gone.png"),
        line("restricted", file="images/restricted.png", status="restricted"),
        line("no file"),
        line("empty", file=""),
        line("folder", file="images"),
        line("overlong", file="a" * 5000),
    )
    draw(folder / "images/whole.png")
    draw(folder / "images/restricted.png")
    corpus = load_corpus(folder)
    assert len(corpus.works) == 7
    assert [work.id for work in corpus.available] == ["whole"]
    for work in corpus.works[3:5]:
        with pytest.raises(ArtistNstError, match="x: A Title has no picture"):
            corpus.get_path(work)


@pytest.mark.parametrize("kind", ["dots", "absolute", "link", "linked folder"])
def test_files_outside_the_corpus_are_refused(kind: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "x")
    outside = draw(tmp_path / "x-outside" / "secret.png")
    (folder / "images").mkdir()
    files = {
        "dots": "images/../../x-outside/secret.png",
        "absolute": str(outside),
        "link": "images/link.png",
        "linked folder": "linked/secret.png",
    }
    (folder / "images/link.png").symlink_to(outside)
    (folder / "linked").symlink_to(outside.parent)
    write(folder, line("a", file=files[kind]))
    corpus = load_corpus(folder)
    assert (folder / files[kind]).is_file()
    for ask in (lambda: corpus.get_path(corpus.works[0]), lambda: corpus.available):
        with pytest.raises(ArtistNstError) as caught:
            ask()
        message = one_line(caught.value)
        assert repr(files[kind]) in message
        assert str(folder) in message


def test_links_within_the_corpus(tmp_path: Path) -> None:
    real = write(tmp_path / "disk", line("a", file="link.png"), line("b", file="loop"))
    draw(real / "a.png")
    (real / "link.png").symlink_to("a.png")
    (real / "loop").symlink_to("loop")
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora/x").symlink_to(real)
    corpus = load_corpus(tmp_path / "corpora/x")
    assert [work.id for work in corpus.available] == ["a"]


# Plain folders of pictures


def test_plain_folder(tmp_path: Path) -> None:
    folder = tmp_path / "anna-ancher"
    for name in (
        "harvesters.png",
        "Sunlight_in-the blue  room.JPG",
        "late/the-artist's-mother.PNG",
        "late/harvesters.webp",
    ):
        draw(folder / name)
    for name in (".hidden.png", ".thumbs/small.png", "late/._harvesters.png"):
        draw(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    (folder / "png").write_text("not a picture")
    (folder / "album.png").mkdir()
    corpus = load_corpus(folder)
    assert (corpus.slug, corpus.artist) == ("anna-ancher", "Anna Ancher")
    assert [(work.id, work.title) for work in corpus.works] == [
        ("Sunlight_in-the blue  room.JPG", "Sunlight In The Blue Room"),
        ("harvesters.png", "Harvesters"),
        ("late/harvesters.webp", "Harvesters"),
        ("late/the-artist's-mother.PNG", "The Artist's Mother"),
    ]
    assert corpus.available == corpus.works
    assert all(corpus.get_path(work).is_file() for work in corpus.works)
    assert find_work(corpus, "mother").file == "late/the-artist's-mother.PNG"
    assert find_work(corpus, "late/harvesters.webp").file == "late/harvesters.webp"
    with pytest.raises(UsageError, match=r"Harvesters: late/harvesters\.webp"):
        find_work(corpus, "harvesters")


def test_plain_folder_with_a_hidden_name_above(tmp_path: Path) -> None:
    draw(tmp_path / ".corpora" / "x" / "a.png")
    assert len(load_corpus(tmp_path / ".corpora" / "x").available) == 1


def test_empty_folder(tmp_path: Path) -> None:
    assert load_corpus(tmp_path / "home").works == ()


# The artist that comes along


def test_packaged_corpus() -> None:
    corpus = load_corpus(PROCEDURAL)
    assert (corpus.slug, corpus.artist) == ("procedural", "Procedural")
    assert len(corpus.works) == 8
    assert corpus.available == corpus.works
    files = {corpus.get_path(work) for work in corpus.works}
    assert files == set((PROCEDURAL / "images").iterdir())
    total = sum(path.stat().st_size for path in PROCEDURAL.rglob("*"))
    assert total < 3_000_000


def test_packaged_manifest_has_every_key() -> None:
    keys = set(Work.__dataclass_fields__)
    for text in (PROCEDURAL / "works.jsonl").read_text("utf-8").splitlines():
        assert set(json.loads(text)) == keys


def test_packaged_pictures() -> None:
    corpus = load_corpus(PROCEDURAL)
    for work in corpus.works:
        path = corpus.get_path(work)
        assert hash_file(path) == work.sha256
        with Image.open(path) as image:
            image.load()
            assert image.size == (work.width, work.height)
            assert image.mode == "RGB"
            assert not image.getexif()
            assert "exif" not in image.info
        assert work.rights
        assert work.rights.startswith("MIT")
