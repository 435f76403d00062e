"""The options of `sikoia sandbox` are those of `Sandbox` and `create_app`."""

import argparse
import inspect
import re
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

import attrs
import pytest

from sikoia_async.cli import main as cli
from sikoia_async.cli.sandbox.options import GROUPS, add_options, given_options
from sikoia_async.sandbox import Credentials, Rate, Sandbox, Time, Wire
from sikoia_async.sandbox.settings import Options, Settings

_KINDS: Final[dict[str, Any]] = dict(zip(GROUPS, (Rate, Time, Credentials, Wire), strict=True))
_FUNCTIONS: Final = {"time.clock"}
"""Settings that only Python can express."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(argument_default=argparse.SUPPRESS)
    add_options(parser)
    return parser


def _actions() -> dict[str, argparse.Action]:
    return {one.dest: one for one in _parser()._actions if one.dest != "help"}


def _settings() -> dict[str, Any]:
    """Return the fields of all settings, by the names of their options."""
    single = {
        name: getattr(attrs.fields(Settings), name)
        for name in get_type_hints(Options)
        if name not in GROUPS
    }
    grouped = {
        f"{group}.{field.name}": field
        for group, kind in _KINDS.items()
        for field in attrs.fields(kind)
    }
    return single | grouped


def test_every_setting_has_an_option() -> None:
    """A new setting fails this test until it has one, or is a function."""
    arguments = inspect.signature(Sandbox).parameters
    own = {one for one in arguments if one not in {"options", "inspector"}}

    assert set(_actions()) == own | (set(_settings()) - _FUNCTIONS)
    assert set(get_type_hints(Options)) >= set(GROUPS)


@pytest.mark.parametrize("name", sorted(set(_settings()) - _FUNCTIONS))
def test_an_option_is_called_like_its_setting(name: str) -> None:
    """With dashes; an option that is repeated has the name in the singular."""
    (flag, *negative) = _actions()[name].option_strings
    last = name.rpartition(".")[2].replace("_", "-")

    assert flag in {f"--{last}", f"--{last.removesuffix('s')}"}
    assert negative in ([], [f"--no-{last}"])


@pytest.mark.parametrize("name", sorted(set(_settings()) - _FUNCTIONS))
def test_the_help_has_the_default(name: str) -> None:
    """As the setting has it, where it is a number, a name or a flag."""
    default: Any = _settings()[name].default
    found = re.search(r"\(default ([^:;)]+)", _actions()[name].help or "")
    spelled = str(default)
    if isinstance(default, bool):
        spelled = "yes" if default else "no"
    elif name == "wire.delivery_retries":
        spelled = str(default).strip("()").replace(" ", "")
    if default is not None and default != ():
        assert found
        assert found[1] == spelled


@pytest.mark.parametrize("kind", _KINDS.values())
def test_names_are_those_that_the_setting_allows(kind: type) -> None:
    """An option with a few values takes all of them."""
    group = next(name for name, one in _KINDS.items() if one is kind)
    for field, annotation in get_type_hints(kind).items():
        if get_origin(annotation) is Literal:
            flag = _actions()[f"{group}.{field}"].option_strings[0]
            for value in get_args(annotation):
                given = given_options(_parser().parse_args([flag, str(value)]))
                kind(**given[group])


def test_options_that_are_not_given_keep_the_defaults() -> None:
    """Nothing is passed on."""
    assert given_options(_parser().parse_args([])) == {}


def test_repeated_options() -> None:
    """Prices are a dict, and so are the seconds of kinds of work."""
    line = ["--price", "POST /v2/identity=3", "--price", "POST /v2/cases=1", "--scenario", "a.toml"]
    kinds = ["--work-time", "identity=60", "--work-time", "documents=inf"]

    given = given_options(_parser().parse_args([*line, *kinds, "--delivery-retries", "1,2.5"]))

    assert given == {
        "prices": {"POST /v2/identity": 3, "POST /v2/cases": 1},
        "scenarios": ["a.toml"],
        "work_time": {"identity": 60, "documents": float("inf")},
        "wire": {"delivery_retries": (1, 2.5)},
    }
    assert given_options(_parser().parse_args(["--work-time", "2"])) == {"work_time": 2}


def test_all_options_reach_the_sandbox(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As arguments of the right types."""
    served = list[Sandbox]()

    def record(sandbox: Sandbox) -> None:
        served.append(sandbox)

    monkeypatch.setattr(Sandbox, "serve_forever", record)
    line = (
        "--port 0 --host localhost --url https://sikoia.test:9 --inspector 0 --seed 3"
        " --requests-per-window 7 --window 5 --window-key token --no-retry-after --speed 0"
        " --epoch 2026-01-31T09:00:00Z --client-id known --client-secret sesame --api-key key"
        " --token-life 60 --no-echo-correlation --idempotency-header Idempotency-Key"
        " --idempotency-reuse conflict --refer-fails --no-all-completeness-rules --answers-202"
        " --picklist-base 0 --refuse-insights-without-data --return-url https://app.test/"
        " --no-refuse-refresh-after-expiry --delivery-retries 2 --delivery-timeout 1"
        " --event-shape bare"
    )

    assert cli.main(["sandbox", *line.split()]) == 0

    (sandbox,) = served
    assert (sandbox.url, sandbox.client_id, sandbox.client_secret) == (
        "https://sikoia.test:9",
        "known",
        "sesame",
    )
    assert (sandbox.clock.speed, f"{sandbox.clock.now:%Y-%m-%d}") == (0, "2026-01-31")
    assert sandbox.deliveries.shape == "bare"
    assert str(sandbox.inspector_url).startswith("http://sikoia.test:")
    assert "The inspector is at http://sikoia.test:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sandbox --sped 3", "sikoia sandbox: unknown option --sped; did you mean --speed?"),
        ("sandbox --sped=secret", "unknown option --sped; did you mean --speed?"),
        ("sandbox --por 3", "unknown option --por; did you mean --port?"),
        ("sandbox --zzzzzzzz", "unknown option --zzzzzzzz; see"),
        ("sandbox --client-secret one two", "sikoia sandbox: "),
        ("sandbox --port secret", "--port: expected a whole number"),
        ("sandbox --window secret", "--window: expected a number"),
        ("sandbox --window-key organization", "--window-key: expected organisation or token"),
        ("sandbox --epoch secret", "--epoch: expected a time such as"),
        ("sandbox --work-time identity=secret", "--work-time: expected seconds, or a kind of work"),
        ("sandbox --price secret", "--price: expected an operation and credits"),
        ("sandbox --picklist-base 2", "--picklist-base: expected 0 or 1"),
        ("sanbox", "sikoia: unknown command; did you mean sandbox?"),
        ("secret", "sikoia: unknown command"),
        ("--versin", "sikoia: unknown option --versin; did you mean --version?"),
    ],
)
def test_an_invalid_command_line_prints_one_line(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the nearest option, never repeats a value, and the exit code is 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main(line.split())

    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert printed.out == ""
    (only,) = printed.err.splitlines()
    assert message in only
    assert "secret" not in only
    assert "two" not in only


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--work-time 1 --work-time identity=2", "work_time: expected seconds once, or kinds"),
        ("--work-time idenity=1", "work_time: expected seconds for some of documents"),
        ("--price POST/v2=1", "unknown operation"),
        ("--host 0.0.0.0", "host: expected a loopback address or localhost"),
        ("--url http://sikoia.test", "url: expected https, a host and a port"),
        ("--epoch 2026-01-31T09:00:00", "epoch: expected a datetime with a time zone"),
        ("--return-url nowhere", "return_url: expected an absolute URL"),
    ],
)
def test_an_invalid_setting_prints_one_line(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the name of the setting, before anything is served."""
    assert cli.main(["sandbox", "--port", "0", *line.split()]) == 1

    printed = capsys.readouterr()
    assert printed.out == ""
    (only,) = printed.err.splitlines()
    assert only.startswith("sikoia sandbox: ")
    assert message in only


def test_without_a_command_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Bare `sikoia` lists the commands."""
    assert cli.main([]) == 0

    printed = capsys.readouterr().out
    assert "sandbox" in printed
    assert "demo" in printed
