"""The commands behind `make`: what is executed, what is stored, and what a failure leaves behind.

They run on a small book of two chapters in a folder of their own; only the last class starts kernels.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import jupytext.cli
import nbformat
import pytest
from conftest import CHAPTERS, ROOT
from nbclient.exceptions import CellExecutionError, DeadKernelError

from src import verdicts
from src.book import claims, ledger
from tools import answers, chapters, commands, kernels, notebooks, ran

TOC = """
root: chapters/index
parts:
  - chapters: [{file: chapters/01_one}, {file: chapters/02_two}, {file: chapters/ledger}]
"""
CLAIM = "[{id: a-claim, row: 1, place: p, statement: s, paper: p, chapter: 01_one}]"
CELLS = """# %% [markdown]
# # A chapter

# %% tags=["parameters"]
d: int = 5  # dimension
name: str = ""  # a text
gammas: list = [0.1]  # norms

# %%
d + 1
"""


def make_pair(script, text=CELLS):
    """The .py, and an .ipynb that says the same and is older."""
    script.write_text(text)
    notebook = notebooks.written(script)
    notebooks.keep_ids(script.stem, notebook.cells, [])
    notebooks.store(notebook, script.with_suffix(".ipynb"))
    os.utime(script.with_suffix(".ipynb"), (1e9, 1e9))


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The folder of a small book; the commands work on it, and executing a notebook is adding one output."""
    folder = tmp_path / "book"
    (folder / "chapters").mkdir(parents=True)
    (folder / "data" / "recorded").mkdir(parents=True)
    (folder / "_toc.yml").write_text(TOC)
    for name in ("_config.yml", "CITATION.cff", "CHANGELOG.md"):
        (folder / name).write_text("title: small")
    (folder / "chapters" / "claims.yml").write_text(CLAIM)
    for name in ("01_one", "02_two"):
        make_pair(folder / "chapters" / f"{name}.py")
    for name, path in {"ROOT": folder, "CHAPTERS": folder / "chapters", "BUILD": folder / "_build"}.items():
        monkeypatch.setattr(commands, name, path)
    monkeypatch.setattr(kernels, "execute", execute)
    monkeypatch.setattr(answers, "page", lambda path: path.with_suffix(".html"))
    monkeypatch.setattr(commands, "render", lambda source: shutil.copytree(source / "chapters", source / "_build/html"))
    return folder


def execute(notebook, folder, threads=None, after_cell=None):
    assert folder.name == "chapters"
    output = nbformat.v4.new_output("stream", name="stdout", text="new")
    warning = nbformat.v4.new_output("stream", name="stderr", text="/home/me/x.py:3: TqdmWarning: IProgress not found")
    next(cell for cell in notebook.cells if cell.cell_type == "code").outputs = [output, warning]
    if after_cell:
        after_cell()
    return notebook, kernels.Cost(2.0, 3 * 10**8)


