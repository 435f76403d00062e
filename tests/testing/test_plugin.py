"""The pytest plugin in users' test suites, each in its own process."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("pytest_asyncio", reason="the lowest versions are tested without it")

pytest_plugins = ["pytester"]

_LOAD = 'pytest_plugins = ["sikoia_async.testing.plugin"]\n'
_STRICT = "[pytest]\nstrict = true\nfilterwarnings = error\n"
_TWO_TESTS = """
    async def test_a_case_is_created(sikoia, sikoia_sandbox):
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        assert len(sikoia_sandbox.state.cases) == 1
        assert (await sikoia.cases.retrieve(case.case_id)).name == "Loan"

    async def test_state_is_not_shared(sikoia, sikoia_sandbox):
        assert not sikoia_sandbox.state.cases
        assert await sikoia.users.list()
"""
_FIXTURE = """
    async def case(sikoia):
        case = await sikoia.cases.create(name="Loan", case_type="Business")
        yield case
        await sikoia.cases.delete(case.case_id)
"""

WITHOUT = ("-p", "no:asyncio")

Suite = Callable[..., pytest.RunResult]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Return a function that runs a test suite with the plugin and with warnings as errors."""
    # Resources that are not closed are reported when they are garbage collected.
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    # The other plugins that are installed here take most of the time to start.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(tests: str, *arguments: str, ini: str = "", conftest: str = "") -> pytest.RunResult:
        pytester.makeconftest(_LOAD + conftest)
        scope = ""
        if WITHOUT[1] not in arguments:
            scope = "asyncio_default_fixture_loop_scope = function\n"
            arguments = ("-p", "pytest_asyncio.plugin", *arguments)
        pytester.makeini(_STRICT + scope + ini)
        pytester.makepyfile(tests)
        arguments = ("-p", "anyio", "-p", "no:cacheprovider", *arguments)
        return pytester.runpytest_subprocess(*arguments, timeout=120)

    return run


ANYIO = "import pytest\n    pytestmark = pytest.mark.anyio\n"
ASYNCIO = "import pytest\n    pytestmark = pytest.mark.asyncio\n"


@pytest.mark.parametrize(
    "tls", ["", "    pytestmark = [pytestmark, pytest.mark.sikoia(tls=True)]\n"]
)
def test_with_anyio_on_both_event_loops(suite: Suite, tls: str) -> None:
    """Each test has its own client and local Sikoia; no socket is left open."""
    result = suite(f"    {ANYIO}{tls}{_TWO_TESTS}", *WITHOUT)

    result.assert_outcomes(passed=4)


@pytest.mark.parametrize(
    "tls", ["", "    pytestmark = [pytestmark, pytest.mark.sikoia(tls=True)]\n"]
)
@pytest.mark.parametrize("loop", ["", "(loop_scope='module')", "(loop_scope='session')"])
def test_with_pytest_asyncio(suite: Suite, loop: str, tls: str) -> None:
    """It works in strict mode, with every loop scope."""
    marks = ASYNCIO.replace("mark.asyncio", f"mark.asyncio{loop}")
    result = suite(f"    {marks}{tls}{_TWO_TESTS}")

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("default", ["", "asyncio_default_test_loop_scope = session\n"])
def test_with_pytest_asyncio_in_auto_mode(suite: Suite, default: str) -> None:
    """Tests and fixtures need no marks."""
    result = suite(_TWO_TESTS, ini="asyncio_mode = auto\n" + default)

    result.assert_outcomes(passed=2)


def test_with_both_plugins_in_one_suite(suite: Suite) -> None:
    """Each test gets the client of the plugin that runs it."""
    result = suite("""
        import pytest

        @pytest.mark.anyio
        async def test_one(sikoia):
            assert await sikoia.users.list()

        @pytest.mark.asyncio
        async def test_other(sikoia):
            assert await sikoia.users.list()
    """)

    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("mark", "fixture", "passed"),
    [("anyio", "pytest.fixture", 2), ("asyncio", "pytest_asyncio.fixture", 1)],
)
def test_fixtures_may_use_the_client(
    suite: Suite, mark: str, fixture: str, passed: int, *, tls: bool
) -> None:
    """The client is closed after all fixtures that use it."""
    result = suite(f"""
    import pytest, pytest_asyncio
    pytestmark = [pytest.mark.{mark}, pytest.mark.sikoia(tls={tls})]

    @{fixture}{_FIXTURE}
    async def test_it(sikoia, case):
        assert (await sikoia.cases.retrieve(case.case_id)).name == "Loan"
    """)

    result.assert_outcomes(passed=passed)


