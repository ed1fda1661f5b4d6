"""A chapter over a grid: what is kept, what is said, and where a verdict flips. Executions are made up here."""

import csv
import json

import nbformat
import pytest
from bs4 import BeautifulSoup

from src.runs import sweeps
from tools import chapters, kernels, notebooks, seeds, sweeping

SCRIPT = next(script for script in chapters.scripts() if script.stem == "12_dynamics")


class Here:
    """Points are computed in this process."""

    DIED, workers = (), 1

    def __init__(self, _):
        pass

    def submit(self, function, *arguments):
        future = sweeps.pools.loky.Future()
        future.set_result(function(*arguments))
        return future

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture
def executed(monkeypatch, tmp_path):
    """fig-8a-turn fails from a trace of -12 on upwards, a seed of 3 breaks; the parameters of each execution."""
    monkeypatch.setattr(sweeping, "FOLDER", tmp_path)
    monkeypatch.setattr(sweeps.pools, "Processes", Here)
    given = []

    def execute(notebook, folder, threads=None, after_cell=None):
        parameters = {}
        for cell in notebook.cells:
            if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
                exec(cell.source, parameters)
        given.append({name: parameters[name] for name in ("trace", "seed", "d")})
        if parameters["seed"] == 3:
            raise kernels_error("ValueError", "seed 3 is bad")
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                report = output.get("metadata", {}).get("claim")
                if report and report["id"] == "fig-8a-turn" and parameters["trace"] > -12:
                    report |= {"verdict": "fails", "measured": "never negative"}
        return notebook, kernels.Cost(1.5, 10**8)

    def kernels_error(name, value):
        return sweeping.CellExecutionError("traceback", name, value)

    monkeypatch.setattr(kernels, "execute", execute)
    return given


def run(text, **environment):
    return sweeping.sweep(SCRIPT, text, environment)


def test_the_table_the_page_and_the_terminal_say_where_it_flips(executed, tmp_path, capsys):
    points = run("trace=-18.75,-14.5,-10 seed=0:2")
    assert len(points) == len(executed) == 6 and executed[0]["d"] == 1500
    (folder,) = tmp_path.iterdir()
    out = capsys.readouterr().out
    (line,) = (line for line in out.splitlines() if line.startswith("fig-8a-turn"))
    assert "4 of 6" in line and "trace between -14.5 and -10" in line and str(folder / "index.html") in out
    rows = list(csv.DictReader((folder / "table.csv").open()))
    moved = {row["trace"] for row in rows if row["claim"] == "fig-8a-turn" and row["verdict"] == "fails"}
    assert moved == {"-10"}
    entries = json.loads((folder / "table.json").read_text())
    assert len(entries) == len(rows) and {"trace", "seed", "claim", "verdict", "book", "measured"} <= set(entries[0])
    assert all(entry["numbers"] for entry in entries)
    page = BeautifulSoup((folder / "index.html").read_text(), "html.parser")
    (figure,) = page.select("figure")
    assert figure["aria-label"] == "fig-8a-turn, flips: trace between -14.5 and -10" and figure.svg
    assert len(page.select("table tbody tr")) == len(rows)


def test_it_resumes_grows_and_a_failure_costs_no_other_point(executed, capsys):
    run("seed=0:2")
    run("seed=0:2")
    assert len(executed) == 2
    points = run("seed=0:4")
    assert [call["seed"] for call in executed] == [0, 1, 2, 3]
    assert [point.error for point in points] == [None] * 3 + ["RuntimeError: ValueError: seed 3 is bad"]
    assert "failed at seed=3: RuntimeError: ValueError: seed 3 is bad" in capsys.readouterr().out
    run("seed=0:4", AGAIN="1")
    assert [call["seed"] for call in executed] == [0, 1, 2, 3, 3]


def test_smoke_parameters_lie_underneath(executed):
    run("seed=5", SMOKE="1")
    assert executed == [{"seed": 5, "trace": -18.75, "d": 60}]


