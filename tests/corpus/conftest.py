"""A stand-in for WikiArt, and a client that does not wait long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from artist_nst.corpus import polite
from tests.wikiart_server import WikiArtServer


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[WikiArtServer]:
    """Forty works of Picasso's on loopback."""
    monkeypatch.setattr(polite, "BACKOFF_S", 0.005)
    with WikiArtServer() as server:
        monkeypatch.setenv(polite.VARIABLE, server.url)
        yield server
