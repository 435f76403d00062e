"""Files with scenarios and faults are read, and errors name the line."""

import re
import tomllib
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sikoia_async.sandbox import Sandbox, Scenario, create_app
from sikoia_async.sandbox.faults.deliveries import DeliveryFaults
from sikoia_async.sandbox.faults.requests import Faults
from sikoia_async.sandbox.scenario_files.toml_lines import Lines, TomlError, parse
from sikoia_async.sandbox.scenarios.value_types import describe_type

_PAGE = Path(__file__).parents[3] / "docs" / "pages" / "local.md"

_COMPLETE = """
# Of a shop.
[[scenario]]
name = "bust"
about = "It owes more than it has."
company_number = "98000001"
company_name = "Bust Widgets Ltd"
matches = 1
registry_status = "Closed"
solvent = false
online = false
peps_sanctions = 1
adverse_media = 2

[[scenario]]
name = "shy"
person = "Wilma Shy"
identity = "Expired"
integrity = "Fail"
payslips = "Refer"
credits = false

[[scenario]]
name = "edited"
file_name = "edited.pdf"

[[fault]]
operation = "GET /v2/users"
nth = 2
times = 3
after = 5
status = 503
retry_after = 2
delay = 1
[fault.headers]
X-Page = "one"

[[fault]]
operation = "*"
body = "<html>"
headers.X-Page = "two"
drip = 1.5

[[fault]]
name = "outage"

[[fault]]
name = "reset after processing"
operation = "POST /v2/identity"
nth = 2

[[delivery_fault]]
hold = true

[[delivery_fault]]
name = "lost"
event = "PayslipProcessing.Completed"
"""

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and return its path."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "shop.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def error_of(path: Path) -> str:
    """Load an invalid file, and return the error from the line number on."""
    with pytest.raises(ValueError, match="shop") as caught:
        create_app(scenarios=[path])
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{path}, line ")
    return message.removeprefix(f"{path}, line ")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_file_is_equivalent_to_python(write: Write, end: str, mark: bytes) -> None:
    """For every field of scenarios, and for faults by arguments and by name."""
    twin = create_app()
    twin.faults.add(
        "GET /v2/users",
        nth=2,
        times=3,
        after=5,
        status=503,
        retry_after=2,
        delay=1,
        headers={"X-Page": "one"},
    )
    twin.faults.add("*", body=b"<html>", headers={"X-Page": "two"}, drip=1.5)
    twin.faults.inject("outage")
    twin.faults.inject("reset after processing", "POST /v2/identity", nth=2)
    twin.deliveries.faults.add(hold=True)
    twin.deliveries.faults.inject("lost", "PayslipProcessing.Completed")

    app = create_app(scenarios=[str(write(mark + _COMPLETE.replace("\n", end).encode()))])

    assert [*app.scenarios][:3] == [
        Scenario(
            name="bust",
            about="It owes more than it has.",
            company_number="98000001",
            company_name="Bust Widgets Ltd",
            registry_status="Closed",
            solvent=False,
            online=False,
            peps_sanctions=1,
            adverse_media=2,
        ),
        Scenario(
            name="shy",
            person="Wilma Shy",
            identity="Expired",
            integrity="Fail",
            payslips="Refer",
            credits=False,
        ),
        Scenario(name="edited", file_name="edited.pdf"),
    ]
    assert app.faults.planned == twin.faults.planned
    assert app.deliveries.faults.planned == twin.deliveries.faults.planned


def test_the_example_in_the_documentation_loads(write: Write) -> None:
    """It has scenarios and both kinds of faults."""
    blocks = re.findall(r"^```toml\n(.*?)^```", _PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)

    for block in blocks:
        app = create_app(scenarios=[write(block)])
        assert [one.name for one in app.scenarios][:2] == ["bust", "edited"]
        assert (len(app.faults.planned), len(app.deliveries.faults.planned)) == (2, 1)
    assert len(blocks) == 1


