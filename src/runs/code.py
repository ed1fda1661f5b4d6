"""The code that a run ran: a digest that a change of prose does not move."""

import ast
import hashlib
import io
import tokenize
from functools import cache
from pathlib import Path

SRC = Path(__file__).resolve().parents[1]
ROOMS = ("model", "dynamics", "theory", "experiments", "companions")  # what computes a number


def digest(module):
    """SHA-256 of `module` ("src.theory.how_far") and all that it imports from ROOMS, without comments and docstrings.

    Taken once in a process, as the code that runs is the one that was imported. Raises ValueError for a module that is
    not of ROOMS.
    """
    _check(module)
    return _digest(module)


@cache
def _digest(module):
    total = hashlib.sha256()
    for name in modules(module):
        total.update(f"{name}\n{bare(_path(name).read_text(encoding='utf-8'))}\n".encode())
    return total.hexdigest()


def of(thing):
    """The `digest` of the module of an object's class, or None for a class that is not of ROOMS."""
    module = type(thing).__module__
    return digest(module) if _counts(module) else None


def modules(module):
    """The names, sorted, of `module` and of all modules of ROOMS that it imports, directly or not."""
    _check(module)
    found, new = set(), {module}
    while new:
        found |= new
        new = {name for one in new for name in _imported(one) if _counts(name)} - found
    return sorted(found)


def bare(source):
    """Python source without comments, docstrings and blank lines."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            text = node.body[0]
            for row in range(text.lineno - 1, text.end_lineno):
                lines[row] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _imported(module):
    for node in ast.walk(ast.parse(_path(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _check(module):
    if not isinstance(module, str) or not _counts(module):
        raise ValueError(f"module must be one of {', '.join(f'src.{room}' for room in ROOMS)}, not {module!r}")


def _counts(module):
    parts = module.split(".")
    return len(parts) == 3 and parts[0] == "src" and parts[1] in ROOMS and _path(module).exists()


def _path(module):
    return SRC.joinpath(*module.split(".")[1:]).with_suffix(".py")
