"""Runs commands in this process, with the variables of a local Sikoia."""

import json
from typing import Any

import pytest
from every_method import MARK

from sikoia_async.cli import main as cli

__all__ = ["Terminal", "new_case"]


class Terminal:
    """Runs commands as a script would."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.printed = ""

    def run(self, *words: str) -> tuple[int, str, str]:
        """Run a command; return its exit code and what it printed."""
        try:
            code = cli.main(words)
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = self._capsys.readouterr()
        self.printed += out + err
        return code, out, err

    def get(self, line: str, *words: str) -> Any:
        """Run a command that must succeed, and return its JSON."""
        code, out, err = self.run(*line.split(), *words)
        assert code == 0, (line, err)
        return json.loads(out) if out else None


def new_case(terminal: Terminal, **person: str) -> tuple[str, str, str]:
    """Create a case, and return its id and those of its company and its person."""
    companies = json.dumps(
        {"company_name": "Acme Ltd", "company_number": "1", "jurisdiction_code": "GB"}
    )
    persons = json.dumps([{"first_name": MARK, "last_name": MARK, **person}])
    case = terminal.get(
        f"cases create --name {MARK} --case-type business --reference {MARK} --description {MARK}",
        "--companies",
        companies,
        "--persons",
        persons,
    )
    return (
        case["case_id"],
        case["companies"][0]["company_id"],
        case["persons"][0]["person_id"],
    )
