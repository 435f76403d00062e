"""Files with scenarios and faults: what is read, and what is wrong with which line."""

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
from sikoia_async.sandbox.scenarios.fitting import wording
from sikoia_async.sandbox.scenarios.toml_lines import Places, UnreadableError, read

_PAGE = Path(__file__).parents[3] / "docs" / "pages" / "local.md"

_WHOLE = """
# Of a shop.
[[scenario]]
name = "bust"
about = "It owes more than it has."
company_number = "98000001"
company_name = "Bust Widgets Ltd"
matches = 1
closed = true
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
name = "reset after work"
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
    """Write a file, and give its path."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "shop.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path: Path) -> str:
    """Load a file that is wrong, and return what is said of it after its name."""
    with pytest.raises(ValueError, match="shop") as caught:
        create_app(scenarios=[path])
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert said.startswith(f"{path}, line ")
    return said.removeprefix(f"{path}, line ")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_file_is_what_python_would_say(write: Write, end: str, mark: bytes) -> None:
    """Each field of a scenario, and the arguments of faults by their own names and by theirs."""
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
    twin.faults.inject("reset after work", "POST /v2/identity", nth=2)
    twin.deliveries.faults.add(hold=True)
    twin.deliveries.faults.inject("lost", "PayslipProcessing.Completed")

    app = create_app(scenarios=[str(write(mark + _WHOLE.replace("\n", end).encode()))])

    assert [*app.scenarios][:3] == [
        Scenario(
            name="bust",
            about="It owes more than it has.",
            company_number="98000001",
            company_name="Bust Widgets Ltd",
            closed=True,
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


def test_the_files_of_the_page_load(write: Write) -> None:
    """Its TOML is complete."""
    blocks = re.findall(r"^```toml\n(.*?)^```", _PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)

    for block in blocks:
        app = create_app(scenarios=[write(block)])
        assert [one.name for one in app.scenarios][:2] == ["bust", "edited"]
        assert (len(app.faults.planned), len(app.deliveries.faults.planned)) == (2, 1)
    assert len(blocks) == 1


def test_files_and_scenarios_go_together(tmp_path: Path) -> None:
    """In the order in which they are given; an empty file is fine."""
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


def test_the_faults_of_a_file_are_there_again_after_a_reset(write: Write) -> None:
    """They belong to the beginning."""
    app = create_app(scenarios=[write(_WHOLE)])
    planned = app.faults.planned
    app.faults.clear()
    app.reset()

    assert app.faults.planned == planned


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[scenario]]\nname = \n", "2: Invalid value"),
        ("[[scenario]]\nname = 'a'\nname = 'b'", "3: Cannot overwrite a value"),
        ("[[scenario]]\nname = '''a\nb\n\nc", "2: Expected \"'''\""),
        ("\n\n[[scenario]\n", "3: Expected ']]'"),
        ("# one\nnumber = [\n1,\n2\n", "2: Unclosed array"),
        (f"# one\nnumber = {'9' * 5000}", "2: Exceeds the limit"),
        (f"# one\nnumber = {'[' * 50_000}", "2: Nested too deeply"),
        (b"# one\nname = '\xff'", "2: this is not UTF-8"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "bytes",
)
def test_what_is_no_toml_is_told_with_its_line(write: Write, text: str | bytes, said: str) -> None:
    """Of what is never closed, the line that it begins at."""
    assert refused(write(text)).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[scenario]]\nname = 'a'\n# one\ncompny_name = 'A'",
            "4: nothing is called 'compny_name' here; the nearest are company_name, ",
        ),
        ("[[scenario]]\nname='a'\nperson='A'\nsource='here'", "4: nothing is called 'source' here"),
        ("\n[[scenario]]\nperson = 'A'", "2: a scenario needs name"),
        ("\n[[scenario]]\nname = 'a'", "2: say what chooses it"),
        ("[[scenario]]\nname = 'a'\nperson = 7", "3: person: give a text"),
        (
            '[[scenario]]\nname="a"\nabout="""\\\nmatches = 3"""\nmatches = -1\ncompany_name="A"',
            "5: matches: give a number from 0 to 1000",
        ),
        ("[[scenario]]\nname='a'\nperson='A'\nsolvent = false", "4: solvent: this needs one of "),
        (
            "[[scenario]]\nname='a'\nperson='A'\n\n[[scenario]]\nname='b'\nperson='a'",
            "5: the same person chooses both 'a' and 'b'",
        ),
        (
            "[[scenario]]\nname='a'\nperson='A'\n\n[[scenario]]\nname='a'\nperson='b'",
            "5: two scenarios are called 'a'",
        ),
        ("# one\n[scenario]\nname = 'a'", "2: write [[scenario]] above the keys of each"),
        ("scenario = [\n1]", "1: write [[scenario]] above"),
        ("# one\nscenario = 'a'", "2: write [[scenario]] above"),
        ("[[scenrio]]\nname = 'a'", "1: nothing is called 'scenrio' here; the nearest are scenar"),
        ("[a.b]\nc = 1", "1: nothing is called 'a' here"),
        ("\n'a\\nb' = 1", "2: nothing is called 'a\\\\nb' here"),
        ('\n"a\\nb" = 1', "2: nothing is called 'a\\nb' here"),
        ("[[fault]]\nstatus = 503", "1: a fault needs operation"),
        (
            "[[fault]]\nstatus = 503\noperation = 'GET /v2/usrs'",
            "3: no operation is called 'GET /v2/usrs'; the nearest are GET /v2/users, ",
        ),
        ("[[fault]]\noperation = '*'\nstatus = '503'", "3: status: give a whole number"),
        ("[[fault]]\noperation = '*'\nstatus = 200", "3: status: give that of a refusal"),
        ("[[fault]]\noperation = '*'\nreset = 'x'", "3: reset: give one of 'before', 'after'"),
        ("[[fault]]\noperation = '*'\nbody = 7", "3: body: give a text"),
        ("[[fault]]\noperation = '*'\n[fault.headers]\nx = 7", "3: headers: give a table whose "),
        ("[[fault]]\noperation = '*'\nheaders.x = 7", "3: headers: give a table whose values are"),
        ("[[fault]]\noperation = '*'\nheaders = 7", "3: headers: give a table whose values are "),
        ("[[fault]]\noperation = '*'\ndelay = nan", "3: delay: give at least 0"),
        ("[[fault]]\noperation = '*'\nretry_after = 1", "3: retry_after: only a refusal has it"),
        ("[[fault]]\n\noperation = '*'", "1: say what is to happen"),
        ("[[fault]]\noperation = '*'\nstats = 503", "3: nothing is called 'stats' here"),
        ("[[fault]]\nname = 'outage'\nstatus = 503", "3: nothing is called 'status' here"),
        ("[[fault]]\nname = 'outge'", "2: no fault is called 'outge'; the nearest are outage, "),
        (
            "fault = [{operation = '*', status = 503}, {operation = '*'}]",
            "1: say what is to happen",
        ),
        ("[[delivery_fault]]\nhold = 1", "2: hold: give true or false"),
        ("[[delivery_fault]]\nhold = true\nevent = 'x'", "3: no event is called 'x'; the nearest"),
        (
            "[[delivery_fault]]\nevent = '*'\nname = 'lst'",
            "3: no fault is called 'lst'; the nearest",
        ),
        ("[[delivery_fault]]\nforge = 'x'", "2: forge: give one of 'key', 'body', "),
    ],
)
def test_what_is_wrong_is_told_with_its_line(write: Write, text: str, said: str) -> None:
    """Whichever line ends it has."""
    for end in ("\n", "\r\n"):
        assert refused(write(text.replace("\n", end))).startswith(said)


