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
# # Phase I: the potential falls
#
# ```{admonition} In this chapter
# :class: note
# **The question.** What drives the first phase, how fast does the potential fall, and does every clause of Theorem 3.2 hold as it is printed?
#
# **What you will see.** How large and how noisy a gradient can be. The two variables $s$ and $g$ that drive Phase I, and a term that the printed update of $g$
# lacks. Theorem 3.2 clause by clause, with the starts that break a clause and what repairs it.
#
# **What you need.** The expansion of the gradient from [chapter 3](03_landscape), the coordinates of [chapter 4](04_three_variables), and from
# [chapter 5](05_wrong_way) why there has to be a first phase at all.
# ```

# %% tags=["parameters"]
d: int = 100  # input dimension; the theorems ask for at least 100
pairs: int = 16  # random and structured pairs (W, W*) in each search
ascent: int = 15  # steps of the search for the largest gradient
batches: int = 8  # minibatches that measure the gradient's noise
large: int = 1499  # dimension of 5.3's start (1500 there): a prime, 3 modulo 4
seed: int = 0  # every random choice

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(
    globals(),
    d=range(11, 401),
    pairs=range(4, 201),
    ascent=range(1, 501),
    batches=range(2, 101),
    large=range(103, 3001),
    seed=range(2**31),
)

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src.dynamics import three_variables
from src.model import weights
from src.theory import bounds, gradient_size, phase_one, search
from src.theory import phase_one_updates as updates

figures.use()
if d < 200:
    torch.set_num_threads(1)  # with small matrices a second thread costs more time than it saves
generator = torch.Generator().manual_seed(seed)
blue, red, green, black = (figures.COLOURS[c] for c in ("blue", "vermillion", "green", "black"))
K = weights.flat_skew(d, generator)  # for clause (c)

# %% [markdown]
# ## Two starts of one size
#
# Phase I is about the potential [$g$](#notation-g), the summed lengths of the teacher's columns less those of the student's. Theorem 3.2 says that gradient
# descent shrinks it in every single step, by the factor $1 - 0.5\,\eta d$ at least, until it is below $197\gamma^2$, where [$\gamma$](#notation-gamma) measures
# the spectral norms of the [weight matrices](#notation-w) $W$ and $W^*$, and that this takes at most $1/(16\eta)$ steps of size [$\eta$](#notation-eta). Before any algebra we look
# at two starts with $W^* = 0$ and the same norm $\|W\|_2 = \gamma$. With [$J = uu^\top$](#notation-j), the matrix of ones, they are
#
# $$W = -\gamma I \qquad\text{and}\qquad W = \tfrac{\gamma}{d - 1}\,(J - I) .$$
#
# The first shortens every column. The second has a zero diagonal and equal entries elsewhere. Both have only two different eigenvalues, so that the
# [three variables](#notation-span) $(\alpha, \kappa, \tau)$ of chapter 4 describe their flow exactly.

# %%
gamma = 0.001
t = np.linspace(0, math.pi / 16, 201)  # the theorem's 1 / (16 eta) steps
short = (-gamma, 0.0, -gamma)  # (alpha, kappa, tau)
hollow = (-gamma / (d - 1), 0.0, gamma)
runs = [three_variables.integrate(W, d, t) for W in (short, hollow)]

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, panels = plt.subplots(1, 2, figsize=(7.6, 3.3))
share = 16 / math.pi * t
promised = float(runs[0].potential[0]) * np.exp(-d / 32 * share)
panels[0].semilogy(share, promised, ":", color=red, label="as Theorem 3.2 states")
titles = "$W = -\\gamma I$: $g$ falls", "$W = \\gamma (J - I)/(d - 1)$: $g$ rises first"
for axes, run, title in zip(panels, runs, titles):
    axes.plot(share, run.potential, color=blue, label="$g$ along the flow")
    axes.axhline(bounds.phase_one_potential(gamma), color=black, linestyle="--", label="$197\\gamma^2$")
    axes.set(title=title, xlabel="share of the $1/(16\\eta)$ steps", ylabel="potential $g$")
    axes.legend()
panels[1].ticklabel_format(axis="y", scilimits=(0, 0))
figures.show("fig-phase-one", figure)

