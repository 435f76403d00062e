"""Finds phrases that this project does not use: `python .ci/check_words.py [file ...]`.

Without arguments, all text files that git tracks are read. A phrase is here because it was a habit
once and made readers stop; codespell looks for misspellings.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PHRASES: Final = {
    r"(?<!\bthere )\b(?:is|are|was|were) no (?!longer|more|less|better|different|one\b)\w+": (
        "write: is not a ..., has no ..."
    ),
    r"\btell(?:s|ing)? (?:whether|if|how far)\b": "write: return whether ..., Whether ...",
    r"\bwhoever\b": "name who it is: the caller, the client, callers that wait",
    r"\bin place of\b": "write: instead of",
    r"\b(?:tried|asked) again\b|\bgoes again\b": "write: retried",
    r"\bwhat came\b": "write: the response, the body",
    r"\basked about\b": "write: polled",
    r", say[,.;:)]": "write: for example, such as",
    r"\bout of order\b(?=.{0,30}Sikoia)|\bSikoia is out of order\b": "write: unavailable",
    r"(?<!there )(?-i:\bis none\b)(?! of)": "write: is not one, is missing",
    r"\blets? be\b": "name what happens: the store is bypassed",
    r"\bin vain\b": "write: without success, to no effect",
    r"\bweakness(?:es)?\b": "write: vulnerability",
    r"^(?:<{7}|>{7}) ": "resolve the conflict of the merge",
    r"\bfor (?:it|they|that|this) (?:is|are|was|would|may|can)\b": "write: because",
}
SUFFIXES: Final = frozenset(
    {".py", ".md", ".toml", ".yml", ".yaml", ".html", ".js", ".css", ".txt", ""}
)
ITSELF: Final = frozenset({".ci/check_words.py", "LICENSE"})


def main() -> None:
    """Fail if a phrase is found."""
    names = sys.argv[1:] or _tracked()
    found = [line for name in names if name not in ITSELF for line in _found(Path(name))]
    if found:
        sys.exit("\n".join([*found, f"{len(found)} phrases; CONTRIBUTING.md says how we write"]))
    print(f"no such phrase in {len(names)} files")


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)  # noqa: S607
    return [name for name in listed.stdout.split("\0") if name and Path(name).is_file()]


def _found(path: Path) -> Iterator[str]:
    if path.suffix not in SUFFIXES:
        return
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        for phrase, better in PHRASES.items():
            if match := re.search(phrase, line, re.IGNORECASE):
                yield f"{path}:{number}: {match.group()!r}; {better}"


if __name__ == "__main__":
    main()
