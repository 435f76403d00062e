"""Cassettes from end to end: all operations are recorded and replayed without personal data."""

import re
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

import anyio
import attrs
import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from testing.cassette_walk import PERSONAL, walk

from sikoia_async import Interval, NewPerson, Sikoia
from sikoia_async.environments import Environment, local
from sikoia_async.errors import ConfigurationError, ConnectionFailedError
from sikoia_async.models import Model
from sikoia_async.sandbox import Rate, Sandbox
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.testing import Cassette, CassetteError, MemorySandbox, client_of
from sikoia_async.testing.cassettes.operations import OPERATIONS

pytestmark = pytest.mark.anyio

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SIGNATURE = re.compile(r"sig=([\w-]+)")
_COMMON = {"Salary", "Director", "Example", "Placeholder", "Acme Works Ltd", "000000"}
"""Personal values that also occur elsewhere: categories and names of companies."""
_EVENT: dict[str, Any] = {
    "event_type": "DocumentProcessing.Completed",
    "event_data": {"who": "Wilhelmina"},
}


class Spy(httpx.AsyncBaseTransport):
    """Collects everything that is sent and received below the cassette."""

    def __init__(self, beneath: httpx.AsyncBaseTransport) -> None:
        self._beneath = beneath
        self.seen = list[str]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Forward a request and return the complete response."""
        sent = await request.aread()  # keeps it for the transport beneath
        response = await self._beneath.handle_async_request(request)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in stream])
        await stream.aclose()
        self.seen += [
            *(str(request.url), str(request.headers.raw), sent.decode(errors="replace")),
            *(str(response.headers.raw), body.decode(errors="replace")),
        ]
        headers = [one for one in response.headers.raw if one[0].lower() != b"content-length"]
        return httpx.Response(response.status_code, headers=headers, content=body)


def way_to(sandbox: Sandbox) -> dict[str, Any]:
    """Return the client options with which a cassette records a local Sikoia."""
    way: dict[str, Any] = {"tls": sandbox.ca_file}
    if isinstance(sandbox, MemorySandbox):
        way = {"transport": sandbox.transport}
    return {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "environment": local(sandbox.url),
        "quota": None,
        "interval": Interval(first=0.1),
        **way,
    }


def logging_to(sandbox: Sandbox) -> Callable[[str], None]:
    """Return a function that fills the log of a webhook with two pages."""

    def log(webhook_id: str) -> None:
        for _ in range(30):
            webhook_log.record(sandbox.state, webhook_id, **_EVENT, codes=(200,))

    return log


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse all connections."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def personal_in(found: Any) -> Iterator[Any]:
    """Yield all personal values in models."""
    if isinstance(found, tuple | list):
        for one in cast("list[Any]", found):
            yield from personal_in(one)
    elif isinstance(found, Model):
        for field in attrs.fields(type(found)):  # type: ignore[arg-type]
            value = getattr(found, field.name)
            if field.metadata.get("personal"):
                yield from value if isinstance(value, tuple) else [value]
            else:
                yield from personal_in(value)


def text_of(path: Path) -> str:
    """Return the content of a file."""
    return path.read_text("utf-8")


def mode_of(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def files_beside(path: Path) -> list[str]:
    """Return the names of the files in a file's folder, if there is one."""
    return [one.name for one in path.parent.iterdir()] if path.parent.exists() else []


@attrs.define
class Comparison:
    """Compares recorded with replayed models, except for personal data."""

    ids: dict[str, str] = attrs.field(factory=dict[str, str])
    differences: list[str] = attrs.field(factory=list[str])

    def compare(self, one: Any, other: Any, where: str = "", *, personal: bool = False) -> None:
        """Collect the differences."""
        if type(one) is not type(other):
            self.differences.append(f"{where}: {type(one).__name__}, {type(other).__name__}")
        elif isinstance(one, Model):
            for field in attrs.fields(type(one)):  # type: ignore[arg-type]
                pair = (getattr(one, field.name), getattr(other, field.name))
                is_personal = bool(field.metadata.get("personal"))
                self.compare(*pair, f"{type(one).__name__}.{field.name}", personal=is_personal)
        elif isinstance(one, tuple | list):
            pairs = [*zip_longest(cast("list[Any]", one), other)]
            for pair in pairs:
                self.compare(*pair, where, personal=personal)
        elif isinstance(one, str) and not personal:
            self._compare_text(one, other, where)
        elif not personal and not isinstance(one, bytes) and one != other:
            self.differences.append(where)

    def _compare_text(self, one: str, other: str, where: str) -> None:
        for was, became in zip(_UUID.findall(one), _UUID.findall(other), strict=True):
            if self.ids.setdefault(was, became) != became or was == became:
                self.differences.append(f"{where}: another id")
        if "://" not in one and _UUID.sub("", one) != _UUID.sub("", other):
            self.differences.append(where)


