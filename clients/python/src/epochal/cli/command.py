"""The common part of all commands: a client of the service, --url and --json.

def pause(client: Client, job: JobArgument) -> Output:
    handle = find_job(client, job).pause()
    yield handle.data                      # the document for --json: then nothing follows
    out.print(f"{handle.id} {handle.state}")
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, TypeAlias

from ..client import Client
from .inputs import JsonOption, UrlOption
from .output import print_json

Output: TypeAlias = Iterator[Any]
"""The JSON document of a command, once. The code after it prints for people."""


def complete(function: Callable[..., Output | None]) -> Callable[..., None]:
    """Return a command with the options --url and --json, which calls `function`.

    The function declares which of `client`, `url` and `as_json` it takes.
    """
    declared = inspect.signature(function, eval_str=True).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    url = inspect.Parameter("url", keyword, default=None, annotation=UrlOption)
    as_json = inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption)
    options = {name: option for name, option in declared.items() if name not in ("client", "url")}
    options |= {"url": url, "as_json": options.pop("as_json", as_json)}

    def command(**values: Any) -> None:
        given = {name: values[name] for name in declared if name != "client"}
        with Client(values["url"]) if "client" in declared else nullcontext() as client:
            output = function(**given) if client is None else function(client, **given)
            if output is not None:
                document = next(output)
                print_json(document) if values["as_json"] else next(output, None)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    parameters = [option.replace(kind=keyword) for option in options.values()]
    command.__annotations__ = {option.name: option.annotation for option in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command
