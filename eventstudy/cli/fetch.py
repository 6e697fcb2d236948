"""``eventstudy fetch``: fill or refresh the price store from Yahoo or another vendor."""

from __future__ import annotations

from eventstudy.cli.console import tell, tell_json
from eventstudy.cli.options import EVENTS, Common, EventsArgument, with_study_options
from eventstudy.cli.panels import OUTPUT, SCALE, TESTS
from eventstudy.cli.settings import resolve, study_spec


@with_study_options(TESTS, OUTPUT, SCALE, "out", "missing", "returns", "exclude", "window")
def fetch_command(
    events: EventsArgument = EVENTS,
    *,
    common: Common,
) -> None:
    """Ask Yahoo, or the vendor that --source names, for every ticker and benchmark of EVENTS and keep what comes.

    Each symbol becomes a new vintage in the store; with --max-age only those that are older or incomplete. What came
    before a refusal or a failure is kept.
    """
    console = common.console
    spec = study_spec(resolve(common.flags, common.config))
    from eventstudy.api.fetch import fetch

    found = fetch(events, spec=spec, progress=console.progress, warn=console.warn, strict=False)
    console.progress_done()
    if common.as_json:
        tell_json(
            {
                "store": found.store,
                "asked": len(found.asked),
                "kept": len(found.fetched),
                "series": found.records,
                "error": "" if found.error is None else found.error.found,
            }
        )
    else:
        for line in found.lines:
            tell(line)
    if found.error is not None and len(found.fetched) < len(found.asked):
        console.say(f"{len(found.fetched)} of {len(found.asked)} symbols are in the store")
    if found.factors:
        console.say(f"factors: {found.factors}")
    if found.error is not None:
        raise found.error
