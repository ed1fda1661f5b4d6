"""Checkpoints of long runs: written whole or not at all, and taken up only by the run that wrote them."""

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
