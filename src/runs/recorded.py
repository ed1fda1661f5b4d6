"""Runs too long for a page: stored once, with everything that says where the numbers come from.

A recording is ``data/recorded/NAME.npz``: named numpy arrays and a provenance block. Loading one checks that
the arrays are those that were saved.
"""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "data" / "recorded"
_BLOCK = "provenance"  # the archive member that holds the provenance, as JSON


@dataclass(frozen=True)
class Recording:
    name: str
    arrays: dict  # name -> numpy array
    provenance: dict


def save(name, arrays, *, parameters, seeds, device, wall_time, folder=None, **extra):
    """Store ``arrays`` (a dict of numpy arrays or CPU tensors) as ``NAME.npz`` in ``folder``; return its path.

    The default folder is ``data/recorded``, the one whose recordings go with the book.
    ``parameters`` is the run's dict of parameters, ``seeds`` the list of its seeds, ``device`` a torch.device or
    its name, ``wall_time`` seconds. Further keywords go into the provenance as they are (JSON types); commit,
    versions, machine and a digest of the arrays are added here. An older recording of that name is replaced only
    once the new one is complete.

    Raises ValueError for a name that is no plain file name, TypeError for an array of objects or a value that is
    no JSON type.
    """
    path = _path(name, folder)
    arrays = {key: np.asarray(value) for key, value in arrays.items()}
    if not arrays:
        raise ValueError("arrays must hold at least one array")
    for key, value in arrays.items():
        if key == _BLOCK:
            raise ValueError(f"arrays must not use the name {_BLOCK!r}")
        if value.dtype.hasobject:
            raise TypeError(f"arrays[{key!r}] must hold numbers, booleans or fixed-length text, not objects")
    provenance = {
        "parameters": dict(parameters),
        "seeds": list(seeds),
        "wall_time": float(wall_time),
        **extra,
        **_circumstances(torch.device(device)),
        "digest": _digest(arrays),
    }
    block = np.array(json.dumps(provenance, sort_keys=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{name}.", suffix=".tmp", delete=False) as file:
        try:
            np.savez_compressed(file, **arrays, **{_BLOCK: block})
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
    path.chmod(0o644)
    return path


def load(name, folder=None):
    """The :class:`Recording` called ``name`` in ``folder``, by default ``data/recorded``.

    Raises FileNotFoundError where there is none (naming those there are) and ValueError for a file that is no
    recording or whose arrays are not the ones that were saved.
    """
    path = _path(name, folder)
    if not path.exists():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.npz"))) or "none"
        raise FileNotFoundError(f"no recording {name!r} in {path.parent}; there are: {known}")
    try:
        with np.load(path) as archive:
            arrays = {key: archive[key] for key in archive.files}
        provenance = json.loads(str(arrays.pop(_BLOCK)))
    except Exception as error:
        raise ValueError(f"{path} is not a readable recording: {error}") from error
    if _digest(arrays) != provenance["digest"]:
        raise ValueError(f"{path} does not match its digest: its arrays were changed after the run")
    return Recording(name, arrays, provenance)


def caption(recording):
    """One line for the page: when, from which commit, on what, how long, how many seeds."""
    p = recording.provenance
    seeds = f"{len(p['seeds'])} seed" + ("s" if len(p["seeds"]) != 1 else "")
    sittings = " in the last of several sittings" if p.get("resumed") else ""
    return (
        f"Recorded {p['date'][:10]}, commit {p['commit'][:7]}{' with local changes' if p['dirty'] else ''}, "
        f"{p['device']}, {_duration(p['wall_time'])}{sittings}, {seeds}."
    )


def _path(name, folder=None):
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(f"name must be a plain file name (letters, digits, . _ -); got {name!r}")
    return Path(folder or FOLDER) / f"{name}.npz"


def _digest(arrays):
    total = hashlib.sha256()
    for key in sorted(arrays):
        value = np.ascontiguousarray(arrays[key])
        total.update(f"{key} {value.dtype.str} {value.shape}\n".encode())
        total.update(value.tobytes())
    return total.hexdigest()


def _circumstances(device):
    commit, dirty = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no", "--", "src")
    return {
        "commit": commit or "unknown",
        "dirty": bool(dirty),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU ({processor()})",
        "threads": torch.get_num_threads(),
        "platform": platform.platform(terse=True),
        "python": sys.version.split()[0],
        "packages": {package: version(package) for package in ("torch", "numpy", "scipy")},
    }


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
