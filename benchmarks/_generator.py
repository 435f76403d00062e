"""The client that openapi-python-client generates from Sikoia's specification.

It is generated in a temporary folder in each run.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs
import httpx

__all__ = ["PACKAGE", "Missing", "Peer", "generated", "refusal"]

PACKAGE: Final = "generated_client"
_SPECIFICATION: Final = (
    Path(__file__).resolve().parents[2] / "shared" / "api" / "sikoia-openapi.yml"
)

_WORDS: Final = {"UnexpectedStatus": "no model", "LookupError": "no operation"}
_CALLED: Final = re.compile(r'"method": "(\w+)",\s*"url": "([^"]+)"')
_COMPLAINT: Final = re.compile(r"^(?:WARNING|ERROR|Unable to \w+ schema) ", re.MULTILINE)


class Missing(Exception):  # noqa: N818 - not an error: there is nothing to compare
    """The specification or the generator is not available."""


@attrs.frozen
class Peer:
    """A generated client, ready to import."""

    folder: Path
    """The folder of its package."""
    complaints: int
    """The number of warnings of the generator."""
    modules: dict[tuple[str, str], str]
    """The module name of each operation, by method and path."""

    def module(self, method: str, path: str) -> ModuleType:
        """Import the module of an operation.

        Raises:
            LookupError: it does not exist.
        """
        if (method, path) not in self.modules:
            raise LookupError(path)
        return import_module(self.modules[method, path])

    def read(self, method: str, path: str, status: int, body: bytes) -> object:
        """Parse a response like the operation's functions, but raise if they return None."""
        client = import_module(PACKAGE).Client(base_url="", raise_on_unexpected_status=True)
        parse = vars(self.module(method, path))["_parse_response"]
        return parse(client=client, response=_response(status, body))

    def model(self, name: str) -> Any:
        """Return a model.

        Raises:
            LookupError: it does not exist.
        """
        models = vars(import_module(f"{PACKAGE}.models"))
        if name not in models:
            raise LookupError(name)
        return models[name]


@contextmanager
def generated() -> Generator[Peer]:
    """Generate the client for the duration of the block.

    Raises:
        Missing: the specification or the generator is not available.
    """
    if not _SPECIFICATION.exists():
        msg = "the specification is not next to the repository"
        raise Missing(msg)
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, PACKAGE)
        said = _generate(folder, {**os.environ, "PATH": beside})
        sys.path.append(home)
        try:
            yield Peer(folder, len(_COMPLAINT.findall(said)), dict(_modules(folder)))
        finally:
            sys.path.remove(home)


def refusal(read: Callable[[], object]) -> str | None:
    """Return why something cannot be parsed, in a word or two, or None if it can."""
    try:
        read()
    except Exception as error:  # noqa: BLE001 - any failure is a result
        return _WORDS.get(type(error).__name__, type(error).__name__)
    return None


@lru_cache(maxsize=8)
def _response(status: int, body: bytes) -> httpx.Response:
    """Return a prepared response, so that its creation is not measured."""
    return httpx.Response(status, content=body)


def _generate(folder: Path, environment: dict[str, str]) -> str:
    """Run the generator, and return its output."""
    options = ["--path", str(_SPECIFICATION), "--meta", "none", "--output-path", str(folder)]
    said = _run(["openapi-python-client", "generate", *options], environment)
    # The line length of this project, so that lines are comparable.
    _run(["ruff", "format", "--isolated", "--line-length", "100", str(folder)], environment)
    return said


def _run(command: list[str], environment: dict[str, str]) -> str:
    tool = shutil.which(command[0], path=environment["PATH"])
    if tool is None:
        msg = f"{command[0]} is not installed"
        raise Missing(msg)
    done = subprocess.run(
        [tool, *command[1:]], check=False, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        msg = f"{command[0]} failed: {' '.join((done.stdout + done.stderr).split())[-200:]}"
        raise Missing(msg)
    return done.stdout + done.stderr


def _modules(folder: Path) -> Iterator[tuple[tuple[str, str], str]]:
    for file in sorted(folder.glob("api/*/*.py")):
        if called := _CALLED.search(file.read_text("utf-8")):
            yield (called[1].upper(), called[2]), f"{PACKAGE}.api.{file.parent.name}.{file.stem}"
