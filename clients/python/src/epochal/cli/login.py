"""Commands on the API key of a service, and on the quotas of its owner."""

from __future__ import annotations

import sys

import typer

from .. import credentials
from ..client import DEFAULT_URL, Client
from .inputs import JsonOption, UrlOption
from .output import in_bytes, out, print_json, print_table


def login(url: UrlOption = None, as_json: JsonOption = False) -> None:
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
    if as_json:
        print_json({"url": address, "file": str(credentials.path())})
    else:
        out.print(f"Saved the API key for {address} in {credentials.path()}")


def usage(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show what the owner of the API key uses of each quota."""
    with Client(url) as client:
        used = client.usage()
    if as_json:
        print_json(used)
        return
    print_table(
        ("QUOTA", ">USED", ">LIMIT", "OF"),
        [
            (
                quota.name.removeprefix("max_"),
                _amount(quota.name, quota.used),
                "none" if quota.limit is None else _amount(quota.name, quota.limit),
                quota.description,
            )
            for quota in used.quotas
        ],
    )


def _amount(quota: str, value: int) -> str:
    return in_bytes(value) if "bytes" in quota else f"{value:,}"


def logout(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Forget the API key of a service."""
    address = (url or DEFAULT_URL).rstrip("/")
    existed = credentials.forget_key(address)
    if as_json:
        print_json({"url": address, "forgotten": existed})
    elif existed:
        out.print(f"Forgot the API key for {address}")
    else:
        out.print(f"No API key is saved for {address}")