def test_the_client_is_closed(suite: Suite) -> None:
    """It is closed after the test, in the event loop of the test."""
    result = suite(f"""
    {ANYIO}
    clients = []

    async def test_it(sikoia):
        await sikoia.users.list()
        clients.append(sikoia)

    async def test_the_client_was_closed():
        from sikoia_async import ClientStateError
        with pytest.raises(ClientStateError, match="closed"):
            await clients[-1].users.list()
    """)

    result.assert_outcomes(passed=4)


def test_a_sync_test_has_no_client(suite: Suite) -> None:
    """The error says what to do; the local Sikoia is available."""
    result = suite("""
        def test_it(sikoia):
            raise AssertionError

        def test_the_sandbox(sikoia_sandbox):
            assert sikoia_sandbox.url == "https://localhost:1"
    """)

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*the fixture sikoia needs an async test: mark it with*"])


def test_marks_are_combined(suite: Suite) -> None:
    """The mark of a test overrides that of its module; the client has the same rate limit."""
    result = suite(f"""
    {ANYIO}
    from sikoia_async.sandbox import Rate
    RATE = Rate(requests_per_window=5)
    pytestmark = [pytestmark, pytest.mark.sikoia(seed=7, rate=RATE, tls=True)]

    @pytest.mark.sikoia(tls=False, seed=8)
    async def test_it(sikoia, sikoia_sandbox):
        from sikoia_async.testing import MemorySandbox
        assert isinstance(sikoia_sandbox, MemorySandbox)
        with MemorySandbox(seed=8) as same:
            assert sikoia_sandbox.client_id == same.client_id
        assert sikoia.stats().quota_left == 5
    """)

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("seeds=7", "unknown argument seeds; the closest are seed, *"),
        ("7", "expected keyword arguments, such as sikoia(seed=7)"),
        ("tls=1", "tls: expected True or False"),
    ],
)
def test_an_invalid_mark_fails_the_test(suite: Suite, arguments: str, complaint: str) -> None:
    """The error says what is wrong, without a traceback."""
    result = suite(f"""
    import pytest

    @pytest.mark.sikoia({arguments})
    def test_it(sikoia_sandbox):
        raise AssertionError
    """)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([complaint.join(["pytest.mark.sikoia: ", ""])])
    assert "plugin.py" not in result.stdout.str()


def test_a_failure_shows_faults_and_requests(suite: Suite) -> None:
    """The report has the seed, the faults and the requests, and no personal data."""
    result = suite(
        f"""
    {ANYIO}
    @pytest.mark.sikoia(seed=7)
    async def test_it(sikoia, sikoia_sandbox):
        await sikoia.users.list()
        sikoia_sandbox.faults.add("GET /v2/users", status=503, retry_after=0)
        sikoia_sandbox.faults.add("*", status=500, nth=90)
        sikoia_sandbox.faults.add("*", headers={{"X-Odd": "yes"}})
        with pytest.raises(Exception, match="404"):
            await sikoia.request("GET", "/v2/nowhere/0123")
        await sikoia.with_options(correlation_id="mine").users.list()
        case = await sikoia.cases.create(name="Wilma's loan", case_type="Business")
        await sikoia.with_options(correlation_id="last").cases.retrieve(case.case_id)
        assert case.name == "Loan"

    async def test_that_passes(sikoia):
        await sikoia.users.list()
    """,
        "-k",
        "trio",
        *WITHOUT,
        "-rP",
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*local Sikoia*",
            "to reproduce: @pytest.mark.sikoia(seed=7)",
            "fault triggered: GET /v2/nowhere/{id}: headers=*",
            "fault triggered: GET /v2/users: status=503, retry_after=0",
            "fault not triggered yet: [*]: status=500",
            "POST /token: 201 (correlation id *)",
            "GET /v2/users: 200 (correlation id *)",
            "GET /v2/nowhere/{id}: 404 (correlation id *)",
            "GET /v2/users: 503 (correlation id mine)",
            "GET /v2/users: 200 (correlation id mine)",
            "POST /v2/cases: 201 (correlation id *)",
            "GET /v2/cases/{id}: 200 (correlation id last)",
        ]
    )
    assert len(re.findall("to reproduce", result.stdout.str())) == 1


