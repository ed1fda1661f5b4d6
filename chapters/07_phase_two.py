# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Phase II: does the gradient point home?
#
# ```{admonition} In this chapter
# :class: note
#
# **The question.** Theorem 3.3 of {cite:t}`li2017convergence` says: near the identity, once the potential is small, the negative gradient points towards the teacher with a margin of 0.03. For which weights is that true, and how
# much room is left?
#
# **What you will see.** A search for the worst pair of student and teacher: it shows from which size of the weights on the inequality is false. A proof, for every dimension, that it is true for small ones. The exact limit of small weights, and what a negative
# potential does. The three bounds of the paper's Figure 5, each tried on its own.
#
# **What you need.** The closed form of the gradient (chapter 2), the potential (chapter 3) and the matrices of chapter 4.
# ```

# %% tags=["parameters"]
dims: list = [6]  # dimensions searched live
gammas: list = [0.1, 0.2, 0.3, 0.37, 0.4]  # bounds on the norms, increasing
starts: int = 25  # starts of each search
steps: int = 120  # gradient steps from each start
seed: int = 0  # seed of every random draw
record: bool = False  # store this run's searches in data/recorded

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError("this chapter needs the book's own package: pip install -r requirements.txt in its folder") from error

parameters.check(
    globals(),
    dims=checks.each(range(3, 201)),
    gammas=parameters.increasing(checks.between(0, 1)),
    starts=range(2, 1001),
    steps=range(1, 10001),
    seed=range(2**31),
    record=bool,
)

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number
from src.runs import recorded
from src.theory import bounds, margin, phase_two, search, span, taylor

figures.use()
BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK = figures.COLOURS.values()

# %% [markdown]
# ## The worst pair, searched for
#
# In Phase II every step is to shorten the distance, so the negative gradient must point home. Write [$M = W^* - W$](#notation-m) for the way home, [$g$](#notation-g) for the potential and [$L$](#notation-loss) for the loss. The paper states:
#
# ```{prf:theorem} Li and Yuan, Theorem 3.3
# :label: thm-3-3
# :nonumber:
#
# There is a number $\gamma > 0$ such that, in every dimension $d$, all weights with $\|W\|_2, \|W^*\|_2 \le \gamma$, $W \ne W^*$ and $g \le 0.1$ satisfy
#
# $$ \langle -\nabla L(W),\, M\rangle > 0.03\, \|M\|_F^2. $$
# ```
#
# So $L$ is 0.03-one point strongly convex there ({prf:ref}`Definition 2.4 <def-2-4>`). We measure the one-point ratio [$q$](#notation-q). Its numerator holds the sum [$R$](#notation-r) that Lemma 2.1 prints, $\pi$ times the true $-\nabla L$:
#
# $$ q(W, W^*) = \frac{\langle R, M\rangle}{\|M\|_F^2}. $$
#
# There are two readings. At the lemma's scale the theorem asks for $q > 0.03$; for the gradient itself, for $q > 0.03\,\pi$. It names no [$\gamma$](#notation-gamma); Theorem 3.2 hands it weights with $\gamma = 1/100$.
#
# How small can $q$ be? `search.minimize` descends on $q$ in $W$ and $W^*$ at once, from many starts: random orthogonal matrices, sums of structured ones ($I$, [$J$](#notation-j), skew and symmetric matrices with flat spectrum, diagonal signs), pairs of opposite
# sign, pairs close together, and blocks. After every step the singular values are clipped to $\gamma$. A penalty keeps $g \le 0.1$, and only pairs that satisfy it exactly are counted. We search a small dimension while the page is made, and read a longer search
# from its recording. In {numref}`fig-worst-ratio`, look where the points fall below the dashed lines.

# %%
size = {"dims": dims, "gammas": gammas, "starts": starts, "steps": steps}
made_by = phase_two.record if record else phase_two.run_searches
live = made_by(**size, seed=seed)
stored = recorded.load("theorem_3_3")
longer = phase_two.Searches.from_arrays(stored.arrays)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, ax = plt.subplots(figsize=(7.4, 4.6))
grid = np.linspace(1e-6, 0.05, 300)
floor = np.array([bounds.one_point_ratio(x) for x in grid])
ax.fill_between(grid, np.maximum(floor, -0.08), -0.08, color=GREEN, alpha=0.25, lw=0, label="proved: no pair, any d")
span_gammas = np.linspace(0.001, 0.42, 43)
ax.plot(span_gammas, [span.limit(x) for x in span_gammas], color=SKY, label="opposite turns, d → ∞ (formula)")
for row, d, marker in zip(longer.worst, longer.dims, "v^sDx"):
    ax.plot(longer.gammas, row, marker, color=BLUE, ms=5, label=f"recorded search, up to d = {d}")
