"""One look for every figure of the book."""

import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib.collections import Collection
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.text import Text

# Okabe and Ito's colours: told apart with every common form of colour blindness.
COLOURS = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
PAGE = 672  # width of a page's text on a desktop and on a phone, pixels
PHONE = 345


def use():
    """Set the book's figure style for this session.

    The background is solid and light; the site turns the lightness of a figure round in the dark and keeps its hues.
    """
    mpl.rcParams.update(mpl.rcParamsDefault | {"backend": mpl.rcParams["backend"]})
    mpl.rcParams.update(
        {
            "figure.figsize": (7.0, 3.6),
            "figure.dpi": 110,
            "savefig.dpi": 144,  # of what is rasterised within a figure
            "svg.hashsalt": "the book",  # the same figure is the same file
            "figure.facecolor": "#fcfcfa",
            "axes.facecolor": "#fcfcfa",
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=list(COLOURS.values())),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.labelsize": 10,
            "grid.color": "#dcdcd8",
            "grid.linewidth": 0.6,
            "legend.frameon": False,
            "legend.fontsize": 9,
            "lines.linewidth": 1.6,
            "font.size": 10,
            "image.cmap": "cividis",
        }
    )


def show(name, figure):
    """Display `figure` and close it. On the page it stands where the directive ``{glue:figure} name`` puts it, with
    the caption and the alternative text that are written there. What the figure says goes into the output as data, and
    so does, for phones, the figure with its panels below each other."""
    for axes in figure.axes:
        tell_apart(axes)
    rasterize(figure)
    metadata = {
        "scrapbook": {"name": name, "mime_prefix": ""},  # what that directive looks for
        "figure": summary(figure),
        "smallest": {"page": smallest(figure, PAGE)},
    }
    wide = _svg(figure)
    stack(figure)
    metadata["smallest"]["phone"] = smallest(figure, PHONE)
    metadata["narrow"] = _svg(figure).splitlines()
    display({"image/svg+xml": wide, "text/plain": f"<the figure {name}>"}, raw=True, metadata=metadata)
    plt.close(figure)


