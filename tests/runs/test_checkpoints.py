"""Checkpoints: a run takes up its own and no other's, whole or not at all."""

import errno
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from src.runs import checkpoints, code, files

MODULE = "src.model.weights"
SETTINGS = {"eta": 0.1, "steps": 10, "name": "a", "flag": True, "x": torch.arange(6.0), "sets": {"test": [1, None]}}


def twice(x, by=2):
    return by * x


def test_the_same_settings_have_the_same_digest():
    again = SETTINGS | {"x": torch.arange(6.0), "sets": {"test": [1, None]}}
    assert checkpoints.digest(**again) == checkpoints.digest(**SETTINGS)
    assert checkpoints.digest(f=partial(twice, by=3)) == checkpoints.digest(f=partial(twice, by=3))


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
        {"x": np.arange(6.0)},
        {"sets": {"test": [None, 1]}},
        {"sets": {"train": [1, None]}},
        {"sets": {"test": [1], "more": [None]}},
        {"extra": None},
        {"name": twice},
        {"name": partial(twice, by=3)},
        {"name": partial(twice, by=4)},
    ],
)
def test_another_setting_has_another_digest(change):
    assert checkpoints.digest(**(SETTINGS | change)) != checkpoints.digest(**SETTINGS)


def test_what_has_no_plain_value_is_refused():
    bound = 3
    for odd in (lambda x: x, lambda x: x + bound, object(), {1, 2}):
        with pytest.raises(TypeError, match="must be numbers, texts"):
            checkpoints.digest(augment=odd)


def keep(path, state, **settings):
    with checkpoints.kept(path, MODULE, **settings) as kept:
        kept.save(state)


def kept(path, **settings):
    with checkpoints.kept(path, MODULE, **settings) as one:
        return one.load()


def test_only_the_run_that_wrote_a_checkpoint_reads_it(tmp_path):
    path = tmp_path / "new" / "run.pt"  # the folder is made
    assert kept(path, eta=1) is None and kept(None, eta=1) is None
    keep(path, {"step": 3}, eta=1)
    assert kept(path, eta=1) == {"step": 3} and kept(str(path), eta=1) == {"step": 3}
    with pytest.raises(ValueError, match=r"belong to this run; .*run\.pt was written by one with other"):
        kept(path, eta=2)
    assert [p.name for p in path.parent.iterdir()] == ["run.pt"]


def test_other_code_does_not_take_it_up(tmp_path, monkeypatch):
    keep(tmp_path / "run.pt", {"step": 3})
    monkeypatch.setattr(code, "digest", lambda module: "00" * 32)
    with pytest.raises(ValueError, match="other settings, data, starts or code"):
        kept(tmp_path / "run.pt")


def test_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "run.pt"
    keep(path, {"A": torch.arange(3.0)})
    whole = path.read_bytes()
    for k in np.random.default_rng(0).integers(8 * len(whole), size=80):
        spoiled = bytearray(whole)
        spoiled[k // 8] ^= 1 << (k % 8)
        path.write_bytes(spoiled)
        with pytest.raises(ValueError, match=r"checkpoint must be whole; .*run\.pt is damaged"):
            kept(path)
    for length in (0, 5, 50, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged or no checkpoint"):
            kept(path)


def test_a_place_that_cannot_be_written_is_said_before_any_work(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for place in (file / "run.pt", tmp_path, Path("/proc/no/run.pt")):
        with pytest.raises(ValueError, match=r"^checkpoint must be"), checkpoints.kept(place, MODULE):
            pytest.fail("the work began")
    with pytest.raises(TypeError, match="checkpoint must be a path; got 3"), checkpoints.kept(3, MODULE):
        pytest.fail("the work began")


def test_a_full_disk_in_mid_run_costs_the_checkpoint_and_not_the_run(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "run.pt"
    keep(path, {"step": 3})
    with monkeypatch.context() as patch, checkpoints.kept(path, MODULE) as one:
        patch.setattr(os, "fsync", full)
        with pytest.warns(UserWarning, match=r"goes on without this checkpoint: .*No space left .*run\.pt"):
            one.save({"step": 4})
    assert kept(path) == {"step": 3}
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_of_two_processes_one_is_told(tmp_path):
    path = tmp_path / "run.pt"
    other = f"from src.runs import checkpoints\nwith checkpoints.kept({str(path)!r}, {MODULE!r}) as kept: pass"
    with checkpoints.kept(path, MODULE) as one:
        one.save({"step": 1})
        run = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, cwd=code.SRC.parent)
        assert "checkpoint must not be in use; another process is writing" in run.stderr
    subprocess.run([sys.executable, "-c", other], check=True, cwd=code.SRC.parent)
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_what_a_killed_run_left_is_swept(tmp_path):
    (tmp_path / ".run.pt.0123.tmp").write_bytes(b"half")
    (tmp_path / ".run.pt.lock").touch()
    (tmp_path / ".another.pt.0123.tmp").write_bytes(b"half")
    keep(tmp_path / "run.pt", {"step": 1})
    assert {p.name for p in tmp_path.iterdir()} == {"run.pt", ".another.pt.0123.tmp"}


@pytest.mark.parametrize("stop", [0, 1, 3])
def test_one_by_one_goes_on_where_it_stopped(stop, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "_SECONDS", -1)

    def run(path, last=99):
        generator = torch.Generator().manual_seed(0)
        made = []

        def draw(size, factor):
            if len(made) == last:
                raise KeyboardInterrupt
            made.append(size)
            return factor * torch.rand(size, generator=generator)

        units = [(2, 1.0), (3, 2.0), (1, 3.0), (4, 4.0)]
        return checkpoints.one_by_one(draw, units, path=path, module=MODULE, generator=generator), made

    whole, _ = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run.pt", stop)
    again, made = run(tmp_path / "run.pt")
    assert all(torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    assert made == [2, 3, 1, 4][stop:]


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    files.write(tmp_path / "a", b"old")

    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        files.write(tmp_path / "a", b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]