@pytest.mark.parametrize("kind", [MemorySandbox, Sandbox])
async def test_every_operation_is_recorded_and_replayed(
    kind: type[Sandbox], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same models come back offline, except for personal data; every request is found."""
    path = tmp_path / "walk.json"
    cassette = Cassette(path, record=True, keep_company_names=True)
    with kind(work_time=0, rate=Rate(requests_per_window=10**6)) as sandbox, cassette:
        async with client_of(cassette, **way_to(sandbox)) as sikoia:
            recorded = await walk(sikoia, logging_to(sandbox))
        secrets = (sandbox.client_id, sandbox.client_secret, sandbox.url)
    request.getfixturevalue("no_network")

    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            replayed = await walk(sikoia, lambda _: None)
            assert sikoia.drift == {}
        assert cassette.unused == ()

    comparison = Comparison()
    comparison.compare(recorded, replayed)
    assert comparison.differences == []
    assert len(set(comparison.ids.values())) == len(comparison.ids) > 50
    text = text_of(path)
    values = {str(one) for one in personal_in(recorded) if isinstance(one, str | date)}
    values = {one for one in values if len(one) > 3}
    assert len(values) > 200
    assert {one for one in (*values, *PERSONAL, *secrets) if one in text} <= _COMMON
    operations = {one["request"]["operation"] for one in msgspec.json.decode(text)["interactions"]}
    assert operations == {one.name for one in OPERATIONS} | {"GET (link)"}


async def test_no_name_of_a_company_is_recorded(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """By default; every request is found all the same."""
    path = tmp_path / "walk.json"
    with (
        MemorySandbox(work_time=0, rate=Rate(requests_per_window=10**6)) as sandbox,
        Cassette(path, record=True) as tape,
    ):
        async with client_of(tape, **way_to(sandbox)) as sikoia:
            await walk(sikoia, logging_to(sandbox))
    request.getfixturevalue("no_network")

    with Cassette(path) as tape:
        async with client_of(tape) as sikoia:
            await walk(sikoia, lambda _: None)
        assert tape.unused == ()

    text = text_of(path)
    assert '"Company 1"' in text
    assert "Acme" not in text
    assert "Several Example" not in text


async def test_no_id_token_or_link_is_recorded(tmp_path: Path) -> None:
    """Nothing that identifies a client, a machine or a moment is in the file."""
    path = tmp_path / "walk.json"
    with MemorySandbox(work_time=0, rate=Rate(requests_per_window=10**6)) as sandbox:
        spy = Spy(sandbox.transport)
        with Cassette(path, record=True) as cassette:
            way: dict[str, Any] = way_to(sandbox) | {"transport": spy}
            async with client_of(cassette, **way) as sikoia:
                await walk(sikoia, logging_to(sandbox))
    wire, text = "\n".join(spy.seen), text_of(path)
    tokens = set(re.findall(r'"access_token": ?"([^"]+)"', wire))
    secrets = {sandbox.client_secret, *re.findall(r'"shared_key": ?"([^"]+)"', wire)}
    ids = set(_UUID.findall(wire))

    assert min(len(tokens), len(_SIGNATURE.findall(wire)), len(secrets)) >= 1
    assert len(ids) > 150
    found = {*tokens, *secrets, *ids, *_SIGNATURE.findall(wire), sandbox.url, "Bearer", "sig="}
    assert [one for one in found if one in text] == []


_NAMES = st.text(st.characters(categories=["Lu", "Ll", "Lo"], min_codepoint=0xC0), min_size=6)


@settings(max_examples=30)
@given(
    names=st.lists(_NAMES, min_size=5, max_size=5, unique=True),
    born=st.dates(date(1901, 1, 1), date(1950, 1, 1)),
)
def test_no_personal_data_is_recorded(names: list[str], born: date) -> None:
    """Names and dates of birth of any form are not in the file."""
    first, last, employer, reference, keyword = names

    async def record(path: Path) -> None:
        person = NewPerson(
            first_name=first, last_name=last, employer=employer, date_of_birth=born,
            email=f"{first}@{last}.example",
        )  # fmt: skip
        with MemorySandbox(work_time=0) as sandbox, Cassette(path, record=True) as cassette:
            async with client_of(cassette, **way_to(sandbox)) as sikoia:
                case = await sikoia.cases.create(
                    name=last, case_type="Consumer", reference=reference, persons=[person]
                )
                await sikoia.cases.list(keyword=[keyword, first])
                await sikoia.screening.search_peps_sanctions(
                    case.persons[0], search_term=keyword, birth_date=born
                )

    text = in_folder(record)

    assert [one for one in (*names, str(born)) if one in text] == []


def in_folder(record: Callable[[Path], Any]) -> str:
    """Return the content of the recorded file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "one.json")
        anyio.run(record, path)
        return path.read_text("utf-8")


