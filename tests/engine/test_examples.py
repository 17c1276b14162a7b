"""The examples run as they are, and come to the end that they promise."""

import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "engine" / "examples"


def test_xor_is_learned_from_nothing() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "xor.py"], capture_output=True, text=True, check=True
    )
    first, step = (float(x) for x in re.findall(r"loss (?:is )?(\d\.\d+)", done.stdout)[:2])
    assert step < first
    answers = re.findall(r"(\d) xor (\d) is 1 with probability (\d\.\d+)", done.stdout)
    assert [round(float(p)) for _, _, p in answers] == [int(a) ^ int(b) for a, b, _ in answers]
    assert len(answers) == 4
