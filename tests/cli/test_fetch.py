"""``artist-nst fetch``, as typed, against a stand-in for WikiArt."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from rich.console import Console

from artist_nst.cli.commands.fetch import _fetch_bar
from artist_nst.wikiart import client
from artist_nst.wikiart.report import FetchProgress
from tests.cli.conftest import TINY, Cli, Ran
from tests.wikiart_server import WikiArtServer, make_catalogue


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[WikiArtServer]:
    monkeypatch.setattr(client, "BACKOFF_S", 0.001)
    with WikiArtServer(make_catalogue(12)) as server:
        monkeypatch.setenv(client.URL_VARIABLE, server.url)
        yield server


@pytest.fixture
def fetch(cli: Cli, site: WikiArtServer) -> Cli:
    assert site.url

    def run(*arguments: object) -> Ran:
        return cli("fetch", "--rate", "1000", "--corpora", "corpora", *arguments)

    return run


def get_counts(ran: Ran) -> dict[str, str]:
    return dict(re.findall(r"^  (\w[\w ]+?)\s{2,}(\S.*)$", ran.out, re.MULTILINE))


def test_a_corpus_is_fetched_and_painted_from(
    fetch: Cli, cli: Cli, site: WikiArtServer, photo: Path
) -> None:
    ran = fetch("picasso")
    assert ran.code == 0
    assert "Pablo Picasso (pablo-picasso)" in ran.out
    assert "Paloma Picasso" in ran.err
    counts = get_counts(ran)
    assert (counts["downloaded"], counts["failed"]) == ("12", "0")
    assert counts["folder"] == str(Path("corpora/pablo-picasso"))
    painted = cli("paint", photo, "-A", "picasso", *TINY, "-o", "out.png")
    assert painted.code == 0, painted.err
    listed = cli("works", "picasso", "--json").out.splitlines()
    assert len(listed) == 12
    assert all(json.loads(line)["status"] == "ok" for line in listed)
    # Again, nothing is asked.
    site.requests.clear()
    ran = fetch("picasso")
    assert (ran.code, get_counts(ran)["already here"]) == (0, "12")
    assert not site.requests
    # A list that is read again is compared.
    gone = site.works.pop(4)
    ran = fetch("picasso", "--refresh")
    assert "added since the last list: 0" in ran.err
    assert "removed since the last list: 1" in ran.err
    assert unescape(gone["title"]) in ran.err
    assert "last list" not in fetch("picasso", "--refresh", "--quiet").err


def test_addresses_of_works_fetch_those_works(
    fetch: Cli, cli: Cli, site: WikiArtServer
) -> None:
    addresses = [f"https://www.wikiart.org{work['paintingUrl']}" for work in site.works]
    ran = fetch(addresses[2], addresses[5])
    assert ran.code == 0
    assert ran.err.count("fetching one work: ") == 2
    assert unescape(site.works[2]["title"]) in ran.err
    assert ran.out.count("downloaded          1\n") == 2
    assert get_counts(ran)["not selected"] == "11"
    lines = cli("works", "picasso", "--json").out.splitlines()
    listed = [json.loads(line) for line in lines]
    here = {work["id"] for work in listed if work["status"] == "ok"}
    assert here == {site.works[2]["id"], site.works[5]["id"]}
    ran = fetch(f"{addresses[2]}-x")
    assert ran.code == 2
    assert "WikiArt lists no work at /en/pablo-picasso/" in ran.err


def test_failures_are_printed_and_listed(
    fetch: Cli, cli: Cli, site: WikiArtServer
) -> None:
    site.add_fault(site.path(site.works[3]), "404")
    site.add_fault(site.path(site.works[5]), "placeholder")
    ran = fetch("pablo picasso")
    assert ran.code == 1
    counts = get_counts(ran)
    assert (counts["failed"], counts["restricted"]) == ("1", "1")
    assert f"failed: {site.works[3]['title']}" in ran.err
    assert "HTTP 404" in ran.err
    listed = cli("works", "picasso", "--failed", "--corpora", "corpora").out
    assert "HTTP 404" in listed
    assert "placeholder" in listed
    ran = fetch("picasso", "-q")
    assert ran.code == 1
    assert "HTTP 404" in ran.err
    assert get_counts(ran)["failed"] == "1"
    site.clear_faults()
    again = fetch("pablo picasso")
    assert (again.code, get_counts(again)["downloaded"]) == (0, "1")


def test_several_artists_and_names_of_one(fetch: Cli, site: WikiArtServer) -> None:
    agent = ("--user-agent", " Mozilla/5.0 (me) ")
    names = ("Joan Miró", "nobody at all", "JACQUES HEROLD", "joan miro")
    ran = fetch(*names, *agent)
    assert ran.code == 1
    assert "'nobody at all'" in ran.line
    assert ran.out.count("Joan Miró (joan-miro)") == 1
    assert "Jacques Hérold (jacques-h-rold)" in ran.out
    assert sorted(path.name for path in Path("corpora").iterdir()) == [
        "jacques-h-rold",
        "joan-miro",
    ]
    assert site.requests[-1].headers["User-Agent"] == "Mozilla/5.0 (me)"
    ran = fetch("joan miro", "-q")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_dry_run(fetch: Cli) -> None:
    ran = fetch("picasso", "--dry-run", "--limit", 5)
    assert ran.code == 0
    assert get_counts(ran)["to download"] == "5"
    assert get_counts(ran)["to receive"].startswith("about ")
    ran = fetch("picasso", "--dry-run", "--style", "cubism")
    assert get_counts(ran)["to download"] == "up to 12"
    assert not Path("corpora").exists()


def test_one_line_for_what_is_wrong(fetch: Cli) -> None:
    for arguments, code, pattern in (
        (["nobody"], 2, "'nobody'"),
        (["pabla picaso"], 2, r"Pablo Picasso \(pablo-picasso\)"),
        (["bassano"], 2, r"Jacopo Bassano \(jacopo-bassano, 60 works\)"),
        (["yves klein"], 1, "Yves Klein.*artist-nst adopt"),
        ([""], 2, "artist"),
        (["../../etc"], 2, "artist"),
        (["picasso", "--first"], 2, "--first"),
        (["picasso", "--since", "1920", "--until", "1910"], 2, "--since 1920"),
        (["picasso", "--rate", "0"], 2, "--rate 0"),
        (["picasso", "--rate", "nan"], 2, "--rate nan"),
        (["picasso", "--jobs", "0"], 2, "--jobs"),
        (["picasso", "--size", "huge"], 2, "--size"),
        (["picasso", "--style", " "], 2, "--movement is empty"),
        (["picasso", "--user-agent", "a\nb"], 2, "--user-agent"),
        ([], 2, "ARTIST"),
    ):
        ran = fetch(*arguments)
        assert (ran.code, ran.out) == (code, ""), arguments
        assert re.search(pattern, ran.line), ran.line
        assert not Path("corpora").exists() or not list(Path("corpora").iterdir())


def test_no_network(fetch: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(client.URL_VARIABLE, "http://127.0.0.1:9")
    ran = fetch("picasso")
    assert ran.code == 1
    assert "127.0.0.1" in ran.line
    assert "`artist-nst adopt`" in ran.line
    monkeypatch.setenv(client.URL_VARIABLE, "http://example.org")
    assert fetch("picasso").code == 2


def test_refused(fetch: Cli, site: WikiArtServer) -> None:
    site.add_fault("/", "403")
    ran = fetch("picasso")
    assert ran.code == 1
    assert "127.0.0.1/en/picasso: HTTP 403" in ran.line
    assert "--user-agent" in ran.line


def test_corpora_that_cannot_be_written(fetch: Cli) -> None:
    fetch("joan miro", "--limit", 1)
    header = Path("corpora/joan-miro/corpus.json")
    header.write_text(json.dumps(json.loads(header.read_text()) | {"format": 99}))
    ran = fetch("joan miro")
    assert ran.code == 1
    assert "format 99" in ran.line
    assert "upgrade artist-nst" in ran.line
    Path("corpora").rename("old")
    Path("corpora").write_text("")
    ran = fetch("joan miro")
    assert ran.code == 1
    assert "corpora" in ran.line


def test_a_bar_is_drawn_on_a_terminal() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    with _fetch_bar(console, "picasso") as show:
        show(FetchProgress("list", 60, None))
        show(FetchProgress("pictures", 7, 12, bytes=1_200_000, failed=1))
    for text in ("picasso: reading the list", "7/12", "1.2 MB 1 failed"):
        assert text in stream.getvalue()
