"""What several tests need: the chapters, and a way to run one inside the test's own process."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this folder's own code, wherever pytest was called

import jupytext
import matplotlib
import torch
from nbval.plugin import IPyNbCell
from site_pages import browser, served, site, visits  # noqa: F401 (fixtures)

from src.book import claims
from tools import chapters, kernels
from tools.chapters import CHAPTERS, ROOT  # noqa: F401 (tests take them from here)

SCRIPTS = chapters.scripts()

matplotlib.use("Agg")
kernels.own_environment()  # of the kernels and programs that tests start

torch.set_num_threads(1)  # a second thread slows small matrices down, most of all beside other work


def pytest_configure():
    """nbval compares a claim's verdict as text; let it also compare what the claim measured, as numbers."""
    as_text = IPyNbCell.compare_outputs

    def reported(outputs):
        return [output["metadata"]["claim"] for output in outputs if "claim" in output.get("metadata", {})]

    def compare_outputs(self, test, ref, skip_compare=None):
        same = as_text(self, test, ref, skip_compare)
        for stored, found in zip(reported(ref), reported(test), strict=False):
            if different := claims.differences(stored, found):
                self.comparison_traceback += [f"{stored['id']}: {sentence}" for sentence in different]
                same = False
        return same

    IPyNbCell.compare_outputs = compare_outputs


def pytest_generate_tests(metafunc):
    """A test with a ``script`` argument runs once for every chapter."""
    if "script" in metafunc.fixturenames:
        metafunc.parametrize("script", SCRIPTS, ids=[path.stem for path in SCRIPTS])


def code_cells(script):
    """The chapter's code cells, from its .py: (source, tags)."""
    notebook = jupytext.read(script, fmt="py:percent")
    return [(c.source, c.metadata.get("tags", [])) for c in notebook.cells if c.cell_type == "code"]


def without_picture(notebook):
    """The first words of the cells that show a figure and whose outputs hold no picture of it."""
    shown = {cell.source[:60]: cell for cell in notebook.cells if "figures.show(" in cell.source}
    pictures = {key: [o for o in cell.outputs if "image/svg+xml" in o.get("data", {})] for key, cell in shown.items()}
    return [key for key, cell in shown.items() if len(pictures[key]) < cell.source.count("figures.show(")]


def execute(cells, parameters, namespace):
    """Execute code cells as papermill would: ``parameters`` are set after the cell tagged ``parameters``."""
    history = namespace.setdefault("In", [""])  # as IPython keeps it
    for source, tags in cells:
        history.append(source)
        exec(compile(source, "<chapter cell>", "exec"), namespace)
        if "parameters" in tags:
            history.append("\n".join(f"{name} = ..." for name in parameters))
            namespace.update(parameters)
