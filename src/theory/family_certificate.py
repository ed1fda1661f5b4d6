"""Theorem 3.3 in the span of I, J and K, by branch and bound: a certificate is a tree of boxes, each proved by itself.

The statement: in every dimension d >= d_least (a real number, where the family is a formula) no pair W, W* of the span
with |W|_2, |W*|_2 <= gamma, g <= 0.1 and W != W* has a ratio <R, M> / |M|_F^2 of delta or less, at the printed scale.
A tree is a text: it names, box by box and lower half first, the side to halve (an initial of `Box`), or says that the
box is proved ('.'). Any halving of the domain covers it, so a verification trusts nothing but the bound on a leaf.
"""

import math
from typing import NamedTuple

import numpy as np

from src import verdicts
from src.checks import COUNT, FORMULA, arguments, between, optional, within
from src.runs import recorded
from src.theory import bounds
from src.theory.family_form import Box, domain, forms
from src.theory.intervals import Checked, Interval

SIDES = dict(zip("epTDr", Box._fields))
KINDS = {"Arb": Interval, "mpmath": Checked}
_GAMMA, _DELTA, _LEAST = between(0, 0.5), between(-1, math.pi / 2 - 1), FORMULA[2:]
_CLAIM = arguments(gamma=_GAMMA, delta=_DELTA, d_least=_LEAST)


class Certificate(NamedTuple):
    """A statement and the tree that proves it: two trees after one another, for 0 <= g <= 0.1 and for g <= 0."""

    gamma: float
    delta: float
    d_least: int
    tree: str

    @classmethod
    def from_arrays(cls, arrays):
        """The certificate that `arrays` stored."""
        gamma, delta, d_least = arrays["statement"].tolist()
        return cls(gamma, delta, int(d_least), arrays["tree"].tobytes().decode("ascii"))

    def arrays(self):
        """The certificate as a dict of arrays, for a recording."""
        statement = np.array([self.gamma, self.delta, self.d_least], dtype=float)
        return {"statement": statement, "tree": np.frombuffer(self.tree.encode("ascii"), dtype=np.uint8)}


class Verification(NamedTuple):
    """What became of the leaves of a certificate in one arithmetic."""

    arithmetic: str
    proved: int  # boxes on which the ratio exceeds delta
    empty: int  # boxes that hold no pair
    open: int  # boxes on which nothing is proved

    @property
    def verdict(self):
        """holds, if every box is proved or empty, and there is one; open otherwise."""
        return verdicts.HOLDS if self.proved and not self.open else verdicts.OPEN


@_CLAIM
@arguments(most=COUNT)
def search(gamma, delta=bounds.DELTA, d_least=100, most=50_000):
    """A Certificate, its boxes halved where that helps most. Raises ArithmeticError if `most` boxes are not enough."""
    norm, delta_above = _around(gamma, Interval), math.nextafter(delta, math.inf)
    tree, waiting = [], list(reversed(domain(gamma, d_least)))
    while waiting:
        if len(tree) == most:
            raise ArithmeticError(f"no certificate of gamma = {gamma}, delta = {delta} within {most} boxes")
        box = waiting.pop()
        if _state(box, norm, delta_above)[0]:
            tree.append(".")
            continue
        halves = {side: halve(box, side) for side in SIDES if getattr(box, SIDES[side]) is not None}
        side = max(halves, key=lambda side: sum(_state(half, norm, delta_above)[1] for half in halves[side]))
        tree.append(side)
        waiting += reversed(halves[side])
    return Certificate(gamma, delta, d_least, "".join(tree))


def record(name, gamma, *, folder=None, **claim):
    """The Certificate of `search`, stored as the recording `name`."""
    run = recorded.Recorder(name, __name__, parameters={"gamma": gamma, **claim}, seeds=[0], folder=folder)
    found = search(gamma, **claim)
    run.save(found.arrays())
    return found


