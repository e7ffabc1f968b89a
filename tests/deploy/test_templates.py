"""The templates in deploy/: what Prefect, Kubernetes and the flows will read of them is what they say."""

from __future__ import annotations

import ast
import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from factory import spec as specs
from factory.settings import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
POOLS = {"docker.yaml": ("prefect-docker", "docker"), "kubernetes.yaml": ("prefect-kubernetes", "kubernetes")}
KNOWN = {
    "FACTORY_HOME", "FACTORY_TEACHER_URL", "FACTORY_ARGILLA_URL", "FACTORY_HUB", "FACTORY_GOLD", "FACTORY_SEED",
    "PREFECT_API_URL",
}  # fmt: skip


def job_template(package: str, kind: str) -> dict[str, Any]:
    """What Prefect's own server knows of a work pool's type."""
    prefect = importlib.util.find_spec("prefect")  # found and not imported, which takes seconds
    assert prefect and prefect.origin
    known = Path(prefect.origin).parent / "server/api/collections_data/views/aggregate-worker-metadata.json"
    found: dict[str, Any] = json.loads(known.read_text())[package][kind]["default_base_job_configuration"]
    return found


@pytest.mark.parametrize("file", sorted(POOLS))
def test_a_deployment_says_what_its_pool_and_its_flow_take(file: str) -> None:
    (deployment,) = yaml.safe_load((DEPLOY / file).read_text())["deployments"]
    path, _, name = deployment["entrypoint"].partition(":")
    functions = {node.name: node for node in ast.parse((CHECKOUT / path).read_text()).body if hasattr(node, "args")}
    assert set(deployment["parameters"]) <= {argument.arg for argument in functions[name].args.args}
    spec = specs.load(deployment["parameters"]["spec"], CHECKOUT / "prompts")
    assert deployment["tags"] == [spec.name] and not spec.review.required, "the watch does not see these runs"
    given = deployment["work_pool"]["job_variables"]
    schema = job_template(*POOLS[file])["variables"]
    jsonschema.validate(given, {**schema, "additionalProperties": False})
    settings = (CHECKOUT / "factory/settings.py").read_text()
    assert set(given["env"]) <= KNOWN and all(name in settings for name in KNOWN if name.startswith("FACTORY"))


def test_the_kubernetes_pool_is_prefects_own_with_the_factorys_volumes() -> None:
    pool = json.loads((DEPLOY / "kubernetes-pool.json").read_text())
    objects = list(yaml.safe_load_all((DEPLOY / "kubernetes-worker.yaml").read_text()))
    claims = {one["metadata"]["name"] for one in objects if one["kind"] == "PersistentVolumeClaim"}
    plain = copy.deepcopy(pool)
    pod = plain["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
    assert {one["persistentVolumeClaim"]["claimName"] for one in pod.pop("volumes")} == claims
    assert pod.pop("securityContext")["runAsNonRoot"] is True
    mounted = {one["mountPath"] for one in pod["containers"][0].pop("volumeMounts")}
    assert plain == job_template("prefect-kubernetes", "kubernetes")
    (deployment,) = yaml.safe_load((DEPLOY / "kubernetes.yaml").read_text())["deployments"]
    given = deployment["work_pool"]["job_variables"]
    assert {given["env"]["FACTORY_GOLD"], given["env"]["FACTORY_SEED"]} < mounted
    assert (
        f"FACTORY_HOME={(mounted - {given['env']['FACTORY_GOLD'], given['env']['FACTORY_SEED']}).pop()}"
        in (DEPLOY / "Dockerfile").read_text()
    )


def test_the_cluster_has_what_jobs_and_worker_name() -> None:
    objects = list(yaml.safe_load_all((DEPLOY / "kubernetes-worker.yaml").read_text()))
    (deployment,) = yaml.safe_load((DEPLOY / "kubernetes.yaml").read_text())["deployments"]
    pool, given = deployment["work_pool"]["name"], deployment["work_pool"]["job_variables"]
    named = {(one["kind"], one["metadata"]["name"]) for one in objects}
    assert ("Namespace", given["namespace"]) in named and ("ServiceAccount", given["service_account_name"]) in named
    assert {one["metadata"].get("namespace") for one in objects if one["kind"] != "Namespace"} == {given["namespace"]}
    (worker,) = (one for one in objects if one["kind"] == "Deployment")
    pod = worker["spec"]["template"]
    assert worker["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) in named
    assert pool in pod["spec"]["containers"][0]["command"]
    (locked,) = (line for line in lock() if line.startswith("prefect=="))
    assert f"prefect:{locked.removeprefix('prefect==')}-" in pod["spec"]["containers"][0]["image"]


def lock() -> list[str]:
    """What the application's environment holds."""
    return [line.split(";")[0].strip() for line in (CHECKOUT / "requirements/app.lock").read_text().splitlines()]


def test_the_image_holds_the_locked_environment_and_nothing_of_this_machine() -> None:
    said = (DEPLOY / "Dockerfile").read_text()
    copied = [Path(line.split()[-2]) for line in said.splitlines() if line.startswith("COPY")]
    assert all((CHECKOUT / path).exists() for path in copied)
    assert "requirements/install.sh app app" in said and "USER factory" in said
    assert {".envs", ".factory", ".git"} <= set((CHECKOUT / ".dockerignore").read_text().split())
