"""One look for every figure of the book."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display

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


def use():
    """Set the book's figure style for this session.

    The background is solid and light: the dark theme dims images, it does not recolour them, so that a figure
    is the same in both.
    """
    mpl.rcParams.update(mpl.rcParamsDefault | {"backend": mpl.rcParams["backend"]})
    mpl.rcParams.update(
        {
            "figure.figsize": (7.0, 3.6),
            "figure.dpi": 110,
            "savefig.dpi": 110,
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
    the caption and the alternative text that are written there. What the figure says goes into the output as data."""
    glued = {"name": name, "mime_prefix": ""}  # what that directive looks for
    display(figure, metadata={"scrapbook": glued, "figure": summary(figure)})
    plt.close(figure)


def summary(figure):
    """What a figure says, as plain data: for each panel its title, its axes' labels, and each line's label and ends."""
    return [
        {
            "title": axes.get_title(loc="left") or axes.get_title(),
            "x": axes.get_xlabel(),
            "y": axes.get_ylabel(),
            "lines": [
                {"label": line.get_label(), "points": len(x), "first": _plain(y[0]), "last": _plain(y[-1])}
                for line, x, y in _curves(axes)
            ],
        }
        for axes in figure.axes
    ]


def _curves(axes):
    """The labelled lines of a panel with their data; guide lines and empty ones (for a legend) are left out."""
    for line in axes.get_lines():
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        if not line.get_label().startswith("_") and len(x):
            yield line, x, y


def _plain(y):
    """A number that JSON has."""
    return float(y) if np.isfinite(y) else None
