"""The commands of `tools/book.py`: build, site, refresh, run."""

import argparse
import contextlib
import fcntl
import shutil
import subprocess
import sys
import time

from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import from_dict, v4
from papermill.translators import PythonTranslator

from src.book import claims
from tools import chapters, kernels, notebooks, settings
from tools.chapters import CHAPTERS, ROOT

BUILD = ROOT / "_build"


def refresh(script):
    """Execute the .py with its default parameters and store it, outputs included, as the .ipynb beside it."""
    path = script.with_suffix(".ipynb")
    notebook, previous = notebooks.written(script), notebooks.read(path)
    notebooks.check_unedited(previous, script)
    notebooks.try_writing(path)
    notebooks.keep_ids(script.stem, notebook.cells, previous.cells if previous else [])
    stored = {"book": {"cells": notebooks.digest(notebook)}}
    kernels.execute(notebook, CHAPTERS)
    notebook.metadata = from_dict(notebooks.METADATA | stored)  # execution adds the interpreter's version
    notebooks.store(notebooks.without_warnings(notebook), path)
    return notebook


def run(script, texts):
    """One chapter with other parameters, into _build/runs; the executed notebook's path is printed."""
    notebook = notebooks.in_step(script)
    given = settings.read(texts, settings.parameters(notebook))
    path = BUILD / "runs" / settings.file_name(script.stem, given)
    notebooks.try_writing(path)
    if given:
        injected = v4.new_code_cell(PythonTranslator.codify(given), metadata={"tags": ["injected-parameters"]})
        at = next(k for k, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
        notebook.cells.insert(at + 1, injected)
    kernels.execute(notebook, CHAPTERS)
    notebooks.store(notebook, path)
    print(f"Executed notebook: {path}")
    return notebook


def build():
    """Execute every chapter at its defaults into _build/book and render that; no tracked file changes.

    The last book stays where it is until the new one is complete.
    """
    with _beside(BUILD / "book") as new:
        scripts = chapters.select([], chapters.scripts(ROOT))
        _stage(new)

        def execute(script):
            notebook = kernels.execute(notebooks.in_step(script), CHAPTERS)
            notebooks.store(notebooks.without_warnings(notebook), new / "chapters" / f"{script.stem}.ipynb")
            return notebook

        if each(scripts, execute):
            print(f"no new site; what was executed is in {new / 'chapters'}, the last site is kept", file=sys.stderr)
            sys.exit(1)
        render(new)
    _say_where(BUILD / "book" / "_build" / "html")


def site():
    """Render the stored outputs, into _build/html."""
    with _beside(BUILD / "html") as new:
        source = new.with_name("site.new")
        shutil.rmtree(source, ignore_errors=True)
        _stage(source)
        for script in chapters.scripts(ROOT):
            shutil.copy(script.with_suffix(".ipynb"), source / "chapters")
        render(source)
        (source / "_build" / "html").rename(new)
        shutil.rmtree(source)
    _say_where(BUILD / "html")


@contextlib.contextmanager
def _beside(final):
    """A name beside that of the folder `final`, for what takes its place if all goes well, and only then."""
    new, old = (final.with_name(f"{final.name}.{state}") for state in ("new", "old"))
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / f".{final.name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"another process is making {final}: wait for it") from None
        if old.exists() and not final.exists():
            old.rename(final)  # it was ended between the two renamings below
        shutil.rmtree(new, ignore_errors=True)
        yield new
        shutil.rmtree(old, ignore_errors=True)
        if final.exists():
            final.rename(old)
        new.rename(final)
        shutil.rmtree(old, ignore_errors=True)


def _stage(source):
    """Copy what a site is made of, without notebooks, into the folder `source`."""
    for name in ("_config.yml", "_toc.yml"):
        source.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source)
    shutil.copytree(CHAPTERS, source / "chapters", ignore=shutil.ignore_patterns("*.py", "*.ipynb", ".*"))
    shutil.copytree(ROOT / "data" / "recorded", source / "data" / "recorded")  # a page includes a table from there


def render(source):
    """Build the site of the book in the folder `source`; raise ValueError on any warning."""
    print("rendering the site ...", flush=True)
    program = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
    ]  # its script knows its old folder
    command = [*program, "build", "-W", "-n", "--keep-going", "-q", str(source)]
    if subprocess.run(command, stdout=subprocess.DEVNULL, cwd=ROOT).returncode:  # warnings come on the other stream
        raise ValueError("the site did not build cleanly: see the warnings above; the last one is kept")


def _say_where(html):
    print(f"The book: {html / 'index.html'}\n          {(html / 'index.html').as_uri()}")


def each(scripts, work):
    """Do `work`, which returns an executed notebook, for every chapter; a failing one does not cost the others.

    Prints a line for each, the failures once more at the end, and returns these.
    """
    failures = []
    for script in scripts:
        start = time.perf_counter()
        try:
            notebook = work(script)
        except CellExecutionError as error:
            print(error, file=sys.stderr)
            why = f"{error.ename}: {error.evalue}"
        except DeadKernelError:
            why = "its kernel died: ended from outside, or out of memory"
        except (ValueError, OSError, RuntimeError) as error:
            why = str(error)
        else:
            print(line(script.stem, time.perf_counter() - start, notebook), flush=True)
            continue
        failures.append(f"{script.stem} FAILED after {time.perf_counter() - start:.1f} s: {why}")
        print(failures[-1], file=sys.stderr, flush=True)
    if failures and len(scripts) > 1:
        print("", f"{len(failures)} of {len(scripts)} chapters failed:", *failures, sep="\n", file=sys.stderr)
    return failures


def line(name, seconds, notebook):
    """What a terminal shows of a finished chapter: name, time, verdicts."""
    verdicts = ", ".join(f"{entry['id']}: {entry['verdict']}" for entry in claims.reports(notebook))
    return f"{name:<24} {seconds:6.1f} s   {verdicts or 'no claims'}"


def main(description):
    """Do what the command line says. Raises ValueError or OSError, SystemExit where chapters failed."""
    parser = argparse.ArgumentParser(description=description)
    command = parser.add_subparsers(dest="command", required=True)
    for name in ("build", "site", "notebooks"):
        command.add_parser(name)
    command.add_parser("refresh").add_argument("chapter", nargs="*")
    one = command.add_parser("run")
    one.add_argument("chapter")
    one.add_argument("setting", nargs="*")
    arguments = parser.parse_args()
    kernels.own_environment()
    if arguments.command == "build":
        build()
    elif arguments.command == "site":
        site()
    elif arguments.command == "notebooks":
        print(*(f"chapters/{script.stem}.ipynb" for script in chapters.scripts(ROOT)))
    elif arguments.command == "refresh":
        sys.exit(bool(each(chapters.select(arguments.chapter, chapters.scripts(ROOT)), refresh)))
    else:
        scripts = chapters.select([arguments.chapter], chapters.scripts(ROOT))
        sys.exit(bool(each(scripts, lambda script: run(script, arguments.setting))))
