"""`sikoia docs`: the documentation as Markdown, from its source."""

import json
import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from cli.terminal import Terminal

from sikoia_async import types
from sikoia_async.cli.docs.pages import Page, full, index, read_pages, sections_of
from sikoia_async.cli.docs.reference import describe
from sikoia_async.cli.docs.resources import with_models
from sikoia_async.cli.docs.search import search
from sikoia_async.cli.docs.source import find

_FOLDER = Path(__file__).parents[2] / "docs" / "pages"
_PAGES = {page.name: page for page in read_pages()}


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a terminal without the variables of a local Sikoia."""
    return Terminal(capsys)


def test_every_page_is_in_the_navigation() -> None:
    """So it is in the list of pages, too."""
    files = {str(path.relative_to(_FOLDER).with_suffix("")) for path in _FOLDER.rglob("*.md")}

    assert _PAGES.keys() == files


@pytest.mark.parametrize("name", _PAGES)
def test_nothing_of_the_generators_syntax_is_left(name: str) -> None:
    """References are described, examples included, and cross-references plain."""
    text = _PAGES[name].text

    assert re.findall(r"^:::|^--8<--|\]\[sikoia_async", text, re.MULTILINE) == []
    assert text.startswith(f"# {_PAGES[name].title}\n")


def test_pages_are_listed(shell: Terminal) -> None:
    """By what people do, each with its first sentence."""
    code, out, _ = shell.run("docs")

    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("## ")] == [
        "## Start",
        "## Tutorials",
        "## How to",
        "## Concepts",
        "## Reference",
        "## Resources",
    ]
    assert "- [Operations](operations): Some of Sikoia's work takes seconds to days: " in out
    assert len(re.findall(r"^- \[", out, re.MULTILINE)) == len(_PAGES)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("webhooks", "# Receiving webhooks"),
        ("webhooks.md", "# Receiving webhooks"),
        ("resources/webhooks", "# Webhooks"),
        ("cases", "# Cases"),
        ("webhooks#duplicates", "## Duplicates"),
    ],
)
def test_a_page_or_a_section_is_printed(name: str, first: str, shell: Terminal) -> None:
    """A resource is found by its own name, if there is only one page of that name."""
    code, out, _ = shell.run("docs", name)

    assert code == 0
    assert out.splitlines()[0] == first


def test_all_pages_are_printed(shell: Terminal) -> None:
    """In the order of the navigation."""
    code, out, _ = shell.run("docs", "--all")

    assert code == 0
    assert out == full(_PAGES.values())


def test_sections_with_all_words_are_found(shell: Terminal) -> None:
    """In any letter case; those whose heading has the words come first, by a name to print."""
    code, out, _ = shell.run("docs", "Rate", "LIMIT")

    assert code == 0
    first = out.splitlines()[0]
    assert first == "reliability#the-rate-limit  The rate limit"
    assert max(map(len, out.splitlines())) < 180
    code, out, _ = shell.run("docs", first.split()[0])
    assert (code, out.splitlines()[0]) == (0, "## The rate limit")


@pytest.mark.parametrize("words", [["nowhere#at-all"], ["webhooks#nowhere"], ["xyzzy", "retry"]])
def test_nothing_found_is_said_in_one_line(words: list[str], shell: Terminal) -> None:
    """With exit code 1, and without repeating the words."""
    assert shell.run("docs", *words) == (
        1,
        "",
        "sikoia docs: nothing found; sikoia docs lists the pages\n",
    )


def test_headings_inside_code_begin_no_section() -> None:
    """A comment in an example looks like one."""
    text = "# One\n\nText.\n\n```sh\n# a comment\n```\n\n## Two\n\nMore.\n"
    page = Page("one", "", text, _FOLDER)

    assert [anchor for anchor, _heading, _text in sections_of(text)] == ["one", "two"]
    assert [hit.excerpt for hit in search([page], ["two"])] == [""]


def test_a_page_without_a_group_is_listed_first(tmp_path: Path) -> None:
    """As mkdocs allows it, and with the source of another folder."""
    pages = tmp_path / "docs" / "pages"
    pages.mkdir(parents=True)
    (tmp_path / "docs" / "mkdocs.yml").write_text("a: b\n\nnav:\n  - one.md\n", "utf-8")
    (pages / "one.md").write_text("# One\n\nA [link](two.md). More.\n", "utf-8")

    listed = index(read_pages(tmp_path), lambda page: f"{page.name}.md", "About it.")

    assert listed == "# sikoia-async\n\n> About it.\n\n- [One](one.md): A link.\n"


def test_all_values_are_shown() -> None:
    """Each public enum is defined on a page, with its values."""
    text = full(_PAGES.values())
    aliases = {name: getattr(types, name) for name in types.__all__}
    enums = {name: alias for name, alias in aliases.items() if get_origin(alias) is Literal}

    assert len(enums) > 30
    for name, alias in enums.items():
        assert f"\n{name} = Literal[" in text, name
        assert [one for one in get_args(alias) if f"'{one}'" not in text] == []


def test_models_come_in_the_order_in_which_they_matter() -> None:
    """What methods return comes before what it consists of."""
    headings = re.findall(r"^### (\w+)$", _PAGES["resources/income"].text, re.MULTILINE)

    assert headings[:4] == ["Income", "IncomeReport", "IncomeData", "VerifiedIncome"]


def test_inherited_fields_are_shown() -> None:
    """With their descriptions, but without the methods of every model."""
    text = describe("sikoia_async.types.IncomeReport", 2)

    assert "- `datetime_completed: datetime | None` None while the request is pending." in text
    assert "to_json" not in text
    block = with_models("::: sikoia_async.resources.income.Income\n")
    assert re.search(r"inherited_members: \[.*\brequest_id\b.*\]", block)


def test_the_reference_is_that_of_the_source() -> None:
    """Of classes, functions and values, through imports."""
    text = describe("sikoia_async.Router", 3)
    assert text.startswith("### Router\n\n```python\nclass Router(")
    assert "\n#### on\n\n```python\ndef on(" in text
    assert describe("sikoia_async.poll", 3).startswith("### poll\n\n```python\nasync def poll(")
    assert describe("sikoia_async.resources.cases.CaseType", 3).startswith(
        "### CaseType\n\n```python\nCaseType = Literal["
    )


@pytest.mark.parametrize("name", ["nothing", "sikoia_async.Nothing", "sikoia_async.Sikoia.none"])
def test_an_unknown_name_is_an_error(name: str) -> None:
    """So a reference to something that was renamed fails the build."""
    with pytest.raises(LookupError):
        find(name)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((), "operations"),
        (("--all",), "operations"),
        (("webhooks#duplicates",), "webhooks#duplicates"),
        (("verify", "signature"), "webhooks"),
    ],
)
def test_json_has_what_would_be_printed(
    arguments: tuple[str, ...], name: str, shell: Terminal
) -> None:
    """A list of pages, sections or hits."""
    code, out, _ = shell.run("docs", *arguments, "--json")

    assert code == 0
    assert any(one["name"].startswith(name) for one in json.loads(out))


def test_json_of_nothing_found_is_an_empty_list(shell: Terminal) -> None:
    """With the exit code of a search that found nothing."""
    assert shell.run("docs", "zzzzzz", "--json")[:2] == (1, "[]\n")


@pytest.mark.parametrize("name", ["fastapi", "aiohttp"])
def test_the_reference_of_an_integration_is_short(name: str) -> None:
    """Each name once, and a table of the page is not repeated as source."""
    headings = re.findall(r"^### (.+)$", _PAGES[name].text, re.MULTILINE)

    assert "setup" in headings
    assert len(headings) == len(set(headings))
    assert "\nSTATUSES: Final[Mapping[type[errors.SikoiaError], int]]\n" in _PAGES[name].text
