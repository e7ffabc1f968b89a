"""Where a person finds what a build made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from factory.files import read_json
from factory.services.argilla import credentials
from factory.settings import Settings
from factory.stage import Output
from factory.stages.build import SUMMARY


def places(outputs: Mapping[str, Output], settings: Settings, run_url: str) -> dict[str, str]:
    """Title to address or path, of what the finished stages left; the run itself first.

    Args:
        outputs: the stages that have finished, by name.
        settings: say which Argilla people answer in.
        run_url: the run's page in Prefect.
    """
    found = {"Prefect run": run_url}
    if "review" in outputs:
        found["Review"] = read_json(outputs["review"].path / SUMMARY)["where"]
        if settings.review == "argilla" and not settings.argilla_url:
            secrets = credentials.path(settings.home / "argilla")
            found["  sign in as"] = f"{credentials.REVIEWER}; the password is in {secrets}"
    if "dataset" in outputs:
        found["Dataset"] = str(outputs["dataset"].path)
    if "evaluate" in outputs:
        found["Report"] = str(outputs["evaluate"].path / "report.html")
    if "publish" in outputs:
        published = read_json(outputs["publish"].path / SUMMARY)
        found["Published"] = f"{published['version']} in {published['where']}"
        found["Card"] = str(outputs["publish"].path / "specialist" / "README.md")
    return found


def markdown(found: Mapping[str, str]) -> str:
    """The places as a Markdown table."""
    return "\n".join(["| what | where |", "|---|---|", *(f"| {key.strip()} | {_link(found[key])} |" for key in found)])


def _link(place: str) -> str:
    if place.startswith("http"):
        return f"[{place}]({place})"
    return f"`{place}`" if Path(place).is_absolute() else place  # browsers open no local file from a server's page
