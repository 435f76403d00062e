"""The client: its settings, its views, custom requests, and closing."""

import gzip
import inspect
import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from scripted import Reply, Scripted, scripted

from sikoia_async import (
    PRODUCTION,
    STAGING,
    ClientStateError,
    ConfigurationError,
    Entity,
    Environment,
    Items,
    NewCompany,
    Quota,
    Sikoia,
    correlation_id,
)
from sikoia_async.environments import local
from sikoia_async.resources.cases import CaseSummary
from sikoia_async.sandbox import Sandbox
from sikoia_async.testing import MemorySandbox, client_of

_CASE = {"case_id": "c-1", "name": "Acme Ltd loan", "case_type": "Business", "stage": "New"}
_SECRET = "canary-5f1d"


@pytest.fixture
def sikoia_server() -> Iterator[Scripted]:
    """Run a server that responds with a case."""
    with scripted() as server:
        server.respond_with(Reply(200, _CASE))
        yield server


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no credentials: pass client_id"),
        ({"client_id": "an-id"}, "client_secret is missing: pass client_id"),
        ({"client_secret": _SECRET}, "client_id is missing: pass client_id"),
        ({"client_id": "an-id", "client_secret": ""}, "client_secret: expected a"),
        (
            {"client_id": "an-id", "client_secret": f"{_SECRET}\n"},
            "client_secret: expected a",
        ),
        (
            {"client_id": "an-id", "client_secret": f"{_SECRET}é"},
            "client_secret: expected a",
        ),
        ({"client_id": "an id", "client_secret": _SECRET}, "client_id: expected a"),
        ({"token": f"{_SECRET}\r\n"}, "token: expected a"),
        ({"token": ""}, "token: expected a"),
        ({"api_key": ""}, "api_key: expected a"),
        ({"token": _SECRET, "client_id": "an-id"}, "or api_key, only one"),
        ({"client_id": 1, "client_secret": _SECRET}, "client_id: expected a"),
        ({"token": _SECRET.encode()}, "token: expected a"),
        ({"token": "t", "timeout": 0}, "timeout: expected seconds"),
        ({"token": "t", "timeout": -1}, "timeout: expected seconds"),
        ({"token": "t", "timeout": None}, "timeout: expected seconds"),
        ({"token": "t", "timeout": "5"}, "timeout: expected seconds"),
        ({"token": "t", "timeout": float("nan")}, "timeout: expected seconds"),
        ({"token": "t", "timeout": float("inf")}, "timeout: expected seconds"),
        ({"token": "t", "retries": -1}, "retries: expected a whole number"),
        ({"token": "t", "limits": None}, "limits: required"),
        ({"token": "t", "limits": 16}, "limits: expected a Limits"),
        ({"token": "t", "quota": 200}, "quota: expected a Quota"),
        ({"token": "t", "environment": "canary"}, "environment: expected 'production', 'staging'"),
        ({"token": "t", "tls": 3}, "tls: expected an SSLContext"),
        ({"token": "t", "proxy": f"user:{_SECRET}@proxy:3128"}, "proxy: expected the URL"),
        ({"token": "t", "proxy": "socks5://proxy:1080"}, "proxy: expected the URL"),
        ({"token": "t", "tls": "/nowhere/ca.pem"}, "readable file of certificate authorities"),
        (
            {
                "token": "t",
                "transport": httpx.MockTransport(lambda _: httpx.Response(200)),
                "proxy": "http://p:1",
            },
            "configure these on your own transport",
        ),
    ],
)
def test_invalid_settings_are_refused(options: dict[str, Any], message: str) -> None:
    """The message says what is expected, and repeats no secret."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        Sikoia(**options)

    assert _SECRET not in str(caught.value)


def test_a_transport_and_a_client_are_mutually_exclusive() -> None:
    """Only one of them can send the requests."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200))

    with pytest.raises(ConfigurationError, match="not both"):
        Sikoia(token="t", transport=transport, http_client=httpx.AsyncClient(transport=transport))


def test_a_quota_of_zero_is_refused() -> None:
    """The rate limit is switched off by None, not by 0."""
    with pytest.raises(ConfigurationError, match="quota=None"):
        Quota(0)


def test_production_is_the_default() -> None:
    """Without an argument and without a variable."""
    sikoia = Sikoia("an-id", "a-secret")

    assert sikoia.environment == PRODUCTION
    assert repr(sikoia) == "<Sikoia production>"


