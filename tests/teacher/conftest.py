"""A teacher on loopback, and a cache for its replies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from factory.teacher.cache import ReplyCache
from tests.loopback_teacher import LoopbackTeacher


@pytest.fixture
async def teacher() -> AsyncIterator[LoopbackTeacher]:
    async with LoopbackTeacher() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> ReplyCache:
    return ReplyCache(tmp_path / "replies.db")
