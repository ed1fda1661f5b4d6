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
# # The wrong way, with a purpose
#
# ```{admonition} In this chapter
# :class: note
# **The question.** When does the gradient point away from the teacher, how often does it, and how large is the potential that causes it when training starts?
#
# **What you will see.** A path that leads away from the teacher and then home. The approximation with which the paper explains it, and the term that this approximation lacks.
# The weights at which the gradient can point the wrong way, and the dimensions in which it cannot. How long the way home is.
#
# **What you need.** The expansion of the gradient from [chapter 3](03_landscape) and the three variables of [chapter 4](04_three_variables).
# ```

# %% tags=["parameters"]
d: int = 100  # input dimension; the theorems ask for at least 100
pairs: int = 16  # random and structured pairs (W, W*) in each search
large: int = 1499  # dimension of section 5.3's start: a prime near its 1500
seed: int = 0  # every random choice

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(globals(), d=range(11, 401), pairs=range(4, 201), large=range(103, 3001), seed=range(2**31))

import math

import matplotlib.pyplot as plt
import numpy as np
import torch

from src import verdicts
from src.book.typeset import number, power
from src.dynamics import three_variables
from src.theory import bounds, detour, naive_gradient, start, wrong_way

figures.use()
generator = torch.Generator().manual_seed(seed)
blue, red, green, black = (figures.COLOURS[c] for c in ("blue", "vermillion", "green", "black"))

# %% [markdown]
# ## A path that first leads away
#
# The paper's Figure 3 is a sketch of ten points. The first six lead away from the teacher [$W^*$](#notation-w), the others approach it. {numref}`fig-real-figure-3` is such a
# path, computed. The teacher is $W^* = 0$, and the student starts at
#
# $$W = -a\,(I - J/d) + bK$$
#
# with the matrix of ones [$J$](#notation-j), a skew [$K$](#notation-k) whose spectrum is flat, and $a, b > 0$ such that $\|W\|_F = 4.5$ and
# $\mathrm{tr}\,W = -\tfrac34 \|W\|_F^2$. It follows the gradient flow $\dot W = -\nabla L(W)$ of the [loss](#notation-loss) in [time](#notation-time) $t$. The flow does not
# leave the span of $I$, $J$ and $K$ ([chapter 4](04_three_variables)), so that three numbers describe the matrix of [dimension](#notation-n) $d$ exactly. We draw two of them,
# the trace and the Frobenius norm of the skew part; the third, along the all-ones vector [$u$](#notation-u), stays small.

# %%
path = wrong_way.figure_3(d=103, frobenius=4.5)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplot_mosaic([["plane", "plane"], ["distance", "potential"]], figsize=(7.0, 5.8))
_, kappa, _ = path.coordinates
plane = three_variables.trace(path.coordinates, path.d), kappa * math.sqrt(path.d - 1)
points = [x[path.marks] for x in plane]
axes["plane"].plot(*plane, color=blue)
axes["plane"].plot(*points, "o", color=red)
axes["plane"].plot(0, 0, "*", color=black, markersize=12)
for k, x, y in [point for point in zip(range(1, 11), *points) if point[0] not in range(2, 6)]:
    axes["plane"].annotate(f"$W_{{{k}}}$", (x, y), xytext=(8, 2), textcoords="offset points")
axes["plane"].annotate("$W^*$", (0, 0), xytext=(9, 1), textcoords="offset points")
axes["plane"].set(title="First to $g = 0$, then home", xlabel="trace of $W$", ylabel="Frobenius norm\nof the skew part of $W$")
end = path.times[path.marks[5]]
early = path.times <= 3 * end
for name, values, colour, title, label in (
    ("distance", path.distance, blue, "The distance rises …", r"distance $\Vert W - W^*\Vert_F$"),
    ("potential", path.potential, red, "… while the potential falls", "potential $g$"),
):
    axes[name].axvspan(0, end, color="#bbbbbb", alpha=0.5)
    axes[name].plot(path.times[early], values[early], color=colour)
    axes[name].set(title=title, xlabel="time $t$ (true scale)", ylabel=label)
