"""The part of the Hugging Face Hub's protocol that huggingface_hub needs to publish, list and download.

Anyone who can reach the server may read; writing needs the token. Large files are put to addresses that carry their
own permission (a keyed hash of the file's name), because the protocol sends them without the token. Behind a proxy
addresses have the name that X-Forwarded-Host says. It may be believed: what comes here was sent to a name of this
server (Host), so no page of another origin can have sent it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from factory.errors import FactoryError
from factory.services.hub.commit import LARGE, Commit, is_hex
from factory.services.hub.store import Kind, Missing, Store

TAG = "specialist-zoo"


def application(root: Path, token: str, *, namespace: str, hosts: list[str]) -> Starlette:
    """The server over a folder hub.

    Args:
        root: the folder hub's folder.
        token: what a client must send to write.
        namespace: the one user whose repositories these are.
        hosts: the names this server answers to; others are refused, so that no web page can talk to it.
    """
    hub = _Server(Store(root), token, namespace)
    api = "/api/{kind}"
    repo = f"{api}/{{namespace}}/{{repo}}"
    routes: list[BaseRoute] = [
        Route("/api/whoami-v2", hub.whoami),
        Route("/api/validate-yaml", hub.validate, methods=["POST"]),
        Route("/api/repos/create", hub.create, methods=["POST"]),
        Route(api, hub.repositories),
        Route(repo, hub.info),
        Route(f"{repo}/revision/{{revision}}", hub.info),
        Route(f"{repo}/refs", hub.refs),
        Route(f"{repo}/tree/{{revision}}", hub.tree),
        Route(f"{repo}/tree/{{revision}}/{{path:path}}", hub.tree),
        Route(f"{repo}/paths-info/{{revision}}", hub.paths, methods=["POST"]),
        Route(f"{repo}/preupload/{{revision}}", hub.preupload, methods=["POST"]),
        Route(f"{repo}/commit/{{revision}}", hub.commit, methods=["POST"]),
        Route(f"{repo}/tag/{{revision}}", hub.tag, methods=["POST"]),
        Route(f"{repo}/tag/{{revision}}", hub.untag, methods=["DELETE"]),
        Route("/lfs/{oid}", hub.receive, methods=["PUT"]),
    ]
    for prefix in ("/datasets", ""):  # files of models have no prefix in their addresses
        routes += [
            Route(f"{prefix}/{{namespace}}/{{repo}}.git/info/lfs/objects/batch", hub.batch, methods=["POST"]),
            Route(f"{prefix}/{{namespace}}/{{repo}}/resolve/{{revision}}/{{path:path}}", hub.resolve),
        ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)],
        exception_handlers={Missing: _not_found, FactoryError: _refused},
    )


class _Server:
    def __init__(self, store: Store, token: str, namespace: str) -> None:
        self.store, self.token, self.namespace = store, token, namespace

    # --- reading; Starlette runs plain functions in threads ---

    def whoami(self, request: Request) -> Response:
        self._authorise(request)
        access = {"accessToken": {"displayName": "hub", "role": "write"}}
        return JSONResponse({"type": "user", "name": self.namespace, "orgs": [], "auth": access})

    def repositories(self, request: Request) -> Response:
        author, kind = request.query_params.get("author", self.namespace), _kind(request)
        repos = self.store.repositories(kind) if author == self.namespace else []
        return JSONResponse([self._described(repo) for repo in repos])

    def info(self, request: Request) -> Response:
        commit = self._commit(request)
        siblings = [{"rfilename": name, "size": entry.size} for name, entry in commit.files.items()]
        return JSONResponse({**self._described(request.path_params["repo"]), "sha": commit.id, "siblings": siblings})

    def refs(self, request: Request) -> Response:
        kind, repo = self._repo(request)
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": self.store.commit(kind, repo).id}
        tags = [
            {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": commit}
            for tag, commit in self.store.tags(kind, repo).items()
        ]
        return JSONResponse({"branches": [main], "tags": tags, "converts": []})

    def tree(self, request: Request) -> Response:
        commit = self._commit(request)
        recursive = request.query_params.get("recursive", "").lower() in ("1", "true")
        listing = commit.listing(request.path_params.get("path", ""), recursive)
        if not listing and request.path_params.get("path"):
            raise Missing("EntryNotFound")
        return JSONResponse(listing)

    def resolve(self, request: Request) -> Response:
        commit = self._commit(request)
        entry = commit.files.get(request.path_params["path"])
        if entry is None:
            raise Missing("EntryNotFound")
        headers = {"ETag": f'"{entry.etag}"', "X-Repo-Commit": commit.id}
        return FileResponse(entry.path, headers=headers, media_type="application/octet-stream")

    async def paths(self, request: Request) -> Response:
        asked = parse_qs((await request.body()).decode()).get("paths", [])
        commit = await run_in_threadpool(self._commit, request)
        return JSONResponse([item for path in asked if (item := commit.listed(path))])

    # --- writing ---

    async def validate(self, request: Request) -> Response:
        return JSONResponse({"errors": [], "warnings": []})  # the card was made by huggingface_hub's own classes

    async def create(self, request: Request) -> Response:
        self._authorise(request)
        body = await _json(request)
        namespace, repo = body.get("organization") or self.namespace, str(body.get("name"))
        if namespace != self.namespace:
            raise HTTPException(403, headers={"X-Error-Message": f"This hub has the one namespace {self.namespace}"})
        kind: Kind = "datasets" if body.get("type") == "dataset" else "models"
        made = await run_in_threadpool(self.store.create, kind, repo)
        url = f"{_base(request)}{'datasets/' if kind == 'datasets' else ''}{namespace}/{repo}"
        return JSONResponse({"url": url, "name": f"{namespace}/{repo}"}, 200 if made else 409)

    async def preupload(self, request: Request) -> Response:
        self._authorise(request)
        files = [
            {"path": file["path"], "uploadMode": "lfs" if file["size"] >= LARGE else "regular", "shouldIgnore": False}
            for file in (await _json(request))["files"]
        ]
        return JSONResponse({"files": files})

    async def batch(self, request: Request) -> Response:
        self._authorise(request)
        objects = []
        for item in (await _json(request))["objects"]:
            oid, size = item["oid"], item["size"]
            if not is_hex(oid, 64):
                raise HTTPException(400, "oid is not a sha256")
            answer: dict[str, Any] = {"oid": oid, "size": size}
            if not await run_in_threadpool(self.store.has_object, oid, size):
                href = f"{_base(request)}lfs/{oid}?permission={self._permission(oid)}"
                answer["actions"] = {"upload": {"href": href}}
            objects.append(answer)
        return JSONResponse({"transfer": "basic", "objects": objects})

    async def receive(self, request: Request) -> Response:
        oid = request.path_params["oid"]
        if not hmac.compare_digest(request.query_params.get("permission", ""), self._permission(oid)):
            raise HTTPException(403, headers={"X-Error-Message": "This upload was not permitted"})
        folder = await run_in_threadpool(self.store.scratch)
        try:
            with (folder / oid).open("wb") as file:
                async for chunk in request.stream():
                    await run_in_threadpool(file.write, chunk)
            await run_in_threadpool(self.store.add_object, oid, folder / oid)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Response()

    async def commit(self, request: Request) -> Response:
        self._authorise(request)
        kind, repo = self._repo(request)
        if request.path_params["revision"] != "main" or request.query_params.get("create_pr"):
            raise HTTPException(400, headers={"X-Error-Message": "This hub has the one branch main"})
        operations = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
        commit = await run_in_threadpool(self.store.write, kind, repo, operations)
        url = f"{_base(request)}{self.namespace}/{repo}/commit/{commit}"
        return JSONResponse({"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})

    async def tag(self, request: Request) -> Response:
        self._authorise(request)
        kind, repo = self._repo(request)
        tag, revision = str((await _json(request))["tag"]), request.path_params["revision"]
        made = await run_in_threadpool(self.store.tag, kind, repo, tag, revision)
        return JSONResponse({}, 201) if made else JSONResponse({"error": "This tag is there already."}, 409)

    async def untag(self, request: Request) -> Response:
        self._authorise(request)
        await run_in_threadpool(self.store.untag, *self._repo(request), request.path_params["revision"])
        return JSONResponse({})

    # --- shared ---

    def _authorise(self, request: Request) -> None:
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {self.token}".encode()):
            raise HTTPException(401, headers={"X-Error-Message": "Invalid credentials in Authorization header"})

    def _permission(self, oid: str) -> str:
        return hmac.new(self.token.encode(), oid.encode(), hashlib.sha256).hexdigest()

    def _repo(self, request: Request) -> tuple[Kind, str]:
        if request.path_params["namespace"] != self.namespace:
            raise Missing("RepoNotFound")
        return _kind(request), request.path_params["repo"]

    def _commit(self, request: Request) -> Commit:
        return self.store.commit(*self._repo(request), request.path_params.get("revision", "main"))

    def _described(self, repo: str) -> dict[str, Any]:
        identity = f"{self.namespace}/{repo}"
        counts = {"downloads": 0, "likes": 0, "private": False, "gated": False, "disabled": False}
        return {"_id": identity, "id": identity, "author": self.namespace, "tags": [TAG], **counts}


def _kind(request: Request) -> Kind:
    """Which kind of repository is meant: the address says so, by `/api/<kind>/` or by the prefix `/datasets/`."""
    named = request.path_params.get("kind")
    if named == "datasets" or (named is None and request.url.path.startswith("/datasets/")):
        return "datasets"
    if named in ("models", None):
        return "models"
    raise Missing("RepoNotFound")


def _base(request: Request) -> str:
    """This server's address as the client knows it, with a slash at its end."""
    host, scheme = (request.headers.get(f"x-forwarded-{of}", "").split(",")[0].strip() for of in ("host", "proto"))
    if not host:
        return str(request.base_url)
    return f"{scheme if scheme in ('http', 'https') else request.url.scheme}://{host}/"


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error


def _not_found(request: Request, error: Exception) -> Response:
    code = error.code if isinstance(error, Missing) else ""
    return JSONResponse({"error": code}, 404, headers={"X-Error-Code": code})


def _refused(request: Request, error: Exception) -> Response:
    message = " ".join(str(error).split())
    return JSONResponse(
        {"error": message}, 422, headers={"X-Error-Message": message.encode("ascii", "replace").decode()}
    )
