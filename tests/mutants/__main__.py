"""``make mutants``: a seeded sample of mutants of the engine against the tests of the engine and the oracles.

The mutants are those of cosmic-ray's operators. A place of the source is drawn first and one of its mutants second, so that
arithmetic, which has eleven replacements, does not crowd out the rest. Annotations are left out: nothing evaluates them.

A mutant runs in a copy of the repository. The tests that run its line come first, quick ones before slow ones; if all of
them pass, the whole subset follows, for what runs at import or in compiled code is not traced. A mutant survives if the
whole subset passes. ``reasons.toml`` says why a survivor is no gap; one without a reason is a failure, and so is a rate
below 85 %.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import queue
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ENGINE = "eventstudy/engine"
SUBSET = ("tests/engine", "tests/oracles")
REASONS = Path(__file__).parent / "reasons.toml"
WANTED = 0.85
PYTEST = ("-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider", "-m", "not slow")
# tests that run a mutated line before all the others do
FIRST = 40


@dataclass
class Mutant:
    """One change of one place, and what became of it."""

    path: str
    line: int
    operator: str
    text: str
    before: str
    after: str
    outcome: str = ""
    seconds: float = 0.0
    tests: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str]:
        """What finds it again after lines have moved."""
        return Path(self.path).name, self.before, self.after


def annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Places that nothing evaluates: annotations, with `from __future__ import annotations`, and TYPE_CHECKING blocks."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            parts.append(node)
        found += [((p.lineno, p.col_offset), (p.end_lineno, p.end_col_offset)) for p in parts if p is not None]
    return found


def mutants_of(path: str, source: str) -> dict[tuple[int, int], list[tuple[str, dict[str, object], int]]]:
    """Place -> (operator, its arguments, occurrence) of every mutant there."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.commands.init import _operators

    tree, unread = get_ast(source), annotations(source)
    places: dict[tuple[int, int], list[tuple[str, dict[str, object], int]]] = {}
    for name, arguments, operator in _operators({}):
        positions = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, start in enumerate(positions):
            if not any(first <= start < last for first, last in unread):
                places.setdefault(start, []).append((name, arguments, occurrence))
    return places


