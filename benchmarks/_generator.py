"""The client that openapi-python-client generates from Sikoia's specification.

It is made anew in each run, in a folder that goes with it, and never kept.
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


class Missing(Exception):  # noqa: N818 - it is no error: there is nothing to compare with
    """Something that this needs is not here."""


@attrs.frozen
class Peer:
    """A generated client that can be imported."""

    folder: Path
    """The folder of its package."""
    complaints: int
    """How many warnings there were when it was generated."""
    modules: dict[tuple[str, str], str]
    """The name of the module of each operation that it has, by method and path."""

    def module(self, method: str, path: str) -> ModuleType:
        """Import the module of an operation.

        Raises:
            LookupError: there is none.
        """
        if (method, path) not in self.modules:
            raise LookupError(path)
        return import_module(self.modules[method, path])

    def read(self, method: str, path: str, status: int, body: bytes) -> object:
        """Read an answer as the operation's own functions do, but refuse where they give None."""
        client = import_module(PACKAGE).Client(base_url="", raise_on_unexpected_status=True)
        parse = vars(self.module(method, path))["_parse_response"]
        return parse(client=client, response=_response(status, body))

    def model(self, name: str) -> Any:
        """Return a model.

        Raises:
            LookupError: there is none.
        """
        models = vars(import_module(f"{PACKAGE}.models"))
        if name not in models:
            raise LookupError(name)
        return models[name]


@contextmanager
def generated() -> Generator[Peer]:
    """Generate the client, for as long as the block lasts.

    Raises:
        Missing: the specification or the generator is.
    """
    if not _SPECIFICATION.exists():
        msg = "the specification is not beside the repository"
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
    """Return in a word or two why something cannot be read, or None if it can."""
    try:
        read()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we came to see
        return _WORDS.get(type(error).__name__, type(error).__name__)
    return None


@lru_cache(maxsize=8)
def _response(status: int, body: bytes) -> httpx.Response:
    """Return an answer as it came, for making one is no part of reading it."""
    return httpx.Response(status, content=body)


def _generate(folder: Path, environment: dict[str, str]) -> str:
    """Run the generator, and return all that it said."""
    options = ["--path", str(_SPECIFICATION), "--meta", "none", "--output-path", str(folder)]
    said = _run(["openapi-python-client", "generate", *options], environment)
    # As long as ours may be, so that lines compare.
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
