"""Parameters: what is wrong stops the run at the top, and says what is allowed."""

import math
import shutil

import bad_parameters
import nbformat
import papermill
import pytest
import yaml
from conftest import CHAPTERS, ROOT, SCRIPTS, code_cells, execute
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
    assert files == {path.stem for path in SCRIPTS}


def test_a_name_that_is_code_stops_the_chapter(tmp_path):
    """Papermill writes names as they are; the cell has run, the chapter does not."""
    written = papermill.translators.PythonTranslator.codify({"open('x', 'w').close(); d": 3})
    with pytest.raises(ValueError, match="the name of a parameter must be a name, not code"):
        parameters.check({"In": ["", CELL, written, SET_UP], "d": 3}, d=range(3, 9))


def test_parameters_that_cannot_go_together_are_named():
    parameters.require(2 < 3, "'batch' must be at most samples")
    with pytest.raises(ValueError, match=r"^.batch. must be at most samples$"):
        parameters.require(3 < 2, "'batch' must be at most samples")


@pytest.mark.parametrize(
    ("number", "given", "message"),
    [
        ("04", {"small": 8}, "'small' must be a prime of the form 4k .* got 8"),
        ("04", {"small": 55}, "'small' must be a prime of the form 4k .* got 55"),
        (
            "04",
            {"frobenius": 0.1},
            "'trace' must be from -3.8704 to 3.8704 for this 'frobenius' and 'large'; got -18.75",
        ),
        ("04", {"large": 104, "trace": 60.0}, "'trace' must be from -50.7445 to"),
        ("06", {"large": 104}, "'large' must be a prime of the form 4k"),
        ("07", {"gammas": [0.4, 0.1]}, "'gammas' must increase"),
        ("08", {"init_dims": [20, 20]}, "'init_dims' must increase"),
        ("09", {"dims": [10, 5]}, "'dims' must increase"),
        ("09", {"gammas": [0.1, 0.1]}, "'gammas' must increase"),
        ("10", {"seeds": [0, 1, 0]}, "'seeds' must differ"),
        ("11", {"samples": 200, "batch": 1000}, "'batch' must divide 'samples', 200; got 1000"),
        ("11", {"batch": 3}, "'batch' must divide 'samples', 100000; got 3"),
        ("11", {"eta": 0.5}, "'eta' must be at most .* with this 'batch' and 'd'; got 0.5"),
        ("12", {"eta": 0.01}, "'eta' must be at most .* with this 'batch', 'd' and 'd_scaled'; got 0.01"),
        ("12", {"d_scaled": 14, "batch": 120}, "'eta' must be at most .* 'd_scaled'; got 0.0001"),
        ("12", {"trace": 200.0}, "'trace' must be nearer to 0"),
        ("12", {"frobenius": 0.1, "trace": 0.0}, "'trace' must be nearer to 0 for this 'frobenius'"),
        ("12", {"d_family": 10}, "'frobenius' must be at most 3.03 for this 'd_paley' and 'd_family'; got 5.0"),
        ("14", {"digits": [3, 3]}, "'digits' must name at least two different ones"),
        ("15", {"d_phases": 8}, "'d_phases' must be a prime of the form 4k"),
    ],
)
def test_parameters_that_no_run_could_use_together_stop_at_the_top(number, given, message):
    """Each is allowed alone, and would stop the chapter later, in the middle of its work."""
    (script,) = (script for script in SCRIPTS if script.name.startswith(number))
    with pytest.raises(ValueError, match=message):
        execute(code_cells(script)[:2], given, {"__name__": "__main__"})


class TestFolder:
    """Chapters run in their own book, or anywhere else, but not in another copy of the book."""

    @pytest.mark.parametrize("below", ["", "chapters", "data/raw"])
    def test_another_copy_of_the_book_is_named(self, tmp_path, monkeypatch, below):
        (tmp_path / "src" / "book").mkdir(parents=True)
        shutil.copy(parameters.__file__, tmp_path / "src" / "book")
        (tmp_path / below).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path / below)
        with pytest.raises(ImportError, match=f"belongs to the book in {tmp_path}, but its code would be .* {ROOT}"):
            check(GOOD)

    @pytest.mark.parametrize("name", ["parameters.py", "book/claims.py", "book/__init__.py"])
    def test_a_users_own_src_is_none_of_our_business(self, tmp_path, monkeypatch, name):
        (tmp_path / "src" / name).parent.mkdir(parents=True)
        (tmp_path / "src" / name).touch()
        monkeypatch.chdir(tmp_path)
        check(GOOD)

    @pytest.mark.parametrize("folder", [ROOT, ROOT / "chapters", ROOT / "src" / "book"])
    def test_the_books_own_folders_are_right(self, monkeypatch, folder):
        monkeypatch.chdir(folder)
        check(GOOD)


class TestBadValues:
    """Every parameter of every chapter, with values that it must not take."""

    def refused(self, outcome):
        assert outcome.unclear == [] and outcome.wrong == []
        return len(outcome.refused)

    def test_a_tenth_of_them_is_refused_clearly(self):
        assert self.refused(bad_parameters.run(0.1, seed=0)) > 150

    @pytest.mark.stress
    def test_all_of_them_are_refused_clearly(self):
        assert self.refused(bad_parameters.run()) > 1400

    def test_a_chapter_that_checks_too_little_is_found(self, monkeypatch):
        monkeypatch.setattr(parameters, "check", lambda namespace, **allowed: None)
        assert len(bad_parameters.run(0.05).wrong) > 50

    def test_a_chapter_that_fails_otherwise_is_found(self, monkeypatch):
        monkeypatch.setattr(parameters, "check", lambda namespace, **allowed: 1 / 0)
        assert len(bad_parameters.run(0.05).unclear) > 50