@arguments(certificate=Certificate, arithmetic=tuple(KINDS))
def verify(certificate, arithmetic="Arb"):
    """The Verification of a certificate in one of two independent arithmetics; it trusts nothing but the statement.

    Raises ValueError for a tree that is none.
    """
    kind = KINDS[arithmetic]
    norm, counts = _around(certificate.gamma, kind), {"proved": 0, "empty": 0, "open": 0}
    delta = math.nextafter(certificate.delta, math.inf)
    for box in leaves(certificate):
        counts[_outcome(box, norm, delta)] += 1
    return Verification(arithmetic, **counts)


@arguments(certificate=Certificate)
def leaves(certificate):
    """The Boxes of its tree, an iterator. Raises ValueError for a text that is no tree, TypeError or ValueError for a
    statement out of range."""
    gamma, delta, d_least, tree = certificate
    _statement(gamma, delta, d_least)
    waiting = list(reversed(domain(gamma, d_least)))
    for letter in tree:
        if not waiting:
            raise ValueError("tree must end with its last box; it goes on")
        box = waiting.pop()
        if letter == ".":
            yield box
        elif letter in SIDES and getattr(box, SIDES[letter]) is not None:
            waiting += reversed(halve(box, letter))
        else:
            raise ValueError(f"tree must hold dots and sides of the box at hand, {''.join(SIDES)}, not {letter!r}")
    if waiting:
        raise ValueError(f"tree must settle every box; {len(waiting)} are left")


@arguments(box=Box, side=tuple(SIDES))
def halve(box, side):
    """The two halves of a Box of floats along a side, lower half first; they share the float between them.

    Raises ValueError for the side r of a box that has none, and for one too thin to be halved.
    """
    name = SIDES[side]
    if getattr(box, name) is None:
        raise ValueError("side must not be 'r' for a box with 0 <= g <= 0.1")
    low, high = getattr(box, name)
    middle = (low + high) / 2
    if not low < middle < high:
        raise ValueError(f"box must be wide enough to be halved along {side}, not {low} to {high}")
    return box._replace(**{name: (low, middle)}), box._replace(**{name: (middle, high)})


@arguments(certificate=Certificate, epsilon=optional(within(0, 1)), T=optional(between(0, math.inf)))
def bounds_of_leaves(certificate, epsilon=None, T=None):
    """[(Box, a ratio that every pair of it exceeds)] of the boxes that hold pairs, in Arb's arithmetic.

    With epsilon or T only of those with 0 <= g <= 0.1 through which this slice goes.
    """
    norm, at = _around(certificate.gamma, Interval), {"epsilon": epsilon, "T": T}
    at = {name: x for name, x in at.items() if x is not None}
    boxes = (
        box
        for box in leaves(certificate)
        if not at or (box.r is None and all(_holds(getattr(box, name), x) for name, x in at.items()))
    )
    found = ((box, _forms(box, norm)) for box in boxes)
    return [(box, one.ratio(certificate.delta)) for box, one in found if one not in (None, "undefined")]


def _holds(side, x):
    return side[0] <= x <= side[1]


@_CLAIM
def _statement(gamma, delta, d_least):
    """Refuse a statement out of range."""


def _around(x, kind):
    """An interval that holds the decimal number which the float x stands for."""
    return kind(math.nextafter(x, -math.inf), math.nextafter(x, math.inf))


def _forms(box, norm):
    try:
        return forms(box.as_intervals(type(norm)), norm)
    except ArithmeticError:  # the box is so wide that a root or an arcsine is not defined on all of it
        return "undefined"


def _outcome(box, norm, delta):
    found = _forms(box, norm)
    if found is None:
        return "empty"
    return "proved" if found != "undefined" and found.exceeds(delta) else "open"


def _state(box, norm, delta):
    """(whether a box is settled, how near it is to that)"""
    found = _forms(box, norm)
    if found == "undefined":
        return False, -9.0
    if found is None:
        return True, 1.0
    if found.exceeds(delta):
        return True, 0.6
    return False, min(0.5, (found.inner[0] - found.square[0] * delta).at_least())