def test_files_and_scenarios_can_be_mixed(tmp_path: Path) -> None:
    """Their order is kept, and a file may be empty."""
    for name in ("one", "two"):
        text = f"[[scenario]]\nname = '{name}'\nperson = '{name}'\n"
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    (tmp_path / "none.toml").write_text("", "utf-8")
    mine = Scenario(name="mine", person="Wilma Example")

    with Sandbox(
        scenarios=[tmp_path / "two.toml", mine, tmp_path / "none.toml", str(tmp_path / "one.toml")]
    ) as sandbox:
        names = [one.name for one in sandbox.scenarios]

    assert names[:4] == ["two", "mine", "one", "solvent company"]


def test_a_reset_plans_the_faults_of_files_again(write: Write) -> None:
    """They are part of the initial state."""
    app = create_app(scenarios=[write(_COMPLETE)])
    planned = app.faults.planned
    app.faults.clear()
    app.reset()

    assert app.faults.planned == planned


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[[scenario]]\nname = \n", "2: Invalid value"),
        ("[[scenario]]\nname = 'a'\nname = 'b'", "3: Cannot overwrite a value"),
        ("[[scenario]]\nname = '''a\nb\n\nc", "2: Expected \"'''\""),
        ("\n\n[[scenario]\n", "3: Expected ']]'"),
        ("# one\nnumber = [\n1,\n2\n", "2: Unclosed array"),
        (f"# one\nnumber = {'9' * 5000}", "2: Exceeds the limit"),
        (f"# one\nnumber = {'[' * 50_000}", "2: Nested too deeply"),
        (b"# one\nname = '\xff'", "2: not valid UTF-8"),
        ("[[scenario]]\nname = \"'''\"\nperson = [\n'b'\n\n", "3: Unclosed array"),
        (f"number = {'9' * 5000}\nother = 1\n", "1: Exceeds the limit"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "bytes",
)
def test_syntax_errors_have_a_line(write: Write, source: str | bytes, message: str) -> None:
    """For something that is never closed, the line where it begins."""
    assert error_of(write(source)).startswith(message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "[[scenario]]\nname = 'a'\n# one\ncompny_name = 'A'",
            "4: unknown key 'compny_name'; the closest are company_name, ",
        ),
        ("[[scenario]]\nname='a'\nperson='A'\nsource='here'", "4: unknown key 'source'"),
        ("\n[[scenario]]\nperson = 'A'", "2: a scenario needs name"),
        ("\n[[scenario]]\nname = 'a'", "2: a scenario needs one of company_number, "),
        ("[[scenario]]\nname = 'a'\nperson = 7", "3: person: expected a string"),
        (
            '[[scenario]]\nname="a"\nabout="""\\\nmatches = 3"""\nmatches = -1\ncompany_name="A"',
            "5: matches: expected a number from 0 to 1000",
        ),
        ("[[scenario]]\nname='a'\nperson='A'\nsolvent = false", "4: solvent: needs one of "),
        (
            "[[scenario]]\nname='a'\nperson='A'\n\n[[scenario]]\nname='b'\nperson='a'",
            "5: the scenarios 'a' and 'b' have the same person",
        ),
        (
            "[[scenario]]\nname='a'\nperson='A'\n\n[[scenario]]\nname='a'\nperson='b'",
            "5: two scenarios have the name 'a'",
        ),
        ("# one\n[scenario]\nname = 'a'", "2: begin each scenario with [[scenario]]"),
        ("scenario = [\n1]", "1: begin each scenario with [[scenario]]"),
        ("# one\nscenario = 'a'", "2: begin each scenario with [[scenario]]"),
        ("[[scenrio]]\nname = 'a'", "1: unknown table 'scenrio'; the closest are scenario, "),
        ("[a.b]\nc = 1", "1: unknown table 'a'"),
        ("\n'a\\nb' = 1", "2: unknown table 'a\\\\nb'"),
        ('\n"a\\nb" = 1', "2: unknown table 'a\\nb'"),
        ("[[fault]]\nstatus = 503", "1: a fault needs operation"),
        (
            "[[fault]]\nstatus = 503\noperation = 'GET /v2/usrs'",
            "3: unknown operation 'GET /v2/usrs'; the closest are GET /v2/users, ",
        ),
        ("[[fault]]\noperation = '*'\nstatus = '503'", "3: status: expected a whole number"),
        ("[[fault]]\noperation = '*'\nstatus = 200", "3: status: expected an error status"),
        ("[[fault]]\noperation = '*'\nreset = 'x'", "3: reset: expected one of 'before', 'after'"),
        ("[[fault]]\noperation = '*'\nbody = 7", "3: body: expected a string"),
        (
            "[[fault]]\noperation = '*'\n[fault.headers]\nx = 7",
            "3: headers: expected a table whose",
        ),
        ("[[fault]]\noperation = '*'\nheaders.x = 7", "3: headers: expected a table whose values "),
        ("[[fault]]\noperation = '*'\nheaders = 7", "3: headers: expected a table whose values "),
        ("[[fault]]\noperation = '*'\ndelay = nan", "3: delay: expected at least 0"),
        ("[[fault]]\noperation = '*'\nretry_after = 1", "3: retry_after: requires a status"),
        ("[[fault]]\n\noperation = '*'", "1: expected an effect"),
        ("[[fault]]\noperation = '*'\nstats = 503", "3: unknown key 'stats'"),
        ("[[fault]]\nname = 'outage'\nstatus = 503", "3: unknown key 'status'"),
        ("[[fault]]\nname = 'outge'", "2: unknown fault 'outge'; the closest are outage, "),
        (
            "fault = [{operation = '*', status = 503}, {operation = '*'}]",
            "1: expected an effect",
        ),
        ("[[delivery_fault]]\nhold = 1", "2: hold: expected true or false"),
        ("[[delivery_fault]]\nhold = true\nevent = 'x'", "3: unknown event 'x'; the closest"),
        (
            "[[delivery_fault]]\nevent = '*'\nname = 'lst'",
            "3: unknown fault 'lst'; the closest",
        ),
        ("[[delivery_fault]]\nforge = 'x'", "2: forge: expected one of 'key', 'body', "),
    ],
)
def test_invalid_content_has_a_line(write: Write, source: str, message: str) -> None:
    """With both kinds of line ends."""
    for end in ("\n", "\r\n"):
        assert error_of(write(source.replace("\n", end))).startswith(message)