figures.show("fig-real-figure-3", figure)

# %% [markdown]
# ```{glue:figure} fig-real-figure-3
# :name: fig-real-figure-3
# :alt: Top, ten marked points: six run horizontally to the right, the other four descend to the teacher. Bottom left, the distance rises by about a percent and then falls. Bottom right, the potential falls at once.
#
# The paper's Figure 3 from a computed path: the flow of the exact loss from a wrong-way start, $d = 103$, $W^* = 0$. Top: the plane of trace and skew part. Bottom: the distance
# to the teacher and the potential at the beginning, Phase I in grey. $W_1$ to $W_6$ are in Phase I, $W_6$ to $W_{10}$ in Phase II.
# ```
#
# At $W_1$ the inner product of the negative gradient with [$M$](#notation-m) $= W^* - W$ is negative, and the distance $\|M\|_F$ grows. What falls meanwhile is the potential
# [$g$](#notation-g), the sum of the differences of column lengths between teacher and student. When it is nearly used up, [Phase I](#notation-phases) is over. From there on
# every step leads home. {numref}`fig-phase-portrait` shows the same for all starts in this plane.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
before, after = path.potential[[0, path.marks[5]]]
claims.report(
    "fig-3",
    verdict=path.verdict,
    evidence=verdicts.EXACT,
    measured=f"distance rises by {100 * path.rise:.2f} %, then falls at every point; potential from {number(before)} to {number(after)} meanwhile",
    spread="exact",
    numbers={"rise": path.rise, "potential at the start": before, "inner product at the start": path.inner},
    note=f"Drawn from the exact flow at d = {path.d}, W* = 0; the paper's figure is a sketch.",
)

# %% [markdown]
# ## A thought experiment, and what it leaves out
#
# Section 4 explains the two phases with small weights. All columns [$a_i = e_i + w_i$ and $b_i = e_i + w^*_i$](#notation-columns) are then close to $e_i$, the
# [angles](#notation-theta) between different ones are close to $\pi/2$, and {prf:ref}`Lemma 2.1 <lem-2-1>` becomes
#
# $$R_j \approx \frac{\pi}{2} M_j + \frac{\pi}{2} \sum_i M_i + g_j \bar a_j$$
#
# for the sum [$R$](#notation-r) $= -\pi \nabla L$ that the lemma prints. The paper calls this gradient *naïve*. It does not get better as the weights shrink, because the neglected first-order part
# [$A_j$](#notation-a) $\bar a_j$ is proportional to $M$ as well. (The paper's proof has this part, in its Figure 5.) To first order in the weights the missing part is the off-diagonal part of $M^\top$. For skew $M$
# that is $-M$, so that the true factor is $\pi/2 - 1$ and not $\pi/2$. No pair of small weights is worse off: the missing part has at most the norm of $M$, and $R$ at least $\pi/2 - 1$ times that.
#
# We compare the naive gradient with $R$ on pairs whose [spectral norms](#notation-norms) are at most [$\gamma$](#notation-gamma): random and structured ones, the corners of the
# span of $I$ and $J$, and a skew $W$ with $W^* = 0$. On the same pairs we take the inner products of its three terms with $M$.

# %%
gammas = (0.001, 0.003, 0.01, 0.03, 0.1)
naive = naive_gradient.naive_gradient(d, gammas, pairs, generator)
terms = naive_gradient.terms(d, 0.01, pairs, generator)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(figsize=(7.0, 3.4))
axes.loglog(gammas, naive.naive, "o-", color=red, label="naive gradient, worst pair")
axes.loglog(gammas, naive.first_order, "o-", color=blue, label="with $A_j \\bar a_j$, worst pair")
axes.axhline(1 / (math.pi / 2 - 1), color=black, linestyle=":", label="skew $W$, $W^* = 0$, in the limit")
axes.set(title="The naive gradient does not improve as the weights shrink", xlabel="spectral norm $\\gamma$ of $W$ and $W^*$ (no unit)")
axes.set_ylabel(r"$\Vert R - $approximation$\Vert_F$ / $\Vert R\Vert_F$")
axes.legend()
figures.show("fig-naive-gradient", figure)