def test_a_collision_of_two_files_names_the_later_one(tmp_path: Path) -> None:
    """It is the one to change."""
    paths = [tmp_path / "shop1.toml", tmp_path / "shop2.toml"]
    for path in paths:
        name = path.stem
        path.write_text(f"\n\n[[scenario]]\nname = '{name}'\nperson = 'Wilma Example'\n", "utf-8")

    with pytest.raises(ValueError, match=r"line 3: the same person") as caught:
        create_app(scenarios=paths)

    assert str(caught.value).startswith(f"{paths[1]}, line 3: ")
    assert "Wilma" not in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    """It has the name."""
    with pytest.raises(FileNotFoundError, match=r"shop\.toml"):
        create_app(scenarios=[tmp_path / "shop.toml"])


@pytest.mark.parametrize(
    "plan",
    [Faults.add, Faults.inject, DeliveryFaults.add, DeliveryFaults.inject],
    ids=["fault", "named", "delivery fault", "named of a delivery"],
)
def test_each_argument_of_a_fault_has_words_for_its_type(plan: Callable[..., None]) -> None:
    """So a file may have it."""
    kinds = get_type_hints(plan)

    for name in [*signature(plan).parameters][1:]:
        assert wording(kinds[name])


_PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\\'\""),
    max_size=20,
)
_MISLEADING = st.sampled_from(["[[scenario]]", "name = 1", "# no", "key3 = '''", "'", "[a]", ""])


@st.composite
def _texts(draw: st.DrawFn) -> tuple[str, dict[tuple[str, int, str], int]]:
    """Write a TOML text, and note the line of each table and key."""
    lines = list[str]()
    places: dict[tuple[str, int, str], int] = {}
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
        places[name, index, ""] = len(lines)
        for number in range(draw(st.integers(0, 4))):
            fill()
            key = f"key{number}"
            spelt = draw(st.sampled_from([key, f"'{key}'", f'  "{key}"', f"{key}.inner"]))
            places[name, index, key] = len(lines) + 1
            lines.extend(f"{spelt} = {value()}".split("\n"))
        if draw(st.booleans()):
            fill()
            lines.append(f"[{name}.inner]")
            places[name, index, "inner"] = len(lines)
            lines.append("key0 = 1")
        fill()
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines), places


@given(_texts())
def test_lines_are_found(written: tuple[str, dict[tuple[str, int, str], int]]) -> None:
    """Whatever else the text has in it: comments, texts of several lines that look like tables."""
    text, expected = written
    said = read(text)
    places = Places(text)

    assert {place: places.line(*place) for place in expected} == expected
    assert sum(map(len, said.values())) == sum(not key for _, _, key in expected)
    for name, index, key in expected:
        assert not key or key in said[name][index]
        assert places.line(name, index, "nothing") == places.line(name, index)


@given(st.text() | st.lists(_MISLEADING | _PLAIN).map("\n".join))
def test_whatever_is_no_toml_has_a_line(text: str) -> None:
    """One of the text's, and a reason."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        with pytest.raises(UnreadableError, match=r".") as caught:
            read(text)
        assert 1 <= caught.value.line <= text.count("\n") + 1
    else:
        assert read(text) == tomllib.loads(text)


def test_a_scenario_tells_where_it_was_read(write: Write) -> None:
    """It is the same as one that was not read."""
    path = write("\n[[scenario]]\nname = 'a'\nperson = 'A'\n")
    app = create_app(scenarios=[path])

    assert [one.source for one in app.scenarios if one.source] == [f"{path}, line 2"]
    assert next(iter(app.scenarios)) == Scenario(name="a", person="A")
