"""Becomes a command that gets SIGTERM when the process that started it dies, be it by SIGKILL (Linux only).

Run as a file, so that nothing else is imported: python leash.py PARENT_PID COMMAND... The kernel sends the
signal when the thread ends that started this, so that has to be one that lasts.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2); it outlasts execve


def main() -> None:
    """Ask for the signal, and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before that
        return
    try:
        os.execv(command[0], command)  # noqa: S606 - a list of arguments, for no shell
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
