"""Report folders small enough to work out by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

WINDOWS = """event_id,ticker,role,category,day0,window,primary,car,std_error,p_t,p_sq,flags
a,AAA,direct,,2025-04-16,"[0,0]",yes,-0.02,0.01,0.04,0.1,
a,AAA,direct,,2025-04-16,"[0,1]",no,0.01,0.02,0.6,,
b,BBB,direct,,2025-04-17,"[0,0]",no,0.05,0.02,0.01,0.2,
b,BBB,direct,,2025-04-17,"[0,1]",yes,0.07,0.03,0.02,,timing_uncertain
c,AAA,peer,,2025-06-30,"[0,0]",yes,0.001,0.01,0.9,0.7,
c,AAA,peer,,2025-06-30,"[0,1]",no,,,,,window_incomplete
"""
EXCLUDED = "event_id,ticker,stage,reason,detail\nd,ZZZ,priced,no_prices,unknown\n"
CLAIMS = (
    "event_id,ticker,kind,claimed_return,observed_return,difference,verdict,expected_return,abnormal_return,p_t\n"
    "a,AAA,close,-0.05,-0.051,-0.001,close,-0.03,-0.02,0.04\n"
)
ABNORMAL = """event_id,ticker,day,session,return,abnormal_return
a,AAA,-1,2025-04-15,0.01,0.011
a,AAA,0,2025-04-16,-0.05,-0.02
b,BBB,0,2025-04-17,0.06,0.05
"""
MODELS = """event_id,ticker,day0,model,benchmark,n_estimation,n_masked,estimation_start,estimation_end
a,AAA,2025-04-16,market-model,MKT,247,3,2024-04-01,2025-03-31
b,BBB,2025-04-17,market-model,MKT,250,0,2024-04-01,2025-03-31
c,AAA,2025-06-30,market-model,MKT,250,0,2024-06-01,2025-06-13
"""
TABLES = {
    "windows.csv": WINDOWS,
    "excluded.csv": EXCLUDED,
    "claims.csv": CLAIMS,
    "abnormal_returns.csv": ABNORMAL,
    "models.csv": MODELS,
}
SPEC: dict[str, Any] = {
    "source": "snapshot",
    "offline": False,
    "benchmarks": ["MKT"],
    "gap": 10,
    "level": 0.95,
    "event_window": {"start": -10, "end": 10},
    "windows": [{"start": 0, "end": 0}, {"start": 0, "end": 1}],
    "windows_given": True,
}
SERIES = [
    {"symbol": name, "source": "yahoo", "rows": 500, "first": "2023-07-03", "last": last, "sha256": f"{name}-1"}
    for name, last in (("AAA", "2025-06-27"), ("BBB", "2025-06-30"), ("MKT", "2025-06-30"))
]
MANIFEST: dict[str, Any] = {
    "schema_version": 1,
    "written_at": "2025-07-01T06:17:00+00:00",
    "versions": {"eventstudy": "0.1.0", "python": "3.12.1", "numpy": "2.4.6"},
    "engine": "numpy",
    "spec": SPEC,
    "counts": {"read": 4, "studied": 3, "excluded": 1},
    "series": SERIES,
}


def make(folder: Path, *, manifest: dict[str, Any] | None = MANIFEST, **tables: str) -> Path:
    """A report folder; tables may be replaced by name (`windows=...`)."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {**TABLES, **{f"{name}.csv": text for name, text in tables.items()}}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if manifest is not None:
        hashes = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
        (folder / "manifest.json").write_text(json.dumps({**manifest, "files": hashes}), encoding="utf-8")
    return folder
