"""Ray, where it is installed: the cluster at RAY_ADDRESS, or a Ray of this machine that ends with the work."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from factory.errors import FactoryError

RAY = "ray==2.60.0"


def address() -> str:
    """Where the cluster is, by RAY_ADDRESS; empty: a Ray of this machine is started."""
    return os.environ.get("RAY_ADDRESS", "")


@contextmanager
def cluster(resources: Mapping[str, float] | None = None) -> Iterator[Any]:
    """The module `ray`, connected for as long as the block lasts.

    Args:
        resources: what a Ray of this machine offers besides its processors; a cluster offers what its nodes were
            started with.

    Raises:
        FactoryError: Ray is not installed, or nothing answers at RAY_ADDRESS.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is called at home
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise FactoryError(
            "Ray is not installed.", fix=f"Install {RAY} into the app environment, or leave --ray out."
        ) from error
    if ray.is_initialized():
        yield ray
        return
    here: dict[str, Any] = {
        "address": "local",  # else one that was killed here is looked for, in vain, for minutes
        "_node_ip_address": "127.0.0.1",
        "include_dashboard": False,
        "resources": resources,
    }
    try:
        ray.init(log_to_driver=False, logging_level=logging.WARNING, **({} if address() else here))
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise FactoryError(
            f"Ray can't be reached: {error}",
            where=f"RAY_ADDRESS={address()}" if address() else "",
            fix="Start the cluster, or set RAY_ADDRESS to where it is; without it, a Ray is started here.",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()