# %% [markdown]
# ```{glue:figure} fig-phase-one
# :name: fig-phase-one
# :alt: Left, the potential falls from about 0.1 on a straight line, twice as steeply as the dotted one, towards the dashed threshold. Right, it starts just below zero, rises to more than twice the threshold and then decays.
#
# The potential along the exact flow from two starts with $\|W\|_2 = \gamma = 0.001$ and $W^* = 0$, over the time that Theorem 3.2 gives Phase I. Dashed: where
# Phase I is to end. Dotted, left: the decay by $1 - 0.5\,\eta d$ in every step. Printed scale.
# ```
#
# In {numref}`fig-phase-one` the first start does better than the theorem promises. The second starts below the threshold, and its potential *rises* above it
# before it falls. That breaks no clause yet. But the paper's derivation has no room for it: a term is missing there, and because of it the theorem's two
# constants have to be told apart. Everything in this chapter is in the [printed scale](#notation-r) unless it says otherwise: one step adds $\eta R$ to $W$,
# where $R = -\pi\,\nabla L$ is the sum that {prf:ref}`Lemma 2.1 <lem-2-1>` prints. With the true gradient all is slower by $\pi$.
#
# ## How large gradients can be, and how noisy
#
# The step size of Phase I rests on bounds for the [stochastic gradient](#notation-noise) $G_t = R + E_t$, whose noise $E_t$ is said to be at most $\varepsilon$
# in Frobenius norm: [$G_2$ and $G_F$](#notation-bounds) in
#
# $$\begin{aligned} \|G_t\|_2 &\le G_2 = 6d\gamma + \varepsilon, \\ \|G_t\|_F &\le G_F = 6d^{1.5}\gamma + \varepsilon . \end{aligned}$$
#
# First the part without noise. We look for the worst pair of spectral norm $\gamma$: the corners of the span of $I$ and $J$ (all eigenvalues $\pm\gamma$),
# random and structured pairs, and a few steps of gradient ascent from the worst of them.

# %%
fresh = torch.Generator().manual_seed(seed)
W, W_star = search.with_corners(d, 1.0, pairs, fresh)  # [S, d, d]
tried = (0.001, 0.01, 0.1, 0.3, 0.5, 0.7)  # gamma
sizes = gradient_size.sizes(W, W_star, tried, ascent)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(figsize=(7.0, 3.0))
axes.semilogx(tried, sizes.spectral, "o-", color=red, label="$\\|R\\|_2 / G_2$")
axes.semilogx(tried, sizes.frobenius, "s-", color=blue, label="$\\|R\\|_F / G_F$")
axes.axhline(1, color=black, linestyle="--")
axes.set(title=f"Both bounds hold for small weights ($d = {d}$)", ylim=(0, None))
axes.set(xlabel="spectral norm $\\gamma$ of $W$ and $W^*$", ylabel="largest norm / bound")
axes.legend()
figures.show("fig-gradient-bounds", figure)

# %% [markdown]
# ```{glue:figure} fig-gradient-bounds
# :name: fig-gradient-bounds
# :alt: The spectral ratio is flat at about 0.86 up to a spectral norm of 0.3 and then rises above one; the Frobenius ratio is flat at 0.34.
#
# The largest norms of $R$ over all pairs tried, as shares of $G_2$ and $G_F$ with $\varepsilon = 0$. Printed scale; the true gradient is $\pi$ times smaller.
# ```
#
# {numref}`fig-gradient-bounds` is flat where the weights are small, and the corner $W = -\gamma I$, $W^* = \gamma I$ explains its height. There
# [$M$](#notation-m) $= 2\gamma I$, and two terms of $R$ add up on [$u$](#notation-u), the all-ones vector: $\tfrac{\pi}{2} Mu\,u^\top$ contributes
# $\pi\gamma d$ and the potential $2\gamma d$. Together they are $(\pi + 2)\,\gamma d$, which is $0.857$ of $G_2$.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
G_2_share, G_F_share = sizes.largest
claims.report(
    "gradient-bounds",
    verdict=sizes.verdict,
    measured=f"at most {G_2_share:.3f} of G_2 and {G_F_share:.3f} of G_F for gamma <= {gradient_size.SMALL}",
    spread=f"worst of {len(W)} pairs and {ascent} steps of ascent, d = {d}",
    note=f"In the printed scale; pi times more room in the true one. G_2 is crossed at gamma = {sizes.crossing}, far outside the theorems.",
)