# %% [markdown]
# ```{glue:figure} fig-naive-gradient
# :name: fig-naive-gradient
# :alt: The error of the naive gradient stays at a constant above one as gamma goes to zero; with the first-order part it falls in proportion to gamma.
#
# Relative error of the naive gradient over pairs $(W, W^*)$ of spectral norm $\gamma$: the largest of the random and structured pairs, with and without the first-order part. The
# dotted line is the limit for skew $W$ and $W^* = 0$, $1 / (\pi/2 - 1)$.
# ```
#
# {numref}`fig-naive-gradient` says that a term is missing and which one it is: with $A_j \bar a_j$ the error is proportional to $\gamma$.
#
# Of the three terms the paper says that the first two have a positive inner product with $M$ and that the last one can point anywhere. The first has
# $\langle \tfrac\pi2 M, M \rangle = \tfrac\pi2 \|M\|_F^2$. The second is $\tfrac\pi2 M u u^\top$, and $\langle M u u^\top, M \rangle = \|Mu\|^2$: never negative, but zero
# wherever [$s$](#notation-s) $= Mu$ is zero, as at the start of {numref}`fig-real-figure-3`. Column by column, the last term points along $\bar a_j$ or against it; its size is
# the potential.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "naive-gradient",
    verdict=naive.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"relative error {number(naive.naive[0])} at γ = {gammas[0]} and {number(naive.naive[-1])} at γ = {gammas[-1]}; on skew "
    f"weights the factor is {number(naive.factor, 4)}, not π/2; with Aⱼāⱼ the error is "
    f"{number(naive.first_order[0], 2)} at γ = {gammas[0]} and grows like γ to the power {naive.power:.2f}",
    spread=f"worst of {naive.pairs} pairs, d = {d}; the factor in {naive_gradient.DIGITS} digits",
    numbers={"naive": naive.naive[0], "repaired": naive.first_order[0], "power": naive.power, "factor": naive.factor},
    note="The correction is the first-order term Aⱼāⱼ, which the paper's proof has (Figure 5).",
)
claims.report(
    "first-two-terms",
    verdict=terms.verdict,
    evidence=verdicts.PROVED,
    measured=f"inner products with M over ‖M‖²: the first term exactly π/2, the second from {number(abs(round(terms.second, 12)), 1)} up, both together at least "
    f"{number(terms.both)}, the last from {number(terms.last_low, 2)} to {number(terms.last_high)}",
    spread=f"extremes of {terms.pairs} pairs, d = {d}",
    numbers={"both": terms.both, "last, largest": terms.last_high},
    note="The correction: the second inner product is at least zero; it is zero where (W* − W)u is. The sum of the two is positive.",
)

