"""The paths of chains."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from zoo.chain import Chained
from zoo.serve import chain_models
from zoo.serve.answers import KINDS
from zoo.serve.counting import SPECIALIST
from zoo.serve.models import ChainAsked
from zoo.serve.problem import declared
from zoo.serve.routes import READ, may
from zoo.serve.service import service
from zoo.step import Outcome

router = APIRouter()


async def _chain(request: Request, name: str) -> str:
    request.scope[SPECIALIST] = found = service(request).chain(name)
    return found


Found = Annotated[str, Depends(_chain)]


@router.get("/v1/chains", tags=["chains"], **READ)
async def chains(request: Request) -> chain_models.ChainsListed:
    """The chains that are served."""
    return chain_models.ChainsListed(chains=[_described(request, name) for name in service(request).chains.declared])


@router.get("/v1/chains/{name}", tags=["chains"], **READ)
async def chain(found: Found, request: Request) -> chain_models.ChainDescribed:
    """One of them."""
    return _described(request, found)


@router.post(
    "/v1/chains/{name}/predict",
    tags=["chains"],
    response_model=chain_models.ChainAnswered,
    dependencies=[may("predict")],
    responses=declared(400, 401, 403, 404, 408, 413, 422, 429, 503),
)
async def predict(found: Found, asked: ChainAsked, request: Request) -> Response:
    """Ask a chain about one text, or a list of them.

    Each step is asked about the texts that reach it. One that fails is told, and loses no other's answer.
    """
    said = await service(request).follow(found, asked)
    kinds = {step.name: resident.specialist.manifest.kind for step, resident in service(request).chains.steps(found)}
    answered = chain_models.ChainAnswered(chain=found, answers=[_answer(one, kinds) for one in said])
    return Response(answered.model_dump_json(), media_type="application/json")  # FastAPI would check the answer again


def _described(request: Request, name: str) -> chain_models.ChainDescribed:
    found = service(request).chains
    steps = [
        chain_models.StepDescribed(
            name=step.name,
            model=resident.specialist.manifest.id,
            when={earlier: list(wanted) for earlier, wanted in step.when.items()},
            source=step.source,
            feed=step.asks_about,
        )
        for step, resident in found.steps(name)
    ]
    return chain_models.ChainDescribed(name=name, title=found.declared[name].title, steps=steps)


def _answer(said: Chained, kinds: dict[str, str]) -> chain_models.Chained:
    steps = {name: _step(outcome, kinds[name]) for name, outcome in said.steps.items()}
    return chain_models.Chained(steps=steps, failed=list(said.failed))


def _step(outcome: Outcome[object], kind: str) -> chain_models.Stepped:
    answer = None if outcome.state != "answered" else KINDS[kind].one(outcome.answer, False)
    told = {"state": outcome.state, "why": outcome.why, "model": outcome.model, "id": outcome.id}
    return chain_models.Stepped(**told, kind=kind, answer=answer, seconds=outcome.seconds)  # type: ignore[arg-type]