ax.plot(gammas, live.worst[-1], "o", mfc="none", color=RED, ms=9, label=f"live search, d = {max(dims)}")
for level, text in ((bounds.DELTA, "0.03: as printed"), (phase_two.TRUE_DELTA, "0.03 π: for the true gradient")):
    ax.axhline(level, color=BLACK, ls="--", lw=1)
    ax.text(0.055, level + 0.007, text, fontsize=9)
ax.set(xlim=(0, 1.03 * max(*gammas, *longer.gammas)), ylim=(-0.08, 0.6), title="The worst ratio falls below both readings")
ax.set(xlabel="γ, bound on ‖W‖₂ and ‖W*‖₂", ylabel="smallest q (printed scale)")
ax.legend(loc="upper right")
figures.show("fig-worst-ratio", figure)

# %% [markdown]
# ```{glue:figure} fig-worst-ratio
# :name: fig-worst-ratio
# :alt: Curves of the worst ratio fall as gamma grows, cross first the level for the true gradient and then the printed 0.03, and end below zero; the proved bound falls much faster and reaches the levels at a small gamma.
#
# The smallest one-point ratio $q$ found among the pairs with $g \le 0.1$, over $\gamma$, with the proved bound from below (green) and the two readings of 0.03 (dashed). Where a searched point lies below a reading, the inequality is
# false there, and at every larger $\gamma$ and $d$.
# ```
#
# The points in {numref}`fig-worst-ratio` pass first the reading for the true gradient and then the printed one. The line beside them is a formula: the worst of the pairs $W = -aI - bK$, $W^* = -aI + bK$ with the skew [$K$](#notation-k) of chapter 4, $a^2 + b^2 =
# \gamma^2$, and a trace that brings $g$ to 0.1. Such a pair turns student and teacher by $\mp\arctan\frac{b}{1-a}$: to shrink all columns by $1 - a$ costs little norm and makes the turn larger. The searches go below the line by mixing such columns with a few that
# are long and hardly move.
#
# **Small dimensions count.** Pad $W$ and $W^*$ with rows and columns of zeros. The new columns are orthogonal to all others and equal for student and teacher, so that $g$, $M$ and $\langle R, M\rangle$ stay what they are. The worst
# ratio can only fall with $d$: a bad pair at $d = 6$ is a bad pair at every $d \ge 6$.
#
# What a search finds is an upper bound on the smallest ratio, no more. In small dimensions many starts end close together. In large ones few come near the best, and padding a small pair beats them.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
column = list(longer.gammas).index(0.3)
best = search.best_of(torch.from_numpy(longer.values[-1, column]))
first, first_true = (min(live.first_below(x), longer.first_below(x)) for x in (bounds.DELTA, phase_two.TRUE_DELTA))
text = (
    f"At $\\gamma = 0.3$ and $d = {longer.dims[-1]}$ the smallest ratio is {number(longer.values[-1, column].min())} by the recorded search in that dimension alone, "
    f"and **{number(longer.worst[-1, column])}** with padded pairs; the best of half the starts reaches {number(best[len(best) // 2 - 1])} on average. The printed 0.03 first fails near $\\gamma = {first:.3f}$, $0.03\\,\\pi$ near $\\gamma = {first_true:.3f}$ "
    f"(interpolated). {recorded.caption(stored)}"
)
display(Markdown(text))

# %% [markdown]
# A pair that was found can be checked without trust in the search. The table evaluates Lemma 2.1 term by term in 30-digit arithmetic, at the first recorded pair with $q$ below each of the two readings. A third pair lies in the span of $I$, $J$ and $K$, where $q$
# is a formula in six [coordinates](#notation-span); its dimension is above the 100 of Theorem 3.1.

# %%
bad_true = longer.pair_below(phase_two.TRUE_DELTA)
bad = longer.pair_below(bounds.DELTA)
large = phase_two.Counterexample.in_span(103, 0.42, tries=3, seed=seed)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
table = "| pair | $\\gamma$ | $d$ | $g$ | $q$ | allowed |\n|---|---|---|---|---|---|\n"
for text, one in (("below $0.03\\,\\pi$", bad_true), ("below 0.03", bad), ("in the span", large)):
    table += f"| {text} | {one.gamma:g} | {one.d} | {number(one.g)} | {number(one.ratio, 5)} | {'yes' if one.allowed else '**no**'} |\n"
display(Markdown(table))