# %% [markdown]
# ## When can the gradient point the wrong way?
#
# It can where the positive part is smallest, on skew weights, and the potential pushes against it as hard as it can. The start of {numref}`fig-real-figure-3` is made for that.
#
# ```{prf:proposition} The inner product in high dimension
# :label: wrong-way-expansion
#
# Let $W^* = 0$ and $W = -a\,(I - J/d) + bK$ with Paley's $K$. Hold $F = \|W\|_F$ and $z = -\mathrm{tr}\,W$ fixed as $d$ grows. Then
#
# $$\begin{aligned}
# \langle R, M \rangle = {} & \underbrace{\big(z - \tfrac12 F^2\big)}_{g}\, \underbrace{\big(z - F^2\big)}_{\langle \bar A, M\rangle} \\
#   & + \big(\tfrac{\pi}{2} - 1\big) F^2 \\
#   & - \frac{F^3}{\sqrt d} + O\big(\tfrac1d\big).
# \end{aligned}$$
# ```
#
# ```{prf:proof}
# Take the three parts of the gradient from [chapter 3](03_landscape). Every column has $w_{jj} = -z/d$ and $\|w_j\|^2 = F^2/d$, hence $\|a_j\|^2 = 1 - 2z/d + F^2/d$. So
# $g = d\,(1 - \|a_j\|)$ is $z - \tfrac12 F^2 + O(1/d)$, and $\langle \bar A, M\rangle$ is $z - F^2 + O(1/d)$. As $Mu = 0$, the constant part contributes
# $\tfrac\pi2 F^2 + g\,\langle\bar A, M\rangle$ up to $O(1/d)$.
#
# In the first-order part, the cosine of $e_i$ and $a_j$ is $w_{ij}/\|a_j\|$ for $i \ne j$. That of $a_i$ and $a_j$ is only $O(1/d^2)$, because the skew part of $w_{ij} + w_{ji}$
# cancels and $W^\top W$ is a multiple of $I - J/d$. What remains is $\sum_{i \ne j} w_{ij} M_{ij} = -F^2 + O(1/d)$.
#
# The entries $w_{ij}$ are $O(1/d)$, so that the higher-order part contributes $O(1/d)$ in the pairs $i \ne j$. The pair of $b_j = e_j$ and its own $a_j$, with the angle
# $\theta_{j^*j} = F/\sqrt d + O(1/d)$, contributes $-\theta_{j^*j} \|M_j\|^2$ to leading order: in sum $-F^3/\sqrt d$.
# ```
#
# The first product is the radial term: the potential times the direction in which it pushes. Length is a convex function, so the two factors change sign at different $z$. In
# between the product is negative, at worst $-F^4/16$ at $z = \tfrac34 F^2$, the trace of {numref}`fig-real-figure-3`. That beats the positive part when $F^2 > 16\,(\pi/2 - 1)$,
# that is $F > 3.02$. With a teacher there is more room. At $W^* = -W$ the same computation holds with $\|M\|_F$ in place of $F$, and $\|M\|_F$ is up to $2\gamma\sqrt d$. So the
# gradient can point the wrong way at any spectral norm, however small, if only the dimension is large enough. It must be, though:
#
# ```{prf:proposition} Dimensions in which it cannot
# :label: safe-dimensions
#
# Let $\|W\|_2, \|W^*\|_2 \le \gamma$. Whatever the potential is,
#
# $$\frac{\langle R, M\rangle}{\|M\|_F^2} \ge c(\gamma) - \frac{\gamma^2 d}{4\,(1 - \gamma)^2},$$
#
# where $c(\gamma)$ is the bound of {prf:ref}`thm-margin` at $g = 0$; $c(0) = \pi/2 - 1$.
# ```
#
# ```{prf:proof}
# Put $r_j = \|b_j\| - \|a_j\|$, so that $g = \sum_j r_j$. From $\|b_j\|^2 = \|a_j\|^2 + 2\,\langle a_j, M_j\rangle + \|M_j\|^2$ follows $\langle \bar a_j, M_j\rangle = r_j - S_j$
# with $S_j = (\|M_j\|^2 - r_j^2) / (2\|a_j\|)$. As $|r_j| \le \|M_j\|$ and $\|a_j\| \ge 1 - \gamma$, the sum over $j$ is $\langle \bar A, M\rangle = g - S$ with
# $0 \le S \le \|M\|_F^2 / (2(1 - \gamma))$. So $g\,\langle\bar A, M\rangle = g\,(g - S)$ is at least $-S^2/4$, and that at least $-\|M\|_F^4 / (16\,(1 - \gamma)^2)$. The proof of
# {prf:ref}`thm-margin` bounds $\langle R, M\rangle$ piece by piece; only its piece $g\,\langle\bar A, M\rangle$ needs the condition on $g$, and $\|M\|_F^2 \le 4\gamma^2 d$.
# ```
#
# For small $\gamma$ both propositions say $\gamma^2 d = 2\pi - 4$: the threshold is sharp. Without approximation $\langle R, M\rangle$ is a formula in the coordinates [$\alpha, \kappa, \tau$](#notation-span). We
# minimise it over the trace and look for the norm at which the minimum is zero, and for the dimension at which this norm is $1/100$, the radius of the ball in {prf:ref}`Theorem 3.2 <thm-3-2>`. Then we look at
# starts in Phase I inside that ball: the pairs of the thought experiment and Gaussian ones, as far as their potential exceeds $197\gamma^2$.

