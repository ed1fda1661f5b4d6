"""The numbers of the explorer's script, which is run here as a browser runs it, beside those of `src`."""

import json

import mpmath
import numpy as np
import pytest

from src.book import explorer
from src.book.typeset import number
from src.dynamics import three_variables

mini_racer = pytest.importorskip("py_mini_racer", reason="mini-racer runs the explorer's script: make browser")

SCRIPT = (explorer.FOLDER / "explorer.js").read_text(encoding="utf-8")
STATES = [
    {"d": 1499, "norm": 5, "trace": -18.75},  # section 5.3, whose dimension 1500 has no Paley matrix
    {"d": 1500, "norm": 5, "trace": -18.75},
    {"d": 1499, "norm": 5, "trace": 10.5},
    {"d": 103, "norm": 7, "trace": -30},
    {"d": 3000, "norm": 0.5, "trace": -2},
]
IDS = [", ".join(f"{name} {value}" for name, value in state.items()) for state in STATES]


@pytest.fixture(scope="module")
def js():
    """A function that evaluates an expression of the script's and returns its value."""
    with mini_racer.MiniRacer() as context:
        context.eval(SCRIPT)
        yield lambda expression: json.loads(context.eval(f"JSON.stringify({expression})"))


def called(function, *arguments):
    return f"Explorer.{function}({', '.join(json.dumps(argument) for argument in arguments)})"


@pytest.mark.parametrize("state", STATES, ids=IDS)
class TestNumbers:
    """To 1e-6 is asked; the tolerances are what double precision leaves."""

    def test_the_start(self, js, state):
        d, frobenius, trace = state.values()
        assert js(called("start", d, frobenius, trace)) == pytest.approx(three_variables.start(d, frobenius, trace))

    def test_the_curves_at_a_point(self, js, state):
        W = three_variables.start(*state.values())
        for X in (W, [0.9 * W[0], 1e-3 * W[1], 0.2], [1e-6 * w for w in W[:2]] + [1e-6]):
            found = js(called("curves", X, state["d"]))
            expected = three_variables.curves(X, state["d"])
            for (name, value), exact in zip(found.items(), expected_in_order(found, expected), strict=True):
                assert value == pytest.approx(exact, rel=1e-9, abs=1e-18), name

    def test_the_gradient_at_a_point(self, js, state):
        W, d = three_variables.start(*state.values()), state["d"]
        for X in (W, (0.5 * W[0], 0.1 * W[1], 0.3)):
            with mpmath.workdps(40):
                exact = list(map(float, three_variables.gradient(tuple(map(mpmath.mpf, X)), d)))
            assert js(called("gradient", X, d)) == pytest.approx(exact, rel=1e-10, abs=1e-15)

    def test_the_flow(self, js, state):
        W, d = three_variables.start(*state.values()), state["d"]
        times = [1e-5, 1e-3, 0.02, 0.5, 5.0, 35.0]
        found, exact = js(called("trajectory", W, d, times)), three_variables.trajectory(W, d, times).T
        assert np.abs(np.array(found) - exact).max() < 1e-8
        assert np.linalg.norm(found, axis=1) == pytest.approx(np.linalg.norm(exact, axis=1), rel=1e-6)

    def test_the_curves_that_are_drawn(self, js, state):
        d = state["d"]
        iterations, values = js("Explorer.ITERATIONS"), js(called("explore", state) + ".values")
        assert iterations[0] == 0 and iterations[-1] == pytest.approx(350_000)
        some = slice(1, None, 28)
        times = 1e-4 * np.array(iterations[some])
        history = three_variables.integrate(three_variables.start(*state.values()), d, times)
        for name in ("distance", "potential", "inner", "loss"):
            exact = getattr(history, name).numpy()
            drawn = [value[name] for value in values[some]]
            assert drawn == pytest.approx(exact, rel=1e-6, abs=1e-6 * np.abs(exact).max()), name


def expected_in_order(found, values):
    """The values of `three_variables.curves` by the script's names."""
    named = dict(zip(("distance", "potential", "inner", "loss"), values, strict=True))
    return [named[name] for name in found]


