"""Recordings: what comes back is what was saved, with its provenance, or a clear error."""

import io
import json
import subprocess
import zipfile

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
    assert {
        "name",
        "code",
        "commit",
        "dirty",
        "date",
        "device",
        "threads",
        "platform",
        "python",
        "packages",
        "digest",
    } <= set(p)
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
    with pytest.raises((TypeError, ValueError), match=r"name must be (a plain file name|text)"):
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


def test_a_renamed_recording_and_an_edited_provenance_are_noticed(folder):
    path = save("run", ARRAYS)
    path.rename(folder / "other.npz")
    with pytest.raises(ValueError, match=r"other\.npz holds the recording 'run' under another name"):
        recorded.load("other")
    with np.load(folder / "other.npz") as archive:
        content = dict(archive)
    about = json.loads(str(content["provenance"]))
    for change in (
        {"seeds": [5]},
        {"date": "2020-01-01"},
        {"wall_time": 1.0},
        {"code": {"module": "x", "digest": "y"}},
    ):
        np.savez(folder / "run.npz", **content | {"provenance": np.array(json.dumps(about | change))})
        with pytest.raises(ValueError, match="does not match its digest"):
            recorded.load("run")


def test_it_says_whether_the_code_has_changed_since(monkeypatch):
    save("run", ARRAYS)
    one = recorded.load("run")
    assert not one.code_changed and "changed since" not in recorded.caption(one)
    monkeypatch.setattr(recorded.code, "digest", lambda module: "another")
    assert one.code_changed and "the code that ran has changed since" in recorded.caption(one)


def test_what_is_noted_is_what_was_there_at_the_start(monkeypatch):
    run = recorded.Recorder("run", "src.model.weights", **ABOUT)
    monkeypatch.setattr(recorded, "revision", lambda: {"commit": "later", "dirty": True})
    run.save(ARRAYS)
    assert recorded.load("run").provenance["commit"] != "later"


def test_another_repository_around_the_book_says_nothing(monkeypatch, tmp_path):
    book = tmp_path / "around" / "book"
    book.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(book.parent)], check=True)
    monkeypatch.setattr(recorded, "ROOT", book)
    assert recorded.revision() == {"commit": "unknown", "dirty": False}


def test_a_place_that_cannot_be_written_is_said_before_the_run(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="folder must be where files can be written"):
        recorded.Recorder("run", "src.model.weights", folder=tmp_path / "file" / "in", **ABOUT)
    with pytest.raises(ValueError, match=r"module must be one of src\.model"):
        recorded.Recorder("run", "numpy", **ABOUT)


@pytest.mark.parametrize("claims", ["3 GB", "more than the file"])
def test_an_archive_that_claims_too_much_is_refused_before_room_is_made(folder, claims, monkeypatch):
    if claims == "3 GB":
        monkeypatch.setattr(recorded, "LARGEST", 10_000)
        save("run", {"zeros": np.zeros(10_000)})
    else:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
        with zipfile.ZipFile(folder / "run.npz", "w") as archive:
            archive.writestr("zeros.npy", header.getvalue() + b"0" * 80)
    with pytest.raises(ValueError, match=r"not a readable recording: (it holds more|zeros.npy is not as long)"):
        recorded.load("run")


def test_no_recording_of_the_book_has_local_changes(monkeypatch):
    monkeypatch.undo()
    dirty = [path.stem for path in recorded.FOLDER.glob("*.npz") if recorded.load(path.stem).provenance["dirty"]]
    assert not dirty, "make these again from a clean commit"