@pytest.fixture
def sandbox() -> Iterator[MemorySandbox]:
    """Run a local Sikoia in memory."""
    with MemorySandbox(work_time=0, rate=Rate(requests_per_window=10**6)) as running:
        yield running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a cassette."""
    return tmp_path / "of" / "one.json"


async def record(path: Path, sandbox: Sandbox, use: Callable[[Sikoia], Any], **options: Any) -> Any:
    """Record the calls of a function."""
    with Cassette(path, record=True) as cassette:
        async with client_of(cassette, **way_to(sandbox), **options) as sikoia:
            return await use(sikoia)


async def list_users(sikoia: Sikoia) -> Any:
    """Make the simplest call."""
    return await sikoia.users.list()


async def test_only_the_owner_can_read_the_file(path: Path, sandbox: MemorySandbox) -> None:
    """There are no temporary files, and the content is readable."""
    await record(path, sandbox, list_users)

    text = text_of(path)
    assert mode_of(path) == 0o600
    assert list(files_beside(path)) == ["one.json"]
    assert text.startswith('{\n  "version": 1,\n  "salt": "')
    assert text.endswith("\n}\n")


async def test_recording_again_changes_only_what_is_different(
    path: Path, sandbox: MemorySandbox
) -> None:
    """The salt is kept, and so are the pseudonyms of the same ids."""
    await record(path, sandbox, list_users)
    first = text_of(path)

    await record(path, sandbox, list_users)

    assert text_of(path) == first


async def test_an_id_hard_coded_in_a_test_is_found(path: Path, sandbox: MemorySandbox) -> None:
    """The file contains only its pseudonym."""
    async with client_of(sandbox) as sikoia:
        case = await sikoia.cases.create(name="Loan", case_type="Business")

    async def use(sikoia: Sikoia) -> Any:
        return await sikoia.cases.retrieve(case.case_id)

    await record(path, sandbox, use)

    assert case.case_id not in text_of(path)
    with Cassette(path) as cassette:
        async with client_of(cassette) as sikoia:
            found = await use(sikoia)
            assert found.case_id != case.case_id
            assert (await sikoia.cases.retrieve(found.case_id)) == found


async def test_a_request_that_was_not_recorded_is_an_error(
    path: Path, sandbox: MemorySandbox
) -> None:
    """Nothing is sent; the error names the operation and the next one, and no values."""
    await record(path, sandbox, list_users)

    cassette = Cassette(path)
    with pytest.raises(CassetteError, match="Recorded next: GET /v2/users") as caught, cassette:
        async with client_of(cassette) as sikoia:
            await sikoia.cases.create(name="Wilhelmina", case_type="Business")

    assert "one.json: POST /v2/cases was not recorded" in str(caught.value)
    assert "Wilhelmina" not in str(caught.value)
    assert cassette.unused == ("GET /v2/users",)


async def test_an_error_that_is_caught_is_raised_at_the_end(
    path: Path, sandbox: MemorySandbox
) -> None:
    """A test whose code handles every error must not pass without its responses."""
    await record(path, sandbox, list_users)
    cassette = Cassette(path).__enter__()

    async with client_of(cassette) as sikoia:
        with suppress(Exception):
            await sikoia.webhooks.list()

    with pytest.raises(CassetteError, match="GET /v2/webhooks was not recorded"):
        cassette.__exit__(None, None, None)


async def test_an_unknown_operation_is_not_recorded(path: Path, sandbox: MemorySandbox) -> None:
    """Its personal data is unknown, so nothing is sent and no file is written."""
    with pytest.raises(CassetteError, match=r"GET /v2/persons/\{id\}/moon: cassettes support only"):
        await record(
            path, sandbox, lambda sikoia: sikoia.request("GET", "/v2/persons/Wilma.Example/moon")
        )

    assert [one.path for one in sandbox.ledger] == ["/token"]
    assert not files_beside(path)


async def test_nothing_is_recorded_by_default(tmp_path: Path) -> None:
    """A missing cassette is an error that says how to record it, and that it may cost money."""
    with (
        pytest.raises(CassetteError, match=r"^run pytest --sikoia-record .*may cost money"),
        Cassette(tmp_path / "none.json"),
    ):
        """This is not reached."""


async def test_a_client_needs_the_block(path: Path) -> None:
    """Outside of the with block there is no transport."""
    for cassette in (Cassette(path), Cassette(path, record=True)):
        with pytest.raises(CassetteError, match="enter its with block first"):
            cassette.transport()


async def test_nothing_is_sent_after_the_block(path: Path, sandbox: MemorySandbox) -> None:
    """The request may cost money, and its response would not be recorded."""
    with Cassette(path, record=True) as cassette:
        sikoia = client_of(cassette, **way_to(sandbox), retries=0)
        await list_users(sikoia)
    sent = len([*sandbox.ledger])

    with pytest.raises(CassetteError, match=r"one\.json: its with block has ended; nothing"):
        await list_users(sikoia)
    with pytest.raises(CassetteError, match="enter its with block first"):
        cassette.transport()

    await sikoia.aclose()
    assert len([*sandbox.ledger]) == sent


@pytest.mark.parametrize("place", ["one.json", "file/one.json", f"{'a' * 250}.json"])
def test_an_unwritable_path_is_reported_before_anything_is_sent(tmp_path: Path, place: str) -> None:
    """Otherwise a recording that cost money would be lost."""
    (tmp_path / "one.json").mkdir()
    (tmp_path / "file").touch()
    before = {*tmp_path.iterdir()}

    with (
        pytest.raises(CassetteError, match="cannot be written") as caught,
        Cassette(tmp_path / place, record=True),
    ):
        """This is not reached."""

    assert str(tmp_path) not in str(caught.value)
    assert {*tmp_path.iterdir()} == before


async def test_recording_uses_the_environment_of_the_process(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables name the environment, the credentials and the certificate authorities."""
    with Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)
        with Cassette(path, record=True) as cassette:
            assert cassette.unused == ()
            async with client_of(cassette) as sikoia:
                await list_users(sikoia)
                assert sikoia.environment.name == "local"
                assert sikoia.stats().in_flight == 0

    assert files_beside(path)


