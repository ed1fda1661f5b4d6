"""A function at every point of a grid: in processes of this machine, or on the workers of a Dask scheduler.

    points = sweep(outcome, {"gamma": [0.01, 0.1], "seed": range(5)}, "_build/sweeps/outcome")

Each finished point is a line of `points.jsonl` in the folder, keyed by its parameters. The same call again computes
what is missing, and a larger grid what is new. The first line says which function of which code made them; the points
of another are refused.
"""

import hashlib
import itertools
import json
import os
import time
import warnings
from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from src.checks import arguments, check_value, each, optional
from src.runs import checkpoints, code, files, pools
from src.threads import limited

MOST = 100_000  # points of a sweep that is not forced
FILE = "points.jsonl"
_BATCH = 0.5  # seconds of work that a worker is given at a time
_WAITING = 2  # batches for each worker that are under way
WORKERS = range(10_001)  # processes; 0: this one


class Point(NamedTuple):
    """A point of a sweep and what became of it."""

    parameters: dict
    value: Any  # what the function returned, as JSON keeps it (arrays and tensors as lists); None where it failed
    error: str | None  # "ValueError: ..." where it failed
    seconds: float


def _grid(name, grid):
    check_value(name, grid, dict | list)
    if isinstance(grid, dict):
        for axis, values in grid.items():
            if not isinstance(values, list | tuple | range | np.ndarray) or not len(values):
                raise ValueError(f"{name}[{axis!r}] must be a list of at least one value; got {values!r}")
    elif not all(isinstance(point, dict) for point in grid):
        raise TypeError(f"{name} must be lists by name, or a list of points, each a dict")
    if not grid:
        raise ValueError(f"{name} must have at least one {'axis' if isinstance(grid, dict) else 'point'}")


@arguments(function=callable, grid=_grid, folder=optional(files.plain), scheduler=optional(str),
           workers=optional(WORKERS), threads=WORKERS[1:], force=bool, again=bool, progress=bool)  # fmt: skip
def sweep(function, grid, folder=None, *, scheduler=None, workers=None, threads=1, force=False, again=False,
          progress=False, belongs=None):  # fmt: skip
    """function(**point) for every point of the grid: a list of `Point`, in the grid's order.

    function: of a module that workers can import, or one that can be pickled; it draws from no generator but those that
    its arguments seed. What it raises is its point's `error`, and the sweep goes on. grid: {name: values}, of which all
    combinations are meant, or a list of dicts. folder: keeps the points (None: nothing is kept). scheduler: the address
    of a Dask scheduler, "tcp://..."; by default `workers` processes here, one a core, or with workers=0 none but this
    one. threads: of each worker.
    force: allow more than `MOST` points. again: compute anew those that failed. belongs: what else the result depends
    on, as `checkpoints.digest` takes it.

    Raises ValueError, before any work, for a folder of another function or code, one that another process writes, a
    scheduler that does not answer, has no workers, or whose workers lack this code; TypeError for a function that is
    none, and settings that are no JSON types.
    """
    size = len(grid) if isinstance(grid, list) else int(np.prod([float(len(v)) for v in grid.values()]))
    if size > MOST and not force:
        raise ValueError(f"grid must have at most {MOST:,} points unless it is forced; it has {size:,}")
    points = [_plain(point) for point in (grid if isinstance(grid, list) else _product(grid))]
    keys = [_key(point) for point in points]
    with _kept(folder, _identity(function, belongs)) as journal:
        missing = {
            key: point
            for key, point in zip(keys, points, strict=True)
            if key not in journal.done or (again and journal.done[key].error)
        }
        if missing:
            _work(function, missing, journal, scheduler, workers, threads, progress)
    return [journal.done[key] for key in keys]


@arguments(points=each(Point))
def values(points):
    """What the function returned at each of these `Point`s; RuntimeError, with the first error, if one failed."""
    for point in points:
        if point.error:
            raise RuntimeError(f"the point {point.parameters} failed: {point.error}")
    return [point.value for point in points]


