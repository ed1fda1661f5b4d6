"""Parameters: what is wrong stops the run at the top, and says what is allowed."""

import math

import nbformat
import papermill
import pytest
import torch
import yaml
from conftest import CHAPTERS, code_cells, execute
from papermill.exceptions import PapermillExecutionError

from src import checks
from src.book import parameters

ALLOWED = {
    "d": range(3, 3001),
    "eta": checks.between(0, 1),
    "device": ("auto", "cpu", "cuda"),
    "record": bool,
    "sizes": checks.each(range(1, 100)),
}
GOOD = {"d": 10, "eta": 0.5, "device": "cpu", "record": False, "sizes": [3, 4]}


def test_good_parameters_pass_beside_imports_and_private_names():
    parameters.check(GOOD | {"math": math, "_hidden": 3, "In": [], "Out": {}, "torch": torch}, **ALLOWED)


@pytest.mark.parametrize("value", [3, 3000])
def test_the_ends_of_a_range_are_allowed(value):
    parameters.check(GOOD | {"d": value}, **ALLOWED)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"d": 2}, ValueError, "'d' must be from 3 to 3000"),
        ({"d": 3001}, ValueError, "'d' must be from 3 to 3000"),
        ({"d": 10.0}, TypeError, "'d' must be an integer"),
        ({"d": True}, TypeError, "'d' must be an integer"),
        ({"d": "10"}, TypeError, "'d' must be an integer"),
        ({"eta": 0}, ValueError, "'eta' must be between 0 and 1"),
        ({"eta": 1.0}, ValueError, "'eta' must be between"),
        ({"eta": math.nan}, ValueError, "'eta' must be between"),
        ({"eta": False}, TypeError, "'eta' must be a number"),
        ({"eta": "1e-4"}, TypeError, r"1\.0e-4"),
        ({"device": "gpu"}, ValueError, "'device' must be one of auto, cpu, cuda"),
        ({"device": 1}, TypeError, "'device' must be one of"),
        ({"record": 1}, TypeError, "'record' must be true or false"),
        ({"sizes": []}, ValueError, "'sizes' must have at least one"),
        ({"sizes": 3}, TypeError, "'sizes' must be a list"),
        ({"sizes": [3, 100]}, ValueError, r"entry 1 of parameter 'sizes' must be from 1 to 99"),
        ({"ete": 0.1}, ValueError, r"unknown parameter 'ete' \(did you mean 'eta'\?\).*d, eta, device"),
        ({"verbose": True}, ValueError, "unknown parameter 'verbose'"),
        ({"extra": None}, ValueError, "unknown parameter 'extra'"),
    ],
)
def test_bad_parameters_are_named(change, error, message):
    with pytest.raises(error, match=message):
        parameters.check(GOOD | change, **ALLOWED)


def test_a_parameter_that_is_checked_must_be_set():
    with pytest.raises(ValueError, match="'d' is checked but"):
        parameters.check({k: v for k, v in GOOD.items() if k != "d"}, **ALLOWED)


def test_a_misspelt_parameter_stops_plain_papermill(tmp_path):
    cells = [
        nbformat.v4.new_code_cell("d: int = 5  # dimension", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell("from src.book import parameters\nparameters.check(globals(), d=range(3, 9))"),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "in.ipynb")

    def run(**given):
        papermill.execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", given, progress_bar=False)

    run(d=8)
    with pytest.raises(PapermillExecutionError, match=r"unknown parameter 'dd' \(did you mean 'd'\?\)"):
        run(dd=8)
    with pytest.raises(PapermillExecutionError, match="'d' must be from 3 to 8"):
        run(d=9)


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_the_chapter_accepts_its_parameter_files(script, scale):
    given = yaml.safe_load((CHAPTERS / "parameters" / scale / f"{script.stem}.yaml").read_text()) or {}
    execute(code_cells(script)[:2], given, {"__name__": "__main__"})


def test_the_chapter_refuses_a_misspelt_parameter(script):
    with pytest.raises(ValueError, match="unknown parameter 'misspelt'"):
        execute(code_cells(script)[:2], {"misspelt": 1}, {"__name__": "__main__"})


def test_every_parameter_file_belongs_to_a_chapter():
    files = {path.stem for path in (CHAPTERS / "parameters").glob("*/*.yaml")}
    assert files == {path.stem for path in CHAPTERS.glob("[0-9][0-9]_*.py")}