def failing(where, error):
    """An execution that raises in the chapter whose text says `where`."""

    def execute_or_fail(notebook, *how, **more):
        if any(where in cell.source for cell in notebook.cells):
            raise error
        return execute(notebook, *how, **more)

    return execute_or_fail


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class TestWhichChapters:
    def test_those_that_the_table_of_contents_names(self, small):
        for name in ("01_one-Copy1.ipynb", "03_three.ipynb", "03_three.py", "01_out.ipynb", "Untitled.ipynb"):
            (small / "chapters" / name).write_text("{}")
        assert [script.name for script in chapters.scripts(small)] == ["01_one.py", "02_two.py"]
        assert [script.stem for script in chapters.scripts()] == [
            path.stem for path in sorted(CHAPTERS.glob("[0-9][0-9]_*.py")) if "-" not in path.stem
        ]

    @pytest.mark.parametrize("text", ["", "[", "parts: 3", "root: chapters/index", "- file: chapters/01-one"])
    def test_a_damaged_table_of_contents_is_named(self, small, text):
        (small / "_toc.yml").write_text(text)
        with pytest.raises(ValueError, match=r"_toc\.yml (must name a chapter|cannot be read)"):
            chapters.scripts(small)

    def test_a_claim_of_another_chapter_is_named(self, small):
        (small / "chapters" / "claims.yml").write_text(CLAIM.replace("01_one", "04_four"))
        with pytest.raises(ValueError, match=r"gives 'a-claim' to '04_four', which _toc\.yml does not name"):
            chapters.scripts(small)

    @pytest.mark.parametrize(("given", "names"), [(["2"], "2"), (["02", "1"], "12"), (["01_one"], "1"), ([], "12")])
    def test_numbers_and_names_select(self, small, given, names):
        assert [script.name[1] for script in chapters.select(given, chapters.scripts(small))] == list(names)

    @pytest.mark.parametrize("number", ["3", "99", "", "../01_one", "01_one-Copy1", "²"])
    def test_another_number_is_named(self, small, number):
        with pytest.raises(ValueError, match=r"no chapter .*names: 01_one, 02_two"):
            chapters.select([number], chapters.scripts(small))

    def test_a_chapter_without_its_script_is_named(self, small):
        (small / "chapters" / "02_two.py").unlink()
        with pytest.raises(ValueError, match=r"02_two\.py is missing"):
            chapters.select([], chapters.scripts(small))


