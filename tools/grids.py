"""Grids as they are typed: ``trace=-10,-14.5,-18.75 seed=0:5``, or a YAML file of lists by name."""

import math
import re
from pathlib import Path

import yaml
from papermill.iorw import NoDatesSafeLoader

from src.runs import sweeps
from tools import settings

_RANGE = re.compile(r"(-?\d+):(-?\d+)(?::(\d+))?")  # start:stop or start:stop:step, the stop left out


def read(text, known, force=False):
    """{name: values} of a grid over some of the parameters `known`. Raises ValueError, in one sentence, for no grid.

    An axis is `name=a,b,c`, `name=start:stop` or a YAML list in brackets; numbers are read as papermill reads them.
    force: allow more than `sweeps.MOST` points.
    """
    text = text.strip()
    grid = _file(Path(text)) if re.search(r"\.ya?ml$", text) else _typed(text)
    if not grid:
        raise ValueError('the grid is empty: write GRID="name=a,b,c other=0:5", or the name of a YAML file of lists')
    for name, values in grid.items():
        settings.check_name(name, known)
        if not values:
            raise ValueError(f"axis {name!r} of the grid has no value")
    points = math.prod(map(len, grid.values()))
    if points > sweeps.MOST and not force:
        raise ValueError(f"the grid has {points:,} points, more than {sweeps.MOST:,}: FORCE=1 allows them")
    return grid


def _file(path):
    try:
        grid = yaml.load(path.read_text(encoding="utf-8"), NoDatesSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"the grid {path} cannot be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(grid, dict) or not all(isinstance(v, list) for v in grid.values()):
        raise ValueError(f"the grid {path} must hold lists by name")
    return {str(name): settings.numbers(values) for name, values in grid.items()}


def _typed(text):
    grid = {}
    for piece in settings.pieces(text):
        name, equals, values = piece.partition("=")
        if not equals:
            raise ValueError(f"{piece!r} is no axis of a grid: write name=a,b,c or name=start:stop")
        if name in grid:
            raise ValueError(f"axis {name!r} of the grid is there twice")
        grid[name] = _values(name, values)
    return grid


def _values(name, text):
    if found := _RANGE.fullmatch(text):
        start, stop, step = (int(part) if part else 1 for part in found.groups())
        if step == 0:
            raise ValueError(f"axis {name!r} of the grid has a step of 0")
        return list(range(start, stop, step))
    if text.startswith("["):
        found = settings.value(name, text)
        return found if isinstance(found, list) else [found]
    return [settings.value(name, part) for part in text.split(",") if part]
