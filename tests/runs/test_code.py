"""The digest of the code that a run ran: prose does not move it, everything else does."""

import pytest

from src.runs import code

SOURCE = '''"""What it does."""

import math  # for pi


def area(r):
    """Of a disc,
    pi r^2."""
    # exact

    return math.pi * r**2  # "r" is the radius


LABEL = "# no comment"
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("What it does", "What this does", True),
        ("# exact", "# up to rounding", True),
        ("    # exact\n", "", True),
        ("Of a disc,\n", "Of a disc of radius r, in its units,\n", True),
        ("  # for pi", "", True),
        ("r**2", "r**3", False),
        ("# no comment", "# a comment", False),
        ("return", "yield", False),
    ],
)
def test_prose_does_not_count(old, new, same):
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    assert (code.bare(changed) == code.bare(SOURCE)) == same


def test_the_modules_are_those_that_compute(tmp_path, monkeypatch):
    found = code.modules("src.theory.how_far")
    assert {"src.theory.how_far", "src.theory.search", "src.model.population"} <= set(found)
    assert not any(name.startswith(("src.runs", "src.book", "src.checks")) for name in found)


def test_every_module_of_src_has_a_digest():
    for path in code.SRC.glob("*/*.py"):
        if path.parent.name in code.ROOMS and path.stem != "__init__":
            assert len(code.digest(f"src.{path.parent.name}.{path.stem}")) == 64


def test_a_changed_import_changes_the_digest(tmp_path, monkeypatch):
    room = tmp_path / "model"
    room.mkdir()
    (room / "one.py").write_text("from src.model import two\n")
    (room / "two.py").write_text("FACTOR = 1\n")
    monkeypatch.setattr(code, "SRC", tmp_path)
    before = code._digest.__wrapped__("src.model.one")
    (room / "two.py").write_text("FACTOR = 1  # of one\n")
    assert code._digest.__wrapped__("src.model.one") == before
    (room / "two.py").write_text("FACTOR = 2\n")
    assert code._digest.__wrapped__("src.model.one") != before


@pytest.mark.parametrize("module", ["src.runs.files", "src.model.nothing", "numpy", "src.model", 3])
def test_other_modules_are_refused(module):
    with pytest.raises(ValueError, match=r"module must be one of src\.model, src\.dynamics"):
        code.modules(module)