# %% [markdown]
# ## A bound from below, for every dimension
#
# The search says from where on the inequality is false. Up to where is it true? The next theorem bounds $q$ from below, in a form that does not contain $d$.
#
# ```{prf:theorem} A margin in every dimension
# :label: thm-margin
#
# Let $\|W\|_2, \|W^*\|_2 \le \gamma < 3 - 2\sqrt2$ and $W \ne W^*$, in any dimension. With $\psi = \frac{1 + \gamma}{1 - \gamma}$, $\xi = \psi^2 - 1 < 1$ and $\zeta = (1 - \xi^2)^{-1/2}$, the one-point ratio $q = q(W, W^*)$
# satisfies
#
# $$
# \begin{aligned}
# q \ge{} & \tfrac\pi2 - \zeta\psi^2 - (\psi - 1) - \tfrac12\xi - \arcsin \xi \\
# & - \zeta\xi\psi^2 - \tfrac12\zeta\xi^2 - \tfrac14(1 + \psi) \max(g, 0).
# \end{aligned}
# $$
# ```
#
# ````{prf:proof}
# [Columns](#notation-columns) are $a_j$ and $b_j$, those of $M$ are $m_j = b_j - a_j$. Let $r_j = \|b_j\| - \|a_j\|$, $c_{ij} = \langle \bar a_i, \bar a_j\rangle$, $c^*_{ij} = \langle \bar b_i, \bar a_j\rangle$, and let
# $h_j = 1 - c^*_{jj}$. Note that $\frac{1}{1 - \gamma} = \frac{1 + \psi}2$. Three facts do the work.
#
# **(a)** Divided by its columns' lengths, $I + W$ differs from $I$ by at most $\frac{2\gamma}{1 - \gamma} = \psi - 1$ in spectral norm, and $I + W^*$ too. So $\|\bar A\|_2 \le \psi$, and $\bar A^\top\!\bar A - I$ and
# $\bar B^\top\!\bar A - I$ have norm at most $2(\psi - 1) + (\psi - 1)^2 = \xi$. Off the diagonal, $(c_{ij})$ has norm at most $\xi$, and both $(c_{ij})$ and $(c^*_{ij})$ have entries, rows and columns of length at most $\xi$.
#
# **(b)** $\|m_j\|^2 = r_j^2 + 2\,\|a_j\|\|b_j\|\,h_j$ and $\|\bar b_j - \bar a_j\|^2 = 2h_j$: dividing by the length removes the radial part. **(c)** $\langle \bar a_j, m_j\rangle = r_j - \|b_j\| h_j$ and
# $\langle \bar b_j, m_j\rangle = r_j + \|a_j\| h_j$.
#
# With $\frac\pi2 - \theta = \arcsin c$ and $\sin\theta = 1 - (1 - \sqrt{1 - c^2})$ in Lemma 2.1, $\langle R, M\rangle = q\,\|M\|_F^2$ is the sum of six parts.
#
# 1. $\frac\pi2 \|Mu\|^2 + \frac\pi2 \|M\|_F^2$, at least $\frac\pi2 \|M\|_F^2$.
# 2. What the pairs $i = j$ have beyond that: with $\theta$ the angle between $a_j$ and $b_j$ it is $\|b_j\|^2(\sin\theta\cos\theta - \theta)$ $+\,\|a_j\|\|b_j\|(\theta\cos\theta - \sin\theta)$, at least $-\ell^2 \theta^3$ with
#    $\ell$ the larger length. As $\|m_j\| \ge \ell \sin\theta$ and $\theta \le 2\arcsin\gamma$, this is at least $-\theta^3 (\sin\theta)^{-2} \|m_j\|^2$, so at least $-2\gamma(1 - \gamma^2)^{-5/2}\|m_j\|^2$ and at least
#    $-2\gamma (1 - \gamma)^{-2}\|m_j\|^2$, which is $-\frac\xi2 \|m_j\|^2$.
# 3. $\sum_{i \ne j} (\arcsin c^*_{ij} - \arcsin c_{ij})$ $\langle b_i, m_j \rangle$ $-\,\sum_j r_j \langle \bar a_j, m_j\rangle$. The slope of the arcsine is at most $\zeta$. Cauchy and Schwarz bound the first sum by $-\zeta$ times
#    the root of a product of two sums, and each of them lacks what belongs to $r_j$. By (a) and (b) $\sum_{ij}(c^*_{ij} - c_{ij})^2$ is at most $\psi^2\sum_j \|\bar b_j - \bar a_j\|^2$ and at most
#    $\frac{\psi^2}{(1 - \gamma)^2}\sum_j (\|m_j\|^2 - r_j^2)$. And $\sum_{i \ne j} \langle b_i, m_j\rangle^2$ is at most $(1 + \gamma)^2\|M\|_F^2 - \sum_j \langle b_j, m_j\rangle^2$. With $\sqrt{xy} \le \frac{x + y}2$ the whole is
#    at least
#
#    $$ -\frac{\zeta\psi^2}{2} \sum_j \Big( 2\|m_j\|^2 - r_j^2 - \frac{\langle b_j, m_j\rangle^2}{(1 + \gamma)^2}\Big) - \sum_j r_j \langle \bar a_j, m_j\rangle . $$
#
#    Here $\zeta\psi^2 \ge 1$ and $\frac{\zeta\psi^2}{(1 + \gamma)^2}\langle b_j, m_j\rangle^2 \ge \langle \bar b_j, m_j\rangle^2$. By (c) $\frac12 r_j^2 + \frac12\langle \bar b_j, m_j\rangle^2 - r_j\langle \bar a_j, m_j\rangle$ is
#    at least $-|r_j|\,(\|a_j\| + \|b_j\|)\,h_j$, and by (b) at least $-\frac12 \big| \frac{\|b_j\|}{\|a_j\|} - \frac{\|a_j\|}{\|b_j\|} \big| \|m_j\|^2$, hence at least $-(\psi - 1) \|m_j\|^2$. Together: at least
#    $-(\zeta\psi^2 + \psi - 1) \|M\|_F^2$.
# 4. $\sum_{i \ne j} \arcsin(c_{ij}) \langle m_i, m_j\rangle$, at least $-\arcsin(\xi)\, \|M\|_F^2$. For the arcsine's series has positive coefficients, and the spectral norm of a Hadamard product (entry by entry) is at most the
#    product of the norms: $(\arcsin c_{ij})$, zero on the diagonal, has norm at most $\arcsin\xi$.
# 5. $g \sum_j \langle \bar a_j, m_j \rangle$, by (c) $g\,(g - \sum_j \|b_j\| h_j)$: at least $g^2$ if $g \le 0$, and at least $-\frac{1 + \psi}4\, g \|M\|_F^2$ if $g > 0$, by (b).
# 6. $\sum_{i \ne j} \big(\|a_i\|\, p(c_{ij}) - \|b_i\|\, p(c^*_{ij})\big)$ $\langle \bar a_j, m_j\rangle$ with $p(c) = 1 - \sqrt{1 - c^2}$. As $|p(c^*) - p(c)|$ is at most $\frac\zeta2 |c^* + c||c^* - c|$, columns of length at most
#    $\xi$ make the change of $p$ cost at most $(1 + \gamma)\,\zeta\xi\, \frac{\psi}{1 - \gamma}\|M\|_F^2$, which is $\zeta\xi\psi^2\|M\|_F^2$. The rest is $\sum_{i \ne j} r_i\, p(c_{ij}) \langle \bar a_j, m_j\rangle$. As
#    $p(c) \le \frac\zeta2 c^2$, and the Hadamard square $(c_{ij}^2)$ has norm at most $\xi^2$, it costs at most $\frac{\zeta\xi^2}2 \|M\|_F^2$.
# ````
#
# `margin.slacks` evaluates every inequality of the proof, and a test does so on thousands of pairs, among them the worst that the searches found. How sharp are the six pieces? We search for the smallest value of each by itself.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
half = (starts // 2 + 1, steps // 4 + 1)
proved, smallest = bounds.margin_pieces(0.01), margin.smallest_pieces(min(dims), 0.01, *half, seed)
table = "| piece, in units of $\\lVert M\\rVert_F^2$, at $\\gamma = 1/100$ | at least | smallest found |\n|---|---|---|\n"
for k, (floor, found) in enumerate(zip(proved, smallest), 1):
    table += f"| {k} | {number(floor, 4)} | {number(found, 4)} |\n"
display(Markdown(table))

# %% [markdown]
# ## The limit of small weights
#
# How much of the bound is lost, and how much is real? For small weights both can be computed. Let $\gamma \to 0$. {prf:ref}`thm-margin` then leaves $\frac\pi2 - 1 - \frac g2$ (for $g \ge 0$). The first part is real: $\frac\pi2 - 1$ is the smallest eigenvalue of
# the [linearised operator](#notation-rates) in the printed scale, attained by skew $M$ with $Mu = 0$. The second comes from point 5 of the proof, which adds $g\,(g - \frac12\|M\|_F^2)$ to the inner product, with $\|M\|_F^2 \le 4\gamma^2 d$.
#
# *At a fixed $d$* this is of higher order, and the limit is $\frac\pi2 - 1$. *When $d$ grows with $\gamma^2 d = c$ fixed*, $\|M\|_F^2$ may stay at $4c$. The worst pair is again skew, with just enough trace for the worst $g \le 0.1$:
#
# $$ q \to \frac\pi2 - 1 - \begin{cases} c/4, & c \le 0.1 \\ 0.05 - 0.0025/c, & c \ge 0.1.\end{cases} $$
#
# So the infimum over all dimensions tends to $\frac\pi2 - 1.05$, where the bound from below is sharp. Without the condition on $g$ the line $-c/4$ would go on: this is the wrong-way gradient of chapter 5. It begins at $\gamma^2 d = 2\pi - 4$. For smaller $\gamma^2
# d$ no condition on $g$ is needed ({prf:ref}`safe-dimensions`), and so no Phase I either.

# %%
span_dims = [103, 499, 10007]
small = {x: span.smallest(span_dims, x, 3, seed) for x in (0.005, 0.01)}
room = phase_two.margin(longer, found=min(small[0.01]))

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, ax = plt.subplots()
c = np.geomspace(1e-3, 10, 200)
ax.semilogx(c, span.small_weights_limit(c), color=BLACK, label="limit γ → 0")
for (gamma, found), colour, marker in zip(small.items(), (BLUE, RED), "os"):
    shifted, x = span.small_weights_limit(c) - 2 * gamma, [gamma**2 * d for d in span_dims]
    ax.semilogx(x, found, marker, color=colour, label=f"best pair in the span, γ = {gamma:g}")
    ax.semilogx(c, shifted, "--", color=colour, lw=1, label=f"limit − 2γ, γ = {gamma:g}")
ax.set(title="As γ → 0 the worst ratio depends on γ²d only", xlabel="γ²d", ylabel="smallest q (printed scale)")
ax.legend()
figures.show("fig-small-gamma", figure)

# %% [markdown]
# ```{glue:figure} fig-small-gamma
# :name: fig-small-gamma
# :alt: A falling curve between two levels; the points for two small values of gamma lie on copies of it that are shifted down by 2 gamma.
#
# The smallest one-point ratio in the span of $I$, $J$ and $K$ at small $\gamma$, over $\gamma^2 d$, for dimensions from 103 to 10007, with the limit (line) and the limit less $2\gamma$ (dashed).
# ```
#
# The points of {numref}`fig-small-gamma` lie $2\gamma$ below the limit. That is the first-order term, and {ref}`an exercise <ex-phase-two-skew>` finds it by hand. Theorem 3.3 only asks that some $\gamma$ exist; {prf:ref}`thm-margin` provides one.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
printed, true = room.below_printed, room.below_true
claims.report(
    "thm-3.3", verdict=room.verdict, evidence=verdicts.PROVED,
    measured=f"at γ = 1/100 the ratio is at least {room.proved:.3f} (proved, all d) and {room.found:.2f} at the worst pair found; 0.03 proved up to γ = {room.proved_printed:.4f}, false at "
    f"γ = {printed.gamma:g} (ratio {number(printed.ratio, 2)}, d = {printed.d}); for the true gradient proved up to γ = {room.proved_true:.4f}, false at γ = {true.gamma:g} "
    f"({number(true.ratio / math.pi)}, d = {true.d})",
    spread=room.spread,
    numbers={"proved": room.proved, "found": room.found, "proved up to": room.proved_printed, "proved up to, true": room.proved_true, "false at": printed.gamma, "false at, true": true.gamma},
    note="The theorem only says that some γ exists, and one does, at the printed scale and for the true gradient; the largest such γ lies between the proved and the false one. In the limit γ → 0 the infimum over d is π/2 − 1 − 0.1/2.",
)

# %% [markdown]
# ## The other side of $g$
#
# The condition $g \le 0.1$ has no absolute value. Is a very negative $g$ harmless? By point 5 of the proof it is: the potential's term is then at least $g^2$ and pulls the right way. Searches check it: in the span of $I$, $J$ and $K$ at $\gamma = 1/100$, and at a
# $\gamma$ where nothing is proved, from the same starts under four conditions on $g$.

# %%
wide = 0.3  # a norm at which nothing is proved
size = (min(dims), wide, starts, steps, span_dims, 3, seed)
sides = phase_two.one_sided(*size)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "thm-3.3-one-sided", verdict=sides.verdict, evidence=verdicts.PROVED,
    measured=f"at γ = 1/100 and g < 0 the ratio is at least {sides.proved:.3f} (proved, all d); found with g ≤ −0.1: {sides.found:.2f}, with g ≤ −0.5: {sides.far_found:.2f}; at γ = {wide:g}, d = {min(dims)}: "
    f"{sides.as_printed:.2f} with g ≤ 0.1, {sides.two_sided:.2f} with |g| ≤ 0.1, {sides.below:.2f} with g ≤ −0.1, {sides.far_below:.2f} with g ≤ −0.5",
    spread=f"exact; searches: best of {starts} starts, or of three in the span",
    numbers={"proved": sides.proved, "found": sides.found, "far found": sides.far_found, "as printed": sides.as_printed, "below": sides.below},
    note="A negative g is harmless: by convexity of the norm the potential's term is at least g² when g ≤ 0.",
)

