"""Writes the SBOM of a wheel: itself, and all that its installation brings, as CycloneDX JSON.

    python .ci/sbom.py WHEEL PYTHON FILE

PYTHON is of an environment that has the wheel, its dependencies and nothing else. cyclonedx-py
cannot read the version of this project from pyproject.toml, because the build finds it: so the
version and the hash of the file are added here.
"""

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

_PROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"
_OPTIONS: Final = ("--mc-type", "library", "--output-reproducible", "--pyproject", str(_PROJECT))


def main() -> None:
    """Write the SBOM, and print how many packages it lists."""
    wheel, python, file = sys.argv[1:]
    command = [sys.executable, "-m", "cyclonedx_py", "environment", *_OPTIONS, python]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603
    sbom: dict[str, Any] = json.loads(output)
    version = Path(wheel).name.split("-")[1]
    itself = sbom["metadata"]["component"]
    itself["version"] = version
    itself["purl"] = f"pkg:pypi/{itself['name']}@{version}"
    itself["hashes"] = [{"alg": "SHA-256", "content": sha256(Path(wheel).read_bytes()).hexdigest()}]
    Path(file).write_text(json.dumps(sbom, indent=2) + "\n", encoding="utf-8")
    print(f"{Path(file).name}: {itself['name']} {version} and {len(sbom['components'])} packages")


main()
