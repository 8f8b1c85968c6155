"""The results of a survey as one HTML page without scripts or other files."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from html import escape
from importlib import resources

from PIL import Image

from artist_nst._files import check_writable, write_text
from artist_nst._types import PathLike
from artist_nst.surveys.agreement import describe_alpha
from artist_nst.surveys.interval_plot import Row, plot_intervals
from artist_nst.surveys.opinion import OpinionScore
from artist_nst.surveys.statistics import Statistics, compute_statistics
from artist_nst.surveys.store import Survey
from artist_nst.surveys.survey import SCALE, Item

THUMBNAIL_SIDE = 240  # pixels; twice the size on the page, for sharp screens
MAX_PLOTTED = 100  # paintings; a longer plot could not be taken in

RATING_NOTES = (
    "The mean is of all answers from 1, bad, to 5, excellent. If the survey were "
    "repeated with as many other raters, 95 % of such intervals (Student’s t) would "
    "hold the mean of everybody. Paintings whose intervals overlap widely may well be "
    "equal.",
    "Agreement is Krippendorff’s ordinal alpha: 1 if all raters agree, 0 if they agree "
    "no more than by chance. From 0.8 on it counts as high, from 0.667 as moderate. "
    "Tastes differ, so it is often low where people judge beauty; the means still "
    "count.",
)
PAIR_NOTES = (
    "The strength is Bradley and Terry’s: 0 is an average painting, and of two "
    "paintings whose strengths differ by 1, the stronger one is preferred in 73 % of "
    "cases; by 2, in 88 %. Intervals are of 95 %, by the Fisher information, and take "
    "all answers for independent. Each painting was given half a win and half a loss "
    "against an average one, so that one that always wins has a strength, too.",
    "Agreement is Krippendorff’s alpha of the choices: 1 if all raters of a pair "
    "choose the same, 0 if they agree no more than by chance. From 0.8 on it counts as "
    "high, from 0.667 as moderate; it is often low where people judge beauty.",
)


def write_report(survey: Survey, path: PathLike) -> None:
    """Write the results of a survey so far as an .html file.

    Raises:
        UsageError: Its name ends otherwise, or its folder does not exist.
        ArtistNstError: It cannot be written.
    """
    check_writable(path, (".html", ".htm"))
    write_text(path, render_report(survey))


def render_report(survey: Survey) -> str:
    """Render the results of a survey so far as an HTML page."""
    statistics = compute_statistics(survey)
    is_rating = survey.kind == "rating"
    notes = RATING_NOTES if is_rating else PAIR_NOTES
    style = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(survey.title)}: results</title>
<style>
{style}</style>
</head>
<body>
<header>
<p class="kicker">Results of a survey</p>
<h1><bdi>{escape(survey.title)}</bdi></h1>
<p class="question"><bdi>{escape(survey.question)}</bdi></p>
{_render_facts(survey, statistics)}
</header>
<main>
{_render_plot(statistics)}
<h2>The paintings, best first</h2>
{_render_scores(survey, statistics) if is_rating else _render_pairs(survey, statistics)}
</main>
<footer>
{"".join(f"<p>{note}</p>" for note in notes)}
</footer>
</body>
</html>
"""


def _render_facts(survey: Survey, statistics: Statistics) -> str:
    facts = {
        "Raters": f"{statistics.raters:,}",
        "Answers": f"{statistics.answers:,}",
        "Paintings": f"{len(survey.items):,}",
        "Agreement": format_value(statistics.alpha),
    }
    entries = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts.items()
    )
    reading = escape(describe_alpha(statistics.alpha))
    return f'<dl>{entries}</dl>\n<p class="reading">Agreement is {reading}.</p>'


