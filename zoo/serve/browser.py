"""The paths of the page on which classifiers answer in the browser; they are there where libraries were given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from zoo.files import FILE, inside
from zoo.serve.edge import HEADERS
from zoo.serve.problem import Problem
from zoo.serve.routes import PAGE, READ, Found
from zoo.serve.service import service

router = APIRouter()
_POLICY = "Content-Security-Policy"
# WebAssembly is compiled from bytes that were fetched, which a policy has to allow by name.
_HEADERS = {_POLICY: HEADERS[_POLICY].replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")}
_TYPES = {".js": "text/javascript", ".wasm": "application/wasm"}


def _libraries(request: Request) -> Mapping[str, Path]:
    libraries = service(request).libraries
    if libraries is None:
        fix = "Whoever runs the service can add the libraries: zoo serve --edge FOLDER."
        raise Problem(404, "Specialists don't answer in the browser here.", fix=fix)
    return libraries


@router.get("/edge", include_in_schema=False)
async def page(request: Request) -> FileResponse:
    """The page."""
    _libraries(request)
    return FileResponse(PAGE / "edge.html", media_type="text/html", headers=_HEADERS)


@router.get("/edge/{name}", include_in_schema=False)
async def library(name: str, request: Request) -> FileResponse:
    """A library's file."""
    libraries = _libraries(request)
    if name not in libraries:
        raise Problem(404, "There is no such file.")
    return FileResponse(libraries[name], media_type=_TYPES[Path(name).suffix])


@router.get("/v1/specialists/{vertical}/{task}/files/{path:path}", include_in_schema=False, **READ)
async def file(found: Found, path: str, request: Request) -> FileResponse:
    """A file of a specialist's folder: the manifest, or what it names."""
    _libraries(request)
    specialist = found.specialist
    if path != FILE and path not in specialist.manifest.files:
        raise Problem(404, f"{specialist.manifest.id} holds no such file.", where=path)
    return FileResponse(inside(specialist.folder, path), media_type="application/octet-stream")
