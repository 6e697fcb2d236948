"""What the hand-written vector instructions are worth: the whole block step with them, and with plain loops.

Two processes, one a variant, measure the same events by turns; processor time of one thread. The instructions stay only
while the block step of a default study of many events (estimates, AR, CAR, standard errors, the tests that the kernel
measures for) is at least 1.3 times as fast. Needs the extra ``[fast]``.
"""

from __future__ import annotations

import importlib
import statistics
import subprocess
import sys
import time
from dataclasses import replace

from bench.harness import machine

EVENTS, ROUNDS, BAR = 16_384, 9, 1.3
TESTS = frozenset({"car-t-ar1", "ar-t-local"})
MODULE = "eventstudy.engine.compiled.simd"


def serve(variant: str) -> None:
    """Measure a block for every line read, and print the seconds of processor time."""
    if variant == "loops":
        sys.modules[MODULE] = importlib.import_module("bench.loops")
    from bench.kernels import OPTIONS, simulated
    from eventstudy.engine.block import study_block

    panel, placed = simulated(EVENTS)
    options = replace(OPTIONS, engine="numba", tests=TESTS)
    study_block(panel, placed, options)
    print("ready", flush=True)
    for _ in sys.stdin:
        before = time.process_time()
        block = study_block(panel, placed, options)
        print(time.process_time() - before, float(block.exact.t[0, 0]).hex(), flush=True)


def main() -> None:
    """Print the ratio."""
    print(machine())
    command = [sys.executable, "-m", "bench.simd"]
    workers = {
        name: subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("vectors", "loops")
    }
    times: dict[str, list[float]] = {name: [] for name in workers}
    for worker in workers.values():
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            assert worker.stdin is not None and worker.stdout is not None
            worker.stdin.write("again\n")
            worker.stdin.flush()
            times[name].append(float(worker.stdout.readline().split()[0]))
    for name, spent in times.items():
        print(f"  {name:<8}{1e6 * statistics.median(spent) / EVENTS:8.2f} us an event")
        worker = workers[name]
        assert worker.stdin is not None
        worker.stdin.close()
        worker.wait()
    ratios = sorted(b / a for a, b in zip(times["vectors"], times["loops"], strict=True))
    print(
        f"the block step with vector instructions against plain loops: {statistics.median(ratios):.2f}x, rounds "
        f"{ratios[0]:.2f} to {ratios[-1]:.2f} (bar {BAR})"
    )


if __name__ == "__main__":
    serve(sys.argv[1]) if len(sys.argv) > 1 else main()
