"""The house of `src`: which room may use which. Imports go down only."""

import ast
from pathlib import Path

import pytest
from conftest import ROOT

SRC = ROOT / "src"
UNDER_ALL = {"checks", "products", "threads", "verdicts"}
MAY_USE = {
    "model": set(),
    "runs": set(),
    "dynamics": {"model", "runs"},
    "theory": {"model", "dynamics", "runs"},
    "experiments": {"model", "dynamics", "runs"},
    "companions": {"model", "dynamics", "theory", "experiments", "runs"},
    "book": {"runs"},
}
LONGEST = 280  # lines; beyond about 250 a module is two modules


def modules():
    return sorted(SRC.rglob("*.py"))


def uses(path):
    """The rooms (or modules under all rooms) that a module imports from `src`, its own room left out."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "src":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("src.")}
    return found - {room(path)}


def room(path):
    parts = path.relative_to(SRC).parts
    return parts[0] if len(parts) > 1 else Path(parts[0]).stem


def test_the_rooms_are_those_that_are_listed():
    assert {path.name for path in SRC.iterdir() if (path / "__init__.py").exists()} == set(MAY_USE)
    assert {path.stem for path in SRC.glob("*.py")} == UNDER_ALL | {"__init__"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SRC)))
def test_imports_go_down_only(path):
    allowed = UNDER_ALL | MAY_USE.get(room(path), set())
    assert uses(path) <= allowed, f"{path.relative_to(ROOT)} may use {', '.join(sorted(allowed))}"


def test_the_order_of_the_rooms_has_no_circle():
    below, left = set(), dict(MAY_USE)
    while left:
        free = {name for name, needs in left.items() if needs <= below}
        assert free, f"a circle among {', '.join(left)}"
        below |= free
        left = {name: needs for name, needs in left.items() if name not in free}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SRC)))
def test_a_module_is_not_too_long(path):
    assert len(path.read_text().splitlines()) <= LONGEST


def test_every_room_of_src_has_its_tests():
    assert {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py"))} >= set(
        MAY_USE
    )
