"""Modules that are commands, `python -m src.experiments.table_1`: what runs is the module under its own name."""

import importlib
import runpy
import sys

import pytest
from conftest import ROOT

from src.runs import code

COMMANDS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in ROOT.glob("src/*/*.py")
    if 'if __name__ == "__main__"' in path.read_text()
)
RECORDING = [name for name in COMMANDS if hasattr(importlib.import_module(name), "main")]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", RECORDING)
def test_a_command_hands_on_to_the_module_under_its_name(name, monkeypatch):
    """As "__main__" a module could not say what code it ran, and a run would be refused."""
    called = []
    monkeypatch.setattr(importlib.import_module(name), "main", lambda: called.append(name))
    monkeypatch.setattr(sys, "argv", [name])
    runpy.run_module(name, run_name="__main__")
    assert called == [name]


def test_a_recording_is_not_made_by_main():
    assert {"src.experiments.table_1", "src.experiments.zero_initialization"} <= set(RECORDING)
    with pytest.raises(ValueError, match="module must be one of"):
        code.digest("__main__")
