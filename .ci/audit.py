"""Reports known vulnerabilities of installed packages.

`pip-audit` exits with 1 both for a vulnerability and for a service that it cannot reach, and with 0
if the index knows no advisories. So its report is read instead: a vulnerability fails, and packages
without any information are counted.

    python .ci/audit.py PYTHON [command that runs pip-audit]
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
    """Exit with an error if a package of the environment has a known vulnerability."""
    python, *command = sys.argv[1:]
    command = command or [sys.executable, "-m", "pip_audit"]
    installed = _run([python, "-c", _LIST]).stdout
    # This package is not on the index before its first release.
    requirements = [one for one in installed.split() if not one.startswith("sikoia-async==")]
    vulnerable: set[str] = set()
    audited: set[str] = set()
    for service in _SERVICES:
        for package in _report(command, service, requirements):
            if "skip_reason" in package:
                continue
            audited.add(package["name"])
            vulnerable |= {
                f"{package['name']} {package['version']}: {one['id']}" for one in package["vulns"]
            }
    if vulnerable:
        sys.exit("known vulnerabilities:\n" + "\n".join(sorted(vulnerable)))
    count = len(requirements)
    if len(audited) < count:
        print(f"NOT AUDITED: {count - len(audited)} of {count}; no service had information on them")
    print(f"no known vulnerability in {len(audited)} of {count} packages")


def _report(command: list[str], service: str, requirements: list[str]) -> list[dict[str, Any]]:
    """Return the report of one service, or an empty one if it cannot be reached."""
    options = ["--no-deps", "--disable-pip", "--format", "json", "--timeout", "10"]
    quiet = ["--progress-spinner", "off", "--vulnerability-service", service]
    audit = [*command, "--requirement", "/dev/stdin", *options, *quiet]
    output = _run(audit, "\n".join(requirements)).stdout
    try:
        found: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except ValueError:
        return []
    return found


def _run(command: list[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603


main()
