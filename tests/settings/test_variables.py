"""Settings from environment variables and mounted files."""

import os
import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sikoia_async import ConfigurationError, Quota, Router, Sikoia
from sikoia_async._settings.variables import VARIABLES
from sikoia_async.webhooks import sign

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-that-nobody-may-see"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set valid credentials."""
    monkeypatch.setenv("SIKOIA_CLIENT_ID", "an-id")
    monkeypatch.setenv("SIKOIA_CLIENT_SECRET", SECRET)


def limit(sikoia: Sikoia) -> float | None:
    """Return the rate limit of a client."""
    return sikoia.stats().quota_left


def refused(make: Callable[[], object], name: str, *values: str) -> str:
    """Return the error of an invalid setting, which shows no value, not even in its traceback."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in frames.stack if "/sikoia_async/" in frame.filename]
    shown = f"{caught.value!r} {[frame.locals for frame in ours]}"
    assert name in str(caught.value)
    assert [value for value in (SECRET, *values) if value and value in shown] == []
    return str(caught.value)


def test_the_documentation_lists_the_variables() -> None:
    """In the same words, and no others."""
    page = (ROOT / "docs" / "pages" / "client.md").read_text("utf-8")

    assert dict(re.findall(r"^\| `(SIKOIA_\w+)` \| (.*) \|$", page, re.MULTILINE)) == VARIABLES


def test_no_other_variable_is_read() -> None:
    """Every name in the package is in the table, and only the table's module reads them."""
    sources = {
        path: path.read_text("utf-8")
        for path in (ROOT / "sikoia_async").rglob("*.py")
        if "sandbox" not in path.parts
    }
    names = {name for text in sources.values() for name in re.findall(r"\bSIKOIA_[A-Z_]+\b", text)}
    readers = {
        path.name for path, text in sources.items() if re.search(r"os\.environ|getenv", text)
    }

    # `sikoia sandbox ...` reads the first, and curl commands that are printed name the other.
    others = {"SIKOIA_SANDBOX_CONTROL", "SIKOIA_TOKEN"}
    assert names - others == set(VARIABLES)
    assert readers & {"_client.py", "connector.py", "credentials.py", "router.py"} == set()


def test_a_client_takes_its_settings_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is given no argument."""
    monkeypatch.setenv("SIKOIA_TIMEOUT", " 12.5\n")
    monkeypatch.setenv("SIKOIA_QUOTA_SHARE", "0.29")
    monkeypatch.setenv("SIKOIA_MAX_CHARGEABLE", "0")
    monkeypatch.setenv("SIKOIA_RELY_ON_EVENTS", "True")
    sikoia = Sikoia()

    assert sikoia._api.options.timeout == 12.5
    assert limit(sikoia) == 58
    assert sikoia._api.context.spend._limit == 0
    assert sikoia._api.context.registry._rely_on_events


def test_an_argument_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it is the default, and if the variable is not valid."""
    for name in ("TIMEOUT", "QUOTA_SHARE", "MAX_CHARGEABLE", "RELY_ON_EVENTS"):
        monkeypatch.setenv(f"SIKOIA_{name}", "not valid")
    sikoia = Sikoia(timeout=60.0, quota=Quota(200), max_chargeable=7, rely_on_events=False)

    assert sikoia._api.options.timeout == 60.0
    assert limit(sikoia) == 200
    assert sikoia._api.context.spend._limit == 7
    assert not sikoia._api.context.registry._rely_on_events
    assert limit(Sikoia(timeout=1, quota=None, max_chargeable=1, rely_on_events=True)) is None


def test_defaults_stay_without_variables() -> None:
    """As they are documented."""
    sikoia = Sikoia()

    assert sikoia._api.options.timeout == 60.0
    assert limit(sikoia) == 200
    assert sikoia._api.context.spend._limit is None
    assert not sikoia._api.context.registry._rely_on_events