# %% [markdown]
# ## The paper's Figure 5: three bounds
#
# The paper's own argument splits $\langle R, M\rangle$ by a Taylor expansion about right angles. Its Figure 5 bounds the constant, the first-order and the higher-order part by $\frac\pi2 - O(g)$, $-1.3$ and $-0.085$ times $\|M\|_F^2$. The sum of the three is exact
# (`landscape.inner_product_parts`), but the text does not say to *which* part the column $i = j$ belongs.
#
# The thought experiment of section 4 has $\sum_j g_j \langle \bar a_j, m_j\rangle$ in the constant part, with the potential $g_j = g - r_j$ of the other columns. The alternative puts $g$ there, and the difference $-\sum_j r_j \langle \bar a_j, m_j\rangle$ into the
# first-order part. To leading order this difference is minus the sum of the squares on the diagonal of $M$. What can be proved of each reading?
#
# ```{prf:proposition} The paper's Figure 5 in every dimension
# :label: fig-5-bounds
#
# Let $\|W\|_2, \|W^*\|_2 \le \gamma$, with $\psi, \xi, \zeta$ as in {prf:ref}`thm-margin`. With $g$ in the constant part, the parts are, in units of $\|M\|_F^2$, at least
#
# * $\frac\pi2 - \frac14(1 + \psi)\max(g, 0)$ (constant), $-\psi^2 - (\psi - 1) - \xi$ (first order),
# * $-(\zeta - 1)\psi^2 - (\arcsin\xi - \xi)$ $-\, \frac12\xi - \zeta\xi\psi^2 - \frac12\zeta\xi^2$ (higher order).
#
# With $g_j$ there are, for every $\gamma < 1$ and even $d$, pairs with $0 \le g \le \gamma^2 d / 2$ whose constant part is at most $\frac\pi2 - (1 - \frac1d)(1 + \gamma^2)^{-1/2}$.
# ```
#
# ```{prf:proof}
# The constant part is points 1 and 5 of the proof above. Write $\arcsin c = c + (\arcsin c - c)$ in points 3 and 4. The first-order part has the linear terms: there the slope is 1 in place of $\zeta$, and $\xi$ stands for
# $\arcsin\xi$; point 3 stays true, as $\psi^2 \ge 1$ and $\psi^2 \langle b_j, m_j\rangle^2 / (1 + \gamma)^2 \ge \langle \bar b_j, m_j\rangle^2$. The higher-order part has points 2 and 6 and the rest of the arcsine, whose slope is
# at most $\zeta - 1$ and whose series has positive coefficients too. For the last claim let $W = 0$ and $W^* = \gamma\,(D - DJ/d)$ with $D$ a diagonal of as many $+1$ as $-1$. Then $Mu = 0$, and with $\epsilon = 1 - \frac1d$ the
# columns $b_j$ have the squared lengths $1 \pm 2\gamma\epsilon + \gamma^2\epsilon$. The diagonal of $M$ has zero sum, so that $g$ drops out of $\sum_j g_j \langle \bar a_j, m_j\rangle$ $= -\sum_j r_j M_{jj}$, which is
# $-\frac{d}{2}\gamma\epsilon$ times the difference of the two lengths. That is $4\gamma\epsilon$ over their sum, a sum of at most $2\sqrt{1 + \gamma^2}$, and $\|M\|_F^2 = d\gamma^2\epsilon$. Concavity of the root gives
# $g \le \frac d2 \gamma^2$, and convexity of the norm $g \ge 0$.
# ```

