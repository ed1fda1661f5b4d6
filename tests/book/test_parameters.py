"""Parameters: what is wrong stops the run at the top, and says what is allowed."""

import math

import nbformat
import papermill
import pytest
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


CELL = "d: int = 5  # dimension"
SET_UP = "import math\nparameters.check(globals())"


def check(values, history=None):
    """Check `values` as a chapter would whose parameters cell, or papermill's after it, assigns them."""
    cells = [f"{name}: object = {value!r}" for name, value in values.items()]
    parameters.check({"In": history or ["", "\n".join(cells), SET_UP], **values}, **ALLOWED)


def test_good_parameters_pass_beside_whatever_else_is_defined():
    check(GOOD)
    assigned = "\n".join(f"{name}: object = 0" for name in GOOD)
    parameters.check(GOOD | {"pi": 3.14, "e": [1], "In": ["", assigned, SET_UP]}, **ALLOWED)


@pytest.mark.parametrize(
    "history",
    [
        ["", CELL, SET_UP],
        ["", CELL, "# Parameters\nd = 7\n", SET_UP],
        ["from math import pi", CELL, SET_UP, "x = 3", "figure = draw(x)", CELL, SET_UP],  # run twice
        ["", CELL, SET_UP, "y = 3", "%matplotlib inline", SET_UP],  # one cell again
    ],
)
def test_the_parameters_are_what_the_parameters_cells_assign(history):
    parameters.check({"In": history, "d": 7, "x": 3, "y": 3}, d=range(3, 9))


@pytest.mark.parametrize("pass_before", [[], [CELL, SET_UP, "dd: int = 5"]])
def test_a_misspelt_name_stops_every_pass(pass_before):
    with pytest.raises(ValueError, match=r"unknown parameter 'dd' \(did you mean"):
        parameters.check({"In": ["", *pass_before, CELL, "dd = 7", SET_UP], "d": 5, "dd": 7}, d=range(3, 9))


@pytest.mark.parametrize("history", [{"In": ["", SET_UP]}, {"In": [""]}, {}])
def test_without_a_history_the_values_are_checked(history):
    """nbval's kernel keeps none; a cell that was not run leaves its parameters out."""
    parameters.check({"d": 5, "pi": 3.14, **history}, d=range(3, 9))
    with pytest.raises(ValueError, match="'d' must be from 3 to 8"):
        parameters.check({"d": 9, **history}, d=range(3, 9))
    with pytest.raises(ValueError, match="'d' is checked but the parameters cell does not set it"):
        parameters.check({"pi": 3.14, **history}, d=range(3, 9))


@pytest.mark.parametrize("value", [3, 3000])
def test_the_ends_of_a_range_are_allowed(value):
    check(GOOD | {"d": value})


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
        check(GOOD | change)


def test_a_parameter_that_is_checked_must_be_set():
    with pytest.raises(ValueError, match="'d' is checked but"):
        check({k: v for k, v in GOOD.items() if k != "d"})


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