async def test_recording_verifies_certificates(path: Path) -> None:
    """Requests go through the SDK's own connections, and nothing is sent to a wrong server."""
    with Sandbox() as sandbox:
        way = {**way_to(sandbox), "tls": None}
        with Cassette(path, record=True) as cassette:
            async with client_of(cassette, **way, retries=0) as sikoia:
                with pytest.raises(ConnectionFailedError, match="certificate is not valid"):
                    await list_users(sikoia)
                assert sikoia.stats().connections_replaced == 1

    assert not files_beside(path)


async def test_a_transport_and_a_proxy_exclude_each_other(path: Path) -> None:
    """The combination is refused, as by `Sikoia`."""
    with (
        Cassette(path, record=True) as cassette,
        pytest.raises(ConfigurationError, match="configure these on your own transport"),
    ):
        cassette.transport(httpx.AsyncHTTPTransport(), proxy="http://proxy.example")


async def test_a_client_with_the_transport_is_replayed(path: Path, sandbox: MemorySandbox) -> None:
    """It may have any environment and any credentials."""
    await record(path, sandbox, list_users)
    somewhere = Environment(
        name="mine",
        api="https://api.example",
        token_url="https://api.example/oauth",
        scope="all",
    )

    with Cassette(path) as cassette:
        ways: list[dict[str, Any]] = [
            {"client_id": "mine", "client_secret": "mine"},
            {"token": "mine"},
            {"api_key": "mine"},
        ]
        for way in ways:
            async with Sikoia(**way, environment=somewhere, transport=cassette.transport()) as one:
                assert await one.users.list()


async def test_a_response_made_of_bytes_is_recorded(path: Path) -> None:
    """Transports for tests create such responses."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=[{"user_id": "one"}]))
    with Cassette(path, record=True) as cassette:
        async with client_of(cassette, token="mine", transport=transport) as sikoia:
            assert len(await sikoia.users.list()) == 1

    with Cassette(path) as cassette:
        async with client_of(cassette, retries=0, interval=None) as sikoia:
            assert [one.user_id for one in await sikoia.users.list()] == ["one"]