# %% [markdown]
# The noise is another matter. Theorem 3.1 asks for $\|E_t\|_F \le \varepsilon \le \gamma^2$ at every step. For Gaussian inputs the noise of a minibatch is not
# bounded at all, so at best this can be meant on average. How large is it then? For one input the gradient of the squared error is
# $2\,(f(x, W) - f(x, W^*))\,x$ in every column whose unit is active. With $\|x\|^2 \approx d$ and $d/2$ units active its squared Frobenius norm is about
# $2d^2\,(f - f^*)^2$, and the mean over a minibatch of [$B$](#notation-batch) inputs has
#
# $$\mathbb{E}\,\|E_t\|_F^2 \approx \frac{2 d^2 L(W)}{B} \quad\text{(true scale)}.$$
#
# We measure its root at the starts of sections 5.2 and 5.3 with their batch sizes, and at a pair inside the theorem's regime. The last line of the table is the
# minibatch that would bring it down to $\gamma^2$.

# %%
noise = gradient_size.noise_bound(large, batches, generator)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
at = noise.places.values()
table = {
    "": noise.places,
    "---": ["--:"] * len(at),
    "$d$, $B$, $\\gamma$": [f"{x.d}, {x.batch}, {x.gamma}" for x in at],
    "loss $L(W)$": [f"{x.loss:.3g}" for x in at],
    "$\\Vert E_t\\Vert_F$, root mean square": [f"{math.sqrt(x.mean_square):.3g}" for x in at],
    "$d\\sqrt{2L/B}$": [f"{x.predicted:.3g}" for x in at],
    "allowed, $\\gamma^2$": [f"{x.gamma**2:.3g}" for x in at],
    "$B$ that would do, millions": [f"{float(f'{x.enough / 1e6:.2g}'):,.0f}" for x in at],
}
display(Markdown("\n".join("| " + " | ".join([name, *row]) + " |" for name, row in table.items())))

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
errors = ", ".join(f"{at.error / at.gamma**2:.1g}" for at in noise.places.values())
claims.report(
    "noise-bound",
    verdict=noise.verdict,
    measured="; ".join(f"{name}: {at.factor:.3g} times gamma^2" for name, at in noise.places.items()),
    spread=f"± {errors} (standard error of {batches} batches)",
    note="Never met: Gaussian minibatch noise has no bound, and its mean square is near 2 d^2 L / B (true scale; pi times more in "
    "the printed one), so that the batch B would have to exceed 2 d^2 L / gamma^4.",
)

# %% [markdown]
# ## The two variables that drive Phase I
#
# With [$s$](#notation-s) $= (W^* - W)\,u$, section 4 states how one step changes $s$ and $g$ together:
#
# $$\begin{aligned}
# s_{t+1} &\approx s_t - \tfrac{\pi}{2}\, \eta d\, s_t + \eta\, O(\sqrt d\, g_t + \sqrt d\, \gamma),\\
# g_{t+1} &\approx g_t - \eta d\, g_t + \eta\, O(\gamma \sqrt d\, \|s_t\| + d \gamma^2).
# \end{aligned}$$
#
# The constant in an $O$ is not given. But if there is one, then the remainder divided by the bracket stays bounded as $\gamma$ and $d$ vary. We measure this
# quotient over many pairs, in two dimensions of which one is three times the other.

