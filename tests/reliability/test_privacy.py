"""Secrets and personal data stay out of logs, reprs, pickles and tracebacks."""

import asyncio
import copy
import json
import logging
import pickle
import pkgutil
import pprint
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, cast, get_args, get_type_hints

import anyio
import attrs
import httpcore
import httpx
import pytest
from faults import SECRET, TOKEN, answer, chain, client, serve
from reliability.harness import Played, ask
from reliability.oracle import watched

import sikoia_async.resources
from sikoia_async import (
    APIError,
    CallError,
    ConfigurationError,
    InvalidRequestError,
    Model,
    Sikoia,
    SikoiaError,
    StoredToken,
)
from sikoia_async._auth.credentials import Credentials
from sikoia_async._auth.grant import Grant
from sikoia_async._auth.secret import Secret
from sikoia_async._auth.tokens import StaticToken
from sikoia_async._logging import http_logs_muted
from sikoia_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

_HOME: Final = "https://127.0.0.1:8400"
_PERSON: Final = "Canaria Zyxwvut"


def _ours(trace: TracebackType | None) -> Iterator[FrameType]:
    """Yield the frames of a traceback that belong to the SDK or its dependencies."""
    while trace is not None:
        if "/tests/" not in trace.tb_frame.f_code.co_filename:
            yield trace.tb_frame
        trace = trace.tb_next


def _kept_in_frames(error: BaseException, canary: str) -> list[str]:
    """Return the frames of an error whose local variables show the canary.

    Tools that report errors walk frames like this, and write down each variable's repr. The
    arguments of the call itself are the caller's, and stand in the caller's frames as well.
    """
    return [
        f"{frame.f_code.co_qualname}: {name}"
        for one in chain(error)
        for frame in _ours(one.__traceback__)
        for name, value in frame.f_locals.items()
        if canary in repr(value)
    ]


# --- what tools of all kinds can see


def _holders() -> dict[str, Any]:
    secret = Secret("client_secret", SECRET)
    return {
        "secret": secret,
        "credentials": Credentials("an-id", SECRET, None, None),
        "given credentials": Credentials("an-id", SECRET, None, None).resolve(),
        "a key's hook": Credentials(None, None, None, SECRET).resolve(),
        "static token": StaticToken(secret),
        "stored token": StoredToken(SECRET, 0.0),
        "grant": Grant(SECRET, 60.0),
        "client": client(_HOME, token=None, client_id="an-id", client_secret=SECRET),
        "client with a token": client(_HOME, token=SECRET),
        "client with a key": client(_HOME, token=None, api_key=SECRET),
    }


@pytest.mark.parametrize("name", list(_holders()))
@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "{!r:>9}".format, "%s".__mod__, pprint.pformat],
    ids=["repr", "str", "format", "padded", "percent", "pprint"],
)
def test_objects_with_a_secret_do_not_show_it(name: str, show: Callable[[Any], str]) -> None:
    """I2: however they are formatted, alone or inside a container."""
    assert SECRET not in show((_holders()[name],))


def test_no_object_inside_a_client_shows_its_secret() -> None:
    """I2: a tool that prints attributes recursively does not find it either."""
    options: list[dict[str, Any]] = [
        {"token": SECRET},
        {"token": None, "api_key": SECRET},
        {"token": None, "client_id": "an-id", "client_secret": SECRET},
    ]
    for given in options:
        used = client(_HOME, **given)
        _ = used.spend  # builds its parts
        unused = Sikoia(**given)
        seen: dict[int, Any] = {}
        _walk(used, seen, depth=8)
        assert len(seen) > 30
        _walk(unused, seen, depth=8)

        assert not [one for one in seen.values() if SECRET in repr(one) and one != SECRET]
        assert sum(one == SECRET for one in seen.values() if isinstance(one, str)) == 0


def _walk(found: Any, seen: dict[int, Any], depth: int) -> None:
    """Collect the objects reachable by `vars`, container items and attrs fields."""
    if id(found) in seen or not depth:
        return
    seen[id(found)] = found
    kind = cast("Any", type(found))
    inner: list[Any] = list(
        found.values() if kind is dict else getattr(found, "__dict__", {}).values()
    )
    if kind in {list, tuple, set, frozenset}:
        inner += found
    if attrs.has(kind):
        inner += [getattr(found, field.name, None) for field in attrs.fields(kind)]
    for one in inner:
        _walk(one, seen, depth - 1)


