"""The results of a survey as a page, as a table, and as plain values."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse

from artist_nst.corpus.names import fold
from artist_nst.surveys.export import export_csv
from artist_nst.surveys.report import render_report
from artist_nst.surveys.statistics import compute_statistics
from artist_nst.surveys.store import Survey
from artist_nst.web.templates import render

# The report has its styles and pictures inside, and no scripts.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def show_report(survey: Survey, links: dict[str, str]) -> Response:
    """Show the report of a survey, below links to other addresses by their texts."""
    navigation = render("survey_links.html", links=links)
    page = render_report(survey).replace("<body>", f"<body>\n{navigation}", 1)
    return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})


def download_csv(survey: Survey) -> Response:
    """Answer with all answers as a .csv file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.csv"
        export_csv(survey, path)
        table = path.read_bytes()
    name = fold(survey.title)[:60] or "survey"
    disposition = f'attachment; filename="{name}.csv"'
    return Response(
        table, media_type="text/csv", headers={"Content-Disposition": disposition}
    )


def view_statistics(survey: Survey) -> dict[str, Any]:
    """View what the answers to a survey say."""
    statistics = compute_statistics(survey)
    return {
        "raters": statistics.raters,
        "answers": statistics.answers,
        "alpha": _view_number(statistics.alpha),
        "interval_alpha": _view_number(statistics.interval_alpha),
        "paintings": [
            {
                "label": score.item.label,
                "answers": score.answers,
                "counts": score.counts,
                "mean": _view_number(score.mean),
                "interval": _view_interval(score.interval),
            }
            for score in statistics.scores
        ]
        or [
            {
                "label": preference.item.label,
                "answers": preference.answers,
                "wins": preference.wins,
                "strength": _view_number(preference.strength),
                "interval": _view_interval(preference.interval),
            }
            for preference in statistics.preferences
        ],
    }


def _view_number(value: float) -> float | None:
    """View a number; JSON has no NaN."""
    return None if math.isnan(value) else value


def _view_interval(interval: tuple[float, float]) -> list[float] | None:
    return None if math.isnan(interval[0]) else list(interval)
