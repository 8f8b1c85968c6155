"""What the API takes: validated once, here and in requests.py."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from artist_nst.painting.mask_names import MAX_STRENGTH
from artist_nst.surveys.creation import MAX_ITEMS
from artist_nst.surveys.survey import Kind

MAX_REGIONS = 8

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Value = Annotated[str, Field(max_length=400)]


class Model(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Style(Model):
    """Works of an artist, or style images.

    Give ``artist`` (a slug from `GET /api/artists`), alone, with ``works`` (keys from
    `GET /api/artists/{slug}/works`) or with a ``pick``; or give ``images``, ids from
    `POST /api/photos`.
    """

    artist: Name | None = None
    works: list[Key] = Field(default_factory=list, max_length=16)
    pick: Name | None = Field(
        default=None, description="random, typical, nearest, mix or whole"
    )
    images: list[Key] = Field(default_factory=list, max_length=8)


class Region(Model):
    """A part of the photo, and what is painted there."""

    mask: Key | None = Field(
        default=None,
        description="White where the part is: an id from `POST /api/masks`. Null for "
        "what no other mask covers.",
    )
    style: Style | None = Field(default=None, description="Null keeps the photo.")
    strength: float = Field(
        default=1,
        ge=0,
        le=MAX_STRENGTH,
        allow_inf_nan=False,
        description="Of the style, relative to the settings'.",
    )
    style_mask: Key | None = Field(
        default=None,
        description="White where the single style image counts: like `mask`.",
    )


class _Request(Model):
    """What all paintings have."""

    photo: Key = Field(description="Id of a photo, from `POST /api/photos`.")
    recipe: Name = "default"
    draft: bool = Field(default=False, description="Several times faster, less fine.")
    long_side: int = Field(default=512, ge=16, le=8192, description="In pixels.")
    settings: dict[Name, Value] = Field(
        default_factory=dict,
        max_length=40,
        description="Values by option, as in `artist-nst paint --help`.",
    )
    seed: int | None = Field(default=None, ge=0, lt=2**53)


class PaintingRequest(_Request):
    """A painting to make."""

    style: Style | None = Field(
        default=None,
        description="What to paint after: `artist`, with `works` or a `pick`; or "
        "`images`. With `regions`, of what no mask covers; null keeps the photo there.",
    )
    regions: list[Region] = Field(
        default_factory=list,
        max_length=MAX_REGIONS,
        description="Parts of the photo with styles of their own. Of each: `mask`, an "
        "id from `POST /api/masks`, white where the part is, or null for what no other "
        "mask covers; `style`, or null to keep the photo; `strength`, relative to the "
        "settings'; `style_mask`, of the part of a single style image that counts.",
    )
    protect_faces: bool = Field(
        default=False, description="Keep the features of the photo's faces."
    )
    segmented: bool = Field(
        default=False,
        description="Find the regions: each part of the photo is after what shows the "
        "same in the works. Without `regions`.",
    )


class Axis(Model):
    """A setting and its values."""

    name: Name
    values: Annotated[str, Field(min_length=1, max_length=400)] = Field(
        description="Separated by commas."
    )


class ComparisonRequest(_Request):
    """Paintings that differ in one or two settings."""

    style: Style = Field(description="What to paint after, as for a painting.")
    across: Axis
    down: Axis | None = None


class FetchRequest(Model):
    """An artist to fetch from WikiArt."""

    name: Name
    limit: int | None = Field(default=None, ge=1, le=100_000)
    dry_run: bool = Field(default=False, description="Only count and estimate.")


class FolderRequest(Model):
    """A folder on this machine whose pictures are to be an artist's."""

    folder: Annotated[str, Field(min_length=1, max_length=1000)]
    artist: Name | None = None


class SurveyRequest(Model):
    """A survey to create, about paintings or a comparison."""

    kind: Kind = "rating"
    title: Annotated[str, Field(max_length=200)] = ""
    question: Annotated[str, Field(max_length=300)] = Field(
        default="", description="In place of the kind's own."
    )
    paintings: list[Key] = Field(
        default_factory=list,
        max_length=MAX_ITEMS,
        description="Ids from `GET /api/paintings`.",
    )
    comparison: Name | None = Field(
        default=None, description="Id from `GET /api/comparisons`."
    )
    show_photo: bool = Field(default=False, description="Show the photo, too.")
    show_works: bool = Field(default=False, description="Show the main work, too.")


class AnswerRequest(Model):
    """An answer to a task of a survey."""

    task: Name
    value: StrictInt | Value
    seconds: float | None = Field(default=None, ge=0, le=86_400)


class StopRequest(Model):
    """How to stop a painting."""

    keep: bool = Field(default=True, description="Keep the best painting so far.")
