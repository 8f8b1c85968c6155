"""``artist-nst survey``: ask people what they think of paintings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artist_nst.cli.console import counting_bar, open_console, print_note
from artist_nst.cli.help import Command, Group, shorten_values
from artist_nst.cli.options import Corpora, Quiet, Verbose
from artist_nst.cli.output import print_result, write_stdout
from artist_nst.cli.serving import (
    Host,
    NoBrowser,
    Port,
    announce,
    check_installed,
    choose_token,
    token_option,
)
from artist_nst.cli.tables import print_table
from artist_nst.errors import format_count
from artist_nst.surveys.survey import QUESTIONS, SCALE, Kind

if TYPE_CHECKING:
    from artist_nst.surveys.opinion import OpinionScore
    from artist_nst.surveys.preference import Preference
    from artist_nst.surveys.statistics import Statistics

RATING_HEADS = ("painting", "mean", "95 % interval", "answers", *SCALE.values())
PAIR_HEADS = ("painting", "strength", "95 % interval", "win rate", "won", "answers")

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="Ask people what they think of paintings, and evaluate the answers.",
)


def create(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="Folder of paintings, of a comparison, or of any pictures.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="FILE", help="New file of the survey."),
    ] = Path("survey.db"),
    kind: Annotated[
        Kind,
        typer.Option(
            help="rating: how good each painting is, from 1 (bad) to 5 (excellent); "
            "pairs: which one of two."
        ),
    ] = "rating",
    question: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help=f"Question to the raters (default: {QUESTIONS['rating']!r}, or "
            f"{QUESTIONS['pairs']!r}).",
        ),
    ] = None,
    title: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Title of the survey (default: the folder's name)."
        ),
    ] = None,
    show_photo: Annotated[
        bool,
        typer.Option(
            "--show-photo", help="Show the photo that a painting was made from, too."
        ),
    ] = False,
    show_works: Annotated[
        bool,
        typer.Option(
            "--show-works",
            help="Show the work that a painting is after, too; of several, the main "
            "one.",
        ),
    ] = False,
    corpora: Corpora = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Create a survey about the paintings in a folder.

    The file keeps copies of the pictures, at most 1200 pixels wide or high, so that it
    can be moved to another machine. It will hold the answers, too.

    Examples:
        artist-nst survey create compare-photo-ratio -o ratio.db
        artist-nst survey create painted -o pairs.db --kind pairs --show-photo
    """
    from artist_nst.surveys.creation import create_survey

    console = open_console(quiet, verbose)
    with counting_bar(console) as show:
        survey = create_survey(
            out,
            folder,
            kind=kind,
            question=question,
            title=title,
            show_photo=show_photo,
            show_works=show_works,
            corpora=corpora,
            on_progress=lambda done, total: show("reading", done, total, ""),
        )
    print_result(out)
    count = format_count(len(survey.items), "painting")
    print_note(console, f"{count}: {survey.question}")


def results(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="File of the survey.", show_default=False),
    ],
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the results as one .html page."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write all answers to a .csv file."),
    ] = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Evaluate the answers to a survey so far.

    Of ratings, the table shows means with Student's 95 % intervals, and how often each
    value was given; of pairs, Bradley-Terry strengths with 95 % intervals, where 0 is
    an average painting. Agreement is Krippendorff's alpha: 1 if all raters agree, 0 by
    chance.

    Examples:
        artist-nst survey results ratio.db
        artist-nst survey results ratio.db --report ratio.html --csv ratio.csv
    """
    from artist_nst._files import check_writable
    from artist_nst.surveys.export import export_csv
    from artist_nst.surveys.report import write_report
    from artist_nst.surveys.statistics import compute_statistics
    from artist_nst.surveys.store import open_survey

    open_console(quiet, verbose)
    survey = open_survey(file)
    if csv is not None:
        check_writable(csv, (".csv",))
    if report is not None:
        write_report(survey, report)
    if csv is not None:
        export_csv(survey, csv)
    statistics = compute_statistics(survey)
    if survey.kind == "rating":
        rows = map(_make_rating_row, statistics.scores)
        print_table(
            RATING_HEADS,
            rows,
            right=RATING_HEADS[1:],
            dropped=tuple(SCALE.values()),
        )
    else:
        rows = map(_make_pair_row, statistics.preferences)
        print_table(PAIR_HEADS, rows, right=PAIR_HEADS[1:], dropped=("won",))
    write_stdout(f"\n{_summarize(statistics)}\n")


def serve(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="File of the survey.", show_default=False),
    ],
    host: Host = "127.0.0.1",
    port: Port = 8430,
    token: Annotated[
        str | None, token_option("Secret for the results; raters need none")
    ] = None,
    no_browser: NoBrowser = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Serve a survey to raters, such as on a tablet at an exhibition.

    Raters are at /, the results so far at /results. Answers are kept in the file at
    once; after a restart, raters go on where they were.

    Examples:
        artist-nst survey serve ratio.db
        artist-nst survey serve ratio.db --host 0.0.0.0 --token new
    """
    check_installed()
    from artist_nst.web.server import open_socket
    from artist_nst.web.server import serve as serve_app
    from artist_nst.web.survey_app import create_survey_app

    console = open_console(quiet, verbose)
    token = choose_token(token, host)
    app = create_survey_app(file, host, token)
    bound = open_socket(host, port)
    end = f"answers are in {file}, results at /results; Ctrl-C ends it"
    serve_app(
        app,
        bound,
        lambda address: announce(console, address, host, token, end),
        open_browser=not no_browser,
    )


for function in (create, results, serve):
    app.command(cls=Command)(shorten_values(function))


def _make_rating_row(score: OpinionScore) -> dict[str, str]:
    from artist_nst.surveys.report import format_interval, format_value

    counts = zip(SCALE.values(), map(str, score.counts), strict=True)
    return {
        "painting": score.item.label,
        "mean": format_value(score.mean),
        "95 % interval": format_interval(score.interval),
        "answers": str(score.answers),
        **dict(counts),
    }


def _make_pair_row(preference: Preference) -> dict[str, str]:
    from artist_nst.surveys.report import format_interval, format_value

    rate = f"{preference.win_rate:.0%}" if preference.answers else "–"
    return {
        "painting": preference.item.label,
        "strength": format_value(preference.strength),
        "95 % interval": format_interval(preference.interval),
        "win rate": rate,
        "won": str(preference.wins),
        "answers": str(preference.answers),
    }


def _summarize(statistics: Statistics) -> str:
    from artist_nst.surveys.agreement import describe_alpha
    from artist_nst.surveys.report import format_value

    values = f"Krippendorff's alpha {format_value(statistics.alpha)}"
    if statistics.scores:
        values += f" ordinal, {format_value(statistics.interval_alpha)} interval"
    return (
        f"{format_count(statistics.answers, 'answer')} by "
        f"{format_count(statistics.raters, 'rater')}; agreement ({values}): "
        f"{describe_alpha(statistics.alpha)}"
    )
