"""Runs a command that must not outlive this program's caller, nor leave children behind.

    python guard.py CALLER_PID COMMAND...

Started as the leader of a process group. When the command ends, the caller dies (even by SIGKILL) or SIGTERM comes,
the whole group is killed, so that no engine keeps gigabytes and a port. Watching for a new parent works whichever of
the caller's threads started it and whatever the caller's forks inherited; PR_SET_PDEATHSIG and a pipe do not.

What the command leaves in its temporary folder is removed, too: of each start of vLLM, the sockets by which its
processes talked.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress


def main(arguments: Sequence[str]) -> None:
    """Run the command and end with its whole process group."""
    caller, command = int(arguments[0]), list(arguments[1:])
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    # Its name is short, for a socket's path has to be (107 bytes).
    with tempfile.TemporaryDirectory(prefix="guard-", ignore_cleanup_errors=True) as temporary:
        child = subprocess.Popen(command, env={**os.environ, "TMPDIR": temporary})
        while child.poll() is None and os.getppid() == caller and not told.is_set():
            told.wait(0.2)
        if told.is_set():
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(10.0)
    print(f"guard: the command ended with {child.poll()}", flush=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
