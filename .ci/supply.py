"""What this project is built on: a list of licences, a bill of materials, and a look at what is known to be unsafe.

``python .ci/supply.py OUT`` writes ``licences.csv`` and ``sbom.cdx.json`` (CycloneDX) from what is installed beside it,
and asks pip-audit. It says nothing of the product itself: exit 1 means that a dependency is known to be unsafe, and an
index that does not answer is a warning.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import uuid
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

PROJECT = "eventstudy-engine"
EXTRAS = ("fast", "factors", "garch", "scale")


def needed() -> dict[str, Distribution]:
    """Distributions that the program needs with every extra, itself first, as far as they are installed."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    installed = {canonicalize_name(one.name): one for one in distributions()}
    found = {PROJECT: distribution(PROJECT)}
    waiting: list[tuple[str, tuple[str, ...]]] = [(PROJECT, EXTRAS)]
    while waiting:
        name, extras = waiting.pop()
        for text in installed[canonicalize_name(name)].requires or ():
            wanted = Requirement(text)
            if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                continue
            inner = canonicalize_name(wanted.name)
            if inner in installed and inner not in found:
                found[inner] = installed[inner]
                waiting.append((inner, tuple(wanted.extras)))
    return found


def licence(one: Distribution) -> str:
    """What a distribution says of its licence."""
    said = one.metadata
    named = said.get("License-Expression") or ""
    classes = [
        line.rpartition("::")[2].strip() for line in said.get_all("Classifier") or () if line.startswith("License ::")
    ]
    first = next(iter((said.get("License") or "").strip().splitlines()), "")
    return named or "; ".join(classes) or first[:100] or "not stated"


def bill(found: dict[str, Distribution]) -> dict[str, object]:
    """A CycloneDX document: the same for the same versions."""
    parts = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{one.version}",
            "name": name,
            "version": one.version,
            "purl": f"pkg:pypi/{name}@{one.version}",
            "licenses": [{"license": {"name": licence(one)}}],
        }
        for name, one in sorted(found.items())
    ]
    own = next(part for part in parts if part["name"] == PROJECT)
    rest = [part for part in parts if part is not own]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(parts, sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {**own, "type": "application"}},
        "components": rest,
    }


def audit(found: dict[str, Distribution], folder: Path) -> int:
    """Ask pip-audit about exactly these versions; 1 if one of them is known to be unsafe."""
    listed = folder / "versions.txt"
    listed.write_text("".join(f"{name}=={one.version}\n" for name, one in sorted(found.items()) if name != PROJECT))
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "-r", str(listed), "-f", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)  # noqa: S603 our own words
        answer = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        print(
            "::warning title=Not audited::pip-audit is not installed, or the index does not answer. Nothing is known."
        )
        return 0
    # a dependency that the index does not know is skipped by pip-audit, which is no answer
    unasked = [one["name"] for one in answer if "vulns" not in one]
    if unasked:
        print(f"::warning title=Not audited::of {len(unasked)} dependencies nothing is known: {', '.join(unasked)}")
    (folder / "audit.json").write_text(json.dumps(answer, indent=1) + "\n")
    unsafe = [(one["name"], one["version"], [v["id"] for v in one["vulns"]]) for one in answer if one.get("vulns")]
    for name, version, known in unsafe:
        print(f"::error title=Dependency::{name} {version} is known to be unsafe: {', '.join(known)}")
    print(f"{len(answer) - len(unasked)} dependencies asked about, {len(unsafe)} known to be unsafe")
    return int(bool(unsafe))


def main() -> int:
    """Write the two lists and ask."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    found = needed()
    with (folder / "licences.csv").open("w", encoding="utf-8", newline="") as handle:
        rows = csv.writer(handle, lineterminator="\n")
        rows.writerow(("name", "version", "licence"))
        rows.writerows((name, one.version, licence(one)) for name, one in sorted(found.items()))
    (folder / "sbom.cdx.json").write_text(json.dumps(bill(found), indent=1) + "\n", encoding="utf-8")
    print(f"{len(found)} distributions -> {folder}")
    return audit(found, folder)


if __name__ == "__main__":
    sys.exit(main())
