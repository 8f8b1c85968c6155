"""Check jobs before any is painted: pictures, artists, settings, sizes and names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from artist_nst.batch.jobs import Job, Problem
from artist_nst.batch.outputs import check_outputs
from artist_nst.batch.pictures import PictureIndex
from artist_nst.batch.regions import NO_REGIONS, RegionFinder, Regions
from artist_nst.batch.styles import Style, StyleError, StyleFinder
from artist_nst.errors import ArtistNstError, UsageError
from artist_nst.image.header import PictureHeader
from artist_nst.recipes.layers import check_recipe_layers, minimum_image_side
from artist_nst.recipes.recipe import Recipe
from artist_nst.recipes.settings import change_setting, scale_width
from artist_nst.recipes.toml_file import find_recipe

PROGRESS_STEP = 100  # jobs


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """A job that can be painted, with what its names mean.

    Attributes:
        line: As the job's.
        photo: The photo.
        picture: The photo's hash and size.
        style: What it is painted after.
        recipe: With the job's changes; its width is the painting's.
        long_side: As given, for the record.
        seed: Of the pick and the noise.
        out: The output, relative to the folder.
        width: Of the painting in pixels.
        height: Likewise.
        regions: Parts of the photo that are treated differently.
    """

    line: int
    photo: Path
    picture: PictureHeader
    style: Style
    recipe: Recipe
    long_side: int | None
    seed: int
    out: str
    width: int
    height: int
    regions: Regions = NO_REGIONS

    @property
    def styles(self) -> list[Style]:
        """What it is painted after, with what its parts are."""
        return [self.style, *self.regions.styles]

    @property
    def files(self) -> list[Path]:
        """The photo, style images that are known, and masks."""
        images = (source.path for style in self.styles for source in style.sources)
        return [self.photo, *images, *self.regions.files]

    def place(self, place: Callable[[Path], Path]) -> CheckedJob:
        """Return the job with its pictures in other places."""
        return replace(
            self,
            photo=place(self.photo),
            style=self.style.place(place),
            regions=self.regions.place(place),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for jobs that do not say otherwise.

    Attributes:
        recipe: A recipe's name or file.
        adjust: Changes each job's recipe before the job's own changes.
        long_side: Of the paintings in pixels, in place of the recipe's width.
        seed: Of the pick and the noise.
    """

    recipe: str = "default"
    adjust: Callable[[Recipe], Recipe] = lambda recipe: recipe
    long_side: int | None = None
    seed: int = 0


DEFAULTS = Defaults()


def check_jobs(
    jobs: Sequence[Job],
    folder: Path,
    corpora: Path,
    pictures: PictureIndex,
    defaults: Defaults = DEFAULTS,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[list[CheckedJob], list[Problem]]:
    """Check all jobs; each file is opened, and each setting read, once.

    Args:
        jobs: From a job file, or made by options.
        folder: Of the outputs.
        corpora: The folder of corpora.
        pictures: Reads photos, style images and works.
        defaults: For what a job leaves open.
        on_progress: Called with the number of jobs checked, and of all.

    Returns:
        The jobs that can be painted, and the problems of the others, by line.
    """
    checker = _JobChecker(corpora, pictures, defaults)
    checked: list[CheckedJob] = []
    problems: list[Problem] = []
    for number, job in enumerate(jobs, 1):
        result = checker.check(job)
        if isinstance(result, CheckedJob):
            checked.append(result)
        else:
            problems += result
        if number % PROGRESS_STEP == 0:
            on_progress(number, len(jobs))
    wrong_outputs = [*check_outputs(jobs, folder, pictures.paths)]
    lines = {problem.line for problem in wrong_outputs}
    checked = [job for job in checked if job.line not in lines]
    problems = sorted([*problems, *wrong_outputs], key=lambda problem: problem.line)
    return checked, problems


@dataclass(slots=True)
class _JobChecker:
    corpora: Path
    pictures: PictureIndex
    defaults: Defaults
    styles: StyleFinder = field(init=False)
    regions: RegionFinder = field(init=False)
    recipes: dict[object, Recipe | _FieldProblem] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.styles = StyleFinder(self.corpora, self.pictures)
        self.regions = RegionFinder(self.styles, self.pictures)

    def check(self, job: Job) -> CheckedJob | list[Problem]:
        """Return the job as it can be painted, or all that is wrong with it."""
        seed = self.defaults.seed if job.seed is None else job.seed
        picture = self.pictures.read(job.photo)
        style = self.styles.find(job.images, job.artist, job.works, job.pick, seed)
        regions = self.regions.find(job, seed)
        recipe = self._find_recipe(job)
        problems = []
        if isinstance(picture, ArtistNstError):
            problems.append(Problem(job.line, "photo", str(picture)))
        if isinstance(style, StyleError):
            problems.append(Problem(job.line, style.field, str(style)))
        if isinstance(regions, StyleError):
            problems.append(Problem(job.line, regions.field, str(regions)))
        if isinstance(recipe, _FieldProblem):
            problems.append(Problem(job.line, recipe.field, recipe.reason))
        if (
            isinstance(picture, ArtistNstError)
            or isinstance(style, StyleError)
            or isinstance(regions, StyleError)
            or isinstance(recipe, _FieldProblem)
        ):
            return problems
        long_side = self._choose_long_side(job)
        width, height = _fit(recipe, picture, long_side)
        if reason := self._check_size(recipe, width, height):
            return [Problem(job.line, "long-side" if long_side else "width", reason)]
        return CheckedJob(
            job.line,
            job.photo,
            picture,
            style,
            recipe,
            long_side,
            seed,
            job.out,
            width,
            height,
            regions,
        )

    def _choose_long_side(self, job: Job) -> int | None:
        has_width = any(name == "width" for name, _ in job.changes)
        return job.long_side or (None if has_width else self.defaults.long_side)

    def _find_recipe(self, job: Job) -> Recipe | _FieldProblem:
        key = job.recipe, job.changes
        if key not in self.recipes:
            self.recipes[key] = self._make_recipe(job)
        return self.recipes[key]

    def _make_recipe(self, job: Job) -> Recipe | _FieldProblem:
        name = "recipe"
        try:
            base = find_recipe(job.recipe or self.defaults.recipe)
            recipe = self.defaults.adjust(base)
            for name, text in job.changes:
                recipe = change_setting(recipe, name, text)
            name = "recipe" if not job.changes else name
            check_recipe_layers(recipe)
        except UsageError as error:
            return _FieldProblem(name, str(error))
        is_unused = recipe.color == "none"
        if is_unused and any(name == "color-strength" for name, _ in job.changes):
            return _FieldProblem(
                "color-strength", "it has no effect without a color method: name one"
            )
        return recipe

    def _check_size(self, recipe: Recipe, width: int, height: int) -> str | None:
        least, most = minimum_image_side(recipe), self.pictures.max_pixels
        size = f"the painting comes to {width}×{height} pixels"
        if min(width, height) < least:
            return f"{size}, and the recipe's layers need {least} a side: enlarge it"
        if width * height > most:
            return f"{size}, over the limit of {most:,}: choose a smaller one"
        return None


@dataclass(frozen=True, slots=True)
class _FieldProblem:
    field: str
    reason: str


def _fit(
    recipe: Recipe, picture: PictureHeader, long_side: int | None
) -> tuple[int, int]:
    """Return the painting's width and height."""
    width = recipe.width
    if long_side is not None:
        width = scale_width((picture.height, picture.width), long_side)
    return width, max(1, round(picture.height * width / picture.width))
