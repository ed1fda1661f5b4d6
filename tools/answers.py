"""What a run answers: its verdicts beside the book's, and a page to read it on."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate

from src.book import claims
from tools import notebooks
from tools.chapters import ROOT

HEAD = ("claim", "the book", "this run", "what changed")


def rows(book, run):
    """One row for each claim of either notebook: its id, both verdicts, and what changed."""
    before, now = ({entry["id"]: entry for entry in claims.reports(notebook)} for notebook in (book, run))
    return [_row(id, before.get(id), now.get(id)) for id in {**before, **now}]


def _row(id, before, now):
    if before is None or now is None:
        there, missing = (now, "the book does") if before is None else (before, "this run does")
        verdicts = ("–", now["verdict"]) if before is None else (before["verdict"], "–")
        return id, *verdicts, f"{missing} not report it; {there['measured']}"
    if before["verdict"] != now["verdict"]:
        change = f"{before['verdict']} → {now['verdict']}: {before['measured']} → {now['measured']}"
    elif claims.differences(before, now):
        change = f"{before['measured']} → {now['measured']}"
    else:
        change = "nothing"
    return id, before["verdict"], now["verdict"], change


def table(found):
    """The rows as a terminal shows them."""
    room = max(24, shutil.get_terminal_size((120, 24)).columns - max(len(id) for id, *_ in found) - 40)
    return tabulate(found, HEAD, tablefmt="simple", maxcolwidths=[None, 16, 16, room])


def chapter_of(notebook, scripts):
    """The chapter of which an executed notebook is a run, by its claims or title. Raises ValueError for none."""
    known, ids = claims.read(), {entry["id"] for entry in claims.reports(notebook)}
    named = {known[id]["chapter"] for id in ids if id in known}
    for script in scripts:
        if script.stem in named or (not named and _title(notebook) == _title(notebooks.written(script))):
            return script
    raise ValueError("it is no run of a chapter of this book: neither its claims nor its title are one's")


def _title(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found and found[1].strip()


def page(path):
    """Render the executed notebook at `path` in the book's style, as an .html beside it, and return its path.

    Only this page is rendered: what it says of other chapters is there in words, without links.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        shutil.copytree(
            ROOT / "chapters", source / "chapters", ignore=shutil.ignore_patterns("*.py", "*.ipynb", "*.md")
        )
        shutil.copy(ROOT / "_config.yml", source)
        shutil.copy(path, source / "chapters" / "page.ipynb")
        (source / "_toc.yml").write_text("format: jb-book\nroot: chapters/page\n")
        command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", "-q", str(source)]
        built = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        html = source / "_build" / "html"
        if built.returncode or not (html / "chapters" / "page.html").exists():
            raise ValueError(f"the page of {path} could not be rendered: {built.stderr.strip()[-300:]}")
        for name in ("_static", "_images"):
            if (html / name).exists():
                shutil.copytree(html / name, path.parent / name, dirs_exist_ok=True)
        text = (html / "chapters" / "page.html").read_text(encoding="utf-8").replace('"../_', '"_')
    result = path.with_suffix(".html")
    result.write_text(text, encoding="utf-8")
    return result
