"""Check a chapter's parameters, whoever set them.

Papermill only warns about a parameter that a notebook does not know and runs on with the defaults. The cell
after a chapter's parameters cell therefore calls :func:`check`, which stops the run at the top instead:

    parameters.check(globals(), d=range(3, 3001), eta=checks.between(0, 1), device=("auto", "cpu", "cuda"))

What a parameter may be is said as in :func:`src.checks.check_value`, and :func:`require` says what parameters may be
together. Papermill writes the *names* of parameters into a cell as it finds them: those of a file that someone else
wrote are code, which runs before it can be checked here (`make run` refuses names that are no parameters).
"""

import ast
import difflib
import itertools
import math
from pathlib import Path

from src import checks


def check(namespace, **allowed):
    """Raise unless the chapter's parameters are exactly those in ``allowed``, with allowed values.

    ``namespace`` is the chapter's ``globals()``. Its parameters are what the parameters cell assigns, and what
    papermill's cell after it assigns; whatever else is defined does not matter, so that a chapter can be run twice
    in one kernel. Call it before the imports, which could take a parameter's name.

    Raises ValueError for an unknown or missing parameter and a value out of range, TypeError for a wrong type, and
    ImportError where the current folder belongs to another copy of the book than this code does.
    """
    _check_folder(Path.cwd())
    takes = "This chapter takes: " + ", ".join(allowed) + "."
    given = _assigned(namespace.get("In", []))
    if given is None:  # a kernel that keeps no history, as nbval's
        given = [name for name in allowed if name in namespace]
    for name in given:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"unknown parameter {name!r}{hint}. {takes}")
    for name, values in allowed.items():
        if name not in given:
            raise ValueError(f"parameter {name!r} is checked but the parameters cell does not set it. {takes}")
        checks.check_value(f"parameter {name!r}", namespace[name], values)


def paley(low, high):
    """What may be a dimension from `low` to `high` - 1 for which Paley's matrix exists: a prime of the form 4k + 3."""

    def check_paley(name, value):
        checks.check_value(name, value, range(low, high))
        if value % 4 != 3 or any(value % k == 0 for k in range(3, math.isqrt(value) + 1, 2)):
            raise ValueError(f"{name} must be a prime of the form 4k + 3, as 7, 103 or 1499; got {value}")

    return check_paley


def increasing(allowed):
    """What may be a list whose entries are `allowed` and increase."""

    def check_increasing(name, value):
        checks.check_value(name, value, checks.each(allowed))
        if any(one >= two for one, two in itertools.pairwise(value)):
            raise ValueError(f"{name} must increase from each entry to the next; got {value}")

    return check_increasing


def require(condition, sentence):
    """Raise ValueError with the sentence, which names the culprit, unless the condition on several parameters holds."""
    if not condition:
        raise ValueError(sentence)


def _check_folder(folder):
    """Raise ImportError where the folder, or one above it, holds a copy of the book that this code is not part of."""
    for above in (folder, *folder.parents):
        other = above / "src" / "book" / "parameters.py"
        if other.is_file():
            if not other.samefile(__file__):
                raise ImportError(
                    f"this folder belongs to the book in {above}, but its code would be taken from "
                    f"{Path(__file__).parents[2]}: use the environment that `make book` makes in {above}"
                )
            return


def _assigned(history):
    """The names that the last parameters cell in the kernel's history and the cells of assignments after it assign.

    None where the history holds no parameters cell. Raises ValueError where papermill's cell does anything else.
    """
    found = []
    for source in reversed(history):
        annotated, names = _names(source)
        if names is None and source.startswith("# Parameters\n"):
            raise ValueError(f"the name of a parameter must be a name, not code; papermill was given\n{source}")
        found = names + found if names is not None else []
        if annotated:
            return found
    return None


def _names(source):
    """(whether a cell is a parameters cell, the names it assigns): None for a cell that does anything else."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False, None
    if not all(isinstance(line, ast.Assign | ast.AnnAssign) for line in body):
        return False, None
    targets = [target for line in body for target in (line.targets if isinstance(line, ast.Assign) else [line.target])]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return any(isinstance(line, ast.AnnAssign) for line in body), names
