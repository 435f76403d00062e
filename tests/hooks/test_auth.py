"""The hooks of authorization, each alone."""

import anyio
import attrs
import httpx
import pytest

from sikoia_async._auth.secret import Secret
from sikoia_async._hooks.auth import Authorize, ForgetRefused, SendApiKey
from sikoia_async._transport.exchange import build
from sikoia_async._transport.stopwatch import Stopwatch

pytestmark = [pytest.mark.anyio, pytest.mark.virtual_time]


@attrs.define
class _Source:
    """Gives one token, and notes which were refused."""

    renewable: bool = True
    refused: list[str] = attrs.field(factory=list[str])

    async def get(self) -> str:
        await anyio.sleep(3)
        return "hunter2"

    def forget(self, token: str) -> bool:
        self.refused.append(token)
        return self.renewable


def _request(watch: Stopwatch | None = None) -> httpx.Request:
    watch = watch or Stopwatch(anyio.current_time, "quota")
    headers = {"Authorization": "Bearer hunter2"}
    return build("GET", "https://api.example/v2/cases", headers, b"", watch)


async def test_a_request_carries_the_token_and_its_time_is_noted() -> None:
    """What is waited for the token counts as that, and the header is a bearer's."""
    watch = Stopwatch(anyio.current_time, "quota")
    request = _request(watch)

    await Authorize(_Source())(request)

    assert request.headers["Authorization"] == "Bearer hunter2"
    assert watch.spent() == {"quota": 0, "token": 3}


@pytest.mark.parametrize("renewable", [True, False])
async def test_a_401_forgets_the_token_that_it_refused(*, renewable: bool) -> None:
    """The transport reads off the request whether a replay makes sense."""
    source, request = _Source(renewable), _request()

    await ForgetRefused(source)(httpx.Response(401, request=request))

    assert source.refused == ["hunter2"]
    assert request.extensions["renewable"] is renewable


@pytest.mark.parametrize("status", [200, 202, 400, 403, 500])
async def test_no_other_answer_forgets_the_token(status: int) -> None:
    """A 403 is about permissions and credits, and a new token would have no more of them."""
    source, request = _Source(), _request()

    await ForgetRefused(source)(httpx.Response(status, request=request))

    assert not source.refused
    assert "renewable" not in request.extensions


async def test_a_legacy_key_goes_into_its_own_header() -> None:
    """Customers from before 2024 send `apikey`; no repr shows it."""
    hook, request = SendApiKey(Secret("api_key", "hunter2")), _request()

    await hook(request)

    assert request.headers["apikey"] == "hunter2"
    assert "hunter2" not in repr(hook)
