"""``eventstudy doctor``: what works here, and what to do about what does not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from eventstudy.cli.cache import StoreOption, store_option
from eventstudy.cli.console import tell, tell_json
from eventstudy.cli.options import Common, with_common
from eventstudy.cli.settings import resolve
from eventstudy.errors import SourceUnavailable, UsageError


@with_common
def doctor_command(
    store: StoreOption = None,
    offline: Annotated[bool | None, typer.Option("--offline", help="Do not ask Yahoo.")] = None,
    *,
    common: Common,
) -> None:
    """Check versions, store, calendars, proxy, certificates, DNS, Yahoo and the clock, and name the cure.

    Exit 4 if Yahoo cannot be used, 2 if something here is wrong.
    """
    from eventstudy.api.machine import diagnose
    from eventstudy.api.store import store_folder

    console = common.console
    alone = bool(resolve({"offline": offline}, common.config)["offline"].value)
    findings = []
    for finding in diagnose(store_folder(store_option(store, common.config)), offline=alone):
        findings.append(finding)
        console.detail(f"looked at {finding.topic}")
        if not common.as_json and not (common.console.quiet and finding.state == "ok"):
            tell(f"{finding.state:<8}{finding.topic:<14}{finding.text}", flush=True)
            if finding.advice:
                tell(f"{'':<22}-> {finding.advice}")
    if common.as_json:
        tell_json({"findings": [asdict(f) for f in findings]})
    failed = [finding for finding in findings if finding.state == "fail"]
    ours = [
        finding for finding in failed if finding.topic in ("versions", "store", "calendars", "certificates", "clock")
    ]
    if ours:
        raise UsageError(f"{ours[0].topic}: {ours[0].text}", hint=ours[0].advice)
    if failed:
        raise SourceUnavailable(f"{failed[-1].topic}: {failed[-1].text}", hint=failed[-1].advice)
