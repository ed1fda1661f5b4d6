"""Runs too long for a page: stored once, with everything that says where the numbers come from.

A recording is ``data/recorded/NAME.npz``: named numpy arrays and a provenance block, which says by which code, when,
where and with which parameters they were made. Loading one checks that all of it is what was saved.
"""

import hashlib
import io
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from src.checks import SEED, arguments, check_value, each, optional, within
from src.runs import code, files

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "data" / "recorded"
LARGEST = 2**26  # bytes of a recording's arrays; the book's have at most a few hundred thousand
_BLOCK = "provenance"  # the archive member that holds the provenance, as JSON


def _json(name, value):
    check_value(name, value, dict)
    try:
        if json.loads(json.dumps(value)).keys() != value.keys():
            raise TypeError("its keys must be texts")
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a dict of JSON types: {error}") from None


def _device(name, value):
    check_value(name, value, str | torch.device)
    try:
        torch.device(value)
    except RuntimeError:
        raise ValueError(f"{name} must be a torch.device or its name; got {value!r}") from None


@dataclass(frozen=True)
class Recording:
    name: str
    arrays: dict  # name -> numpy array
    provenance: dict

    @property
    def code_changed(self):
        """Whether the code that made it differs from today's, see `code.digest`."""
        ran = self.provenance["code"]
        try:
            return code.digest(ran["module"]) != ran["digest"]
        except ValueError:  # that module is no more
            return True


class Recorder:
    """A run that is to be stored: begun before the work, so that what is noted is what was there when it ran.

    checkpoint: where it may keep its state, see `checkpoints.kept`. points: a folder for its points if it is a sweep,
    see `sweeps.sweep`. Both are removed once the recording is whole. resumed: whether there was one at the start: the
    wall time is then that of the last sitting.
    """

    @arguments(name=str, module=str, parameters=_json, seeds=each(SEED), device=_device, folder=optional(files.plain))
    def __init__(self, name, module, *, parameters, seeds, device="cpu", folder=None):
        """Note commit, code, versions and machine, and try the place.

        name: of the file, NAME.npz in `folder`, by default data/recorded, whose recordings go with the book. module:
        whose code runs, see `code.digest`. parameters: a dict; seeds: a list; device: a torch.device or its name.
        Raises ValueError for a name that is no plain file name, a module that does not compute, or a place that cannot
        be written; TypeError for a parameter that is no JSON type.
        """
        self._name, self._path, self._began = name, _path(name, folder), time.perf_counter()
        self._about = {
            "name": name,
            "parameters": dict(parameters),
            "seeds": list(seeds),
            "code": {"module": module, "digest": code.digest(module)},
            **_circumstances(torch.device(device)),
        }
        self.checkpoint = (ROOT / "_build" / "checkpoints" if folder is None else Path(folder)) / f"{name}.pt"
        self.points = self.checkpoint.with_suffix(".points")
        self.resumed = self.checkpoint.exists() or self.points.exists()
        with files.claimed("folder", self._path):
            pass

    @arguments(arrays=dict, wall_time=optional(within(0, math.inf)))
    def save(self, arrays, *, wall_time=None, **extra):
        """Store `arrays`, a dict of numpy arrays or CPU tensors, and return the path.

        wall_time: seconds, by default those since the Recorder was made. Further keywords go into the provenance (JSON
        types). An older recording of that name is replaced only once the new one is whole.
        """
        arrays = {key: np.asarray(value) for key, value in arrays.items()}
        if not arrays:
            raise ValueError("arrays must hold at least one array")
        for key, value in arrays.items():
            if key == _BLOCK:
                raise ValueError(f"arrays must not use the name {_BLOCK!r}")
            if value.dtype.hasobject:
                raise TypeError(f"arrays[{key!r}] must hold numbers, booleans or fixed-length text, not objects")
        seconds = time.perf_counter() - self._began if wall_time is None else wall_time
        about = {
            **self._about,
            "wall_time": float(seconds),
            "resumed": self.resumed,
            **extra,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        about["digest"] = _digest(arrays, about)
        archive = io.BytesIO()
        np.savez_compressed(archive, **arrays, **{_BLOCK: np.array(json.dumps(about, sort_keys=True))})
        with files.claimed("folder", self._path):
            files.write(self._path, archive.getvalue())
        self.checkpoint.unlink(missing_ok=True)
        shutil.rmtree(self.points, ignore_errors=True)
        return self._path


@arguments(name=str, folder=optional(files.plain))
def load(name, folder=None):
    """The :class:`Recording` called ``name`` in ``folder``, by default ``data/recorded``.

    Raises FileNotFoundError where there is none (naming those there are) and ValueError for a file that is no
    recording, is another one's, or whose arrays or provenance are not the ones that were saved.
    """
    path = _path(name, folder)
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.npz"))) or "none"
        raise FileNotFoundError(f"no recording {name!r} in {path.parent}; there are: {known}")
    try:
        arrays = _read(path)
        provenance = json.loads(str(arrays.pop(_BLOCK)))
        whole = _digest(arrays, {k: v for k, v in provenance.items() if k != "digest"}) == provenance["digest"]
    except Exception as error:
        raise ValueError(f"{path} is not a readable recording: {error}") from error
    if not whole:
        raise ValueError(f"{path} does not match its digest: arrays or provenance were changed after the run")
    if provenance["name"] != name:
        raise ValueError(f"{path} holds the recording {provenance['name']!r} under another name")
    return Recording(name, arrays, provenance)


def caption(recording):
    """One line for the page: when, from which commit, on what, how long, how many seeds."""
    p = recording.provenance
    seeds = f"{len(p['seeds'])} seed" + ("s" if len(p["seeds"]) != 1 else "")
    sittings = " in the last of several sittings" if p.get("resumed") else ""
    return (
        f"Recorded {p['date'][:10]}, commit {p['commit'][:7]}{' with local changes' if p['dirty'] else ''}, "
        f"{p['device']}, {_duration(p['wall_time'])}{sittings}, {seeds}"
        f"{'; the code that ran has changed since' if recording.code_changed else ''}."
    )


def _path(name, folder=None):
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"name must be a plain file name (letters, digits, . _ -); got {name!r}")
    return Path(folder or FOLDER) / f"{name}.npz"