# %%
part_gammas = [0.01, 0.05, 0.1, 0.2, 0.3]
parts = taylor.three_parts(min(dims), part_gammas, *half, seed)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4))
panels = dict(zip(("constant", "first_order", "higher_order"), axes))
for (part, reading), values in parts.worst.items():
    look = {"marker": "o", "color": RED} if reading == "g_j" else {"marker": "s", "color": BLUE}
    panels[part].plot(part_gammas, values, label=f"${reading}$", **look)
limits = {"Constant: π/2 − O(g)": math.pi / 2, "First order: −1.3": taylor.FIRST_ORDER, "Higher order: −0.085": taylor.HIGHER_ORDER}
for ax, (title, bound) in zip(axes, limits.items()):
    ax.axhline(bound, color=BLACK, ls="--", lw=1)
    ax.set(title=title, xlabel="γ")
axes[0].set_ylabel("smallest part / ‖M‖²   (printed scale)")
axes[0].legend(title="reading")
figures.show("fig-parts", figure)

# %% [markdown]
# ```{glue:figure} fig-parts
# :name: fig-parts
# :alt: Three panels. The constant part with g stays near pi over 2, with g_j it starts much lower; the first-order and the higher-order part fall with gamma and cross their dashed lines.
#
# The smallest value found for each part of the paper's Figure 5, divided by $\|M\|_F^2$, over the allowed pairs in the smallest of the searched dimensions, with the paper's bounds (dashed; the first one at $g = 0$). The
# higher-order part is the same in both readings.
# ```
#
# {numref}`fig-parts` shows what a search finds for each part, in both readings. With $g_j$ the first bound cannot be right, at any $\gamma$. With $g$ all three are, for small $\gamma$.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
passed = [parts.passed("first_order"), parts.passed("higher_order")]
passed = [f"near γ = {x:.2f}" if x < math.inf else f"not up to γ = {part_gammas[-1]:g}" for x in passed]
floor, at_first = parts.proved, {key: values[0] for key, values in parts.worst.items()}
claims.report(
    "fig-5", verdict=parts.verdict, evidence=verdicts.PROVED,
    measured=f"at γ = 1/100 and in every d: constant at least {number(floor.constant)}, first order {number(floor.first_order, 4)}, higher order {number(floor.higher_order)}; found: "
    f"{number(at_first['constant', 'g'])} with g ({number(at_first['constant', 'g_j'])} with gⱼ), {number(at_first['first_order', 'g'])}, {number(at_first['higher_order', 'g'])}. "
    f"{number(taylor.FIRST_ORDER, 2)} is proved up to γ = {parts.first_up_to:.4f} and seen to be passed {passed[0]}, {number(taylor.HIGHER_ORDER, 2)} up to {parts.higher_up_to:.4f} and {passed[1]}",
    spread=f"exact; searches: best of {half[0]} starts, d = {min(dims)}",
    numbers={"first order": floor.first_order, "higher order": floor.higher_order, "first up to": parts.first_up_to, "higher up to": parts.higher_up_to, "diagonal": parts.diagonal},
    note=f"With the thought experiment's gⱼ the first bound fails at every γ (a diagonal M at g ≈ 0 gives {number(parts.diagonal)}). The correction: g in its place, and the difference counted as first order.",
)

