"""Kill a child process when its parent dies, even if the parent was killed with SIGKILL.

    parent -- spawn --> this file: prctl: kill me when my parent dies -- exec --> program

`PR_SET_PDEATHSIG` of prctl(2) survives `exec`, so it works for any program. It depends on the
*thread* that spawns the child: spawn from the main thread. On systems other than Linux the child
starts without this protection.
"""

import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def killed_with_parent(command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` as a child that dies with this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def die_with_parent(parent: int | None = None) -> None:
    """Let the kernel kill this process (SIGKILL) when its parent dies.

    `parent` is the expected process id of the parent, by default the id of the current parent. If
    the parent has another id, it has died already, and this process exits.
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
