"""Every package is pinned once, and what a front end installs is what the book installs."""

import re
import subprocess
import sys

import pytest
from conftest import ROOT

FILES = tuple(f"requirements{kind}.txt" for kind in ("", "-browser", "-cluster", "-lab"))


def pins(name):
    lines = [line.partition("#")[0].partition(";")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("-")]


def test_every_package_is_pinned_once():
    every = [line for name in FILES for line in pins(name)]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in every)
    names = [re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in every]
    assert {name for name in names if names.count(name) > 1} == set()


@pytest.mark.parametrize("name", [".binder/requirements.txt"])
def test_a_front_end_installs_what_the_book_installs(name):
    """Nothing more is asked for than is here already: pip, without an index, finds all of it."""
    here = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-build-isolation", "-r", name]
    done = subprocess.run(here, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
