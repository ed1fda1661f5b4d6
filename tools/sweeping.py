"""A chapter over a grid of its parameters, and what comes of it: which verdicts stand, and where they flip."""

import functools
import hashlib
import io
import json
import os

import matplotlib.pyplot as plt
import pandas as pd
import torch
import yaml
from nbclient.exceptions import CellExecutionError, DeadKernelError
from tabulate import tabulate

from src import verdicts
from src.book import claims, figures
from src.runs import files, sweeps
from tools import grids, inputs, kernels, notebooks, settings
from tools.chapters import CHAPTERS, ROOT

FOLDER = ROOT / "_build" / "sweeps"
MARKERS = dict(zip(verdicts.MEANING, zip("osXDvP", figures.COLOURS.values(), strict=False), strict=True))


def small(chapter):
    """The parameters of a chapter's file at smoke scale."""
    return yaml.safe_load((CHAPTERS / "parameters" / "smoke" / f"{chapter}.yaml").read_text(encoding="utf-8")) or {}


def belongs(script, smoke):
    """What a chapter's points depend on beside their own parameters."""
    return inputs.of(script) | {"smoke": small(script.stem) if smoke else {}}


def chapter_point(chapter, smoke=False, **parameters):
    """What a chapter reports with these parameters: {"claims": {id: report}, "seconds", "memory"}.

    smoke: whether those of its file at smoke scale lie underneath. Its kernel has as many threads as this process.
    Raises RuntimeError, in one line, where the chapter fails.
    """
    if smoke:
        parameters = small(chapter) | parameters
    notebook = notebooks.given(notebooks.in_step(CHAPTERS / f"{chapter}.py"), parameters)
    kernels.own_environment()
    try:
        notebook, cost = kernels.execute(notebook, CHAPTERS, threads=torch.get_num_threads())
    except CellExecutionError as error:
        raise RuntimeError(f"{error.ename}: {error.evalue}") from None
    except DeadKernelError:
        raise RuntimeError("its kernel died: ended from outside, or out of memory") from None
    found = {entry["id"]: entry for entry in claims.reports(notebook)}
    return {"claims": found, "seconds": cost.seconds, "memory": cost.memory}


def sweep(script, text, environment=os.environ):
    """The chapter at all points of the grid, kept in a folder of _build/sweeps with a table of what it found.

    The environment may name SCHEDULER (a Dask scheduler), WORKERS, SMOKE=1 (the smoke parameters underneath), FORCE=1
    and AGAIN=1 (points that failed are computed anew). Raises ValueError before any work; returns the points.
    """
    notebook = notebooks.in_step(script)
    grid = grids.read(text, settings.parameters(notebook), bool(environment.get("FORCE")))
    workers = environment.get("WORKERS")
    if workers and not (workers.isdecimal() and int(workers)):
        raise ValueError(f"WORKERS must be a positive integer, not {workers!r}")
    smoke = bool(environment.get("SMOKE"))
    own = belongs(script, smoke)
    digest = hashlib.sha256(json.dumps([own, smoke]).encode()).hexdigest()[:8]
    folder = FOLDER / f"{script.stem}-{digest}"
    points = sweeps.sweep(
        functools.partial(chapter_point, chapter=script.stem, smoke=smoke),
        grid,
        folder,
        scheduler=environment.get("SCHEDULER") or None,
        workers=int(workers) if workers else None,
        again=bool(environment.get("AGAIN")),
        force=bool(environment.get("FORCE")),
        progress=True,
        belongs=own,
    )
    book = {entry["id"]: entry for entry in claims.reports(notebook)}
    found = table(points, book)
    files.write(folder / "table.csv", found.drop(columns="numbers").to_csv(index=False).encode())
    files.write(folder / "table.json", found.to_json(orient="records", indent=1).encode())
    files.write(folder / "index.html", page(script.stem, found, points, book, list(grid)).encode())
    print(tabulate(summary(found, book, grid), ("claim", "the book", "agree", "flips"), tablefmt="simple"))
    failed = [point for point in points if point.error]
    for point in failed[:10]:
        print(f"failed at {_said(point.parameters)}: {point.error}")
    print(f"{len(points)} points, {len(failed)} failed.")
    print(f"The page: {folder / 'index.html'}\n          and beside it table.csv and table.json")
    return points


def table(points, book):
    """A row for each point and claim: the point's parameters, both verdicts, and what was measured."""
    rows = []
    for point in (point for point in points if not point.error):
        for id, report in point.value["claims"].items():
            rows.append(
                point.parameters
                | {"claim": id, "verdict": report["verdict"], "book": book[id]["verdict"] if id in book else ""}
                | {key: report[key] for key in ("measured", "evidence", "numbers")}
                | {"seconds": round(point.value["seconds"], 2)}
            )
    columns = [*(points[0].parameters if points else ()), "claim", "verdict", "book", "measured", "evidence", "numbers"]
    return pd.DataFrame(rows, columns=[*columns, "seconds"], dtype=object)  # -10 stays -10 beside -14.5


