"""What ran where: the tables and the commands at a chapter's head, from notebooks with entries of our own."""

import json
import shlex
import shutil
import subprocess
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import CHAPTERS, ROOT

from src.book import ran
from src.runs import recorded

RUN = {
    "date": "2026-11-26T17:00:00+00:00", "commit": "0123456789abcdef", "dirty": True, "seconds": 95.0,
    "memory": 612_000_000, "device": "CPU", "processor": "A Processor", "threads": 2, "python": "3.11.7",
    "packages": {"torch": "2.13.0"}, "parameters": {}, "inputs": {},
}  # fmt: skip
CONF = """extensions = ["myst_nb", "src.book.ran", "src.book.downloads"]
nb_execution_mode = "off"
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A small site: a chapter whose run is noted, one whose run is not, and the page."""
    tree = tmp_path_factory.mktemp("tree")
    shutil.copytree(CHAPTERS / "parameters", tree / "chapters" / "parameters")
    (tree / "conf.py").write_text(CONF)
    for name, noted in (("12_dynamics", {"book": {"ran": RUN}}), ("13_zero_initialization", {})):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A title\n\nText.")], metadata=noted)
        nbformat.write(notebook, tree / "chapters" / f"{name}.ipynb")
    (tree / "chapters" / "ran.md").write_text("# Ran\n\n```{ran}\n```\n\n```{recordings}\n```\n")
    (tree / "index.md").write_text(
        "# All\n\n```{toctree}\nchapters/ran\nchapters/12_dynamics\nchapters/13_zero_initialization\n```\n"
    )
    (tree / "data" / "recorded").mkdir(parents=True)
    shutil.copy(recorded.FOLDER / "fig_8b_d1500.npz", tree / "data" / "recorded")
    seeds = {"chapters": {"12_dynamics": {"seconds": 6.4, "claims": {}}}}
    (tree / "data" / "recorded" / ran.SEEDS).write_text(json.dumps(seeds))
    out = tree / "_build"
    build = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(tree), str(out)]
    subprocess.run(build, cwd=ROOT, check=True)  # a process of its own: two parsers of Markdown do not bear each other
    names = ("ran", "12_dynamics", "13_zero_initialization")
    return {n: BeautifulSoup((out / "chapters" / f"{n}.html").read_text("utf-8"), "html.parser") for n in names}


def cells(row):
    return [" ".join(cell.text.split()) for cell in row.select("td")]


def test_the_table_says_when_where_and_what_it_took(pages):
    chapters, recordings = pages["ran"].select("table.ran")
    one, two = chapters.select("tbody tr")
    assert cells(one) == [
        "dynamics",
        "2026-11-26, 0123456, with local changes",
        "2 min",
        "6 s",
        "0.61 GB",
        "A Processor, 2 threads; Python 3.11.7, torch 2.13.0",
    ]
    assert cells(two)[:2] == ["zero initialization", "not noted"]
    assert one.select_one('[id="ran-12_dynamics"]') and one.a["href"] == "12_dynamics.html"
    (row,) = recordings.select("tbody tr")
    p = recorded.load("fig_8b_d1500").provenance
    assert cells(row)[:2] == ["fig_8b_d1500", f"{p['date'][:10]}, {p['commit'][:7]}"] and p["device"] in cells(row)[3]


def test_a_chapter_says_how_it_is_run(pages):
    head = pages["12_dynamics"].select_one("h1 + details.run-this")
    assert head.summary.text == "Run this chapter · its outputs are of 2026-11-26"
    assert [dt.text for dt in head.select("dt")] == [
        "as on this page, about 2 min",
        "at smoke scale, about 6 s",
        "at paper scale",
    ]
    assert head.select_one('a[href="ran.html#ran-12_dynamics"]') and "350,000 steps" in head.text
    links = [a["href"] for a in head.select("a[download]")]
    assert links == ["../_sources/chapters/12_dynamics.ipynb", "../downloads/12_dynamics.py", "../downloads/book.zip"]
    without = pages["13_zero_initialization"].select_one("details.run-this")
    assert without.summary.text == "Run this chapter" and without.dt.text == "as on this page"


def test_the_commands_name_what_is_there(script):
    found = ran.commands(script.stem, CHAPTERS / "parameters")
    assert [scale for scale, *_ in found] == ["as on this page", "at smoke scale", "at paper scale"]
    for _, command, _ in found[1:]:
        _, notebook, _, flag, file = shlex.split(command)
        assert flag == "-f" and (ROOT / notebook).exists() and (ROOT / file).exists()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "less than 1 s"), (25.4, "25 s"), (89, "89 s"), (90, "2 min"), (3000, "50 min"), (7200, "2.0 h")],
)
def test_durations(seconds, text):
    assert ran.duration(seconds) == text
