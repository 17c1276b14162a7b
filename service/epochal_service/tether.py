"""A child process that cannot outlive its parent, not even when the parent is killed with -9.

    parent -- spawn --> this file: "kernel, kill me when my parent dies" -- exec --> program

The kernel's promise (`PR_SET_PDEATHSIG` in prctl(2)) is kept across `exec`, so it holds for
programs that know nothing of it. It is tied to the *thread* that spawns: spawn from the main one.
Other systems than Linux have no such promise; there the child starts without it.
"""

import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tethered(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` as a child killed together with this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def die_with_parent(parent: int | None = None) -> None:
    """Ask the kernel to kill this process (SIGKILL) as soon as its parent has died.

    `parent` is the process id that the parent must have; where it has another one it died before
    the kernel was asked, and this process leaves at once. None takes the present parent.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    parent = os.getppid() if parent is None else parent
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
