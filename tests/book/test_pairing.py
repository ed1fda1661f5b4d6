"""A chapter's .py and .ipynb say the same, and the .ipynb holds the outputs of one whole, clean run."""

import jupytext
import nbformat
import pytest
from conftest import SCRIPTS, without_picture
from papermill.translators import PythonTranslator

from tools import notebooks

QUIET = {"execution", "papermill", "ExecuteTime", "collapsed", "scrolled"}  # what a run or an editor leaves behind


@pytest.fixture
def notebook(script):
    return nbformat.read(script.with_suffix(".ipynb"), as_version=4)


def content(cells):
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in cells]


def test_every_chapter_is_a_pair():
    for script in SCRIPTS:
        assert script.is_file() and script.with_suffix(".ipynb").is_file()


def test_the_pair_is_in_step(script, notebook):
    assert content(notebook.cells) == content(jupytext.read(script, fmt="py:percent").cells), (
        f"{script.name} and its notebook differ: make refresh CHAPTER={script.name[:2]}"
    )


def test_the_notebook_was_run_once_from_top_to_bottom(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert outputs
    assert [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"] == []


def test_the_notebook_is_small_and_quiet(script, notebook):
    assert script.with_suffix(".ipynb").stat().st_size <= 1e6
    assert set(notebook.metadata) == {"kernelspec", "language_info", "book"}
    assert not any(QUIET & set(cell.metadata) for cell in notebook.cells)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_the_notebook_was_not_edited_after_its_last_refresh(script, notebook):
    notebooks.check_unedited(notebook, script)


def test_every_figure_has_its_picture(notebook):
    assert without_picture(notebook) == []


def test_a_lost_picture_is_found(script, notebook):
    """As a backend that shows nothing would lose it."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/svg+xml", None)
    assert bool(without_picture(notebook)) == any("figures.show(" in cell.source for cell in notebook.cells)


def test_parameters_are_written_so_that_papermill_can_tell_of_them(script, notebook):
    """``papermill --help-notebook`` shows type and meaning only of lines like 'd: int = 1500  # input dimension'."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert cell.metadata.get("tags") == ["parameters"]
    inferred = {parameter.name: parameter for parameter in PythonTranslator.inspect(cell)}
    for line in cell.source.splitlines():
        name, _, meaning = line.partition(":")[0], *line.partition("  # ")[1:]
        assert len(line) <= 78 and name in inferred, line
        assert inferred[name].inferred_type_name != "None" and inferred[name].help == meaning, line


def test_claim_cells_are_compared(script, notebook):
    for cell in notebook.cells:
        if any("claim" in output.get("metadata", {}) for output in cell.get("outputs", [])):
            assert "nbval-check-output" in cell.metadata.get("tags", []), f"{script.name}: {cell.source[:60]}"
