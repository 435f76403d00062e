"""Looks for secrets in what git tracks; first it shows that it would find them.

Made-up credentials are what tests and benchmarks use: there, words such as `secret="..."` and
addresses with a password count for nothing. Keys in the forms of real services count everywhere.

    python .ci/scan_secrets.py [file ...]

Files that are named are looked through as well, such as the gate's own output.
"""

import secrets
import subprocess
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

_MADE_UP: Final = frozenset({"Secret Keyword", "Basic Auth Credentials"})
_NOT_SECRET: Final = frozenset(
    {
        ("sikoia_async/_hooks/auth.py", "Secret Keyword"),  # the name of the header
        ("sikoia_async/sandbox/webhooks.py", "Secret Keyword"),  # the name of a store
    }
)
# Entropy says nothing of tables of hashes and ids; the other detectors look for known forms.
_TOO_VAGUE: Final = frozenset({"Base64 High Entropy String", "Hex High Entropy String"})


def main() -> None:
    """Fail if there is a secret, or if one could not be found."""
    with default_settings():
        missed = sorted(_missed())
        found = sorted(_found([*_tracked(), *sys.argv[1:]]))
    if missed:
        sys.exit(f"the scan does not find a planted {', '.join(missed)}")
    if found:
        sys.exit("\n".join(f"a secret? {where}" for where in found))
    print(f"no secrets in {len(_tracked())} files; the planted ones were found")


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)  # noqa: S607
    return [name for name in listed.stdout.split("\0") if name and Path(name).is_file()]


def _found(files: list[str]) -> Iterator[str]:
    collection = SecretsCollection()
    collection.scan_files(*files)
    for file, secret in collection:
        made_up = file.startswith(("tests/", "benchmarks/")) and secret.type in _MADE_UP
        known = (file, secret.type) in _NOT_SECRET or secret.type in _TOO_VAGUE
        if not made_up and not known:
            yield f"{file}:{secret.line_number}: {secret.type}"


def _missed() -> Iterator[str]:
    """Plant a secret of each kind in a file, and yield the kinds that are not found."""
    for kind, planted in _canaries().items():
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            file.write(planted + "\n")
            file.flush()
            if not any(kind in found for found in _found([file.name])):
                yield kind


def _canaries() -> dict[str, str]:
    """Return one secret of each kind, put together so that this file has none in it."""
    word = secrets.token_hex(20)
    parts = (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1"}', word.encode())
    token = ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return {
        "Private Key": f"-----BEGIN RSA {'PRIVATE'} KEY-----",
        "JSON Web Token": token,
        "AWS Access Key": f'"AKIA{word[:16].upper()}"',
        "GitHub Token": f"gh{'p'}_{word[:36]}",
        "PyPI Token": f"pypi-AgEIcHlwaS5vcmc{word * 2}",
        "Secret Keyword": f'client_{"secret"} = "{word}"',
        "Basic Auth Credentials": f"https://user:{word}@example.com",
    }


main()