# %%
gammas = (0.001, 0.003, 0.01, 0.03, 0.1)
worst = updates.worst_quotients((d // 3, d), gammas, pairs, generator)
s_update = updates.SUpdate(*worst.s)
g_update = updates.g_update(d, worst.g[1])

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(figsize=(7.0, 3.4))
names = "$g$, as printed", "$s$, as printed", "$g$, with the missing term"
lines = (worst.g, worst.s, worst.g_corrected)
for (smaller, larger), colour, marker, name in zip(lines, (red, green, blue), "s^o", names):
    axes.loglog(gammas, smaller, "--", marker=marker, color=colour, markersize=3, linewidth=1)
    axes.loglog(gammas, larger, "-", marker=marker, color=colour, label=name)
axes.set(title="The update of $s$ holds; that of $g$ lacks a term")
axes.set(xlabel="spectral norm $\\gamma$ of $W$ and $W^*$", ylabel="remainder / allowed size")
axes.legend()
figures.show("fig-updates", figure)

# %% [markdown]
# ```{glue:figure} fig-updates
# :name: fig-updates
# :alt: The quotients for s and for the corrected update of g are flat between two and three; that for the printed update of g rises as one over gamma, beyond a thousand.
#
# The remainder of the stated updates divided by the size allowed for it, for the worst pair, over $\gamma$: solid at the chapter's dimension $d$, dashed at
# $d/3$. A bounded quotient means that some constant makes the statement true. Printed scale.
# ```
#
# The quotient of $s$ stays where it is in {numref}`fig-updates`, whatever $\gamma$ and $d$ are. That of $g$ grows like $1/\gamma$: no constant will do. What is missing there can be said exactly.
#
# ```{prf:proposition} The update of the potential
# :label: prop-potential-update
#
# Let $\|W\|_2, \|W^*\|_2 \le \gamma \le \tfrac12$. As a step $\eta R$ is taken from $W$, the potential changes at the rate
#
# $$\begin{aligned} \frac{dg}{d\eta} = {} & -\big(d + \tfrac{\pi}{2} - 1\big)\, g - \tfrac{\pi}{2}\, \langle u, s\rangle \\
# & + O\big(\gamma\sqrt d\, \|s\| + d\gamma^2\big) . \end{aligned}$$
# ```
#
# ```{prf:proof}
# Column $j$ lengthens at the rate $\langle \bar a_j, R_j\rangle$, with [$\bar a_j$](#notation-columns) its direction, so $dg/d\eta$ is minus the sum of these
# over $j$. [Chapter 3](03_landscape) writes $R_j$ as $\tfrac{\pi}{2} s + \tfrac{\pi}{2} M_j + g_j \bar a_j + A_j \bar a_j$ (for [$A_j$](#notation-a) see there) and higher orders; we take the sum term by term. All
# sums of squares of entries, $\|W\|_F^2$, $\|W^*\|_F^2$ and $\|\bar A - I\|_F^2$, are $O(d\gamma^2)$.
#
# - *The sum over columns:* $\sum_j \langle \bar a_j, s\rangle$ is $\langle u, s\rangle$ and $\langle (\bar A - I)\,u, s\rangle$ more, with $\|(\bar A - I)\,u\| = O(\gamma\sqrt d)$.
# - *The column itself:* $\sum_j \langle \bar a_j, M_j\rangle = \mathrm{tr}\, M + O(d\gamma^2)$, and $g = \mathrm{tr}\, M + O(d\gamma^2)$ too, since a column's length
#   is one plus its diagonal entry up to second order.
# - *The potential:* $\sum_j g_j = (d - 1)\, g$, exactly.
# - *The first-order part:* $\langle \bar a_j, A_j \bar a_j\rangle$ is the sum of $\|b_i\|\, c_{i^*j}^2 - \|a_i\|\, c_{ij}^2$ over $i \ne j$, with $c$ the cosines between different
#   columns. Their squares sum to $O(d\gamma^2)$, and so do the higher orders, which begin with squares of these cosines and of the [angles](#notation-theta) $\theta_{j^*j}$.
# ```
#
# The factor $d + \tfrac{\pi}{2} - 1$ is a matter of taste when $d$ is large. The term $-\tfrac{\pi}{2}\langle u, s\rangle$ is not: the inner product is as
# large as $\sqrt d\,\|s\|$, a factor $1/\gamma$ larger than the error allowed for it.
# The right panel of {numref}`fig-phase-one` is the simplest counterexample. At $W = \tfrac{\gamma}{d-1}(J - I)$ the potential is of second order, but
# $\langle u, s\rangle = -\gamma d$, so that $g$ moves at the rate $\tfrac{\pi}{2}\gamma d$. No multiple of $\gamma^2 d$ covers that when $\gamma$ is small. In
# three coordinates one actual step of the theorem's size can be taken in 40 digits; `g_update` has done so.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "s-update",
    verdict=s_update.verdict,
    measured=f"remainder at most {worst.s.max():.2f} times sqrt(d) (g + gamma)",
    spread=f"worst of {len(W) + 1} pairs, d = {d // 3} and {d}, gamma from {gammas[0]} to {gammas[-1]}",
    note="In the printed scale; the O's constant is not given, so that only its existence is tested: the quotient stays bounded in gamma and d.",
)
claims.report(
    "g-update",
    verdict=g_update.verdict,
    measured="W = c (u u^T - I), W* = 0: quotient "
    + ", ".join(f"{q:.4g} at gamma = {y:g}" for y, q in zip(g_update.gammas, g_update.digits)),
    spread="exact; float64 and 40 digits agree",
    note="The term -(pi/2) eta <u, s> is missing; with it and the factor d + pi/2 - 1 in place of d the worst quotient is "
    f"{worst.g_corrected.max():.2f} at every gamma.",
)

# %% [markdown]
# ## Theorem 3.2, clause by clause
#
# ```{prf:theorem} Li and Yuan, Theorem 3.2
# :label: thm-3-2
# :nonumber:
#
# There are constants $\gamma > \gamma_0 > 0$ such that the following holds for SGD with $d \ge 100$, $\eta \le \gamma^2 / G_2^2$ and $\varepsilon \le \gamma^2$
# from any start with $\|W_0\|_2, \|W^*\|_2 \le \gamma_0$.
#
# - (a) Every step multiplies the potential by at most $1 - 0.5\,\eta d$, until it is down to $197\gamma^2$.
# - (b) That is so, $g_{t_1} \le 197\gamma^2$, at some step $t_1 \le 1/(16\eta)$.
# - (c) For every $T > t_1$ Phase II runs, and $\|W_T\|_2 \le 1/100$ and $g_T \le 0.1$ remain true.
# ```
#
# Two readings have to be kept apart. The theorem has two constants, $\gamma_0$ for the weights and $\gamma$ for the threshold; section 2 calls $\gamma$ itself
# the bound on the weights, as if there were one.
#
# **One constant.** That $g_{t_1} \le 197\gamma^2$ lies below $0.1$, as clause (c) needs, asks for $\gamma \le 0.0225$. Clause (a) meets the missing term: where
# $\langle u, s\rangle$ is negative, $g$ shrinks more slowly or grows. By {prf:ref}`prop-potential-update` and $|\langle u, s\rangle| \le 2\gamma d$ the factor
# is safe, up to second order, only when $\tfrac12 d\,g \ge \tfrac{\pi}{2} \cdot 2\gamma d$. For all $g \ge 197\gamma^2$ that means
# $\gamma \ge \pi/98.5 = 0.032$. The two cannot both be.
#
# **Two constants.** With $\gamma_0$ for the weights the condition becomes $\gamma_0 \le 197\gamma^2 / 2\pi = 31.3\,\gamma^2$. At $\gamma = 0.0225$ any
# $\gamma_0 \le 0.0158$ will do.
#
# **Clause (a): the rate.** We judge the reading with two constants on $\gamma_0 = 0.01$ and $\gamma = 0.0225$: all pairs from before, and pairs with $Mu = -2\gamma_0 u$, against which
# $\langle u, s\rangle$ is as negative as it can be. For the reading with one constant we take $W^* = 0$ and a $W$ that is $\gamma$ on $u$ and so slightly
# negative elsewhere that $g_0$ is $2\,\%$ above $197\gamma^2$.

# %%
rate = phase_one.rate(W, W_star)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "\n".join(f"| {y:g} | {a:+.4f} | {b:+.4f} |" for y, (a, b) in rate.changes.items())
text = f"""One constant, $W^* = 0$: the relative change of $g$ in one step, over $\\eta d$, at $d = {d}$. The theorem says $-0.5$ or less.

| $\\gamma$ | float64 | 40 digits |
|--:|--:|--:|
{rows}

With a teacher and $Mu = -2\\gamma u$ it fails even at the largest $\\gamma$ that clause (c) allows: the slowest change is
${-rate.at_largest:.3f}$ at $\\gamma = {phase_one.GAMMA}$. With two constants it is ${-rate.slowest:.3f}$, and ${-rate.typical:.3f}$ at $W = -\\gamma_0 I$ alone."""
display(Markdown(text))

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
everywhere = "every gamma <= 0.0225" if rate.at_largest < 0.5 and rate.broken else "small gamma"
growing = min(rate.broken, default=None)
claims.report(
    "thm-3.2-rate",
    verdict=rate.verdict,
    measured=f"slowest factor 1 - {rate.slowest:.3f} eta d with gamma_0 = {phase_one.GAMMA_0}, gamma = {phase_one.GAMMA}, "
    f"typical 1 - {rate.typical:.2f} eta d; with one constant gamma = {growing:g}, g grows: 1 + {rate.changes[growing][1]:.2f} eta d"
    if rate.broken
    else "no start breaks it",
    spread=f"worst of {rate.pairs} pairs with g above the threshold, d = {d}; the growing start exact, 40 digits",
    note=f"True in the printed scale when gamma_0 <= 31 gamma^2, a relation the theorem leaves open; false for {everywhere} if gamma "
    "itself bounds the weights; with the true gradient the factor is 1 - 0.5 eta d / pi.",
)

# %% [markdown]
# **Clause (b): the number of steps.** The largest potential belongs to $W_0 = -\gamma_0 I$ and $W^* = \gamma_0 I$, where $g_0 \approx 2\gamma_0 d$. Over $1/(16\eta)$ steps the stated factor comes
# to $(1 - 0.5\,\eta d)^{1/(16\eta)} \approx e^{-d/32}$; by the proposition the real rate is twice that, $e^{-d/16}$. We run the exact flow for as long and
# compare what is left with $197\gamma^2$. For the reading with one constant the start $W_0 = -\gamma I$, $W^* = 0$ with $\gamma = 0.0005$ is enough, with
# exactly the theorem's steps and once more in 40 digits.

# %%
steps = phase_one.steps(d)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "thm-3.2-steps",
    verdict=steps.verdict,
    measured=f"gamma_0 = {phase_one.GAMMA_0}, gamma = {phase_one.GAMMA}: g = {steps.printed:.2g} of the allowed {steps.allowed:.3g}, by the stated "
    f"rate alone {steps.by_rate:.3g}; one constant {steps.single:g}: g = {steps.single_floats:.3g} against {steps.single_allowed:.3g}",
    spread=f"exact, d = {d}; the last in float64 with the theorem's steps, and {steps.single_digits:.3g} by the flow in 40 digits",
    note=f"True in the printed scale for two well chosen constants. With one constant it fails below about 0.002; with the true gradient g is still "
    f"{steps.true:.2g} after 1/(16 eta) steps, and pi/(16 eta) are needed.",
)