# %%
dimensions = [103, 499, large, 10007, 100003, 10**6]
norms = wrong_way.smallest_norms(dimensions)
pair = wrong_way.small_pair(gamma=bounds.PHASE_TWO_SPECTRAL)
safe = wrong_way.safe_dimension(bounds.PHASE_TWO_SPECTRAL)
convex = wrong_way.safe_dimension(bounds.PHASE_TWO_SPECTRAL, bounds.DELTA)
inside = wrong_way.in_phase_one(d, 0.01, pairs, generator)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(figsize=(7.0, 3.8))
for y, share, colour, teacher in ((norms.zero_teacher, 1, blue, "0"), (norms.opposite, 0.5, red, "-W")):
    axes.loglog(norms.dimensions, y, "o-", color=colour, label=f"possible above: $W^* = {teacher}$")
    axes.loglog(norms.dimensions, share * wrong_way.LIMIT / np.sqrt(norms.dimensions), ":", color=colour)
axes.loglog(norms.dimensions, norms.safe, "s-", color=black, markersize=4, label="impossible below, for all pairs")
axes.axhspan(axes.get_ylim()[0], bounds.PHASE_TWO_SPECTRAL, color="#bbbbbb", alpha=0.5)
axes.set(title="Above the lines the gradient can point the wrong way", xlabel="input dimension $d$", ylabel="spectral norm $\\gamma$ (no unit)")
axes.legend()
figures.show("fig-wrong-way-onset", figure)

# %% [markdown]
# ```{glue:figure} fig-wrong-way-onset
# :name: fig-wrong-way-onset
# :alt: Three falling lines on double logarithmic axes: W star equal to zero on top, W star equal to minus W below it, and the proved bound lowest, close to the second one on the right. All enter the grey region of norms below one hundredth at dimensions of some ten thousand.
#
# The smallest spectral norm at which the gradient points the wrong way, within the family of $I$, $J$ and a flat skew $K$ (blue, red), and the norm up to which no pair does
# (black, {prf:ref}`safe-dimensions`), over the dimension. Dotted: the leading-order formulas $4\sqrt{\pi/2 - 1}/\sqrt d$ and half of it. Grey: the weights that Theorem 3.2
# speaks of after Phase I, of spectral norm at most $1/100$.
# ```
#
# The formulas make sense for every $d$ and are exact where it is a prime congruent to 3 modulo 4, as in the pair that the verdict reports. Section 5.3 starts at $d = 1500$ with
# $\|W\|_2 \approx 0.15$, well above the lines of {numref}`fig-wrong-way-onset`. In high dimension the small ball of Theorem 3.2 is no protection in itself: what protects is
# $g \le 0.1$, the condition of {prf:ref}`Theorem 3.3 <thm-3-3>`. As long as the black line is above the grey region, the ball is enough, and Phase I is not needed.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
at_large = float(norms.frobenius[norms.dimensions == large][0])
claims.report(
    "wrong-way",
    verdict=pair.verdict,
    evidence=verdicts.EXACT,
    measured=f"with W* = 0 from ‖W‖_F = {number(at_large)} on at d = {large}; inside ‖W‖₂, ‖W*‖₂ ≤ 1/100 from d = {number(pair.onset, 4)} on within the "
    f"family: ratio {number(pair.precise_ratio, 2)} with g = {number(pair.g)} at d = {pair.d:,}; there no pair at all up to d = {safe:,}",
    spread=f"exact; {wrong_way.DIGITS} digits and float64 agree",
    numbers={"‖W‖_F": at_large, "onset": pair.onset, "ratio": pair.precise_ratio, "g": pair.g, "no pair up to": safe},
    note=f"It needs high dimension or large weights, γ²d about 2π − 4; at d = {norms.dimensions[0]} the family has it from ‖W‖₂ = {number(norms.opposite[0], 2)} on, and no pair below "
    f"{number(norms.safe[0], 2)}.",
)
claims.report(
    "wrong-way-always",
    verdict=inside.verdict,
    evidence=verdicts.PROVED,
    measured=f"{inside.wrong} of {inside.starts} starts in Phase I with ‖W‖₂, ‖W*‖₂ ≤ 1/100 at d = {d}; the lowest ratio is {number(inside.lowest)}, and "
    f"no pair can have less than {number(inside.bound)}",
    spread=f"the bound holds for every pair; above zero up to d = {safe:,}, above the paper's 0.03 up to d = {convex:,}",
    numbers={"bound": inside.bound, "wrong": inside.wrong, "safe dimension": safe, "convex dimension": convex},
    note="In Phase I the gradient can point the wrong way, in high dimension; that it does is not so: for smaller dimensions the ball is one-point convex "
    "whatever the potential, and Phase I is not needed.",
)

