"""Generated bad inputs: every argument of every public call, spoiled in every way that fits its kind.

A room's `calls.py` lists its public calls with arguments that work. `spoiled` replaces one argument at a time, and
`outcome` says what the call makes of it: a clear refusal is a TypeError or ValueError whose words name the argument.
"""

import math
import re
import signal
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch

SECONDS = 5  # a refusal comes before any work


@dataclass
class Call:
    """A public call that works in a few milliseconds.

    arguments: a function without arguments that makes them anew, as a dict. legal: for an argument the spoilings (keys
    of what `spoilings` yields) that are no error for it.
    """

    function: Callable
    arguments: Callable
    legal: dict[str, set[str]] = field(default_factory=dict)

    @property
    def name(self):
        return f"{self.function.__module__.removeprefix('src.')}.{self.function.__qualname__}"


class Outcome(StrEnum):
    CLEAR = "refused clearly"
    UNCLEAR = "refused unclearly"
    ACCEPTED = "accepted"
    HUNG = "hung"


def spoilings(value):
    """The spoiled versions of a valid value, by name."""
    anything = {"None": None, "text": "three", "object": object()}
    match value:
        case torch.Tensor():
            return anything | _tensors(value)
        case bool():
            return anything | {"two": 2, "list": [value]}
        case int():
            numbers = {"zero": 0, "negative": -1, "huge": 10**20, "fraction": 1.5, "NaN": math.nan}
            numbers["infinite"] = math.inf
            return anything | numbers | {"bool": True, "list": [value], "digits": "3", "complex": 3j}
        case float():
            numbers = {"zero": 0.0, "negative": -1.0, "NaN": math.nan, "infinite": math.inf}
            numbers["minus infinite"] = -math.inf
            return anything | numbers | {"bool": True, "list": [value], "digits": "0.1", "complex": 0.1j}
        case str():
            return {"None": None, "unknown": "no such name", "empty": "", "number": 3, "list": [value]}
        case np.ndarray():
            spoiled = {"empty": value[:0], "texts": np.full(value.shape, "a"), "objects": np.full(value.shape, None)}
            if value.dtype.kind == "f":
                spoiled["NaN"] = np.where(np.arange(value.size).reshape(value.shape) == 0, np.nan, value)
            return anything | spoiled
        case list() | tuple() | range() if type(value) in (list, tuple, range):
            firsts = spoilings(value[0]) if value else {}
            first = {f"first {name}": [bad, *list(value)[1:]] for name, bad in firsts.items()}
            return anything | {"empty": [], "number": 3} | first
        case dict():
            return anything | {"number": 3, "list": [1], "keys": {3: None}}
        case torch.Generator():
            return anything | {"number": 0, "numpy's": np.random.default_rng(0)}
        case None:
            return {"object": object()}
        case Path():
            return {"number": 3, "object": object(), "list": [value]}
        case _:
            return anything | {"number": 3}


def _tensors(x):
    spoiled = {"list": x.tolist(), "empty": x[:0] if x.ndim else x, "meta": x.to("meta"), "sparse": x.to_sparse()}
    spoiled |= {"bools": torch.ones_like(x, dtype=torch.bool), "complex": x.to(torch.complex64)}
    if x.is_floating_point():
        bad = x.clone()
        bad.view(-1)[:1] = math.nan
        infinite = x.clone()
        infinite.view(-1)[-1:] = -math.inf
        spoiled |= {"NaN": bad, "infinite": infinite, "half": x.half(), "integers": x.long()}
    else:
        spoiled |= {"floats": x.double() + 0.5, "negative": -1 - x}
    if x.ndim >= 2:
        spoiled |= {"vector": x.flatten(), "fewer rows": x[..., :-1, :], "fewer columns": x[..., :-1]}
        spoiled |= {"smaller": x[..., :-1, :-1], "scalar": x.sum()}
    return spoiled


def spoiled(calls):
    """All (call, argument, name of the spoiling, arguments) but the legal ones."""
    for call in calls:
        for argument, value in call.arguments().items():
            for name in spoilings(value):
                if name not in call.legal.get(argument, ()):
                    arguments = call.arguments()
                    yield call, argument, name, arguments | {argument: spoilings(arguments[argument])[name]}


def outcome(call, argument, arguments):
    """(Outcome, the sentence) of the call with these arguments."""
    try:
        with at_most(SECONDS):
            call.function(**arguments)
    except (TypeError, ValueError) as error:
        named = re.search(rf"(?<![\w-]){re.escape(argument)}(?![\w-])", str(error))
        return (Outcome.CLEAR if named else Outcome.UNCLEAR), f"{type(error).__name__}: {error}"
    except TimeoutError:
        return Outcome.HUNG, ""
    except Exception as error:
        return Outcome.UNCLEAR, f"{type(error).__name__}: {error}"
    return Outcome.ACCEPTED, ""


@contextmanager
def at_most(seconds):
    def stop(signum, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def tried(calls, every=1):
    """One row (call's name, argument, spoiling, Outcome, sentence) for every `every`-th spoiled call."""
    rows = []
    for k, (call, argument, name, arguments) in enumerate(spoiled(calls)):
        if k % every == 0:
            rows.append((call.name, argument, name, *outcome(call, argument, arguments)))
    return rows
