"""What can be taken along is whole: the zip holds what the repository holds, and unpacks to a book."""

import subprocess
import zipfile

import pytest
from conftest import ROOT

from src.book import downloads


def test_the_zip_holds_what_the_repository_holds(tmp_path):
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("the book lies in no git repository here")
    tracked = {name for name in done.stdout.split("\0") if name and (ROOT / name).exists()}
    path = tmp_path / "book.zip"
    downloads.write_zip(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = {name.removeprefix("book/") for name in archive.namelist()}
        assert tracked <= names
        assert archive.read("book/src/model/population.py") == (ROOT / "src/model/population.py").read_bytes()
        assert archive.getinfo("book/.ci/run").external_attr >> 16 == 0o755
    assert not [name for name in names if "__pycache__" in name or "/raw/" in name or ".venv" in name]
    again = tmp_path / "again.zip"
    downloads.write_zip(again)
    assert again.read_bytes() == path.read_bytes()


def test_what_lies_around_stays_out(tmp_path):
    kept = {"Makefile", "README.md", ".ci/run", "chapters/01_a.py", "data/recorded/.gitkeep", "requirements.txt"}
    for name in kept | {"data/raw/x", "src/__pycache__/a.pyc", "_build/x", "chapters/.ipynb_checkpoints/a", ".venv/x"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert {path.as_posix() for path in downloads.files(tmp_path)} == kept