class TestRefresh:
    def test_it_stores_the_pair_in_step_without_warnings(self, small):
        script = small / "chapters" / "01_one.py"
        script.write_text(CELLS.replace("d + 1", "d + 2"))
        before = nbformat.read(script.with_suffix(".ipynb"), 4)
        commands.refresh(script)
        stored = notebooks.in_step(script)
        assert [output.text for output in stored.cells[1].outputs] == ["new"]
        assert [cell.id for cell in stored.cells] == [cell.id for cell in before.cells]
        assert tree(small / "chapters") == ["01_one.ipynb", "01_one.py", "02_two.ipynb", "02_two.py", "claims.yml"]

    @pytest.mark.parametrize("ipynb_is_newer", [True, False])
    @pytest.mark.parametrize("script_changed_too", [True, False])
    def test_edits_of_the_notebook_are_not_lost(self, small, ipynb_is_newer, script_changed_too, monkeypatch):
        script = small / "chapters" / "01_one.py"
        commands.refresh(script)
        path = script.with_suffix(".ipynb")
        edited = nbformat.read(path, 4)
        edited.cells[0].source += "\n\nA sentence."
        nbformat.write(edited, path)
        if script_changed_too:
            script.write_text(CELLS.replace("d + 1", "d + 2"))
        os.utime(path, None if ipynb_is_newer else (1e9, 1e9))
        content = path.read_bytes()
        monkeypatch.setattr(kernels, "execute", lambda *_, **__: pytest.fail("it was executed"))
        with pytest.raises(
            ValueError, match=r"01_one.ipynb was edited .*jupytext --to py:percent .* delete 01_one.ipynb"
        ):
            commands.refresh(script)
        assert path.read_bytes() == content

    def test_the_ways_out_work(self, small):
        script = small / "chapters" / "01_one.py"
        path = script.with_suffix(".ipynb")
        edited = nbformat.read(path, 4)
        edited.cells[0].source += "\n\nA sentence."
        nbformat.write(edited, path)  # never refreshed: it is newer than the .py
        with pytest.raises(ValueError, match="was edited") as caught:
            commands.refresh(script)
        command = re.search(r"jupytext (--to \S+ -o \S+ \S+);", str(caught.value))[1].split()
        jupytext.cli.jupytext(["--quiet", *command[:3], *(str(small / name) for name in command[3:])])
        commands.refresh(script)
        assert "A sentence." in notebooks.in_step(script).cells[0].source

        edited.cells[0].source += "\n\nAnother."
        nbformat.write(edited, path)
        path.unlink()
        commands.refresh(script)
        assert "Another." not in notebooks.in_step(script).cells[0].source

    def test_a_script_edited_after_a_refresh_is_executed(self, small):
        script = small / "chapters" / "01_one.py"
        commands.refresh(script)
        script.write_text(CELLS.replace("d + 1", "d + 2"))
        os.utime(script, (1e9, 1e9))  # as a checkout might leave it: older than the notebook
        commands.refresh(script)
        assert notebooks.in_step(script)

    @pytest.mark.parametrize(
        "text",
        ["", "<<<<<<< ours\n{}\n=======", "{", "[]", "3", "{}", '{"cells": 3}', '{"cells": [], "nbformat": 99}', "\0"],
    )
    def test_a_broken_notebook_is_as_good_as_none(self, small, text):
        script = small / "chapters" / "01_one.py"
        script.with_suffix(".ipynb").write_text(text)
        with pytest.raises(ValueError, match=r"01_one.ipynb cannot be read as a notebook: make refresh CHAPTER=01"):
            notebooks.in_step(script)
        commands.refresh(script)
        assert notebooks.in_step(script).cells[1].outputs[0].text == "new"

    def test_a_place_that_cannot_be_written_is_found_before_the_work(self, small, monkeypatch):
        script = small / "chapters" / "01_one.py"
        script.with_suffix(".ipynb").unlink()
        script.with_suffix(".ipynb").mkdir()
        monkeypatch.setattr(kernels, "execute", lambda *_, **__: pytest.fail("it was executed"))
        with pytest.raises(ValueError, match=r"01_one.ipynb cannot be written: it is a folder"):
            commands.refresh(script)

    def test_a_full_disk_is_found_before_the_work_and_leaves_nothing(self, small, monkeypatch):
        def full(path, *_, **__):
            path.touch()
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(type(small), "write_text", full)
        monkeypatch.setattr(kernels, "execute", lambda *_, **__: pytest.fail("it was executed"))
        before = tree(small)
        with pytest.raises(ValueError, match=r"01_one.ipynb cannot be written: No space left on device"):
            commands.refresh(small / "chapters" / "01_one.py")
        assert tree(small) == before

    def test_ids_are_kept_and_never_twice(self, small):
        cells = notebooks.written(small / "chapters" / "01_one.py").cells
        previous = [nbformat.from_dict(cell | {"id": "same"}) for cell in cells]
        del previous[0]["id"]
        notebooks.keep_ids("01_one", cells, previous)
        ids = [cell.id for cell in cells]
        assert len(set(ids)) == len(ids) and "same" in ids


