"""Bad inputs to public calls are refused with a sentence that names the argument, before any work."""

import importlib
import inspect
import pkgutil
import random

import pytest

from tests import bad_inputs

ROOMS = ("model", "dynamics", "theory", "experiments", "companions", "runs")
CALLS = {room: importlib.import_module(f"tests.{room}.calls").CALLS for room in ROOMS}
EXEMPT = {name: why for room in ROOMS for name, why in importlib.import_module(f"tests.{room}.calls").EXEMPT.items()}
SHARE = 10  # of the generated inputs every tenth is tried here, `make stress` tries all


@pytest.mark.parametrize("room", ROOMS)
def test_the_calls_work_as_listed(room):
    for call in CALLS[room]:
        call.function(**call.arguments())


@pytest.mark.parametrize("room", ROOMS)
def test_spoiled_arguments_are_refused_clearly(room):
    calls = CALLS[room]
    random.Random(0).shuffle(calls)
    rows = bad_inputs.tried(calls, every=SHARE)
    bad = [row for row in rows if row[3] != bad_inputs.Outcome.CLEAR]
    assert len(bad) <= 0.02 * len(rows), "\n".join(map(str, bad))


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_call_is_listed(room):
    listed = {call.name for call in CALLS[room]} | set(EXEMPT)
    for module in pkgutil.iter_modules(importlib.import_module(f"src.{room}").__path__, f"src.{room}."):
        loaded = importlib.import_module(module.name)
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            if function.__module__ == module.name and not name.startswith("_") and not name.isupper():
                full_name = f"{module.name.removeprefix('src.')}.{name}"
                assert full_name in listed, f"{full_name} is not in calls.py"
