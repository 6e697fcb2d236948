"""``make chaos``: faults of Yahoo, damaged stores and prices, kills and company, at random, and a table of what became of each.

The seed is printed; ``--seed`` repeats a campaign, ``--only`` a part of it. Everything stays on this machine.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import subprocess
import sys
import time
from collections.abc import Callable

from tests.chaos import attack, company, corrupt, damage, kills, source
from tests.chaos.tally import Tally

PARTS = ("attack", "source", "stores", "prices", "kills", "company", "fuzz")


def main() -> int:
    """Run the parts; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--sequences", type=int, default=1000, help="of faults of Yahoo")
    parser.add_argument("--stores", type=int, default=420, help="damaged at random bytes")
    parser.add_argument("--prices", type=int, default=1000, help="series that are damaged")
    parser.add_argument("--share", type=float, default=1.0, help="of the 2,600 hostile tries")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--interrupts", type=int, default=60)
    parser.add_argument("--workers", type=int, default=4, help="of a cluster that are killed")
    parser.add_argument("--seconds", type=float, default=1800.0, help="for kills and interrupts")
    parser.add_argument("--minutes", type=float, default=6.0, help="for fuzzing")
    parser.add_argument("--only", choices=PARTS, action="append")
    given = parser.parse_args()
    wanted = given.only or PARTS
    print(f"seed {given.seed}", flush=True)
    broken = 0
    if "attack" in wanted:
        broken += told("Hostile tries", lambda: attack.campaign(given.seed, given.share))
    if "source" in wanted:
        broken += told("Yahoo misbehaving", lambda: source.campaign(given.seed, given.sequences))
    if "stores" in wanted:
        broken += told("Stores damaged", lambda: damage.campaign(given.seed, given.stores))
    if "prices" in wanted:
        broken += told("Prices damaged", lambda: corrupt.campaign(given.seed, given.prices))
    if "kills" in wanted:
        broken += told(
            "Commands killed", lambda: kills.campaign(given.seed, given.kills, given.interrupts, given.seconds)
        )
    if "company" in wanted:
        broken += told("Company", lambda: company.campaign(given.seed, 12, given.workers))
    fuzz = [sys.executable, "-m", "tests.chaos.fuzz", "--seed", str(given.seed), "--minutes", str(given.minutes)]
    if "fuzz" in wanted and importlib.util.find_spec("tests.chaos.fuzz") is not None:
        broken += subprocess.run(fuzz).returncode != 0
    return int(broken > 0)


def told(title: str, run: Callable[[], Tally]) -> int:
    """Run a part and print its table; how many promises were broken."""
    began = time.monotonic()
    tally = run()
    print(f"{tally.table(title)}\n({time.monotonic() - began:.0f} s)\n", flush=True)
    return len(tally.broken)


if __name__ == "__main__":
    sys.exit(main())
