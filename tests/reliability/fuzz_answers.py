"""Fuzzes the decoder with malformed responses.

    pip install -e '.[dev,fuzz]'
    python tests/reliability/fuzz_answers.py --seconds 60
    python tests/reliability/fuzz_answers.py --seconds 1800 --corpus ~/answers

It starts from the specification's example responses, and mutates them:
half of the time their bytes, half of the time their JSON. For each input the decoder must return a
value or raise an error of ours without foreign text. Anything else ends the run, and the input is
saved beside the corpus, which grows by inputs with new coverage. libFuzzer's last lines report the
number of inputs.
"""

import argparse
import hashlib
import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

try:
    # It has no types, and its names depend on the platform.
    atheris: Any = importlib.import_module("atheris")
except ImportError:
    sys.exit("atheris is missing: pip install 'sikoia-async[fuzz]', on a CPython with wheels of it")

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["sikoia_async"]):
    for late in ("_codec.reader", "_codec.comparison"):  # loaded lazily otherwise
        importlib.import_module(f"sikoia_async.{late}")
    from reliability import answering

_INDEX: Final = 2
"""Bytes of an input that select the type of the rest."""
_LARGEST: Final = 1 << 16


def one_input(data: bytes) -> None:
    """Decode one input; raise if the outcome is wrong."""
    index = int.from_bytes(data[:_INDEX], "big") % len(answering.INTOS)
    answering.outcome(data[_INDEX:], answering.INTOS[index])


def changed(data: bytes, size: int, seed: int) -> bytes:
    """Return a mutation of an input."""
    chance = Random(seed)  # noqa: S311 - no secret is made
    try:
        plain = json.loads(data[_INDEX:])
    except (ValueError, RecursionError):
        plain = None
    if plain is None or chance.random() < 0.5:
        return bytes(atheris.Mutate(data, size))
    for _ in range(chance.randint(1, 3)):
        plain = answering.mutated(plain, chance)
    return data[:_INDEX] + json.dumps(plain).encode()[: size - _INDEX]


def seeds() -> Iterator[bytes]:
    """Yield the first inputs."""
    for into, body in answering.typed_examples():
        if into in answering.INTOS:
            yield answering.INTOS.index(into).to_bytes(_INDEX, "big") + body
        yield bytes(_INDEX) + body


def main() -> None:
    """Fuzz; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long; 60 if left out")
    parser.add_argument("--corpus", type=Path, help="a folder for the inputs, kept; else a new one")
    given = parser.parse_args()
    corpus = given.corpus or Path(tempfile.mkdtemp(prefix="sikoia-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:32]).write_bytes(seed[:_LARGEST])
    sys.stdout.write(f"{len(list(corpus.iterdir()))} inputs to begin with, in {corpus}\n")
    sys.stdout.flush()
    options = [
        f"-max_total_time={given.seconds}",
        f"-max_len={_LARGEST}",
        f"-artifact_prefix={corpus}-",
        "-rss_limit_mb=512",
        "-timeout=10",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
