"""Validation of arguments, before anything is sent.

Types are checked as well, for callers that do not use a type checker. A message names the argument
and what is expected of it, and never repeats the value.

An instance of a subclass, such as a `(str, Enum)` or a float of numpy, is returned as the plain
value: subclasses may have another `str()`, format or hash.
"""

import ipaddress
import re
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any, ClassVar, Final, NamedTuple, NoReturn, TypeVar, cast, get_args
from uuid import UUID

from sikoia_async._errors import ArgumentError, ArgumentTypeError, ConfigurationError

__all__ = [
    "DOT_SEGMENTS",
    "LIST_TYPES",
    "HttpUrl",
    "NotCopyable",
    "counted",
    "is_loopback",
    "is_on_loopback",
    "lazy_pattern",
    "no_attribute",
    "plain_id",
    "plain_id_or_none",
    "plain_number",
    "plain_string",
    "settings",
    "split_url",
    "validate_codes",
    "validate_filters",
    "validate_flags",
    "validate_fraction",
    "validate_https",
    "validate_id",
    "validate_id_or_none",
    "validate_known",
    "validate_known_filters",
    "validate_list",
    "validate_mapping",
    "validate_required",
    "validate_required_strings",
    "validate_seconds",
    "validate_string",
    "validate_strings",
    "validate_type",
    "validate_whole",
]

T = TypeVar("T")


class _LazyPattern:
    def __init__(self, pattern: str, flags: int) -> None:
        self._arguments = (pattern, flags)

    def __getattr__(self, name: str) -> Any:
        method = getattr(re.compile(*self._arguments), name)
        setattr(self, name, method)  # so that this is called once
        return method


