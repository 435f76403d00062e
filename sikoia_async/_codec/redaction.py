"""Redacts the texts of API errors: words of Sikoia's own messages stay, all others are hidden.

The detail of an error names the invalid field and may repeat its value: a name, an account, an id.
Messages of exceptions end up in logs and tickets, so every word that is not on the list below
becomes `***`, and so does every number that is not an index or a limit. The full text is in
`APIError.detail`.
"""

import re
from collections.abc import Iterator
from typing import Final

from sikoia_async._codec.vocabulary import NAMES

__all__ = ["redact"]

_HIDDEN: Final = "***"
_MAX_LENGTH: Final = 300
# Anything but ASCII punctuation and space. Other characters belong to a word, which is then hidden,
# and an apostrophe joins two words.
_WORD: Final = re.compile(r"[^\s !-&(-/:-@[-^`{-~]+")
_JOINT: Final = re.compile("['\u2019_]")
_PART: Final = re.compile("[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_HIDDEN_RUN: Final = re.compile(r"\*{3}([^A-Za-z*]*\*{3})+")


_INDEX: Final = re.compile(r"(?<=[\w\]]\[)\d{1,3}(?=\])", re.ASCII)
_LIMIT: Final = re.compile(
    r"""(?:\bat\ (?:least|most)|\bbetween|\bexceed|\bthan(?:\ or\ equal\ to)?
    |\b(?:length|max|maximum|min|minimum)(?:\ of)?|\b(?:list|string)\ of|\bagain\ in
    |\b(?:column|line|linenumber|position|bytepositioninline|status\ code):?)
    \ ['"]?(\d{1,3}|\d,?\d{3})['"]?(?:\ (?:and|or|to)\ ['"]?(\d{1,3}|\d,?\d{3})['"]?)?
    (?![\w-]|[.,:/]\w)""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
"""A small number that limits a value or is a position in the body: `at least 1`, `between 1 and
2,048`, `LineNumber: 0`."""


def redact(text: str) -> str:
    """Return an error text with `***` for everything that may be personal data."""
    text = " ".join(text[:_MAX_LENGTH].split())
    numbers = set(_numbers(text))

    def known_or_hidden(word: re.Match[str]) -> str:
        digits = word[0].strip("'")
        start = word.start() + word[0].index(digits)
        is_number = (start, start + len(digits)) in numbers
        return word[0] if is_number or _is_known(word[0]) else _HIDDEN

    return _HIDDEN_RUN.sub(_HIDDEN, _WORD.sub(known_or_hidden, text))


def _numbers(text: str) -> Iterator[tuple[int, int]]:
    """Yield where the numbers are that may be shown, without a comma in between."""
    spans = [match.span() for match in _INDEX.finditer(text)]
    spans += [match.span(group) for match in _LIMIT.finditer(text) for group in (1, 2)]
    for start, end in spans:
        for digits in re.finditer(r"\d+", text[start:end]):
            yield start + digits.start(), start + digits.end()


def _is_known(word: str) -> bool:
    """Return whether a word is a name of the API, or all its parts, as in `EntityId`, are known."""
    pieces = _JOINT.split(word)
    if word.isascii() and "'" not in word and "".join(pieces).lower() in NAMES:
        return True
    parts = [part for piece in pieces for part in _PART.findall(piece)]
    is_complete = "".join(parts) == "".join(pieces)
    return is_complete and _KNOWN.issuperset(map(str.lower, parts))


_WORDS: Final = """
    account accounts action add address after application bank bankaccount base birth body building
    callback case cases category checklist city client code companies company complete completed
    connection consent country created credentials credit credits customer data date datetime
    description detail details direction directors display document documents email employer
    entities entity event exclude external field fields file first format fuzziness grant header
    headers house id identity ids inactive income index information insights instance item items
    jurisdiction json keyword last line list locality message method monitored name number object
    officer owner ownership page pagination parameter params path per permission permissions person
    persons picklist picklists post postal property provider query ref reference refresh registers
    registry report reports request requests resource resources result results schema scope search
    secret secrets server service services source stage statement status string sub term text token
    transactions type types updated url user users validation value values verification webhook
    webhooks window

    a about absolute accept accepted access active actual administrator again all allowed already
    also an and another answers any api are array as at authentication authorization available bad
    be bearer because been before between boolean but by byte bytes can cannot case cause change
    changed characters check conflict connect contact contain contains content converted could count
    create currently dd decimal decode delete deleted denied did digit digits disabled do docs does
    due duplicate duplicated each either elsewhere empty enabled endpoint equal error errors exceed
    exceeded exist existing exists expected expired extension failed failure failures false fault
    feature fewer find for forbidden form found from future gateway give given gone greater has have
    header headers here hold hours how https in include including incorrect input inside instead
    insufficient integer internal invalid is iso issued it its key large larger later least length
    less letter letters limit limits local localhost log long longer loopback mail maintenance make
    making malformed many match matching maximum media method middle minimum minute minutes missing
    mm more most multiple must names needs neither no none nor not nothing null occurred of offset
    on once one only operation or other out outside parse parsed parsing past permission planned
    please position positive process processed produce properties property quota range rate reason
    recognised recognized record refer required requires reset restored returned rotate s second
    seconds see send sends separate short shorter should sikoia size small smaller something
    subscription such support supported supports sure system t temporarily than that the them there
    they this time timed timeout to too total true try two unable unauthorised unauthorized
    unavailable under unexpected unique unknown unprocessable unrecognised unrecognized unsupported
    up update use used utc uuid valid ve version was went were when where which whitespace whole
    with within without wrong you your yyyy zero
"""
# It contains no names of people, except for the few that are also English words.
_KNOWN: Final = frozenset(_WORDS.split())
