"""The pytest plugin: `pytest_plugins = ["sikoia_async.testing.plugin"]` in your `conftest.py`.

    async def test_a_case_is_kept(sikoia: Sikoia) -> None:
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        assert (await sikoia.cases.retrieve(case.case_id)).name == "Loan"

It loads nothing of the SDK until a test asks for a fixture.

A client belongs to the event loop of its test, and has to be closed in there: its sockets do. So
`sikoia` hands on an async fixture of the plugin that runs the test. anyio's takes those of all
plugins; pytest-asyncio's has to be told of its own, and in which loop each one runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sikoia_async.testing.fixtures import marker_of, open_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from sikoia_async import Sikoia
    from sikoia_async.sandbox import Sandbox
    from sikoia_async.testing.cassettes import Cassette
    from sikoia_async.testing.marker import Wanted

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_report_header",
    "pytest_runtest_makereport",
    "sikoia",
    "sikoia_cassette",
    "sikoia_sandbox",
]

_RAN = pytest.StashKey[tuple["Wanted", "Sandbox"]]()
_RECORDED = pytest.StashKey[set["Path"]]()
_MARKER = (
    "sikoia(*, tls=False, seed=0, limit=200, ...): the local Sikoia of a test: on a real socket "
    "with TLS or in memory, and what sikoia_async.sandbox.create_app takes"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer to record cassettes; without being told to, no test leaves the machine."""
    parser.getgroup("sikoia").addoption(
        "--sikoia-record",
        action="store_true",
        help="record the cassettes of tests that have one: this calls the environment that "
        "SIKOIA_ENVIRONMENT names, with its credentials, and may cost money there",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker, and pytest-asyncio, where it is loaded, of its fixtures."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_RECORDED] = set()
    if config.pluginmanager.has_plugin("asyncio"):
        from sikoia_async.testing.asyncio_fixtures import fixtures  # noqa: PLC0415 - if needed

        config.pluginmanager.register(fixtures())


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say so where cassettes are recorded: nobody should learn it from a bill."""
    is_asked = config.getoption("--sikoia-record", default=False)
    return "sikoia: recording cassettes, which may cost money" if is_asked else None


@pytest.fixture
def sikoia_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox]:
    """Run a local Sikoia for the test: a new one, and the same each time, for its seed is."""
    from sikoia_async.sandbox import Sandbox  # noqa: PLC0415 - loaded when first used
    from sikoia_async.testing.sandboxes import MemorySandbox  # noqa: PLC0415 - as above

    wanted = marker_of(request)
    with (Sandbox if wanted.tls else MemorySandbox)(**wanted.options) as sandbox:
        request.node.stash[_RAN] = (wanted, sandbox)
        yield sandbox


@pytest.fixture
def sikoia_cassette(request: pytest.FixtureRequest) -> Generator[Cassette]:
    """Replay the test's cassette, or record it where pytest is run with `--sikoia-record`.

    It is recorded once: on the second event loop, the test replays what it has just recorded.
    """
    from sikoia_async.testing.cassettes import Cassette  # noqa: PLC0415 - loaded when first used
    from sikoia_async.testing.cassettes.paths import cassette_path  # noqa: PLC0415 - as above

    place, recorded = cassette_path(request.node), request.config.stash[_RECORDED]
    is_asked = bool(request.config.getoption("--sikoia-record", default=False))
    record = is_asked and not (place in recorded and place.exists())
    if record:
        recorded.add(place)
    with Cassette(place, record=record) as cassette:
        yield cassette


@pytest.fixture
def sikoia(request: pytest.FixtureRequest) -> Sikoia:
    """Open a client of `sikoia_sandbox`, which is closed when the test has ended."""
    node: pytest.Item = request.node
    asyncio = node.get_closest_marker("asyncio")
    if "anyio_backend" in request.fixturenames:
        name = "_sikoia_with_anyio"
    elif asyncio and node.config.pluginmanager.has_plugin("asyncio"):
        default = node.config.getini("asyncio_default_test_loop_scope")
        name = f"_sikoia_in_{asyncio.kwargs.get('loop_scope') or default}_loop"
    else:
        pytest.fail(_NO_LOOP, pytrace=False)
    client: Sikoia = request.getfixturevalue(name)
    return client


@pytest.fixture
async def _sikoia_with_anyio(
    request: pytest.FixtureRequest, sikoia_sandbox: Sandbox
) -> AsyncGenerator[Sikoia]:
    async with open_client(request, sikoia_sandbox) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show with a test that fails what its local Sikoia has seen."""
    report = yield
    if report.failed and _RAN in item.stash:
        from sikoia_async.testing.report import report_of  # noqa: PLC0415 - loaded when first used

        report.sections.append(("local Sikoia", report_of(*item.stash[_RAN])))
    return report


_NO_LOOP = (
    "the fixture sikoia is for async tests: mark this one with @pytest.mark.anyio or "
    "@pytest.mark.asyncio, or make a client yourself: "
    "sikoia_async.testing.client_of(sikoia_sandbox)"
)
