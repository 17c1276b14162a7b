"""The list of commands, and their exit codes."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from ..errors import (
    ApiError,
    ConnectionFailed,
    EpochalError,
    Forbidden,
    InvalidArgument,
    NotFound,
    QuotaExceeded,
    TimedOut,
    Unauthenticated,
    Unavailable,
)

EPILOG = (
    "Exit codes: 0 succeeded, 1 the job failed or was cancelled, 2 usage or invalid spec, "
    "3 the service is not reachable, 4 not found, 5 verified in part, 6 the API key is missing or "
    "does not allow this, 7 a quota is used up, 130 interrupted."
)
_REMEDIES: dict[type[EpochalError], str] = {
    Unauthenticated: "Save a key: epochal login. Or set EPOCHAL_API_KEY.",
    Forbidden: "Use another key: epochal login. Or set EPOCHAL_API_KEY.",
    QuotaExceeded: "See your quotas: epochal usage. Make room: epochal cancel, or epochal delete.",
}
PANELS = {
    "Train": (
        "training.train",
        "training.watch",
        "sweeps.sweep",
        "experiments.experiment",
        "exercises.assign",
        "exercises.exercise",
        "exercises.submit",
        "exercises.exercises",
        "material.validate",
        "material.presets",
    ),
    "Jobs": (
        "jobs.jobs",
        "jobs.show",
        "jobs.curve",
        "epochs.epochs",
        "comparison.compare",
        "jobs.predict",
        "models.models",
        "generation.generate",
        "jobs.evaluate",
        "inside.attention",
        "inside.activations",
        "jobs.export",
        "jobs.verify",
        "jobs.draws",
        "jobs.cancel",
        "jobs.change",
        "jobs.pause",
        "jobs.resume",
        "jobs.deliveries",
        "jobs.rename",
        "jobs.label",
        "jobs.delete",
    ),
    "Learn": ("explain.explain",),
    "Networks and data": ("material.summarize", "material.datasets", "material.upload"),
    "Access": ("login.login", "login.logout", "login.usage", "keys.keys"),
    "Service": ("service.workers",),
}
"""The panels of the help, with the module and the function of each command."""


_COMMANDS = {
    path.partition(".")[2]: (panel, path.partition(".")[0])
    for panel, paths in PANELS.items()
    for path in paths
}


class _Sparing:
    """A command with parameters that skip conversions without an effect.

    Typer imports pydantic to convert a value, which takes longer than all else.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if hasattr(parameter, "type_descriptor"):  # absent from older versions of Typer
                parameter.process_value = partial(_process_value, parameter)
        return parameters


def _process_value(parameter: Any, ctx: Any, value: Any) -> Any:
    kind = parameter.type_descriptor.annotation
    is_ready = isinstance(kind, type) and isinstance(value, kind)
    if is_ready or (value is None and not parameter.required):
        return parameter.callback(ctx, parameter, value) if parameter.callback else value
    return type(parameter).process_value(parameter, ctx, value)


class Command(_Sparing, TyperCommand):
    """One command."""


class Commands(_Sparing, TyperGroup):
    """All commands. The module of a command is imported when the command is needed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(_COMMANDS)  # type: ignore[assignment]

    def get_command(self, ctx: Any, name: str) -> Any:
        """Return a command by its name, or None."""
        if name not in _COMMANDS:
            return None
        panel, module = _COMMANDS[name]
        from .command import complete

        function = complete(getattr(import_module(f".{module}", __package__), name))
        alone = typer.Typer(add_completion=False)
        alone.command(cls=Command, rich_help_panel=panel)(function)
        return typer.main.get_command(alone)


app = typer.Typer(
    cls=Commands,
    help="Train neural networks and see every epoch.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(is_set: bool) -> None:
    if is_set:
        typer.echo(f"epochal {version('epochal')}")
        raise typer.Exit


@app.callback()
def _epochal(
    context: typer.Context,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for programs, with any command.")
    ] = False,
) -> None:
    context.default_map = {name: {"as_json": as_json} for name in _COMMANDS}


def exit_code(error: EpochalError) -> int:
    """Return the exit code for an error."""
    if isinstance(error, ConnectionFailed | TimedOut | Unavailable):
        return 3
    if isinstance(error, NotFound):
        return 4
    if isinstance(error, Unauthenticated | Forbidden):
        return 6
    if isinstance(error, QuotaExceeded):
        return 7
    if isinstance(error, InvalidArgument) or not isinstance(error, ApiError):
        return 2
    return 1


def main() -> None:
    """Run the command line of this process."""
    try:
        app()
    except EpochalError as error:
        from rich.markup import escape

        from .output import err

        err.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        if isinstance(error, ApiError) and len(error.errors) > 1:
            for field, description in error.errors:
                err.print(f"  {escape(field)}  {escape(description)}", soft_wrap=True)
        if remedy := _REMEDIES.get(type(error)):
            err.print(remedy, soft_wrap=True)
        sys.exit(exit_code(error))