# %% [markdown]
# ## Is the way home a long detour?
#
# The introduction says that, as the gradient points the wrong way in Phase I, SGD takes a long detour. How long? Divide the length of the path by the straight distance from start to teacher. We follow the flow from
# wrong-way starts of the sizes of section 5.3; descent from Gaussian starts (of the kind of the next section); and the flow of pairs in the span of $I$, $J$ and $K$ with $\|W\|_2, \|W^*\|_2 \le 0.15$ that a search
# made as roundabout as it could. For small weights the flow is linear, and the worst case over all pairs can be computed from the [rates](#notation-rates) of [chapter 4](04_three_variables).

# %%
way = detour.detour(d, large, generator)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "detour",
    verdict=way.verdict,
    evidence=verdicts.SEARCHED,
    measured=f"path over straight way: {number(way.wrong_way)} from wrong-way starts, {number(way.gaussian)} from Gaussian starts, at most {number(way.small)} for "
    f"small weights, {number(way.searched)} for the longest one found",
    spread="the longest of each kind",
    numbers=way._asdict(),
    note=f"We call a detour long from {number(detour.LONG, 1)} times the straight way on. The paths from wrong-way starts are the straightest here; the others bend because "
    "fast directions come first, as under a convex quadratic.",
)

# %% [markdown]
# ## How large is the potential at the start?
#
# Section 4 says that from a random start $g$ can be as large as $\Omega(\sqrt d)$. Draw $W$ from a Gaussian law, its entries of standard deviation $\nu/\sqrt d$, and $W^*$ with
# $\nu_*/\sqrt d$. By the law of large numbers a column of $I + W$ has a length close to $\sqrt{1 + \nu^2}$, and to leading order
#
# $$\mathbb{E}\, g = d\,\Big(\sqrt{1 + \nu_*^2} - \sqrt{1 + \nu^2}\Big) .$$
#
# (The exact mean is a hypergeometric function; the verdict uses it.) We take $\nu = 0.5$, so that $\|W\|_2$ is about one, and $\nu_* = 0$, $0.5$ and $0.6$. Beside the potential
# we look at the [one-point ratio](#notation-q). To leading order its radial part is $-d$ times $\big(\sqrt{1 + \nu_*^2} / \sqrt{1 + \nu^2} - 1\big)\, \nu^2 / (\nu^2 + \nu_*^2)$.

# %%
sizes = (50, 100, 200, 400) if d >= 100 else (20, 40, 80)
at_start = start.potential_at_start(sizes, generator)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.8))
names = "$W^* = 0$", "$\\nu_* = 0.5$, same law", "$\\nu_* = 0.6$, larger teacher"
for k, (name, marker, colour) in enumerate(zip(names, "^so", (blue, green, red))):
    error = 2 * at_start.deviation[k] / math.sqrt(at_start.draws)
    left.errorbar(sizes, at_start.mean[k], error, fmt=marker, capsize=3, color=colour, label=name)
    left.plot(sizes, at_start.expected[k], ":", color=colour)
    low, high = at_start.ratio[k].T
    right.errorbar(sizes, (low + high) / 2, (high - low) / 2, fmt=marker, capsize=3, color=colour)
