"""A person at an Argilla, by its web interface's own requests."""

from __future__ import annotations

from typing import Any

import httpx

from factory.review import argilla_dataset
from factory.services.argilla.credentials import REVIEWER
from factory.services.argilla.server import ArgillaServer
from factory.spec import Spec


class Reviewer:
    """Signed in, at a specialist's dataset.

    Attributes:
        records: what the person is shown, by row id.
    """

    def __init__(self, argilla: ArgillaServer, spec: Spec) -> None:
        form = {"username": REVIEWER, "password": argilla.credentials.reviewer_password}
        token = httpx.post(f"{argilla.url}/api/v1/token", data=form, trust_env=False).json()["access_token"]
        self._http = httpx.Client(
            base_url=f"{argilla.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
        )
        mine = self._http.get("/me/datasets").raise_for_status().json()["items"]
        dataset = next(one["id"] for one in mine if one["name"] == argilla_dataset.name(spec))
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
