"""Who computes the points of a sweep: this process, others of this machine, or the workers of a Dask scheduler."""

import hashlib
import importlib
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

from joblib.externals import loky

from src.runs import code

_ANSWER = 10  # seconds that a scheduler has to answer


class Here:
    """This process: each call is done where it is submitted."""

    DIED, workers = (), 1

    def submit(self, function, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Processes:
    """Processes of this machine."""

    DIED = BrokenProcessPool

    def __init__(self, workers):
        self.workers = workers
        self.restart()

    def restart(self):
        self._pool = loky.get_reusable_executor(self.workers, timeout=60)

    def submit(self, *call):
        try:
            return self._pool.submit(*call)
        except BrokenProcessPool:
            self.restart()
            return self._pool.submit(*call)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self._pool.shutdown(wait=False, kill_workers=True)


def close():
    """End the processes of this machine that wait for more work."""
    loky.get_reusable_executor().shutdown()


class Cluster:
    """The workers of a Dask scheduler, each of which must have the code that is here."""

    def __init__(self, scheduler):
        try:
            import distributed
        except ImportError:
            raise ValueError("scheduler needs Dask: pip install -r requirements-cluster.txt") from None
        self.DIED = (distributed.KilledWorker, distributed.client.FutureCancelledError)
        try:
            self._client = distributed.Client(scheduler, timeout=_ANSWER, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ValueError(f"scheduler must answer; nothing does at {scheduler} ({type(error).__name__})") from None
        try:
            self._check(scheduler)
        except BaseException:
            self._client.close()
            raise
        self._pool = self._client.get_executor(pure=False)
        self.workers = sum(self._client.nthreads().values())

    def _check(self, scheduler):
        here, found = revision(), self._client.run(_revision_there, on_error="return")
        if not found:
            raise ValueError(f"scheduler must have workers; the one at {scheduler} has none")
        for worker, there in found.items():
            if isinstance(there, OSError):
                continue  # it was lost while it was asked
            if there != here:
                what = f"cannot import it ({there})" if isinstance(there, Exception) else "has other code"
                raise ValueError(f"scheduler must have workers with the book's code of here; {worker} {what}")

    def submit(self, *call):
        return self._pool.submit(*call)

    def restart(self):
        """The scheduler gives the work of a lost worker to others, and takes up new workers, by itself."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()


def revision():
    """A digest of all the code that computes."""
    total = hashlib.sha256()
    for path in sorted(path for room in code.ROOMS for path in (code.SRC / room).glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


def _revision_there():
    return importlib.import_module("src.runs.pools").revision()
