"""The public calls of `src.companions`, with arguments that work; see `tests/bad_inputs.py`."""

from tests.companions import (
    calls_comparison,
    calls_deep_linear,
    calls_deep_overparameterization,
    calls_linear_attention,
    calls_overparameterization,
    calls_symmetry_breaking,
)

_MODULES = (
    calls_symmetry_breaking,
    calls_overparameterization,
    calls_deep_overparameterization,
    calls_deep_linear,
    calls_linear_attention,
    calls_comparison,
)
CALLS = [call for module in _MODULES for call in module.CALLS]
EXEMPT = {name: why for module in _MODULES for name, why in module.EXEMPT.items()}
