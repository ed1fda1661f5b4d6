"""Check a chapter's parameters, whoever set them.

Papermill only warns about a parameter that a notebook does not know and runs on with the defaults. The cell
after a chapter's parameters cell therefore calls :func:`check`, which stops the run at the top instead:

    parameters.check(globals(), d=range(3, 3001), eta=checks.between(0, 1), device=("auto", "cpu", "cuda"))

What a parameter may be is said as in :func:`src.checks.check_value`.
"""

import difflib

from src import checks

_PLAIN = (bool, int, float, str, list, tuple, dict, type(None))  # what papermill can inject
_IPYTHON = {"In", "Out"}


def check(namespace, **allowed):
    """Raise unless the parameters in ``namespace`` are exactly those in ``allowed``, with allowed values.

    ``namespace`` is the chapter's ``globals()`` right after its parameters cell: every public plain value there
    counts as a parameter, so constants come later (and ``import math``, not ``from math import pi``).

    Raises ValueError for an unknown or missing parameter and a value out of range, TypeError for a wrong type.
    """
    given = {
        name: value
        for name, value in namespace.items()
        if not name.startswith("_") and name not in _IPYTHON and isinstance(value, _PLAIN)
    }
    takes = "This chapter takes: " + ", ".join(allowed) + "."
    for name in given.keys() - allowed.keys():
        near = difflib.get_close_matches(name, allowed, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"unknown parameter {name!r}{hint}. {takes}")
    for name in allowed.keys() - given.keys():
        raise ValueError(f"parameter {name!r} is checked but the parameters cell does not set it. {takes}")
    for name, value in given.items():
        checks.check_value(f"parameter {name!r}", value, allowed[name])