# %% [markdown]
# **Clause (c): after Phase I.** The weights are to stay in the ball $\|W\|_2 \le 1/100$, and the potential is not to come back. Along exact gradient descent (steps of $0.25/d$ in Phase I,
# then $1/d$, both larger than the theorem's) we record $\|W_T\|_2$ and $g_T$ for random and structured starts. A teacher can make the student's norm grow: one
# that is $\gamma_0 I$ adds up to $\gamma_0 I$ to $W$, and where $W$ has the eigenvalue $\gamma_0$ already, that makes $2\gamma_0$.

# %%
after = phase_one.after(K, 0.005, generator)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(figsize=(7.0, 3.2))
axes.plot(after.t, after.norms, color=blue, linewidth=1, alpha=0.8)
axes.axvspan(0, phase_one.END, color="#bbbbbb", alpha=0.5)
axes.axhline(bounds.PHASE_TWO_SPECTRAL / after.gamma_0, color=black, linestyle="--")
axes.set(title=f"After Phase I the norm is at most {after.largest_norm:.2f} times the bound on the start")
axes.set(xlabel="time (step size × steps, true scale)", ylabel="$\\|W_T\\|_2 / \\gamma_0$")
figures.show("fig-after-phase-one", figure)

# %% [markdown]
# ```{glue:figure} fig-after-phase-one
# :name: fig-after-phase-one
# :alt: A bundle of curves that start at one; some rise to about two during the grey first phase, and all return towards one.
#
# The student's spectral norm up to time 2, as a multiple of $\gamma_0 = 0.005$, along exact gradient descent without noise; in all pairs $\|W_0\|_2$ and
# $\|W^*\|_2$ are $\gamma_0$. Grey: Phase I. Dashed: the limit $1/100$.
# ```
#
# The worst starts of {numref}`fig-after-phase-one` come close to $2\gamma_0$. The ratio hardly depends on $\gamma_0$, so it says how small $\gamma_0$ must be.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "thm-3.2-after",
    verdict=after.verdict,
    measured=f"after Phase I |W_T|_2 <= {after.largest_norm:.2f} gamma_0 and g <= {after.largest_g:.1g}: it holds for gamma_0 up to "
    f"{after.largest_gamma_0:.4f}",
    spread=f"worst of {after.norms.shape[1]} starts, d = {d}, without noise",
    note="The constant gamma_0 exists on this evidence, but it must be smaller than 1/100; noise bounded by gamma^2 is assumed away.",
)

