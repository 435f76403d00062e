"""`sikoia doctor` against set-ups that are broken in one way each, with real servers."""

import io
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import trustme
import virtual
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from faults import Peer, Script, answer, authority, certified, forward, serve, trusting

from sikoia_async import Sikoia
from sikoia_async.cli import main as cli
from sikoia_async.cli.doctor.diagnosis import CHECKS, Check, diagnose
from sikoia_async.cli.doctor.findings import Finding, line
from sikoia_async.cli.doctor.network import resolve
from sikoia_async.cli.doctor.session import Session
from sikoia_async.cli.misspelt import misspelt
from sikoia_async.environments import STAGING, Environment, local
from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time
from sikoia_async.sandbox.snapshot import Snapshot

_SECRET: Final = "canary-secret-9a3c-7e21-55d0"
_NAMES: Final = [check.name for check in CHECKS]


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> str | tuple[str, Mapping[str, Any]]:
    """Run on asyncio only, as the command does."""
    is_virtual = request.node.get_closest_marker("virtual_time")
    return virtual.BACKENDS["asyncio"]() if is_virtual else "asyncio"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without variables that name credentials, proxies or authorities."""
    for name in os.environ:
        if name.upper().startswith(("SIKOIA", "SSL_CERT")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


def _doctor(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    """Run the command, and return its exit code and what it has printed, by check."""
    code = cli.main(["doctor", "--json", *options])
    printed = capsys.readouterr()
    assert (printed.err, _SECRET in printed.out) == ("", False)
    report = json.loads(printed.out)
    assert (report["ok"], report["spent"]) == (code == 0, 0)
    return code, {one["check"]: one for one in report["checks"]}


def _assert_only_failed(found: dict[str, Any], check: str, message: str, advice: str = "") -> None:
    """Check that one check has failed, why, what to do, and that what needs it was skipped."""
    failed = [name for name, one in found.items() if one["status"] == "failed"]
    assert failed == [check]
    assert message in found[check]["message"]
    assert advice in found[check]["advice"]
    assert list(found) == _NAMES


def _use(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, **changed: str) -> None:
    for name, value in (sandbox.variables | changed).items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Sandbox, Snapshot]]:
    """Run a local Sikoia for all tests, and return its initial state."""
    with Sandbox() as sandbox:
        yield sandbox, sandbox.snapshot()


@pytest.fixture
def sandbox(running: tuple[Sandbox, Snapshot], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Return a local Sikoia that the variables name, in its initial state."""
    sandbox, initial = running
    sandbox.restore(initial)
    _use(monkeypatch, sandbox)
    return sandbox


def _subscribe(sandbox: Sandbox, *, secret: bool) -> str:
    """Create a webhook, and perhaps a secret, and return its key."""
    _in_sandbox(sandbox, "POST", "/v2/webhooks", {
        "webhook_name": "All",
        "webhook_callback_url": "https://127.0.0.1:9/webhooks",
        "event_types": ["IdentityVerification.Completed"],
    })  # fmt: skip
    if not secret:
        return ""
    key: str = _in_sandbox(sandbox, "POST", "/v2/webhooks/secrets")["shared_key"]
    return key


