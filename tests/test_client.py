"""The client: what it is given, and what it gives."""

import gzip
import json
import os
import ssl
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from scripted import Reply, Scripted, scripted

from sikoia_async import (
    PRODUCTION,
    STAGING,
    ClientStateError,
    ConfigurationError,
    Environment,
    Items,
    Quota,
    Sikoia,
    correlation_id,
)
from sikoia_async.environments import local
from sikoia_async.resources.cases import CaseSummary
from sikoia_async.sandbox import Sandbox

_CASE = {"case_id": "c-1", "name": "Acme Ltd loan", "case_type": "Business", "stage": "New"}
_SECRET = "canary-5f1d"


@pytest.fixture
def sikoia_server() -> Iterator[Scripted]:
    """Run a Sikoia that answers with a case."""
    with scripted() as server:
        server.says(Reply(200, _CASE))
        yield server


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "no credentials: pass client_id"),
        ({"client_id": "an-id"}, "client_secret is missing: pass client_id"),
        ({"client_secret": _SECRET}, "client_id is missing: pass client_id"),
        ({"client_id": "an-id", "client_secret": ""}, "client_secret is empty"),
        ({"client_id": "an-id", "client_secret": f"{_SECRET}\n"}, "client_secret is malformed"),
        ({"client_id": "an-id", "client_secret": f"{_SECRET}é"}, "client_secret is malformed"),
        ({"client_id": "an id", "client_secret": _SECRET}, "client_id is malformed"),
        ({"token": f"{_SECRET}\r\n"}, "token is malformed"),
        ({"token": ""}, "token is empty"),
        ({"api_key": ""}, "api_key is empty"),
        ({"token": _SECRET, "client_id": "an-id"}, "but not several of them"),
        ({"client_id": 1, "client_secret": _SECRET}, "client_id is malformed"),
        ({"token": _SECRET.encode()}, "token is malformed"),
        ({"token": "t", "timeout": 0}, "timeout: expected seconds"),
        ({"token": "t", "timeout": -1}, "timeout: expected seconds"),
        ({"token": "t", "timeout": None}, "timeout: expected seconds"),
        ({"token": "t", "timeout": "5"}, "timeout: expected seconds"),
        ({"token": "t", "timeout": float("nan")}, "timeout: expected seconds"),
        ({"token": "t", "timeout": float("inf")}, "timeout: expected seconds"),
        ({"token": "t", "retries": -1}, "retries: expected a whole number"),
        ({"token": "t", "max_in_flight": 0}, "max_in_flight: expected a whole number"),
        ({"token": "t", "max_in_flight": 2.5}, "max_in_flight: expected a whole number"),
        ({"token": "t", "max_body": 0}, "max_body: expected a whole number"),
        ({"token": "t", "max_error_body": 0}, "max_error_body: expected a whole number"),
        ({"token": "t", "quota": 200}, "quota: expected a Quota"),
        ({"token": "t", "environment": "staging"}, "environment: expected PRODUCTION, STAGING"),
        ({"token": "t", "tls": 3}, "tls: expected an SSLContext"),
        ({"token": "t", "proxy": f"user:{_SECRET}@proxy:3128"}, "proxy: give the address"),
        ({"token": "t", "proxy": "socks5://proxy:1080"}, "proxy: give the address"),
        ({"token": "t", "tls": "/nowhere/ca.pem"}, "cannot be read"),
        (
            {
                "token": "t",
                "transport": httpx.MockTransport(lambda _: httpx.Response(200)),
                "proxy": "http://p:1",
            },
            "set yours up with them",
        ),
    ],
)
def test_a_wrong_set_up_is_refused_at_once(options: dict[str, Any], says: str) -> None:
    """Each mistake gives an error that says what to do, and that repeats no secret."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        Sikoia(**options)

    assert _SECRET not in str(caught.value)


def test_a_transport_and_a_client_contradict_each_other() -> None:
    """Only one of the two can carry the requests."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200))

    with pytest.raises(ConfigurationError, match="not both"):
        Sikoia(token="t", transport=transport, http_client=httpx.AsyncClient(transport=transport))


