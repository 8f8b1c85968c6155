"""``artist-nst fetch``, as typed, against the stand-in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from artist_nst.wikiart import client as polite
from tests.cli.conftest import Cli, Ran
from tests.wikiart_server import WikiArtServer, make_catalogue

FAST = "--rate", "1000"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[WikiArtServer]:
    monkeypatch.setattr(polite, "BACKOFF_S", 0.005)
    with WikiArtServer(make_catalogue(12)) as server:
        monkeypatch.setenv(polite.URL_VARIABLE, server.url)
        yield server


@pytest.fixture
def fetch(cli: Cli, site: WikiArtServer) -> Cli:
    assert site.url

    def ran(*arguments: object) -> Ran:
        return cli("fetch", *FAST, "--corpora", "corpora", *arguments)

    return ran


def counts(ran: Ran) -> dict[str, str]:
    return dict(re.findall(r"^  (\w[\w ]+?)\s{2,}(\S.*)$", ran.out, re.MULTILINE))


def test_a_corpus_is_fetched_and_painted_from(
    fetch: Cli, cli: Cli, photo: Path
) -> None:
    ran = fetch("picasso")
    assert ran.code == 0
    assert "Pablo Picasso (pablo-picasso)" in ran.out
    assert "taking Pablo Picasso (12 works) before Paloma Picasso (1)" in ran.err
    assert counts(ran)["downloaded"] == "12"
    assert counts(ran)["failed"] == "0"
    assert counts(ran)["folder"] == str(Path("corpora/pablo-picasso"))
    small = "-n", 1, "-w", 32, "-o", "out.png"
    painted = cli("paint", photo, "--artist", "picasso", *small)
    assert painted.code == 0, painted.err
    assert Path("out.png").exists()
    listed = cli("works", "picasso", "--json").out.splitlines()
    assert len(listed) == 12
    assert all(json.loads(line)["status"] == "ok" for line in listed)


def test_again(fetch: Cli, site: WikiArtServer) -> None:
    fetch("picasso")
    site.requests.clear()
    ran = fetch("picasso")
    assert (ran.code, counts(ran)["already here"]) == (0, "12")
    assert not site.requests


def test_failures_are_told_and_listed(
    fetch: Cli, cli: Cli, site: WikiArtServer
) -> None:
    site.add_fault(site.path(site.works[3]), "404")
    site.add_fault(site.path(site.works[5]), "placeholder")
    ran = fetch("pablo picasso")
    assert ran.code == 1
    assert (counts(ran)["failed"], counts(ran)["restricted"]) == ("1", "1")
    assert f"failed: {site.works[3]['title']}" in ran.err
    assert "HTTP 404" in ran.err
    listed = cli("works", "picasso", "--failed", "--corpora", "corpora").out
    assert "HTTP 404" in listed
    assert "placeholder" in listed
    site.clear_faults()
    again = fetch("pablo picasso")
    assert (again.code, counts(again)["downloaded"]) == (0, "1")


def test_several_artists(fetch: Cli) -> None:
    ran = fetch("Joan Miró", "nobody at all", "JACQUES HEROLD")
    assert ran.code == 1
    assert "'nobody at all'" in ran.line
    assert "Joan Miró (joan-miro)" in ran.out
    assert "Jacques Hérold (jacques-h-rold)" in ran.out
    assert sorted(path.name for path in Path("corpora").iterdir()) == [
        "jacques-h-rold",
        "joan-miro",
    ]


def test_a_user_agent_of_ones_own(fetch: Cli, site: WikiArtServer) -> None:
    assert fetch("joan miro", "--user-agent", " Mozilla/5.0 (me) ").code == 0
    assert site.requests[-1].headers["User-Agent"] == "Mozilla/5.0 (me)"


def test_quiet(fetch: Cli, site: WikiArtServer) -> None:
    site.add_fault(site.path(site.works[3]), "404", times=1)
    ran = fetch("picasso", "-q")
    assert ran.code == 1
    assert "HTTP 404" in ran.err
    assert counts(ran)["failed"] == "1"
    ran = fetch("picasso", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_one_artist_under_two_names(fetch: Cli) -> None:
    ran = fetch("picasso", "PICASSO", "pablo picasso")
    assert ran.out.count("Pablo Picasso (pablo-picasso)") == 1


def test_dry_run(fetch: Cli) -> None:
    ran = fetch("picasso", "--dry-run", "--limit", 5)
    assert ran.code == 0
    assert counts(ran)["to download"] == "5"
    assert counts(ran)["to receive"].startswith("about ")
    ran = fetch("picasso", "--dry-run", "--style", "cubism")
    assert counts(ran)["to download"] == "up to 12"
    assert not Path("corpora").exists()


def test_refresh_says_what_changed(fetch: Cli, site: WikiArtServer) -> None:
    fetch("picasso")
    gone = site.works.pop(4)
    ran = fetch("picasso", "--refresh")
    assert "added since the last list: 0" in ran.err
    assert "removed since the last list: 1" in ran.err
    assert unescape(gone["title"]) in ran.err
    quiet = fetch("picasso", "--refresh", "--quiet")
    assert "since the last list" not in quiet.err


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["nobody"], 2, "no artist 'nobody'"),
        (["pabla picaso"], 2, r"nearest: .*Pablo Picasso \(pablo-picasso\)"),
        (["bassano"], 2, r"Jacopo Bassano \(jacopo-bassano, 60 works\)"),
        (["yves klein"], 1, "lists no works of Yves Klein.*artist-nst adopt"),
        ([""], 2, "artist"),
        (["../../etc"], 2, "artist"),
        (["picasso", "--first"], 2, "--first needs"),
        (["picasso", "--since", "1920", "--until", "1910"], 2, "swap them"),
        (["picasso", "--rate", "0"], 2, "--rate 0"),
        (["picasso", "--rate", "nan"], 2, "--rate nan"),
        (["picasso", "--jobs", "0"], 2, "--jobs"),
        (["picasso", "--size", "huge"], 2, "--size"),
        (["picasso", "--style", " "], 2, "--style is empty"),
        (["picasso", "--user-agent", "a\nb"], 2, "--user-agent"),
        ([], 2, "ARTIST"),
    ],
)
def test_bad_input(fetch: Cli, arguments: list[str], code: int, line: str) -> None:
    ran = fetch(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert re.search(line, ran.line), ran.line
    assert not Path("corpora").exists() or not list(Path("corpora").iterdir())


def test_no_network(fetch: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(polite.URL_VARIABLE, "http://127.0.0.1:9")
    ran = fetch("picasso")
    assert ran.code == 1
    assert "can't be reached" in ran.line
    assert "`artist-nst adopt`" in ran.line
    monkeypatch.setenv(polite.URL_VARIABLE, "http://example.org")
    assert fetch("picasso").code == 2


def test_a_corpus_from_a_newer_version(fetch: Cli) -> None:
    fetch("picasso")
    head = Path("corpora/pablo-picasso/corpus.json")
    head.write_text(json.dumps(json.loads(head.read_text()) | {"format": 99}))
    ran = fetch("picasso")
    assert ran.code == 1
    assert "format 99 is newer" in ran.line
    assert "upgrade artist-nst" in ran.line


def test_a_file_where_the_corpora_should_be(fetch: Cli) -> None:
    Path("corpora").write_text("")
    ran = fetch("picasso")
    assert ran.code == 1
    assert "cannot be written" in ran.line


def test_refused(fetch: Cli, site: WikiArtServer) -> None:
    site.add_fault("/", "403")
    ran = fetch("picasso")
    assert ran.code == 1
    assert "127.0.0.1/en/picasso: HTTP 403 (5 attempts)" in ran.line
    assert "--user-agent" in ran.line


def test_help_names_the_stand_in(cli: Cli) -> None:
    text = cli("fetch", "--help").out
    assert polite.URL_VARIABLE in text
    for option in ("--limit", "--first", "--seed", "--size", "--details", "--jobs"):
        assert option in text


def test_a_bar_is_drawn_on_a_terminal(site: WikiArtServer, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    site.delay_s = 0.05
    code = (
        "import sys; from artist_nst.cli import run; "
        f"sys.exit(run(['fetch', 'picasso', *{FAST}, '--corpora', {str(tmp_path)!r}]))"
    )
    ours, theirs = pty.openpty()
    shown = bytearray()

    def read() -> None:
        try:
            while piece := os.read(ours, 4096):
                shown.extend(piece)
        except OSError:
            pass

    reads = threading.Thread(target=read)
    reads.start()
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=theirs, stderr=theirs, check=False
    )
    os.close(theirs)
    reads.join()
    os.close(ours)
    assert done.returncode == 0
    text = shown.decode()
    assert "reading the list" in text
    assert re.search(r"\d+/12", text)
