"""The pytest plugin: `pytest_plugins = ["sikoia_async.testing.plugin"]` in your `conftest.py`.

    async def test_a_case_is_created(sikoia: Sikoia) -> None:
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        assert (await sikoia.cases.retrieve(case.case_id)).name == "Loan"

It imports nothing from the SDK until a test uses a fixture.

A client belongs to the event loop of its test and must be closed there, like its sockets. So
`sikoia` returns an async fixture of the plugin that runs the test. The one of anyio accepts those
of all plugins; pytest-asyncio needs its own, one for each scope of its event loop.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from sikoia_async.testing.fixtures import open_client, spec_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping
    from pathlib import Path

    from sikoia_async import Sikoia
    from sikoia_async.sandbox import Sandbox
    from sikoia_async.testing.cassettes import Cassette
    from sikoia_async.testing.marker import SandboxSpec

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_report_header",
    "pytest_runtest_makereport",
    "sikoia",
    "sikoia_cassette",
    "sikoia_sandbox",
    "sikoia_variables",
]

_SANDBOX = pytest.StashKey[tuple["SandboxSpec", "Sandbox"]]()
_RECORDED = pytest.StashKey[set["Path"]]()
_MARKER = (
    "sikoia(*, tls=False, seed=0, rate=Rate(), ...): configure the local Sikoia of a test. "
    "tls=True runs it on a socket; other arguments are those of sikoia_async.sandbox.create_app"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option to record cassettes. Without it, no test sends requests."""
    parser.getgroup("sikoia").addoption(
        "--sikoia-record",
        action="store_true",
        help="record the cassettes of the selected tests: calls the environment that "
        "SIKOIA_ENVIRONMENT names, with its credentials, and may cost money there",
    )
    parser.getgroup("sikoia").addoption(
        "--sikoia-keep-company-names",
        action="store_true",
        help="with --sikoia-record: keep the names of companies, which may be those of people",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the fixtures for pytest-asyncio if it is loaded."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_RECORDED] = set()
    if _has_pytest_asyncio(config):
        from sikoia_async.testing.asyncio_fixtures import fixtures  # noqa: PLC0415 - if needed

        config.pluginmanager.register(fixtures())


def pytest_report_header(config: pytest.Config) -> str | None:
    """Announce that cassettes are recorded, because it may cost money."""
    records = config.getoption("--sikoia-record", default=False)
    return "sikoia: recording cassettes, which may cost money" if records else None


@pytest.fixture
def sikoia_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox]:
    """A local Sikoia for the test. Its ids and data depend only on its seed."""
    from sikoia_async.sandbox import Sandbox  # noqa: PLC0415 - loaded when first used
    from sikoia_async.testing.sandboxes import MemorySandbox  # noqa: PLC0415 - as above

    spec = spec_of(request)
    has_socket = spec.tls or "sikoia_variables" in request.fixturenames
    with (Sandbox if has_socket else MemorySandbox)(**spec.options) as sandbox:
        request.node.stash[_SANDBOX] = (spec, sandbox)
        yield sandbox


@pytest.fixture
def sikoia_variables(sikoia_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The `SIKOIA_*` variables of `sikoia_sandbox`, set for the test; others are removed.

    The local Sikoia then runs on a socket with TLS, where `Sikoia()` finds it.
    """
    for name in [one for one in os.environ if one.startswith("SIKOIA_")]:
        monkeypatch.delenv(name)
    for name, value in sikoia_sandbox.variables.items():
        monkeypatch.setenv(name, value)
    return sikoia_sandbox.variables


@pytest.fixture
def sikoia_cassette(request: pytest.FixtureRequest) -> Generator[Cassette]:
    """The test's cassette: replayed, or recorded if pytest runs with `--sikoia-record`.

    It is recorded once. On the second event loop, the test replays the new recording.
    """
    from sikoia_async.testing.cassettes import Cassette  # noqa: PLC0415 - loaded when first used
    from sikoia_async.testing.cassettes.paths import cassette_path  # noqa: PLC0415 - as above

    path, recorded = cassette_path(request.node), request.config.stash[_RECORDED]
    is_requested = bool(request.config.getoption("--sikoia-record", default=False))
    record = is_requested and not (path in recorded and path.exists())
    if record:
        recorded.add(path)
    keeps = bool(request.config.getoption("--sikoia-keep-company-names", default=False))
    with Cassette(path, record=record, keep_company_names=keeps) as cassette:
        yield cassette


@pytest.fixture
def sikoia(request: pytest.FixtureRequest) -> Sikoia:
    """An open client of `sikoia_sandbox`, closed when the test has ended."""
    node: pytest.Item = request.node
    asyncio = node.get_closest_marker("asyncio")
    if asyncio and node.get_closest_marker("anyio"):
        pytest.fail(_TWO_PLUGINS, pytrace=False)
    if "anyio_backend" in request.fixturenames:
        name = "_sikoia_with_anyio"
    elif asyncio and _has_pytest_asyncio(node.config):
        default = node.config.getini("asyncio_default_test_loop_scope")
        name = f"_sikoia_in_{asyncio.kwargs.get('loop_scope') or default}_loop"
    else:
        pytest.fail(_NO_LOOP, pytrace=False)
    client: Sikoia = request.getfixturevalue(name)
    return client


def _has_pytest_asyncio(config: pytest.Config) -> bool:
    """Return whether pytest-asyncio is loaded: by its entry point, or by the name of its module."""
    names = ("asyncio", "pytest_asyncio.plugin")
    return any(config.pluginmanager.has_plugin(name) for name in names)


@pytest.fixture
async def _sikoia_with_anyio(
    request: pytest.FixtureRequest, sikoia_sandbox: Sandbox
) -> AsyncGenerator[Sikoia]:
    async with open_client(request, sikoia_sandbox) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Add a section about its local Sikoia to the report of a failed test."""
    report = yield
    if report.failed and _SANDBOX in item.stash:
        from sikoia_async.testing.report import report_of  # noqa: PLC0415 - loaded when first used

        report.sections.append(("local Sikoia", report_of(*item.stash[_SANDBOX])))
    return report


_TWO_PLUGINS = (
    "two plugins would run this test: it is marked with anyio, and pytest-asyncio, in its auto "
    "mode, takes every async test. Set asyncio_mode = strict, or remove the mark"
)
_NO_LOOP = (
    "the fixture sikoia needs an async test: mark it with @pytest.mark.anyio or "
    "@pytest.mark.asyncio, or create a client with sikoia_async.testing.client_of(sikoia_sandbox)"
)
