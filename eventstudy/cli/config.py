"""``eventstudy config show``: every choice of a study, and where it comes from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from eventstudy.cli.console import tell, tell_json
from eventstudy.cli.options import Common, with_study_options
from eventstudy.cli.settings import chosen_formats, resolve, study_spec

config = typer.Typer(
    name="config",
    help="The choices of a study: show.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@config.command("show", short_help="Print every choice with its value and its origin.")
@with_study_options()
def show_command(
    origin: Annotated[bool, typer.Option("--origin", help="Where each value comes from.")] = False,
    *,
    common: Common,
) -> None:
    """Print every choice with its value as `run` here would take it: flag, environment, configuration file or default.

    Exit 2 if a value cannot be right.
    """
    console = common.console
    settings = resolve(common.flags, common.config)
    if common.as_json:
        rows = [{"name": name, "value": s.value, "origin": s.origin} for name, s in settings.items()]
        tell_json({"settings": rows})
    else:
        width = max(map(len, settings))
        for name, setting in settings.items():
            tail = f"  ({setting.origin})" if origin else ""
            tell(f"{name:<{width}}  {written(setting.value)}{tail}")
    # what is shown must also be possible together; the error says which is not
    from eventstudy.api.machine import check_choices

    check_choices(study_spec(settings))
    chosen_formats(settings)
    console.detail("these choices can be studied")


def written(value: Any) -> str:
    """A value as a person would type it."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)