def test_an_environment_argument_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIKOIA_ENVIRONMENT is then not read, even if it is invalid."""
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "nonsense")

    assert Sikoia("an-id", "a-secret", environment=STAGING).environment == STAGING


def test_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIKOIA_ENVIRONMENT can be production, staging, or the URL of a local Sikoia."""
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "prod")

    with pytest.raises(ConfigurationError, match="expected production, staging, or the URL"):
        Sikoia("an-id", "a-secret")


@pytest.mark.anyio
async def test_all_settings_can_come_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that `sikoia sandbox` prints are all that `Sikoia()` needs."""
    with Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)

        async with Sikoia() as sikoia:
            users = await sikoia.users.list()

    assert users
    assert sikoia.environment.name == "local"


@pytest.mark.anyio
async def test_a_static_token_is_sent(sikoia_server: Scripted) -> None:
    """No token is fetched."""
    async with Sikoia(
        token="mine", environment=_environment(sikoia_server), tls=sikoia_server.tls
    ) as sikoia:
        await sikoia.cases.retrieve("c-1")

    assert sikoia_server.requests[0].headers["authorization"] == "Bearer mine"
    assert sikoia_server.tokens == 0


@pytest.mark.anyio
async def test_an_api_key_is_sent_in_its_own_header(sikoia_server: Scripted) -> None:
    """The legacy API key replaces the access token."""
    async with Sikoia(
        api_key="legacy", environment=_environment(sikoia_server), tls=sikoia_server.tls
    ) as sikoia:
        await sikoia.cases.retrieve("c-1")

    assert sikoia_server.requests[0].headers["apikey"] == "legacy"
    assert "authorization" not in sikoia_server.requests[0].headers


@pytest.mark.anyio
async def test_a_view_has_other_options(sikoia_server: Scripted) -> None:
    """It shares connections and access token with the client."""
    async with sikoia_server.client() as sikoia:
        view = sikoia.with_options(correlation_id="of-the-view", timeout=5, retries=0)
        await sikoia.cases.retrieve("c-1")
        await view.cases.retrieve("c-1")
        await view.with_options(timeout=6).cases.retrieve("c-1")

    sent = [request.headers["x-correlation-id"] for request in sikoia_server.requests]
    assert sent[1:] == ["of-the-view"] * 2
    assert sent[0] != "of-the-view"
    assert sikoia_server.tokens == 1


@pytest.mark.anyio
async def test_none_resets_an_option_of_a_view(sikoia_server: Scripted) -> None:
    """To what the client was created with."""
    async with sikoia_server.client(timeout=9, retries=1, headers={"X-Team": "loans"}) as sikoia:
        view = sikoia.with_options(
            correlation_id="of-the-view",
            headers={"X-Team": "risk"},
            extra_query={"a": 1},
            timeout=5,
            retries=3,
            priority="background",
        )
        await view.with_options(correlation_id=None).cases.retrieve("c-1")
        await view.with_options(headers=None, extra_query=None).cases.retrieve("c-1")
        again = view.with_options(timeout=None, retries=None, priority=None, interval=None)
        await again.request("POST", "/v2/new-things", chargeable=True)

    first, second, third = sikoia_server.requests
    assert first.headers["x-correlation-id"] != "of-the-view"
    assert (first.headers["x-team"], first.path) == ("risk", "/v2/cases/c-1?a=1")
    assert (second.headers["x-team"], second.path) == ("loans", "/v2/cases/c-1")
    assert third.headers["x-correlation-id"] == "of-the-view"


@pytest.mark.parametrize(
    ("environment", "expected"), [("production", PRODUCTION), ("staging", STAGING)]
)
def test_an_environment_can_be_given_by_name(environment: Any, expected: Environment) -> None:
    """As in `SIKOIA_ENVIRONMENT`."""
    assert Sikoia(token="t", environment=environment).environment is expected


@pytest.mark.parametrize("environment", ["Staging", "stage", "", "https://127.0.0.1:8400", 1])
def test_another_name_of_an_environment_is_refused(environment: Any) -> None:
    """The error lists the names."""
    with pytest.raises(ConfigurationError, match="environment: expected 'production', 'staging' "):
        Sikoia(token="t", environment=environment)


@pytest.mark.parametrize(
    "options",
    [
        {"max_chargeable": -1},
        {"max_chargeable": "1"},
        {"timeout": 0},
        {"retries": -1},
        {"correlation_id": "a\nb"},
        {"correlation_id": ""},
        {"priority": "urgent"},
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any]) -> None:
    """When the view is created."""
    with pytest.raises(ConfigurationError):
        Sikoia(token="t").with_options(**options)


@pytest.mark.anyio
async def test_a_correlation_id_is_scoped_to_a_block(sikoia_server: Scripted) -> None:
    """Calls in the block send its id; later calls send new ones."""
    async with sikoia_server.client() as sikoia:
        with correlation_id("request-4711"):
            await sikoia.cases.retrieve("c-1")
        await sikoia.cases.retrieve("c-1")

    sent = [request.headers["x-correlation-id"] for request in sikoia_server.requests]
    assert sent[0] == "request-4711"
    assert sent[1] != "request-4711"


@pytest.mark.anyio
async def test_a_custom_request_returns_plain_python(sikoia_server: Scripted) -> None:
    """`request` sends method, query and body, and needs no type."""
    async with sikoia_server.client() as sikoia:
        result = await sikoia.request(
            "PUT",
            "/v2/new-things/1",
            query={"deep": True, "of": ["a", "b"]},
            body={"x": 1, "y": None},
        )

    assert result == _CASE
    assert sikoia_server.requests[0].method == "PUT"
    assert sikoia_server.requests[0].path == "/v2/new-things/1?deep=true&of=a%2Cb"
    assert sikoia_server.requests[0].json == {"x": 1}


@pytest.mark.anyio
async def test_a_custom_request_decodes_into_a_type(sikoia_server: Scripted) -> None:
    """`into` accepts models, lists of models, bytes, and `type(None)`."""
    sikoia_server.respond_with(Reply(200, [_CASE]))

    async with sikoia_server.client() as sikoia:
        cases = await sikoia.request("GET", "/v2/cases", into=Items[CaseSummary])
        raw = await sikoia.request("GET", "/v2/cases", into=bytes)
        await sikoia.request("GET", "/v2/cases", into=type(None))

    assert cases[0].case_id == "c-1"
    assert raw.startswith(b"[{")


@pytest.mark.parametrize(
    ("method", "path", "into", "message"),
    [
        ("get", "/v2/cases", object, "method: expected one of"),
        ("GET", "v2/cases", object, "path: expected an absolute path"),
        ("GET", "//evil.example/", object, "path: expected an absolute path"),
        ("GET", "https://evil.example/", object, "path: expected an absolute path"),
        ("GET", "/v2/../admin", object, "path: expected an absolute path"),
        ("GET", "/v2/cases?stage=New", object, "path: expected an absolute path"),
        ("GET", "/v2/cases", lambda: None, "into: expected an attrs class"),
    ],
)
@pytest.mark.anyio
async def test_invalid_custom_requests_are_refused(
    sikoia_server: Scripted, method: str, path: str, into: Any, message: str
) -> None:
    """Before anything is sent."""
    async with sikoia_server.client() as sikoia:
        with pytest.raises(ConfigurationError, match=message):
            await sikoia.request(method, path, into=into)

    assert sikoia_server.requests == []


@pytest.mark.anyio
async def test_drift_is_counted(sikoia_server: Scripted) -> None:
    """Unknown fields and values do not fail a call."""
    sikoia_server.respond_with(Reply(200, _CASE | {"colour": "blue", "stage": "Frozen"}))

    async with sikoia_server.client() as sikoia:
        case = await sikoia.cases.retrieve("c-1")

    assert case.stage == "Frozen"
    assert dict(sikoia.drift) == {"Case.colour: unknown field": 1, "Case.stage: unknown value": 1}


@pytest.mark.anyio
async def test_an_own_http_client_is_used_and_left_open(sikoia_server: Scripted) -> None:
    """Its connections and event hooks are used, its credentials are not."""
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
    assert sikoia_server.requests[0].headers["authorization"] == "Bearer token-1"


@pytest.mark.anyio
async def test_an_own_response_hook_may_read_the_body(sikoia_server: Scripted) -> None:
    """The SDK can still read it."""
    compressed = gzip.compress(json.dumps(_CASE).encode())
    sikoia_server.respond_with(Reply(200, compressed, {"Content-Encoding": "gzip"}))

    async with httpx.AsyncClient(
        verify=sikoia_server.tls, event_hooks={"response": [httpx.Response.aread]}
    ) as mine:
        sikoia = Sikoia(token="t", environment=_environment(sikoia_server), http_client=mine)
        async with sikoia:
            case = await sikoia.cases.retrieve("c-1")

    assert case.case_id == "c-1"


@pytest.mark.anyio
async def test_a_closed_http_client_is_named(sikoia_server: Scripted) -> None:
    """The error says that the caller's own client is closed."""
    mine = httpx.AsyncClient(verify=sikoia_server.tls)
    await mine.aclose()

    async with Sikoia(
        token="t", environment=_environment(sikoia_server), http_client=mine
    ) as sikoia:
        with pytest.raises(ClientStateError, match="http_client is closed"):
            await sikoia.cases.retrieve("c-1")


