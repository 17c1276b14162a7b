"""Each example of each explorer: its processor time, and its response time over HTTP.

"computed" is the processor time of a reply in this process, from JSON to JSON: what the first
request costs. The API, a separate process (`epochald api`), has the reply from then on: the other
columns are the response times of the same request again, for one client and for 16 at once.
"""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time

import numpy as np
from benchmarks._ground import api, fresh_settings
from benchmarks._report import options, print_table
from numpy.typing import NDArray

from epochal_course.explorers.table import EXPLORERS, path_of

AIM, AIM_OF_TRAINING = 5.0, 10.0  # milliseconds
TRAIN = ("SimulateApproximation", "SimulateXor", "SimulateActivation", "SimulateTraining")
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


def computed(rpc: str, body: bytes, times: int) -> float:
    """Return the median seconds of processor time of a reply, without the first."""
    explorer = EXPLORERS[rpc]
    seconds = []
    for _ in range(times + 1):
        began = process_time()
        explorer.function(explorer.request.model_validate_json(body)).model_dump_json()
        seconds.append(process_time() - began)
    return float(np.median(seconds[1:]))


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
        examples = [
            (rpc, number, example)
            for rpc, explorer in EXPLORERS.items()
            for number, example in enumerate(explorer.examples.values(), 1)
        ]
        for rpc, number, example in examples:
            body = json.dumps(example).encode()
            alone = ask(port, rpc, body, times) * 1e3
            few = max(times // AT_ONCE, 3)
            shares = list(
                pool.map(lambda _, r=rpc, b=body, n=few: ask(port, r, b, n), range(AT_ONCE))
            )
            together = np.concatenate(shares) * 1e3
            milliseconds = computed(rpc, body, max(times // 10, 9)) * 1e3
            aim = AIM_OF_TRAINING if rpc in TRAIN else AIM
            rows.append(
                [
                    f"{rpc.removeprefix('Simulate')} {number}",
                    f"{milliseconds:.2f}",
                    f"{np.median(alone):.2f}",
                    f"{np.percentile(alone, 99):.2f}",
                    f"{np.median(together):.1f}",
                    f"{np.percentile(together, 99):.1f}",
                    "" if milliseconds <= aim else f"over {aim:g} ms",
                ]
            )
    print_table(
        f"Explorers, milliseconds: each example, again {times} times, and by {AT_ONCE} callers",
        ("explorer and example", "computed", "again", "p99", "16: median", "16: p99", ""),
        rows,
    )


if __name__ == "__main__":
    main()
