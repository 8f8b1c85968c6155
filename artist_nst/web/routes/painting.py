"""API: photos, masks, settings, paintings and comparisons to make, and events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from importlib.util import find_spec
from typing import Any

from fastapi import APIRouter, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse

from artist_nst.errors import ArtistNstError
from artist_nst.recipes.published import RECIPES
from artist_nst.recipes.recipe import make_draft
from artist_nst.styles.pick import DEFAULT_MIX_SIZE
from artist_nst.web.dependencies import StudioOf
from artist_nst.web.masks import MASK_SIDE, draw_mask
from artist_nst.web.models import (
    MAX_REGIONS,
    ComparisonRequest,
    PaintingRequest,
    StopRequest,
)
from artist_nst.web.photos import MAX_BYTES, MAX_PIXELS, Photo, PhotoStore
from artist_nst.web.requests import PICKS
from artist_nst.web.settings import list_axes, list_recipes, list_settings
from artist_nst.web.studio import Studio
from artist_nst.web.views import view_fetch, view_job, view_mask, view_photo

router = APIRouter(prefix="/api")

EVENT_SECONDS = 0.25  # between two events, at least
SILENT_SECONDS = 15.0  # after which a comment shows that the server is still there

PICK_HELP = {
    "random": "one work at random",
    "typical": "the most typical work",
    "nearest": "the work most like the photo",
    "mix": f"{DEFAULT_MIX_SIZE} related works, blended",
    "whole": "many works: each place after the one that suits it",
}


@router.get("/settings", tags=["paintings"])
def get_settings(recipe: str = "default", draft: bool = False) -> dict[str, Any]:
    """List recipes, settings with a recipe's values, ways to pick, and limits."""
    values = RECIPES[recipe]
    return {
        "recipes": list_recipes(),
        "settings": list_settings(make_draft(values) if draft else values),
        "picks": [{"name": name, "help": PICK_HELP[name]} for name in PICKS],
        "axes": list_axes(),
        "limits": {"bytes": MAX_BYTES, "pixels": MAX_PIXELS, "regions": MAX_REGIONS},
        "finds_faces": find_spec("dlib") is not None,
    }


@router.post("/photos", status_code=201, tags=["photos"])
def add_photo(studio: StudioOf, file: UploadFile) -> dict[str, Any]:
    """Upload a photo or a style image, as a form's field ``file``."""
    return view_photo(_add(studio, studio.photos, file))


@router.post("/masks", status_code=201, tags=["photos"])
def add_mask(studio: StudioOf, file: UploadFile) -> dict[str, Any]:
    """Upload a mask, as a form's field ``file``: white, or opaque, where a part is."""
    mask = _add(studio, studio.masks, file)
    try:
        with studio.masks.turn:
            draw_mask(studio.masks.find(mask.id), mask)
    except ArtistNstError:  # it covers nothing
        studio.masks.remove(mask.id)
        raise
    return view_mask(mask)


def _add(studio: Studio, store: PhotoStore, file: UploadFile) -> Photo:
    studio.folder.check_space()
    with store.turn:
        content = file.file.read(MAX_BYTES + 1)
        return store.add(file.filename or "", content)


@router.get("/photos", tags=["photos"])
def list_photos(studio: StudioOf) -> list[dict[str, Any]]:
    """List the pictures that were uploaded last."""
    return [view_photo(photo) for photo in studio.photos.list_recent()]


@router.get("/photos/{photo_id}/thumbnail", tags=["photos"])
def get_photo(studio: StudioOf, photo_id: str, large: bool = False) -> FileResponse:
    """Show an uploaded picture as a JPEG of 320 pixels, or 1280."""
    path = studio.photos.find(photo_id)
    return FileResponse(studio.thumbnails.get(path, 1280 if large else 320))


@router.get("/masks/{mask_id}/thumbnail", tags=["photos"])
def get_mask(studio: StudioOf, mask_id: str, large: bool = False) -> Response:
    """Show a mask in gray as a PNG of 320 pixels, or 1280 (fewer if it has fewer)."""
    path, mask = studio.masks.find(mask_id), studio.masks.describe(mask_id)
    with studio.masks.turn:
        image = draw_mask(path, mask, MASK_SIDE if large else 320)
    return Response(image, media_type="image/png")


@router.post("/paintings", status_code=202, tags=["paintings"])
def add_painting(studio: StudioOf, request: PaintingRequest) -> dict[str, Any]:
    """Queue a painting."""
    return _submit(studio, request)


@router.post("/comparisons", status_code=202, tags=["paintings"])
def add_comparison(studio: StudioOf, request: ComparisonRequest) -> dict[str, Any]:
    """Queue a comparison."""
    return _submit(studio, request)


def _submit(
    studio: Studio, request: PaintingRequest | ComparisonRequest
) -> dict[str, Any]:
    studio.folder.check_space()
    job = studio.checker.make_job(request)
    studio.queue.submit(job)
    return view_job(job, studio)


@router.post("/paintings/{job_id}/stop", tags=["paintings"])
def stop_painting(
    studio: StudioOf, job_id: str, request: StopRequest
) -> dict[str, Any]:
    """Stop a painting, and keep or drop what there is."""
    studio.queue.stop(job_id, keep=request.keep)
    return view_job(studio.queue.get(job_id), studio)


@router.get("/paintings/{job_id}/preview", tags=["paintings"])
def get_preview(studio: StudioOf, job_id: str) -> Response:
    """Show a painting that is being made, as a JPEG."""
    preview = studio.queue.get(job_id).preview
    if preview is None:
        raise KeyError(job_id)
    return Response(preview, media_type="image/jpeg")


@router.get("/events", tags=["events"])
async def stream_events(studio: StudioOf) -> StreamingResponse:
    """Stream the state of all jobs as server-sent events, whenever it changes."""
    return StreamingResponse(
        _stream(studio),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(studio: Studio) -> AsyncIterator[str]:
    seen = -1
    while not studio.is_closing:
        version = await studio.signal.wait(seen, SILENT_SECONDS)
        if version == seen:
            yield ": still here\n\n"
            continue
        seen = version
        yield f"data: {json.dumps(view_state(studio))}\n\n"
        await asyncio.sleep(EVENT_SECONDS)


@router.get("/state", tags=["events"])
def get_state(studio: StudioOf) -> dict[str, Any]:
    """Show the state of all jobs, as an event has it."""
    return view_state(studio)


def view_state(studio: Studio) -> dict[str, Any]:
    """View all jobs: those that are done last, and those that are to be done."""
    jobs = studio.queue.list_jobs()
    finished = [job for job in jobs if not job.is_active][-12:]
    shown = finished + [job for job in jobs if job.is_active]
    fetches = list(studio.fetcher.jobs.values())[-12:]
    return {
        "device": studio.queue.device,
        "jobs": [view_job(job, studio) for job in shown],
        "fetches": list(map(view_fetch, fetches)),
    }