class TestOnlyWhatChanged:
    @pytest.fixture
    def executed(self, small, monkeypatch):
        """Both chapters are refreshed; from then on the names of those that are executed are noted."""
        assert commands.refresh_stale(chapters.scripts(small)) == []
        names = []

        def noted(notebook, *how, **more):
            names.append(next(cell.source for cell in notebook.cells if cell.cell_type == "code"))
            return execute(notebook, *how, **more)

        monkeypatch.setattr(kernels, "execute", noted)
        return names

    def test_nothing_changed(self, small, executed, capsys):
        capsys.readouterr()
        assert commands.refresh_stale(chapters.scripts(small)) == [] == executed
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[:2] for line in lines] == [["01_one", "skipped:"], ["02_two", "skipped:"]]
        commands.refresh_stale(chapters.scripts(small), everything=True)
        assert len(executed) == 2

    @pytest.mark.parametrize("kind", ["text", "claims", "packages", "notebook", "output lost"])
    def test_what_changed_is_executed_and_said(self, small, executed, capsys, kind):
        script = small / "chapters" / "01_one.py"
        if kind == "text":
            script.write_text(CELLS.replace("d + 1", "d + 2"))
        elif kind == "claims":
            (small / "chapters" / "claims.yml").write_text(CLAIM.replace("place: p", "place: q"))
        elif kind == "packages":
            (small / "requirements.txt").write_text("torch==3")
        elif kind == "notebook":
            script.with_suffix(".ipynb").unlink()
        else:
            make_pair(script)
        commands.refresh_stale(chapters.scripts(small))
        assert len(executed) == (2 if kind == "packages" else 1)
        said = {"claims": "to be executed: its text changed", "packages": "to be executed: the packages changed"}
        assert said.get(kind, "02_two") in capsys.readouterr().out

    def test_a_book_is_made_of_kept_runs(self, small, executed, capsys):
        commands.build()
        assert len(executed) == 2
        site = small / "_build" / "book" / "_build" / "html"
        shown = [cell.outputs for cell in notebooks.read(site / "01_one.ipynb").cells if cell.cell_type == "code"]
        assert [output.text for outputs in shown for output in outputs] == ["new"]  # and no warning
        before = (site / "01_one.ipynb").stat().st_mtime_ns
        commands.build()
        assert len(executed) == 2 and (site / "01_one.ipynb").stat().st_mtime_ns == before
        out = capsys.readouterr().out
        assert out.count("skipped: nothing that it depends on has changed since its run of 20") == 2
        assert "the site is kept: nothing on its pages has changed" in out
        commands.build(everything=True)
        assert len(executed) == 4

    def test_a_failure_costs_no_finished_chapter(self, small, executed, monkeypatch):
        make_pair(small / "chapters" / "02_two.py", CELLS.replace("d + 1", "fail"))
        working = kernels.execute
        monkeypatch.setattr(kernels, "execute", failing("fail", DeadKernelError("Kernel died")))
        with pytest.raises(SystemExit):
            commands.build()
        monkeypatch.setattr(kernels, "execute", working)
        commands.build()
        assert len(executed) == 1


class TestAtOnce:
    def test_cores_memory_and_jobs_decide(self, monkeypatch):
        monkeypatch.setattr(os, "cpu_count", lambda: 8)
        monkeypatch.setattr(commands.psutil, "virtual_memory", lambda: type("", (), {"available": 7e9}))
        monkeypatch.delenv("JOBS", raising=False)
        assert [commands.jobs(n) for n in (1, 2, 20)] == [1, 2, 3]
        monkeypatch.setenv("JOBS", "5")
        assert [commands.jobs(n) for n in (1, 20)] == [1, 5]
        for bad in ("0", "two", "-1", "1.5"):
            monkeypatch.setenv("JOBS", bad)
            with pytest.raises(ValueError, match="JOBS must be a positive integer"):
                commands.jobs(3)

    def test_two_at_once_share_the_cores(self, small, monkeypatch):
        meeting, shares = threading.Barrier(2, timeout=20), []
        monkeypatch.setenv("JOBS", "2")
        monkeypatch.setattr(os, "cpu_count", lambda: 6)

        def work(script, threads):
            meeting.wait()  # neither goes on before both have begun
            shares.append(threads)
            return notebooks.in_step(script)

        assert commands.each(chapters.scripts(small), work) == []
        assert shares == [3, 3]

    def test_one_alone_has_them_all(self, small):
        found = []

        def work(script, threads):
            found.append(threads)
            return notebooks.in_step(script)

        commands.each(chapters.scripts(small)[:1], work)
        assert found == [None]


