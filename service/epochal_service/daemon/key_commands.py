"""`epochald keys`: create, list, rotate and revoke API keys."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from epochal_service.daemon import preflight
from epochal_service.daemon.preflight import StartupError

if TYPE_CHECKING:
    from epochal_service.access.classes import ClassKey
    from epochal_service.store import Database

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Create, list, rotate and revoke API keys. A key is shown once.",
)

KeyId = Annotated[str | None, typer.Argument(metavar="ID", help="Id of the key: see `keys list`.")]
ClassOption = Annotated[
    str | None, typer.Option("--class", metavar="NAME", help="All keys of this class instead.")
]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print the keys of a class as CSV.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the keys of a class as JSON.")]


@contextmanager
def _database() -> Iterator["Database"]:
    from epochal_service.errors import EpochalError
    from epochal_service.processes import logs
    from epochal_service.store import Database

    settings = preflight.load_settings()
    preflight.prepare_folder(settings)
    preflight.prepare_database(settings)
    logs.configure(settings)
    database = Database(settings.database_url)
    try:
        yield database
    except (EpochalError, ValueError) as error:
        raise StartupError(f"{error}") from None
    finally:
        database.close()


@app.command()
def create(
    name: Annotated[str | None, typer.Argument(help="What the key is for, such as laptop.")] = None,
    scope: Annotated[
        str, typer.Option(help="read, train or admin. Each includes those before it.")
    ] = "train",
    owner: Annotated[
        str,
        typer.Option(
            help="Who owns what is created with the key. Owners do not see each other's jobs."
        ),
    ] = "local",
    days: Annotated[
        float | None, typer.Option(help="Days until the key expires. Default: never.")
    ] = None,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="Create a class: a key of the teacher, who sees the runs of all pupils, and one "
            "of each pupil. For further pupils if the class exists.",
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="Number of pupils of the class.")] = None,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Create a key, or the keys of a class, and print the result."""
    from epochal_service.access import classes, keys

    if class_name is not None:
        if name is not None or scope != "train" or owner != keys.LOCAL_OWNER or count is None:
            raise typer.BadParameter("goes with --count and --days alone", param_hint="--class")
        with _database() as database:
            made = classes.create(database, class_name, count=count, days=days)
        _audit("CreateKeys", class_name, owner=class_name)
        _print_class(class_name, made, as_csv=as_csv, as_json=as_json)
        return
    if name is None:
        raise typer.BadParameter("needs a name, or --class and --count", param_hint="NAME")
    if scope not in keys.SCOPES:
        raise typer.BadParameter(f"must be one of {', '.join(keys.SCOPES)}", param_hint="--scope")
    with _database() as database:
        key = keys.create(database, name, owner=owner, scope=scope, days=days)
    _audit("CreateKey", key.split("_")[1], owner=owner)
    typer.echo(key)


def _audit(method: str, subject: str, **details: str) -> None:
    """Log a change of keys to stderr, in the form of the methods that change something."""
    import structlog

    structlog.get_logger(__name__).info("audit", method=method, id=subject, **details)


def _print_class(name: str, made: "Sequence[ClassKey]", *, as_csv: bool, as_json: bool) -> None:
    """Print keys: as JSON, as CSV, or as a table that can be printed and cut."""
    if as_json:
        typer.echo(json.dumps({"class": name, "keys": [asdict(item) for item in made]}, indent=2))
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, ["owner", "role", "key"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(item) for item in made)
    else:
        width = max(len(item.owner) for item in made)
        cut = "- " * ((width + 52) // 2)
        typer.echo(f"Class {name}: {len(made)} keys, which are shown once.\n{cut}")
        for item in made:
            typer.echo(f"{item.owner:<{width}}  {item.role:<7}  {item.key}\n{cut}")


@app.command(name="list")
def list_keys() -> None:
    """List all keys, oldest first, without their secrets."""
    from epochal_service.store import api_keys

    with _database() as database, database.read() as connection:
        rows = api_keys.all_keys(connection)
    if not rows:
        typer.echo("No API key yet. Create one: epochald keys create me --scope admin")
        return
    now = datetime.now(UTC)
    table = [("ID", "OWNER", "SCOPE", "CREATED", "STATE", "NAME")]
    for row in rows:
        expires = None if row.expires_at is None else datetime.fromtimestamp(row.expires_at, UTC)
        if row.revoked_at is not None:
            state = "revoked"
        elif expires is None:
            state = "valid"
        else:
            state = f"{'expired' if expires <= now else 'valid until'} {expires:%Y-%m-%d %H:%M}"
        created = datetime.fromtimestamp(row.created_at, UTC)
        table.append((row.id, row.owner, row.scope, f"{created:%Y-%m-%d %H:%M}", state, row.name))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip())


@app.command()
def rotate(
    key_id: KeyId = None,
    class_name: ClassOption = None,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Print the key with a new secret. The former one is refused at once."""
    from epochal_service.access import classes, keys

    _check_one(key_id, class_name)
    with _database() as database:
        if class_name is not None:
            made = classes.rotate(database, class_name)
            _audit("RotateKeys", class_name, owner=class_name)
            _print_class(class_name, made, as_csv=as_csv, as_json=as_json)
        elif key_id is not None:
            key = keys.rotate(database, key_id)
            _audit("RotateKey", key_id)
            typer.echo(key)


@app.command()
def revoke(key_id: KeyId = None, class_name: ClassOption = None) -> None:
    """Refuse the key from now on. Jobs and data that it created stay."""
    from epochal_service.access import classes, keys

    _check_one(key_id, class_name)
    with _database() as database:
        if class_name is not None:
            count = classes.revoke(database, class_name)
            _audit("RevokeKeys", class_name, owner=class_name)
            typer.echo(f"{count} keys of the class {class_name} are revoked.")
        elif key_id is not None:
            keys.revoke(database, key_id)
            _audit("RevokeKey", key_id)
            typer.echo(f"The key {key_id} is revoked.")


def _check_one(key_id: str | None, class_name: str | None) -> None:
    if (key_id is None) == (class_name is None):
        raise typer.BadParameter("needs the id of a key, or --class NAME", param_hint="ID")
