"""The pages of the studio. What they show, their scripts get from the API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from artist_nst.web.dependencies import StudioOf
from artist_nst.web.templates import render

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
def show_paint() -> str:
    """Show the page where one paints."""
    return render("paint.html", page="paint")


@router.get("/compare")
def show_compare() -> str:
    """Show the page where one compares settings."""
    return render("compare.html", page="compare")


@router.get("/gallery")
def show_gallery() -> str:
    """Show the finished paintings."""
    return render("gallery.html", page="gallery")


@router.get("/artists")
def show_artists(studio: StudioOf) -> str:
    """Show the artists, and how to get more."""
    return render("artists.html", page="artists", is_local=studio.is_local)


@router.get("/paintings/{painting_id}")
def show_painting(studio: StudioOf, painting_id: str) -> str:
    """Show one painting."""
    painting = studio.paintings.find(painting_id)
    return render("painting.html", page="gallery", id=painting.id)


@router.get("/comparisons/{comparison}")
def show_comparison(studio: StudioOf, comparison: str) -> str:
    """Show one comparison."""
    studio.paintings.find_comparison(comparison)
    return render("comparison.html", page="compare", id=comparison)


@router.get("/api")
def show_api(request: Request) -> str:
    """Show what the API takes and answers."""
    return render("api.html", page="", groups=_group_routes(request.app.openapi()))


def _group_routes(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Group the API's routes by their tags, for the page that documents them."""
    groups: dict[str, list[dict[str, Any]]] = {}
    schemas = schema.get("components", {}).get("schemas", {})
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            content: dict[str, Any] = route.get("requestBody", {}).get("content", {})
            bodies = [body["schema"].get("$ref", "") for body in content.values()]
            name = bodies[0].rpartition("/")[2] if bodies else ""
            groups.setdefault(route["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "help": route.get("description", ""),
                    "body": schemas.get(name),
                    "parameters": route.get("parameters", []),
                }
            )
    return groups
