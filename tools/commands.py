"""The commands of `tools/book.py`: build, site, refresh, run, compare, sweep."""

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import psutil
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import from_dict
from tqdm import tqdm

from src.book import claims
from src.runs import pools
from tools import answers, chapters, inputs, kernels, notebooks, ran, settings
from tools.chapters import CHAPTERS, ROOT

BUILD = ROOT / "_build"


MEMORY = 2e9  # bytes that a chapter may take; the largest takes less


def refresh_stale(scripts, everything=False):
    """Refresh those chapters whose inputs are not the ones of their stored runs, or all; return the failures."""
    stale = []
    for script in scripts:
        stored = notebooks.read(script.with_suffix(".ipynb"))
        same = stored is not None and notebooks.digest(stored) == notebooks.digest(notebooks.written(script))
        if _due(script, stored if same else None, everything):
            stale.append(script)
    return each(stale, refresh)


def refresh(script, threads=None):
    """Execute the .py with its default parameters and store it, outputs included, as the .ipynb beside it."""
    path = script.with_suffix(".ipynb")
    notebook, previous = notebooks.written(script), notebooks.read(path)
    notebooks.check_unedited(previous, script)
    notebooks.try_writing(path)
    notebooks.keep_ids(script.stem, notebook.cells, previous.cells if previous else [])
    cells, found = notebooks.digest(notebook), inputs.of(script, ROOT)
    notebook, cost = kernels.execute(notebook, CHAPTERS, threads)
    stored = {"book": {"cells": cells, "ran": ran.about(cost, found, threads)}}
    notebook.metadata = from_dict(notebooks.METADATA | stored)  # execution adds the interpreter's version
    notebooks.store(notebooks.without_warnings(notebook), path)
    return notebook


def _due(script, last, everything):
    """Whether a chapter is to be executed, said in a line; `last`: the notebook of its last run, or None."""
    if last is None or not ran.of(last):
        return True
    why = "asked for" if everything else inputs.changed(ran.of(last)["inputs"], inputs.of(script, ROOT))
    if why:
        print(f"{script.stem:<24} to be executed: {why}{'' if everything else ' changed'}", flush=True)
    else:
        made = f"of {ran.of(last)['date'][:10]}, {ran.of(last)['seconds']:.0f} s"
        print(f"{script.stem:<24} skipped: nothing that it depends on has changed since its run {made}", flush=True)
    return bool(why)


def run(script, texts):
    """One chapter with other parameters, into _build/runs; prints what it finds beside the book, and where it is."""
    notebook = notebooks.in_step(script)
    given = settings.read(texts, settings.parameters(notebook))
    path = BUILD / "runs" / settings.file_name(script.stem, given)
    notebooks.try_writing(path)
    notebook = notebooks.given(notebook, given)
    stored, found = notebooks.read(script.with_suffix(".ipynb")), inputs.of(script, ROOT)
    number = sum(cell.cell_type == "code" for cell in notebook.cells)
    usual = ran.of(stored).get("seconds")
    form = "cell {n_fmt} of {total_fmt} · {elapsed}" + (f" of about {tqdm.format_interval(usual)}" if usual else "")
    with tqdm(total=number, bar_format=form, leave=False, disable=None) as bar:
        notebook, cost = kernels.execute(notebook, CHAPTERS, after_cell=bar.update)
    notebook.metadata["book"] = {"ran": ran.about(cost, found, parameters=given)}
    notebooks.store(notebook, path)
    compare(path, script)
    return notebook


def compare(path, script=None):
    """Print the verdicts of an executed notebook beside the book's, render it, and say where both are."""
    notebook = notebooks.read(path)
    if notebook is None:
        raise ValueError(f"{path} {'is no notebook' if path.exists() else 'is missing'}")
    script = script or answers.chapter_of(notebook, chapters.scripts(ROOT))
    stored = notebooks.read(script.with_suffix(".ipynb"))
    if found := answers.rows(stored, notebook):
        print(answers.table(found))
    print(f"Executed notebook: {path}")
    try:
        print(f"        as a page: {answers.page(path)}")
    except (ValueError, OSError) as error:  # the run is no worse for it
        print(error, file=sys.stderr)


def build(everything=False):
    """Execute every chapter at its defaults and render this in _build/book; no tracked file changes.

    Executed notebooks are kept in _build/executed: a chapter whose inputs are those of the one there is not executed
    again, unless `everything` is asked for. The last book stays where it is until the new one is complete.
    """
    executed = BUILD / "executed"
    scripts = chapters.select([], chapters.scripts(ROOT))
    with _beside(BUILD / "book") as new:
        last = {script: notebooks.read(executed / f"{script.stem}.ipynb") for script in scripts}
        stale = [script for script in scripts if _due(script, last[script], everything)]

        def execute(script, threads):
            path = executed / f"{script.stem}.ipynb"
            notebook, found = notebooks.in_step(script), inputs.of(script, ROOT)
            notebooks.try_writing(path)
            notebook, cost = kernels.execute(notebook, CHAPTERS, threads)
            notebook.metadata["book"] = {"ran": ran.about(cost, found, threads)}
            notebooks.store(notebooks.without_warnings(notebook), path)
            return notebook

        if each(stale, execute):
            print(f"no new site; what was executed is in {executed}, the last site is kept", file=sys.stderr)
            sys.exit(1)
        _stage(new)
        for script in scripts:
            shutil.copy(executed / f"{script.stem}.ipynb", new / "chapters")
        made, kept = _digest(new), BUILD / "book" / MADE
        if kept.exists() and kept.read_text() == made:
            print("the site is kept: nothing on its pages has changed")
            shutil.rmtree(new)
        else:
            render(new)
            (new / MADE).write_text(made)
    _say_where(BUILD / "book" / "_build" / "html")


