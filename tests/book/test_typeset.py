"""Numbers are set as a reader expects them, and read back they are the numbers that were given."""

import math
import re

import nbformat
import pytest
from conftest import SCRIPTS
from hypothesis import given
from hypothesis import strategies as st

from src.book import typeset

BACK = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def read(text):
    mantissa, _, exponent = text.replace("−", "-").replace(",", "").partition(" × 10")
    return float(mantissa) * 10.0 ** int(exponent.translate(BACK) or 0)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.012345, "0.0123"),
        (-4.5, "−4.50"),
        (12345, "12,300"),
        (1.234e-9, "1.23 × 10⁻⁹"),
        (7e13, "7.00 × 10¹³"),
        (0, "0"),
        (math.nan, "–"),
        (-math.inf, "−∞"),
        (0.9996, "1.00"),
    ],
)
def test_examples(x, text):
    assert typeset.number(x) == text


def test_power():
    assert typeset.power(3.3e-12) == "3 × 10⁻¹²"


@given(st.floats(-1e30, 1e30).filter(lambda x: x == 0 or abs(x) > 1e-30), st.integers(1, 6))
def test_a_number_is_read_back(x, digits):
    assert read(typeset.number(x, digits)) == pytest.approx(x, rel=0.5 * 10.0 ** (1 - digits) * 1.001)


RAW = re.compile(r"\b(?:gamma|delta|eta|Sigma|sqrt)\b|<=|>=|\^\d|_2\b|\de[+-]?\d\d")


def test_cards_and_figures_are_typeset():
    """No `gamma`, `<=`, `^2`, `e+04` where a reader looks. Between dollar signs matplotlib sets them."""
    for script in SCRIPTS:
        for cell in nbformat.read(script.with_suffix(".ipynb"), as_version=4).cells:
            for output in cell.get("outputs", []):
                metadata = output.get("metadata", {})
                report = metadata.get("claim", {})
                texts = [report[key] for key in ("measured", "spread", "note") if key in report]
                for panel in metadata.get("figure", []):
                    texts += [panel["title"], panel["x"], panel["y"], *(line["label"] for line in panel["lines"])]
                for text in texts:
                    plain = re.sub(r"\$[^$]*\$|`[^`]*`", "", text)
                    assert not RAW.search(plain), f"{script.stem}: {text!r}"
