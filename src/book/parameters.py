"""Check a chapter's parameters, whoever set them.

Papermill only warns about a parameter that a notebook does not know and runs on with the defaults. The cell
after a chapter's parameters cell therefore calls :func:`check`, which stops the run at the top instead:

    parameters.check(globals(), d=range(3, 3001), eta=checks.between(0, 1), device=("auto", "cpu", "cuda"))

What a parameter may be is said as in :func:`src.checks.check_value`.
"""

import ast
import difflib

from src import checks


def check(namespace, **allowed):
    """Raise unless the chapter's parameters are exactly those in ``allowed``, with allowed values.

    ``namespace`` is the chapter's ``globals()``. Its parameters are what the parameters cell assigns, and what
    papermill's cell after it assigns; whatever else is defined does not matter, so that a chapter can be run twice
    in one kernel. Call it before the imports, which could take a parameter's name.

    Raises ValueError for an unknown or missing parameter and a value out of range, TypeError for a wrong type.
    """
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


def _assigned(history):
    """The names that the last parameters cell in the kernel's history and the cells of assignments after it assign.

    None where the history holds no parameters cell.
    """
    found = []
    for source in reversed(history):
        annotated, names = _names(source)
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