# %% [markdown]
# ## Joint and separate expansion
#
# Every bound above compares $c^*_{ij}$ with $c_{ij}$, and not with zero. Why expand the *difference* of two [angles](#notation-theta)? One angle alone may stay away from $\pi/2$ for ever. As $W \to W^*$, $\theta_{i^*j}$ goes to the angle between two of the
# teacher's columns; the error of $\theta_{i^*j} \approx \frac\pi2 - c^*_{ij}$ goes to $\arcsin c - c$ with $c$ their cosine, and this is not zero. The error of $\theta_{i^*j} - \theta_{ij} \approx c_{ij} - c^*_{ij}$ does go to zero. The paper prints it as
# $O(|c^{*3}_{ij} - c^3_{ij}|)$.
#
# The constant is known: if $|c|, |c^*| \le \bar c < 1$, the error is $c^{*3} - c^3$ times a number between $\frac16$ and $\frac{1}{3\bar c^2}\big((1 - \bar c^2)^{-1/2} - 1\big)$. By Cauchy's mean value theorem this number is the quotient of the derivatives of
# $\arcsin c - c$ and of $c^3$ at some $s$ between $c$ and $c^*$: $\big((1 - s^2)^{-1/2} - 1\big) / (3s^2)$. The series of this function in $s^2$ has positive coefficients and begins with $\frac16$.
#
# To see the two errors, take a teacher with correlated columns and let $W \to W^*$ along a straight line. In {numref}`fig-joint` the separate error stays level, and the joint one falls with the distance, as the difference of the cubes does.