@pytest.mark.parametrize(
    "duplicate", [pickle.dumps, copy.deepcopy, json.dumps], ids=["pickle", "deepcopy", "json"]
)
@pytest.mark.parametrize("name", ["secret", "static token", "a key's hook", "client with a token"])
def test_objects_with_a_secret_cannot_be_copied(name: str, duplicate: Callable[[Any], Any]) -> None:
    """I3: neither pickled nor written as JSON; the error does not show it."""
    with pytest.raises((TypeError, AttributeError)) as caught:
        duplicate(_holders()[name])

    assert SECRET not in str(caught.value)


# --- tracebacks


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    "failing",
    [
        httpx.Response(400, content=b'{"error": "invalid_client"}'),
        httpx.Response(401, content=SECRET.encode()),
        httpx.Response(500),
        httpx.Response(200, content=b'{"access_token": "%b\\n"}' % SECRET.encode()),
        httpx.Response(200, content=b"<html>%b</html>" % SECRET.encode()),
        httpx.Response(302, headers={"Location": f"https://evil.example/{SECRET}"}),
        httpx.Response(400, headers={"X-Correlation-Id": f"client_secret={SECRET}"}),
        httpx.ConnectError(SECRET),
        httpx.ReadError(SECRET),
        httpx.RemoteProtocolError(SECRET),
    ],
    ids=[
        *("refused", "401", "500", "newline", "HTML", "redirect", "id"),
        *("no connection", "lost", "no HTTP"),
    ],
)
async def test_a_failed_token_request_shows_no_secret(
    failing: httpx.Response | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """I4: neither in the error nor in a local variable of any frame."""
    caplog.set_level(logging.DEBUG)
    sikoia = client(
        _HOME,
        token=None,
        client_id="an-id",
        client_secret=SECRET,
        transport=Played(failing),
    )
    async with sikoia:
        with pytest.raises(CallError) as caught:
            await ask(sikoia)

    assert_plain_apart_from_arguments(caught.value)
    assert SECRET not in caplog.text


@pytest.mark.virtual_time
async def test_a_failed_call_shows_no_access_token() -> None:
    """I4: whatever the transport raises."""
    for failing in (httpx.ReadError(TOKEN), httpx.Response(500), httpx.LocalProtocolError(TOKEN)):
        async with client(_HOME, transport=Played(failing)) as sikoia:
            with pytest.raises(SikoiaError) as caught:
                await ask(sikoia)

        assert TOKEN not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
        assert _kept_in_frames(caught.value, TOKEN) == []


@pytest.mark.parametrize("blemish", ["\n", "\r\n", " ", "\ufeff", "\x00", "é"], ids=ascii)
@pytest.mark.parametrize("way", ["client_secret", "token", "api_key", "the environment"])
def test_an_invalid_secret_is_not_shown(
    way: str, blemish: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I5: the message mentions a line break at the end of a file, and not the secret."""
    given: dict[str, Any] = {"token": None, way: SECRET + blemish}
    if way == "client_secret":
        given["client_id"] = "an-id"
    if way == "the environment":
        if blemish == "\x00":
            pytest.skip("no environment can hold it")
        monkeypatch.setenv("SIKOIA_CLIENT_ID", "an-id")
        monkeypatch.setenv("SIKOIA_CLIENT_SECRET", SECRET + blemish)
        given = {"token": None}

    with pytest.raises(ConfigurationError, match="does the file it came from end") as caught:
        client(_HOME, **given)

    assert_plain_apart_from_arguments(caught.value)


def assert_plain_apart_from_arguments(error: SikoiaError) -> None:
    """Check that neither the error nor any frame of the SDK shows the secret."""
    assert SECRET not in f"{error!r} {error} {vars(error)} {pickle.dumps(error, 0)!r}"
    assert _kept_in_frames(error, SECRET) == []


@pytest.mark.virtual_time
@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET} ", f"{SECRET}é", "", None, 7])
async def test_an_invalid_token_from_a_function_is_not_shown(token: Any) -> None:
    """I5: it is validated before httpx could print it."""
    server = Played(httpx.Response(200, content=b"[]"))
    async with client(_HOME, token=lambda: token, transport=server) as sikoia:
        with pytest.raises(
            ConfigurationError, match=r"^the result of token\(\): expected "
        ) as caught:
            await ask(sikoia)

    assert server.seen == 0
    assert_plain_apart_from_arguments(caught.value)


# --- what the server says


@pytest.mark.virtual_time
@pytest.mark.parametrize("field", ["type", "title", "detail", "details"])
async def test_an_error_message_repeats_no_personal_data(field: str) -> None:
    """I6: the fields of the error have the server's text; its message is redacted."""
    said = {field: f"{_PERSON} with account GB29NWBK60161331926819 is not valid"}
    server = Played(httpx.Response(400, content=json.dumps(said).encode()))
    async with watched(client(_HOME, transport=server), server, next_call=False) as watch:
        error = await watch.fails(InvalidRequestError, ask, requests=1)

    assert _PERSON in (error.detail or error.title or error.type or "")
    for canary in ("Canaria", "Zyxwvut", "GB29"):
        assert canary not in f"{error} {error!r} {error.args}"
    assert "is not valid" in str(error)


@pytest.mark.virtual_time
async def test_an_error_message_names_the_field() -> None:
    """I6: what helps to correct the request stays."""
    said = {
        "type": "InvalidRequest",
        "title": "Validation Errors",
        "detail": "Entity Id is required.",
    }
    server = Played(httpx.Response(400, content=json.dumps(said).encode()))
    async with client(_HOME, transport=server) as sikoia:
        with pytest.raises(APIError, match=r"InvalidRequest: .*: Entity Id is req"):
            await ask(sikoia)


@pytest.mark.virtual_time
async def test_a_given_path_is_shown_without_its_ids(caplog: pytest.LogCaptureFixture) -> None:
    """I6: in messages and logs, placeholders replace the ids of a path passed to `request`."""
    caplog.set_level(logging.DEBUG)
    server = Played(httpx.Response(404))
    async with client(_HOME, transport=server) as sikoia:
        with pytest.raises(APIError, match=r"GET /v2/cases/\{id\}") as caught:
            await sikoia.request("GET", "/v2/cases/canary-1")

    assert "canary" not in caplog.text
    assert "canary" not in str(caught.value)
    assert caught.value.call.url == f"{_HOME}/v2/cases/canary-1"


# --- logs


def test_every_logger_of_the_http_libraries_is_filtered() -> None:
    """I1: fails if a new version logs under a new name."""
    names: set[str] = set()
    for package in (httpx, httpcore):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            try:
                source = import_module(module.name)
            except ImportError:
                continue  # of an extra that is not installed
            names |= {
                value.name for value in vars(source).values() if isinstance(value, logging.Logger)
            }

    assert {"httpx", "httpcore.connection", "httpcore.http11"} <= names
    for name in names:
        record = logging.makeLogRecord({"name": name, "msg": "canary"})
        muted = http_logs_muted.set(True)
        assert not logging.getLogger(name).filter(record), f"{name} is not filtered"
        http_logs_muted.reset(muted)
        assert logging.getLogger(name).filter(record)


async def test_all_loggers_at_debug_show_nothing_of_a_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """I1: over a real socket, with a token request, a retry, an error and closing."""
    caplog.set_level(logging.DEBUG)
    said: Iterator[bytes] = iter(
        [
            answer(201, b'{"access_token": "%b", "expires_in": 3600}' % TOKEN.encode()),
            answer(503, b"", Set_Cookie="canary-cookie=1"),
            answer(body=b"[]", X_Canary_Header="canary-header"),
            answer(404, b'{"detail": "canary-detail"}'),
        ]
    )

    async def script(peer: Any) -> None:
        while True:
            await peer.request()
            await peer.send(next(said))

    async with serve(script) as server:
        sikoia = client(
            server.url, token=None, client_id="canary-id", client_secret=SECRET, retries=1
        )
        async with sikoia:
            await sikoia.cases.list(keyword="canary-keyword")
            with pytest.raises(APIError):
                await sikoia.request("POST", "/v2/cases", body={"name": "canary-name"})

    assert "sikoia_async" in {record.name for record in caplog.records}
    told = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert re.findall("canary[a-z0-9-]*", told) == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_debug_mode_of_asyncio_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """I8: its messages about slow callbacks and tasks contain no arguments of ours."""
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    try:
        async with (
            serve(_answers) as server,
            client(server.url) as sikoia,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(3):
                tasks.start_soon(_search, sikoia)
    finally:
        loop.set_debug(False)

    assert "took" in caplog.text
    assert TOKEN not in caplog.text
    assert "canary-keyword" not in caplog.text


async def _answers(peer: Any) -> None:
    while True:
        await peer.request()
        await peer.send(answer())


async def _search(sikoia: Sikoia) -> None:
    await sikoia.cases.list(keyword="canary-keyword")


def test_the_local_sikoia_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """I11: neither requests nor their content."""
    caplog.set_level(logging.DEBUG)
    with Sandbox() as sandbox:
        credentials = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
        form = {"grant_type": "client_credentials", "scope": "x", **credentials}
        with httpx.Client(verify=False) as browser:  # noqa: S501 - it is this process
            browser.post(f"{sandbox.url}/token", data=form)
            browser.get(f"{sandbox.url}/v2/cases?keyword=canary", headers={"X": "canary"})
            browser.post(f"{sandbox.url}/v2/cases", json={"name": "canary"})

    theirs = [record for record in caplog.records if not record.name.startswith("http")]
    assert [record.getMessage() for record in theirs if "canary" in record.getMessage()] == []
    assert sandbox.client_secret not in "".join(record.getMessage() for record in theirs)


# --- memory


def test_a_deleted_client_leaves_no_token(anyio_backend_name: str) -> None:
    """I9: once it is closed and deleted, no object holds its access token or secret.

    In a process of its own: this one's memory is full of other tests' objects.
    """
    command = [sys.executable, str(Path(__file__).with_name("let_go.py")), anyio_backend_name]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "nobody\n", "")


# --- models


def _models() -> Iterator[Any]:
    for module in pkgutil.walk_packages(
        sikoia_async.resources.__path__, f"{sikoia_async.resources.__name__}."
    ):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, Model) and attrs.has(value):
                yield value


def _holds_text(wanted: Any) -> bool:
    return wanted is str or any(_holds_text(inner) for inner in get_args(wanted))


_HARMLESS: Final = """
    account_connection_id account_connection_ids account_type attempt_id bank_connection_id
    branch_status case_id case_type category charge_code classification code commentary company_id
    company_name
    company_number company_status contingent_liabilities country country_code court_name
    credit_limit_currency currency data_provider data_source_id date_dissolved date_established
    decision description document_id document_type email_domain email_type end_date entity_id
    entity_type event_group_name event_name event_type event_types external_ref file_type
    filing_type generic_legal_form group grouping_id has_insolvency_history
    holding_percentage_band income_type index institution_logo institution_name
    integrity_check_name integrity_check_version integrity_type_id international_credit_rating
    international_credit_rating_description issuer jurisdiction_code local_credit_rating
    local_credit_rating_description merchant_category message mime_type name natures_of_control
    next_page_url number_type occupation officer_role original_currency owner_id owner_type
    pay_frequencies pay_frequency person_id previous_page_url provider_id provider_name
    provider_url reference reference_customer_id reference_number registry_legal_form
    registry_name registry_status registry_url request_id rule_name search_ref sentiment
    sikoia_document_type source source_category_type source_id source_type source_uri source_uris
    special_characteristics stage start_date status subcategory transaction_id type user_id
    validation_check_name validation_description validation_instance_id validation_type_id value
    vat_number verification_status voting_percentage_band webhook_callback_url
    webhook_event_status webhook_id webhook_name website_url
"""
"""String fields that a repr may show: ids, types, statuses, and data of public registers."""


def test_every_string_field_is_masked_or_listed_as_harmless() -> None:
    """I2: a new field must be masked, or added to the list above."""
    shown = {
        field.name
        for model in set(_models())
        for field in attrs.fields(model)
        if not field.metadata.get("personal") and _holds_text(get_type_hints(model)[field.name])
    }

    assert shown - set(_HARMLESS.split()) == set()
