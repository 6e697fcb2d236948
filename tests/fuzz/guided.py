"""One reader under atheris: ``python -m tests.fuzz.guided TARGET COUNTS.json [CORPUS...] [-libfuzzer options]``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["eventstudy"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Hand the process to the fuzzer, which ends it."""
    target, counts, told = TARGETS[sys.argv[1]], Path(sys.argv[2]), Counter[str]()

    def read(data: bytes) -> None:
        told[target.read(data)] += 1
        if told.total() % 200 == 0:
            counts.write_text(json.dumps(told))

    atheris.Setup([sys.argv[0], *sys.argv[3:]], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
