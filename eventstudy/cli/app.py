"""The typer application and the last line of defence: every outcome becomes an exit code."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from eventstudy import __version__
from eventstudy.cli import backtest, calibrate, doctor, event, fetch, regress, run, validate
from eventstudy.cli.cache import cache
from eventstudy.cli.check import check_command
from eventstudy.cli.collect import collect
from eventstudy.cli.config import config
from eventstudy.cli.console import Console
from eventstudy.cli.diff import diff_command
from eventstudy.cli.import_ import import_command
from eventstudy.cli.init import init_command
from eventstudy.errors import EventStudyError

INTERRUPTED = 130

app = typer.Typer(
    name="eventstudy",
    help="What did this announcement do to this stock, and how sure can we be?",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run_command)
app.command("event")(event.event_command)
app.command("validate")(validate.validate_command)
app.command("fetch")(fetch.fetch_command)
app.command("calibrate")(calibrate.calibrate_command)
app.command("backtest")(backtest.backtest_command)
app.command("regress")(regress.regress_command)
app.command("diff")(diff_command)
app.command("import")(import_command)
app.command("init")(init_command)
app.command("check")(check_command)
app.command("doctor")(doctor.doctor_command)
app.add_typer(collect, name="collect")
app.add_typer(cache, name="cache")
app.add_typer(config, name="config")


def _version(asked: bool) -> None:
    if asked:
        print(f"eventstudy {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What did this announcement do to this stock, and how sure can we be?"""
    # --version is answered by its own callback before anything else
    del version


def main() -> None:
    """Run the command line; exits with the code of design: 0, 1 (a bug), 2, 3, 4, 5 (a gate tripped) or 130."""
    # a short-lived process: looking for garbage during imports costs more than it frees
    gc.set_threshold(100_000, 50, 100)
    try:
        app()
    except EventStudyError as error:
        Console.make(False, False, False).fail(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; nothing half-written", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # the reader of stdout went away (`| head`): no traceback, and nothing left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    finally:
        # the process ends here, so the interpreter need not walk every object once more
        gc.freeze()
