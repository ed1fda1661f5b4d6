"""A chapter's .py and .ipynb say the same, and the .ipynb holds the outputs of one whole, clean run."""

import json

import jupytext
import nbformat
import pytest
from conftest import CHAPTERS, SCRIPTS

QUIET = {"execution", "papermill", "ExecuteTime", "collapsed", "scrolled"}  # what a run or an editor leaves behind


@pytest.fixture
def notebook(script):
    return nbformat.read(script.with_suffix(".ipynb"), as_version=4)


def content(cells):
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in cells]


def test_every_notebook_has_its_script():
    assert {path.stem for path in CHAPTERS.glob("*.ipynb")} == {path.stem for path in SCRIPTS}


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
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not any(QUIET & set(cell.metadata) for cell in notebook.cells)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


def test_the_first_code_cells_are_the_parameters_and_their_check(script, notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].metadata.get("tags") == ["parameters"]
    for line in code[0].source.splitlines():
        assert line.startswith("#") or (": " in line.partition("=")[0] and "  # " in line), (
            f"{script.name}: a parameter is written 'd: int = 1500  # input dimension', not {line!r}"
        )
    assert "parameters.check(globals()" in "".join(code[1].source.split())


def test_figures_have_a_caption_and_an_alt_text(script, notebook):
    for cell in notebook.cells:
        if "image/png" in json.dumps([list(o.get("data", {})) for o in cell.get("outputs", [])]):
            mystnb = cell.metadata.get("mystnb", {})
            assert mystnb.get("image", {}).get("alt"), f"{script.name}: a figure without alt text"
            assert mystnb.get("figure", {}).get("caption"), f"{script.name}: a figure without caption"


def test_claim_cells_are_compared(script, notebook):
    for cell in notebook.cells:
        if any("claim" in output.get("metadata", {}) for output in cell.get("outputs", [])):
            assert "nbval-check-output" in cell.metadata.get("tags", []), f"{script.name}: {cell.source[:60]}"