# %% [markdown]
# ## Summary
#
# - For small weights the paper's bounds on the gradient hold, the spectral one with little to spare: $0.857$ of $G_2$ at $W = -\gamma I$, $W^* = \gamma I$.
# - The bound on the noise is never met: its mean square is near $2d^2L/B$, and to bring that down to $\gamma^4$ would take millions of inputs in every step.
# - The update of $s$ is right. That of $g$ lacks the term $-\tfrac{\pi}{2}\,\eta\,\langle u, s\rangle$, which is of first order in the weights.
# - Theorem 3.2 needs two constants, $\gamma_0 \le 31\gamma^2$. With them its rate and number of steps hold in the printed scale, with one they do not.
# - After Phase I the weights stay below $2\gamma_0$, so that $\gamma_0$ has to be about half of the $1/100$ that clause (c) allows.
#
# ## Exercises
#
# ```{exercise} How high does the potential rise?
# :label: ex-phase-one-rise
#
# Take the two corrected updates to first order, as differential equations in $x = \eta d \cdot$ (steps), and solve them from the start
# $W = \tfrac{\gamma}{d-1}(J - I)$, $W^* = 0$. How large does $g$ become, and for which $\gamma$ is that more than $197\gamma^2$?
# ```
#
# ```{solution} ex-phase-one-rise
# :class: dropdown
#
# There $s = -\gamma u\, e^{-\pi x/2}$, and $g' = -g + \tfrac{\pi}{2}\gamma\, e^{-\pi x/2}$ with $g(0) \approx 0$. With $\beta = \tfrac{\pi}{2}$ the solution is
# $g = \tfrac{\beta}{\beta - 1}\,\gamma\,(e^{-x} - e^{-\beta x})$, which is largest at $x = \ln \beta/(\beta - 1) = 0.79$ and is $\gamma e^{-x} = 0.453\,\gamma$
# there. It exceeds $197\gamma^2$ for $\gamma < 0.0023$. In {numref}`fig-phase-one`, at $\gamma = 0.001$ and $d = 100$, the flow rises to $0.449\,\gamma$.
# ```
#
# ```{exercise} Why at least a hundred dimensions?
# :label: ex-phase-one-dimension
#
# With $\gamma_0 = 0.01$ and $\gamma = 0.0225$, from which $d$ on does the stated factor bring $g_0 = 2\gamma_0 d$ below $197\gamma^2$ within $1/(16\eta)$
# steps? And the real rate?
# ```
#
# ```{solution} ex-phase-one-dimension
# :class: dropdown
#
# $0.02\,d\,e^{-d/32} \le 0.0997$ from $d = 94$ on: this is what the theorem's $d \ge 100$ is for. With $e^{-d/16}$ it is enough that $d \ge 28$, and
# `make run CHAPTER=06 P="d=30"` confirms it: its card of clause (b) reports $0.089$ of the allowed $0.0997$, and $0.235$ by the stated rate.
# ```
#
# ## Try
#
# - `make run CHAPTER=06 P="d=200 pairs=8"`: Theorem 3.2 at another dimension. The potential's rate per $\eta d$ does not change; clause (b) gets easier.
# - `make run CHAPTER=06 P="batches=40"`: smaller standard errors for the gradient's noise. The factors do not move.
# - `make run CHAPTER=06 P="large=499"`: the noise at a smaller start of section 5.3.
