"""Grids as they are typed."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import grids

KNOWN = ["trace", "seed", "gammas", "dataset"]


@pytest.mark.parametrize(
    ("text", "grid"),
    [
        ("trace=-10,-14.5,-18.75 seed=0:3", {"trace": [-10, -14.5, -18.75], "seed": [0, 1, 2]}),
        ("seed=0:10:5", {"seed": [0, 5]}),
        ("trace=1e-4", {"trace": [1e-4]}),
        ("gammas=[[0.1, 0.2], [1e-3]]", {"gammas": [[0.1, 0.2], [1e-3]]}),
        ("dataset=embedded,full", {"dataset": ["embedded", "full"]}),
    ],
)
def test_what_is_typed_is_what_is_meant(text, grid):
    assert grids.read(text, KNOWN) == grid


@given(st.lists(st.integers(-999, 999) | st.floats(-1e3, 1e3), min_size=1), st.integers(-50, 50), st.integers(1, 50))
def test_numbers_and_ranges_come_back(values, start, length):
    text = f"trace={','.join(map(repr, values))} seed={start}:{start + length}"
    assert grids.read(text, KNOWN) == {"trace": values, "seed": list(range(start, start + length))}


def test_a_file_holds_the_same(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text("trace: [-10, 1e-4]\nseed: [0, 1]\n")
    assert grids.read(str(path), KNOWN) == {"trace": [-10, 1e-4], "seed": [0, 1]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the grid is empty"),
        ("trase=1,2", r"unknown parameter 'trase' \(did you mean 'trace'\?\)"),
        ("trace=", "axis 'trace' of the grid has no value"),
        ("trace=,", "axis 'trace' of the grid has no value"),
        ("seed=3:3", "axis 'seed' of the grid has no value"),
        ("seed=0:9:0", "axis 'seed' of the grid has a step of 0"),
        ("seed=1 seed=2", "axis 'seed' of the grid is there twice"),
        ("seed", "'seed' is no axis of a grid"),
        ("gammas=[1, 2", "left open"),
        ("seed=0:1000000", "1,000,000 points, more than 100,000: FORCE=1"),
        ("seed=0:1000 trace=" + ",".join(map(str, range(1000))), "1,000,000 points"),
        ("missing.yaml", r"missing.yaml cannot be read as YAML: .*No such file"),
    ],
)
def test_no_grid_is_one_sentence(text, message):
    with pytest.raises(ValueError, match=message):
        grids.read(text, KNOWN)


@pytest.mark.parametrize("content", ["[1, 2]", "3", "seed: 3", "a: {b: 1}", "seed: [1\n", "\0"])
def test_no_file_of_lists_is_one_sentence(tmp_path, content):
    (tmp_path / "grid.yml").write_text(content)
    with pytest.raises(ValueError, match=r"grid.yml (must hold lists by name|cannot be read as YAML)"):
        grids.read(str(tmp_path / "grid.yml"), KNOWN)


def test_force_allows_a_million():
    grid = grids.read("seed=0:1000000", KNOWN, force=True)
    assert math.prod(map(len, grid.values())) == 10**6 and json.dumps(grid["seed"][:2]) == "[0, 1]"