def summary(found, book, grid):
    """[(claim, the book's verdict, points that agree with it, where it flips)]"""
    rows = []
    for id in book:
        one = found[found.claim == id]
        agree = f"{(one.verdict == book[id]['verdict']).sum()} of {len(one)}"
        rows.append((id, book[id]["verdict"], agree, "; ".join(flips(one, grid))))
    return rows


def flips(one, grid):
    """Where a claim's verdict changes along each axis, as sentences: along `trace` between -14.5 and -10."""
    found = []
    for axis, values in grid.items():
        values = sorted(values) if all(isinstance(v, int | float) for v in values) else values
        sets = [set(one[one[axis].map(json.dumps) == json.dumps(value)].verdict) for value in values]
        changes = [
            f"{axis} between {json.dumps(a)} and {json.dumps(b)}"
            for (a, before), (b, after) in zip(zip(values, sets, strict=True), zip(values[1:], sets[1:], strict=True))
            if before and after and before != after
        ]
        found += changes if len(changes) <= 3 else [f"{axis}, at {len(changes)} of its {len(values) - 1} steps"]
    return found


def page(chapter, found, points, book, axes):
    """The sweep as a page of its own: small multiples of the claims whose verdict moves, and the whole table."""
    moving = [id for id in book if (found[found.claim == id].verdict != book[id]["verdict"]).any()]
    still = [id for id in book if id not in moving]
    failed = [f"<li>{_said(point.parameters)}: {_escaped(point.error)}</li>" for point in points if point.error]
    grid = {axis: list({json.dumps(p.parameters[axis]): p.parameters[axis] for p in points}.values()) for axis in axes}
    pictures = "".join(_multiples(found[found.claim == id], id, book[id]["verdict"], grid) for id in moving)
    shown = found.drop(columns="numbers").to_html(index=False, border=0)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Sweep of {chapter}</title>
<meta name="viewport" content="width=device-width">
<style>body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }}
table {{ border-collapse: collapse; font-size: 0.85em; display: block; overflow-x: auto; }}
td, th {{ padding: 0.2rem 0.6rem; border-bottom: 1px solid #ddd; text-align: left; }}
figure {{ display: inline-block; margin: 0.5rem; }} svg {{ max-width: 100%; height: auto; }}</style>
<h1>Sweep of {chapter}</h1>
<p>{len(points)} points over {", ".join(axes)}; {len(failed)} failed.</p>
<h2>Where a verdict is not the book's</h2>
{pictures or "<p>Nowhere.</p>"}
<p>Everywhere as in the book: {", ".join(still) or "none"}.</p>
{f"<h2>Failed</h2><ul>{''.join(failed)}</ul>" if failed else ""}
<h2>All of it</h2>{shown}</html>
"""


def _multiples(one, id, verdict, grid):
    """A panel: the first axis across, the second upwards, the others beside each other at their place."""
    across, *others = grid
    upwards = others[0] if others else None
    fig, ax = plt.subplots(figsize=(4.4, 1.4 + 0.25 * len(grid[upwards]) if upwards else 1.7), layout="constrained")
    at = {axis: [json.dumps(value) for value in values] for axis, values in grid.items()}
    places = [
        (at[across].index(json.dumps(row[across])), at[upwards].index(json.dumps(row[upwards])) if upwards else 0)
        for row in one.to_dict("records")
    ]
    for kind, (marker, colour) in MARKERS.items():
        chosen = [place for place, v in zip(places, one.verdict, strict=True) if v == kind]
        if chosen:
            ax.plot(*zip(*chosen, strict=True), marker, color=colour, label=kind, markersize=7, alpha=0.8)
    ax.set_xticks(range(len(at[across])), at[across], fontsize=8)
    ax.set_yticks(range(len(at[upwards])) if upwards else [], at[upwards] if upwards else [], fontsize=8)
    ax.margins(0.1, 0.4)
    ax.set(xlabel=across, ylabel=upwards or "")
    where = "; ".join(flips(one, grid)) or "nowhere along one axis"
    ax.set_title(f"{id}: the book {verdict}\nflips: {where}", fontsize=9, loc="left")
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    picture = io.StringIO()
    fig.savefig(picture, format="svg")
    plt.close(fig)
    svg = picture.getvalue()
    return f'<figure role="img" aria-label="{_escaped(f"{id}, flips: {where}")}">{svg[svg.index("<svg") :]}</figure>'


def _said(parameters):
    return ", ".join(f"{name}={value}" for name, value in parameters.items())


def _escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
