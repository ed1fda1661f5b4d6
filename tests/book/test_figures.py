"""What the figures say, as their stored outputs tell it, and what they must not say."""

import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
import yaml
from conftest import SCRIPTS

from src.book import figures

PINNED = Path(__file__).with_name("figures.yml")


def stored():
    """(chapter, figure's name, panel) of every panel in the stored notebooks."""
    for script in SCRIPTS:
        for cell in nbformat.read(script.with_suffix(".ipynb"), as_version=4).cells:
            for output in cell.get("outputs", []):
                for panel in output.get("metadata", {}).get("figure", []):
                    yield script.stem, output.metadata.scrapbook.name, panel


def values(panel):
    return [y for line in panel["lines"] for y in (line["first"], line["last"]) if y is not None]


PANELS = list(stored())


@pytest.mark.parametrize(("chapter", "name", "panel"), PANELS, ids=[name for _, name, _ in PANELS])
class TestPanels:
    def test_lines_with_different_labels_differ(self, chapter, name, panel):
        for one, two in itertools.combinations(panel["lines"], 2):
            if one["points"] > 2 and one["label"] != two["label"]:
                same = all(one[key] == two[key] for key in ("points", "first", "last"))
                assert not same, f"{chapter}, {name}: {one['label']!r} and {two['label']!r} are one curve"

    def test_per_cent_are_per_cent(self, chapter, name, panel):
        if "%" in panel["y"] and values(panel):
            assert max(map(abs, values(panel))) > 1, f"{chapter}, {name}: a fraction on an axis in per cent"


def test_axes_are_named():
    """Every panel with lines has a title; panels in a row or column may share the name of an axis."""
    figures_ = {}
    for chapter, name, panel in PANELS:
        figures_.setdefault((chapter, name), []).append(panel)
    for place, panels in figures_.items():
        drawn = [panel for panel in panels if panel["lines"]]
        for panel in drawn:
            assert panel["title"], place
        for axis in ("x", "y"):
            assert not drawn or any(panel[axis] for panel in panels), f"{place}: no name on the {axis} axis"


def test_a_figure_tells_what_it_shows():
    figure, axes = plt.subplots()
    axes.plot([0, 1, 2], [3.0, 4.0, 5.0], label="a line")
    axes.plot([], [], label="for the legend only")
    axes.axhline(0)
    axes.set(title="Up", xlabel="x", ylabel="y")
    (panel,) = figures.summary(figure)
    plt.close(figure)
    line = {"label": "a line", "points": 3, "first": 3.0, "last": 5.0}
    assert panel == {"title": "Up", "x": "x", "y": "y", "lines": [line]}


def test_figures_say_what_was_pinned():
    """Titles, axes and labels, and where each labelled line begins and ends. A person changes the list, no run does."""
    pinned = yaml.safe_load(PINNED.read_text())
    found = {}
    for _, name, panel in PANELS:
        found.setdefault(name, []).append(panel)
    assert set(found) == set(pinned)
    for name, panels in found.items():
        for panel, expected in zip(panels, pinned[name], strict=True):
            assert [panel[key] for key in ("title", "x", "y")] == expected["names"], name
            assert [line["label"] for line in panel["lines"]] == list(expected["lines"]), name
            for line in panel["lines"]:
                for end, value in zip(("first", "last"), expected["lines"][line["label"]], strict=True):
                    near = value if value is None else pytest.approx(value, rel=0.1, abs=1e-9)
                    assert line[end] == near, f"{name}: {line['label']!r}, {end}"
