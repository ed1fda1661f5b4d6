"""Every chapter runs from papermill at its smoke scale, and reports each of its claims once."""

import time

import papermill
import yaml
from conftest import CHAPTERS

from src import claims, ledger


def test_smoke(script, tmp_path, capsys):
    given = yaml.safe_load((CHAPTERS / "parameters" / "smoke" / f"{script.stem}.yaml").read_text()) or {}
    start = time.perf_counter()
    notebook = papermill.execute_notebook(
        script.with_suffix(".ipynb"), tmp_path / "out.ipynb", given, cwd=tmp_path, progress_bar=False
    )
    seconds = time.perf_counter() - start
    assert ledger.problems(claims.read(), {script.stem: claims.reports(notebook)}) == []
    with capsys.disabled():
        print(f" {script.stem} at smoke scale: {seconds:.1f} s with the kernel's start", end=" ")