def test_a_quota_of_nothing_is_refused() -> None:
    """Pacing is switched off by None, not by 0."""
    with pytest.raises(ConfigurationError, match="quota=None"):
        Quota(0)


def test_production_is_the_default() -> None:
    """Where nothing names an environment it is production."""
    sikoia = Sikoia("an-id", "a-secret")

    assert sikoia.environment == PRODUCTION
    assert repr(sikoia) == "<Sikoia production>"


def test_an_argument_makes_the_variable_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a broken SIKOIA_ENVIRONMENT does not matter where an argument is given."""
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "nonsense")

    assert Sikoia("an-id", "a-secret", environment=STAGING).environment == STAGING


def test_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIKOIA_ENVIRONMENT names production, staging or a local Sikoia, and nothing else."""
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "prod")

    with pytest.raises(ConfigurationError, match="give production, staging, or the address"):
        Sikoia("an-id", "a-secret")


@pytest.mark.anyio
async def test_everything_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `sikoia sandbox` prints is all that `Sikoia()` needs."""
    with Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)

        async with Sikoia() as sikoia:
            users = await sikoia.users.list()

    assert users
    assert sikoia.environment.name == "local"


@pytest.mark.anyio
async def test_a_static_token_is_sent_as_it_is(sikoia_server: Scripted) -> None:
    """With token= nobody asks for one."""
    async with Sikoia(
        token="mine", environment=_environment(sikoia_server), tls=sikoia_server.tls
    ) as sikoia:
        await sikoia.cases.retrieve("c-1")

    assert sikoia_server.asked[0].headers["authorization"] == "Bearer mine"
    assert sikoia_server.tokens == 0


@pytest.mark.anyio
async def test_an_api_key_goes_in_its_own_header(sikoia_server: Scripted) -> None:
    """The legacy key stands in place of the token."""
    async with Sikoia(
        api_key="legacy", environment=_environment(sikoia_server), tls=sikoia_server.tls
    ) as sikoia:
        await sikoia.cases.retrieve("c-1")

    assert sikoia_server.asked[0].headers["apikey"] == "legacy"
    assert "authorization" not in sikoia_server.asked[0].headers


@pytest.mark.anyio
async def test_options_make_a_view(sikoia_server: Scripted) -> None:
    """A view shares connections and token, and changes what it was asked to change."""
    async with sikoia_server.client() as sikoia:
        view = sikoia.with_options(correlation_id="of-the-view", timeout=5, retries=0)
        await sikoia.cases.retrieve("c-1")
        await view.cases.retrieve("c-1")
        await view.with_options(timeout=6).cases.retrieve("c-1")

    sent = [asked.headers["x-correlation-id"] for asked in sikoia_server.asked]
    assert sent[1:] == ["of-the-view"] * 2
    assert sent[0] != "of-the-view"
    assert sikoia_server.tokens == 1


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"retries": -1},
        {"correlation_id": "a\nb"},
        {"correlation_id": ""},
        {"priority": "urgent"},
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any]) -> None:
    """A view is checked when it is made."""
    with pytest.raises(ConfigurationError):
        Sikoia(token="t").with_options(**options)


@pytest.mark.anyio
async def test_an_id_is_scoped_over_a_block(sikoia_server: Scripted) -> None:
    """Calls in the block send the block's id, those after it their own."""
    async with sikoia_server.client() as sikoia:
        with correlation_id("request-4711"):
            await sikoia.cases.retrieve("c-1")
        await sikoia.cases.retrieve("c-1")

    sent = [asked.headers["x-correlation-id"] for asked in sikoia_server.asked]
    assert sent[0] == "request-4711"
    assert sent[1] != "request-4711"


