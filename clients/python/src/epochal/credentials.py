"""API keys of services, in a file that only the user can read: `epochal login` writes it."""

from __future__ import annotations

import json
import os
from pathlib import Path


def path() -> Path:
    """Return the file: `epochal/keys.json` in `XDG_CONFIG_HOME`, by default `~/.config`."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "epochal" / "keys.json"


def saved_key(url: str) -> str | None:
    """Return the key that was saved for the service at `url`; None without one."""
    return _read().get(url.rstrip("/"))


def save_key(url: str, key: str) -> None:
    """Save the key for the service at `url`."""
    _write({**_read(), url.rstrip("/"): key})


def forget_key(url: str) -> bool:
    """Delete the key of the service at `url`; return whether there was one."""
    keys = _read()
    existed = keys.pop(url.rstrip("/"), None) is not None
    if existed:
        _write(keys)
    return existed


def _read() -> dict[str, str]:
    try:
        keys = json.loads(path().read_text())
    except (OSError, ValueError):
        return {}
    return keys if isinstance(keys, dict) else {}


def _write(keys: dict[str, str]) -> None:
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    # Created with its permissions: nobody else can read it, not even for an instant.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(keys, stream, indent=2)
    partial.replace(file)
