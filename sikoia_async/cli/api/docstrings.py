"""Help from docstrings in Google style."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["About", "about", "about_id", "about_list"]

_SECTION: Final = re.compile(r"^(Args|Returns|Raises|Raises, while it is read):$")
_PARAMETER: Final = re.compile(r" {4}(\w+): (.*)")
_OPERATION: Final = re.compile(r" \(`[A-Z]+ [^`]*`\)")
_ITS_ID: Final = re.compile(r"^([^;.]*?),? or (?:its (?:id|`\w+`)|the id of the \w+)(?=[;.]|$)")
_LIST_OF: Final = re.compile(r",? or (?:a list of|their) [^;.:]*")


class About(NamedTuple):
    """What a method does."""

    summary: str
    """One line, without the operation and the period at its end."""
    text: str
    """All paragraphs but examples, which are in Python."""
    parameters: dict[str, str]


def about(method: Callable[..., object]) -> About:
    """Return what the docstring of a method says."""
    paragraphs = [one.split("\n") for one in (inspect.getdoc(method) or "").split("\n\n")]
    prose, parameters = list[str](), dict[str, str]()
    for lines in paragraphs:
        if not (section := _SECTION.match(lines[0])):
            if not lines[0].startswith(" "):
                prose.append(" ".join(lines))
        elif section[1] == "Args":
            parameters = dict(_parameters(lines[1:]))
    summary = _OPERATION.sub("", prose[0]).removesuffix(".")
    return About(summary, "\n\n".join(prose), parameters)


def about_id(text: str, *, is_list: bool = False) -> str:
    """Return the help of an argument that is an id, from that of a parameter that takes models."""
    if is_list:
        return f"the id of one of {_LIST_OF.sub('', text)}"
    found = _ITS_ID.match(text)
    return f"the id of {found[1]}{text[found.end() :]}" if found else f"the id of {text}"


def about_list(text: str) -> str:
    """Return the help of an option that can be repeated."""
    return f"{_LIST_OF.sub('', text)}; can be repeated"


def _parameters(lines: list[str]) -> Iterator[tuple[str, str]]:
    name, text = "", ""
    for line in lines:
        if found := _PARAMETER.fullmatch(line):
            if name:
                yield name, text.removesuffix(".")
            name, text = found[1], found[2]
        else:
            text += f" {line.strip()}"
    yield name, text.removesuffix(".")