right.axhline(0, color=black, lw=1)
right.set_yscale("symlog", linthresh=1)
right.set_ylim(-10, 100)
left.set(title="The potential is of order $d$, or near 0", xlabel="input dimension $d$", ylabel="mean of $g$ (column lengths)")
right.set(title="Below zero: the wrong way", xlabel="input dimension $d$", ylabel="one-point ratio (printed scale)")
figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
figures.show("fig-potential-at-start", figure)

# %% [markdown]
# ```{glue:figure} fig-potential-at-start
# :name: fig-potential-at-start
# :alt: Left, with W star equal to zero the mean potential is negative and proportional to d; with a teacher of the same law it is zero; with a larger teacher it is positive and proportional to d. Right, the one-point ratio is positive and growing for the first, positive and level for the second, and falls through zero for the third.
#
# Gaussian starts with entries of standard deviation $0.5/\sqrt d$, over the dimension. Left: the mean potential of 16 draws with two standard errors, and its exact mean
# (dotted). Right: the smallest and largest ratio $\langle R, M\rangle / \|M\|_F^2$ among the draws.
# ```
#
# In {numref}`fig-potential-at-start` the potential is proportional to $d$, hence larger than $\sqrt d$, unless the two laws agree. Where they do, what is left is the fluctuation, of order one (the last exercise).
# Orders in between need a teacher that is a little larger than the start: at $W = 0$ and $W^* = I/\sqrt d$ the potential is exactly $\sqrt d$. With the larger teacher the potential is positive. At weights of this
# size it turns the gradient round once the dimension is large enough, and that is what Phase I has to remove.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
errors = at_start.deviation[:, -1] / math.sqrt(at_start.draws)
means = [f"{number(mean)} ± {number(error, 2)}" for mean, error in zip(at_start.mean[:, -1], errors)]
claims.report(
    "g-at-start",
    verdict=at_start.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"at d = {sizes[-1]}: {means[2]} with a larger teacher, growing like d to the power {number(at_start.growth)} (one-point ratio "
    f"{number(at_start.ratio[2, -1, 0])} to {number(at_start.ratio[2, -1, 1])}); {means[0]} with W* = 0; "
    f"{means[1]} for one law, with a standard deviation of {number(at_start.deviation[1, -1], 2)} in the single draw",
    spread=f"standard errors of {at_start.draws} draws; exact means at most {number(at_start.largest_z, 2)} of them away",
    numbers={"larger": at_start.expected[2, -1], "zero": at_start.expected[0, -1], "power": at_start.growth, "ratio": at_start.ratio[2, -1, 0]},
    note="The order is d where the teacher is larger than the start, more than the paper asks for, and one where both follow one law.",
)

# %% [markdown]
# ## Are the hidden units correlated?
#
# Two footnotes speak of the activations $\sigma_j = \mathrm{ReLU}(a_j^\top x)$ of the [network](#notation-f). Footnote 1: if a teacher's weights are orthonormal, its activations
# are independent. That is so: $b_i^\top x$ and $b_j^\top x$ are jointly Gaussian with covariance $b_i^\top b_j = 0$, thus independent, and so are functions of them. Footnote 2
# calls the activations of this network highly correlated, because $\sum_{i,j} \mathrm{Cov}[\sigma_i, \sigma_j]$ can be $\Omega(d)$. But the diagonal of that sum alone is
# $d\,(\tfrac12 - \tfrac{1}{2\pi})$ at $W = 0$, where the units are independent. What says something is the sum over $i \neq j$. With $W = \gamma J / d$ each pair has a cosine of
# about $2\gamma/d$ and a covariance of about $\gamma / 2d$, and there are $d^2$ pairs.