MADE = ".made"  # in a book: a digest of what its site was rendered from


def _digest(source):
    """Of all that a site is rendered from: the staged files, and the code that renders them."""
    total = hashlib.sha256()
    for folder in (source, ROOT / "src" / "book", ROOT / "requirements.txt"):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if path.is_file() and path.suffix != ".pyc":
                total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


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
    """A name beside that of the folder `final`, for what takes its place if it is there when all has gone well."""
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
        if not new.exists():  # the last one is as good
            return
        shutil.rmtree(old, ignore_errors=True)
        if final.exists():
            final.rename(old)
        new.rename(final)
        shutil.rmtree(old, ignore_errors=True)


def _stage(source):
    """Copy what a site is made of, without notebooks, into the folder `source`."""
    for name in ("_config.yml", "_toc.yml", "CITATION.cff", "CHANGELOG.md"):
        source.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source)
    shutil.copytree(CHAPTERS, source / "chapters", ignore=shutil.ignore_patterns("*.py", "*.ipynb", ".*"))
    shutil.copytree(ROOT / "data" / "recorded", source / "data" / "recorded")  # pages include tables from there


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
    """Do `work(script, threads)`, which returns an executed notebook, for every chapter; a failure costs no other.

    Several at once where cores and memory allow (or as many as the environment variable JOBS says), the longest first,
    and the cores are shared out among them. Prints a line for each, the failures once more at the end, and returns
    these.
    """
    at_once = jobs(len(scripts))
    threads = None if len(scripts) == 1 else max(1, os.cpu_count() // at_once)
    longest = sorted(scripts, key=lambda s: -ran.of(notebooks.read(s.with_suffix(".ipynb"))).get("seconds", 0))
    failures = []
    with ThreadPoolExecutor(at_once) as pool:
        running = [pool.submit(_attempt, script, work, threads) for script in longest]
        try:
            for done in as_completed(running):
                said, failed = done.result()
                print(said, file=sys.stderr if failed else sys.stdout, flush=True)
                failures += [said] if failed else []
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            kernels.end_all()
            raise
    if failures and len(scripts) > 1:
        print("", f"{len(failures)} of {len(scripts)} chapters failed:", *failures, sep="\n", file=sys.stderr)
    return failures


def jobs(chapters_):
    """How many chapters are executed at once. Raises ValueError where JOBS is no positive integer."""
    named = os.environ.get("JOBS")
    if named and not (named.isdecimal() and int(named)):
        raise ValueError(f"JOBS must be a positive integer, not {named!r}")
    allowed = int(named) if named else min(os.cpu_count(), int(psutil.virtual_memory().available / MEMORY))
    return max(1, min(allowed, chapters_))


def _attempt(script, work, threads):
    """(what is to be said of it, whether it failed)"""
    start = time.perf_counter()
    try:
        notebook = work(script, threads)
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        why = f"{error.ename}: {error.evalue}"
    except DeadKernelError:
        why = "its kernel died: ended from outside, or out of memory"
    except Exception as error:  # whatever it is, it costs no other chapter
        why = str(error) if isinstance(error, ValueError | OSError | RuntimeError) else repr(error)
    else:
        return line(script.stem, time.perf_counter() - start, notebook), False
    return f"{script.stem} FAILED after {time.perf_counter() - start:.1f} s: {why}", True


def line(name, seconds, notebook):
    """What a terminal shows of a finished chapter: name, time, verdicts."""
    verdicts = ", ".join(f"{entry['id']}: {entry['verdict']}" for entry in claims.reports(notebook))
    return f"{name:<24} {seconds:6.1f} s   {verdicts or 'no claims'}"


def main(description):
    """Do what the command line says. Raises ValueError or OSError, SystemExit where chapters failed."""
    parser = argparse.ArgumentParser(description=description)
    command = parser.add_subparsers(dest="command", required=True)
    for name in ("site", "notebooks"):
        command.add_parser(name)
    command.add_parser("build").add_argument("--all", action="store_true")
    again = command.add_parser("refresh")
    again.add_argument("chapter", nargs="*")
    again.add_argument("--all", action="store_true")
    one = command.add_parser("run")
    one.add_argument("chapter")
    one.add_argument("setting", nargs="*")
    grid = command.add_parser("sweep")
    grid.add_argument("chapter")
    grid.add_argument("grid")
    command.add_parser("compare").add_argument("notebook", type=Path)
    arguments = parser.parse_args()
    kernels.own_environment()
    if arguments.command == "build":
        build(arguments.all)
    elif arguments.command == "site":
        site()
    elif arguments.command == "notebooks":
        print(*(f"chapters/{script.stem}.ipynb" for script in chapters.scripts(ROOT)))
    elif arguments.command == "sweep":
        from tools import sweeping  # imports much

        (script,) = chapters.select([arguments.chapter], chapters.scripts(ROOT))
        points = sweeping.sweep(script, arguments.grid)
        pools.close()
        sys.exit(all(point.error for point in points))
    elif arguments.command == "compare":
        compare(arguments.notebook.absolute())
    elif arguments.command == "refresh":
        scripts = chapters.select(arguments.chapter, chapters.scripts(ROOT))
        sys.exit(bool(refresh_stale(scripts, arguments.all)))
    else:
        scripts = chapters.select([arguments.chapter], chapters.scripts(ROOT))
        sys.exit(bool(each(scripts, lambda script, _: run(script, arguments.setting))))
