"""The watch over builds that wait for people. What it does is flows/review.py."""

from __future__ import annotations

from factory.services.service import Service


class WatchServer(Service):
    """The watch of one FACTORY_HOME: it goes on with a build when people have answered, or the deadline has come."""

    name, title, health = "watch", "The watch over reviews", ""
    inherits = True

    def describe(self) -> str:
        """See Service.describe."""
        return f"goes on with builds when people have answered; what it does is in {self.log}"

    def _arguments(self) -> list[str]:
        return ["-m", "flows.review"]
