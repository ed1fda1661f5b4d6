"""Bad values for every parameter of every chapter, and what the chapters say to them.

`python -m tests.book.bad_parameters` tries all of them; no kernel, and nothing that the set-up cells import.
"""

import ast
import math
import random
from typing import NamedTuple

import jupytext

from tools import chapters

WRONG = [None, math.nan, math.inf, -math.inf, -1, 0, 10**18, 1e300, True, "", "nonsense", {"a": 1}]  # for anything
MAY_BE_ZERO = {"seed", "seeds", "trace", "digits"}  # a seed, a sum that may cancel, a digit
MAY_BE_NEGATIVE = {"trace"}
FREE_TEXT = {"folder"}


class Case(NamedTuple):
    chapter: str
    parameter: str
    value: object


class Outcome(NamedTuple):
    """Cases refused by a sentence that names the parameter, refused otherwise, accepted, and wrongly accepted."""

    refused: list
    unclear: list
    accepted: list
    wrong: list


def head(script):
    """A chapter's cell of parameters, and its set-up up to the first import after the check, as code to execute."""
    cells = [cell for cell in jupytext.read(script, fmt="py:percent").cells if cell.cell_type == "code"]
    body = ast.parse(cells[1].source).body
    check = next(k for k, line in enumerate(body) if "parameters.check(" in ast.unparse(line))
    end = next(k for k in range(check, len(body)) if isinstance(body[k], ast.Import | ast.ImportFrom))
    return cells[0].source, compile(ast.Module(body[:end], []), f"<{script.stem}>", "exec")


def defaults(source):
    """The parameters and their values, as a cell of parameters assigns them."""
    namespace = {}
    exec(source, namespace)
    return {line.target.id: namespace[line.target.id] for line in ast.parse(source).body}


def values(default):
    """What is tried for a parameter of this default: wrong values, the default in another type, lists that hold one."""
    if isinstance(default, list):
        yield from (*WRONG, default[0], [], [default], [[]])
        yield from ([default[0], value] for value in (*WRONG, str(default[0])))
    else:
        yield from (*WRONG, [default], [], str(default) if not isinstance(default, str) else [1])
        if type(default) is int:
            yield from (default + 0.5, float(default))


def may_pass(name, default, value):
    """Whether nobody can blame a chapter that takes this value: it has the default's type, and is finite and usable."""
    if isinstance(default, list):
        return isinstance(value, list) and bool(value) and all(may_pass(name, default[0], entry) for entry in value)
    if isinstance(default, bool | str):
        return type(value) is type(default) and (isinstance(value, bool) or name in FREE_TEXT)
    if isinstance(value, bool) or not isinstance(value, int if isinstance(default, int) else int | float):
        return False
    low = value > 0 or (value == 0 and name in MAY_BE_ZERO) or (value < 0 and name in MAY_BE_NEGATIVE)
    return low and value < 10**9


def cases():
    """Every case of every chapter, with the code that is to refuse it."""
    for script in chapters.scripts():
        source, code = head(script)
        given = defaults(source)
        for name, default in given.items():
            for value in values(default):
                if repr(value) != repr(default):
                    yield Case(script.stem, name, value), given, source, code


def run(fraction=1.0, seed=0):
    """Try a random fraction of the cases; the Outcome."""
    chance, outcome = random.Random(seed), Outcome([], [], [], [])
    for case, given, source, code in cases():
        if chance.random() >= fraction:
            continue
        namespace = given | {case.parameter: case.value, "In": ["", source, f"# Parameters\n{case.parameter} = ...\n"]}
        try:
            exec(code, namespace)
        except Exception as error:
            text = str(error)
            clear = isinstance(error, ValueError | TypeError) and f"'{case.parameter}'" in text and "\n" not in text
            (outcome.refused if clear else outcome.unclear).append((case, f"{type(error).__name__}: {text}"))
        else:
            fair = may_pass(case.parameter, given[case.parameter], case.value)
            (outcome.accepted if fair else outcome.wrong).append(case)
    return outcome


if __name__ == "__main__":
    found = run()
    for kind in ("unclear", "accepted", "wrong"):
        print(kind, *getattr(found, kind), sep="\n  ")
    print(*(f"{len(cases)} {kind}" for kind, cases in found._asdict().items()), sep=", ")
