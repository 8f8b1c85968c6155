"""``artist-nst batch``: paint many jobs, from a file or made by options."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artist_nst._files import PICTURE_SUFFIXES, format_path
from artist_nst.cli.batches import (
    JobSource,
    PaintRequest,
    estimate_batch,
    paint_batch,
)
from artist_nst.cli.console import counting_bar, open_console
from artist_nst.cli.options import (
    PaintOptions,
    PickName,
    RecipeName,
    StyleFiles,
    WorkNames,
    panel_option,
    with_options,
)
from artist_nst.cli.regions import REGIONS, Protect, Regions
from artist_nst.corpus.works import (
    CORPORA_VARIABLE,
    check_corpora_folder,
    choose_corpora_folder,
)
from artist_nst.errors import UsageError
from artist_nst.recipes.settings import SETTING_AXES
from artist_nst.recipes.toml_file import find_recipe

if TYPE_CHECKING:
    from artist_nst.batch.checking import Defaults
    from artist_nst.batch.jobs import JobList
    from artist_nst.batch.matrix import Variation

# More paintings take a night on most machines, and need --yes.
MAX_UNCONFIRMED = 1000


@with_options(PaintOptions, "out", "print_rate", "film", "explain")
def batch(
    out: Annotated[
        # Not a Path, which would take one slash out of a URL.
        str,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Output folder, or its URL, such as s3://bucket/painted; paintings "
            "that it already contains are skipped.",
        ),
    ],
    jobs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="JOBS",
            help="Job file: .csv with the columns photo, artist, work, pick, style, "
            "mask, protect, regions, recipe, seed, out, long-side, and options of a "
            "recipe by their names; .jsonl with an object a line; or .toml with a "
            "table job for each.",
            show_default=False,
        ),
    ] = None,
    photos: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PHOTOS",
            help="Photo, folder of photos, or pattern in quotes, in place of a job "
            "file; or the URL of one; repeatable.",
        ),
    ] = None,
    artists: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Artists, separated by commas; every photo is painted after each.",
        ),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTION=VALUES",
            help="Paint with each of these values, separated by commas: ratio=1,5,20; "
            "repeatable, for every combination.",
        ),
    ] = None,
    work: WorkNames = None,
    pick: PickName = None,
    style: StyleFiles = None,
    mask: Annotated[
        list[str] | None,
        panel_option(
            REGIONS,
            "--mask",
            metavar="MASK=STYLE",
            help="Paint what is white in the picture MASK after STYLE, or keep it, as "
            "`artist-nst paint` does; {stem} stands for the photo's name without "
            "suffix. Repeatable.",
        ),
    ] = None,
    protect: Protect = None,
    regions: Regions = None,
    recipe: RecipeName = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check the jobs, and estimate time, space and memory."
        ),
    ] = False,
    skip_bad: Annotated[
        bool,
        typer.Option("--skip-bad", help="Leave out jobs that cannot be painted."),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help=f"Allow more than {MAX_UNCONFIRMED:,} paintings."
        ),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Try jobs again that failed before."),
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Paint on a Ray cluster: its address, auto for the one that this "
            "machine belongs to, or local for a new one here.",
            show_default=False,
        ),
    ] = None,
    gpus_per_worker: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            min=0,
            help="GPUs of each worker of a Ray cluster, or a fraction of one; 0 paints "
            "on CPUs (default: 1 if the cluster has GPUs).",
            show_default=False,
        ),
    ] = None,
    *,
    options: PaintOptions,
) -> None:
    """Paint many photos, each with its own style and settings.

    All jobs are checked before the first is painted. Run again, it continues.

    Examples:
        artist-nst batch jobs.csv -o painted --dry-run
        artist-nst batch --photos 'photos/*.jpg' --artists monet,hokusai -o painted
        artist-nst batch --photos photos --artists monet --vary ratio=1,5 -o painted
        artist-nst batch --photos in -o out --style a.jpg --mask '{stem}.png=keep'
    """
    from artist_nst.batch.checking import check_jobs
    from artist_nst.batch.inputs import fetch_inputs
    from artist_nst.batch.matrix import parse_variation
    from artist_nst.batch.pictures import PictureIndex
    from artist_nst.batch.urls import choose_path

    variations = [parse_variation(text) for text in vary or ()]
    _check_variations(variations, options, recipe)
    if gpus_per_worker is not None and ray is None:
        raise UsageError("--gpus-per-worker is for a Ray cluster: add --ray ADDRESS")
    folder = choose_path(out)
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise UsageError(f"-o {out}: a batch needs a folder, not a file")
    console = open_console(options.quiet, options.verbose)
    styles = {
        "artists": _split_names(artists) if artists else [],
        "work": work or [],
        "pick": pick,
        "style": style or [],
        "mask": mask or [],
        "protect": protect,
        "regions": regions,
    }
    listed = _list_jobs(jobs or [], photos or [], styles, variations)
    corpora = _choose_corpora(options.corpora)
    check_corpora_folder(corpora)
    defaults = _make_defaults(listed, recipe, options)
    with counting_bar(console) as show:
        failures = fetch_inputs(
            listed.jobs,
            corpora,
            lambda done, total: show("fetching pictures", done, total, ""),
        )
        pictures = PictureIndex(folder, options.compute.max_pixels, failures)
        checked, problems = check_jobs(
            listed.jobs,
            folder,
            corpora,
            pictures,
            defaults,
            lambda done, total: show("checking jobs", done, total, ""),
        )
    pictures.save()
    source = JobSource(jobs[0] if jobs else "", skip_bad)
    source.report([*listed.problems, *problems], len(checked))
    if dry_run:
        estimate_batch(checked, folder, source, options.compute, console)
    else:
        request = PaintRequest(
            limit=None if yes else MAX_UNCONFIRMED,
            retry_failed=retry_failed,
            corpora=corpora if options.corpora else None,
            keep_paths=not options.no_paths,
            ray=ray,
            gpus_per_worker=gpus_per_worker,
        )
        paint_batch(checked, folder, source, options.compute, console, request)


def _list_jobs(
    jobs: Sequence[str],
    photos: Sequence[str],
    styles: Mapping[str, Any],
    variations: Sequence[Variation],
) -> JobList:
    """Read the job file, or make the jobs of the options.

    Args:
        jobs: What was typed without an option.
        photos: Photos, folders and patterns.
        styles: What to paint after, as :func:`make_jobs` takes it.
        variations: What varies.

    Raises:
        UsageError: Neither is given, or both.
    """
    from artist_nst.batch.job_file import read_jobs
    from artist_nst.batch.matrix import make_jobs

    if len(jobs) > 1 or any(name.lower().endswith(PICTURE_SUFFIXES) for name in jobs):
        raise UsageError(
            f"{format_path(jobs[-1])}: name one job file, or photos with --photos, a "
            "pattern in quotes: --photos '*.jpg'"
        )
    options = {"photos": photos, "vary": variations, **styles}
    given = [f"--{name}" for name, value in options.items() if value]
    if jobs and given:
        raise UsageError(
            f"{given[0]} makes jobs, and {format_path(jobs[0])} lists them: leave one "
            "out"
        )
    if jobs:
        return read_jobs(jobs[0])
    if not photos:
        raise UsageError("no jobs: name a job file, or photos with --photos")
    return make_jobs(
        photos,
        artists=styles["artists"],
        works=styles["work"],
        pick=styles["pick"],
        images=styles["style"],
        masks=styles["mask"],
        protect=styles["protect"],
        regions=styles["regions"],
        variations=variations,
    )


def _choose_corpora(given: str | None) -> Path:
    """Choose the folder of corpora, which may be behind a URL."""
    from artist_nst.batch.urls import choose_path, is_url

    named = os.environ.get(CORPORA_VARIABLE, "") if given is None else given
    return choose_path(named) if is_url(named) else choose_corpora_folder(given)


def _make_defaults(
    listed: JobList, recipe: str | None, options: PaintOptions
) -> Defaults:
    """Make what the options set for jobs that do not say otherwise.

    Raises:
        UsageError: They cannot be painted with.
    """
    from artist_nst.batch.checking import Defaults

    name = recipe or "default"
    varied = {column for job in listed.jobs for column, _ in job.changes}
    adjust = partial(options.change_recipe, color_varies="color" in varied)
    adjust(find_recipe(name))
    return Defaults(
        recipe=name, adjust=adjust, long_side=options.long_side, seed=options.seed or 0
    )


def _check_variations(
    variations: Sequence[Variation], options: PaintOptions, recipe: str | None
) -> None:
    """Raise UsageError if an option sets what varies."""
    given = {
        "recipe": recipe,
        "seed": options.seed,
        "long-side": options.find_option("width"),
    }
    for name, _ in variations:
        if name in SETTING_AXES:
            option = options.find_option(SETTING_AXES[name])
        else:
            option = f"--{name}" if given.get(name) is not None else None
        if option is not None:
            raise UsageError(f"{option}: leave it out, {name} is varied")


def _split_names(names: str) -> list[str]:
    split = [name.strip() for name in names.split(",")]
    if not all(split):
        raise UsageError(f"--artists {names!r}: separate names by single commas")
    return [*dict.fromkeys(split)]
