"""Run chapters.

``refresh [NN ...]`` executes the .py of all or some chapters and stores their outputs, ``build`` makes the whole book
in _build/book, ``run NN name=value ...`` is one run with other parameters, ``site`` renders what is stored.
"""

import argparse
import difflib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
import papermill
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from papermill.exceptions import PapermillExecutionError

from src.book import claims

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "chapters"
BUILD = ROOT / "_build"
METADATA = {  # the same for every chapter and every Python, so that a refreshed notebook differs where its cells do
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
QUIET = {"extra_arguments": ["--log-level=ERROR"]}  # the kernel's start-up notices


def scripts(numbers=()):
    """The chapters' .py files in reading order: all, or those with the given two-digit numbers."""
    found = sorted(CHAPTERS.glob("[0-9][0-9]_*.py"))
    numbers = [number.zfill(2) for number in numbers]
    if missing := set(numbers) - {path.name[:2] for path in found}:
        sys.exit(f"no chapter {', '.join(sorted(missing))}; there are: {', '.join(path.stem for path in found)}")
    return [path for path in found if not numbers or path.name[:2] in numbers]


def refresh(script):
    """Execute the .py with its default parameters and store it, outputs included, as the .ipynb beside it."""
    path = script.with_suffix(".ipynb")
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(METADATA)
    previous = nbformat.read(path, as_version=4).cells if path.exists() else []
    _keep_ids(script.stem, notebook.cells, previous)
    NotebookClient(
        notebook,
        timeout=None,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": CHAPTERS}},
        **QUIET,
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)  # execution adds the interpreter's version
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    nbformat.validate(notebook)
    temporary = path.with_suffix(".ipynb.tmp")
    nbformat.write(notebook, temporary)
    os.replace(temporary, path)
    return notebook


def _keep_ids(chapter, cells, previous):
    """Give cells the ids they had; a new cell's id follows from the chapter and its text."""
    old = [(cell.cell_type, cell.source) for cell in previous]
    new = [(cell.cell_type, cell.source) for cell in cells]
    ids = [None] * len(new)
    for operation, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if operation == "equal" or (operation == "replace" and i2 - i1 == j2 - j1):
            ids[j1:j2] = [cell.id for cell in previous[i1:i2]]
    taken = {id for id in ids if id}
    for k, (kind, source) in enumerate(new):
        salt = 0
        while ids[k] is None:
            digest = hashlib.sha1(f"{chapter}\n{kind}\n{source}\n{salt}".encode()).hexdigest()[:8]
            ids[k], salt = (digest if digest not in taken else None), salt + 1
        taken.add(ids[k])
        cells[k].id = ids[k]


def execute(notebook, output, parameters=None):
    """Papermill one chapter (default parameters where none are given) and return the executed notebook."""
    if not notebook.exists():
        sys.exit(f"{notebook.name} is missing: make refresh CHAPTER={notebook.name[:2]} makes it from the .py")
    output.parent.mkdir(parents=True, exist_ok=True)
    return papermill.execute_notebook(
        str(notebook),
        str(output),
        parameters,
        kernel_name="python3",
        progress_bar=False,
        cwd=str(CHAPTERS),
        **QUIET,
    )


def line(name, seconds, notebook):
    """What a terminal shows of a finished chapter: name, time, verdicts."""
    verdicts = ", ".join(f"{entry['id']}: {entry['verdict']}" for entry in claims.reports(notebook))
    return f"{name:<24} {seconds:6.1f} s   {verdicts or 'no claims'}"


def render(source, html_parent):
    """Build the site of the book in ``source``; stop on any warning."""
    program = str(Path(sys.executable).with_name("jupyter-book"))
    command = [program, "build", "-W", "-n", "--keep-going", "-q", "--path-output", str(html_parent), str(source)]
    print("rendering the site ...", flush=True)
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:  # warnings come on the other stream
        sys.exit("the site did not build cleanly: see the warnings above")
    index = html_parent / "_build" / "html" / "index.html"
    print(f"The book: {index}\n          {index.as_uri()}")


def build():
    """Execute every chapter at its defaults into _build/book and render that; no tracked file changes."""
    source = BUILD / "book"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(CHAPTERS, source / "chapters", ignore=shutil.ignore_patterns("*.py", ".ipynb_checkpoints"))
    shutil.copytree(ROOT / "data" / "recorded", source / "data" / "recorded")  # a page includes a table from there
    for script in scripts():
        _report(script, lambda s=script: execute(s.with_suffix(".ipynb"), source / "chapters" / f"{s.stem}.ipynb"))
    render(source, source)


def run(number, settings):
    """One chapter with other parameters, into _build/runs."""
    (script,) = scripts([number])
    parameters = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            sys.exit(f"{setting!r} is no parameter setting: write name=value")
        parameters[name] = yaml.safe_load(value)
    output = BUILD / "runs" / f"{script.stem}{''.join(f'-{setting}' for setting in settings)}.ipynb"
    _report(script, lambda: execute(script.with_suffix(".ipynb"), output, parameters))
    print(f"Executed notebook: {output}")


def _report(script, work):
    start = time.perf_counter()
    try:
        notebook = work()
    except (CellExecutionError, PapermillExecutionError) as error:
        seconds = time.perf_counter() - start
        sys.exit(f"{error}\n{script.stem} FAILED after {seconds:.1f} s: {error.ename}: {error.evalue}")
    print(line(script.stem, time.perf_counter() - start, notebook), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    command = parser.add_subparsers(dest="command", required=True)
    command.add_parser("build")
    command.add_parser("site")
    command.add_parser("refresh").add_argument("chapter", nargs="*")
    one = command.add_parser("run")
    one.add_argument("chapter")
    one.add_argument("setting", nargs="*")
    arguments = parser.parse_args()
    if arguments.command == "build":
        build()
    elif arguments.command == "site":
        render(ROOT, ROOT)
    elif arguments.command == "refresh":
        for script in scripts(arguments.chapter):
            _report(script, lambda s=script: refresh(s))
    else:
        run(arguments.chapter, arguments.setting)


if __name__ == "__main__":
    main()