def mutated(source: str, name: str, arguments: dict[str, object], occurrence: int) -> str | None:
    """The source with one change."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    found: str | None = mutate_code(source, get_operator(name)(**arguments), occurrence)
    return found


def drawn(root: Path, count: int, seed: int, only: str = "") -> list[Mutant]:
    """A sample without repeats, of the files whose path holds a text."""
    chance = random.Random(seed)
    sources = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in (root / ENGINE).rglob("*.py")}
    sources = {path: source for path, source in sources.items() if only in path}
    everything = {path: mutants_of(path, source) for path, source in sorted(sources.items())}
    places = [(path, start) for path, found in everything.items() for start in sorted(found)]
    chance.shuffle(places)
    sample: list[Mutant] = []
    for path, start in places:
        if len(sample) == count:
            break
        name, arguments, occurrence = chance.choice(everything[path][start])
        text = mutated(sources[path], name, arguments, occurrence)
        if text is None or not differs(sources[path], text):
            continue
        lines = list(difflib.unified_diff(sources[path].splitlines(), text.splitlines(), lineterm="", n=0))[2:]
        old = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
        new = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
        sample.append(Mutant(path, start[0], name.partition("/")[2], text, old, new))
    print(f"{len(places):,} places in {len(sources)} files of {ENGINE}; {len(sample)} mutants, seed {seed}", flush=True)
    return sample


def differs(source: str, text: str) -> bool:
    """Whether a mutant is a program, and another one: a star of a signature is taken for a product."""
    try:
        return ast.dump(ast.parse(text)) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


class Copy:
    """A copy of the repository in which mutants are tried one after the other."""

    def __init__(self, folder: Path, subset: list[str]) -> None:
        self.folder, self.subset = folder, subset
        listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True)
        for name in listed.stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        # bytecode is checked against the source itself: two mutants of one second may have one size
        quiet = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "eventstudy", "tests"]
        subprocess.run(quiet, cwd=folder, check=True)

    def environment(self, path: str = "") -> dict[str, str]:
        """With a cache of compiled kernels of its own for mutants of what is compiled."""
        compiled = path and any("njit" in p.read_text() for p in (self.folder / path).parent.glob("*.py"))
        cache = tempfile.mkdtemp(dir=self.folder, prefix="numba-") if compiled else str(self.folder / "numba")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EVENTSTUDY_")}
        return {
            **kept,
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NUMBA_CACHE_DIR": cache,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }

    def run(self, tests: list[str], limit: float, environment: dict[str, str]) -> str:
        """What the tests say: ``passed``, ``killed``, ``too slow`` or ``unknown``.

        The limit is one of processor time, for a busy machine must not kill mutants; tests that wait for ever are stopped
        by the clock, and what they would have said is unknown.
        """
        seconds = int(limit)
        try:
            done = subprocess.run(
                [sys.executable, *PYTEST, *tests],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=20 * limit,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5)),
            )
        except subprocess.TimeoutExpired:
            return "unknown"
        if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
            return "too slow"
        # 1: tests fail; 2 and 4: a module cannot be imported; 3: pytest itself fell over the mutant
        return {0: "passed", 5: "no tests"}.get(done.returncode, "killed")

    def map(self) -> dict[str, dict[str, object]]:
        """Which tests run which line; the subset must pass."""
        target = self.folder / "map.json"
        environment = {**self.environment(), "MUTANTS_MAP": str(target)}
        words = [*PYTEST, "-p", "tests.mutants.coverage_plugin", *self.subset]
        done = subprocess.run(
            [sys.executable, *words], cwd=self.folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"the tests fail without a mutant\n{done.stdout[-3000:]}\n{done.stderr[-1000:]}")
        found: dict[str, dict[str, object]] = json.loads(target.read_text(encoding="utf-8"))
        return found

    def judge(self, mutant: Mutant, seconds: dict[str, float]) -> None:
        """Try a mutant and put the source back."""
        path, began = self.folder / mutant.path, time.monotonic()
        source, environment = path.read_text(encoding="utf-8"), self.environment(mutant.path)
        path.write_text(mutant.text, encoding="utf-8")
        try:
            slack = 240.0 if environment["NUMBA_CACHE_DIR"] != str(self.folder / "numba") else 30.0
            quick = sorted(mutant.tests, key=lambda name: seconds.get(name, 0.0))[:FIRST]
            outcome = "passed"
            if quick:
                outcome = self.run(quick, slack + 5 * sum(seconds.get(name, 0.0) for name in quick), environment)
            if outcome == "passed":
                outcome = self.run(self.subset, slack + 5 * sum(seconds.values()), environment)
        finally:
            path.write_text(source, encoding="utf-8")
            if environment["NUMBA_CACHE_DIR"] != str(self.folder / "numba"):
                shutil.rmtree(environment["NUMBA_CACHE_DIR"], ignore_errors=True)
        mutant.outcome = "survived" if outcome == "passed" else outcome
        mutant.seconds = time.monotonic() - began


def reasons() -> dict[tuple[str, str, str], str]:
    """Why a mutant that survives is no gap."""
    rows = tomllib.loads(REASONS.read_text(encoding="utf-8")).get("survivor", []) if REASONS.exists() else []
    return {(row["file"], row["before"], row["after"]): row["reason"] for row in rows}


def main() -> int:
    """Draw, try, tell; 1 if too many survive or one without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=0.0, help="start no mutant later than that; 0: no limit")
    parser.add_argument("--only", default="", metavar="TEXT", help="of the path of what is changed")
    parser.add_argument("--tests", nargs="+", default=list(SUBSET), metavar="PATH")
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "mutants.json")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    try:
        return campaign(given, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def campaign(given: argparse.Namespace, folder: Path) -> int:
    """Every mutant in one of the copies."""
    began = time.monotonic()
    copies = [Copy(folder / f"copy{n}", given.tests) for n in range(given.jobs)]
    sample = drawn(copies[0].folder, given.count, given.seed, given.only)
    known = copies[0].map()
    seconds: dict[str, float] = known["seconds"]  # type: ignore[assignment]
    print(f"{len(seconds)} tests in {sum(seconds.values()):.0f} s", flush=True)
    for copy in copies[1:]:
        if (copies[0].folder / "numba").exists():
            shutil.copytree(copies[0].folder / "numba", copy.folder / "numba", dirs_exist_ok=True)
    todo: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in sample:
        mutant.tests = known["lines"].get(mutant.path, {}).get(str(mutant.line), [])  # type: ignore[attr-defined]
        todo.put(mutant)

    def work(copy: Copy) -> None:
        while not given.minutes or time.monotonic() - began < 60 * given.minutes:
            try:
                mutant = todo.get_nowait()
            except queue.Empty:
                return
            copy.judge(mutant, seconds)
            where = f"{mutant.path}:{mutant.line}"
            print(
                f"{mutant.outcome:9} {mutant.seconds:5.0f} s  {where}  {mutant.before}  ->  {mutant.after}", flush=True
            )

    threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told(sample, given)


def told(sample: list[Mutant], given: argparse.Namespace) -> int:
    """The rate, and every survivor with its reason."""
    tried, why = [mutant for mutant in sample if mutant.outcome], reasons()
    survivors = [mutant for mutant in tried if mutant.outcome not in ("killed", "too slow")]
    given.report.parent.mkdir(parents=True, exist_ok=True)
    rows = [{name: value for name, value in vars(m).items() if name not in ("text", "tests")} for m in tried]
    given.report.write_text(json.dumps({"seed": given.seed, "mutants": rows}, indent=1), encoding="utf-8")
    rate = 1 - len(survivors) / max(len(tried), 1)
    print(f"\n{len(tried)} of {len(sample)} mutants tried, {len(tried) - len(survivors)} killed: {100 * rate:.1f} %")
    for mutant in survivors:
        print(f"{mutant.path}:{mutant.line} {mutant.operator}\n  - {mutant.before}\n  + {mutant.after}")
        print(f"  {why.get(mutant.key, 'NO REASON')}")
    open_ = [mutant for mutant in survivors if mutant.key not in why]
    return int(rate < WANTED or bool(open_))


if __name__ == "__main__":
    sys.exit(main())
