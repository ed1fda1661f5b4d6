"""Execute a notebook in a kernel of this environment, with this folder's `src`, whatever is set outside."""

import contextlib
import logging
import os
import signal
from concurrent.futures import Future
from threading import Thread

from nbclient import NotebookClient

from tools.chapters import ROOT

FOREIGN = (  # would bring in another interpreter's modules, another kernel, a backend that shows no figure
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONSAFEPATH"),
    *("MPLBACKEND", "MATPLOTLIBRC", "JUPYTER_PATH", "IPYTHONDIR"),
)


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


def execute(notebook, folder):
    """Execute a notebook's cells in place, its kernel started in `folder`, and return it.

    nbclient takes the signals for itself when it runs in the main thread, and then ends in an assertion; it therefore
    runs in another, and the kernel is ended here.
    """
    client = NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],  # without the kernel's start-up notices
    )
    outcome = Future()

    def work():
        try:
            outcome.set_result(client.execute())
        except BaseException as error:
            outcome.set_exception(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        return outcome.result()
    except (KeyboardInterrupt, SystemExit):
        for _ in range(50):
            _kill(client)
            thread.join(0.1)
            if not thread.is_alive():
                break
        raise


def _kill(client):
    """End the client's kernel and what it has started, if it has been started itself."""
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
