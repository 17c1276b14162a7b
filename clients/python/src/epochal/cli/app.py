"""The list of commands, and their exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.markup import escape

from ..errors import (
    ApiError,
    ConnectionFailed,
    EpochalError,
    InvalidArgument,
    NotFound,
    TimedOut,
    Unauthenticated,
    Unavailable,
)
from . import (
    comparison,
    epochs,
    exercises,
    experiments,
    explain,
    generation,
    inside,
    jobs,
    login,
    material,
    service,
    sweeps,
    training,
)
from .output import err, out

EPILOG = (
    "Exit codes: 0 succeeded, 1 the job failed or was cancelled, 2 usage or invalid spec, "
    "3 the service is not reachable, 4 not found, 130 interrupted."
)

app = typer.Typer(
    help="Train neural networks and see every epoch.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for panel, commands in {
    "Train": (
        training.train,
        training.watch,
        sweeps.sweep,
        experiments.experiment,
        exercises.assign,
        exercises.exercise,
        exercises.exercises,
        material.validate,
        material.presets,
    ),
    "Jobs": (
        jobs.jobs,
        jobs.show,
        jobs.curve,
        epochs.epochs,
        comparison.compare,
        jobs.predict,
        generation.generate,
        jobs.evaluate,
        inside.attention,
        inside.activations,
        jobs.export,
        jobs.verify,
        jobs.draws,
        jobs.cancel,
        jobs.pause,
        jobs.resume,
        jobs.deliveries,
        jobs.rename,
        jobs.label,
        jobs.delete,
    ),
    "Learn": (explain.explain,),
    "Networks and data": (material.summarize, material.datasets, material.upload),
    "Access": (login.login, login.logout, login.usage),
    "Service": (service.workers,),
}.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def _print_version(is_set: bool) -> None:
    if is_set:
        from .. import __version__

        out.print(f"epochal {__version__}")
        raise typer.Exit


@app.callback()
def _epochal(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def exit_code(error: EpochalError) -> int:
    """Return the exit code for an error."""
    if isinstance(error, ConnectionFailed | TimedOut | Unavailable):
        return 3
    if isinstance(error, NotFound):
        return 4
    if isinstance(error, InvalidArgument) or not isinstance(error, ApiError):
        return 2
    return 1


def main() -> None:
    """Run the command line of this process."""
    try:
        app()
    except EpochalError as error:
        err.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        if isinstance(error, ApiError) and len(error.errors) > 1:
            for field, description in error.errors:
                err.print(f"  {escape(field)}  {escape(description)}", soft_wrap=True)
        if isinstance(error, Unauthenticated):
            err.print("Save a key: epochal login. Or set EPOCHAL_API_KEY.", soft_wrap=True)
        sys.exit(exit_code(error))
