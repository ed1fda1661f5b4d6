"""The parameter files say what was entered a second time, by hand: a mistyped one is seen, whatever its chapter."""

from pathlib import Path

import pytest
import yaml
from conftest import CHAPTERS

PINNED = yaml.safe_load(Path(__file__).with_name("parameters.yml").read_text())
FILES = sorted((CHAPTERS / "parameters").glob("*/*.yaml"))


def test_every_file_is_pinned():
    assert {f"{path.parent.name}/{path.stem}" for path in FILES} == set(PINNED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_file_says_what_was_pinned(path):
    assert (yaml.safe_load(path.read_text()) or {}) == PINNED[f"{path.parent.name}/{path.stem}"]
