"""Run a target: ``python -m tests.fuzz decode --seconds 600``. Linux only, as atheris is."""

import argparse
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import atheris  # type: ignore[import-untyped]  # it ships no types

TARGETS: Final = ("decode", "conversation", "sessions")
INPUT_BYTES_MAX: Final = 4_096
FOUND: Final = Path(".fuzz")
"""Where an input that broke something is left."""
# A step of any input takes microseconds: one that takes this long hangs.
HANG_S: Final = 10
PIECES: Final = (
    *('[2,"m1",', '[3,"p-1",', '[4,"p-1",', '[5,"p-1",', '[6,"m1",', '"\\\\ud800"', "1e999"),
    *("null", "true", "{}", "[]", "1.0", "-1", "NaN", "9223372036854775807", "\\\\u0000"),
)


def main() -> None:
    """Fuzz one target for a while, from its seeds and, if given, what an earlier run found."""
    told = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    told.add_argument("target", choices=TARGETS)
    told.add_argument("--seconds", type=int, default=600)
    told.add_argument("--seed", type=int, default=0, help="0: another one each time")
    told.add_argument("--corpus", type=Path, help="keep what was found here, and begin from it")
    told.add_argument("--input", type=Path, help="run this one input, and nothing else")
    chosen = told.parse_args()
    with atheris.instrument_imports(include=["forecourt"]):
        target = importlib.import_module(f"tests.fuzz.{chosen.target}")
    if chosen.input is not None:
        target.run(chosen.input.read_bytes())
        return
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        seeds, corpus = Path(made, "seeds"), chosen.corpus or Path(made, "corpus")
        words = Path(made, "words")
        _write(seeds, target.seeds())
        words.write_text("".join(f'"{_quoted(word)}"\n' for word in _words()))
        corpus.mkdir(parents=True, exist_ok=True)
        options = (
            *(f"-max_total_time={chosen.seconds}", f"-seed={chosen.seed}", f"-dict={words}"),
            *(f"-max_len={INPUT_BYTES_MAX}", f"-timeout={HANG_S}", "-print_final_stats=1"),
            f"-artifact_prefix={FOUND / chosen.target}-",
        )
        atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds)], target.run)
        atheris.Fuzz()


def _write(folder: Path, seeds: Iterator[bytes]) -> None:
    folder.mkdir()
    for nth, seed in enumerate(seeds):
        (folder / f"{nth:05}").write_bytes(seed)


def _words() -> Iterator[str]:
    """What the input is made of, so that it need not be guessed letter by letter."""
    yield from PIECES
    # Not before: what is imported while the fuzzer does not look is not measured.
    dialects = importlib.import_module("tests.fuzz.examples").DIALECTS
    for dialect in dialects.values():
        yield from sorted(dialect.requests)


def _quoted(word: str) -> str:
    return word.replace('"', '\\"')


if __name__ == "__main__":
    main()
