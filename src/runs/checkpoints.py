"""Checkpoints of long runs: written whole or not at all, and taken up only by the run that wrote them."""

import hashlib
import os
from pathlib import Path

import torch


def save(path, digest, content):
    """Write `content` (a dict) for the run that `digest` names; an older file stays until the new one is whole."""
    partial = Path(f"{path}.partial")
    torch.save({"digest": digest, **content}, partial)
    os.replace(partial, path)


def load(path, digest):
    """The content at `path`, or None where there is no file; ValueError if another run wrote it."""
    if path is None or not Path(path).exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        written_by = content["digest"]
    except Exception as error:
        raise ValueError(f"checkpoint must be a checkpoint of this run; {path} cannot be read ({error})") from error
    if written_by != digest:
        raise ValueError(f"checkpoint must belong to this run; {path} was written by one with other settings")
    return content


def digest(**settings):
    """The SHA-256 that names a run: settings are numbers, texts, None, tensors, and lists and dicts of these."""
    total = hashlib.sha256()
    _add(total, settings)
    return total.hexdigest()


def _add(total, value):
    if isinstance(value, torch.Tensor):
        total.update(f"tensor {value.dtype} {tuple(value.shape)}:".encode())
        total.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    elif isinstance(value, dict):
        total.update(f"dict {len(value)}:".encode())
        for key, entry in value.items():
            _add(total, key)
            _add(total, entry)
    elif isinstance(value, list | tuple | range):
        total.update(f"list {len(value)}:".encode())
        for entry in value:
            _add(total, entry)
    elif value is None or isinstance(value, bool | int | float | str):
        total.update(f"{type(value).__name__} {value!r}:".encode())
    else:
        raise TypeError(f"settings must be numbers, texts, tensors, lists and dicts, not {type(value).__name__}")
