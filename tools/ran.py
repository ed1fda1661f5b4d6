"""What an executed notebook says of its run, in ``metadata.book.ran``: when, by which code, on what, at what cost."""

import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from src.runs import recorded

PACKAGES = ("torch", "numpy", "scipy", "matplotlib")


def about(cost, inputs, threads=None, parameters=None):
    """The entry of a run that took `cost` (kernels.Cost). threads: its kernel's, by default one a core."""
    revision = recorded.revision()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": revision["commit"],
        "dirty": revision["dirty"],
        "seconds": round(cost.seconds, 1),
        "memory": cost.memory,
        "device": _device(),
        "processor": recorded.processor(),
        "threads": threads or os.cpu_count(),
        "python": sys.version.split()[0],
        "packages": {package: version(package) for package in PACKAGES},
        "parameters": dict(parameters or {}),
        "inputs": inputs,
    }


def of(notebook):
    """The entry that a notebook holds, {} where there is none."""
    return (notebook.metadata.get("book", {}) if notebook is not None else {}).get("ran", {})


def _device():
    import torch  # slow to import: only where something was executed

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
