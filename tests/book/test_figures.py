"""What the figures say, as their stored outputs tell it, and what they must not say."""

import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import nbformat
import pytest
import yaml
from conftest import SCRIPTS
from nbformat import v4

from src.book import figures, pictures

PINNED = Path(__file__).with_name("figures.yml")
DECIMAL = re.compile(r"\d+\.\d+")


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

    def test_lines_are_told_apart_by_more_than_colour(self, chapter, name, panel):
        styles = [line["style"] for line in panel["lines"]]
        assert len(set(styles)) == len(styles), f"{chapter}, {name}: {styles}"

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
    line = {"label": "a line", "style": "-", "points": 3, "first": 3.0, "last": 5.0}
    assert panel == {"title": "Up", "x": "x", "y": "y", "lines": [line]}


def alike(label, pinned):
    """Whether a label is the pinned one, each decimal in it up to a twentieth: a run on another machine rounds anew."""
    decimals = [list(map(float, DECIMAL.findall(text))) for text in (label, pinned)]
    return DECIMAL.sub("#", label) == DECIMAL.sub("#", pinned) and decimals[0] == pytest.approx(decimals[1], rel=0.05)


def test_labels_differ_in_words_and_whole_numbers_at_once():
    assert alike("$d = 60$: 11.2 % wrong", "$d = 60$: 11.1 % wrong") and alike("flow", "flow")
    for other in ("$d = 61$: 11.2 % wrong", "$d = 60$: 14.2 % wrong", "$d = 60$: 11.2 % right", "$d = 60$: wrong"):
        assert not alike(other, "$d = 60$: 11.1 % wrong")


def test_figures_say_what_was_pinned():
    """Titles, axes and labels, and where each labelled line begins and ends. A person changes the list, no run does.

    An end that another order of adding, or arithmetic in bfloat16, moves by more than a tenth is pinned as an interval.
    """
    pinned = yaml.safe_load(PINNED.read_text())
    found = {}
    for _, name, panel in PANELS:
        found.setdefault(name, []).append(panel)
    assert set(found) == set(pinned)
    for name, panels in found.items():
        for panel, expected in zip(panels, pinned[name], strict=True):
            assert [panel[key] for key in ("title", "x", "y")] == expected["names"], name
            labels = [line["label"] for line in panel["lines"]]
            assert len(labels) == len(expected["lines"]) and all(map(alike, labels, expected["lines"])), (name, labels)
            for line, ends in zip(panel["lines"], expected["lines"].values(), strict=True):
                for end, value in zip(("first", "last"), ends, strict=True):
                    if isinstance(value, str):
                        low, high = map(float, value.split(" to "))
                        same = low <= line[end] <= high
                    else:
                        same = line[end] == (value if value is None else pytest.approx(value, rel=0.1, abs=1e-9))
                    assert same, f"{name}: {line['label']!r}, {end}: {line[end]}, not {value}"


def test_lines_that_differ_in_colour_alone_get_dashes_or_markers():
    figure, axes = plt.subplots()
    for k in range(6):
        axes.plot([0, 1, 2], [k, k, k], color=f"C{k}", label=f"{k}")
        axes.plot([0, 1, 2], [k, k + 1, k], color=f"C{k}")  # another of the same kind
    axes.plot([0], [1], "o", color="C0", label="dots")
    axes.plot([0], [2], "o", color="C1", label="more dots")
    axes.plot([0, 1, 2], [1, 2, 3], "--", color="C7", label="by hand")
    legend = axes.legend()
    figures.tell_apart(axes)
    lines = axes.get_lines()
    styles = [figures.style(line) for line in lines if not line.get_label().startswith("_")]
    assert styles[:5] == [("-", ""), ("--", ""), ("-.", ""), (":", ""), ("-", "o")] and len(set(styles)) == len(styles)
    assert [figures.style(one) for one in lines[0:12:2]] == [figures.style(one) for one in lines[1:12:2]]
    assert [figures.style(handle) for handle in legend.legend_handles] == styles
    plt.close(figure)