# %%
independent = start.orthonormal_units(d, generator)
units = start.correlated_units(d, generator)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "footnote-1",
    verdict=independent.verdict,
    evidence=verdicts.PROVED,
    measured=f"orthonormal weights: covariances at most {power(independent.covariance)}, both active with probability 1/4 to {power(independent.both_active)}; "
    f"Gaussian weights: covariances up to {number(independent.otherwise, 2)}",
    spread=f"all pairs of one random orthogonal and one Gaussian matrix, d = {d}",
    numbers={"otherwise": independent.otherwise},
)
claims.report(
    "footnote-2",
    verdict=units.verdict,
    evidence=verdicts.EXACT,
    measured=f"over d: {number(units.diagonal)} from i = j at W = 0, where the units are independent; from i ≠ j {number(units.aligned)} at d = {d} and "
    f"{number(units.aligned_larger)} at d = {4 * d} for W = uuᵀ / 2d, {number(units.random, 2)} for one Gaussian W",
    spread="exact",
    numbers={"diagonal": units.diagonal, "aligned": units.aligned, "aligned, larger": units.aligned_larger},
    note="The correction: sum over i ≠ j. The printed sum is of order d for independent units too, and so says nothing about correlation.",
)

# %% [markdown]
# ## Summary
#
# - The gradient can point away from the teacher: the distance then grows while the potential $g$ falls, and when $g$ is used up every step leads home.
# - The thought experiment of section 4 lacks the first-order part $A_j \bar a_j$, which is as large as what it keeps. On skew weights the positive factor is $\pi/2 - 1$, not $\pi/2$.
# - With $\|W\|_2, \|W^*\|_2 \le \gamma$ the wrong way begins at $\gamma^2 d \approx 2\pi - 4$, and not before: a bound for all pairs meets a family of examples. In the ball of radius $1/100$ most dimensions that one uses are safe without any condition on $g$.
# - No way home was found to be twice as long as the straight one, and those from wrong-way starts are the straightest.
# - At random starts the potential is of order $d$, or of order one where student and teacher have one law. It is positive only where the teacher is the larger one, and then large weights do meet the wrong way.
#
# ## Exercises
#
# ```{exercise} The wrong way in finite dimension
# :label: ex-wrong-way-onset
#
# In {numref}`fig-wrong-way-onset` the points lie below the dotted lines when the dimension is small. Which term of {prf:ref}`wrong-way-expansion` does that, and from which $F$
# on can the gradient point the wrong way at $d = 1499$ and $W^* = 0$?
# ```
#
# ```{solution} ex-wrong-way-onset
# :class: dropdown
#
# The term of the own pairs, $-F^3/\sqrt d$, which is negative. At the worst trace, $z = \tfrac34 F^2$, the expansion vanishes when $F^2/16 + F/\sqrt d = \pi/2 - 1$. Its positive
# solution is $2.82$ at $d = 1499$. A run agrees to a hundredth.
# ```
#
# ```{exercise} The potential of a larger teacher
# :label: ex-wrong-way-start
#
# Predict the mean of $g$ at $d = 400$ for $\nu = 0.5$ and $\nu_* = 0.6$, and the standard deviation of $g$ for $\nu = \nu_* = 0.5$.
# ```
#
# ```{solution} ex-wrong-way-start
# :class: dropdown
#
# The mean is $400\,(\sqrt{1.36} - \sqrt{1.25}) = 19.3$. For the fluctuation, the square of a column's length moves by $2w_{jj}$, of variance $4\nu^2/d$, and by the sum of all
# $w_{ij}^2 - \nu^2/d$, of variance $2\nu^4/d$. The length moves by $1/(2\sqrt{1 + \nu^2})$ times as much. The $d$ columns of student and teacher are independent, so that the
# variance of $g$ is $(2\nu^2 + \nu^4)/(1 + \nu^2) = 0.45$ and its standard deviation $0.67$ in every dimension. A test repeats this with 1500 draws.
# ```
#
# ## Try
#
# - `make run CHAPTER=05 P="large=499"`: expect the wrong way to start at a smaller norm.
# - `make run CHAPTER=05 P="seed=1"`: other starts. Expect other means within their errors, and the same exact ones.
