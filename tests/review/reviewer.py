"""A person at an Argilla, by its web interface's own requests."""

from __future__ import annotations

from typing import Any

import httpx

from factory.review import argilla_dataset
from factory.review.argilla_dataset import ALONE
from factory.services.argilla.credentials import REVIEWER, WORKSPACE
from factory.services.argilla.server import ArgillaServer
from factory.spec import Spec


def account(argilla: ArgillaServer, name: str, password: str) -> None:
    """Give somebody an account to answer with, as docs/engineer.md says."""
    import argilla as sdk

    client = sdk.Argilla(api_url=argilla.url, api_key=argilla.credentials.api_key, trust_env=False)
    user = sdk.User(username=name, password=password, role="annotator", client=client).create()
    user.add_to_workspace(client.workspaces(WORKSPACE))


class Reviewer:
    """Signed in, at a specialist's dataset.

    Attributes:
        records: what the person is shown, by row id.
    """

    def __init__(
        self, argilla: ArgillaServer, spec: Spec, name: str = REVIEWER, password: str = "", queue: str = ALONE
    ) -> None:
        form = {"username": name, "password": password or argilla.credentials.reviewer_password}
        token = httpx.post(f"{argilla.url}/api/v1/token", data=form, trust_env=False).json()["access_token"]
        self._http = httpx.Client(
            base_url=f"{argilla.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
        )
        mine = self._http.get("/me/datasets").raise_for_status().json()["items"]
        dataset = next(one["id"] for one in mine if one["name"] == argilla_dataset.name(spec, queue))
        found = self._http.post(f"/me/datasets/{dataset}/records/search?limit=100&include=suggestions", json={})
        items = [item["record"] for item in found.raise_for_status().json()["items"]]
        self.records: dict[str, dict[str, Any]] = {record["external_id"]: record for record in items}

    def suggested(self, row_id: str) -> Any:
        """What is suggested for a row; None: the person judges unaided."""
        suggestions = self.records[row_id]["suggestions"]
        assert len(suggestions) <= 1
        return suggestions[0]["value"] if suggestions else None

    def respond(self, row_id: str, status: str, **values: Any) -> None:
        """Answer questions about a row by their names, and submit or discard it."""
        body = {"status": status, "values": {name: {"value": value} for name, value in values.items()}}
        self._http.post(f"/records/{self.records[row_id]['id']}/responses", json=body).raise_for_status()
