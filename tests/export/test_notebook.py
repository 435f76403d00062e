"""How IPython and notebooks show models, by their own display hooks."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import pytest
from model_values import MODELS, filled, name_of

from sikoia_async.models import Items, Model
from sikoia_async.resources.cases import Address, Case, CaseSummary, Person

pytest.importorskip("IPython", reason="the lowest versions are tested without it")
from IPython.core.formatters import DisplayFormatter
from IPython.lib import pretty as printing

CANARY = "Wilma Canary"
PERSON = Person(
    person_id="2",
    first_name=CANARY,
    date_of_birth=date(1990, 1, 2),
    postal_address=Address(city=CANARY, country="GB"),
)
CASE = Case(
    case_id="1",
    name=CANARY,
    case_type="Business",
    stage="<b>New</b>",
    companies=(),
    persons=(PERSON,),
)


def pretty(value: Any) -> str:
    """Return what IPython prints."""
    printer: Any = printing
    text: str = printer.pretty(value)
    return text


def shown(value: Any) -> dict[str, str]:
    """Return what a notebook gets, by media type."""
    make: Any = DisplayFormatter
    formatter = make()
    formatter.active_types = ["text/plain", "text/html"]
    data: dict[str, str] = formatter.format(value)[0]
    return data


@pytest.mark.parametrize("value", [CASE, PERSON, Items([CASE, CASE])])
def test_nothing_personal_is_shown(value: Any) -> None:
    """As in the repr, in both forms."""
    data = shown(value)

    assert data.keys() == {"text/plain", "text/html"}
    for text in data.values():
        assert "***" in text
        assert "Canary" not in text
        assert "1990" not in text


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_model_is_shown(model: Any) -> None:
    """Alone and in a list, with everything that its repr has."""
    value = filled(model)

    assert "".join(shown(value)["text/plain"].split()) == "".join(repr(value).split())
    assert shown(value)["text/html"].startswith(f"<table><caption>{model.__name__}</caption>")
    assert "<caption>1 item</caption>" in shown(Items([value]))["text/html"]


def test_long_models_take_several_lines() -> None:
    """A field on each, and nested models indented."""
    text = pretty(CASE)

    assert text.startswith("Case(\n    case_id='1',\n    name=***,\n")
    assert "postal_address=Address(\n             house_number=None,\n" in text
    assert pretty(CaseOf(1)) == "CaseOf(a=1)"
    assert pretty(Items([CaseOf(1), CaseOf(2)])) == "Items([CaseOf(a=1), CaseOf(a=2)])"
    assert pretty(Items[Any]()) == "Items([])"
    assert pretty({"case": CaseOf(1)}) == "{'case': CaseOf(a=1)}"


@attrs.frozen
class CaseOf(Model):
    """A short model."""

    a: Any


def test_a_cycle_ends() -> None:
    """A model may be made to contain itself."""
    value = CaseOf([])
    value.a.append(value)

    assert pretty(value) == "CaseOf(a=[CaseOf(...)])"


def test_a_model_is_a_table_of_its_fields() -> None:
    """Those that are set, with nested ones by path; text is escaped."""
    text = shown(CASE)["text/html"]

    assert "<td>persons</td><td>1 of Person</td>" in text
    assert "<td>companies</td><td>(none)</td>" in text
    assert "<td>&lt;b&gt;New&lt;/b&gt;</td>" in text
    assert "description" not in text
    assert "<td>postal_address.country</td><td>GB</td>" in shown(PERSON)["text/html"]
    assert "<td>a</td><td>x, y</td>" in shown(CaseOf(["x", "y"]))["text/html"]
    assert f"<td>{'x' * 200}…</td>" in shown(CaseOf("x" * 300))["text/html"]


def test_a_list_is_a_table_of_its_items() -> None:
    """With the columns that have a value, and no more than fifty rows."""
    text = shown(Items([CaseSummary(case_id=str(one)) for one in range(60)]))["text/html"]

    assert "<caption>60 items, the first 50 shown</caption>" in text
    assert "<thead><tr><th>case_id</th></tr></thead>" in text
    assert (text.count("<tr>"), "<td>49</td>" in text, "<td>50</td>" in text) == (51, True, False)
    assert "<caption>0 items</caption>" in shown(Items[CaseSummary]())["text/html"]


def test_a_list_of_other_values_is_plain() -> None:
    """It has no columns."""
    assert shown(Items(["a"])) == {"text/plain": "Items(['a'])"}


def test_an_error_is_shown_with_the_line_of_the_cell_only(tmp_path: Path) -> None:
    """In a real IPython: no frame of the SDK, and the frames of the caller's own functions."""
    cell = """
from sikoia_async import Sikoia
async def fetch(sikoia):
    return await sikoia.cases.retrieve("")
await fetch(Sikoia(token="a-token"))
"""
    options = ("--no-banner", "--colors=NoColor", "--quick", "-c", cell)
    ended = subprocess.run(
        [sys.executable, "-m", "IPython", *options],
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},  # leaves the user's own alone
        capture_output=True,
        text=True,
        check=False,
    )

    shown = ended.stdout + ended.stderr
    assert "----> 4 await fetch(" in shown.replace("5 await", "4 await")
    assert 'sikoia.cases.retrieve("")' in shown
    assert "ArgumentError: case: not a valid id" in shown
    assert "tracebacks.py" not in shown
    assert "raise failure" not in shown