def _in_sandbox(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    async def call() -> Any:
        async with Sikoia(
            sandbox.client_id,
            sandbox.client_secret,
            environment=local(sandbox.url),
            tls=sandbox.ca_file,
        ) as sikoia:
            return await sikoia.request(method, path, body=body)

    return anyio.run(call)


def test_a_good_set_up_passes(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """Each check prints one line, and free calls only are made."""
    code = cli.main(["doctor"])

    printed = capsys.readouterr().out
    *lines, empty, last = printed.splitlines()
    assert code == 0
    assert [one[9:22].strip() for one in lines] == _NAMES
    assert {one.split()[0] for one in lines} == {"ok", "skipped"}
    assert (empty, last) == ("", "12 ok, 1 skipped. Nothing was spent: only free calls were made.")
    assert sandbox.client_secret not in printed
    assert sandbox.ledger.spend == 0


def test_a_wrong_secret_is_named(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what needs an access token is skipped."""
    _use(monkeypatch, sandbox, SIKOIA_CLIENT_SECRET=_SECRET)

    code, found = _doctor(capsys)

    assert code == 1
    _assert_only_failed(found, "token", "refuses client id and secret (400 invalid_client)")
    assert found["call"]["status"] == "skipped"
    assert found["webhooks"]["message"] == "needs call"


def test_credentials_of_another_environment_are_told_from_wrong_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By trying them there."""
    with (
        Sandbox(credentials=Credentials(client_id="one")) as here,
        Sandbox(credentials=Credentials(client_id="two")) as there,
    ):
        _use(monkeypatch, there, SIKOIA_CA_FILE=_both(here, there))
        environments = [
            Environment(name=name, api=one.url, token_url=one.token_url, scope=one.scope)
            for name, one in (("local", here), ("local", there))
        ]
        session = Session(environments[0], others=[environments[1]])
        found = _diagnosed(session)
        monkeypatch.setenv("SIKOIA_CLIENT_SECRET", _SECRET)
        wrong = _diagnosed(Session(environments[0], others=[environments[1]]))

    assert found["token"].message == "these are credentials of local, not of local"
    assert found["token"].advice.startswith("set SIKOIA_ENVIRONMENT=local")
    assert "local does not accept them" in wrong["token"].message


def _both(*sandboxes: Sandbox) -> str:
    """Return a file with the authorities of several."""
    file = Path(sandboxes[0].ca_file).with_name("both.pem")
    file.write_text("".join(Path(one.ca_file).read_text("utf-8") for one in sandboxes), "utf-8")
    return str(file)


def _diagnosed(session: Session, **options: Any) -> dict[str, Finding]:
    async def run() -> list[Finding]:
        return await diagnose(session, lambda _: None, seconds=60, **options)

    return {one.check: one for one in anyio.run(run)}


def test_refused_credentials_are_tried_in_the_other_environment_of_sikoia() -> None:
    """And those of a local Sikoia nowhere else."""
    assert [one.name for one in Session(STAGING).other_environments] == ["production"]
    assert Session(local("https://127.0.0.1:9")).other_environments == []


@pytest.mark.parametrize(
    ("seconds", "status", "message"),
    [
        (-3_700, "failed", r"1\.0 h ahead of Sikoia's"),
        (600, "failed", r"10 min behind Sikoia's"),
        (-90, "warning", r"\d+ s ahead of Sikoia's"),
    ],
    ids=["an hour", "ten minutes", "a bit"],
)
def test_a_clock_that_is_off_is_measured(
    seconds: int,
    status: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By the date of a response."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    with Sandbox(time=Time(epoch=moment)) as sandbox:
        _use(monkeypatch, sandbox)
        code, found = _doctor(capsys)

    assert code == (status == "failed")
    assert found["clock"]["status"] == status
    assert re.fullmatch(message, found["clock"]["message"])
    assert "NTP" in found["clock"]["advice"]


def test_a_used_up_rate_limit_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the seconds to wait."""
    with Sandbox(rate=Rate(requests_per_window=0)) as sandbox:
        _use(monkeypatch, sandbox)
        code, found = _doctor(capsys)
    with Sandbox(rate=Rate(requests_per_window=0, retry_after=False)) as sandbox:
        _use(monkeypatch, sandbox)
        _, without = _doctor(capsys)

    assert code == 1
    assert found["call"]["message"] == "429: see rate limit"
    assert "refuses with 429" in found["rate limit"]["message"]
    assert found["rate limit"]["advice"].startswith("wait ")
    assert without["rate limit"]["advice"].startswith("wait a minute")


def _refusal(detail: str) -> dict[str, Any]:
    body = {"type": "InsufficientPermissions", "status": 403, "title": "Forbidden"}
    return {"status": 403, "body": json.dumps(body | {"detail": detail}).encode()}


@pytest.mark.parametrize(
    ("fault", "check", "said"),
    [
        (_refusal("Insufficient credits."), "credits", ("none are left", "buy credits")),
        (_refusal("Not enabled."), "call", ("403", "ask Sikoia to enable")),
        ({"token": "expired"}, "call", ("401", "check SIKOIA_ENVIRONMENT")),
        ({"status": 500}, "call", ("500", "")),
    ],
    ids=["no credits", "not enabled", "401", "500"],
)
def test_a_refused_call_is_explained(
    fault: dict[str, Any],
    check: str,
    said: tuple[str, str],
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Credits, permissions, tokens that the API refuses, and outages."""
    sandbox.faults.add("GET /v2/webhooks/event-types", times=9, **fault)

    code, found = _doctor(capsys)

    assert code == 1
    assert said[0] in found[check]["message"]
    assert said[1] in found[check]["advice"]
    assert found["call"]["status"] == "failed"
    assert found["webhooks"]["message"] == "needs call"


@pytest.mark.parametrize("left", ["17", "many"])
def test_a_header_says_how_much_of_the_rate_limit_is_left(
    left: str, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """If a gateway sends one; anything but a number is not repeated."""
    sandbox.faults.add(
        "GET /v2/webhooks/event-types",
        body=b"[]",
        headers={"RateLimit-Remaining": left},
    )

    code, found = _doctor(capsys)

    known = "17 left in this window" if left == "17" else "no header says how much is left"
    assert code == 0
    assert found["rate limit"]["message"].startswith(known)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 503, "body": b"{}"}, "the authorization server fails: 503"),
        ({"status": 400, "body": b'{"error": "invalid_scope"}'}, "the scope of local is refused"),
        ({"reset": "before"}, "no complete response from the authorization server"),
    ],
    ids=["503", "invalid_scope", "reset"],
)
def test_other_failures_of_the_token_endpoint_are_told_apart(
    fault: dict[str, Any], message: str, sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """They say nothing about the credentials."""
    sandbox.faults.add("POST /token", times=9, **fault)

    _, found = _doctor(capsys)

    _assert_only_failed(found, "token", message)


@pytest.mark.usefixtures("sandbox")
def test_credentials_are_not_tried_where_nobody_responds(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that cannot be reached has not accepted them."""
    monkeypatch.setenv("SIKOIA_CLIENT_SECRET", _SECRET)
    nowhere = Environment(
        name="nowhere", api="http://127.0.0.1:9", token_url="http://127.0.0.1:9/token", scope="s"
    )

    found = _diagnosed(Session(others=[nowhere]))

    assert "nowhere does not accept them" in found["token"].message


# Webhooks


def test_webhooks_without_a_secret_fail(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """A router would refuse every delivery."""
    _subscribe(sandbox, secret=False)

    _, found = _doctor(capsys)

    _assert_only_failed(found, "webhooks", "1 webhook, but no secret", "create_secret")


def test_the_secret_at_sikoia_is_compared_with_ours(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None, another one, one that cannot be a secret, the right one among several."""
    key = _subscribe(sandbox, secret=True)
    _subscribe(sandbox, secret=False)

    without = _doctor(capsys)[1]["webhooks"]
    monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS", _SECRET)
    code, report = _doctor(capsys)
    another = report["webhooks"]
    monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS", "short")
    malformed = _doctor(capsys)[1]["webhooks"]
    monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS", f"{_SECRET} {key}")
    right = _doctor(capsys)[1]["webhooks"]

    assert (without["status"], code) == ("warning", 1)
    assert "SIKOIA_WEBHOOK_SECRETS is not set" in without["message"]
    assert (another["status"], malformed["status"]) == ("failed", "failed")
    assert "does not have the key that Sikoia signs with" in another["message"]
    assert "shorter than 16 characters" in malformed["message"]
    assert right["status"] == "ok"
    assert right["message"].startswith("2 webhooks")


def test_webhooks_that_may_not_be_read_are_a_warning(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """An application may be allowed to do other things only."""
    sandbox.faults.add("GET /v2/webhooks", **_refusal("Not enabled."))

    code, found = _doctor(capsys)

    assert (code, found["webhooks"]["status"]) == (0, "warning")


# Variables


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    "name", ["SIKOIA_CLIENT_SECRTE", "SIKIOA_CLIENT_SECRET", "sikoia_client_secret"]
)
def test_a_misspelt_variable_is_named(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the one that was probably meant, and without its value."""
    monkeypatch.delenv("SIKOIA_CLIENT_SECRET")
    monkeypatch.setenv(name, _SECRET)

    _, found = _doctor(capsys)

    # The line before says which are set.
    assert found["variables"]["message"] == f"{name} is not read"
    assert found["variables"]["advice"] == "did you mean SIKOIA_CLIENT_SECRET?"
    assert "client_secret is missing" in found["credentials"]["message"]


def test_names_like_a_variable_that_is_set_are_not_mistakes() -> None:
    """There may be several for several environments; nor are all beginnings of one."""
    assert not list(misspelt({"SIKOIA_CLIENT_ID": "one", "SIKOIA_CLIENT_IDS": "two", "SIKOIA": ""}))


@pytest.mark.parametrize("line", ["users list", "batch credit-reports in.csv --out o --yes"])
def test_a_misspelt_variable_is_mentioned_by_all_commands(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The call may go to another environment than was meant."""
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("company_id\nx\n", "utf-8")
    monkeypatch.setenv("SIKOIA_ENV", "staging")
    for name in ("SIKOIA_ENVIRONMENT", "SIKOIA_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)

    assert cli.main(line.split()) != 0

    first = capsys.readouterr().err.splitlines()[0]
    assert first == "sikoia: SIKOIA_ENV is not read; did you mean SIKOIA_ENVIRONMENT?"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SIKOIA_TIMEOUT", "-1", "SIKOIA_TIMEOUT: expected seconds"),
        ("SIKOIA_QUOTA_SHARE", "2", "SIKOIA_QUOTA_SHARE: expected"),
        ("SIKOIA_MAX_CHARGEABLE", "all", "SIKOIA_MAX_CHARGEABLE: expected"),
        ("SIKOIA_RELY_ON_EVENTS", "no", "SIKOIA_RELY_ON_EVENTS: expected"),
        ("SIKOIA_LOG", "loud", "SIKOIA_LOG: expected info or debug"),
        ("SIKOIA_CLIENT_ID", " ", "SIKOIA_CLIENT_ID: set, but empty"),
        ("SIKOIA_WEBHOOK_SECRETS_FILE", "/nowhere", "SIKOIA_WEBHOOK_SECRETS_FILE: expected the"),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_an_invalid_variable_is_named(
    name: str,
    value: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also if nothing that is checked later would need it."""
    monkeypatch.setenv(name, value)

    code, found = _doctor(capsys)

    assert code == 1
    _assert_only_failed(found, "variables", message)
    assert found["credentials"]["message"] == "needs variables"


@pytest.mark.usefixtures("sandbox")
def test_authorities_that_cannot_be_read_skip_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing could be verified."""
    monkeypatch.setenv("SIKOIA_CA_FILE", "/nowhere")

    _, found = _doctor(capsys)

    _assert_only_failed(found, "environment", "SIKOIA_CA_FILE: expected a readable file")
    assert {found[name]["status"] for name in _NAMES[3:]} == {"skipped"}


def test_the_documentation_lists_the_checks() -> None:
    """In the order in which they run; versions are never wrong."""
    page = (Path(__file__).parents[2] / "docs" / "pages" / "doctor.md").read_text("utf-8")

    assert re.findall(r"^\| `([a-z ]+)` \|", page, re.MULTILINE) == _NAMES[1:]


def test_variables_without_an_effect_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL ignores files and folders that do not exist, and Sikoia has public authorities."""
    monkeypatch.setenv("SIKOIA_CA_FILE", str(trusting(tmp_path)))
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path}{os.pathsep}/nowhere")

    async def run() -> list[Finding]:
        return await diagnose(Session(), lambda _: None, seconds=60, checks=CHECKS[1:2])

    ok, *warnings = anyio.run(run)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusting(tmp_path)))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    fewer = anyio.run(run)

    assert ok.message == "SIKOIA_CA_FILE set"
    assert [one.message.split(" ")[0] for one in warnings] == [
        *("SIKOIA_CA_FILE", "SSL_CERT_FILE", "SSL_CERT_DIR")
    ]
    assert len(fewer) == 2


def test_an_option_names_the_environment(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It takes precedence over the variable, and has to be valid."""
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "staging")

    code, found = _doctor(capsys, "--environment", sandbox.url)
    invalid = cli.main(["doctor", "--environment", "test"])

    assert code == 0
    assert found["environment"]["message"].startswith("local, as --environment says")
    assert invalid == 2
    assert "--environment: expected production" in capsys.readouterr().err


def test_an_unknown_environment_skips_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And without variables, it is production."""
    monkeypatch.setenv("SIKOIA_ENVIRONMENT", "test")

    _, found = _doctor(capsys)
    monkeypatch.delenv("SIKOIA_ENVIRONMENT")
    without = _diagnosed(Session(), checks=CHECKS[:3])

    _assert_only_failed(found, "environment", "expected production, staging")
    assert {found[name]["status"] for name in _NAMES[3:]} == {"skipped"}
    assert without["variables"].message == "none set"
    assert "production, because SIKOIA_ENVIRONMENT is not set" in without["environment"].message


# The network


def _company() -> trustme.CA:
    """Return an authority that opens TLS connections on their way."""
    return trustme.CA(organization_name="Example Bank", organization_unit_name="Inspection")


async def _answers(peer: Peer) -> None:
    while True:
        request = await peer.request()
        grant = b'{"access_token": "t", "expires_in": 3600}'
        await peer.send(answer(201, grant) if b"/token" in request[:20] else answer())


async def _found(url: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Finding]:
    """Return what is found with a local Sikoia at a URL."""
    given = {"SIKOIA_CLIENT_ID": "one", "SIKOIA_CLIENT_SECRET": _SECRET, **variables}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    if url:
        monkeypatch.setenv("SIKOIA_ENVIRONMENT", url)
    shown: list[Finding] = []
    found = await diagnose(Session(), shown.append, seconds=60)
    assert shown == found
    assert _SECRET not in repr(found)
    return {one.check: one for one in found}


@pytest.mark.anyio
async def test_a_companys_authority_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to set; and once that is set, all is well."""
    company = _company()
    company.cert_pem.write_to_path(tmp_path / "company.pem")
    as_staging = partial(Environment, name="staging", scope="s")

    async with serve(_answers, certified(by=lambda: company)) as server:
        environment = as_staging(api=server.url, token_url=f"{server.url}/token")
        monkeypatch.setenv("SIKOIA_CLIENT_ID", "one")
        monkeypatch.setenv("SIKOIA_CLIENT_SECRET", _SECRET)
        run = partial(diagnose, show=lambda _: None, seconds=60, checks=CHECKS[2:8])
        failed = {one.check: one for one in await run(Session(environment))}
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
        passed = {one.check: one.status for one in await run(Session(environment))}
        monkeypatch.delenv("SSL_CERT_FILE")
        as_local = await _found(server.url, monkeypatch)

    assert "issued by 'Example Bank, Inspection'" in failed["tls"].message
    assert "SSL_CERT_FILE" in failed["tls"].advice
    assert "tls=" in failed["tls"].advice
    assert failed["token"].message == "needs tls"
    assert (passed["tls"], passed["token"]) == ("ok", "ok")
    assert as_local["tls"].advice.startswith("set SIKOIA_CA_FILE")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("context", "said"),
    [
        (partial(certified, until=datetime(2020, 1, 1, tzinfo=UTC)), ("has expired on", "clock")),
        (partial(certified, "other.example"), ("is for 'other.example', and", "another server")),
        (partial(certified, "127.0.0.2"), ("is for '127.0.0.2', and not", "another server")),
        (lambda: _certificate(names=False), ("is for no host, and not", "another server")),
        (lambda: _certificate(since=1), ("is not valid before", "clock")),
    ],
    ids=["expired", "another host", "another address", "no host", "not yet valid"],
)
async def test_an_invalid_certificate_is_described(
    context: Callable[[], ssl.SSLContext],
    said: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Expired, not yet valid, or of another host."""
    async with serve(_answers, context()) as server:
        found = await _found(server.url, monkeypatch, SIKOIA_CA_FILE=str(trusting(tmp_path)))

    assert said[0] in found["tls"].message
    assert said[1] in found["tls"].advice


def _certificate(*, names: bool = True, since: int = -1) -> ssl.SSLContext:
    """Return a server's context with a certificate that trustme does not make.

    Args:
        names: whether it is for 127.0.0.1, or for no host.
        since: days from now on which it begins to be valid.
    """
    signer = authority()
    key = load_pem_private_key(signer.private_key_pem.bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    own = generate_private_key(SECP256R1())
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=x509.load_pem_x509_certificate(signer.cert_pem.bytes()).subject,
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "one")]),
        public_key=own.public_key(),
        serial_number=1,
        not_valid_before=now + timedelta(days=since),
        not_valid_after=now + timedelta(days=9),
    )
    if names:
        name = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(name, critical=True)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    pem = own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += builder.sign(key, SHA256()).public_bytes(Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with trustme.Blob(pem).tempfile() as file:
        context.load_cert_chain(file)
    return context


@pytest.mark.anyio
async def test_a_host_that_cannot_be_resolved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs it is skipped, and nothing is sent."""
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> Any:
        asked.append(host)
        if host.startswith("oauth2"):
            raise socket.gaierror(socket.EAI_NONAME, "unknown name")
        return [(2, 1, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    found = await _found("", monkeypatch)

    assert asked == ["api.sikoia.com", "oauth2.sikoia.com"]
    assert found["dns"].message == "oauth2.sikoia.com cannot be resolved"
    assert "VPN" in found["dns"].advice
    assert found["token"].message == "needs tls"


@pytest.mark.anyio
async def test_resolved_hosts_have_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is a name; the API needs no TLS there."""
    async with serve(_answers) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        found = await _found(url, monkeypatch)

    assert found["dns"].message.startswith("localhost is ")
    assert found["tls"].message == "plain http on this machine"
    assert found["token"].status == "ok"
    assert found["clock"].message == "no response said what time it is"


def _refuses(status: str) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(f"{status}\r\n\r\n".encode())

    return script


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("user", "says", "message", "advice"),
    [
        ("", "HTTP/1.1 407 Auth", "refuses with 407: it wants a user name and", "user:password"),
        (f"me:{_SECRET}@", "HTTP/1.1 407 Auth", "407: it refuses this user name", "user:password"),
        ("me@", "HTTP/1.1 403 No", "opens no tunnel: status 403", "NO_PROXY"),
        ("", "what?", "opens no tunnel: status 0", "NO_PROXY"),
    ],
    ids=["no password", "wrong password", "403", "not HTTP"],
)
async def test_a_proxy_that_refuses_is_explained(
    user: str, says: str, message: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for a tunnel only; what needs it is skipped."""
    async with serve(_refuses(says)) as proxy:
        url = proxy.url.replace("http://", f"http://{user}")
        found = await _found("https://127.0.0.1:9", monkeypatch, HTTPS_PROXY=url)

    assert message in found["proxy"].message
    assert advice in found["proxy"].advice
    assert found["tls"].message == "needs proxy"
    assert (b"Proxy-Authorization: Basic " in proxy.requests[0]) is bool(user)


@pytest.mark.anyio
async def test_a_proxy_may_lead_to_sikoia(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS to the proxy too; then it resolves host names."""
    async with serve(_answers, certified()) as server, serve(forward, certified()) as proxy:
        found = await _found(
            server.url,
            monkeypatch,
            HTTPS_PROXY=proxy.url,
            SIKOIA_CA_FILE=str(trusting(tmp_path)),
        )

    assert found["proxy"].status == "ok"
    assert proxy.url.removeprefix("https://") in found["proxy"].message
    assert found["dns"].message == "the proxy resolves host names"
    assert (found["tls"].status, found["call"].status) == ("ok", "ok")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("http://127.0.0.1:9", "127.0.0.1:9 cannot be used: Connection refused"),
        (f"http://me:{_SECRET}@host:port", "https_proxy or all_proxy: expected the URL"),
    ],
)
async def test_a_proxy_that_cannot_be_used_is_named(
    proxy: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its password."""
    found = await _found("https://127.0.0.1:9", monkeypatch, HTTPS_PROXY=proxy)

    assert found["proxy"].status == "failed"
    assert message in found["proxy"].message


@pytest.mark.anyio
async def test_a_firewall_is_suggested_for_hosts_of_sikoia(monkeypatch: pytest.MonkeyPatch) -> None:
    """And to start a local one that does not run."""
    monkeypatch.setenv("SIKOIA_CLIENT_ID", "one")
    monkeypatch.setenv("SIKOIA_CLIENT_SECRET", _SECRET)
    away = Environment(
        name="staging", api="https://127.0.0.1:9", token_url="https://127.0.0.1:9/token", scope="s"
    )

    found = await diagnose(Session(away), lambda _: None, seconds=60)
    at_home = await _found("https://127.0.0.1:9", monkeypatch)

    (tls,) = [one for one in found if one.check == "tls"]
    assert tls.message == "127.0.0.1:9: Connection refused"
    assert "firewall" in tls.advice
    assert at_home["tls"].advice.startswith("start it with `sikoia sandbox`")


# How it ends


async def _hangs(_: Session) -> list[Finding]:
    await anyio.sleep_forever()
    return []


async def _passes(_: Session) -> list[Finding]:
    return [Finding("a", "ok", "yes")]


@pytest.mark.virtual_time
@pytest.mark.anyio
async def test_the_time_is_limited() -> None:
    """A check without a result in time has failed, and no other is begun."""
    checks = [
        Check("a", _passes),
        Check("b", _hangs),
        Check("c", _passes),
        Check("d", _passes, ("c",)),
    ]

    found = await diagnose(Session(), lambda _: None, seconds=30, checks=checks)

    assert [one.message for one in found] == [
        "yes",
        "no result in time",
        "the time is up",
        "needs c",
    ]
    assert [one.status for one in found] == ["ok", "failed", "skipped", "skipped"]


@pytest.mark.anyio
async def test_a_slow_resolver_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends later, in a thread that keeps nothing alive."""
    go_on, ended = threading.Event(), threading.Event()

    def look_up(*_: object, **__: object) -> Any:
        go_on.wait(60)
        ended.set()
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with anyio.move_on_after(0.01) as scope:
        await resolve("api.sikoia.com")
    (thread,) = [one for one in threading.enumerate() if one.name == "resolve"]
    go_on.set()

    assert scope.cancelled_caught
    assert thread.daemon
    assert ended.wait(60)
    await anyio.to_thread.run_sync(thread.join)


@pytest.mark.anyio
async def test_other_errors_of_the_network_fail_the_check() -> None:
    """And not the command."""

    async def fails(_: Session) -> list[Finding]:
        raise ConnectionResetError(104, "reset")

    (found,) = await diagnose(Session(), lambda _: None, seconds=60, checks=[Check("tls", fails)])

    assert (found.status, found.message) == ("failed", "Connection reset by peer")


class _Terminal:
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless NO_COLOR is set."""
    terminal: Any = _Terminal()
    finding = Finding("tls", "failed", "no TLS", "get some")

    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = line(finding, terminal)
    monkeypatch.setenv("NO_COLOR", "1")

    assert coloured == "\x1b[31mfailed   \x1b[0mtls          no TLS. Get some"
    assert line(finding, terminal) == "failed   tls          no TLS. Get some"


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    """Names of authorities come from servers that are not trusted."""
    finding = Finding("tls", "failed", "issued by \x1b[2JExample\r")

    assert line(finding, io.StringIO()).endswith("issued by \\u001b[2JExample\\r")


def test_an_interrupt_ends_it_quietly(sandbox: Sandbox) -> None:
    """With the exit code of Ctrl-C, and without a traceback."""
    sandbox.faults.add("POST /token", delay=60)
    command = [sys.executable, "-m", "sikoia_async", "doctor"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while "credentials" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)

    assert (rest, errors, process.returncode) == ("", "", 130)