# %%
generator = torch.Generator().manual_seed(seed)
distances = np.geomspace(1e-8, 1, 17)
errors = taylor.angle_errors(40, wide, distances, generator)
angle, joint = errors.one_angle, errors.joint_error

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, ax = plt.subplots()
ax.loglog(distances, errors.separate, "s-", color=RED, label="separate: θ* ≈ π/2 − c*")
ax.loglog(distances, errors.joint, "o-", color=BLUE, label="joint: θ* − θ ≈ c − c*")
ax.loglog(distances, errors.cubes, color=BLACK, ls=":", label="|c*³ − c³|")
ax.set(title="Only the joint expansion improves on the way", xlabel="‖W − W*‖ relative to the start", ylabel="largest error (rad)")
ax.legend()
figures.show("fig-joint", figure)

# %% [markdown]
# ```{glue:figure} fig-joint
# :name: fig-joint
# :alt: Log-log plot: the separate error is flat, the joint error and the difference of the cubes fall along straight lines of slope one, a constant factor apart.
#
# The largest error over all $i \ne j$, for the separate expansion of each angle and for the joint expansion of their differences, as $W$ approaches $W^*$ on a line, at $d = 40$ and $\gamma = 0.3$; dotted: the largest
# $|c^{*3}_{ij} - c^3_{ij}|$.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "separate-taylor", verdict=angle.verdict, evidence=verdicts.PROVED,
    measured=f"at {number(angle.distance, 1)} of the first distance an angle is still {number(angle.furthest)} rad from π/2 and the separate error {number(angle.separate)} rad",
    spread=f"exact, for one teacher with γ = {wide:g}",
    numbers={"angle": angle.furthest, "error": angle.separate},
)
claims.report(
    "joint-taylor", verdict=joint.verdict, evidence=verdicts.PROVED,
    measured=f"error over |c*³ − c³| from {number(joint.smallest, 4)} to {number(joint.largest, 4)} (proved: from {number(1 / 6, 4)} to {number(joint.constant, 4)}, for cosines up to {number(joint.cosine, 2)}); as W → W* the error "
    f"falls like the distance to the power {joint.slope:.2f}",
    spread="the interval is proved; d = 40, one teacher and one direction",
    numbers={"smallest": joint.smallest, "largest": joint.largest, "constant": joint.constant, "power": joint.slope},
    note="The constant of the O depends on how close to one the cosines may come; for cosines up to 0.6 it is below 1/4.",
)

