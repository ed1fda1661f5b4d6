"""Checkpoints: a run takes up its own and no other's."""

import math

import pytest
import torch

from src.runs import checkpoints

SETTINGS = {"eta": 0.1, "steps": 10, "name": "a", "flag": True, "x": torch.arange(6.0), "sets": {"test": [1, None]}}


def test_the_same_settings_have_the_same_digest():
    again = SETTINGS | {"x": torch.arange(6.0), "sets": {"test": [1, None]}}
    assert checkpoints.digest(**again) == checkpoints.digest(**SETTINGS)


@pytest.mark.parametrize(
    "change",
    [
        {"eta": math.nextafter(0.1, 1)},
        {"steps": 10.0},
        {"name": "b"},
        {"flag": 1},
        {"x": torch.arange(6.0).view(2, 3)},
        {"x": torch.arange(6.0).double()},
        {"x": -torch.arange(6.0)},
        {"sets": {"test": [None, 1]}},
        {"sets": {"train": [1, None]}},
        {"sets": {"test": [1], "more": [None]}},
        {"extra": None},
    ],
)
def test_another_setting_has_another_digest(change):
    assert checkpoints.digest(**(SETTINGS | change)) != checkpoints.digest(**SETTINGS)


def test_a_setting_that_has_no_plain_value_is_refused():
    with pytest.raises(TypeError, match="settings must be numbers"):
        checkpoints.digest(augment=lambda x: x)


def test_only_the_run_that_wrote_a_checkpoint_reads_it(tmp_path):
    path = tmp_path / "run.pt"
    assert checkpoints.load(path, "a") is None and checkpoints.load(None, "a") is None
    checkpoints.save(path, "a", {"step": 3})
    assert checkpoints.load(path, "a")["step"] == 3
    with pytest.raises(ValueError, match="written by one with other settings"):
        checkpoints.load(path, "b")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="cannot be read"):
        checkpoints.load(path, "a")
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]