def _product(grid):
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def _plain(value):
    """A value as JSON keeps it; arrays and tensors become lists. Raises TypeError for what it cannot keep."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"keys must be texts, not {list(value)}")
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a point's parameters and value must be numbers, texts, arrays, lists and dicts, not {value!r}")


def _key(parameters):
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:24]


def _identity(function, belongs):
    """What a folder's points are of: the function's name, and a digest of the code and all else they depend on."""
    inner = getattr(function, "func", function)  # of a functools.partial
    name = f"{inner.__module__}.{inner.__qualname__}"
    try:
        ran = code.digest(inner.__module__)
    except ValueError:  # a reader's own function
        ran = None
    try:
        return {"function": name, "digest": checkpoints.digest(function=function, code=ran, belongs=belongs)}
    except TypeError as error:
        raise TypeError(f"function must be one of a module, and belongs plain settings: {error}") from None


# --- What is kept ----------------------------------------------------------------------------------------------------


class _Journal:
    """The finished points by key; each new one is appended to the file at once."""

    def __init__(self, path, identity):
        self.path, self.done, self.length = path, {}, 0
        if path is None:
            return
        if not path.exists():
            files.write(path, _line(identity))
        whole = path.read_bytes()
        lines = whole.split(b"\n")[:-1]  # what was cut off at the end is no line
        self.length = sum(len(line) + 1 for line in lines)
        found, *entries = (self._read(k, line) for k, line in enumerate(lines, 1)) if lines else [None]
        if found != identity:
            made = f"{found['function']}, with other code or data" if found else "something else"
            raise ValueError(f"folder must be new, or of this function and code; {path} holds points of {made}")
        self.done = {entry.pop("key"): Point(**entry) for entry in entries}

    def _read(self, k, line):
        seal, _, text = line.partition(b" ")
        if hashlib.sha256(text).hexdigest()[:16].encode() != seal:
            raise ValueError(f"folder must hold points as they were written; line {k} of {self.path} is damaged")
        return json.loads(text)

    def add(self, entries):
        """Keep [(key, Point)]; a place that got full is only warned of."""
        self.done |= entries
        if self.path is None:
            return
        lines = b"".join(_line({"key": key, **point._asdict()}) for key, point in entries.items())
        try:
            with self.path.open("r+b") as file:
                file.truncate(self.length)  # what a killed or full predecessor left of a line
                file.seek(self.length)
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            self.length += len(lines)
        except OSError as error:
            warnings.warn(
                f"the sweep goes on without keeping these points: {error.strerror}; {self.path}", stacklevel=2
            )


def _line(entry):
    text = json.dumps(entry).encode()
    return hashlib.sha256(text).hexdigest()[:16].encode() + b" " + text + b"\n"


@contextmanager
def _kept(folder, identity):
    if folder is None:
        yield _Journal(None, identity)
        return
    with files.claimed("folder", Path(folder) / FILE) as path:
        yield _Journal(path, identity)


# --- Who works -------------------------------------------------------------------------------------------------------


def _work(function, missing, journal, scheduler, workers, threads, progress):
    """Compute the missing points {key: parameters} and add them to the journal as they come.

    When a worker dies, the points that were under way are tried again, each while nothing else runs: the one whose
    worker dies then is at fault, and fails.
    """
    waiting, suspects, again, running, spent = deque(missing.items()), deque(), set(), {}, [0, 0.0]
    pool = _pool(scheduler, workers)
    with tqdm(total=len(missing), desc="points", disable=not progress) as bar, pool:
        while waiting or suspects or running:
            if suspects:
                batches = [] if running else [[suspects.popleft()]]
                again |= {key for batch in batches for key, _ in batch}
            else:
                batches = (_take(waiting, _size(*spent)) for _ in range(_WAITING * pool.workers - len(running)))
            for batch in filter(None, batches):
                running[pool.submit(_batch, function, [point for _, point in batch], threads)] = batch
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                batch = running.pop(future)
                try:
                    found = future.result()
                except pool.DIED:
                    pool.restart()
                    if not again.issuperset(key for key, _ in batch):
                        suspects.extend(batch)
                        continue
                    found = [(None, "RuntimeError: its worker died, out of memory perhaps", 0.0)]
                journal.add({key: Point(point, *rest) for (key, point), rest in zip(batch, found, strict=True)})
                spent = [spent[0] + len(batch), spent[1] + sum(seconds for *_, seconds in found)]
                bar.update(len(batch))


def _pool(scheduler, workers):
    if scheduler:
        return pools.Cluster(scheduler)
    return pools.Here() if workers == 0 else pools.Processes(workers or os.cpu_count())


def _take(waiting, number):
    return [waiting.popleft() for _ in range(min(number, len(waiting)))]


def _size(points, seconds):
    """How many points make a batch: one, until it is known what they cost."""
    return max(1, min(200, int(_BATCH * points / max(seconds, 1e-6)))) if points else 1


def _batch(function, points, threads):
    """[(value, error, seconds)] of some points, in the worker."""
    with limited(threads):
        return [_one(function, point) for point in points]


def _one(function, point):
    begun = time.perf_counter()
    try:
        value, error = _plain(function(**point)), None
    except Exception as failure:
        value, error = None, f"{type(failure).__name__}: {failure}"
    return value, error, time.perf_counter() - begun