def test_a_conflict_between_files_names_the_second(tmp_path: Path) -> None:
    """With its line, but without the value that they share."""
    paths = [tmp_path / "shop1.toml", tmp_path / "shop2.toml"]
    for path in paths:
        name = path.stem
        path.write_text(f"\n\n[[scenario]]\nname = '{name}'\nperson = 'Wilma Example'\n", "utf-8")

    with pytest.raises(
        ValueError, match=r"line 3: the scenarios .* have the same person$"
    ) as caught:
        create_app(scenarios=paths)

    assert str(caught.value).startswith(f"{paths[1]}, line 3: ")
    assert "Wilma" not in str(caught.value)


def test_a_missing_file_raises_file_not_found(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(FileNotFoundError, match=r"shop\.toml"):
        create_app(scenarios=[tmp_path / "shop.toml"])


@pytest.mark.parametrize(
    "plan",
    [Faults.add, Faults.inject, DeliveryFaults.add, DeliveryFaults.inject],
    ids=["fault", "named", "delivery fault", "named of a delivery"],
)
def test_every_argument_of_a_fault_has_a_describable_type(plan: Callable[..., None]) -> None:
    """So that files can set it, and errors can describe it."""
    annotations = get_type_hints(plan)

    for name in [*signature(plan).parameters][1:]:
        assert describe_type(annotations[name])


_PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\\'\""),
    max_size=20,
)
_MISLEADING = st.sampled_from(["[[scenario]]", "name = 1", "# no", "key3 = '''", "'", "[a]", ""])


