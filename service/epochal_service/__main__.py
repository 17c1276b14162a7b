"""`epochald`: run the service or a part of it, and check its settings."""

import gc
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from socket import gethostname
from typing import TYPE_CHECKING, Annotated

import typer

from epochal_service.daemon import database_commands, key_commands, preflight
from epochal_service.daemon.preflight import StartupError

if TYPE_CHECKING:
    from epochal_service.settings import Settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Run Epochal. Settings are EPOCHAL_* variables or lines of .env; `check` lists them.",
)
app.add_typer(key_commands.app, name="keys")


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"epochald {version('epochal-server')}")
        raise typer.Exit


@app.callback()
def _epochald(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


@app.command()
def up(
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again when a source file changes.")
    ] = False,
) -> None:
    """Run everything on this machine: API, worker, and a broker unless one is set."""
    if reload:
        from epochal_service.daemon import reload as reloading

        reloading.up()
        return
    from epochal_service.daemon import supervisor

    supervisor.up(preflight.load_settings(), main)


@app.command()
def api() -> None:
    """Run the API, REST and gRPC, in EPOCHAL_API_PROCESSES processes."""
    settings = preflight.load_settings()
    preflight.require_broker(settings)
    settings = preflight.find_ports(settings)
    preflight.prepare_folder(settings)
    preflight.prepare_database(settings)
    preflight.require_keys(settings)
    try:
        preflight.check_broker(settings)
    except StartupError as error:
        # The API accepts jobs without a broker; they start when it is available again.
        typer.echo(f"epochald: starting without the broker: {error}", err=True)
    if settings.api_processes == 1:
        _serve(settings)
    else:
        from epochal_service.daemon import supervisor

        supervisor.run_api(settings, main)


@app.command(hidden=True)
def api_process() -> None:
    """Run one of several API processes; `up` and `api` start them."""
    settings = preflight.load_settings()
    preflight.prepare_folder(settings)
    preflight.prepare_database(settings)
    _serve(settings)


def _serve(settings: "Settings") -> None:
    from epochal_service.daemon import server
    from epochal_service.processes import logs

    preflight.choose_engine(settings)
    logs.configure(settings)
    server.serve(settings)


@app.command()
def worker() -> None:
    """Run one worker: EPOCHAL_WORKERS processes that train one job each."""
    settings = preflight.load_settings()
    preflight.require_broker(settings)
    preflight.prepare_folder(settings)
    preflight.check_broker(settings)
    preflight.prepare_database(settings)

    from celery.platforms import SecurityWarning
    from celery.signals import setup_logging

    from epochal_service.processes import logs
    from epochal_workers.app import celery

    preflight.choose_engine(settings)

    # A connected receiver prevents Celery from installing its own log handlers.
    setup_logging.connect(lambda **_: logs.configure(settings), weak=False)
    # Celery warns root users about pickled messages; these are JSON and contain the id of a job.
    warnings.simplefilter("ignore", SecurityWarning)
    gc.freeze()
    gc.enable()
    # Not the command line of Celery, which takes a tenth of a second to import.
    process = celery.Worker(
        hostname=f"epochal-{os.getpid()}@{gethostname()}",
        concurrency=settings.workers,
        prefetch_multiplier=1,
        loglevel=settings.log_level.upper(),
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    )
    process.start()
    sys.exit(process.exitcode)


@app.command()
def migrate() -> None:
    """Migrate the database to the revision of this program."""
    settings = preflight.load_settings()
    preflight.prepare_folder(settings)
    preflight.migrate_database(settings)


@app.command()
def check(
    repair: Annotated[
        bool, typer.Option("--repair", help="Delete rows of the database that belong to nothing.")
    ] = False,
) -> None:
    """List every setting with its origin, and check whether Epochal can run."""
    from epochal_service.settings import explain, unknown_variables

    settings = preflight.load_settings()
    rows = list(explain(settings))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row[:3], widths, strict=True))
        typer.echo("  ".join((*cells, row.description)))
    typer.echo("")
    for name in unknown_variables():
        typer.echo(f"note  {name} is not a setting of Epochal")
    failed = set()
    for subject, test in {
        "the addresses are free": preflight.find_ports,
        "the data folder is writable": preflight.prepare_folder,
        "the database has the revision of this program": preflight.check_database,
        "the disk has room for the database": preflight.check_room,
        "there is an API key if requests need one": preflight.require_keys,
        "the engine is available": preflight.choose_engine,
        "the broker answers" if settings.broker_url else "a broker can be started": (
            preflight.check_broker
        ),
    }.items():
        if not _succeeds(subject, test, settings):
            failed.add(test)
    if preflight.choose_engine not in failed:
        typer.echo(f"note  {preflight.describe_engine()}")
    if preflight.check_database not in failed:
        check_orphans = partial(preflight.check_orphans, repair=repair)
        if not _succeeds("every row of the database belongs to something", check_orphans, settings):
            failed.add(preflight.check_orphans)
        for sentence in preflight.describe_workers(settings):
            typer.echo(f"note  {sentence}")
    raise typer.Exit(1 if failed else 0)


def _succeeds(subject: str, test: "Callable[[Settings], object]", settings: "Settings") -> bool:
    """Print the result of a test."""
    try:
        test(settings)
    except StartupError as error:
        typer.echo(f"fail  {error}")
        return False
    typer.echo(f"ok    {subject}")
    return True


for _command in (database_commands.backup, database_commands.restore, database_commands.compact):
    app.command()(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; print startup errors to stderr, without a traceback.

    The arguments default to the command line.
    """
    # One process trains one job, and more threads do not speed up matrix products of this size. The
    # libraries read these variables when NumPy is imported, which happens later.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    # Imported modules stay in use to the end. A search for garbage in them takes a fifth of the
    # start, and their release at the end as long again. Long-running commands enable collections.
    gc.disable()
    try:
        app(arguments)
    except StartupError as error:
        for sentence in str(error).splitlines():
            typer.echo(f"epochald: {sentence}", err=True)
        sys.exit(error.exit_code)
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