def smallest():
    for script in SCRIPTS:
        for cell in nbformat.read(script.with_suffix(".ipynb"), as_version=4).cells:
            for output in cell.get("outputs", []):
                if "smallest" in output.get("metadata", {}):
                    yield output.metadata.scrapbook.name, output.metadata.smallest


def test_every_text_can_be_read():
    """At least nine pixels, on a page as on a phone."""
    sizes = dict(smallest())
    assert sizes.keys() == {name for _, name, _ in PANELS}
    assert {name: size for name, size in sizes.items() if min(size.values()) < 9} == {}


class TestStacked:
    """The figure for a phone."""

    @pytest.fixture
    def panels(self):
        figures.use()
        figure, axes = plt.subplots(1, 3, figsize=(9, 3), sharey=True, width_ratios=(1, 2, 1))
        for k, one in enumerate(axes):
            one.plot([0, 1], [k, 1])
            one.set(xlabel="x", title=r"A title with a formula, $a + b + c + d + e + f + g + h$, that is long")
        axes[0].set_ylabel("y")
        figure.colorbar(axes[1].imshow([[0, 1]]), ax=axes[1])
        yield figure
        plt.close(figure)

    def test_panels_lie_below_each_other(self, panels):
        figures.stack(panels)
        panels.draw_without_rendering()
        boxes = [axes.get_position() for axes in panels.axes[:3]]
        assert panels.get_figwidth() == 4.2
        assert all(one.y0 > two.y1 for one, two in itertools.pairwise(boxes))

    def test_each_panel_says_its_axes(self, panels):
        figures.stack(panels)
        assert [axes.get_ylabel() for axes in panels.axes[:3]] == ["y"] * 3
        assert all(axes.yaxis.get_tick_params()["labelleft"] for axes in panels.axes[:3])

    def test_titles_are_broken_and_formulas_are_not(self, panels):
        figures.stack(panels)
        title = panels.axes[0].get_title(loc="left")
        assert "\n" in title and "$a + b + c + d + e + f + g + h$" in title

    def test_the_smallest_text_counts(self, panels):
        panels.axes[0].text(0, 0, "small", fontsize=7)
        panels.axes[0].text(0, 0, "", fontsize=1)
        assert figures.smallest(panels, 672) == pytest.approx(7 * 672 / (72 * 9), abs=0.01)
        figures.stack(panels)
        assert figures.smallest(panels, 345) == pytest.approx(7 * 345 / (72 * 4.2), abs=0.01)


def test_the_same_figure_is_the_same_file():
    figures.use()
    files = []
    for _ in range(2):
        figure, axes = plt.subplots()
        axes.plot([0.123456, 1], [1, 0.98765432])
        files.append(figures._svg(figure))
        plt.close(figure)
    assert files[0] == files[1] and not re.search(r' (d|x|y)="[^"]*\.\d{3}', files[0])


class TestOnThePage:
    def test_figures_are_numbered_by_chapter(self):
        env = SimpleNamespace(
            toc_fignumbers={
                "chapters/04_x": {"figure": {"fig-a": (7,), "fig-b": (8,)}, "theorem": {"t": (3,)}},
                "chapters/ledger": {"figure": {"fig-c": (9,)}},
            }
        )
        pictures.numbered_by_chapter(env)
        assert env.toc_fignumbers == {
            "chapters/04_x": {"figure": {"fig-a": (4, 1), "fig-b": (4, 2)}, "theorem": {"t": (3,)}},
            "chapters/ledger": {"figure": {"fig-c": (9,)}},
        }

    def test_what_is_shown_is_found_again(self, monkeypatch):
        shown = {}
        monkeypatch.setattr(figures, "display", lambda bundle, **about: shown.update(about, bundle=bundle))
        figures.show("fig-x", plt.subplots()[0])
        output = v4.new_output("display_data", shown["bundle"], metadata=shown["metadata"])
        notebook = v4.new_notebook(cells=[v4.new_code_cell(outputs=[output]), v4.new_markdown_cell("text")])
        (drawing,) = pictures.narrow(notebook).values()
        assert ElementTree.fromstring(drawing).tag.endswith("svg") and drawing != shown["bundle"]["image/svg+xml"]
