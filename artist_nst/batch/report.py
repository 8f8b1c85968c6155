"""The report of a batch: one HTML page without other files, and tables."""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from artist_nst._files import write_text
from artist_nst.batch.ledger import LEDGER_FILE, Ledger
from artist_nst.batch.plan import Plan
from artist_nst.batch.results_table import JobRow, make_rows, write_tables
from artist_nst.batch.thumbnails import find_thumbnail
from artist_nst.errors import format_count
from artist_nst.painting.output_names import TABLE

REPORT_FILE = "report.html"
MAX_THUMBNAILS = 2000  # of more jobs there is a table alone
MAX_ROWS = 10_000  # of the table, and of the failures
OTHER = "style images"


def write_reports(plan: Plan, ledger: Ledger) -> Path:
    """Write the page and the tables of a batch into its folder.

    Returns:
        The page.

    Raises:
        ArtistNstError: The disk refuses them.
    """
    folder = ledger.path.parent
    rows = make_rows(plan, ledger)
    write_tables(rows, folder)
    path = folder / REPORT_FILE
    write_text(path, render_report(rows, folder))
    return path


def render_report(rows: Sequence[JobRow], folder: Path) -> str:
    """Render the results of a batch so far as an HTML page."""
    style, script = (_read_resource(name) for name in ("report.css", "report.js"))
    has_thumbnails = len(rows) <= MAX_THUMBNAILS
    body = _render_cards(rows, folder) if has_thumbnails else _render_table(rows)
    title = _clean(folder.name)
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}: batch</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="kicker">Batch</p>
<h1><bdi>{title}</bdi></h1>
{_render_facts(rows)}
</header>
<main>
{_render_failures(rows)}
{_render_filters(rows)}
{body}
</main>
<footer>
<p>All results are in <a href="{TABLE}">{TABLE}</a>, and what became of each job in
<a href="{LEDGER_FILE}">{LEDGER_FILE}</a>.</p>
</footer>
<script>
{script}</script>
</body>
</html>
"""
    # Names of files may hold what UTF-8 cannot.
    return page.encode("utf-8", "replace").decode()


def _read_resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _clean(text: str) -> str:
    return escape(" ".join(text.split()))


def _render_facts(rows: Sequence[JobRow]) -> str:
    states = Counter(row.state for row in rows)
    seconds = [row.seconds for row in rows if row.seconds and row.state == "finished"]
    mean = f"{sum(seconds) / len(seconds):.1f} s" if seconds else "–"
    facts = {
        "Finished": f"{states['finished']:,}",
        "Failed": f"{states['failed']:,}",
        "Waiting": f"{states['waiting']:,}",
        "Mean time": mean,
    }
    items = (
        f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in facts.items()
    )
    return f"<dl>{''.join(items)}</dl>"


def _render_failures(rows: Sequence[JobRow]) -> str:
    failed = [row for row in rows if row.state == "failed"]
    if not failed:
        return ""
    lines = (
        f'<tr><td class="name"><bdi>{_clean(row.out)}</bdi>'
        f"<small>job {row.line}</small></td><td>{_clean(row.reason)}</td></tr>"
        for row in failed[:MAX_ROWS]
    )
    head = "<tr><th>Painting</th><th>Reason</th></tr>"
    return (
        f'<section class="failures"><h2>{format_count(len(failed), "failure")}</h2>'
        f'<div class="scroll" tabindex="0"><table><thead>{head}</thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
        f"{_render_rest(len(failed))}</section>"
    )


def _render_rest(count: int) -> str:
    if count <= MAX_ROWS:
        return ""
    return f'<p class="muted">The first {MAX_ROWS:,} of {count:,}.</p>'


def _render_filters(rows: Sequence[JobRow]) -> str:
    states = Counter(row.state for row in rows)
    artists = Counter(row.artist or OTHER for row in rows)
    return (
        '<form class="filters"><h2>Paintings</h2>'
        f"{_render_select('state', 'State', sorted(states.items()))}"
        f"{_render_select('artist', 'Artist', sorted(artists.items()))}"
        '<output id="shown" aria-live="polite"></output></form>'
    )


def _render_select(name: str, label: str, counts: Iterable[tuple[str, int]]) -> str:
    options = "".join(
        f'<option value="{_clean(value)}">{_clean(value)} ({count:,})</option>'
        for value, count in counts
    )
    return (
        f'<label>{label} <select name="{name}"><option value="">all</option>'
        f"{options}</select></label>"
    )


def _render_cards(rows: Sequence[JobRow], folder: Path) -> str:
    cards = "".join(_render_card(row, folder) for row in rows)
    return f'<ul class="cards">{cards}</ul>'


def _render_card(row: JobRow, folder: Path) -> str:
    name, reason = _clean(row.out), _clean(row.reason)
    picture = f'<span class="empty">{row.state}</span>'
    if row.state == "finished":
        if jpeg := find_thumbnail(folder, row.key, row.out):
            source = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
            picture = f'<img src="{source}" alt="" loading="lazy">'
        picture = f'<a href="{quote(os.fsencode(row.out))}">{picture}</a>'
    seconds = "" if row.seconds is None else f" · {row.seconds:.1f} s"
    return (
        f'<li {_render_data(row)} title="{reason}">{picture}'
        f"<p><bdi>{name}</bdi></p>"
        f"<p><small><bdi>{_clean(row.artist or OTHER)}</bdi>: "
        f"<bdi>{_clean(row.style)}</bdi></small></p>"
        f"<p><small>{row.width} × {row.height}{seconds}</small></p></li>"
    )


def _render_data(row: JobRow) -> str:
    artist = _clean(row.artist or OTHER)
    return f'data-state="{row.state}" data-artist="{artist}"'


def _render_table(rows: Sequence[JobRow]) -> str:
    lines = (
        f'<tr {_render_data(row)}><td class="name"><bdi>{_clean(row.out)}</bdi></td>'
        f"<td>{row.state}</td><td><bdi>{_clean(row.artist or OTHER)}</bdi></td>"
        f"<td><bdi>{_clean(row.style)}</bdi></td>"
        f'<td class="number">{"" if row.seconds is None else f"{row.seconds:.1f}"}</td>'
        "</tr>"
        for row in rows[:MAX_ROWS]
    )
    heads = ("Painting", "State", "Artist", "Style", "Seconds")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return (
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
        f"{_render_rest(len(rows))}"
    )
