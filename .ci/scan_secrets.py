"""Finds secrets in the files that git tracks, after checking that it would find planted ones.

Tests and benchmarks use made-up credentials: there, assignments such as `secret="..."` and URLs
with a password are ignored. Keys in the formats of real services are reported everywhere.

    python .ci/scan_secrets.py [file ...]

Named files are scanned too, for example the output of the gate.
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
        ("docs/pages/networks.md", "Basic Auth Credentials"),  # these four: how to write a proxy
        ("sikoia_async/cli/doctor/connections.py", "Basic Auth Credentials"),
        ("sikoia_async/_client.py", "Basic Auth Credentials"),
        ("sikoia_async/_transport/proxies.py", "Basic Auth Credentials"),
        ("sikoia_async/stores/redis/__init__.py", "Basic Auth Credentials"),  # the form of a URL
        ("sikoia_async/_calls/headers.py", "Secret Keyword"),  # what to use instead of one
        ("sikoia_async/_hooks/auth.py", "Secret Keyword"),  # the name of the header
        ("sikoia_async/_settings/variables.py", "Secret Keyword"),  # what variables are for
        ("sikoia_async/sandbox/resources/webhooks.py", "Secret Keyword"),  # the name of a store
        ("sikoia_async/webhooks/router.py", "Secret Keyword"),  # where they are read from
    }
)
# Tables of hashes and ids have high entropy; the other detectors look for known formats.
_TOO_VAGUE: Final = frozenset({"Base64 High Entropy String", "Hex High Entropy String"})


def main() -> None:
    """Exit with an error if a secret is found, or if a planted one is not."""
    with default_settings():
        missed = sorted(_missed())
        found = sorted(_found([*_tracked(), *sys.argv[1:]]))
    if missed:
        sys.exit(f"the scan missed a planted {', '.join(missed)}")
    if found:
        sys.exit("\n".join(f"possible secret: {where}" for where in found))
    print(f"no secrets in {len(_tracked())} files; all planted ones were found")


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
    """Plant a secret of each kind in a file and yield the kinds that the scan misses."""
    for kind, planted in _canaries().items():
        with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
            file.write(planted + "\n")
            file.flush()
            if not any(kind in found for found in _found([file.name])):
                yield kind


def _canaries() -> dict[str, str]:
    """Return one secret of each kind, assembled so that this file contains none."""
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