class TestTurning:
    def test_of_section_5_3(self, js):
        """The inner product is negative at first; the iteration where it turns is a zero of the exact one."""
        found = js(called("explore", STATES[1]))
        assert found["values"][0]["inner"] == pytest.approx(-8.934, abs=5e-4)
        assert found["values"][-1]["distance"] == pytest.approx(0.01112, abs=5e-6)
        W = three_variables.start(1500, 5, -18.75)
        for share, sign in ((0.999, -1), (1.001, 1)):
            (value,) = three_variables.integrate(W, 1500, [1e-4 * found["turns"] * share]).inner.tolist()
            assert np.sign(value) == sign

    def test_phase_one_ends_at_a_tenth_of_the_potential(self, js):
        found = js(called("explore", STATES[0]))
        history = three_variables.integrate(three_variables.start(1499, 5, -18.75), 1499, [1e-4 * found["phaseOne"]])
        assert history.potential[0] == pytest.approx(found["values"][0]["potential"] / 10, rel=1e-6)

    def test_a_start_that_turns_when_asked(self, js):
        trace = js(called("traceThatTurnsAt", 1499, 5, 15))
        assert js(called("explore", {"d": 1499, "norm": 5, "trace": trace}))["turns"] == pytest.approx(15, rel=1e-6)

    def test_small_weights_are_never_led_the_wrong_way(self, js):
        assert js(f"String({called('traceThatTurnsAt', 1499, 2.5, 15)})") == "NaN"
        found = js(called("explore", {"d": 1499, "norm": 2.5, "trace": -4.7}))
        assert found["turns"] is None and min(value["inner"] for value in found["values"]) > 0


class TestState:
    def test_an_address_holds_the_state(self, js):
        state = {"d": 503, "norm": 3.25, "trace": -7.5, "at": 20}
        address = js(called("toAddress", state))
        assert address == "#explore:d=503&norm=3.25&trace=-7.5&at=20"
        assert js(called("fromAddress", address)) == state

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("#fig-a", None),
            ("", None),
            ("#explore:", {"d": 1499, "norm": 5, "trace": -18.75, "at": 1}),
            ("#explore:d=1e9&norm=abc&trace=-99&x=3&at=", {"d": 3000, "norm": 5, "trace": -50, "at": 1}),
            ("#explore:d=103&norm=0.5&trace=20&at=2.6", {"d": 103, "norm": 0.5, "trace": 0.5 * 102**0.5, "at": 3}),
            ("#explore:d=<b>&trace=Infinity&at=0x10", {"d": 1499, "norm": 5, "trace": -18.75, "at": 16}),
        ],
    )
    def test_a_bad_address_becomes_the_nearest_state(self, js, address, expected):
        assert js(called("fromAddress", address)) == (expected and pytest.approx(expected))

    def test_every_state_can_be_drawn(self, js):
        """At the corners of what the controls allow."""
        limits = js("Explorer.LIMITS")
        for d in limits["d"][:2]:
            for norm in limits["norm"][:2]:
                for trace in limits["trace"][:2]:
                    state = js(called("limited", {"d": d, "norm": norm, "trace": trace, "at": 1}))
                    for value in js(called("explore", state))["values"]:
                        assert all(np.isfinite(list(value.values()))), state


@pytest.mark.parametrize("x", [0, 1, -2.5, 12345.678, 999999, 1e6, -8.934, 1.234e-5, 0.00012345, -1e-20, 350000])
def test_numbers_are_written_as_on_the_pages(js, x):
    assert js(called("number", x)) == number(x)


@pytest.mark.parametrize("d", [*range(2, 60), 1499, 1500, 2999])
def test_dimensions_with_paleys_matrix(js, d):
    assert js(called("hasPaley", d)) == three_variables.has_paley(d)


def test_it_is_one_classic_script_that_asks_for_nothing():
    for word in ("import ", "import(", "export ", "fetch(", "XMLHttpRequest", "http:", "https:", "eval("):
        assert word not in SCRIPT.replace("http://www.w3.org/2000/svg", ""), word
