"""The Makefile: when the environment is made again, and what reaches the programs.

Python is a stand-in here, a script that makes `.venv/bin/python` out of itself and writes down how it was called.
"""

import os
import shutil
import subprocess

import pytest
from conftest import ROOT

PYTHON = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
*" -m venv "* | "-m venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
for name in PYTHONPATH MPLBACKEND JUPYTER_PATH PIP_USER; do
    eval "value=\\$$name"
    test -z "$value" || echo "$name reached $*" >> "$LOG"
done
for argument; do echo "<$argument>" >> "$LOG.arguments"; done
"""
FILES = ("Makefile", "requirements.txt", "constraints.txt", "pyproject.toml")


class Folder:
    """A folder with the Makefile, and what was called there."""

    def __init__(self, path, log):
        self.path, self.log = path, log

    def make(self, *arguments, code=0, **environment):
        """Call make; what the stand-in was called with, a line each."""
        self.log.write_text("")
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.path,
            env=os.environ | {"PYTHON": str(self.log.with_name("python3")), "LOG": str(self.log)} | environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        self.said = done.stdout + done.stderr
        return self.log.read_text().splitlines()

    def installs(self, *arguments):
        """Whether make installs before it does anything else."""
        return any("pip install" in line for line in self.make(*(arguments or ("lint",))))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "the book"
    path.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, path)
    (path / "tools").mkdir()
    (path / "tools" / "browser.sh").write_text("#!/bin/sh\n")  # the real one installs
    (path / "tools" / "browser.sh").chmod(0o755)
    (tmp_path / "python3").write_text(PYTHON)
    (tmp_path / "python3").chmod(0o755)
    return Folder(path, tmp_path / "log")


def test_the_second_call_installs_nothing(folder):
    assert folder.installs()
    assert not folder.installs()
    assert not folder.installs("run", "CHAPTER=1")


def test_a_requirement_from_the_future_installs_once(folder):
    os.utime(folder.path / "requirements.txt", (4e9, 4e9))
    assert folder.installs()
    assert not folder.installs()


@pytest.mark.parametrize("name", FILES[1:])
def test_a_changed_requirement_installs_again(folder, name):
    assert folder.installs()
    path = folder.path / name
    before = path.stat().st_mtime
    path.write_text(path.read_text() + "\n# changed\n")
    os.utime(path, (before, before))
    assert folder.installs()
    assert not folder.installs()


def test_a_moved_book_gets_a_new_environment(folder, tmp_path):
    folder.make("lint")
    (folder.path / ".venv" / "old").touch()
    moved = Folder(folder.path.rename(tmp_path / "moved"), folder.log)
    assert moved.installs()
    assert not (moved.path / ".venv" / "old").exists()
    assert not moved.installs()


def test_a_copied_book_gets_its_own_and_leaves_the_other_alone(folder, tmp_path):
    folder.make("lint")
    (folder.path / ".venv" / "old").touch()
    copy = Folder(shutil.copytree(folder.path, tmp_path / "copy", symlinks=True), folder.log)
    assert copy.installs()
    assert not (copy.path / ".venv" / "old").exists()
    assert (folder.path / ".venv" / "old").exists() and not folder.installs()


def test_a_linked_environment_is_used_as_it_is_or_not_at_all(folder, tmp_path):
    folder.make("lint")
    clone = Folder(tmp_path / "clone", folder.log)
    shutil.copytree(folder.path, clone.path, ignore=shutil.ignore_patterns(".venv"))
    (clone.path / ".venv").symlink_to(folder.path / ".venv")
    assert not clone.installs()
    (clone.path / "requirements.txt").write_text("another")
    assert clone.make("lint", code=2) == ["-c import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"]
    assert ".venv is a link to an environment with other packages: remove it" in clone.said
    assert (folder.path / ".venv" / "bin" / "python").exists()


def test_an_interrupted_installation_is_made_again(folder):
    folder.make("lint")
    (folder.path / ".venv" / ".installed").unlink()
    assert folder.installs()
    (folder.path / ".venv" / "bin" / "python").unlink()
    assert folder.installs()


def test_nothing_set_outside_reaches_python(folder):
    names = ("PYTHONPATH", "MPLBACKEND", "JUPYTER_PATH", "PIP_USER")
    for target in ("lint", "book", "site", "test", "refresh", "bench", "stress"):
        assert not [line for line in folder.make(target, **dict.fromkeys(names, "1")) if "reached" in line]


def test_settings_arrive_as_they_were_typed(folder):
    folder.make("run", "CHAPTER=12", "P=gammas=[0.1, 0.3] name='my runs' $$HOME;*")
    arguments = folder.log.with_name("log.arguments").read_text().splitlines()
    assert arguments[-4:] == ["<tools/book.py>", "<run>", "<12>", "<gammas=[0.1, 0.3] name='my runs' $HOME;*>"]
    assert folder.make("run", code=2) == [] and "say which chapter" in folder.said


def test_help_lists_the_targets(folder):
    folder.make("help")
    for target in ("book", "test", "site", "run", "refresh", "bench", "lint", "stress"):
        assert f"make {target} " in folder.said