def test_other_smoke_parameters_are_another_sweep(executed, monkeypatch, tmp_path):
    run("seed=5", SMOKE="1")
    run("seed=5")
    monkeypatch.setattr(sweeping, "small", lambda chapter: {"d": 61})
    run("seed=5", SMOKE="1")
    assert [call["d"] for call in executed] == [60, 1500, 61] and len(list(tmp_path.iterdir())) == 3
    run("seed=5")
    assert len(executed) == 3, "a run at full scale does not depend on them"


def test_seeds_of_other_smoke_parameters_are_run_anew(executed, monkeypatch):
    (script,) = chapters.select(["12"], chapters.scripts())
    monkeypatch.setattr(seeds, "SEEDS", range(2))
    seeds.tried(script)
    seeds.tried(script)
    assert len(executed) == 2
    monkeypatch.setattr(sweeping, "small", lambda chapter: {"d": 61})
    seeds.tried(script)
    assert len(executed) == 4 and executed[-1]["d"] == 61


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        ("sede=1", {}, "unknown parameter 'sede'"),
        ("seed=1", {"WORKERS": "none"}, "WORKERS must be a positive integer, not 'none'"),
        ("seed=0:1000000", {}, "FORCE=1"),
        ("seed=1", {"SCHEDULER": "tcp://127.0.0.1:9"}, "scheduler"),
    ],
)
def test_bad_input_is_refused_before_any_work(executed, monkeypatch, text, environment, message):
    monkeypatch.setattr(sweeps.pools, "_ANSWER", 1)
    with pytest.raises(ValueError, match=message):
        run(text, **environment)
    assert executed == []


def test_other_text_is_another_sweep(executed, monkeypatch, tmp_path):
    run("seed=0:2")
    monkeypatch.setattr(sweeping.inputs, "of", lambda script: {"text": "another"})
    run("seed=0:2")
    assert len(executed) == 4 and len(list(tmp_path.iterdir())) == 2


def test_a_chapter_point_is_executed_in_a_kernel():
    value = sweeping.chapter_point("01_model", smoke=True, seed=1)
    stored = notebooks.read(chapters.CHAPTERS / "01_model.ipynb")
    assert set(value["claims"]) == {entry["id"] for entry in sweeping.claims.reports(stored)}
    assert value["seconds"] > 0 and nbformat.validate(stored) is None
    with pytest.raises(RuntimeError, match="ValueError: parameter 'd' must be"):
        sweeping.chapter_point("01_model", smoke=True, d=-1)


def test_seeds_are_counted():
    def point(verdict, seconds):
        return sweeps.Point({}, {"claims": {"a": {"verdict": verdict}}, "seconds": seconds, "memory": 7}, None, 0.0)

    points = [point("holds", 1.0), point("fails", 3.0), point("holds", 2.0), sweeps.Point({}, None, "E: x", 0.0)]
    assert seeds.counted(points) == {
        "failed": ["E: x"], "claims": {"a": {"holds": 2, "fails": 1}},
    }  # fmt: skip


def test_seeds_of_some_chapters_leave_the_others_as_they_are(tmp_path, monkeypatch):
    file = tmp_path / "seeds.json"
    for name, value in {
        "FILE": file,
        "tried": lambda script: [],
        "counted": lambda points: {"failed": [], "claims": {"a": {"holds": 10}}},
        "alone": lambda script: {"seconds": 1.0, "memory": 5},
    }.items():
        monkeypatch.setattr(seeds, name, value)
    seeds.main([])
    every = json.loads(file.read_text())["chapters"]
    assert list(every) == [script.stem for script in chapters.scripts()]
    assert all(entry["claims"] == {"a": {"holds": 10}} and entry["commit"] for entry in every.values())
    monkeypatch.setattr(seeds, "counted", lambda points: {"failed": ["E"], "claims": {}})
    monkeypatch.setattr(seeds, "alone", lambda script: {"seconds": 2.0, "memory": 6})
    seeds.main(["07"])
    some = json.loads(file.read_text())["chapters"]
    assert [name for name in every if some[name] != every[name]] == ["07_phase_two"] and some["07_phase_two"]["failed"]
    seeds.main(["costs"])
    costs = json.loads(file.read_text())["chapters"]
    assert all(costs[name] == some[name] | {"seconds": 2.0, "memory": 6} for name in every)
