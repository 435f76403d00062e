"""The parser of all commands."""

import pytest

from sikoia_async.cli import main as cli


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sandbx", "sikoia: unknown command; did you mean sandbox?"),
        ("Wilma", "sikoia: unknown command;"),
        ("batch rows.csv", "sikoia batch: expected a command before the file, such as credit-rep"),
        ("--versio", "sikoia: unknown option --versio; did you mean --version?"),
        ("--version=Wilma", "sikoia: argument --version: takes no value;"),
        ("demo Wilma", "sikoia demo: 1 more value than expected;"),
        ("cases --json list", "sikoia cases list: --json: expected after the command;"),
        ("demo --name=Wilma", "sikoia demo: unknown option --name;"),
    ],
)
def test_an_invalid_line_names_the_nearest_and_repeats_no_value(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, with exit code 2."""
    with pytest.raises(SystemExit) as caught:
        cli.main(line.split())

    (printed,) = capsys.readouterr().err.splitlines()
    assert caught.value.code == 2
    assert printed.startswith(message)
    assert "Wilma" not in printed


@pytest.mark.parametrize("line", ["demo --help", "batch", "batch --help", ""])
def test_help_needs_no_extra(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A group without a command prints its help too."""
    with pytest.raises(SystemExit) as caught:
        raise SystemExit(cli.main(line.split()))

    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: sikoia")


def test_the_version_wins_over_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`sikoia --version batch` runs nothing."""
    assert cli.main(["--version", "batch"]) == 0

    assert capsys.readouterr().out.startswith("sikoia-async ")
