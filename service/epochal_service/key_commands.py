"""`epochald keys`: create, list, rotate and revoke API keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from epochal_service import preflight
from epochal_service.preflight import StartupError

if TYPE_CHECKING:
    from epochal_service.store import Database

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Create, list, rotate and revoke API keys. A key is shown once.",
)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of the key: see `keys list`.")]


@contextmanager
def _database() -> Iterator["Database"]:
    from epochal_service.errors import EpochalError
    from epochal_service.store import Database

    settings = preflight.load_settings()
    preflight.prepare_folder(settings)
    preflight.prepare_database(settings)
    database = Database(settings.database_url)
    try:
        yield database
    except (EpochalError, ValueError) as error:
        raise StartupError(f"{error}") from None
    finally:
        database.close()


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, such as laptop.")],
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
) -> None:
    """Create a key and print it."""
    from epochal_service import keys

    if scope not in keys.SCOPES:
        raise typer.BadParameter(f"must be one of {', '.join(keys.SCOPES)}", param_hint="--scope")
    with _database() as database:
        typer.echo(keys.create(database, name, owner=owner, scope=scope, days=days))


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
def rotate(key_id: KeyId) -> None:
    """Print the key with a new secret. The former one is refused at once."""
    from epochal_service import keys

    with _database() as database:
        typer.echo(keys.rotate(database, key_id))


@app.command()
def revoke(key_id: KeyId) -> None:
    """Refuse the key from now on. What was created with it stays."""
    from epochal_service import keys

    with _database() as database:
        keys.revoke(database, key_id)
    typer.echo(f"The key {key_id} is revoked.")