# %% [markdown]
# ## Summary
#
# - Theorem 3.3 is true: for $\gamma = 1/100$ we prove its margin in every dimension, with room to spare, at the printed scale and for the true gradient.
# - For larger $\gamma$ it is false: already in small dimensions a search finds pairs that break the inequality, and padding carries them to all larger ones.
# - As $\gamma \to 0$ the worst ratio depends on $\gamma^2 d$ only and tends to $\frac\pi2 - 1.05$ over all dimensions, where the bound is sharp.
# - The condition on $g$ is needed on one side only: a negative potential adds $g^2$ or more to the inner product.
# - The three bounds of the paper's Figure 5 are proved for small $\gamma$ in every dimension, once the first holds $g$ and not $g_j$; it is the joint expansion that makes them possible.
#
# ## Exercises
#
# ```{exercise} Two opposite turns
# :label: ex-phase-two-skew
#
# Let $W = -\gamma K$ and $W^* = \gamma K$ in a large dimension. What is $q$, to first order in $\gamma$?
# ```
#
# ```{solution} ex-phase-two-skew
# :class: dropdown
#
# All columns have length $\sqrt{1 + \gamma^2}$ up to $O(1/d)$, so $g = 0$ and $Mu = 0$; $a_j$ and $b_j$ form the angle $2\arctan\gamma$. Collecting the six parts of the proof as $d \to \infty$ gives
# $q = \frac\pi2 - \arctan\gamma - \frac{\gamma}{1 + \gamma^2} - \frac{1}{(1 + \gamma^2)^2}$, the formula in `span.limit` with $a = 0$ and no trace. To first order $q = \frac\pi2 - 1 - 2\gamma$. All of $-2\gamma$ comes from the
# pairs $i = j$, where the bound $-\frac\xi2 \approx -2\gamma$ of point 2 is attained. A run at $d = 1019$ and $\gamma = 0.01$ gives 0.551.
# ```
#
# ```{exercise} A large potential that helps
# :label: ex-phase-two-scaled
#
# Let $W = -\gamma I$ and $W^* = \gamma I$, so that $g = 2\gamma d$. Show that $q = \pi + d - 1$. Which part of the proof has changed its sign?
# ```
#
# ```{solution} ex-phase-two-scaled
# :class: dropdown
#
# All angles between different columns are right ones and $m_j = 2\gamma e_j$. Part 1 is $\frac\pi2(\|Mu\|^2 + \|M\|_F^2) = \pi\|M\|_F^2$, part 5 is $g\sum_j\langle \bar a_j, m_j\rangle = (2\gamma d)^2 = d\,\|M\|_F^2$, part 3 takes
# one $\|M\|_F^2$ away, and the others vanish. A large $g$ hurts only together with columns that turn, so that $\langle \bar A, M\rangle$ and $g$ differ in sign; here both are positive.
# ```
#
# ## Try
#
# * `make run CHAPTER=07 P="dims=[12] starts=40"`: another dimension. Expect about the same worst ratios, from far fewer of the starts.
# * `make run CHAPTER=07 P="gammas=[0.01,0.03,0.05]"`: small weights. Expect ratios near $0.57 - 2\gamma$, far above the bound that is proved.
