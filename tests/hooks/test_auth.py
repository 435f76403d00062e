"""The authorization hooks, each by itself."""

import anyio
import attrs
import httpx
import pytest
from faults import request_to

from sikoia_async._auth.secret import Secret
from sikoia_async._hooks.auth import Authorize, DiscardRefusedToken, SendApiKey
from sikoia_async._transport.types import state_of
from sikoia_async.errors import ConfigurationError

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]

_URL = "https://api.example/v2/cases"


@attrs.define
class _Source:
    """Provides one token, and records the tokens that were refused."""

    renewable: bool = True
    refused: list[str] = attrs.field(factory=list[str])

    async def get(self) -> str:
        await anyio.sleep(3)
        return "hunter2"

    def forget(self, token: str) -> bool:
        self.refused.append(token)
        return self.renewable


def _request() -> httpx.Request:
    return request_to(_URL, headers={"Authorization": "Bearer hunter2"})


async def test_a_request_carries_the_token_and_its_time_is_recorded() -> None:
    """The header is a bearer token, and the wait for it counts as `token`."""
    request = _request()

    await Authorize(_Source())(request)

    assert request.headers["Authorization"] == "Bearer hunter2"
    assert state_of(request).stopwatch.spent() == {"rate_limit": 0, "token": 3}


@pytest.mark.parametrize("renewable", [True, False])
async def test_a_401_discards_the_refused_token(*, renewable: bool) -> None:
    """The state of the request says whether a new token can be obtained."""
    source, request = _Source(renewable), _request()

    await DiscardRefusedToken(source)(httpx.Response(401, request=request))

    assert source.refused == ["hunter2"]
    assert state_of(request).can_renew_token is renewable


@pytest.mark.parametrize("status", [200, 202, 400, 403, 500])
async def test_other_responses_keep_the_token(status: int) -> None:
    """A 403 is about permissions and credits, which a new token does not change."""
    source, request = _Source(), _request()

    await DiscardRefusedToken(source)(httpx.Response(status, request=request))

    assert not source.refused
    assert not state_of(request).can_renew_token


async def test_a_401_without_its_token_discards_nothing() -> None:
    """A transport of the caller's may have removed the header."""
    source, request = _Source(), request_to(_URL)

    await DiscardRefusedToken(source)(httpx.Response(401, request=request))

    assert not source.refused
    assert not state_of(request).can_renew_token


async def test_a_request_without_state_is_an_error_of_ours() -> None:
    """The message names what is missing; there is no KeyError."""
    hook = Authorize(_Source())

    with pytest.raises(ConfigurationError, match=r'^request.extensions\["sikoia"\]: missing'):
        await hook(httpx.Request("GET", _URL))


async def test_a_legacy_key_has_its_own_header() -> None:
    """Customers from before 2024 send `apikey`; no repr shows it."""
    hook, request = SendApiKey(Secret("api_key", "hunter2")), _request()

    await hook(request)

    assert request.headers["apikey"] == "hunter2"
    assert "hunter2" not in repr(hook)
