"""The recordings of the book are those of a tracked list that no run writes: a changed one is changed by a person."""

import hashlib
import json
from pathlib import Path

import pytest

from src.runs import recorded

LIST = Path(__file__).with_name("recordings.txt")  # name, digest of the arrays, digest of the provenance
TRACKED = {name: tuple(digests) for name, *digests in map(str.split, LIST.read_text().splitlines())}


def digests(name):
    provenance = recorded.load(name).provenance
    return provenance["digest"], hashlib.sha256(json.dumps(provenance, sort_keys=True).encode()).hexdigest()


def test_every_recording_is_listed():
    assert {path.stem for path in recorded.FOLDER.glob("*.npz")} == set(TRACKED)


@pytest.mark.parametrize("name", TRACKED)
def test_a_recording_is_the_one_that_was_listed(name):
    assert digests(name) == TRACKED[name], f"{name} has changed: look at it, then put its line into {LIST.name} anew"
