"""Layers: imports point down, and never in circles. Only a new folder needs a new row."""

import re

import import_graph
import pytest

ARROWS = import_graph.graph()
OUTSIDE = ("sandbox", "testing", "cli", "__main__")
SDK = [name for name in ARROWS if import_graph.folder(name) not in OUTSIDE]


def test_every_folder_has_a_layer() -> None:
    """LAYERS lists the folders that exist, and no others."""
    rows = [name for names in import_graph.LAYERS for name in names]

    assert sorted(rows) == sorted({import_graph.folder(name) for name in ARROWS})


def test_imports_point_down() -> None:
    """No import points to a higher row, not even one for type checkers."""
    assert import_graph.upward(ARROWS) == []


def test_there_are_no_circles() -> None:
    """No modules import each other, not even for type checkers."""
    assert import_graph.circles(ARROWS) == []


def test_circles_and_upward_imports_are_found() -> None:
    """The checks can fail."""
    arrows = {"models": {"_client"}, "_client": {"_calls.api"}, "_calls.api": {"models"}}

    assert import_graph.circles(arrows) == [["_calls.api", "_client", "models"]]
    assert import_graph.upward(arrows) == [("models", "_client")]


@pytest.mark.parametrize("module", SDK)
def test_the_sdk_does_not_import_its_tools(module: str) -> None:
    """It runs without the local Sikoia, the test helpers and the command line."""
    assert [one for one in ARROWS[module] if import_graph.folder(one) in OUTSIDE] == []


@pytest.mark.parametrize("module", [name for name in ARROWS if name.startswith("sandbox")])
def test_the_sandbox_does_not_import_the_sdk(module: str) -> None:
    """The local Sikoia shares no code with the SDK, so that they cannot share a mistake."""
    assert [one for one in ARROWS[module] if import_graph.folder(one) != "sandbox"] == []


def test_the_package_root_stays_short() -> None:
    """The listing shows folders, and at most thirteen files: one of them for all types."""
    files = [path.name for path in import_graph.ROOT.iterdir() if path.is_file()]

    assert len(files) <= 13, f"move one of {sorted(files)} into a folder"


def test_the_counts_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`python tests/import_graph.py` prints them, and fails if one is not zero."""
    with pytest.raises(SystemExit) as ended:
        import_graph.main()

    assert ended.value.code == 0
    assert re.search(r"^upward +0\ncircles +0$", capsys.readouterr().out, re.MULTILINE)
