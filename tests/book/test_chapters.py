"""Every chapter runs from papermill at its smoke scale, and reports each of its claims once."""

import ast
import time

import papermill
import yaml
from conftest import CHAPTERS, code_cells, without_picture

from src.book import claims, ledger


def test_smoke(script, tmp_path, capsys):
    given = yaml.safe_load((CHAPTERS / "parameters" / "smoke" / f"{script.stem}.yaml").read_text()) or {}
    start = time.perf_counter()
    notebook = papermill.execute_notebook(
        script.with_suffix(".ipynb"), tmp_path / "out.ipynb", given, cwd=tmp_path, progress_bar=False
    )
    seconds = time.perf_counter() - start
    assert ledger.problems(claims.read(), {script.stem: claims.reports(notebook)}) == []
    assert without_picture(notebook) == []
    with capsys.disabled():
        print(f" {script.stem} at smoke scale: {seconds:.1f} s with the kernel's start", end=" ")


def test_no_cell_takes_a_parameters_name(script):
    """A loop variable called like a parameter would change what the cells below are told."""
    cells = code_cells(script)
    names = {t.id for source, tags in cells if "parameters" in tags for t in stored_names(source)}
    for source, tags in cells:
        if "parameters" not in tags:
            taken = names & {t.id for t in stored_names(source)}
            assert not taken, f"{', '.join(sorted(taken))} in the cell that starts with {source[:60]!r}"


def stored_names(source):
    """The names that a cell assigns in its own scope: outside functions, classes and comprehensions."""
    inner = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    waiting = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node
        waiting += [child for child in ast.iter_child_nodes(node) if not isinstance(child, inner)]