def lazy_pattern(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return a regular expression that is compiled when it is first used.

    Compiling takes 20 to 200 µs, in each new process, and most processes need few of them.
    """
    return cast("re.Pattern[str]", _LazyPattern(pattern, flags))


DOT_SEGMENTS: Final = frozenset({".", ".."})
"""Path segments that lead to another path (RFC 3986, section 3.3)."""
LIST_TYPES: Final = (list, tuple, set, frozenset)
"""Types that hold several values; a string is a single value."""

_ID: Final = re.compile(r"[A-Za-z0-9_.~-]{1,128}")
_ID_CHARACTERS: Final = "letters, digits, '-', '_', '.' and '~'"


def plain_string(value: str) -> str:
    """Return a string without the subclass it may be of: a `(str, Enum)` formats as its name."""
    return str.__str__(value)


def plain_number(value: object) -> float | None:
    """Return a whole number or a float without the subclass it may be of; None for other types."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, Integral):  # also numpy's, which are not subclasses of int
        return int(value)
    return float.__float__(value) if isinstance(value, float) else None


def counted(number: int, noun: str) -> str:
    """Return a number with a noun in the singular or plural: `1 poll`, `0 polls`, `1,200 polls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class NotCopyable:
    """Base of objects that cannot be copied or pickled, since they belong to one client or process.

    A copy would fail later, deep inside a library, or would quietly share or lose state.
    """

    __slots__ = ()
    _not_copyable: ClassVar[str]
    """What the error says."""

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise ArgumentTypeError(self._not_copyable)


@contextmanager
def settings() -> Generator[None, None, None]:
    """Raise a plain ConfigurationError for an invalid value: it is a setting, not an argument."""
    try:
        yield
    except ArgumentTypeError:
        raise
    except ArgumentError as error:
        raise ConfigurationError(*error.args) from None


def no_attribute(owner: object, name: str) -> AttributeError:
    """Return the error for an attribute that does not exist, with the nearest one that does.

    Python suggests one only in tracebacks that it prints itself.
    """
    msg = f"{type(owner).__name__!r} object has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(msg, name=name, obj=owner)
    from difflib import get_close_matches  # noqa: PLC0415 - loaded for this error only

    names = [one for one in dir(owner) if not one.startswith("_")]
    usual = [one for one in _SYNONYMS.get(name, ()) if one in names]
    for nearest in usual or get_close_matches(name, names, 1):
        # Without the object, because Python would suggest the same once more.
        return AttributeError(f"{msg}; did you mean {nearest!r}?", name=name)
    return AttributeError(msg, name=name, obj=owner)


_SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "add": ("create",),
    "all": ("list",),
    "edit": ("update",),
    "fetch": ("retrieve",),
    "get": ("retrieve", "request"),
    "post": ("request",),
    "close": ("aclose",),
    "remove": ("delete",),
}
"""What other clients call the methods of this one."""


def validate_type(name: str, value: object, kind: type | tuple[type, ...], what: str) -> None:
    """Check the type of a value; None passes.

    Args:
        name: name of the argument.
        value: its value.
        kind: the type, or types, that it may have.
        what: what the message says is expected: "a Quota, or None".

    Raises:
        ArgumentTypeError: the value has another type.
    """
    # A class has the methods of its instances, which is all that a protocol looks for.
    if value is not None and (not isinstance(value, kind) or isinstance(value, type)):
        msg = f"{name}: expected {what}"
        raise ArgumentTypeError(msg)


def validate_required(name: str, value: T | None) -> T:
    """Return a value that must not be None, because None would silently not be sent.

    Raises:
        ArgumentTypeError: the value is None.
    """
    if value is None:
        msg = f"{name}: required, and must not be None"
        raise ArgumentTypeError(msg)
    return value


def validate_whole(name: str, value: int, *, least: int) -> int:
    """Return a whole number of at least `least`.

    Raises:
        ArgumentTypeError: the value is not an int.
        ArgumentError: the value is too small.
    """
    if type(value) is int and value >= least:
        return value
    number = plain_number(value)
    if not isinstance(number, int):
        raise ArgumentTypeError(_expected_whole(name, least))
    if number < least:
        raise ArgumentError(_expected_whole(name, least))
    return number


def _expected_whole(name: str, least: int) -> str:
    return f"{name}: expected a whole number of at least {least}"


def validate_seconds(name: str, value: float) -> float:
    """Return a positive, finite number of seconds.

    Raises:
        ArgumentTypeError: the value is not a number.
        ArgumentError: the value is zero, negative, infinite or NaN.
    """
    msg = f"{name}: expected seconds, as a positive, finite number"
    number = plain_number(value)
    if number is None:
        raise ArgumentTypeError(msg)
    # An int may be larger than any float, and clocks count in floats.
    if not 0 < number <= sys.float_info.max:
        raise ArgumentError(msg)
    return number


def validate_wait(name: str, value: float) -> float:
    """Return a finite number of seconds that may be 0, which means not to wait.

    Raises:
        ArgumentTypeError: the value is not a number.
        ConfigurationError: the value is negative, infinite or NaN.
    """
    return 0.0 if plain_number(value) == 0 else validate_seconds(name, value)


def validate_fraction(name: str, value: float | None) -> float | None:
    """Return a number from 0 to 1, or None.

    Raises:
        ArgumentTypeError: the value is not a number.
        ArgumentError: the value is out of range.
    """
    if value is None:
        return None
    msg = f"{name}: expected a number from 0 to 1"
    number = plain_number(value)
    if number is None:
        raise ArgumentTypeError(msg)
    if not 0 <= number <= 1:
        raise ArgumentError(msg)
    return number


def validate_string(name: str, value: str | None, *, most: int) -> str | None:
    """Return a string of 1 to `most` characters, or None.

    Raises:
        ArgumentTypeError: the value is not a string.
        ArgumentError: the string is empty or too long.
    """
    if value is None:
        return None
    what = f"a string of 1 to {most:,} characters"
    validate_type(name, value, str, what)
    if not 1 <= len(value) <= most:
        msg = f"{name}: expected {what}"
        raise ArgumentError(msg)
    return plain_string(value)


def validate_https(name: str, value: str | None, *, most: int) -> str | None:
    """Return an absolute https URL of at most `most` characters, or None.

    Raises:
        ArgumentTypeError: the value is not a string.
        ArgumentError: the string is too long, or is not such a URL.
    """
    url = validate_string(name, value, most=most)
    if url is None or _is_https(url):
        return url
    msg = f"{name}: expected an absolute URL that starts with https://, with escaped characters"
    raise ArgumentError(msg)


def validate_required_strings(**fields: str) -> dict[str, str]:
    """Return required strings by name.

    Raises:
        ArgumentTypeError: a value is None, or not a string.
        ArgumentError: a string is empty.
    """
    strings = dict[str, str]()
    for name, value in validate_strings(**fields).items():
        if not (string := validate_required(name, value)):
            msg = f"{name}: expected a non-empty string"
            raise ArgumentError(msg)
        strings[name] = string
    return strings


def validate_strings(**fields: str | None) -> dict[str, str | None]:
    """Return optional strings by name: None is not sent, and an empty string clears a field.

    Raises:
        ArgumentTypeError: a value is not a string.
    """
    for name, value in fields.items():
        validate_type(name, value, str, "a string")
    return {name: None if one is None else plain_string(one) for name, one in fields.items()}


def validate_flags(**fields: bool | None) -> dict[str, bool | None]:
    """Return optional booleans by name; None is not sent.

    Raises:
        ArgumentTypeError: a value is not a bool, such as `"no"`, which Python counts as true.
    """
    for name, value in fields.items():
        validate_type(name, value, bool, "True or False")
    return fields


def validate_filters(**fields: str | Sequence[str] | None) -> dict[str, str | Sequence[str] | None]:
    """Return optional filters by name, each a string or several; None is not sent.

    Raises:
        ArgumentTypeError: a value is neither a string nor a list of strings.
    """
    for name, value in fields.items():
        values = value if isinstance(value, LIST_TYPES) else [value]
        if value is not None and not all(isinstance(one, str) for one in values):
            msg = f"{name}: expected a string or a list of strings"
            raise ArgumentTypeError(msg)
    return fields


def validate_known(known: object, **fields: str | None) -> dict[str, str | None]:
    """Return optional strings by name, each one of the strings of a `Literal`; None is not sent.

    Raises:
        ArgumentTypeError: a value is not a string.
        ArgumentError: a value is another string; the message names all that are accepted.
    """
    values = get_args(known)
    what = f"one of {', '.join(values)}"
    for name, value in fields.items():
        validate_type(name, value, str, what)
        if value is not None and plain_string(value) not in values:
            msg = f"{name}: expected {what}"
            raise ArgumentError(msg)
    return validate_strings(**fields)


def validate_known_filters(
    known: object, **fields: str | Sequence[str] | None
) -> dict[str, str | Sequence[str] | None]:
    """Return optional filters by name, each one or several of the strings of a `Literal`.

    Raises:
        ArgumentTypeError: a value is neither a string nor a list of strings.
        ArgumentError: a string is another; the message names all that are accepted.
    """
    for name, value in fields.items():
        values = value if isinstance(value, LIST_TYPES) else [cast("str | None", value)]
        for one in values:
            validate_known(known, **{name: one})
    return validate_filters(**fields)


def validate_codes(**fields: str | None) -> dict[str, str | None]:
    """Return optional codes of countries and jurisdictions by name; None is not sent.

    Only the form is checked: Sikoia knows which codes there are.

    Raises:
        ArgumentTypeError: a value is not a string.
        ArgumentError: a value does not have the form of such a code.
    """
    codes = validate_strings(**fields)
    for name, code in codes.items():
        form, what = _CODES[name]
        if code is not None and not form.fullmatch(code):
            msg = f"{name}: expected {what}"
            raise ArgumentError(msg)
    return codes


_CODES: Final = {
    "country_code": (
        lazy_pattern("[A-Za-z]{2}"),
        "an ISO 3166-1 country code of two letters, such as GB",
    ),
    "jurisdiction_code": (
        lazy_pattern(r"\w{2}(_\w{2})?", re.ASCII),
        "a country code of two letters, or one with a state, such as GB or US_DE",
    ),
}


def validate_id(name: str, value: object) -> str:
    """Return an id that is safe to put into a path: `retrieve("..")` would fetch the list.

    A UUID, such as a web framework gives an endpoint, is sent as a string.

    Raises:
        ArgumentTypeError: the value is neither a string nor a UUID, for example a model instead of
            its id.
        ArgumentError: the string is empty, `.` or `..`, or has a slash or another character
            that would change the path.
    """
    if isinstance(value, UUID):
        return plain_id(value)
    if isinstance(value, str):
        string = plain_string(value)
        if string not in DOT_SEGMENTS and _ID.fullmatch(string):
            return string
        msg = f"{name}: not a valid id; expected {_ID_CHARACTERS}"
        raise ArgumentError(msg)
    expected = f"a string of {_ID_CHARACTERS}"
    if hasattr(type(value), name):
        expected = f"the id alone, {name.removesuffix('_id')}.{name}"
    msg = f"{name}: not a valid id; expected {expected}"
    raise ArgumentTypeError(msg)


def plain_id(value: str | UUID) -> str:
    """Return a UUID as the string that Sikoia writes; any other value as it is."""
    return UUID.__str__(value) if isinstance(value, UUID) else value


def plain_id_or_none(value: str | UUID | None) -> str | None:
    """Return the same, or None, which is not sent."""
    return None if value is None else plain_id(value)


def validate_id_or_none(name: str, value: object) -> str | None:
    """Return an id, or None, which is not sent."""
    return None if value is None else validate_id(name, value)


def validate_mapping(name: str, value: object) -> None:
    """Check that a value is a mapping whose keys are valid strings, or None.

    Raises:
        ArgumentTypeError: it is not a mapping, or a key is not a string.
        ArgumentError: a key is not valid Unicode.
    """
    msg = f"{name}: expected a dict whose keys are strings of valid Unicode"
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise ArgumentTypeError(msg)
    for key in cast("Mapping[object, object]", value):
        if not isinstance(key, str):
            raise ArgumentTypeError(msg)
        if _SURROGATE.search(plain_string(key)):
            raise ArgumentError(msg)


_SURROGATE: Final = lazy_pattern("[\ud800-\udfff]")


def validate_list(
    name: str, value: Sequence[T] | None, kind: type[Any], *, least: int = 0
) -> Sequence[T] | None:
    """Return a list or tuple whose items are all of one type, or None.

    A string is refused, although Python counts it as a sequence of its characters.

    Raises:
        ArgumentTypeError: the value is not a list, or an item has another type.
        ArgumentError: the list has fewer than `least` items.
    """
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(isinstance(one, kind) for one in value):
        wrong: Any = value
        if isinstance(value, list | tuple):
            wrong = next(one for one in value if not isinstance(one, kind))
        expected = "strings" if kind is str else kind.__name__
        msg = f"{name}: expected a list of {expected}, not {type(wrong).__name__}"
        raise ArgumentTypeError(msg)
    if len(value) < least:
        msg = f"{name}: expected at least {counted(least, 'item')}"
        raise ArgumentError(msg)
    return value


class HttpUrl(NamedTuple):
    """The parts of an absolute http or https URL."""

    scheme: str
    userinfo: str | None
    """What precedes the `@`; None without one."""
    host: str
    """A name without a trailing dot, or an IP address; one of version 6 is in brackets."""
    port: str
    """With its colon; empty if there is none."""
    path: str
    query: str
    """Query and fragment, with `?` or `#`."""

    def __str__(self) -> str:
        userinfo = "" if self.userinfo is None else f"{self.userinfo}@"
        return f"{self.scheme}://{userinfo}{self.host}{self.port}{self.path}{self.query}"


def split_url(url: object) -> HttpUrl | None:
    """Return the parts of an absolute http or https URL, or None if it is anything else.

    urllib, httpx, resolvers and TLS read some URLs differently, and raise errors of their own for
    others. This accepts what all of them read alike. A dot at the end of the host name is removed,
    because certificates do not have it.
    """
    if not isinstance(url, str) or not url.isprintable() or " " in url or "\\" in url:
        return None
    match = _URL.fullmatch(url) if len(url.encode()) <= _LONGEST_URL else None
    if match is None:
        return None
    host = _host(match["host"])
    if host is None or not 0 < int((match["port"] or ":1")[1:]) <= _HIGHEST_PORT:
        return None
    port, path, query = (match[name] or "" for name in ("port", "path", "query"))
    return HttpUrl(match["scheme"].lower(), match["userinfo"], host, port, path, query)


def is_on_loopback(url: str) -> bool:
    """Return whether the host of a URL is this machine."""
    parts = split_url(url)
    return parts is not None and is_loopback(parts)


def is_loopback(url: HttpUrl) -> bool:
    """Return whether the host of a URL is this machine."""
    host = url.host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_URL: Final = re.compile(
    r"(?P<scheme>(?i:https?))://"
    r"(?:(?P<userinfo>[^/?#]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^@/?#:\[\]]+)"
    r"(?P<port>:[0-9]{1,5})?"
    r"(?P<path>/[^?#]*)?"
    r"(?P<query>[?#].*)?"
)
_HOST: Final = re.compile(r"(?!.{254})([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}")
"""A host name: RFC 1035, section 2.3.4, and underscores, which container networks use."""
_LONGEST_URL: Final = 8192  # bytes, as servers accept; httpx itself raises at 65,536
_HIGHEST_PORT: Final = 65535


def _host(host: str) -> str | None:
    """Return a host as it is looked up, or None if it is not valid."""
    if host.startswith("["):
        return host if ":" in host and _is_ip(host[1:-1]) else None
    if not host.isascii() or "xn--" in host.lower():
        host = _encoded_host(host)
    host = host.removesuffix(".")
    if host.rpartition(".")[2].isdigit():  # resolvers read such a name as an address
        return host if _is_ip(host) else None
    return host if _HOST.fullmatch(host) else None


def _encoded_host(host: str) -> str:
    """Return an international host name in ASCII; empty if it is not valid."""
    import httpx  # noqa: PLC0415 - rarely needed

    try:
        encoded = httpx.URL(f"https://{host}").raw_host.decode()
        for name in (encoded, *encoded.split(".")):
            _ = httpx.URL(f"https://{name}").host  # raises if a name that begins with xn-- is wrong
    except (httpx.InvalidURL, UnicodeError):
        return ""
    return encoded


def _is_ip(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


def _is_https(url: str) -> bool:
    parts = split_url(url)
    if parts is None or parts.scheme != "https" or parts.userinfo is not None:
        return False
    return _TARGET.fullmatch(parts.path + parts.query) is not None


_TARGET: Final = lazy_pattern(
    r"(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|[^\x00-\x7f]|%[0-9A-Fa-f]{2})*+"
)
"""A path and a query without characters that RFC 3986 excludes, such as those of markup."""