class TestRun:
    def test_its_output_lies_in_the_runs_and_has_the_parameters(self, small, capsys):
        script = small / "chapters" / "01_one.py"
        commands.run(script, ["d=7 gammas=[0.1, 0.3]", "name='../../../x'"])
        (path,) = (small / "_build" / "runs").iterdir()
        page = f"        as a page: {path.with_suffix('.html')}"
        assert capsys.readouterr().out == f"Executed notebook: {path}\n{page}\n"
        assert ran.of(nbformat.read(path, 4))["parameters"] == {"d": 7, "gammas": [0.1, 0.3], "name": "../../../x"}
        cell = nbformat.read(path, 4).cells[2]
        assert cell.source == '# Parameters\nd = 7\ngammas = [0.1, 0.3]\nname = "../../../x"\n'
        assert cell.metadata.tags == ["injected-parameters"]

    def test_a_failed_run_leaves_nothing(self, small, monkeypatch):
        monkeypatch.setattr(kernels, "execute", failing("A chapter", DeadKernelError("Kernel died")))
        with pytest.raises(DeadKernelError):
            commands.run(small / "chapters" / "01_one.py", ["d=7"])
        assert tree(small / "_build") == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                lambda script: script.write_text(CELLS.replace("d + 1", "d + 2")),
                "the pair is out of step: 01_one.py and",
            ),
            (lambda script: script.with_suffix(".ipynb").unlink(), "01_one.ipynb is missing: make refresh CHAPTER=01"),
        ],
    )
    @pytest.mark.parametrize("command", ["run", "build"])
    def test_only_what_the_script_says_is_executed(self, small, capsys, change, message, command):
        script = small / "chapters" / "01_one.py"
        change(script)
        with pytest.raises((ValueError, SystemExit)) as caught:
            commands.run(script, []) if command == "run" else commands.build()
        assert message in str(caught.value) + capsys.readouterr().err


class TestBuild:
    @pytest.fixture
    def last(self, small):
        """The site of an earlier build."""
        index = small / "_build" / "book" / "_build" / "html" / "index.html"
        index.parent.mkdir(parents=True)
        index.write_text("the last one")
        return index

    def test_what_is_rendered_is_what_was_executed(self, monkeypatch, tmp_path, capsys):
        """The book itself; every verdict is changed by the execution."""
        monkeypatch.setattr(commands, "BUILD", tmp_path)
        rendered = []

        def undecided(notebook, *_, **__):
            for cell in notebook.cells:
                for output in cell.get("outputs", []):
                    if "claim" in output.get("metadata", {}):
                        output.metadata.claim["verdict"] = verdicts.UNDECIDED
            return notebook, kernels.Cost(1.0, None)

        monkeypatch.setattr(notebooks, "in_step", lambda script: notebooks.read(script.with_suffix(".ipynb")))
        monkeypatch.setattr(kernels, "execute", undecided)
        monkeypatch.setattr(commands, "render", lambda source: rendered.append(ledger.executed(source / "chapters")))
        before = ledger.executed(CHAPTERS)
        commands.build()
        (executed,) = rendered
        assert {report["verdict"] for reports in executed.values() for report in reports} == {verdicts.UNDECIDED}
        assert list(executed) == [script.stem for script in chapters.scripts()]
        assert ledger.executed(CHAPTERS) == before
        (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("07"))
        assert "thm-3.3: not decidable from the text" in line

    def test_nothing_else_takes_part_and_no_warning_is_published(self, small, last):
        (small / "chapters" / "01_one-Copy1.ipynb").write_text("{}")
        (small / "chapters" / "03_three.ipynb").write_text("{}")
        before = tree(small / "chapters")
        commands.build()
        assert tree(small / "_build" / "book" / "chapters") == ["01_one.ipynb", "02_two.ipynb", "claims.yml"]
        assert "TqdmWarning" not in (small / "_build" / "book" / "chapters" / "01_one.ipynb").read_text()
        assert not last.exists() and tree(small / "chapters") == before
        assert sorted(p.name for p in (small / "_build").iterdir() if p.name[0] != ".") == ["book", "executed"]

    @pytest.mark.parametrize(
        ("error", "why"),
        [
            (DeadKernelError("Kernel died"), "its kernel died: ended from outside, or out of memory"),
            (CellExecutionError("the traceback", "KeyError", "'x'"), "KeyError: 'x'"),
            (OSError(28, "No space left on device"), "No space left on device"),
        ],
    )
    def test_a_failing_chapter_does_not_cost_the_others(self, small, last, monkeypatch, capsys, error, why):
        make_pair(small / "chapters" / "01_one.py", CELLS.replace("d + 1", "fail"))
        monkeypatch.setattr(kernels, "execute", failing("fail", error))
        with pytest.raises(SystemExit) as caught:
            commands.build()
        out, err = capsys.readouterr()
        assert caught.value.code == 1
        assert out.startswith("02_two")
        assert re.search(rf"1 of 2 chapters failed:\n01_one FAILED after .* s: .*{re.escape(why)}\nno new site", err)
        assert last.read_text() == "the last one"

    @pytest.mark.parametrize("error", [SystemExit(130), KeyboardInterrupt(), ValueError("the site did not build")])
    @pytest.mark.parametrize("where", ["execute", "render"])
    def test_the_last_site_stays_until_the_new_one_is_complete(self, small, last, monkeypatch, error, where):
        if where == "execute":
            monkeypatch.setattr(kernels, "execute", failing("A chapter", error))
        else:
            monkeypatch.setattr(commands, "render", lambda source: (_ for _ in ()).throw(error))
        with pytest.raises((type(error), SystemExit)):
            commands.build()
        assert last.read_text() == "the last one"

    def test_an_end_between_the_two_renamings_is_mended(self, small, last, monkeypatch):
        (small / "_build" / "book").rename(small / "_build" / "book.old")
        monkeypatch.setattr(kernels, "execute", failing("A chapter", SystemExit(130)))
        with pytest.raises(SystemExit):
            commands.build()
        assert last.read_text() == "the last one"

    def test_two_at_once_are_told(self, small):
        with commands._beside(small / "_build" / "book") as new:
            with pytest.raises(ValueError, match=r"another process is making .*book"):
                commands.build()
            new.mkdir()

    def test_the_site_is_made_of_what_is_stored(self, small, capsys):
        index = small / "_build" / "html" / "01_one.ipynb"
        index.parent.mkdir(parents=True)
        index.write_text("the last one")
        (small / "chapters" / "01_one-Copy1.ipynb").write_text("{}")
        commands.site()
        assert tree(small / "_build" / "html") == ["01_one.ipynb", "02_two.ipynb", "claims.yml"]
        assert index.read_bytes() == (small / "chapters" / "01_one.ipynb").read_bytes()
        assert index.with_name("index.html").as_uri() in capsys.readouterr().out
        assert [path.name for path in (small / "_build").iterdir() if not path.name.startswith(".")] == ["html"]


