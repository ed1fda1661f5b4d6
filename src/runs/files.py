"""Files that outlive a run: written whole or not at all, by one process at a time."""

import glob
import os
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from src.checks import arguments

_WAIT = 1.0  # seconds for a process that is about to let a file go


def plain(name, value):
    """A path: text or pathlib.Path."""
    if not isinstance(value, str | Path):
        raise TypeError(f"{name} must be a path; got {value!r}")
    if not str(value) or "\0" in str(value):
        raise ValueError(f"{name} must be a path; got {value!r}")


@arguments(path=plain, content=bytes)
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
@arguments(name=str, path=plain)
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
        trial = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
        try:
            trial.write_bytes(b"0" * 4096)
        finally:
            trial.unlink(missing_ok=True)
        lock = FileLock(path.parent / f".{path.name}.lock", timeout=_WAIT)
        lock.acquire()
    except Timeout:
        raise ValueError(f"{name} must not be in use; another process is writing {path}") from None
    except OSError as error:
        raise ValueError(f"{name} must be where files can be written; {path} is not ({error})") from error
    try:
        for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            leftover.unlink(missing_ok=True)
        yield path
    finally:
        _let_go(lock)


def _let_go(lock):
    Path(lock.lock_file).unlink(missing_ok=True)  # while it is held: who waits for it sees that and makes a new one
    lock.release()