INVALID = {
    "SIKOIA_TIMEOUT": ["", " ", "x", "0", "0.0", "-1", "inf", "nan", "1e9", "1_0", "٣", "9" * 5000],
    "SIKOIA_QUOTA_SHARE": ["", "0", "1.01", "25%", "-0.1", "1/4", ".5", "nan", "0x1"],
    "SIKOIA_MAX_CHARGEABLE": ["", "-1", "1.5", "1.0", "none", "1e3", "9" * 5000, "٣"],
    "SIKOIA_RELY_ON_EVENTS": ["", "maybe", "2", "truee", "t"],
    "SIKOIA_LOG": ["", "warning", "2", "information"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in INVALID.items() for value in values]
)
def test_an_invalid_value_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of its variable; an empty limit is not "no limit"."""
    monkeypatch.setenv(name, value)

    refused(Sikoia, f"{name}: expected ", value if len(value) > 3 else "")


@pytest.mark.parametrize("value", ["1", "1.0", "0.0001", "0.005"])
def test_the_smallest_share_is_one_request(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that may send nothing would wait for ever."""
    monkeypatch.setenv("SIKOIA_QUOTA_SHARE", value)

    assert limit(Sikoia()) == (200 if value.startswith("1") else 1)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_secrets_come_from_mounted_files(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the line break that editors and `echo` add; through a link, as Kubernetes does."""
    for name in ("CLIENT_ID", "CLIENT_SECRET"):
        file, link = tmp_path / f"{name}.real", tmp_path / name
        file.write_bytes(f"{name}-from-a-file{end}".encode())
        link.symlink_to(file)
        monkeypatch.delenv(f"SIKOIA_{name}")
        monkeypatch.setenv(f"SIKOIA_{name}_FILE", str(link))

    sikoia = Sikoia()
    token = sikoia._parts.get().token
    assert token is not None
    assert "CLIENT_SECRET-from-a-file" not in repr(vars(sikoia))
    same = Sikoia("CLIENT_ID-from-a-file", "CLIENT_SECRET-from-a-file")
    one = sikoia._api.context.registry.signer.token("income", ("a",))
    assert one == same._api.context.registry.signer.token("income", ("a",))


def _nothing(_: Path) -> None:
    """Leave the path without a file."""


BAD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (_nothing, "a regular file that this process can read"),
    "a folder": (Path.mkdir, "a regular file that this process can read"),
    "a pipe": (os.mkfifo, "a regular file that this process can read"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "a regular file"),
    "a loop": (lambda path: path.symlink_to(path), "a regular file"),
    "empty": (lambda path: path.write_bytes(b""), "the file is empty"),
    "blank": (lambda path: path.write_bytes(b"\n\n"), "the file is empty"),
    "huge": (lambda path: path.write_bytes(b"x" * 70_000), "the file is larger than 64 KiB"),
    "binary": (lambda path: path.write_bytes(b"\xff\xfe"), "the file is not UTF-8"),
}


@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_SECRETS"])
@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_file_without_a_secret_is_refused(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the variable, and not the path."""
    make, expected = BAD_FILES[kind]
    path = tmp_path / "mounted-secret"
    make(path)
    monkeypatch.delenv(f"SIKOIA_{name}", raising=False)
    monkeypatch.setenv(f"SIKOIA_{name}_FILE", str(path))

    text = refused(Router if name == "WEBHOOK_SECRETS" else Sikoia, f"SIKOIA_{name}_FILE: ")

    assert expected in text
    assert "mounted-secret" not in text


def test_a_variable_that_names_no_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty path leads nowhere."""
    monkeypatch.delenv("SIKOIA_CLIENT_SECRET")
    monkeypatch.setenv("SIKOIA_CLIENT_SECRET_FILE", "")

    refused(Sikoia, "SIKOIA_CLIENT_SECRET_FILE: expected the path")


@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "WEBHOOK_SECRETS"])
def test_a_variable_and_its_file_exclude_each_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell which is meant."""
    (tmp_path / "file").write_text(SECRET)
    monkeypatch.setenv(f"SIKOIA_{name}", SECRET)
    monkeypatch.setenv(f"SIKOIA_{name}_FILE", str(tmp_path / "file"))

    refused(
        Router if name == "WEBHOOK_SECRETS" else Sikoia,
        f"SIKOIA_{name}, SIKOIA_{name}_FILE: set one of them, not both",
    )


def test_credentials_in_code_ignore_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if they cannot be read."""
    monkeypatch.setenv("SIKOIA_CLIENT_SECRET_FILE", "/nonexistent")

    assert repr(Sikoia("an-id", SECRET)) == "<Sikoia production>"
    assert repr(Sikoia(token="a-token")) == "<Sikoia production>"


@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_an_invalid_secret_is_named_by_its_variable(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not by the argument that nobody passed."""
    secret = "a secret with blanks"
    (tmp_path / "file").write_text(secret)
    monkeypatch.delenv("SIKOIA_CLIENT_SECRET")
    value = str(tmp_path / "file") if suffix else secret
    monkeypatch.setenv(f"SIKOIA_CLIENT_SECRET{suffix}", value)

    refused(Sikoia, f"SIKOIA_CLIENT_SECRET{suffix}: expected a non-empty string", secret)


@pytest.mark.parametrize("suffix", ["", "_FILE"])
@pytest.mark.anyio
async def test_a_router_takes_its_secrets_from_variables(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one and the old one, during a rotation."""
    secrets = "the-new-secret-of-webhooks the-old-secret-of-webhooks"
    (tmp_path / "file").write_text(secrets.replace(" ", "\n") + "\n")
    value = str(tmp_path / "file") if suffix else secrets
    monkeypatch.setenv(f"SIKOIA_WEBHOOK_SECRETS{suffix}", value)
    router = Router()

    for number, secret in enumerate(secrets.split()):
        body = b'"%d"' % number
        assert (await router.receive(body, sign(body, secret))).secret == number


@pytest.mark.anyio
async def test_a_router_reads_a_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotation needs no restart."""
    path, body = tmp_path / "file", b"{}"
    path.write_text("the-old-secret-of-webhooks")
    monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS_FILE", str(path))
    router = Router()
    path.write_text("the-new-secret-of-webhooks\nthe-old-secret-of-webhooks\n")

    assert (await router.receive(body, sign(body, "the-new-secret-of-webhooks"))).secret == 0
    path.unlink()
    with pytest.raises(ConfigurationError, match="SIKOIA_WEBHOOK_SECRETS_FILE: expected the path"):
        await router.receive(body, sign(body, "the-new-secret-of-webhooks"))


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_a_router_without_secrets_is_refused(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could verify nothing."""
    if value is not None:
        monkeypatch.setenv("SIKOIA_WEBHOOK_SECRETS", value)

    refused(Router, "no webhook secrets: pass them, or set SIKOIA_WEBHOOK_SECRETS or")


@pytest.mark.parametrize("suffix", ["", "_FILE"])
def test_a_short_webhook_secret_is_named_by_its_variable(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what is wrong with it."""
    (tmp_path / "file").write_text("too-short-19")
    value = str(tmp_path / "file") if suffix else "too-short-19"
    monkeypatch.setenv(f"SIKOIA_WEBHOOK_SECRETS{suffix}", value)

    refused(Router, f"SIKOIA_WEBHOOK_SECRETS{suffix}: ", "too-short-19")
