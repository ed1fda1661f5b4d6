"""The public calls of `src.runs`, with arguments that work; see `tests/bad_inputs.py`."""

import tempfile
from pathlib import Path

import torch

from src.runs import checkpoints, code, files, recorded, sweeps
from src.theory import bounds
from tests.bad_inputs import Call

FOLDER = tempfile.TemporaryDirectory()
PATH = Path(FOLDER.name) / "run.pt"
RECORDING = Path(FOLDER.name) / "run.npz"


def entered(context, **arguments):
    with context(**arguments):
        pass


def kept(checkpoint, module):
    entered(checkpoints.kept, path=checkpoint, module=module)


def claimed(name, path):
    entered(files.claimed, name=name, path=path)


def recorder(name, module, parameters, seeds, device, folder):
    return recorded.Recorder(name, module, parameters=parameters, seeds=seeds, device=device, folder=folder)


def save(arrays, wall_time):
    return recorder("run", "src.model.weights", {"d": 3}, [0], "cpu", Path(FOLDER.name)).save(
        arrays, wall_time=wall_time
    )


def load(name, folder):
    save({"a": torch.ones(2)}, 1.0)
    return recorded.load(name, folder)


CALLS = [
    Call(kept, lambda: {"checkpoint": PATH, "module": "src.model.weights"}, {"checkpoint": {"None"}}),
    Call(code.digest, lambda: {"module": "src.model.weights"}),
    Call(code.modules, lambda: {"module": "src.model.weights"}),
    Call(files.write, lambda: {"path": PATH, "content": b"x"}),
    Call(
        recorder,
        lambda: {
            "name": "run", "module": "src.model.weights", "parameters": {"d": 3}, "seeds": [0], "device": "cpu",
            "folder": Path(FOLDER.name),
        },
        {"folder": {"None"}, "seeds": {"first zero"}},
    ),
    Call(save, lambda: {"arrays": {"a": torch.ones(2)}, "wall_time": 1.0}, {"wall_time": {"None", "zero"}}),
    Call(
        sweeps.sweep,
        lambda: {
            "function": bounds.phase_one_factor, "grid": {"d": [3], "step": [0.1]},
            "folder": Path(FOLDER.name) / "sweep",
            "scheduler": None, "workers": 1, "threads": 1, "force": False, "again": False, "progress": False,
            "belongs": None,
        },
        {"folder": {"None"}, "workers": {"None", "zero"}},
    ),
    Call(sweeps.values, lambda: {"points": [sweeps.Point({"d": 3}, 0.1, None, 0.2)]}),
    Call(load, lambda: {"name": "run", "folder": Path(FOLDER.name)}, {"folder": {"None"}}),
]  # fmt: skip
EXEMPT = {
    "runs.checkpoints.kept": "above, entered",
    "runs.checkpoints.one_by_one": "its arguments are those of `kept`",
    "runs.checkpoints.digest": "takes everything that has a digest, and says what has none",
    "runs.code.bare": "takes the text of a module",
    "runs.code.of": "takes any object",
    "runs.files.plain": "a check itself",
    "runs.files.claimed": "inside `kept` and the recordings, which check what they hand on",
    "runs.pools.close": "takes nothing",
    "runs.pools.revision": "takes nothing",
    "runs.recorded.load": "above, of a recording that is there",
    "runs.recorded.caption": "takes a Recording",
    "runs.recorded.processor": "takes nothing",
    "runs.recorded.revision": "takes nothing",
}