def test_a_failure_shows_code_for_the_faults(suite: Suite) -> None:
    """Each fault of a request or a delivery is one line of code; long lines are cut."""
    result = suite("""
    from sikoia_async.sandbox.faults.deliveries import DeliveryFaults

    def test_it(sikoia_sandbox):
        sikoia_sandbox.faults.inject("gateway page", "GET /v2/users")
        sikoia_sandbox.faults.add("*", body=b"x" * 9000)
        deliveries = sikoia_sandbox.deliveries.faults
        deliveries.inject("doubled")
        deliveries.take("PayslipProcessing.Completed")
        deliveries.inject("lost", "PayslipProcessing.Completed")
        raise AssertionError

    def test_without(sikoia_sandbox):
        raise AssertionError
    """)

    page = "body=b'<html><h1>502 Bad Gateway</h1></html>', headers={'Content-Type': 'text/html'}"
    plans = "sandbox.faults.add", "sandbox.deliveries.faults.add"
    result.stdout.fnmatch_lines(
        [
            "fault not triggered yet: GET /v2/users: status=502, body=*",
            "delivery fault triggered: PayslipProcessing.Completed: repeat=1",
            "delivery fault not triggered yet: PayslipProcessing.Completed: drop=True",
            "to plan the same faults:",
            f"{plans[0]}('GET /v2/users', status=502, {page})",
            f"{plans[0]}('[*]', body=b'xxx*xxx… (complete in script() of the plan)",
            f"{plans[1]}('[*]', repeat=1)",
            f"{plans[1]}('PayslipProcessing.Completed', drop=True)  # deliveries before this: 1",
        ]
    )
    shown = result.stdout.str()
    assert shown.count("to plan the same faults:") == 1
    assert max(map(len, re.findall("b'(x+)", shown))) < 1000


def test_a_failure_on_a_socket_shows_tls(suite: Suite) -> None:
    """The mark in the report reproduces the local Sikoia completely."""
    result = suite("""
    import pytest

    @pytest.mark.sikoia(tls=True)
    def test_it(sikoia_sandbox):
        raise AssertionError

    def test_without(request):
        raise AssertionError
    """)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["to reproduce: @pytest.mark.sikoia(seed=0, tls=True)"])
    assert result.stdout.str().count("local Sikoia") == 1


def test_the_mark_takes_scenarios(suite: Suite) -> None:
    """Objects and files are accepted, as by `create_app`."""
    Path("shop.toml").write_text(
        "[[scenario]]\nname = 'shy'\nperson = 'Wilma Shy'\npeps_sanctions = 3\n", "utf-8"
    )
    result = suite(f"""
    {ANYIO}
    from sikoia_async import NewPerson
    from sikoia_async.sandbox import Scenario

    CROWD = Scenario(name="crowd", company_name="Crowd", matches=4)

    @pytest.mark.sikoia(scenarios=[CROWD, "shop.toml"])
    async def test_it(sikoia, sikoia_sandbox):
        assert [one.name for one in sikoia_sandbox.scenarios][:2] == ["crowd", "shy"]
        found = await sikoia.company_registry.search(company_name="Crowd", country_code="GB")
        assert len(found) == 4
        wilma = NewPerson(first_name="Wilma", last_name="Shy")
        case = await sikoia.cases.create(name="Loan", case_type="Consumer", persons=[wilma])
        search = await sikoia.screening.search_peps_sanctions(case.persons[0])
        assert search.total_matches == 3
    """)

    result.assert_outcomes(passed=2)


def test_workers_share_nothing(suite: Suite) -> None:
    """Under pytest-xdist each test has its own local Sikoia, on a free port."""
    result = suite(
        f"""
    {ANYIO}
    pytestmark = [pytestmark, pytest.mark.sikoia(tls=True)]

    @pytest.mark.parametrize("number", range(6))
    async def test_it(sikoia, sikoia_sandbox, number):
        for _ in range(number):
            await sikoia.cases.create(name="Loan", case_type="Business")
        assert len(await sikoia.cases.list()) == number == len(sikoia_sandbox.state.cases)
    """,
        "-p",
        "xdist",
        "-n",
        "2",
    )

    result.assert_outcomes(passed=12)


def test_the_plugin_is_not_loaded_automatically(pytester: pytest.Pytester) -> None:
    """It is loaded by `pytest_plugins` or `-p`."""
    pytester.makepyfile("def test_it(sikoia_sandbox): pass")

    without = pytester.runpytest_subprocess()
    loaded = pytester.runpytest_subprocess("-p", "sikoia_async.testing.plugin")

    without.assert_outcomes(errors=1)
    loaded.assert_outcomes(passed=1)
    markers = pytester.runpytest_subprocess("-p", "sikoia_async.testing.plugin", "--markers")
    markers.stdout.fnmatch_lines(["@pytest.mark.sikoia([*], tls=False, seed=0, *"])


