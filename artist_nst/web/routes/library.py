"""API: finished paintings and comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from artist_nst.image.encoder import encode
from artist_nst.image.files import read_picture
from artist_nst.painting.output_names import SHEET
from artist_nst.painting.record_types import Record
from artist_nst.web.command_line import format_command
from artist_nst.web.dependencies import StudioOf
from artist_nst.web.folder import hide_folders
from artist_nst.web.paintings import FinishedPainting
from artist_nst.web.reuse import describe_request
from artist_nst.web.studio import Studio
from artist_nst.web.views import view_job, view_painting

router = APIRouter(prefix="/api")


@router.get("/paintings", tags=["gallery"])
def list_paintings(
    studio: StudioOf, artist: str = "", offset: int = 0, limit: int = 60
) -> dict[str, Any]:
    """List the finished paintings, the newest first."""
    paintings = studio.paintings.list_paintings()
    artists = sorted({name for painting in paintings for name in painting.artists})
    if artist:
        paintings = [painting for painting in paintings if artist in painting.artists]
    shown = paintings[max(0, offset) :][: max(1, min(limit, 200))]
    return {
        "count": len(paintings),
        "artists": artists,
        "paintings": list(map(view_painting, shown)),
    }


@router.get("/paintings/{painting_id}", tags=["paintings"])
def get_painting(studio: StudioOf, painting_id: str) -> dict[str, Any]:
    """Show a painting that is waiting, being made, or finished."""
    try:
        return view_job(studio.queue.get(painting_id), studio)
    except KeyError:
        return view_whole(studio, studio.paintings.find(painting_id))


def view_whole(studio: Studio, painting: FinishedPainting) -> dict[str, Any]:
    """View a painting with its record, in words and whole."""
    # Late: it needs torch.
    from artist_nst.painting.description import describe_record
    from artist_nst.recipes.recipe import from_dict

    record = _hide_places(painting.record)
    base = f"/api/paintings/{painting.id}"
    works = studio.paintings.find_works(painting)
    photo = studio.paintings.find_photo(painting)
    return view_painting(painting) | {
        "record": record,
        "description": describe_record(record, from_dict(record["recipe"]).to_dict()),
        "command": format_command(record),
        "repaint": f"artist-nst repaint {painting.path.name}",
        "photo_image": f"{base}/photo" if photo else None,
        "work_images": [f"{base}/works/{index}" for index in range(len(works))],
        "explanation": f"{base}/explanation" if painting.explanation else None,
        "comparison": painting.comparison,
    }


def _hide_places(record: Record) -> Record:
    """Return a record that does not say where on this machine its pictures are."""

    def hide(picture: Any) -> Any:
        return {**picture, "path": picture["path"] and hide_folders(picture["path"])}

    places: dict[str, Any] = {
        "corpora": None,
        "content": hide(record["content"]),
        "styles": list(map(hide, record["styles"])),
    }
    if "regions" in record:
        places["regions"] = [
            {
                **region,
                "mask": region["mask"] and hide(region["mask"]),
                "style_mask": region["style_mask"] and hide(region["style_mask"]),
            }
            for region in record["regions"]
        ]
    return cast(Record, {**record, **places})


@router.post("/paintings/{painting_id}/reuse", tags=["gallery"])
def reuse_painting(studio: StudioOf, painting_id: str) -> dict[str, Any]:
    """Show the request that would make a painting again."""
    return describe_request(studio, studio.paintings.find(painting_id))


@router.get("/paintings/{painting_id}/thumbnail", tags=["gallery"])
def get_thumbnail(studio: StudioOf, painting_id: str) -> FileResponse:
    """Show a painting as a JPEG of 320 pixels."""
    path = studio.paintings.find(painting_id).path
    return FileResponse(studio.thumbnails.get(path, 320))


@router.get("/paintings/{painting_id}/image.png", tags=["gallery"])
def get_png(studio: StudioOf, painting_id: str, download: bool = False) -> FileResponse:
    """Show the file itself, with its record."""
    path = studio.paintings.find(painting_id).path
    return FileResponse(path, filename=path.name if download else None)


@router.get("/paintings/{painting_id}/image.jpg", tags=["gallery"])
def get_jpeg(studio: StudioOf, painting_id: str) -> Response:
    """Download a painting as a JPEG, without its record."""
    path = studio.paintings.find(painting_id).path
    pixels = read_picture(path).pixels
    name = quote(path.with_suffix(".jpg").name)
    return Response(
        bytes(encode(pixels, ".jpg", path.name)),
        media_type="image/jpeg",
        headers={"Content-Disposition": f"attachment; filename*=utf-8''{name}"},
    )


@router.get("/paintings/{painting_id}/photo", tags=["gallery"])
def get_photo(studio: StudioOf, painting_id: str) -> FileResponse:
    """Show the photo of a painting."""
    painting = studio.paintings.find(painting_id)
    return _show(studio, studio.paintings.find_photo(painting))


@router.get("/paintings/{painting_id}/works/{index}", tags=["gallery"])
def get_work(studio: StudioOf, painting_id: str, index: int) -> FileResponse:
    """Show one of the pictures that a painting is after."""
    works = studio.paintings.find_works(studio.paintings.find(painting_id))
    return _show(studio, works[index] if 0 <= index < len(works) else None)


@router.get("/paintings/{painting_id}/explanation", tags=["gallery"])
def get_explanation(studio: StudioOf, painting_id: str) -> FileResponse:
    """Show the page that explains a painting: which place is after which work."""
    page = studio.paintings.find(painting_id).explanation
    if page is None:
        raise KeyError(painting_id)
    return FileResponse(page)


@router.get("/comparisons", tags=["gallery"])
def list_comparisons(studio: StudioOf) -> list[dict[str, Any]]:
    """List the finished comparisons, the newest first."""
    return [
        {
            "id": comparison,
            "page": f"/comparisons/{comparison}",
            "sheet": f"/api/comparisons/{comparison}/sheet",
            "thumbnail": f"/api/comparisons/{comparison}/thumbnail",
        }
        for comparison in studio.paintings.list_comparisons()
    ]


@router.get("/comparisons/{comparison}/sheet", tags=["gallery"])
def get_sheet(studio: StudioOf, comparison: str) -> FileResponse:
    """Show the sheet of a comparison."""
    return FileResponse(studio.paintings.find_comparison(comparison) / SHEET)


@router.get("/comparisons/{comparison}/thumbnail", tags=["gallery"])
def get_sheet_thumbnail(studio: StudioOf, comparison: str) -> FileResponse:
    """Show the sheet of a comparison in small."""
    sheet = studio.paintings.find_comparison(comparison) / SHEET
    return FileResponse(studio.thumbnails.get(sheet, 320))


@router.get("/comparisons/{comparison}", tags=["gallery"])
def get_comparison(studio: StudioOf, comparison: str) -> dict[str, Any]:
    """Show a comparison: its sheet, and its paintings."""
    paintings = studio.paintings.list_paintings(comparison)
    return {
        "id": comparison,
        "sheet": f"/api/comparisons/{comparison}/sheet",
        "paintings": [
            view_painting(painting) | {"label": painting.path.stem}
            for painting in paintings
        ],
    }


def _show(studio: Studio, path: Path | None) -> FileResponse:
    if path is None:
        raise KeyError(path)
    return FileResponse(studio.thumbnails.get(path, 1280))