def _digest(arrays, about):
    total = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for key in sorted(arrays):
        value = np.ascontiguousarray(arrays[key])
        total.update(f"{key} {value.dtype.str} {value.shape}\n".encode())
        total.update(value.tobytes())
    return total.hexdigest()


def _read(path):
    """The arrays of an .npz archive of at most LARGEST bytes; nothing in it is executed."""
    arrays, left = {}, LARGEST
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                content = io.BytesIO(file.read(left + 1))
            left -= len(content.getbuffer())
            if left < 0:
                raise ValueError(f"it holds more than {LARGEST} bytes")
            version = np.lib.format.read_magic(content)
            shape, _, dtype = getattr(np.lib.format, f"read_array_header_{version[0]}_{version[1]}")(content)
            if math.prod(shape) * dtype.itemsize != len(content.getbuffer()) - content.tell():
                raise ValueError(f"{member.filename} is not as long as it says")  # before room for it is made
            content.seek(0)
            arrays[member.filename.removesuffix(".npy")] = np.lib.format.read_array(content, allow_pickle=False)
    return arrays


def _circumstances(device):
    return {
        **revision(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU ({processor()})",
        "threads": torch.get_num_threads(),
        "platform": platform.platform(terse=True),
        "python": sys.version.split()[0],
        "packages": {package: version(package) for package in ("torch", "numpy", "scipy")},
    }


def revision():
    """{"commit": the book's, or "unknown", "dirty": whether `src` differs from it}."""
    # another repository around the book knows nothing of it
    if Path(_git("rev-parse", "--show-toplevel") or os.sep).resolve() != ROOT.resolve():
        return {"commit": "unknown", "dirty": False}
    return {"commit": _git("rev-parse", "HEAD"), "dirty": bool(_git("status", "--porcelain", "--", "src"))}


def _git(*arguments):
    try:
        run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return run.stdout.strip()


def processor():
    """The processor's name."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return model[1] if model else platform.machine()


def _duration(seconds):
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