def tell_apart(axes):
    """Give labelled lines of a panel that differ in colour alone dashes, or markers, of their own.

    What is drawn like such a line and without a label belongs to it and changes with it; what was told apart by hand
    stays.
    """
    used = set()
    for line, x, _ in _curves(axes):
        before = style(line), line.get_color()
        dash, marker = before[0]
        if marker:
            choices = [(dash, other) for other in MARKERS]
        else:
            choices = [*((other, "") for other in DASHES), *zip(DASHES, MARKERS)]
        if before[0] in used:
            dash, marker = next((choice for choice in choices if choice not in used), before[0])
            for one in (*axes.get_lines(), *_in_legend(axes, line.get_label())):
                if (style(one), one.get_color()) == before:
                    one.set(linestyle=dash or "None", marker=marker or "None")
                    if not before[0][1]:
                        one.set(markersize=4, markevery=max(1, len(x) // 8))
        used.add(style(line))


def rasterize(figure, most=500):
    """Make pixels of what has more than `most` points to draw: as lines it would outweigh the page that it is on."""
    figure.draw_without_rendering()  # only then surfaces have their faces
    for artist in figure.findobj(lambda one: isinstance(one, Collection | Line2D)):
        if isinstance(artist, Line2D):
            points = len(artist.get_xdata()) if style(artist)[1] else 0
        else:
            each = [len(path.vertices) for path in artist.get_paths()]
            points = sum(each) * max(1, len(artist.get_offsets()) if len(each) == 1 else 1)
        if points > most:
            artist.set_rasterized(True)


def style(line):
    """(dashes, marker) of a line, "" for none."""
    return tuple("" if x in ("None", "none", " ", None) else x for x in (line.get_linestyle(), line.get_marker()))


def _in_legend(axes, label):
    """The drawn sample of a label in the panel's legend."""
    if legend := axes.get_legend():
        for handle, text in zip(legend.legend_handles, legend.get_texts()):
            if text.get_text() == label and isinstance(handle, Line2D):
                yield handle


def summary(figure):
    """What a figure says, as plain data: each panel's title and names of axes, each line's label, style and ends."""
    return [
        {
            "title": axes.get_title(loc="left") or axes.get_title(),
            "x": axes.get_xlabel(),
            "y": axes.get_ylabel(),
            "lines": [
                {"label": line.get_label(), "style": " ".join(map(str, style(line))).strip(), "points": len(x)}
                | {"first": _plain(y[0]), "last": _plain(y[-1])}
                for line, x, y in _curves(axes)
            ],
        }
        for axes in figure.axes
    ]


def smallest(figure, width):
    """The size of the smallest text of a figure that is shown `width` pixels wide, in pixels."""
    points = [text.get_fontsize() for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return round(float(min(points, default=10) * width / (72 * figure.get_figwidth())), 2)


def stack(figure, width=4.2):
    """Put the panels of a figure below each other, each about as high as it was, the figure `width` inches wide."""
    figure.draw_without_rendering()  # the layout decides how high a panel is
    panels = {}  # by their place; twins share one
    for axes in figure.axes:
        if spec := axes.get_subplotspec():
            panels.setdefault((id(spec.get_gridspec()), spec.num1, spec.num2), []).append(axes)
    heights = [min(3.2, axes[0].get_position().height * figure.get_figheight()) for axes in panels.values()]
    rows = GridSpec(len(panels), 1, figure, height_ratios=heights)
    before = None
    for row, axes in zip(rows, panels.values()):
        for one in axes:
            one.set_subplotspec(row)
            _say_alone(one, before)
            for title in (one.title, one._left_title, one._right_title):
                title.set_text(_wrapped(title.get_text(), width))
        before = axes[0]
    figure.set_size_inches(min(figure.get_figwidth(), width), sum(heights) + 0.9 * len(heights))  # titles and names


def _say_alone(axes, before):
    """Write at a panel what it left to its neighbours: the numbers and names of shared axes."""
    for axis, side in (("x", "bottom"), ("y", "left")):
        siblings = getattr(axes, f"get_shared_{axis}_axes")().get_siblings(axes)
        if len(siblings) > 1:
            axes.tick_params(axis=axis, **{f"label{side}": True})
            names = [name for one in siblings if (name := getattr(one, f"get_{axis}label")())]
            if names and not getattr(axes, f"get_{axis}label")():
                getattr(axes, f"set_{axis}label")(names[0])
    if before is not None and not axes.get_ylabel():
        axes.set_ylabel(before.get_ylabel())


def _wrapped(title, width):
    """A title in lines that a figure so many inches wide can hold; a formula is not broken."""
    lines = []
    for paragraph in title.split("\n"):
        line = ""
        for word in re.findall(r"(?:\$[^$]*\$|\S)+", paragraph):
            if line and _letters(f"{line} {word}") > 11 * width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return "\n".join(lines)


def _letters(text):
    """About how many letters wide a text with formulas is."""
    return len(re.sub(r"[${}^_ ](?=[^$]*\$)|\\[a-zA-Z]{3,}", "", text))


def _svg(figure):
    """The figure as SVG, without what no reader sees: the third decimal, a line for each point or tag."""
    file = io.StringIO()
    figure.savefig(file, format="svg", bbox_inches="tight", pad_inches=0.05, metadata={"Date": None, "Creator": None})
    shorter = re.sub(
        r' (d|x|y)="[^"]*"', lambda it: " " + " ".join(re.sub(r"(\.\d\d)\d+", r"\1", it[0]).split()), file.getvalue()
    )
    return re.sub(r">\s+<", "><", shorter).replace("<g ", "\n<g ")


def _curves(axes):
    """The labelled lines of a panel with their data; guide lines and empty ones (for a legend) are left out."""
    for line in axes.get_lines():
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        if not line.get_label().startswith("_") and len(x):
            yield line, x, y


def _plain(y):
    """A number that JSON has."""
    return float(y) if np.isfinite(y) else None
