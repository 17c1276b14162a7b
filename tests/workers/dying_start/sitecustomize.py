"""Kills processes of a pool during their start; the file named by DYING_START holds the number.

Python imports this by itself in every process that has the folder on its path.
"""

import os
import signal
from pathlib import Path
from typing import Any

from celery import signals

LEFT = Path(os.environ["DYING_START"])


def die(**kwargs: Any) -> None:
    """Die before the handlers of the worker itself, if there is a life left to take."""
    left = int(LEFT.read_text())
    if left > 0:
        LEFT.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)


signals.worker_process_init.connect(die, weak=False)
