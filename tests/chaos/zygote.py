"""A process that has everything imported and forks the real command line on demand, so that kills hit work, not imports.

One JSON object a line on stdin: ``argv``, ``cwd``, ``env``, ``log``, and ``kept`` (bytes of measured events above
which tables are written block by block). It answers with ``{"pid": ...}`` once the child runs and with ``{"status": ...}`` once it has ended: the exit
code, or minus the signal.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any


def preload() -> None:
    """What a command imports on its way."""
    import curl_cffi.requests
    import exchange_calendars
    import pandas
    import pandas as pd
    import scipy.special
    import yfinance

    import eventstudy.cli.app
    import eventstudy.data.live
    import eventstudy.data.yahoo.client
    import eventstudy.report.html
    import eventstudy.report.write
    import eventstudy.study
    import eventstudy.study_report

    del curl_cffi, exchange_calendars, pandas, scipy, yfinance
    # calendars take longest, and are kept once built
    frame = {"ticker": ["NVDA", "AMD"], "announced_at": ["2025-04-15", "2022-02-02"]}
    eventstudy.study.run(pd.DataFrame(frame), spec=eventstudy.spec.StudySpec(source="snapshot"))


def child(order: dict[str, Any]) -> None:
    """Become the command."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    null = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, target)
    os.chdir(order["cwd"])
    os.environ.update(order["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["eventstudy", *order["argv"]]
    from eventstudy.scale import limits

    limits.LIMITS = limits.Limits(kept=order["kept"], block=2048)
    code = 0
    try:
        from eventstudy.cli.start import main

        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # what the interpreter's own end would do, without the parent's open files
    os._exit(code)


def serve() -> None:
    """Until stdin ends."""
    preload()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    print(json.dumps({"ready": os.getpid()}), file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            answers.close()
            child(order)
        print(json.dumps({"pid": pid}), file=answers, flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), file=answers, flush=True)


if __name__ == "__main__":
    serve()