def test_a_line_tells_name_time_and_verdicts(small):
    notebook = notebooks.in_step(small / "chapters" / "01_one.py")
    assert re.fullmatch(r"01_one +2\.0 s   no claims", commands.line("01_one", 2, notebook))
    assert claims.reports(notebook) == []


class TestWithAKernel:
    """The program as it is called, in a copy of the code that belongs to the small book."""

    @pytest.fixture
    def program(self, small):
        shutil.copytree(ROOT / "tools", small / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "src", small / "src", ignore=shutil.ignore_patterns("__pycache__"))
        return small

    @staticmethod
    def call(program, *arguments, **environment):
        return subprocess.Popen(
            [sys.executable, program / "tools" / "book.py", *arguments],
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def chapter(self, program, cell):
        make_pair(program / "chapters" / "01_one.py", CELLS.replace("d + 1", cell))

    def test_the_environment_does_not_matter(self, program, tmp_path):
        foreign = tmp_path / "foreign"
        for path, text in {
            "src/__init__.py": "raise ImportError('foreign')",
            "kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "foreign", "language": "python"}',
            "profile_default/startup/start.py": "d_ = 3; raise SystemExit",
            "start.py": "foreign = True",
        }.items():
            (foreign / path).parent.mkdir(parents=True, exist_ok=True)
            (foreign / path).write_text(text)
        self.chapter(
            program,
            "import os, src\n"
            "import matplotlib.pyplot as plt\n"
            "assert 'd_' not in globals() and 'foreign' not in globals()\n"
            "print(src.__file__, os.environ['BOOK_DATA'])\n"
            "plt.plot([1, 2])",
        )
        names = ("PYTHONPATH", "JUPYTER_PATH", "IPYTHONDIR")
        process = self.call(
            program, "refresh", "01", **dict.fromkeys(names, str(foreign)), MPLBACKEND="Agg", PIP_USER="1",
            PYTHONSTARTUP=str(foreign / "start.py"), BOOK_DATA="my/data",
        )  # fmt: skip
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "") and out.startswith("01_one")
        printed, *_, shown = notebooks.in_step(program / "chapters" / "01_one.py").cells[2].outputs
        assert printed.text.split() == [str(program / "src" / "__init__.py"), os.path.abspath("my/data")]
        assert "image/png" in shown.data

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_an_interrupted_run_ends_in_one_line(self, program, tmp_path, number, code):
        mark = tmp_path / "pid"
        self.chapter(program, f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)")
        process = self.call(program, "run", "01")
        while not (mark.exists() and mark.read_text()):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err.strip()) == (code, "", "interrupted")
        with pytest.raises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)
        assert tree(program / "_build" / "runs") == []

    def test_an_interrupt_during_the_imports_ends_in_one_line_too(self, program, tmp_path):
        mark, slow = tmp_path / "mark", program / "tools" / "chapters.py"
        slow.write_text(f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)\n")
        process = self.call(program, "run", "01")
        while not mark.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err.strip()) == (130, "", "interrupted")

    def test_a_killed_kernel_ends_in_one_line(self, program):
        self.chapter(program, "import os\nos.kill(os.getpid(), 9)")
        process = self.call(program, "run", "01")
        out, err = process.communicate(timeout=20)
        assert process.returncode == 1 and out == ""
        assert re.fullmatch(
            r"01_one FAILED after \S+ s: its kernel died: ended from outside, or out of memory", err.strip()
        )

    @pytest.mark.parametrize("fails", [False, True])
    def test_what_a_kernel_says_to_nobody_is_shown_if_it_fails(self, program, fails):
        """As a library does that aborts in its destructors when the kernel has done everything."""
        own = "import os\nos.write(2, b'Assertion failed\\n')"  # ipykernel watches 2, but not below pytest
        self.chapter(program, own + "\nos.kill(os.getpid(), 9)" * fails)
        process = self.call(program, "run", "01")
        err = process.communicate(timeout=20)[1]
        assert process.returncode == fails and err.startswith("Assertion failed" * fails) and bool(err) == fails

    def test_a_copy_runs_its_own_code_from_any_folder(self, program, tmp_path):
        copy = shutil.copytree(program, tmp_path / "a copy, ünd so", dirs_exist_ok=True)
        self.chapter(copy, "import src\nprint(src.__file__)")
        other = tmp_path / "elsewhere"
        (other / "src").mkdir(parents=True)
        (other / "src" / "__init__.py").write_text("raise ImportError('another src')")
        command = [sys.executable, copy / "tools" / "book.py", "run", "01"]
        done = subprocess.run(command, cwd=other, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (path,) = (copy / "_build" / "runs").glob("*.ipynb")
        assert nbformat.read(path, 4).cells[2].outputs[0].text.strip() == str(copy / "src" / "__init__.py")
        took = ran.of(nbformat.read(path, 4))
        assert took["seconds"] > 0.3 and took["memory"] > 2e7  # a kernel holds more than 20 MB

    @pytest.mark.parametrize("arguments", [["run", "99"], ["run", "01", "d"], ["refresh", "x"], ["run", "01", "b;c=1"]])
    def test_a_bad_command_is_one_sentence(self, program, arguments):
        process = self.call(program, *arguments)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 1 and out == "" and len(err.strip().splitlines()) == 1
