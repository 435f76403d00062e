"""The README's promises: its Python runs, and its commands are the ones that CI runs."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from sikoia_async.sandbox import Sandbox

_README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```python\n(.*?)^```", _README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def _local_sikoia(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Export what `sikoia sandbox` would print."""
    with Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.mark.usefixtures("_local_sikoia")
@pytest.mark.parametrize("number", range(len(_BLOCKS)))
def test_the_examples_run(number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each Python example runs as it stands, and prints what it says it prints."""
    script = tmp_path / "example.py"
    script.write_text(_BLOCKS[number], encoding="utf-8")

    runpy.run_path(str(script), run_name="__main__")

    expected = ["Approved ", "no such case: ", "Complete "][number]
    assert expected in capsys.readouterr().out


def test_there_is_an_example_of_each_subject() -> None:
    """The examples are the three that are checked above."""
    assert len(_BLOCKS) == 3


def test_the_readme_is_short() -> None:
    """A README is read when it is under 150 lines."""
    assert len(_README.splitlines()) < 150
