"""What the API answers: plain values made of the studio's objects."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from artist_nst.web.artists import Artist, make_key, replace_surrogates
from artist_nst.web.fetches import FetchJob
from artist_nst.web.jobs import Job
from artist_nst.web.paintings import FinishedPainting
from artist_nst.web.photos import Photo
from artist_nst.web.studio import Studio


def view_photo(photo: Photo) -> dict[str, Any]:
    """View an uploaded picture."""
    return {
        "id": photo.id,
        "name": photo.name,
        "width": photo.width,
        "height": photo.height,
        "thumbnail": f"/api/photos/{photo.id}/thumbnail",
    }


def view_mask(mask: Photo) -> dict[str, Any]:
    """View an uploaded mask."""
    return view_photo(mask) | {"thumbnail": f"/api/masks/{mask.id}/thumbnail"}


def view_job(job: Job, studio: Studio) -> dict[str, Any]:
    """View a job, with its place in the queue and what came of it."""
    task = job.task
    facts: dict[str, Any] = {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "kind": "comparison" if task.axes else "painting",
        "photo": f"/api/photos/{job.photo_id}/thumbnail",
        "iteration": job.iteration,
        "iterations": job.iterations,
        "remaining": job.remaining,
        "note": job.note,
        "losses": job.losses,
        "seed": task.seed,
        "long_side": task.long_side,
        "preview": None,
        "result": None,
    }
    if job.state == "waiting":
        facts["ahead"] = studio.queue.count_ahead(job)
    if job.preview is not None:
        facts["preview"] = f"/api/paintings/{job.id}/preview?n={job.preview_number}"
    if job.result is not None and job.state == "done":
        path = studio.folder.root / job.result
        if task.axes:
            facts["result"] = f"/comparisons/{quote(path.parent.name)}"
        else:
            facts["result"] = f"/paintings/{studio.paintings.make_id(path)}"
    return facts


def view_painting(painting: FinishedPainting) -> dict[str, Any]:
    """View a finished painting, in short."""
    record = painting.record
    width, height = record["size"]
    recipe = record["recipe"]
    return {
        "id": painting.id,
        "name": painting.path.name,
        "page": f"/paintings/{painting.id}",
        "thumbnail": f"/api/paintings/{painting.id}/thumbnail",
        "image": f"/api/paintings/{painting.id}/image.png",
        "artists": painting.artists,
        "photo": painting.photo_name,
        "width": width,
        "height": height,
        "painted": record["painted"],
        "seconds": record["seconds"],
        "recipe": recipe.get("name", ""),
        "seed": record["seed"],
        "is_draft": record["network"]["name"] == "compact",
    }


def view_artist(artist: Artist) -> dict[str, Any]:
    """View an artist, with a few works to look at."""
    base = f"/api/artists/{quote(artist.slug)}/works"
    return {
        "slug": artist.slug,
        "name": artist.name,
        "works": len(artist.works),
        "samples": [f"{base}/{key}/thumbnail" for key in list(artist.works)[:4]],
    }


def view_works(artist: Artist) -> list[dict[str, Any]]:
    """View all works of an artist."""
    base = f"/api/artists/{quote(artist.slug)}/works"
    works = []
    for work in artist.works.values():
        key = make_key(work)
        works.append(
            {
                "key": key,
                "title": replace_surrogates(work.title),
                "year": replace_surrogates(work.year or ""),
                "thumbnail": f"{base}/{key}/thumbnail",
                "width": work.width,
                "height": work.height,
            }
        )
    return works


def view_fetch(job: FetchJob) -> dict[str, Any]:
    """View the fetching of an artist."""
    names = ("id", "name", "limit", "dry_run", "state", "phase", "done", "total")
    facts = {name: getattr(job, name) for name in names}
    return facts | {
        "bytes": job.bytes,
        "note": job.note,
        "artist": job.artist,
        "slug": job.slug,
    }
