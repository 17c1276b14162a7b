"""Commands on the API key of a service, and on the quotas of its owner."""

from __future__ import annotations

import sys

import typer

from .. import credentials
from ..client import DEFAULT_URL, Client
from .command import Output
from .output import in_bytes, out, print_rows


def login(url: str | None) -> Output:
    """Save an API key for a service, after checking it.

    Asks for the key, or reads it from standard input. `EPOCHAL_API_KEY` takes precedence over it.
    """
    address = (url or DEFAULT_URL).rstrip("/")
    if sys.stdin.isatty():
        key = typer.prompt(f"API key for {address}", hide_input=True)
    else:
        key = sys.stdin.readline()
    key = key.strip()
    if not key:
        raise typer.BadParameter("The API key is empty; nothing is saved")
    with Client(address, api_key=key) as client:
        client.version()
    credentials.save_key(address, key)
    yield {"url": address, "file": str(credentials.path())}
    out.print(f"Saved the API key for {address} in {credentials.path()}")


def usage(client: Client) -> Output:
    """Show what the owner of the API key uses of each quota."""
    used = client.usage()
    yield used
    print_rows(
        used.quotas,
        {
            "QUOTA": lambda quota: quota.name.removeprefix("max_"),
            ">USED": lambda quota: _amount(quota.name, quota.used),
            ">LIMIT": lambda quota: _amount(quota.name, quota.limit),
            "OF": lambda quota: quota.description,
        },
    )


def _amount(quota: str, value: int | None) -> str:
    if value is None:
        return "none"
    return in_bytes(value) if "bytes" in quota else f"{value:,}"


def logout(url: str | None) -> Output:
    """Forget the API key of a service."""
    address = (url or DEFAULT_URL).rstrip("/")
    existed = credentials.forget_key(address)
    yield {"url": address, "forgotten": existed}
    out.print(
        f"Forgot the API key for {address}" if existed else f"No API key is saved for {address}"
    )
