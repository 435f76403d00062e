"""respx, pytest-httpx and vcrpy mock or record the SDK's own connections."""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from sikoia_async import (
    STAGING,
    Entity,
    ResourceNotFoundError,
    ServerError,
    Sikoia,
)
from sikoia_async.environments import local
from sikoia_async.errors import ConnectionFailedError
from sikoia_async.sandbox import Sandbox

_SKIPPED: Final = "the lowest versions are tested without it"
respx: Any = pytest.importorskip("respx", reason=_SKIPPED)
pytest.importorskip("pytest_httpx", reason=_SKIPPED)
vcr: Any = pytest.importorskip("vcr", reason=_SKIPPED)

pytestmark = pytest.mark.anyio

_TOKEN: Final = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
_USERS: Final = f"{STAGING.api}/v2/users"
_INCOME: Final = f"{STAGING.api}/v2/income-employer"
_PERSON: Final = Entity("person", "11111111-1111-4111-8111-111111111111")


class _Tool:
    """A tool that mocks HTTP."""

    not_mocked: type[Exception]
    """What a call raises that is not mocked."""

    def client(self) -> Sikoia:
        """Return a client whose requests it mocks."""
        return Sikoia("id", "secret", environment=STAGING)

    def respond(self, method: str, url: str, *outcomes: httpx.Response | Exception) -> None:
        """Mock the responses to requests, one after the other."""
        raise NotImplementedError

    def sent(self, url: str) -> int:
        """Return the number of requests to this URL."""
        raise NotImplementedError


class _Respx(_Tool):
    not_mocked = AssertionError

    def __init__(self, router: Any) -> None:
        self._router = router
        router.post(STAGING.token_url).respond(201, json=_TOKEN)

    def respond(self, method: str, url: str, *outcomes: httpx.Response | Exception) -> None:
        self._router.route(method=method, url=url).mock(side_effect=[*outcomes])

    def sent(self, url: str) -> int:
        return sum(str(one.request.url) == url for one in self._router.calls)


class _RespxTransport(_Respx):
    """A router as a transport: no method is replaced."""

    def __init__(self) -> None:
        super().__init__(respx.Router())

    def client(self) -> Sikoia:
        transport = httpx.MockTransport(self._router.async_handler)
        return Sikoia("id", "secret", environment=STAGING, transport=transport)


class _PytestHttpx(_Tool):
    not_mocked = ConnectionFailedError

    def __init__(self, mock: Any) -> None:
        self._mock = mock
        mock.add_response(method="POST", url=STAGING.token_url, status_code=201, json=_TOKEN)

    def respond(self, method: str, url: str, *outcomes: httpx.Response | Exception) -> None:
        for one in outcomes:
            if isinstance(one, Exception):
                self._mock.add_exception(one, method=method, url=url)
            else:
                status, body = one.status_code, one.content
                self._mock.add_response(status, method=method, url=url, content=body)

    def sent(self, url: str) -> int:
        return len(self._mock.get_requests(url=url))


@pytest.fixture(params=["respx", "respx with httpx", "respx's router", "pytest-httpx"])
def tool(request: pytest.FixtureRequest) -> _Tool:
    """Return a tool that mocks access tokens."""
    if request.param == "respx's router":
        return _RespxTransport()
    if request.param == "pytest-httpx":
        return _PytestHttpx(request.getfixturevalue("httpx_mock"))
    if request.param == "respx with httpx":
        request.applymarker(pytest.mark.respx(using="httpx"))
    return _Respx(request.getfixturevalue("respx_mock"))


@pytest.mark.virtual_time
async def test_a_token_and_a_call_are_mocked(tool: _Tool) -> None:
    """A response that can be retried is."""
    tool.respond("GET", _USERS, httpx.Response(503), httpx.Response(200, json=[]))
    async with tool.client() as sikoia:
        assert await sikoia.users.list() == ()

    assert tool.sent(STAGING.token_url) == 1
    assert tool.sent(_USERS) == 2


@pytest.mark.virtual_time
async def test_a_mocked_error_is_raised(tool: _Tool) -> None:
    """As the class for its status, with what its body says."""
    tool.respond("GET", _USERS, httpx.Response(404, json={"title": "Not found"}))
    async with tool.client() as sikoia:
        with pytest.raises(ResourceNotFoundError, match="Not found"):
            await sikoia.users.list()


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (httpx.ReadTimeout("too slow"), ConnectionFailedError),
        (httpx.Response(500), ServerError),
    ],
    ids=["no response", "500"],
)
async def test_a_mocked_purchase_is_not_repeated(
    tool: _Tool, outcome: httpx.Response | Exception, error: type[Exception]
) -> None:
    """It may have been processed."""
    tool.respond("POST", _INCOME, outcome)
    async with tool.client() as sikoia:
        with pytest.raises(error):
            await sikoia.income.request(_PERSON)

    assert tool.sent(_INCOME) == 1


@pytest.mark.virtual_time
@pytest.mark.httpx_mock(assert_all_requests_were_expected=False)
async def test_a_call_that_is_not_mocked_fails(tool: _Tool) -> None:
    """With respx's own error. pytest-httpx raises an error of httpx, and lets the test fail."""
    tool.respond("GET", _USERS, httpx.Response(200, json=[]))
    async with tool.client() as sikoia:
        await sikoia.users.list()
        with pytest.raises(tool.not_mocked):
            await sikoia.cases.list()


async def test_vcrpy_replays_what_it_recorded(tmp_path: Path) -> None:
    """Responses, errors, and a purchase that failed, once."""
    path = tmp_path / "calls.yaml"

    async def calls(sikoia: Sikoia) -> int:
        users = await sikoia.users.list()
        with pytest.raises(ResourceNotFoundError):
            await sikoia.cases.retrieve(_PERSON.id)
        with pytest.raises(ServerError):
            await sikoia.income.request(_PERSON)
        return len(users)

    with Sandbox() as sandbox:

        def client(**options: Any) -> Sikoia:
            known = sandbox.client_id, sandbox.client_secret
            return Sikoia(*known, environment=local(sandbox.url), **options)

        sandbox.faults.add("POST /v2/income-employer", status=500)
        with vcr.use_cassette(path, record_mode="once"):
            async with client(tls=sandbox.ca_file) as sikoia:
                recorded = await calls(sikoia)
        purchases = [one for one in sandbox.ledger if one.operation == "POST /v2/income-employer"]
        assert len(purchases) == 1

    with vcr.use_cassette(path, record_mode="none") as cassette:
        async with client() as sikoia:
            assert await calls(sikoia) == recorded
            assert cassette.all_played
            with pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException):
                await sikoia.cases.list()
