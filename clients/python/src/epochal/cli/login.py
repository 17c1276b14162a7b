"""Commands that save and forget the API key of a service."""

from __future__ import annotations

import sys

import typer

from .. import credentials
from ..client import DEFAULT_URL, Client
from .inputs import JsonOption, UrlOption
from .output import out, print_json


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
