"""Recordings: what comes back is what was saved, with its provenance, or a clear error."""

import json

import numpy as np
import pytest
import torch

from src.runs import recorded

ARRAYS = {"distance": np.linspace(5, 4, 7).reshape(1, 7), "steps": np.arange(7), "w": torch.eye(3)}
ABOUT = {"parameters": {"d": 3, "eta": 1e-4}, "seeds": [0, 1], "device": "cpu"}


def save(name, arrays, *, folder=None, **extra):
    return recorded.Recorder(name, "src.model.weights", folder=folder, **ABOUT).save(arrays, wall_time=12.5, **extra)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    return tmp_path


def test_what_is_saved_comes_back(folder):
    path = save("run", ARRAYS, stopped_at=6)
    assert path == folder / "run.npz"
    assert [p.name for p in folder.iterdir()] == ["run.npz"]  # no temporary file stays
    back = recorded.load("run")
    assert set(back.arrays) == set(ARRAYS)
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(back.arrays[name], np.asarray(value))
        assert back.arrays[name].dtype == np.asarray(value).dtype
    p = back.provenance
    assert (p["parameters"], p["seeds"], p["wall_time"], p["stopped_at"]) == (ABOUT["parameters"], [0, 1], 12.5, 6)
    assert {"name", "code", "commit", "dirty", "date", "device", "threads", "platform", "python", "packages", "digest"} <= set(p)
    assert p["packages"]["torch"].startswith("2.")


def test_caption_is_one_line():
    save("run", ARRAYS)
    text = recorded.caption(recorded.load("run"))
    assert "\n" not in text
    assert "12.5 s" in text and "2 seeds" in text and "CPU" in text


def test_a_tree_without_history_is_recorded_as_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(recorded, "ROOT", tmp_path)
    save("run", ARRAYS)
    assert recorded.load("run").provenance["commit"] == "unknown"
    assert "unknown" in recorded.caption(recorded.load("run"))


def test_changed_arrays_are_noticed(folder):
    save("run", ARRAYS)
    with np.load(folder / "run.npz") as archive:
        content = dict(archive)
    content["distance"][0, 3] += 1e-12
    np.savez(folder / "run.npz", **content)
    with pytest.raises(ValueError, match="does not match its digest"):
        recorded.load("run")


def test_swapped_names_are_noticed(folder):
    save("run", {"a": np.zeros(3), "b": np.ones(3)})
    with np.load(folder / "run.npz") as archive:
        content = dict(archive)
    content["a"], content["b"] = content["b"], content["a"]
    np.savez(folder / "run.npz", **content)
    with pytest.raises(ValueError, match="does not match its digest"):
        recorded.load("run")


def test_a_broken_file_is_named(folder):
    (folder / "run.npz").write_bytes(b"PK not really")
    with pytest.raises(ValueError, match="not a readable recording"):
        recorded.load("run")


def test_a_missing_recording_names_those_there_are():
    save("one", ARRAYS)
    with pytest.raises(FileNotFoundError, match=r"no recording 'two'.*there are: one"):
        recorded.load("two")


def test_an_interrupted_save_leaves_the_old_recording(folder, monkeypatch):
    save("run", {"a": np.ones(2)})

    def fail(file, **arrays):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(KeyboardInterrupt):
        save("run", {"a": np.zeros(2)})
    monkeypatch.undo()
    monkeypatch.setattr(recorded, "FOLDER", folder)
    assert [p.name for p in folder.iterdir()] == ["run.npz"]
    np.testing.assert_array_equal(recorded.load("run").arrays["a"], np.ones(2))


@pytest.mark.parametrize("name", ["", "../run", "a/b", ".hidden", "with space", 3])
def test_bad_names(name):
    with pytest.raises(ValueError, match="name must be a plain file name"):
        save(name, ARRAYS)


def test_bad_arrays():
    with pytest.raises(ValueError, match="at least one"):
        save("run", {})
    with pytest.raises(TypeError, match=r"arrays\['a'\] must hold numbers"):
        save("run", {"a": [object()]})
    with pytest.raises(ValueError, match="must not use the name 'provenance'"):
        save("run", {"provenance": np.ones(2)})


def test_the_committed_recordings_are_whole(monkeypatch):
    monkeypatch.undo()
    for path in recorded.FOLDER.glob("*.npz"):
        json.dumps(recorded.load(path.stem).provenance)