@pytest.mark.anyio
async def test_unknown_endpoints_can_be_called(sikoia_server: Scripted) -> None:
    """`request` sends method, query and body, and gives plain Python where no type is named."""
    async with sikoia_server.client() as sikoia:
        answer = await sikoia.request(
            "PUT",
            "/v2/new-things/1",
            query={"deep": True, "of": ["a", "b"]},
            body={"x": 1, "y": None},
        )

    assert answer == _CASE
    assert sikoia_server.asked[0].method == "PUT"
    assert sikoia_server.asked[0].path == "/v2/new-things/1?deep=true&of=a%2Cb"
    assert sikoia_server.asked[0].json == {"x": 1}


@pytest.mark.anyio
async def test_answers_of_any_type_are_given(sikoia_server: Scripted) -> None:
    """`into` takes models, lists of models, bytes, and nothing."""
    sikoia_server.says(Reply(200, [_CASE]))

    async with sikoia_server.client() as sikoia:
        cases = await sikoia.request("GET", "/v2/cases", into=Items[CaseSummary])
        raw = await sikoia.request("GET", "/v2/cases", into=bytes)
        await sikoia.request("GET", "/v2/cases", into=type(None))

    assert cases[0].case_id == "c-1"
    assert raw.startswith(b"[{")


@pytest.mark.parametrize(
    ("method", "path", "into", "says"),
    [
        ("get", "/v2/cases", object, "method: expected one of"),
        ("GET", "v2/cases", object, "path: give an absolute path"),
        ("GET", "//evil.example/", object, "path: give an absolute path"),
        ("GET", "https://evil.example/", object, "path: give an absolute path"),
        ("GET", "/v2/../admin", object, "path: give an absolute path"),
        ("GET", "/v2/cases?stage=New", object, "path: give an absolute path"),
        ("GET", "/v2/cases", lambda: None, "into: give an attrs class"),
    ],
)
@pytest.mark.anyio
async def test_a_wrong_request_is_refused(
    sikoia_server: Scripted, method: str, path: str, into: Any, says: str
) -> None:
    """Nothing is sent for a request that cannot be right."""
    async with sikoia_server.client() as sikoia:
        with pytest.raises(ConfigurationError, match=says):
            await sikoia.request(method, path, into=into)

    assert sikoia_server.asked == []


@pytest.mark.anyio
async def test_drift_is_told(sikoia_server: Scripted) -> None:
    """What the SDK does not know is counted, and the answer is good all the same."""
    sikoia_server.says(Reply(200, _CASE | {"colour": "blue", "stage": "Frozen"}))

    async with sikoia_server.client() as sikoia:
        case = await sikoia.cases.retrieve("c-1")

    assert case.stage == "Frozen"
    assert dict(sikoia.drift) == {"Case.colour: unknown field": 1, "Case.stage: unknown value": 1}


@pytest.mark.anyio
async def test_a_client_of_the_callers_is_used_and_left_open(sikoia_server: Scripted) -> None:
    """Its pool and its hooks serve, its credentials do not, and it stays open."""
    seen: list[str] = []

    async def hook(request: httpx.Request) -> None:
        seen.append(request.url.path)

    async with httpx.AsyncClient(
        verify=sikoia_server.tls, event_hooks={"request": [hook]}, auth=("me", "pw")
    ) as mine:
        async with Sikoia(
            "an-id", "a-secret", environment=_environment(sikoia_server), http_client=mine
        ) as sikoia:
            await sikoia.cases.retrieve("c-1")

        assert not mine.is_closed
    assert seen == ["/token", "/v2/cases/c-1"]
    assert sikoia_server.asked[0].headers["authorization"] == "Bearer token-1"


@pytest.mark.anyio
async def test_a_hook_of_the_callers_may_read_the_answer(sikoia_server: Scripted) -> None:
    """A response hook that reads the body, for its logs say, leaves the body to us as well."""
    compressed = gzip.compress(json.dumps(_CASE).encode())
    sikoia_server.says(Reply(200, compressed, {"Content-Encoding": "gzip"}))

    async with httpx.AsyncClient(
        verify=sikoia_server.tls, event_hooks={"response": [httpx.Response.aread]}
    ) as mine:
        sikoia = Sikoia(token="t", environment=_environment(sikoia_server), http_client=mine)
        async with sikoia:
            case = await sikoia.cases.retrieve("c-1")

    assert case.case_id == "c-1"