def test_the_plugin_loads_five_modules() -> None:
    """Besides pytest, it loads five small modules of this package and no dependencies."""
    script = (
        "import sys, pytest, typing, importlib\n"
        "before = set(sys.modules)\n"
        "import sikoia_async.testing.plugin\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    ).stdout.split()

    assert loaded == [
        "sikoia_async",
        "sikoia_async._version",
        "sikoia_async.testing",
        "sikoia_async.testing.fixtures",
        "sikoia_async.testing.plugin",
    ]


def test_code_that_creates_its_own_client_finds_the_local_sikoia(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the variables of the developer's shell, which are back afterwards."""
    monkeypatch.setenv("SIKOIA_CLIENT_ID", "the-developers")
    monkeypatch.setenv("SIKOIA_OTHER", "the-developers")
    result = suite(
        """
        import os
        import pytest
        from sikoia_async import Sikoia

        @pytest.mark.anyio
        async def test_a_call(sikoia_variables, sikoia_sandbox):
            assert sikoia_variables == sikoia_sandbox.variables
            assert "SIKOIA_OTHER" not in os.environ
            async with Sikoia() as sikoia:
                assert await sikoia.users.list()
            assert len(sikoia_sandbox.ledger) == 2

        def test_afterwards():
            assert os.environ["SIKOIA_CLIENT_ID"] == "the-developers"
        """,
        *WITHOUT,
    )
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("plugin", ["anyio", "asyncio"])
def test_a_quota_is_waited_for_in_virtual_time(suite: Suite, plugin: str) -> None:
    """As the documentation sets it up, with each of the plugins."""
    with_anyio = """
        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return virtual_backend(request.param)

        pytestmark = [pytest.mark.anyio]
    """
    with_asyncio = """
        pytestmark = [pytest.mark.asyncio]
    """
    start = """
        import time
        import anyio
        import pytest
        from sikoia_async.sandbox import Rate, Time
        from sikoia_async.testing import virtual_backend, virtual_time
    """
    test = """
        @pytest.mark.sikoia(rate=Rate(requests_per_window=5), time=Time(clock=virtual_time))
        async def test_eleven_calls_take_two_minutes(sikoia):
            before = time.monotonic()
            with anyio.move_on_after(1000):
                for _ in range(11):
                    await sikoia.with_options(timeout=1000).users.list()
            assert 100 < virtual_time() < 300
            assert time.monotonic() - before < 60
    """
    setup, arguments = (with_anyio, WITHOUT) if plugin == "anyio" else (with_asyncio, ())
    result = suite(
        start + setup + test,
        *arguments,
        conftest=(
            "def pytest_asyncio_loop_factories():\n"
            "    from sikoia_async.testing import VirtualEventLoop\n"
            "    return {'virtual': VirtualEventLoop}\n"
            if plugin == "asyncio"
            else ""
        ),
    )
    result.assert_outcomes(passed=2 if plugin == "anyio" else 1)


def test_two_plugins_for_one_test_are_refused(suite: Suite) -> None:
    """In auto mode, pytest-asyncio takes tests that are marked for anyio, too."""
    tests = """
        import pytest

        @pytest.mark.anyio
        async def test_both(sikoia):
            pass

        async def test_one(sikoia):
            assert await sikoia.users.list()
    """
    result = suite(tests, ini="asyncio_mode = auto\n")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*two plugins would run this test*asyncio_mode = strict*"])


_PAGES = Path(__file__).parents[2] / "docs" / "pages"


def _blocks(page: str, language: str) -> list[str]:
    text = (_PAGES / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


_TESTS = [
    block
    for page in ("testing.md", "first-tests.md")
    for block in _blocks(page, "py")
    if "async def test_" in block and block.startswith("import pytest")
]


@pytest.mark.parametrize("number", range(len(_TESTS)))
def test_the_suites_of_the_documentation_run(
    suite: Suite, number: int, pytester: pytest.Pytester
) -> None:
    """Those that are complete, as they are on the page, beside the module that one tests."""
    pytester.makepyfile(loans=_blocks("first-tests.md", "python")[0])
    result = suite(_TESTS[number], *WITHOUT)
    outcomes = result.parseoutcomes()
    assert outcomes.get("passed", 0) >= 1
    assert not {"failed", "errors", "error"} & outcomes.keys()
