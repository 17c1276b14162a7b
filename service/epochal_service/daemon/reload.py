"""Run `epochald up`, and start it again whenever a source file changes.

epochald up --reload     watches the folders of the packages
└── epochald up          one after the other
"""

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from watchfiles import PythonFilter, watch

from epochal_service.processes.parent_death import killed_with_parent

PACKAGES = ("epochal_engine", "epochal_service", "epochal_course", "epochal_workers")


def up() -> None:
    """Run `epochald up` until SIGINT, SIGTERM or SIGHUP. If it fails, the next change starts it."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        signal.signal(number, signal.default_int_handler)
    process = _start()
    try:
        sources = PythonFilter(extra_extensions=[".yaml"])
        for _ in watch(*map(_folder, PACKAGES), watch_filter=sources):
            sys.stderr.write("epochald: a source file has changed; starting again\n")
            _stop(process)
            process = _start()
    except KeyboardInterrupt:
        # A second one would end this process, and the kernel would kill the others.
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
    finally:
        _stop(process)


def _start() -> "subprocess.Popen[bytes]":
    command = (sys.executable, "-P", "-m", "epochal_service", "up")
    # A separate session: Ctrl-C reaches only this process.
    return subprocess.Popen(killed_with_parent(command), start_new_session=True)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