@st.composite
def _documents(draw: st.DrawFn) -> tuple[str, dict[tuple[str, int, str], int]]:
    """Write a TOML document, and the line of each of its tables and keys."""
    lines = list[str]()
    expected: dict[tuple[str, int, str], int] = {}
    counts = {"scenario": 0, "fault": 0}

    def fill() -> None:
        for _ in range(draw(st.integers(0, 2))):
            lines.append(draw(st.sampled_from(["", "  ", "\t"])))
            if draw(st.booleans()):
                lines[-1] += f"# {draw(_MISLEADING)}{draw(_PLAIN)}"

    def value() -> str:
        inside = [draw(_MISLEADING).replace("'''", "") for _ in range(draw(st.integers(1, 3)))]
        kinds: dict[str, Callable[[], str]] = {
            "number": lambda: "7",
            "text": lambda: f"'{draw(_PLAIN)}' # {draw(_PLAIN)}",
            "lines": lambda: '"""' + "\n".join(inside) + ' """',
            "literal": lambda: "'''" + "\n".join(inside) + " '''",
            "list": lambda: "[\n# [[fault]]\n'a', # ]\n\n'b'\n]",
            "table": lambda: "{a = 1, b = '[[fault]]'}",
        }
        return kinds[draw(st.sampled_from(sorted(kinds)))]()

    fill()
    for _ in range(draw(st.integers(1, 5))):
        name = draw(st.sampled_from(sorted(counts)))
        index = counts[name]
        counts[name] += 1
        lines.append(draw(st.sampled_from([f"[[{name}]]", f" [[ {name} ]] # [[fault]]"])))
        expected[name, index, ""] = len(lines)
        for number in range(draw(st.integers(0, 4))):
            fill()
            key = f"key{number}"
            spelling = draw(st.sampled_from([key, f"'{key}'", f'  "{key}"', f"{key}.inner"]))
            expected[name, index, key] = len(lines) + 1
            lines.extend(f"{spelling} = {value()}".split("\n"))
        if draw(st.booleans()):
            fill()
            lines.append(f"[{name}.inner]")
            expected[name, index, "inner"] = len(lines)
            lines.append("key0 = 1")
        fill()
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines), expected


@given(_documents())
def test_lines_are_right(document: tuple[str, dict[tuple[str, int, str], int]]) -> None:
    """Even if comments and multi-line strings look like tables and keys."""
    source, expected = document
    parsed = parse(source)
    lines = Lines(source)

    assert {place: lines.of(*place) for place in expected} == expected
    assert sum(map(len, parsed.values())) == sum(not key for _, _, key in expected)
    for name, index, key in expected:
        assert not key or key in parsed[name][index]
        assert lines.of(name, index, "nothing") == lines.of(name, index)


@given(st.text() | st.lists(_MISLEADING | _PLAIN).map("\n".join))
def test_every_syntax_error_has_a_line(source: str) -> None:
    """Within the document, and a reason."""
    try:
        tomllib.loads(source)
    except tomllib.TOMLDecodeError:
        with pytest.raises(TomlError, match=r".") as caught:
            parse(source)
        assert 1 <= caught.value.line <= source.count("\n") + 1
    else:
        assert parse(source) == tomllib.loads(source)


def test_scenarios_from_files_know_their_source(write: Write) -> None:
    """But are equal to scenarios made in Python."""
    path = write("\n[[scenario]]\nname = 'a'\nperson = 'A'\n")
    app = create_app(scenarios=[path])

    assert [one.source for one in app.scenarios if one.source] == [f"{path}, line 2"]
    assert next(iter(app.scenarios)) == Scenario(name="a", person="A")
