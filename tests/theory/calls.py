"""The public calls of `src.theory`, with arguments that work; see `tests/bad_inputs.py`."""

from src.theory import bounds
from tests.bad_inputs import Call

CALLS = [
    Call(bounds.gradient_spectral, lambda: {"d": 5, "gamma": 0.01, "noise": 0.1}, {"noise": {"zero"}}),
    Call(bounds.margin_pieces, lambda: {"gamma": 0.01, "g_max": 0.1}, {"g_max": {"zero", "negative"}}),
]
EXEMPT = {}  # name of a public function that takes no argument worth spoiling: why
