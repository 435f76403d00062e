"""The options of `sikoia sandbox`: all of `Sandbox` and `create_app`, which a test compares."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sikoia_async.cli.parser import choice, number, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["GROUPS", "PORT", "add_options", "given_options"]

PORT: Final = 8400
INSPECTOR_PORT: Final = 8401

GROUPS: Final = ("rate", "time", "credentials", "wire")
"""The settings that are groups of settings; the options of one have its name and a dot."""


def _pairs(what: str, parse: Callable[[str], Any]) -> Callable[[str], tuple[str, Any]]:
    """Return a type for `name=value`; without a name, the name is empty."""

    def parse_pair(value: str) -> tuple[str, Any]:
        name, _, last = value.rpartition("=")
        try:
            return name, parse(last)
        except argparse.ArgumentTypeError:
            msg = f"expected {what}"
            raise argparse.ArgumentTypeError(msg) from None

    return parse_pair


def _moment(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        msg = "expected a time such as 2026-01-31T09:00:00Z"
        raise argparse.ArgumentTypeError(msg) from None


def _pauses(value: str) -> tuple[float, ...]:
    return tuple(seconds(one) for one in value.split(",") if one)


def _base(value: str) -> int:
    return int(choice("0", "1")(value))


_FLAG: Final[dict[str, Any]] = {"action": argparse.BooleanOptionalAction}

# The name of each setting, its metavar and type, and its help. The defaults are those of the
# settings, which help repeats where a test can compare them.
_SETTINGS: Final[tuple[tuple[str, dict[str, Any], str], ...]] = (
    ("seed", {"type": number}, "seed of the generated ids and data (default 0)"),
    (
        "work_time",
        {
            "type": _pairs("seconds, or a kind of work and seconds, such as identity=60", seconds),
            "action": "append",
            "metavar": "[KIND=]SECONDS",
        },
        "how long operations stay pending, inf for ever; repeat it for kinds of work (default 0.5)",
    ),
    (
        "prices",
        {
            "type": _pairs("an operation and credits, such as 'POST /v2/identity=3'", number),
            "action": "append",
            "metavar": "OPERATION=CREDITS",
        },
        "price of an operation; can be repeated (default 1 for chargeable ones)",
    ),
    (
        "scenarios",
        {"action": "append", "metavar": "FILE"},
        "TOML file with scenarios and faults; can be repeated",
    ),
    (
        "rate.requests_per_window",
        {"type": number, "metavar": "N"},
        "rate limit: requests allowed in a window (default 200)",
    ),
    ("rate.window", {"type": seconds, "metavar": "SECONDS"}, "length of a window (default 60)"),
    (
        "rate.window_key",
        {"type": choice("organisation", "token"), "metavar": "organisation|token"},
        "what the limit applies to (default organisation)",
    ),
    ("rate.retry_after", _FLAG, "send Retry-After with a 429 (default yes)"),
    (
        "time.speed",
        {"type": seconds, "metavar": "N"},
        "how fast its clock runs (default 1; 0: only `advance` moves it)",
    ),
    (
        "time.epoch",
        {"type": _moment, "metavar": "TIME"},
        "time of day at which its clock starts, with a time zone (default now)",
    ),
    ("credentials.client_id", {"metavar": "ID"}, "the client id (default: from the seed)"),
    (
        "credentials.client_secret",
        {"metavar": "SECRET"},
        "the client secret, an invented one (default: from the seed and the URL)",
    ),
    ("credentials.api_key", {"metavar": "KEY"}, "a key accepted in the header apikey"),
    (
        "credentials.token_life",
        {"type": seconds, "metavar": "SECONDS"},
        "seconds until an access token expires (default 300)",
    ),
    ("wire.echo_correlation", _FLAG, "repeat the correlation id of a request (default yes)"),
    (
        "wire.idempotency_header",
        {"metavar": "NAME"},
        "header that carries idempotency keys (default: keys are ignored)",
    ),
    (
        "wire.idempotency_reuse",
        {"type": choice("replay", "conflict"), "metavar": "replay|conflict"},
        "what a second request with a key gets (default replay)",
    ),
    ("wire.refer_fails", _FLAG, "let checks with the decision Refer fail (default no)"),
    (
        "wire.all_completeness_rules",
        _FLAG,
        "let a completeness and income check run the rules of all checks (default yes)",
    ),
    ("wire.answers_202", _FLAG, "accept operations with 202 and a Location (default no)"),
    (
        "wire.picklist_base",
        {"type": _base, "metavar": "0|1"},
        "index of the first company in a picklist (default 1)",
    ),
    (
        "wire.refuse_insights_without_data",
        _FLAG,
        "refuse insights for entities without data, instead of letting them fail (default no)",
    ),
    (
        "wire.return_url",
        {"metavar": "URL"},
        "where the pages for people lead to when they are done",
    ),
    (
        "wire.refuse_refresh_after_expiry",
        _FLAG,
        "refuse the refresh of an account after its expiry (default yes)",
    ),
    (
        "wire.delivery_retries",
        {"type": _pauses, "metavar": "SECONDS,..."},
        "pauses before each retry of a webhook delivery (default 1,5,25)",
    ),
    (
        "wire.delivery_timeout",
        {"type": seconds, "metavar": "SECONDS"},
        "how long a receiver of webhooks may take to respond (default 5)",
    ),
    (
        "wire.event_shape",
        {"type": choice("full", "bare"), "metavar": "full|bare"},
        "what webhooks receive (default full)",
    ),
)
_SPELLINGS: Final[Mapping[str, str]] = {"prices": "--price", "scenarios": "--scenario"}
"""The options that are given once for each of several values."""
_SERVER: Final = ("host", "allow_remote", "port", "url", "inspector", "inspector_port", "state_dir")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; those that are not given leave no trace in the namespace."""
    parser.argument_default = argparse.SUPPRESS
    server = parser.add_argument_group("where it listens")
    server.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    server.add_argument(
        "--allow-remote",
        action="store_true",
        help="allow a --host that other machines can reach, such as 0.0.0.0 in a container",
    )
    server.add_argument("--port", type=number, help=f"port (default {PORT}; 0: any free)")
    server.add_argument(
        "--url", help="the https URL at which clients reach it (default: its host and port)"
    )
    server.add_argument(
        "--inspector",
        dest="inspector_port",
        type=number,
        nargs="?",
        const=INSPECTOR_PORT,
        metavar="PORT",
        help="also serve a page that shows and controls it, and the control commands"
        f" (default port {INSPECTOR_PORT})",
    )
    server.add_argument(
        "--state",
        dest="state_dir",
        metavar="DIR",
        help="keep its authority, secret and data in a folder, and continue from there"
        " (default: nothing is kept)",
    )
    groups: dict[str, Any] = {
        "": parser.add_argument_group("data and work"),
        "rate": parser.add_argument_group("rate limit"),
        "time": parser.add_argument_group("clock"),
        "credentials": parser.add_argument_group("credentials"),
        "wire": parser.add_argument_group("where Sikoia's documentation is silent"),
    }
    for name, arguments, text in _SETTINGS:
        group, _, last = name.rpartition(".")
        flag = _SPELLINGS.get(last, f"--{last.replace('_', '-')}")
        groups[group].add_argument(flag, dest=name, help=text, **arguments)


def given_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `Sandbox` that are in a namespace, the groups as dicts."""
    given: dict[str, Any] = {}
    for name, value in vars(options).items():
        group, _, last = name.rpartition(".")
        if group:
            given.setdefault(group, {})[last] = value
        elif name in _SERVER or name in _NAMES:
            given[name] = value
    if "inspector_port" in given:
        given["inspector"] = True
    if "prices" in given:
        given["prices"] = dict(given["prices"])
    if "work_time" in given:
        given["work_time"] = _work_time(given["work_time"])
    return given


_NAMES: Final = frozenset(name for name, _, _ in _SETTINGS)


def _work_time(pairs: list[tuple[str, float]]) -> float | dict[str, float]:
    """Return one number for all kinds, or a dict of those that are named."""
    if len(pairs) > 1 and not all(name for name, _ in pairs):
        msg = "work_time: expected seconds once, or kinds of work and their seconds"
        raise ValueError(msg)
    ((name, one), *_) = pairs
    return dict(pairs) if name else one
