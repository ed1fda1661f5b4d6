"""The public calls of `src.experiments`, with arguments that work; see `tests/bad_inputs.py`."""

from tests.bad_inputs import Call

CALLS = []
EXEMPT = {}  # name of a public function that takes no argument worth spoiling: why
