"""Execute a notebook in a kernel of this environment, with this folder's `src`, whatever is set outside."""

import contextlib
import logging
import os
import re
import signal
import sys
import time
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import NamedTuple

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tools.chapters import ROOT

FOREIGN = (  # would bring in another interpreter's modules, another kernel, a backend that shows no figure
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONSAFEPATH"),
    *("MPLBACKEND", "MATPLOTLIBRC", "JUPYTER_PATH", "IPYTHONDIR"),
)
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_running = {}  # clients that execute, and their threads


class Cost(NamedTuple):
    """What an execution took."""

    seconds: float
    memory: int | None  # peak of the kernel, bytes


def own_environment():
    """Set this process's environment as the kernels and programs that it starts are to find it."""
    for name in FOREIGN:
        os.environ.pop(name, None)
    profile = ROOT / "_build" / "ipython"  # without start-up files
    with contextlib.suppress(OSError):
        profile.mkdir(parents=True, exist_ok=True)
    os.environ |= {
        "PYTHONPATH": str(ROOT),
        "PYTHONNOUSERSITE": "1",
        "JUPYTER_PREFER_ENV_PATH": "1",  # the kernel "python3" is this environment's own
        "IPYTHONDIR": str(profile),
    }
    if folder := os.environ.get("BOOK_DATA"):
        os.environ["BOOK_DATA"] = os.path.abspath(folder)  # kernels start in another folder
    logging.getLogger("traitlets").setLevel(logging.CRITICAL)  # nbclient reports a dead kernel twice


def execute(notebook, folder, threads=None, after_cell=None):
    """Execute a notebook's cells in place, its kernel started in `folder`, and return (the notebook, `Cost`).

    threads: of the kernel's numerical libraries; by default they decide. after_cell: called after every cell.

    nbclient takes the signals for itself when it runs in the main thread, and then ends in an assertion; it therefore
    runs in another, and the kernel is ended here. What the kernel's process writes to its own standard error (the
    cells' goes into the notebook) is shown if the kernel fails: a kernel that ends may well abort in a library's
    destructors when all is done.
    """
    begun, memory = time.perf_counter(), [None]

    def finished(**_):
        memory[0] = _peak_memory(client) or memory[0]
        if after_cell is not None:
            after_cell()

    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],  # without the kernel's start-up notices
        on_cell_executed=finished,
    )
    shared = {name: str(threads) for name in THREADS} if threads else {}
    outcome = Future()

    def work():
        with TemporaryFile("w+") as words:
            try:
                outcome.set_result(client.execute(env=os.environ | shared, stderr=words))
            except BaseException as error:
                if not isinstance(error, CellExecutionError):
                    words.seek(0)
                    sys.stderr.write(words.read())
                outcome.set_exception(error)

    thread = Thread(target=work, daemon=True)
    _running[client] = thread
    thread.start()
    try:
        return outcome.result(), Cost(time.perf_counter() - begun, memory[0])
    except (KeyboardInterrupt, SystemExit):
        end_all()
        raise
    finally:
        _running.pop(client, None)


def end_all():
    """End the kernels of all executions that are under way, in whichever thread."""
    for client, thread in list(_running.items()):
        for _ in range(50):
            _kill(client)
            thread.join(0.1)
            if not thread.is_alive():
                break


def _peak_memory(client):
    """Of the client's kernel, in bytes; None where the system does not tell."""
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (AttributeError, OSError):
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return found and 1024 * int(found[1])


def _kill(client):
    """End the client's kernel and what it has started, if it has been started itself."""
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
