"""Downloads: a file gets its name once its content has been verified, and what a killed download left is swept."""

import os
from pathlib import Path
from uuid import uuid4

import pooch
from filelock import FileLock


def download(url, target, verify):
    """Put what `url` gives at the path `target`, after `verify(path)` of the download, a temporary file beside it.

    Where another process is at it, its file is waited for. verify may rewrite the file, and raises ValueError for a
    wrong one. Raises requests.RequestException or ValueError where the url does not give the file, OSError where it
    cannot be written; nothing is left behind then.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    with lock:
        try:
            for leftover in target.parent.glob(f".{target.name}.*.tmp"):  # of killed ones, as the lock is ours
                leftover.unlink()
            if not target.exists():
                _download(url, target, verify)
        finally:
            Path(lock.lock_file).unlink(missing_ok=True)  # while it is held: who waits for it makes a new one


def _download(url, target, verify):
    partial = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    try:
        pooch.HTTPDownloader(progressbar=True, timeout=30)(url, str(partial), None)
        verify(partial)
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
