"""The paths of the service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST

from zoo.serve import card, models
from zoo.serve.answers import on_the_wire
from zoo.serve.counting import SPECIALIST
from zoo.serve.problem import Problem, declared
from zoo.serve.resident import Resident
from zoo.serve.service import service

PAGE = Path(__file__).with_name("page")
_SCRIPT = "text/javascript"
FILES = {"page.js": _SCRIPT, "edge.js": _SCRIPT, "edge_page.js": _SCRIPT, "page.css": "text/css"}
router = APIRouter()


class Markdown(PlainTextResponse):  # type: ignore[misc]  # Starlette is not read by mypy here
    """What its type says."""

    media_type = "text/markdown"


_bearer = HTTPBearer(auto_error=False, description="An API key, where the service has a file of keys.")


def may(scope: str) -> Any:
    """A dependency: the request's key has the scope, and its rate is kept.

    It and the others here are coroutines that wait for nothing: FastAPI would run plain functions in threads, each.
    """

    async def admit(request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]) -> None:
        service(request).admit(sent.credentials if sent else "", scope)

    return Depends(admit)


READ: dict[str, Any] = {"dependencies": [may("read")], "responses": declared(401, 403, 404, 429, 503)}


async def _resident(request: Request, vertical: str, task: str) -> Resident:
    found = service(request).resident(f"{vertical}/{task}")
    request.scope[SPECIALIST] = found.specialist.name
    return found


Found = Annotated[Resident, Depends(_resident)]


@router.get("/v1/specialists", tags=["specialists"], **READ)
async def specialists(request: Request) -> models.Listed:
    """The specialists that are served."""
    return models.Listed(specialists=[_described(resident) for resident in service(request).shelf.all()])


@router.get("/v1/specialists/{vertical}/{task}", tags=["specialists"], **READ)
async def specialist(found: Found) -> models.Described:
    """One of them."""
    return _described(found)


@router.get("/v1/specialists/{vertical}/{task}/card", tags=["specialists"], response_class=Markdown, **READ)
def markdown_card(found: Found) -> str:
    """Its card, in Markdown: what it is for, how good it is, what it was made from."""
    return card.markdown(found.specialist)


@router.get("/v1/specialists/{vertical}/{task}/card.html", tags=["specialists"], response_class=HTMLResponse, **READ)
def card_page(found: Found, request: Request) -> str:
    """Its card as a page."""
    return card.page(found.specialist, request.scope.get("root_path", ""))


@router.post(
    "/v1/specialists/{vertical}/{task}/predict",
    tags=["specialists"],
    response_model=models.Answered,
    dependencies=[may("predict")],
    responses=declared(400, 401, 403, 404, 408, 413, 422, 429, 503),
)
async def predict(found: Found, asked: models.Asked, request: Request) -> Response:
    """Ask a specialist about one text, or a list of them.

    Requests that arrive together are answered together; none depends on the others.
    """
    answers = await service(request).answer(found, asked)
    said = on_the_wire(found.specialist.manifest, answers, scores=asked.scores)
    return Response(said.model_dump_json(), media_type="application/json")  # FastAPI would check the answer again


@router.post(
    "/v1/decisions/{id}/corrections",
    tags=["decisions"],
    status_code=201,
    dependencies=[may("correct")],
    responses=declared(400, 401, 403, 404, 408, 413, 422, 429, 503),
)
async def correct(id: str, said: models.Correction, request: Request) -> models.Corrected:
    """Say what would have been right. The decision stays in the log as it is; the last correction counts."""
    return models.Corrected(id=await service(request).correct(id, said))


@router.post("/v1/admin/reload", tags=["service"], dependencies=[may("admin")], responses=declared(401, 403, 429, 503))
async def reload(request: Request) -> models.Reloads:
    """Load newer versions of those specialists that were named without a full version, and let them answer.

    Requests in flight end on the old versions. A version that can't be loaded leaves the old one answering.
    """
    return models.Reloads(specialists=[_reloaded(change) for change in await service(request).shelf.reload()])


@router.get("/healthz", tags=["service"])
async def healthz() -> models.Health:
    """Whether the process answers."""
    return models.Health(status="alive")


@router.get("/readyz", tags=["service"], responses=declared(503))
async def readyz(request: Request) -> models.Health:
    """Whether the specialists are loaded."""
    if not service(request).shelf.opened:
        raise service(request).not_ready()
    return models.Health(status="ready")


@router.get(
    "/metrics",
    tags=["service"],
    response_class=PlainTextResponse,
    dependencies=[may("read")],
    responses=declared(401, 403, 429),
)
async def metrics(request: Request) -> Response:
    """What was counted, for Prometheus."""
    return Response(service(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)


@router.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page to try specialists."""
    return FileResponse(PAGE / "index.html", media_type="text/html")


@router.get("/page/{name}", include_in_schema=False)
async def page_file(name: str) -> FileResponse:
    """Its scripts and its style, and those of the other page."""
    if name not in FILES:
        raise Problem(404, "There is no such file.")
    return FileResponse(PAGE / name, media_type=FILES[name])


def _described(resident: Resident) -> models.Described:
    manifest = resident.specialist.manifest
    return models.Described(
        follows=str(resident.follows),
        card=f"/v1/specialists/{manifest.name}/card",
        fallback=resident.fallback,
        **{key: getattr(manifest, key) for key in _MANIFEST},
    )


_PROMISED = ("threshold", "thresholds", "risk")
_MANIFEST = ("name", "version", "kind", "title", "language", "labels", *_PROMISED, "forced", "licence")


def _reloaded(change: Any) -> models.Reloaded:
    error = change.error
    problem = models.Trouble(detail=error.what, where=error.where, fix=error.fix) if error else None
    return models.Reloaded(name=change.name, before=change.before, after=change.after, problem=problem)
