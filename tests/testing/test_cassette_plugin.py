"""Cassettes in users' test suites: one per test, recorded only on request."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from sikoia_async.sandbox import Sandbox

pytest.importorskip("pytest_asyncio", reason="the lowest versions are tested without it")

pytest_plugins = ["pytester"]

_LOAD = 'pytest_plugins = ["sikoia_async.testing.plugin"]\n'
_TESTS = """
    import pytest
    from sikoia_async.testing import client_of

    pytestmark = pytest.mark.anyio

    async def test_users(sikoia_cassette):
        async with client_of(sikoia_cassette) as sikoia:
            assert await sikoia.users.list()

    class TestCases:
        @pytest.mark.parametrize("kind", ["Business", "Consumer/one", "Consumer-one"])
        async def test_it(self, sikoia_cassette, kind):
            async with client_of(sikoia_cassette) as sikoia:
                await sikoia.cases.list(case_type=kind[:8])
"""

Suite = Callable[..., pytest.RunResult]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Return a function that runs a test suite with the plugin and with warnings as errors."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # The other plugins that are installed here take most of the time to start.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(tests: str, *arguments: str) -> pytest.RunResult:
        pytester.makeconftest(_LOAD)
        pytester.makeini("[pytest]\nstrict = true\nfilterwarnings = error\n")
        pytester.makepyfile(test_loans=tests)
        arguments = ("-p", "anyio", "-p", "no:cacheprovider", *arguments)
        return pytester.runpytest_subprocess(*arguments, timeout=120)

    return run


def test_a_suite_is_recorded_once_and_then_replayed(
    suite: Suite, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaying needs no environment."""
    with monkeypatch.context() as variables, Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            variables.setenv(name, value)
        recorded = suite(_TESTS, "--sikoia-record")
        sent = [one.operation for one in sandbox.ledger if one.operation != "POST /token"]

    recorded.assert_outcomes(passed=8)
    recorded.stdout.fnmatch_lines(["sikoia: recording cassettes, which may cost money"])
    # Each test runs on two event loops.
    assert sorted(map(str, sent)) == ["GET /v2/cases"] * 3 + ["GET /v2/users"]
    replayed = suite(_TESTS)
    replayed.assert_outcomes(passed=8)
    replayed.stdout.no_fnmatch_line("*cost money*")

    folder = pytester.path / "cassettes" / "test_loans"
    files = sorted(str(one.relative_to(folder)) for one in folder.rglob("*.json"))
    assert files == [
        "TestCases/test_it-Business.json",
        "TestCases/test_it-Consumer-one-045db5fa.json",
        "TestCases/test_it-Consumer-one.json",
        "test_users.json",
    ]
    assert {stat.S_IMODE((folder / one).stat().st_mode) for one in files} == {0o600}


def test_a_test_without_a_cassette_fails_and_sends_nothing(
    suite: Suite, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if an environment is configured, the test does not use it."""
    with Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)
        result = suite(_TESTS, "-k", "test_users and asyncio")
        assert len(sandbox.ledger) == 0

    result.assert_outcomes(errors=1, deselected=7)
    result.stdout.fnmatch_lines(["*CassetteError: run pytest --sikoia-record to record*"])
    assert not os.path.lexists(pytester.path / "cassettes")


def test_an_error_that_the_test_catches_fails_it(suite: Suite, pytester: pytest.Pytester) -> None:
    """The error is raised when the test ends."""
    folder = pytester.path / "cassettes" / "test_loans"
    folder.mkdir(parents=True)
    Path(folder, "test_it.json").write_text('{"version": 1, "salt": "x", "interactions": []}')

    result = suite(
        """
    import contextlib, pytest
    from sikoia_async.testing import client_of

    @pytest.mark.parametrize("anyio_backend", ["asyncio"])
    @pytest.mark.anyio
    async def test_it(sikoia_cassette):
        async with client_of(sikoia_cassette) as sikoia:
            with contextlib.suppress(Exception):
                await sikoia.users.list()
    """,
    )

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*CassetteError: *GET /v2/users was not recorded*next: nothing*"])


def test_with_pytest_asyncio(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture works with pytest-asyncio too."""
    tests = _TESTS.replace("mark.anyio", "mark.asyncio")
    arguments = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
    with monkeypatch.context() as variables, Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            variables.setenv(name, value)
        suite(tests, *arguments, "--sikoia-record").assert_outcomes(passed=4)

    suite(tests, *arguments).assert_outcomes(passed=4)
