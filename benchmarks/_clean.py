"""A Python environment with this SDK, packages that are named, what these depend on, nothing else.

`import httpx` loads a command line and its packages where these are installed, which development
environments have. Users' applications mostly do not, so start-up is measured without them. The
packages are links to those that are installed here: nothing is downloaded.
"""

import re
import sysconfig
import venv
from collections.abc import Collection, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

__all__ = ["clean_python"]

_ROOT: Final = Path(__file__).parent.parent
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9._-]+)(?:\[(.*?)\])?(?:.*extra == .([\w-]+))?")
"""A name, the extras of it that are required, and the extra that requires it."""


def clean_python(folder: str, *packages: str) -> str:
    """Create the environment in a folder, and return the path of its Python.

    Args:
        folder: where.
        packages: what is compared with this SDK and does not come with it.
    """
    venv.create(folder, symlinks=True)
    names = {"base": folder, "platbase": folder}
    site = Path(sysconfig.get_path("purelib", "venv", names))
    (site / "sikoia_async").symlink_to(_ROOT / "sikoia_async")
    found = [one for package in packages for one in _top_level(distribution(package))]
    for package in ("sikoia-async", *packages):
        found += _files(package, (), set())
    for name, path in found:
        if not (site / name).exists():
            (site / name).symlink_to(path)
    return str(Path(sysconfig.get_path("scripts", "venv", names)) / "python")


def _files(name: str, extras: Collection[str], seen: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield the modules, packages and metadata of all that a distribution requires."""
    for requirement in distribution(name).requires or ():
        match = _REQUIREMENT.match(requirement)
        if match is None or (match[3] and match[3] not in extras):
            continue
        try:
            required = distribution(match[1])
        except PackageNotFoundError:  # for other versions of Python
            continue
        if match[1] not in seen:
            seen.add(match[1])
            yield from _top_level(required)
            yield from _files(match[1], (match[2] or "").split(","), seen)


def _top_level(required: Distribution) -> Iterator[tuple[str, Path]]:
    for file in required.files or ():
        name = file.parts[0]
        if name not in {"..", "__pycache__"}:
            yield name, Path(str(required.locate_file(name)))
