"""Numbers as a reader expects them, in plain Unicode: for cards, tables, captions and titles."""

import math

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(x, digits=3):
    """``x`` to ``digits`` significant digits: 0.0123, −4.5, 12,300, 1.2 × 10⁻⁹; NaN is "–"."""
    x = float(x)
    if math.isnan(x):
        return "–"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    mantissa, exponent = f"{abs(x):.{digits - 1}e}".split("e")
    exponent = int(exponent)
    if x == 0:
        text = "0"
    elif -4 <= exponent < 6:
        text = f"{float(f'{abs(x):.{digits - 1}e}'):,.{max(digits - 1 - exponent, 0)}f}"
    else:
        text = f"{mantissa} × 10{str(exponent).translate(_SUPERSCRIPT)}"
    return f"−{text}" if x < 0 else text


def power(x):
    """The order of a small or large number, one digit: 3 × 10⁻¹²."""
    return number(x, digits=1)
