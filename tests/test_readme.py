"""The README: its examples run, and it is short."""

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
    """Export the variables of a local Sikoia."""
    with Sandbox() as sandbox:
        for name, value in sandbox.variables.items():
            monkeypatch.setenv(name, value)
        yield


@pytest.mark.usefixtures("_local_sikoia")
@pytest.mark.parametrize("number", range(len(_BLOCKS)))
def test_the_examples_run(number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every Python example runs unchanged, and prints what the README says."""
    script = tmp_path / "example.py"
    script.write_text(_BLOCKS[number], encoding="utf-8")

    runpy.run_path(str(script), run_name="__main__")

    expected = ["Approved ", "no such case: ", "Complete "][number]
    assert expected in capsys.readouterr().out


def test_all_examples_are_tested() -> None:
    """The test above has an expected output for each."""
    assert len(_BLOCKS) == 3


def test_the_readme_is_short() -> None:
    """It stays under 150 lines."""
    assert len(_README.splitlines()) < 150
