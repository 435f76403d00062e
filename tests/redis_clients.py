"""The asynchronous client libraries of Redis, each on the event loops that it runs on."""

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

LIBRARIES = ("redis", "valkey", "coredis", "coredis on trio")


LEFTOVERS = pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")
"""Connections of coredis that could not be opened leave streams behind."""


def backend_of(library: str) -> str:
    """Return the kind of event loop for a test of one of `LIBRARIES`."""
    return "trio" if library.endswith("trio") else "asyncio"


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Run a test with each library."""
    return str(request.param)


@pytest.fixture
def anyio_backend(library: str) -> str:
    """Run it on the event loop of its library."""
    return backend_of(library)


def create(library: str, url: str, **options: Any) -> Any:
    """Return a client; the test is skipped if its library is not installed."""
    if library.startswith("coredis"):
        return pytest.importorskip("coredis").Redis.from_url(url, **options)
    module = pytest.importorskip(f"{library}.asyncio")
    return getattr(module, library.capitalize()).from_url(url, **options)


@asynccontextmanager
async def opened(library: str, url: str, **options: Any) -> AsyncGenerator[Any]:
    """Run a client of one of `LIBRARIES`."""
    try:
        async with create(library, url, **options) as client:
            yield client
    finally:
        if library.startswith("coredis"):
            gc.collect()  # here, where LEFTOVERS are ignored
