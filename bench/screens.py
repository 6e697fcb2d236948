"""Screens of five studies at 1280 and 390 pixels, light and dark, to be looked at: ``python -m bench.screens DIR``.

With every fold open axe finds nothing and nothing overflows from 320 to 1280 pixels, or the script ends with 1.

The sample; one announcement; one date with three firms; 300 earnings announcements and 10,000, which need the larger
tables (EVENTSTUDY_TEST_DATA). docs/decisions/page.md has the judgement.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
FLAGS = ["--no-sandbox", "--disable-gpu"]
OPEN = "document.querySelectorAll('details').forEach(d => { d.open = true; })"


def studies(folder: Path) -> dict[str, Path]:
    """Run the five studies; the page of each."""
    for name in ("events.csv", "confounders.csv", "eventstudy.toml"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-m", "eventstudy"]
    made = {
        "sample": [*command, "run", "events.csv", "-q", "-o", "sample"],
        "one": [*command, "event", "deepseek_shock", "--ticker", "NVDA", "--save", "-q", "-o", "one"],
        "date": [*command, "run", "events.csv", "-q", "--event", "h20_license_8k", "-o", "date"],
    }
    data = os.environ.get("EVENTSTUDY_TEST_DATA", "")
    if data:
        for n in (300, 10_000):
            _earnings(Path(data), folder / f"earnings{n}.csv", n)
            source = f"parquet:{data}/panel.parquet"
            made[f"{n}"] = [*command, "run", f"earnings{n}.csv", "-q", "--source", source, "-o", f"many{n}"]
    pages = {}
    for name, line in made.items():
        subprocess.run(line, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        pages[name] = folder / line[line.index("-o") + 1] / "report.html"
    return pages


def _earnings(data: Path, path: Path, n: int) -> None:
    """Earnings announcements drawn at random."""
    import pandas as pd

    events = pd.read_csv(data / "panel_events.csv")
    known = events[(events["event_date"] >= "2018-06-01") & (events["event_date"] < "2026-06-01")]
    some = known[known["is_session"] == 1].sample(n, random_state=n).sort_values(["event_date", "ticker"])
    frame = pd.DataFrame({"ticker": some["ticker"], "announced_at": some["event_date"], "category": "earnings"})
    frame.to_csv(path, index=False)


def findings(page: Any, width: int) -> list[str]:
    """What axe finds on a page with every fold open; at 1280 pixels also the widths at which something overflows."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(OPEN)
    found = [f"axe {v['id']}: {v['nodes'][0]['html'][:90]}" for v in Axe().run(page).response["violations"]]
    for wide in (320, 390, 768, 1280) if width == max(WIDTHS) else ():
        page.set_viewport_size({"width": wide, "height": 844})
        if page.evaluate("document.documentElement.scrollWidth") > wide:
            found.append(f"wider than {wide} pixels")
    return found


def main() -> None:
    """Write DIR/NAME-WIDTH-SCHEME.png, the whole page with its first screen on top."""
    from playwright.sync_api import sync_playwright

    out = Path(sys.argv[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    pages, found = studies(out), []
    with sync_playwright() as p:
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = p.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, page in pages.items():
            for width in WIDTHS:
                for scheme in SCHEMES:
                    shown = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
                    shown.goto(page.as_uri())
                    shown.screenshot(path=out / f"{name}-{width}-{scheme}.png", full_page=True)
                    found += [f"{name}-{width}-{scheme}: {what}" for what in findings(shown, width)]
                    shown.close()
            print(f"{name}: {page.stat().st_size:,} bytes")
        browser.close()
    print("\n".join(found) or "axe finds nothing, nothing overflows")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
