"""Checkpoints of long runs: written whole or not at all, and taken up only by the run that wrote them."""

import hashlib
import inspect
import io
import time
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FunctionType

import numpy as np
import torch
from tqdm import tqdm

from src.runs import code, files

_MARK = b"checkpoint 2\n"  # then SHA-256 of all that follows, the run's digest (32 bytes each), and torch's archive
_SECONDS = 20


class Checkpoint:
    """What `kept` gives: the place where one run keeps its state."""

    def __init__(self, path, digest):
        self.path, self.digest = path, digest
        self._written = time.monotonic()

    def load(self):
        """The state that this run kept, a dict, or None. Raises ValueError for a damaged file or another run's."""
        if self.path is None or not self.path.exists():
            return None
        whole = self.path.read_bytes()
        seal, sealed = whole[len(_MARK) :][:32], whole[len(_MARK) + 32 :]
        if not whole.startswith(_MARK) or hashlib.sha256(sealed).digest() != seal:
            raise ValueError(
                f"checkpoint must be whole; {self.path} is damaged or no checkpoint: remove it to start anew"
            )
        if sealed[:32] != self.digest:
            raise ValueError(
                f"checkpoint must belong to this run; {self.path} was written by one with other settings, data, starts "
                "or code: give another name, or remove it to start anew"
            )
        return torch.load(io.BytesIO(sealed[32:]), map_location="cpu", weights_only=True)

    def save(self, state):
        """Keep `state`, a dict of tensors, numbers, texts, lists and dicts; a place that got full is only warned of."""
        if self.path is None:
            return
        archive = io.BytesIO()
        torch.save(state, archive)
        sealed = self.digest + archive.getvalue()
        try:
            files.write(self.path, _MARK + hashlib.sha256(sealed).digest() + sealed)
        except OSError as error:
            warnings.warn(f"the run goes on without this checkpoint: {error}", stacklevel=2)
        self._written = time.monotonic()

    def due(self):
        """Whether the last `save` is long enough ago for another."""
        return time.monotonic() - self._written > _SECONDS


@contextmanager
def kept(path, module, **settings):
    """The `Checkpoint` of a run at `path` (None: it keeps nothing), for this process alone.

    module: the module whose code runs, see `code.digest`. settings: all that the result depends on, see `digest`.
    Raises ValueError, before any work, where nothing can be written at `path` or another process is at it.
    """
    if path is None:
        yield Checkpoint(None, None)
        return
    files.plain("checkpoint", path)
    run = bytes.fromhex(digest(code=code.digest(module), **settings))
    with files.claimed("checkpoint", path) as path:
        yield Checkpoint(path, run)


def one_by_one(function, units, *, path, module, generator=None, label="", **settings):
    """[function(*unit) for unit in units], kept at `path` as it grows and gone on with when it is there.

    function: its results are what `Checkpoint.save` takes. generator: the torch.Generator from which it draws.
    Errors and the other arguments are those of `kept`; units and the generator's state belong to the settings.
    """
    units = list(units)
    state = generator.get_state if generator is not None else lambda: None
    with kept(path, module, units=units, generator=state(), **settings) as checkpoint:
        done = []
        if saved := checkpoint.load():
            done = saved["done"]
            if generator is not None:
                generator.set_state(saved["generator"])
        for unit in tqdm(units[len(done) :], desc=label, leave=False, disable=None if label else True):
            done.append(function(*unit))
            if checkpoint.due() or len(done) == len(units):
                checkpoint.save({"done": done, "generator": state()})
    return done


def digest(**settings):
    """The SHA-256 that names a run, in hexadecimal digits.

    Settings are numbers, texts, None, tensors, arrays, dtypes, devices, paths, functions of a module, functools.partial
    of these, and lists and dicts of all. Raises TypeError for others.
    """
    total = hashlib.sha256()
    _add(total, settings)
    return total.hexdigest()


def _add(total, value):
    match value:
        case torch.Tensor():
            total.update(f"tensor {value.dtype} {value.device.type} {tuple(value.shape)}:".encode())
            total.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
        case np.ndarray() if not value.dtype.hasobject:
            total.update(f"array {value.dtype.str} {value.shape}:".encode())
            total.update(np.ascontiguousarray(value).tobytes())
        case dict():
            total.update(f"dict {len(value)}:".encode())
            for key, entry in value.items():
                _add(total, key)
                _add(total, entry)
        case list() | tuple() | range():
            total.update(f"list {len(value)}:".encode())
            for entry in value:
                _add(total, entry)
        case partial():
            _add(total, {"function": value.func, "arguments": value.args, "keywords": value.keywords})
        case FunctionType() if inspect.unwrap(value).__closure__ is None and "<" not in value.__qualname__:
            ran = inspect.unwrap(value).__code__
            total.update(f"function {value.__module__}.{value.__qualname__} {ran.co_names}:".encode())
            total.update(ran.co_code)
        case None | bool() | int() | float() | str() | torch.dtype() | torch.device() | Path() | np.generic():
            total.update(f"{type(value).__name__} {value!r}:".encode())
        case _:
            raise TypeError(
                "what a checkpoint belongs to must be numbers, texts, tensors, lists, dicts and functions of a module, "
                f"not {value!r}"
            )