@pytest.mark.anyio
async def test_a_client_can_be_closed_twice(sikoia_server: Scripted) -> None:
    """A closed client sends nothing and cannot be entered again."""
    sikoia = sikoia_server.client()
    async with sikoia:
        pass
    await sikoia.aclose()

    with pytest.raises(ClientStateError, match="closed"):
        await sikoia.cases.retrieve("c-1")
    with pytest.raises(ClientStateError, match="closed"):
        await sikoia.__aenter__()
    assert sikoia_server.requests == []


@pytest.mark.anyio
async def test_trust_env_uses_the_proxy_of_the_environment(
    sikoia_server: Scripted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """HTTPS_PROXY applies, unless NO_PROXY has the host."""
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
    assert len(sikoia_server.requests) == 1
    assert "SSLKEYLOGFILE" not in os.environ


def _environment(server: Scripted) -> Environment:
    return local(server.url)


def _pem(server: Scripted) -> str:
    authorities = server.tls.get_ca_certs(binary_form=True)
    return "".join(ssl.DER_cert_to_PEM_cert(one) for one in authorities)


@pytest.mark.anyio
async def test_the_ca_variable_applies_to_a_local_sikoia_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A SIKOIA_CA_FILE that is still exported is never trusted for production."""
    monkeypatch.setenv("SIKOIA_CA_FILE", "/nowhere/ca.pem")

    assert Sikoia("an-id", "a-secret").environment == PRODUCTION
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "https://127.0.0.1:1")
    with pytest.raises(
        ConfigurationError, match=r"^SIKOIA_CA_FILE: expected a readable file of cert"
    ):
        Sikoia("an-id", "a-secret")


@pytest.mark.anyio
async def test_a_204_returns_none(sikoia_server: Scripted) -> None:
    """A custom request without a type returns None if there is no body."""
    sikoia_server.respond_with(Reply(204))

    async with sikoia_server.client() as sikoia:
        result = await sikoia.request("DELETE", "/v2/new-things/1")

    assert result is None


@pytest.mark.parametrize("case_id", [None, 5, ["1"]], ids=["none", "number", "list"])
@pytest.mark.anyio
async def test_other_types_are_not_ids(sikoia_server: Scripted, case_id: Any) -> None:
    """A type error that no type checker found is a ConfigurationError."""
    async with sikoia_server.client() as sikoia:
        with pytest.raises(ConfigurationError, match="case: expected the case_id as a string"):
            await sikoia.cases.retrieve(case_id)


@pytest.mark.anyio
async def test_a_uuid_is_an_id() -> None:
    """Web frameworks give endpoints UUIDs; they are sent as strings, in paths, bodies and lists."""
    acme = NewCompany(company_name="Acme Ltd", company_number="12345678", jurisdiction_code="GB")
    with MemorySandbox() as sandbox:
        async with client_of(sandbox) as sikoia:
            case = await sikoia.cases.create(name="Loan", case_type="Business", companies=[acme])
            case_id, company_id = UUID(case.case_id), UUID(case.companies[0].company_id)

            retrieved = await sikoia.cases.retrieve(case_id)
            report = await sikoia.company_registry.find(company_id)
            sources = await sikoia.data_sources.list(Entity("company", company_id))
            left = await sikoia.cases.remove_entities(case_id, companies=[company_id])

    assert (retrieved.case_id, report.company_id) == (str(case_id), str(company_id))
    assert (len(sources), left.companies) == (0, ())


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("GET", None), ("DELETE", None)])
@pytest.mark.anyio
async def test_a_post_without_a_body_has_a_content_length(
    sikoia_server: Scripted, method: str, length: str | None
) -> None:
    """Servers may respond with 411 to a POST without one."""
    async with sikoia_server.client() as sikoia:
        await sikoia.request(method, "/v2/new-things/1/refresh")

    assert sikoia_server.requests[0].headers.get("content-length") == length


def test_the_signature_of_a_view_shows_what_it_keeps() -> None:
    """Options that are left out keep their values; None resets some of them."""
    signature = inspect.signature(Sikoia.with_options)
    assert str(signature.parameters["idempotency_key"]).endswith("= <unchanged>")