@pytest.mark.anyio
async def test_a_closed_client_of_the_callers_says_so(sikoia_server: Scripted) -> None:
    """A client that was closed behind our back is named as the cause."""
    mine = httpx.AsyncClient(verify=sikoia_server.tls)
    await mine.aclose()

    async with Sikoia(
        token="t", environment=_environment(sikoia_server), http_client=mine
    ) as sikoia:
        with pytest.raises(ClientStateError, match="http_client is closed"):
            await sikoia.cases.retrieve("c-1")


@pytest.mark.anyio
async def test_closing_twice_does_no_harm(sikoia_server: Scripted) -> None:
    """After the end nothing is sent, and ending again is nothing."""
    sikoia = sikoia_server.client()
    async with sikoia:
        pass
    await sikoia.aclose()

    with pytest.raises(ClientStateError, match="closed"):
        await sikoia.cases.retrieve("c-1")
    with pytest.raises(ClientStateError, match="closed"):
        await sikoia.__aenter__()
    assert sikoia_server.asked == []


@pytest.mark.anyio
async def test_the_environments_proxy_is_used_when_asked_for(
    sikoia_server: Scripted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With trust_env the process's proxy is asked, unless it is to be passed by."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(_pem(sikoia_server), encoding="ascii")

    async with Sikoia(
        token="t",
        environment=_environment(sikoia_server),
        tls=ca_file,
        trust_env=True,
        retries=0,
    ) as sikoia:
        with pytest.raises(Exception, match="could not be reached"):
            await sikoia.cases.retrieve("c-1")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    async with Sikoia(
        token="t", environment=_environment(sikoia_server), tls=str(ca_file), trust_env=True
    ) as sikoia:
        await sikoia.cases.retrieve("c-1")
    assert len(sikoia_server.asked) == 1
    assert "SSLKEYLOGFILE" not in os.environ


def _environment(server: Scripted) -> Environment:
    return local(server.url)


def _pem(server: Scripted) -> str:
    authorities = server.tls.get_ca_certs(binary_form=True)
    return "".join(ssl.DER_cert_to_PEM_cert(one) for one in authorities)


@pytest.mark.anyio
async def test_the_variables_authority_is_for_a_local_sikoia_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An authority that is left exported is never trusted for production."""
    monkeypatch.setenv("SIKOIA_CA_FILE", "/nowhere/ca.pem")

    assert Sikoia("an-id", "a-secret").environment == PRODUCTION
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "https://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Sikoia("an-id", "a-secret")


@pytest.mark.anyio
async def test_a_204_without_a_type_is_none(sikoia_server: Scripted) -> None:
    """An unknown endpoint that answers nothing gives None."""
    sikoia_server.says(Reply(204))

    async with sikoia_server.client() as sikoia:
        answer = await sikoia.request("DELETE", "/v2/new-things/1")

    assert answer is None


@pytest.mark.parametrize("case_id", [None, 5, uuid.UUID(int=1)], ids=["none", "number", "uuid"])
@pytest.mark.anyio
async def test_an_id_that_is_no_text_is_refused(sikoia_server: Scripted, case_id: Any) -> None:
    """What a type checker would refuse gets an error of ours, too."""
    async with sikoia_server.client() as sikoia:
        with pytest.raises(ConfigurationError, match="case_id: not a valid id; expected a string"):
            await sikoia.cases.retrieve(case_id)


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("GET", None), ("DELETE", None)])
@pytest.mark.anyio
async def test_a_post_without_a_body_says_so(
    sikoia_server: Scripted, method: str, length: str | None
) -> None:
    """Servers may answer 411 to a POST whose length is not told."""
    async with sikoia_server.client() as sikoia:
        await sikoia.request(method, "/v2/new-things/1/refresh")

    assert sikoia_server.asked[0].headers.get("content-length") == length
