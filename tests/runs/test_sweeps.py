"""Sweeps: every point once, whatever is killed; nothing computed twice; the same on a Dask cluster as here."""

import functools
import json
import math
import os
import sys
import threading

import numpy as np
import pytest
import swept
import torch
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from src.runs import sweeps
from src.theory import bounds
from tests.cluster import Cluster

GRID = {"x": [0, 1, 2], "seed": range(4)}


@pytest.fixture(autouse=True)
def workers_find_this_file(monkeypatch):
    """As those of a reader find his functions: by the path."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), str(ROOT / "tests" / "runs"))))


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """Points are computed in this process, one after another, and counted."""
    monkeypatch.setenv("COUNTED", str(tmp_path))
    monkeypatch.setattr(sweeps.pools, "Processes", lambda workers: sweeps.pools.Here())
    return lambda: (tmp_path / "square.log").read_text().split("\n")[:-1]


class TestPoints:
    def test_every_combination_in_order_with_its_value(self, counted):
        points = sweeps.sweep(swept.square, GRID)
        assert [tuple(point.parameters.values()) for point in points] == [(x, s) for x in range(3) for s in range(4)]
        assert [point.value["y"] for point in points] == [x**2 + s for x in range(3) for s in range(4)]
        assert points[-1].value["array"] == [0, 2]
        assert points[-1].value["tensor"] == [float(np.float32(0.1)), 2.0]
        assert math.isnan(points[-1].value["none"])
        assert all(point.error is None and point.seconds > 0 for point in points)

    def test_points_that_are_listed(self, counted):
        points = sweeps.sweep(swept.square, [{"x": 1, "seed": 2}, {"x": 5, "seed": 0, "scale": 2}, {"x": 1, "seed": 2}])
        assert [point.value["y"] for point in points] == [3, 50, 3]
        assert len(counted()) == 2

    def test_a_failure_is_its_points_alone(self, counted, tmp_path):
        points = sweeps.sweep(swept.square, {"x": [1, -1, 2], "seed": [0]}, tmp_path / "out")
        assert [point.error for point in points] == [None, "ValueError: x is negative", None]
        assert points[1].value is None
        sweeps.sweep(swept.square, {"x": [1, -1, 2], "seed": [0]}, tmp_path / "out")
        assert len(counted()) == 3
        sweeps.sweep(swept.square, {"x": [1, -1, 2], "seed": [0]}, tmp_path / "out", again=True)
        assert counted()[3:] == ["-1 0"]

    def test_what_json_cannot_keep_is_a_failure(self, counted):
        (point,) = sweeps.sweep(swept.set_of, {"x": [1]})
        assert point.error.startswith("TypeError: a point's parameters and value must be numbers")


class TestKept:
    def test_nothing_is_computed_twice_and_a_larger_grid_only_adds(self, counted, tmp_path):
        first = sweeps.sweep(swept.square, GRID, tmp_path / "out")
        assert str(sweeps.sweep(swept.square, GRID, tmp_path / "out")) == str(first)  # NaN is not equal to itself
        assert len(counted()) == 12
        grown = sweeps.sweep(swept.square, GRID | {"x": [2, 3]}, tmp_path / "out")
        assert len(counted()) == 16
        assert [point.value["y"] for point in grown] == [4, 5, 6, 7, 9, 10, 11, 12]

    def test_a_line_cut_off_is_computed_again(self, counted, tmp_path):
        whole = sweeps.sweep(swept.square, GRID, tmp_path / "out")
        path = tmp_path / "out" / sweeps.FILE
        content = path.read_bytes()
        for cut in (1, 40, 200):
            path.write_bytes(content[:-cut])
            assert [p.value["y"] for p in sweeps.sweep(swept.square, GRID, tmp_path / "out")] == [
                p.value["y"] for p in whole
            ]
            assert len(path.read_bytes().split(b"\n")) == len(content.split(b"\n"))

    @settings(max_examples=30, deadline=None)
    @given(at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def test_a_changed_bit_is_refused_or_computed_again(self, tmp_path_factory, at, bit):
        folder = tmp_path_factory.mktemp("bits")
        journal = sweeps._Journal(folder / sweeps.FILE, {"function": "f", "digest": "0"})
        points = {str(k): sweeps.Point({"x": k}, k**2, None, 0.5) for k in range(3)}
        journal.add(points)
        content = bytearray(journal.path.read_bytes())
        content[int(at * len(content))] ^= 1 << bit
        journal.path.write_bytes(bytes(content))
        try:
            found = sweeps._Journal(journal.path, {"function": "f", "digest": "0"}).done
        except ValueError as error:
            assert "folder must" in str(error)
        else:
            assert found.items() <= points.items()

    def test_points_of_other_code_or_data_are_refused_and_stay(self, counted, tmp_path, monkeypatch):
        sweeps.sweep(swept.square, GRID, tmp_path / "out")
        before = (tmp_path / "out" / sweeps.FILE).read_bytes()
        with pytest.raises(ValueError, match=r"folder must be new, or of this function and code; .* holds points of"):
            sweeps.sweep(swept.slow, {"x": [1]}, tmp_path / "out")
        with pytest.raises(ValueError, match=r"swept.square, with other code or data"):
            sweeps.sweep(swept.square, GRID, tmp_path / "out", belongs={"data": torch.zeros(1)})
        with pytest.raises(ValueError, match="with other code"):
            sweeps.sweep(functools.partial(swept.square, scale=2), GRID, tmp_path / "out")
        sweeps.sweep(bounds.phase_one_potential, {"gamma": [0.01]}, tmp_path / "bounds")
        monkeypatch.setattr(sweeps.code, "digest", lambda module: "changed")
        with pytest.raises(ValueError, match=r"src\.theory\.bounds\..*, with other code"):
            sweeps.sweep(bounds.phase_one_potential, {"gamma": [0.01]}, tmp_path / "bounds")
        assert (tmp_path / "out" / sweeps.FILE).read_bytes() == before

    def test_a_full_disk_is_warned_of_and_the_sweep_goes_on(self, counted, tmp_path, monkeypatch):
        def full(file):
            raise OSError(28, "No space left on device")

        sweeps.sweep(swept.square, {"x": [9], "seed": [0]}, tmp_path / "out")
        monkeypatch.setattr(sweeps.os, "fsync", full)
        with pytest.warns(UserWarning, match="without keeping these points: No space left"):
            assert len(sweeps.sweep(swept.square, GRID, tmp_path / "out")) == 12
        monkeypatch.undo()
        assert sweeps.sweep(swept.square, {"x": [9], "seed": [0]}, tmp_path / "out")[0].value["y"] == 81

    def test_two_at_one_folder(self, counted, tmp_path):
        with sweeps.files.claimed("folder", tmp_path / "out" / sweeps.FILE):
            outcome = []

            def other():
                try:
                    sweeps.sweep(swept.square, GRID, tmp_path / "out")
                except ValueError as error:
                    outcome.append(str(error))

            thread = threading.Thread(target=other)
            thread.start()
            thread.join()
        assert "folder must not be in use; another process is writing" in outcome[0]


class TestBadInput:
    @pytest.mark.parametrize(
        ("grid", "message"),
        [
            ({}, "grid must have at least one axis"),
            ([], "grid must have at least one point"),
            ({"x": []}, r"grid\['x'\] must be a list of at least one value"),
            ({"x": 3}, r"grid\['x'\] must be a list of at least one value; got 3"),
            ({"x": range(1000), "seed": range(1000)}, "at most 100,000 points unless it is forced; it has 1,000,000"),
        ],
    )
    def test_a_grid_that_is_none(self, grid, message):
        with pytest.raises(ValueError, match=message):
            sweeps.sweep(swept.square, grid)

    @pytest.mark.parametrize("grid", ["x", None, [1], {1: [2]}, {"x": [object()]}, {"x": [{1}]}])
    def test_a_grid_of_other_kinds(self, grid):
        with pytest.raises(TypeError, match=r"grid|keys must be texts|parameters and value must be"):
            sweeps.sweep(swept.square, grid)

    @pytest.mark.parametrize("function", [3, None, lambda x: x])
    def test_a_function_that_is_none(self, function):
        with pytest.raises(TypeError, match="function must be"):
            sweeps.sweep(function, GRID)

    @pytest.mark.parametrize(
        "setting", [{"workers": -1}, {"threads": 0}, {"workers": 1.5}, {"force": 1}, {"folder": 3}]
    )
    def test_settings(self, setting):
        with pytest.raises((TypeError, ValueError), match=next(iter(setting))):
            sweeps.sweep(swept.square, GRID, **setting)

    def test_a_scheduler_that_does_not_answer(self, tmp_path, monkeypatch):
        pytest.importorskip("distributed", reason="Dask is not installed (requirements-cluster.txt)")
        monkeypatch.setattr(sweeps.pools, "_ANSWER", 1)
        with pytest.raises(ValueError, match=r"scheduler must answer; nothing does at tcp://127.0.0.1:9"):
            sweeps.sweep(swept.square, GRID, tmp_path, scheduler="tcp://127.0.0.1:9")
        with pytest.raises(ValueError, match="scheduler must answer; nothing does at nonsense"):
            sweeps.sweep(swept.square, GRID, tmp_path, scheduler="nonsense://x")

    def test_a_cluster_without_dask(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(ValueError, match=r"scheduler needs Dask: pip install -r requirements-cluster\.txt"):
            sweeps.sweep(swept.square, GRID, tmp_path, scheduler="tcp://127.0.0.1:9")


class TestProcesses:
    def test_this_process_gives_the_same_and_keeps_its_threads(self):
        before = torch.get_num_threads()
        here = sweeps.sweep(swept.square, GRID, workers=0, threads=before + 1)
        assert [point.value["y"] for point in here] == [x**2 + s for x in range(3) for s in range(4)]
        assert torch.get_num_threads() == before
        assert sweeps.sweep(swept.process, {"x": [0]}, workers=0)[0].value == os.getpid()

    def test_values_are_those_of_the_points_or_the_first_error(self, tmp_path):
        assert sweeps.values(sweeps.sweep(swept.square, {"x": [2], "seed": [1]}, workers=0))[0]["y"] == 5
        failed = sweeps.sweep(swept.square, {"x": [1, -1], "seed": [0]}, workers=0)
        with pytest.raises(RuntimeError, match=r"the point .* failed: ValueError"):
            sweeps.values(failed)

    def test_two_workers_give_the_same_and_one_may_die(self, tmp_path):
        points = sweeps.sweep(swept.square, GRID, workers=2)
        assert [point.value["y"] for point in points] == [x**2 + s for x in range(3) for s in range(4)]
        once_deadly = functools.partial(swept.deadly, folder=str(tmp_path))
        survived = sweeps.sweep(once_deadly, {"x": range(6)}, tmp_path, workers=2)
        assert [point.value for point in survived] == list(range(6))
        assert (tmp_path / "died").exists()

    def test_a_point_that_kills_its_worker_fails_alone(self, tmp_path):
        points = sweeps.sweep(swept.exits, {"x": range(6)}, tmp_path, workers=2)
        assert [point.value for point in points] == [0, 1, 2, None, 4, 5]
        assert points[3].error == "RuntimeError: its worker died, out of memory perhaps"


class TestDask:
    """A scheduler and two workers as processes on the loopback address."""

    @pytest.fixture
    def cluster(self, tmp_path):
        pytest.importorskip("distributed", reason="Dask is not installed (requirements-cluster.txt)")
        with Cluster(tmp_path) as cluster:
            yield cluster

    def test_the_same_points_though_a_worker_is_killed(self, cluster, tmp_path):
        grid = {"x": range(200)}
        threading.Thread(target=cluster.kill_one, args=(tmp_path / "out" / sweeps.FILE,)).start()
        points = sweeps.sweep(swept.slow, grid, tmp_path / "out", scheduler=cluster.address)
        assert cluster.killed
        assert [point.value for point in points] == [x**2 for x in range(200)]
        lines = (tmp_path / "out" / sweeps.FILE).read_text().splitlines()[1:]
        assert sorted(json.loads(line.split(" ", 1)[1])["value"] for line in lines) == [x**2 for x in range(200)]

    def test_workers_with_other_code_are_refused(self, cluster, monkeypatch):
        monkeypatch.setattr(sweeps.pools, "revision", lambda: "another")
        with pytest.raises(ValueError, match=r"workers with the book's code of here; tcp.* has other code"):
            sweeps.sweep(swept.slow, {"x": [1]}, scheduler=cluster.address)

    def test_no_workers(self, tmp_path):
        pytest.importorskip("distributed", reason="Dask is not installed (requirements-cluster.txt)")
        with Cluster(tmp_path, workers=0) as empty, pytest.raises(ValueError, match="has none"):
            sweeps.sweep(swept.slow, {"x": [1]}, scheduler=empty.address)
