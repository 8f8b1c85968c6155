"""A stand-in for WikiArt, and a client that does not wait long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from artist_nst.wikiart import client
from tests.wikiart_server import WikiArtServer


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[WikiArtServer]:
    """Serve forty works of Picasso on loopback."""
    monkeypatch.setattr(client, "BACKOFF_S", 0.001)
    with WikiArtServer() as server:
        monkeypatch.setenv(client.URL_VARIABLE, server.url)
        yield server
