"""The table of the benchmarks, and the last run that is kept of them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import attrs
import pytest

sys.path.insert(1, str(Path(__file__).parents[1] / "benchmarks"))
from _kept import change, keep, last, load, page
from _measure import at_least, at_most, print_tables
from _rows import Row, ranked

_BENCHMARKS: Final = Path(__file__).parents[1] / "benchmarks"
_SLOWER: Final = at_most(None, "slower | peer", [2.0, 2.1, 2.2], [1.0, 1.0, 1.0])
_FASTER: Final = at_most(None, "faster | peer", [0.5, 0.5, 0.5], [1.0, 1.0, 1.0])
_DETAIL: Final = Row("  of which parsing", "1", "2")


def test_rows_in_which_a_peer_wins_come_first() -> None:
    """Each with the rows that belong to it, and so do missed targets."""
    outpaced = at_least(None, "outpaced | peer", [2.0], [1.0])
    missed = Row("missed", "3", "-", None, "0", "NO")
    unknown = Row("count | peer", "3", "2", 1.5)
    rows = [_FASTER, _DETAIL, _SLOWER, _DETAIL, unknown, outpaced, missed]

    assert ranked(rows) == ([_SLOWER, _DETAIL, outpaced, missed], [_FASTER, _DETAIL, unknown])


@pytest.mark.parametrize(
    ("now", "before", "changed"),
    [
        ((0.8, 0.9), (1.0, 1.1), "better"),
        ((1.2, 1.3), (1.0, 1.1), "worse"),
        ((0.9, 1.0), (1.0, 1.1), "same"),
        ((1.1, 1.2), (1.0, 1.1), "same"),
        (None, (1.0, 1.1), "-"),
        ((0.8, 0.9), None, "-"),
    ],
)
def test_a_ratio_has_changed_if_the_quartiles_do_not_overlap(
    now: tuple[float, float] | None, before: tuple[float, float] | None, changed: str
) -> None:
    """Less is better for costs; without quartiles nothing is said."""
    assert (
        change(attrs.evolve(_FASTER, quartiles=now), attrs.evolve(_FASTER, quartiles=before))
        == changed
    )


def test_more_is_better_for_speeds() -> None:
    """So a higher ratio is better."""
    before = at_least(None, "speed", [1.0] * 3, [2.0] * 3)
    now = at_least(None, "speed", [1.0] * 3, [3.0] * 3)

    assert (change(now, before), change(before, now)) == ("better", "worse")
    assert change(now, None) == "-"


def test_a_run_is_kept_beside_those_of_other_scripts(tmp_path: Path) -> None:
    """With where and when it was made, but not on which host."""
    keep("first", [_SLOWER, _DETAIL], 2.4, tmp_path)
    keep("second", [_FASTER, _DETAIL], 3.0, tmp_path)
    keep("first", [_FASTER, _DETAIL], 4.6, tmp_path)

    assert set(load(tmp_path)) == {"first", "second"}
    assert load(tmp_path)["first"].seconds == 5
    assert "CPUs" in load(tmp_path)["first"].on
    assert last("first", load(tmp_path)) == {
        "faster | peer": _FASTER,
        "faster | peer\n  of which parsing": _DETAIL,
    }
    assert last("third", load(tmp_path)) == {}
    assert (tmp_path / "last_run.md").read_text("utf-8") == page(load(tmp_path))


def test_the_page_shows_first_where_a_peer_wins(tmp_path: Path) -> None:
    """A bar in a cell is escaped, and an empty table is left out."""
    keep("script", [_FASTER, _SLOWER], 1.0, tmp_path)
    keep("other", [_FASTER], 1.0, tmp_path)
    runs = load(tmp_path)
    text = page(runs)

    assert "| slower \\| peer | 2100.0 ms | 1000.0 ms | 2.10 | 2.00 - 2.20 | - | - |" in text
    assert text.index("## Where a peer wins") < text.index("slower") < text.index("faster")
    assert "## Where a peer wins" not in page({"other": runs["other"]})


def test_the_page_is_that_of_the_kept_run() -> None:
    """Nobody edits one of them alone."""
    assert (_BENCHMARKS / "last_run.md").read_text("utf-8") == page(load())


def test_json_has_the_last_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Beside each row, and what has changed."""
    keep("script", [_SLOWER, _DETAIL], 1.0, tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py", "--json"])
    print_tables({"script": [_SLOWER, _DETAIL, _FASTER]}, load(tmp_path))

    slower, detail, faster = json.loads(capsys.readouterr().out)
    assert (slower["script"], slower["what"]) == ("script", "slower | peer")
    assert (slower["last"]["ratio"], slower["change"]) == (2.1, "same")
    assert (detail["last"]["ours"], detail["change"]) == ("1", "-")
    assert (faster["last"], faster["change"]) == (None, "-")


def test_a_table_has_the_last_ratio(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And says on what it was measured."""
    keep("script", [_SLOWER], 1.0, tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py"])
    print_tables({"script": [_FASTER, _SLOWER]}, load(tmp_path))

    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith("A peer wins")
    assert out.splitlines()[1].split()[-2:] == ["2.10", "same"]
    assert f"last run of script.py: {load(tmp_path)['script'].on}" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quick", "--keep"], "are not kept"),
        (["nothing"], "unknown: nothing"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused(arguments: list[str], message: str) -> None:
    """Before anything is measured."""
    command = [sys.executable, str(_BENCHMARKS / "run.py"), *arguments]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)

    assert completed.returncode == 2
    assert message in completed.stderr
