"""Files that outlive a run: written whole or not at all, by one process at a time."""

import os
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

_WAIT = 1.0  # seconds for a process that is about to let a file go


def write(path, content):
    """Put the bytes `content` at `path`: a file that was there stays until the new one is whole.

    Raises OSError, naming the path and leaving nothing behind, where it cannot be written (a full disk, say).
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        try:
            with partial.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise type(error)(error.errno, f"{error.strerror}; {path} could not be written") from error


@contextmanager
def claimed(name, path):
    """Within it this process is the only one that writes `path`, and leftovers of killed ones are gone.

    The folder is made if need be. Raises ValueError, in terms of the argument `name`, where nothing can be written and
    where another process is at it.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{name} must be a file, not the folder {path}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.parent / f".{path.name}.lock", timeout=_WAIT)
        lock.acquire()
        try:
            for leftover in path.parent.glob(f".{path.name}.*.tmp"):
                leftover.unlink()
            trial = path.with_name(f".{path.name}.trial.tmp")
            trial.write_bytes(b"0" * 4096)
            trial.unlink()
        except BaseException:
            _let_go(lock)
            raise
    except Timeout:
        raise ValueError(f"{name} must not be in use; another process is writing {path}") from None
    except OSError as error:
        raise ValueError(f"{name} must be where files can be written; {path} is not ({error})") from error
    try:
        yield path
    finally:
        _let_go(lock)


def _let_go(lock):
    Path(lock.lock_file).unlink(missing_ok=True)  # while it is held: who waits for it sees that and makes a new one
    lock.release()