def _render_plot(statistics: Statistics) -> str:
    if not statistics.answers:
        return ""
    if statistics.scores:
        scores = statistics.scores
        rows = [Row(score.item.label, score.mean, score.interval) for score in scores]
        ticks = {float(value): f"{value} {word}" for value, word in SCALE.items()}
        heading, x_label = "Mean with its 95 % interval", ""
    else:
        ranked = statistics.preferences
        rows = [
            Row(entry.item.label, entry.strength, entry.interval) for entry in ranked
        ]
        ticks = {}
        heading = "Strength with its 95 % interval"
        x_label = "0 is an average painting"
    plotted = rows[:MAX_PLOTTED]
    more = f", the first {MAX_PLOTTED}" if len(rows) > MAX_PLOTTED else ""
    return (
        f"<h2>{heading}{more}</h2>\n<figure>"
        f"{plot_intervals(plotted, x_label, ticks)}</figure>"
    )


def _render_scores(survey: Survey, statistics: Statistics) -> str:
    legend = "".join(
        f'<span><i class="v{value}"></i>{value} {word}</span>'
        for value, word in SCALE.items()
    )
    rows = [
        _render_item(survey, rank, score.item)
        + _render_value(score.mean, score.interval)
        + f'<td class="number">{score.answers:,}</td>'
        + f'<td class="distribution">{_render_distribution(score)}</td>'
        for rank, score in enumerate(statistics.scores, 1)
    ]
    heads = (
        '<th class="number">Mean</th><th class="number">Answers</th>'
        '<th class="distribution">Distribution</th>'
    )
    return f'<p class="legend">{legend}</p>\n{_render_table(heads, rows)}'


def _render_pairs(survey: Survey, statistics: Statistics) -> str:
    rows = [
        _render_item(survey, rank, entry.item)
        + _render_value(entry.strength, entry.interval)
        + f'<td class="number">{_format_percent(entry.win_rate)}</td>'
        + f'<td class="number">{entry.wins:,} of {entry.answers:,}</td>'
        for rank, entry in enumerate(statistics.preferences, 1)
    ]
    heads = "".join(
        f'<th class="number">{head}</th>' for head in ("Strength", "Win rate", "Won")
    )
    return _render_table(heads, rows)


def _render_table(heads: str, rows: Sequence[str]) -> str:
    lines = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<table>\n<thead><tr><th colspan="3">Painting</th>{heads}</tr></thead>\n'
        f"<tbody>\n{lines}\n</tbody>\n</table>"
    )


def _render_item(survey: Survey, rank: int, item: Item) -> str:
    caption = f"<br><small><bdi>{escape(item.caption)}</bdi></small>"
    thumbnail = f'<img alt="" src="{_embed_thumbnail(survey, item)}">'
    return (
        f'<td class="rank">{rank}</td><td class="thumbnail">{thumbnail}</td>'
        f"<td><bdi>{escape(item.label)}</bdi>{caption if item.caption else ''}</td>"
    )


def _embed_thumbnail(survey: Survey, item: Item) -> str:
    """Return a small copy of a painting as a data URL."""
    jpeg = survey.get_picture(item.id, "painting")
    assert jpeg is not None
    image = Image.open(io.BytesIO(jpeg))
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _render_value(value: float, interval: tuple[float, float]) -> str:
    return (
        f'<td class="number"><span class="value">{format_value(value)}</span>'
        f"<br><small>{format_interval(interval)}</small></td>"
    )


def _render_distribution(score: OpinionScore) -> str:
    parts = [
        f'<span class="v{value}" style="flex:{count}" title="{count} {word}">'
        f"{count}</span>"
        for (value, word), count in zip(SCALE.items(), score.counts, strict=True)
        if count
    ]
    return f'<div class="bar">{"".join(parts)}</div>'


def format_value(value: float) -> str:
    """Format a mean, a strength or an alpha; a dash if it is undefined."""
    # With a minus as wide as the digits.
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def format_interval(interval: tuple[float, float]) -> str:
    """Format an interval: ``3.92 to 4.41``; "" if it is undefined."""
    return "" if math.isnan(interval[0]) else " to ".join(map(format_value, interval))


def _format_percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.0%}"
