"""Asks for known weaknesses of what is installed; silence is no answer, and is told as such.

`pip-audit` ends with 1 both for a weakness and for a service that it cannot reach, and with 0 where
the index knows no advisories. So its report is read: a weakness fails, and packages that nobody
could say anything of are counted.

    python .ci/audit.py PYTHON [the command of pip-audit]
"""

import json
import subprocess
import sys
from typing import Any, Final

_SERVICES: Final = ("pypi", "osv")
_LIST: Final = """
from importlib.metadata import distributions
print(*sorted(f"{found.name}=={found.version}" for found in distributions()))
"""


def main() -> None:
    """Fail if a package of the environment has a known weakness."""
    python, *command = sys.argv[1:]
    listed = _run([python, "-c", _LIST]).stdout
    # Ourselves we are not on the index before the first release.
    wanted = "\n".join(one for one in listed.split() if not one.startswith("sikoia-async=="))
    weak: set[str] = set()
    looked_at: set[str] = set()
    for service in _SERVICES:
        for package in _report(command or [sys.executable, "-m", "pip_audit"], service, wanted):
            if "skip_reason" in package:
                continue
            looked_at.add(package["name"])
            weak |= {
                f"{package['name']} {package['version']}: {one['id']}" for one in package["vulns"]
            }
    if weak:
        sys.exit("known weaknesses:\n" + "\n".join(sorted(weak)))
    count = len(wanted.split())
    if len(looked_at) < count:
        print(f"NOT AUDITED: {count - len(looked_at)} of {count}; no service could tell of them")
    print(f"known weaknesses in {len(looked_at)} of {count} packages: none")


def _report(command: list[str], service: str, wanted: str) -> list[dict[str, Any]]:
    """Return what one service says of the packages; nothing where it cannot be asked."""
    options = ["--no-deps", "--disable-pip", "--format", "json", "--timeout", "10"]
    quiet = ["--progress-spinner", "off", "--vulnerability-service", service]
    said = _run([*command, "--requirement", "/dev/stdin", *options, *quiet], wanted).stdout
    try:
        found: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except ValueError:
        return []
    return found


def _run(command: list[str], given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)  # noqa: S603


main()
