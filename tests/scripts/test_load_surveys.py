"""Raters lose no answer, however often the server is killed."""

from __future__ import annotations

import pytest
from load_surveys import measure

from artist_nst.surveys.survey import Kind

pytestmark = pytest.mark.tools


@pytest.mark.parametrize("kind", ["rating", "pairs"])
def test_no_acknowledged_answer_is_lost(kind: Kind) -> None:
    figures = measure(kind, raters=30, seconds=10, kills=3, pause=0.3)
    assert (figures["lost"], figures["unexpected"]) == (0, 0)
    assert figures["answers"] > 100
    assert figures["retries"] > 0
