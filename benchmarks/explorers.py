"""Response time of each explorer over HTTP, for one client and for 16 at once.

The API is a separate process (`epochald api`). "in the function" is the time of the explorer itself
in this process, without HTTP; the difference is the cost of the service.
"""

from __future__ import annotations

import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from benchmarks._ground import api, fresh_settings
from benchmarks._report import options, print_table
from numpy.typing import NDArray

from epochal_service.methods.simulations import EXPLORERS, path_of

AIM = 5.0  # milliseconds, for an explorer that does not train
AT_ONCE = 16


def ask(port: int, rpc: str, body: bytes, times: int) -> NDArray[np.float64]:
    """Return the seconds of each of `times` calls over one connection, without the first."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds = []
    for _ in range(times + 1):
        began = perf_counter()
        connection.request("POST", path_of(rpc), body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        document = answer.read()
        seconds.append(perf_counter() - began)
        assert answer.status == http.HTTPStatus.OK, document
    connection.close()
    return np.array(seconds[1:])


def in_the_function(rpc: str, body: bytes, times: int) -> float:
    """Return the median seconds of the explorer itself, from request model to reply model."""
    explorer = EXPLORERS[rpc]
    request = explorer.request.model_validate_json(body)
    explorer.function(request)
    seconds = []
    for _ in range(times):
        began = perf_counter()
        explorer.function(request)
        seconds.append(perf_counter() - began)
    return float(np.median(seconds))


def main() -> None:
    """Print the table."""
    quick = options(__doc__).parse_args().quick
    times = 20 if quick else 200
    rows = []
    with (
        fresh_settings() as settings,
        api(settings, "redis://127.0.0.1:1") as (port, _),
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        for rpc, explorer in EXPLORERS.items():
            body = json.dumps(next(iter(explorer.examples.values()))).encode()
            alone = ask(port, rpc, body, times) * 1e3
            few = max(times // AT_ONCE, 3)
            shares = list(
                pool.map(lambda _, r=rpc, b=body, n=few: ask(port, r, b, n), range(AT_ONCE))
            )
            together = np.concatenate(shares) * 1e3
            function_ms = in_the_function(rpc, body, max(times // 10, 3)) * 1e3
            median = float(np.median(alone))
            rows.append(
                [
                    rpc.removeprefix("Simulate"),
                    f"{function_ms:.2f}",
                    f"{median:.2f}",
                    f"{np.percentile(alone, 99):.2f}",
                    f"{np.median(together):.1f}",
                    f"{np.percentile(together, 99):.1f}",
                    "" if median <= AIM else f"over {AIM:g} ms",
                ]
            )
    print_table(
        f"Explorers, milliseconds: the first example of each, {times} calls alone, "
        f"{AT_ONCE} callers at once",
        ("explorer", "in the function", "median", "p99", "16: median", "16: p99", ""),
        rows,
    )


if __name__ == "__main__":
    main()
