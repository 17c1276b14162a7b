"""`epochald backup`, `restore` and `compact`: the database as a whole."""

import shlex
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from epochal_service.daemon import preflight
from epochal_service.daemon.preflight import StartupError

if TYPE_CHECKING:
    from epochal_service.settings import Settings

# One for each command on PostgreSQL, which has its own tools.
_POSTGRESQL = {
    "backup": "pg_dump --format=custom --file={file} {url}",
    "restore": "pg_restore --clean --if-exists --no-owner --single-transaction --dbname={url} "
    "{file}",
    "compact": "psql {url} --command='VACUUM FULL'",
}


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
) -> None:
    """Copy the database to a file, while the service runs or not. SQLite only."""
    from epochal_service.store import sqlite_files

    path = _existing_database("backup", file)
    if file.exists():
        raise StartupError(f"{file} exists already; name another file, or remove it")
    with _translated(file), _progress(f"Copying to {file}") as progress:
        sqlite_files.copy(path, file, progress)
        revision = sqlite_files.check(file)
    typer.echo(f"{file}: {_megabytes(file.stat().st_size)}, revision {revision}")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` wrote.")],
) -> None:
    """Replace the database by a backup, while the service is stopped. SQLite only.

    The database that was there stays beside it, under another name.
    """
    from epochal_service.store import migrate, sqlite_files

    settings = preflight.load_settings()
    path = _sqlite_path(settings, "restore", file)
    preflight.prepare_folder(settings)
    if not file.is_file():
        raise StartupError(f"{file} does not exist or is not a file")
    if path.exists() and file.samefile(path):
        raise StartupError(f"{file} is the database itself; name a backup of it")
    try:
        revision = sqlite_files.check(file)
    except sqlite3.Error as error:
        raise StartupError(f"{file} is damaged or no database ({error}); use another") from None
    if revision is None:
        raise StartupError(f"{file} is not a database of Epochal; use a file of `epochald backup`")
    if not migrate.is_known(revision):
        raise StartupError(
            f"{file} is newer than this program (revision {revision}); install a newer Epochal"
        )
    former = path.with_name(f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}.former")
    existed = path.exists()
    with _translated(path), _progress(f"Restoring {file}") as progress:
        sqlite_files.replace(path, file, former, progress)
    typer.echo(f"{path} is restored. Jobs that were running continue at the next start.")
    if existed:
        typer.echo(f"The former database is {former}; delete it once all is well.")


def compact(
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Print what it would give back, and do nothing.")
    ] = False,
) -> None:
    """Give the space of deleted rows back, while the service is stopped. SQLite only."""
    from epochal_service.store import sqlite_files

    path = _existing_database("compact")
    with _translated(path):
        before = sqlite_files.size(path)
    needed = before.total - before.free
    typer.echo(
        f"{path}: {_megabytes(before.total)}, of which {_megabytes(before.free)} are free. "
        f"Compacting needs {_megabytes(2 * needed)} of room."
    )
    if estimate:
        return
    try:
        with _translated(path), _progress(f"Compacting {path}") as progress:
            before, after = sqlite_files.compact(path, progress)
    except sqlite_files.NotEnoughRoom:
        raise StartupError(
            f"{path.parent} has no room for {_megabytes(2 * needed)}; free some space"
        ) from None
    typer.echo(f"{_megabytes(before.total)} before, {_megabytes(after.total)} now.")


def _sqlite_path(settings: "Settings", command: str, file: Path | None = None) -> Path:
    """Return the path of the SQLite file. Raises `StartupError` for PostgreSQL."""
    path = settings.database_path
    if path is None:
        url = settings.database_url.replace("postgresql+psycopg:", "postgresql:")
        password = urlsplit(url).password
        if password is not None:
            url = url.replace(f":{password}@", "@", 1)
        program = _POSTGRESQL[command].format(
            url=shlex.quote(url), file=shlex.quote(str(file)) if file else ""
        )
        raise StartupError(f"PostgreSQL has its own tool for this: {program}")
    return path


def _existing_database(command: str, file: Path | None = None) -> Path:
    path = _sqlite_path(preflight.load_settings(), command, file)
    if not path.exists():
        raise StartupError(f"{path} does not exist; correct EPOCHAL_DATA_DIR")
    return path


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    from epochal_service.store import sqlite_files

    try:
        yield
    except sqlite_files.InUse:
        raise StartupError(f"{path} is in use; stop Epochal first", transient=True) from None
    except sqlite3.Error as error:
        raise StartupError(f"{path} cannot be used ({error})") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise StartupError(f"{error.filename or path} cannot be written ({reason})") from None


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Draw a bar with the estimated time to stderr, if it is a terminal."""
    hidden = not sys.stderr.isatty()
    with typer.progressbar(length=1000, label=label, file=sys.stderr, hidden=hidden) as bar:

        def report(done: int, total: int) -> None:
            bar.update(max(0, round(1000 * done / max(total, 1)) - bar.pos))

        yield report


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
