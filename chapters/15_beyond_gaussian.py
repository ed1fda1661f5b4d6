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
# # Beyond Gaussian inputs
#
# ```{admonition} In this chapter
# :class: note
# **The question.** Everything so far assumed inputs $x \sim N(0, I)$. Real inputs are correlated. Section 6 says that for $N(0, \Sigma)$ with $\Sigma$ close to $I$ nearly the same holds, with slightly worse
# constants. Which constants, how close, and does every part of Theorem 3.3 carry over? (Other classes of inputs wait for {doc}`16_noise`.)
#
# **What you will see.** An exact gradient for every covariance [$\Sigma$](#notation-sigma). A proof for small $\|\Sigma - I\|_2$, with numbers, and the one quantity that must be redefined for it. How far from $I$
# one can go before the gradient points away from the teacher, and whether descent still arrives.
#
# **What you need.** {doc}`02_population_gradient` for the gradient, {doc}`07_phase_two` for the one-point ratio, {doc}`12_dynamics` for
# the two phases.
# ```

# %% tags=["parameters"]
d_check: int = 10  # input dimension of the sampled gradients
samples: int = 200000  # inputs for each sampled gradient
d_search: int = 12  # dimension of the search for the smallest one-point ratio
gammas: list = [0.1, 0.3]  # spectral norms of W and W* in that search
starts: int = 5  # starts of the search for each covariance
steps: int = 60  # steps of the search
d_printed: int = 600  # dimension of the pair that meets the printed condition
d_phases: int = 67  # dimension of the two phases, a prime of the form 4k + 3
d_teacher: int = 20  # dimension of the runs of section 5.2
runs: int = 2  # random starts of section 5.2 for each covariance
t_end: float = 40.0  # time t up to which they are followed
seed: int = 0  # of every random draw

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(
    globals(),
    d_check=range(3, 101), samples=range(2000, 10**8), d_search=range(4, 61), gammas=checks.each(checks.between(0, 0.5)),
    starts=range(1, 1001), steps=range(1, 10001), d_printed=range(4, 2001), d_phases=parameters.paley(7, 1000), d_teacher=range(4, 201),
    runs=range(1, 101), t_end=checks.between(0, 1e4), seed=range(2**31),
)

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number, power
from src.model import correlated, population, weights
from src.theory import bounds, correlated_inputs, radial_inputs

figures.use()
generator = torch.Generator().manual_seed(seed)
MARKERS = "os^Dv"
DELTA = r"size of the deviation, $\delta = \|\Sigma - I\|_2$"

# %% [markdown]
# ## A picture first
#
# {prf:ref}`Theorem 3.3 <thm-3-3>` has a condition: the [potential $g = \sum_i (\|b_i\| - \|a_i\|)$](#notation-g) is at most $0.1$. Then the gradient points home: the [one-point ratio](#notation-q) is positive.
# Section 6 changes the inputs and leaves this condition as it is. Is it still enough?
#
# {numref}`fig-11-potential` tries to break it. The teacher is [$W^* = 0$](#notation-w). The student has a part $t\,\mathrm{diag}(1, -1, 1, \dots)$, which makes one column longer and the next one shorter, so that
# $g$ does not notice it; the rest of $W$ keeps $g$ just below $0.1$. The inputs have either all variances equal to one, or variances that alternate between $1 + \delta$ and $1 - \delta$. The second kind weighs the
# long columns and the short ones differently. Left, look at the two potentials: the printed one stays level, while $g_\Sigma$ grows, which measures lengths as the inputs see them (and is defined below). Right, look
# at the sign of the ratio: for unequal variances it falls below zero, and the gradient points away from the teacher.

# %%
tilts, hidden_delta = np.linspace(-0.08, 0, 7), 0.2
tilted = correlated_inputs.tilted(
    tilts, d_printed, 0.17, hidden_delta, generator)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.plot(-tilts, tilted.g, label="$g$, as printed")
left.plot(-tilts, tilted.g_seen, "s--", ms=4, label=r"$g_\Sigma$, seen through $S$")
left.set(xlabel="size of the diagonal part, $-t$", ylabel="potential", title="The printed potential sees nothing")
right.plot(-tilts, tilted.standard, label=r"$\Sigma = I$")
right.plot(-tilts, tilted.ratio, "s--", ms=4, label=rf"variances $1 \pm {hidden_delta}$")
right.axhline(0, color="black", lw=0.8)
right.set(xlabel="size of the diagonal part, $-t$", ylabel="one-point ratio, printed scale", title=f"The gradient turns away ($d = {d_printed}$)")
for axes in (left, right):
    axes.legend()
figures.show("fig-11-potential", figure)

# %% [markdown]
# ```{glue:figure} fig-11-potential
# :name: fig-11-potential
# :alt: Left, over the size of the diagonal part, g stays at 0.1 while the potential seen through S grows to several units. Right, the ratio for standard inputs grows slowly and stays positive; the ratio for the alternating variances falls from far above zero to below it and rises again.
#
# Weights with $g \le 0.1$ throughout, $W^* = 0$, and a growing diagonal part. Left: the printed potential $g$ and the potential $g_\Sigma$. Right: the one-point ratio
# for standard inputs and for inputs whose variances alternate between 1.2 and 0.8; below zero the gradient points away from the teacher.
# ```
#
# ## Correlated inputs are standard inputs seen through $S$
#
# To say what survives, we need the gradient for correlated inputs. A change of variables gives it. Let $x \sim N(0, \Sigma)$ and let $S = \Sigma^{1/2}$ be the symmetric positive root. Then $x = Sz$ with $z \sim
# N(0, I)$, and
#
# $$
# (I + W)^\top x = \big(S (I + W)\big)^\top z .
# $$
#
# The network with weights [$W$](#notation-w) does to $x$ what the network with columns [$S a_j$](#notation-columns) does to $z$. The [loss](#notation-loss) is therefore the old one at a
# different pair, and the gradient follows by the chain rule:
#
# $$
# \begin{aligned}
# L_\Sigma(W) &= L(W'), & \nabla L_\Sigma(W) &= S\, \nabla L(W'), \\
# W' &= S(I + W) - I, & W^{*\prime} &= S(I + W^*) - I .
# \end{aligned}
# $$
#
# `src.model.correlated` is these lines. It is easy to lose an $S$ here, so the formula is checked in two ways that do not use it. One is automatic differentiation of the loss, written with the products $a_i^\top
# \Sigma\, a_j$, which needs no root of $\Sigma$. The other is sampling, with inputs drawn by the Cholesky factor instead of $S$. In the table the exact formula should lie within the noise of the sampling, and three
# wrong ones outside it.

# %%
W_star, W = (
    weights.with_norms(d_check, 0.4, 0.24 * d_check**0.5, generator)
    for _ in range(2))
I = torch.eye(d_check, dtype=torch.float64)
root = I + 0.3 * radial_inputs.normal(d_check, d_check, generator)
Sigma = (root @ root.mT + I) / 2  # no variance below one half
exact = correlated.gradient(W, W_star, Sigma)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
variable = W.clone().requires_grad_()
(by_autograd,) = torch.autograd.grad(correlated_inputs.loss_by_kernels(variable, W_star, Sigma), variable)
autograd_error = ((exact - by_autograd).norm() / by_autograd.norm()).item()
triangle = torch.linalg.cholesky(Sigma)
by_sampling = radial_inputs.sampled_gradients(
    W, W_star, lambda n: radial_inputs.normal(n, d_check, generator) @ triangle.mT, samples
)
candidates = {
    "with $S$ (exact)": exact,
    "$S$ forgotten in front": population.gradient(*correlated.standardised(W, W_star, Sigma)),
    r"$\Sigma$ for $S$": correlated.gradient(W, W_star, Sigma @ Sigma),
    r"$\Sigma$ ignored": population.gradient(W, W_star),
}
distances = {name: (by_sampling.mean(0) - G).norm().item() for name, G in candidates.items()}
noise = radial_inputs.standard_error(by_sampling)
lines = "".join(f"| {name} | {value:.3f} |\n" for name, value in distances.items())
display(Markdown(
    f"At $d = {d_check}$, $\\|\\Sigma - I\\|_2 = {torch.linalg.matrix_norm(Sigma - I, 2):.2f}$, automatic "
    f"differentiation agrees to a relative error of {power(autograd_error)}. The sampled gradient has a standard error of {noise:.3f} (Frobenius norm), "
    f"and lies this far from\n\n| formula | distance |\n|---|---|\n{lines}"
))

# %% [markdown]
# ## What carries over by proof
#
# What does the change of variables do to Theorem 3.3? The theorem is about the inner product of $-\nabla L$ with the way home [$M = W^* - W$](#notation-m). Here $S$ moves from one factor to the other:
#
# $$
# \langle -\nabla L_\Sigma(W),\, M \rangle = \langle -\nabla L(W'),\, S M \rangle
#   = \langle -\nabla L(W'),\, W^{*\prime} - W' \rangle .
# $$
#
# That is the inner product of the standard model at $(W', W^{*\prime})$. The ratio divides it by the squared distance. This is $\|M\|_F^2$ for $\Sigma$ and [$\|SM\|_F^2$](#notation-norms) for the standard model,
# and their quotient lies between the smallest and the largest eigenvalue of $\Sigma$, $\lambda_{\min}(\Sigma)$ and $\lambda_{\max}(\Sigma)$. So a bound on the one-point ratio for standard inputs turns into one for
# $\Sigma$. In this chapter $\delta$ always means the distance $\|\Sigma - I\|_2$ or a bound on it.
#
# ```{prf:proposition} Theorem 3.3 for correlated inputs
# :label: correlated-one-point
# Let $\|\Sigma - I\|_2 \le \delta < 1$ and $\|W\|_2, \|W^*\|_2 \le \gamma$, and let the potential
# $g_\Sigma = \sum_i \|S b_i\| - \|S a_i\|$ be at most $0.1$. Let $\rho(\gamma') \ge 0$ be a lower bound on the one-point ratio for
# standard inputs at norm $\gamma' = \sqrt{1 + \delta}\,\gamma + 1 - \sqrt{1 - \delta}$. Then the ratio for $x \sim N(0, \Sigma)$ is at least
# $(1 - \delta)\, \rho(\gamma')$. (A negative bound $\rho(\gamma')$ gets the factor $1 + \delta$ instead.)
# ```
#
# ```{prf:proof}
# $W' = SW + (S - I)$ has norm at most $\sqrt{1 + \delta}\,\gamma + 1 - \sqrt{1 - \delta}$, and so has $W^{*\prime}$. The potential of this pair is
# $g_\Sigma$. Apply the bound there, and the two relations above.
# ```
#
# {doc}`07_phase_two` proves such a $\rho$ for every dimension at once. So the "slightly worse constants" become numbers: the table of the next section has them.
#
# ## The potential must be seen through $S$
#
# The proposition changes one thing in the theorem. The paper's $g$ measures the columns as they are; what enters the proof is their length as the inputs see it, $\|S a_i\|$. Does that matter? Near $W = W^* = 0$, to
# first order, $g = \operatorname{tr}(M)$ and $g_\Sigma \approx \sum_i (\Sigma M)_{ii} / \sqrt{\Sigma_{ii}}$. If the variances are $1 \pm \delta$ in turn, a diagonal part $t\,\mathrm{diag}(1, -1, \dots)$ of $W$
# moves $g_\Sigma$ by about $-t\,\delta\,d / 2$ and leaves $g$ where it was. At large $d$ this is no small correction.
#
# The weights of {numref}`fig-11-potential` exploit it. They begin with the start of section 5.3 ({doc}`12_dynamics`), whose gradient points the wrong way because its potential is large. Its trace is then set so
# that $g \le 0.1$, as the theorem demands. The diagonal part puts the missing potential back, where only $g_\Sigma$ sees it. The table has both halves of the answer: what is proved with $g_\Sigma$, and the worst
# point of the figure, which meets the condition as printed.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
proved_delta = correlated_inputs.proved_radius(gamma=0.01)  # the norm at which Phase II begins
proved = [correlated_inputs.lower_bound(delta, 0.01) for delta in (0, 0.01)]
tilt, g, g_seen, standard, ratio, spectral = (float(column[tilted.ratio.argmin()]) for column in tilted)
display(Markdown(
    f"**Proved**, in every dimension: at $\\gamma = 0.01$ the ratio is at least {proved[0]:.3f} at $\\Sigma = I$, {proved[1]:.3f} at $\\delta = 0.01$, "
    f"and {bounds.DELTA} up to $\\delta = {proved_delta:.4f}$.\n\n"
    f"**With the potential as printed**: at $d = {d_printed}$, $\\delta = {hidden_delta}$, $\\|W\\|_2 = {spectral:.2f}$ the printed potential is {g:.3f}, that seen "
    f"through $S$ {g_seen:.2f}, and the ratio {ratio:.3f} (at $\\Sigma = I$: {standard:.3f})."
))

# %% [markdown]
# A negative ratio in that table is a counterexample: with Definition 2.2 as printed, a condition on $g$ no longer keeps the gradient from pointing the wrong way, and the effect grows with $d$. With $g_\Sigma$ in
# its place the proposition holds. The repair costs nothing, since $g_\Sigma$ is what [Phase I](#notation-phases) drives to zero ({numref}`fig-11-phases`).
#
# ## How far from the identity?
#
# The proposition covers small $\delta$ only. How much further does its conclusion reach? We search for the smallest ratio over all pairs with $\|W\|_2, \|W^*\|_2 \le \gamma$ and $g_\Sigma \le 0.1$, from the
# structured and random starts of {doc}`07_phase_two`. The covariances are $\Sigma = I + \delta P$ with five kinds of $P$, all with $\|P\|_2 = 1$:
#
# - **rotated**: $P = Q\,\mathrm{diag}(1, \dots, -1, \dots)\,Q^\top$ with a random rotation $Q$: half the variances are $1 + \delta$, half $1 - \delta$, in random directions;
# - **scales**: the same without the rotation, inputs of two sizes;
# - **pairs**: $x_1, x_2$ have correlation $\delta$, and so have $x_3, x_4$, and so on;
# - **common up** and **common down**: $P = \pm J / d$ with [$J = uu^\top$](#notation-j), more or less variance for the mean of all inputs.
#
# (A multiple of the identity needs no search: $L_{cI} = c\,L$, and the ratio gets the factor $c$.)
#
# In {numref}`fig-11-ratio`, look where the curves meet the dashed line: up to there no pair was found that breaks the paper's $0.03$. On the left, which kind falls first? On the right, how much earlier does it
# happen with the printed $g$?

# %%
searched = (0.1, 0.3, 0.5, 0.7, 0.9)
P = correlated_inputs.directions(d_search, generator)
setting = {"starts": starts, "steps": steps, "generator": generator}
found = {
    gamma: correlated_inputs.smallest_ratios(gamma, searched, P, **setting)
    for gamma in gammas}
found_printed = correlated_inputs.smallest_ratios(
    gammas[-1], searched, P, seen=False, **setting)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
grid = (0.0, *searched)
worst = {rf"$\gamma = {gamma}$": values.amin(1) for gamma, values in found.items()}
worst[rf"$\gamma = {gammas[-1]}$, with $g$ as printed"] = found_printed.amin(1)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
for name, curve, marker in zip(correlated_inputs.KINDS, found[gammas[-1]].T, MARKERS):
    left.plot(grid, curve, marker=marker, ms=4, label=name)
left.set(ylabel="smallest ratio found, printed scale", title=rf"Uneven variances cost most ($\gamma = {gammas[-1]}$)")
for (name, curve), marker in zip(worst.items(), MARKERS):
    right.plot(grid, curve, marker=marker, ms=4, label=name)
right.set(title=f"With the printed $g$ it falls sooner ($d = {d_search}$)")
for axes in (left, right):
    axes.axhline(bounds.DELTA, color="black", ls="--", lw=0.9)
    axes.set(xlabel=DELTA, ylim=(max(-0.6, axes.get_ylim()[0]), None))
    axes.legend(loc="lower left")
left.annotate(f"{bounds.DELTA}, Theorem 3.3", (0, bounds.DELTA), (2, 3), textcoords="offset points", fontsize=9)
figures.show("fig-11-ratio", figure)

# %% [markdown]
# ```{glue:figure} fig-11-ratio
# :name: fig-11-ratio
# :alt: Left, the ratio over delta from 0 to 0.9; common up and common down stay nearly level, while rotated, scales and pairs fall towards the right end. Right, the worst ratio over delta for two values of gamma; the one for the smaller gamma stays higher; with the printed potential the curve falls through zero already at a moderate delta.
#
# Smallest one-point ratio found, at the printed scale. Left: under $g_\Sigma \le 0.1$ at the largest $\gamma$, for each kind of
# covariance. Right: the worst kind for each $\gamma$, and with the printed condition $g \le 0.1$ instead. Dashed: the 0.03 of Theorem 3.3.
# A search finds upper bounds; the true minimum may be lower.
# ```
#
# The common kinds hardly matter: changing the variance of one direction out of $d$ costs little. What costs is that half of the variances become small. The table says where the worst kind crosses two levels, at the
# dimension of the search. That is far beyond what is proved.

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}

crossings = {
    name: [correlated_inputs.crossing(grid, curve, level) for level in (bounds.DELTA, 0)]
    for name, curve in worst.items()
}
reaches = {name: ["not up to 0.9" if math.isnan(x) else f"{x:.1f}" for x in both] for name, both in crossings.items()}
rows = "".join(f"| {name} | {worst[name][0]:.3f} | {a} | {b} |\n" for name, (a, b) in reaches.items())
display(Markdown(
    f"| search | ratio at $\\Sigma = I$ | falls below {bounds.DELTA} at $\\delta =$ | falls below 0 at $\\delta =$ |\n|---|---|---|---|\n{rows}"
))

# %% [markdown]
# ## The two phases of section 5.3
#
# The ratio is about one point. Does a whole run still go through both phases? In the coordinates $W'$ the flow $\dot W = -\nabla L_\Sigma(W)$ reads $\dot W' = -\Sigma\, \nabla L(W')$: the old flow with a
# preconditioner. It bends the path and changes the rates, by factors between $\lambda_{\min}(\Sigma)$ and $\lambda_{\max}(\Sigma)$, but its rest points are the old ones. The fast modes [$W'u$](#notation-u) of
# {doc}`04_three_variables` now relax at rates $\tfrac d2$ times the eigenvalues of $\Sigma$, and $g_\Sigma$ goes down with them.
#
# We start from the wrong-way weights of section 5.3, at a reduced dimension, and follow gradient descent with the exact gradient. The left and middle panels of {numref}`fig-11-phases` are Phase I: see where each
# inner product crosses zero, and that its potential falls meanwhile. The right panel is Phase II: see which curves fall more slowly.

# %%
phase_deltas, frobenius = (0.0, 0.3, 0.6, 0.9), 0.35 * d_phases**0.5
wrong = weights.wrong_way_start(d_phases, frobenius, -0.75 * frobenius**2)
rotated = correlated_inputs.directions(d_phases, generator)[0]
phase_Sigma = correlated_inputs.covariances(phase_deltas, rotated)
phase_one, phase_two = (
    correlated_inputs.descend(wrong, 0 * wrong, phase_Sigma, eta, record)
    for eta, record in (
        (0.05 / d_phases, range(121)),
        (0.8 / d_phases, range(0, 8 * d_phases + 1, 8)),
    )
)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.4))
for k, (delta, style) in enumerate(zip(phase_deltas, ("-", "--", "-.", ":"))):
    label = rf"$\delta = {delta}$"
    left.plot(phase_one.t * d_phases, phase_one.inner[:, k], style, label=label)
    middle.plot(phase_one.t * d_phases, phase_one.potential[:, k], style, label=label)
    right.plot(phase_two.t, phase_two.distance[:, k], style, label=label)
left.axhline(0, color="black", lw=0.8)
left.set(xlabel=r"time $t \cdot d$", ylabel="inner product (true scale)", title="The gradient turns round")
middle.set(xlabel=r"time $t \cdot d$", ylabel=r"potential $g_\Sigma$", title="The potential dies out")
right.set(xlabel="time $t$", ylabel=r"distance $\|W - W^*\|_F$", title=f"Phase II, slower ($d = {d_phases}$)")
for axes in (left, middle, right):
    axes.legend()
figures.show("fig-11-phases", figure)

# %% [markdown]
# ```{glue:figure} fig-11-phases
# :name: fig-11-phases
# :alt: Left, the inner product starts below zero for small delta and turns positive within a short time. Middle, the potential seen through S falls to zero at the same time. Right, the distance falls, more slowly for larger delta.
#
# Section 5.3 for correlated inputs (rotated kind), from the same wrong-way start with $W^* = 0$: exact gradient descent at reduced
# dimension. Left and middle: Phase I. Right: the distance to the teacher over the longer time of Phase II.
# ```
#
# Both phases are there for every $\delta$. In these runs Phase I is even a little shorter for larger $\delta$. Phase II is longer: directions of small variance relax slowly, and the distance waits for them.
#
# ## Does descent still reach the teacher?
#
# Last, a teacher that is not zero. We repeat the experiment of section 5.2 ({doc}`11_global_minimum`) at a reduced dimension, for all five kinds of covariance, up to $\delta = 0.99$: a random teacher with
# $\|W^*\|_2 = 0.6$, and starts with the same spectral norm. A run counts as arrived when its distance has fallen to one twentieth, the dashed line of {numref}`fig-11-teacher`; see where each kind crosses it. Late
# runs are continued with L-BFGS, a faster method of descent, to see where they end: at the teacher, or somewhere else.

# %%
teacher_deltas, size = (0.0, 0.3, 0.6, 0.9, 0.99), (d_teacher / 100) ** 0.5
teacher, *random_starts = (
    weights.with_norms(d_teacher, 0.6, frobenius * size, generator)
    for frobenius in (5.7, *[5.0] * runs))
P = correlated_inputs.directions(d_teacher, generator)
arrivals = correlated_inputs.arrivals(
    torch.stack(random_starts), teacher, teacher_deltas, P, t_end)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots()
for name, left_over, marker in zip(correlated_inputs.KINDS, arrivals.remaining.mean(2), MARKERS):
    axes.semilogy(teacher_deltas, left_over, marker=marker, ms=4, label=name)
axes.axhline(0.05, color="black", ls="--", lw=0.9)
axes.annotate("arrived below this line", (0, 0.05), (2, -11), textcoords="offset points", fontsize=9)
axes.set(xlabel=DELTA, ylabel=f"distance at $t = {t_end:g}$ / at the start", title=f"The further from the identity, the slower ($d = {d_teacher}$)")
axes.legend()
figures.show("fig-11-teacher", figure)

# %% [markdown]
# ```{glue:figure} fig-11-teacher
# :name: fig-11-teacher
# :alt: Remaining distance on a logarithmic axis over delta from 0 to 0.99. For all five kinds it grows with delta; rotated, scales and pairs rise first, common down later, common up not at all.
#
# Exact gradient descent from random starts towards a random teacher of norm 0.6: what is left of the distance when the time is over.
# Mean over the starts. Below the dashed line a run counts as arrived.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
missed = dict(zip(correlated_inputs.KINDS, arrivals.first_missed(teacher_deltas)))
late = {name: delta for name, delta in missed.items() if not math.isnan(delta)}
arrived, elsewhere, lost = arrivals.arrived, arrivals.elsewhere, arrivals.loss.max().item()
display(Markdown(
    f"Of {arrived.numel()} runs {int(arrived.sum())} have arrived by $t = {t_end:g}$. The first to miss: "
    f"{', '.join(f'{name} at δ = {delta}' for name, delta in late.items()) or 'none'}. "
    f"Continued with L-BFGS, {int((~arrived & ~elsewhere).sum())} of the others end at the teacher and {int(elsewhere.sum())} elsewhere"
    f"{f' (with a loss of at most {power(lost)})' if elsewhere.any() else ''}."
))

# %% [markdown]
# A run that ends elsewhere with a loss of zero has found the teacher's columns in another order ([chapter 1](#permuted-columns)). Where a loss remains, this page does not tell a local minimum from a descent that
# was stopped too early. And as L-BFGS takes long steps, where it ends need not be where the flow would.
#
# ## The verdict
#
# We read section 6 as claiming Theorem 3.3, with other constants, for $\Sigma$ near $I$. The verdict says whether that carries over as printed, or only with the potential seen through $S$.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
extension = correlated_inputs.Extension(
    autograd_error=autograd_error,
    sampling_excess=distances["with $S$ (exact)"] / noise,
    proved_delta=proved_delta,
    smallest_ratio=min(float(values[:2].min()) for values in found.values()),
    turned=bool(correlated_inputs.time_to_turn(phase_one).isfinite().all()),
    nearer=bool((phase_two.distance[-1] < phase_two.distance[0]).all()),
    arrived=bool(arrivals.arrived[:, [delta <= 0.3 for delta in teacher_deltas]].all()),
    tilted_g=g, tilted_standard=standard, tilted_ratio=ratio,
)
claims.report(
    "sec-6",
    verdict=extension.verdict,
    evidence=verdicts.PROVED,
    measured=f"ratio above 0.03 proved for ‖Σ − I‖₂ ≤ {proved_delta:.3f} (γ = 1/100, every d); the worst ratio found falls below 0.03 at δ = "
    + ", ".join(f"{a} ({name.replace('$', '').replace(chr(92) + 'gamma', 'γ')})" for name, (a, _) in reaches.items())
    + f"; runs towards a teacher are late from δ = {min(late.values(), default=math.nan):.1f} on",
    spread=f"bound proved, counterexample exact; search an upper bound, d = {d_search}, {starts} starts",
    numbers={"proved_delta": proved_delta, "tilted_ratio": ratio, "tilted_standard": standard, "smallest_ratio": extension.smallest_ratio},
    note=f"With the potential of Definition 2.2 as printed it fails (ratio {number(ratio)} at d = {d_printed}, ‖Σ − I‖₂ = {hidden_delta}, ‖W‖₂ = {spectral:.2f}, g = {g:.2f}; "
    f"{number(standard)} for Σ = I); it holds with the columns' lengths measured through the square root of Σ.",
)

# %% [markdown]
# ## Summary
#
# - Inputs $N(0, \Sigma)$ are standard inputs at other weights: every exact formula of the book carries over with one matrix root.
# - The one-point ratio keeps the paper's 0.03 for small $\|\Sigma - I\|_2$ in every dimension; that is proved.
# - The potential has to be measured through $S$, the root of $\Sigma$. With the printed one the theorem's condition no longer keeps the gradient right.
# - Descent goes through the same two phases and reaches the teacher far beyond what is proved, but slowly when some variances are small.
# - Most of the late runs reach the teacher when they are continued. The others have the largest $\delta$; why they stop is left open.
#
# ## Exercises
#
# ```{exercise} A multiple of the identity
# :label: ex-scaled-inputs
#
# Let $\Sigma = cI$ with $c > 0$. What are $L_\Sigma$, $\nabla L_\Sigma$ and the one-point ratio, in terms of those for standard inputs? Does $g_\Sigma$ equal $g$?
# ```
#
# ```{solution} ex-scaled-inputs
# :class: dropdown
#
# $f(\sqrt c\, z, W) = \sqrt c\, f(z, W)$, so $L_\Sigma = cL$, and gradient and ratio get the same factor $c$. With $S = \sqrt c\, I$ the potential is $g_\Sigma = \sqrt c\, g$.
# Running `correlated.loss` with $\Sigma = 2I$ gives twice `population.loss`, to rounding.
# ```
#
# ```{exercise} Nothing goes wrong near the teacher
# :label: ex-correlated-hessian
#
# Show that for every positive-definite $\Sigma$ the Hessian of $L_\Sigma$ at $W = W^* = 0$ is positive definite. (Write it as an average over single inputs.)
# ```
#
# ```{solution} ex-correlated-hessian
# :class: dropdown
#
# It is $2\,\mathbb{E}\,\mathrm{vec}(X)\mathrm{vec}(X)^\top$ with $X = x\,\mathbf 1(x > 0)^\top$. If $\langle M, X\rangle = 0$ for all inputs, then in each orthant the columns of $M$ that are
# switched on add up to zero; orthants that differ in one coordinate give that every column is zero. What $\Sigma$ can do is make descent slow.
# ```
#
# ## Try
#
# - `make run CHAPTER=15 P="d_search=20 starts=20 steps=200"`: a better search, some minutes. The crossings move to smaller $\delta$.
# - `make run CHAPTER=15 P="d_printed=100"`: too small a dimension for the printed potential to fail at $\delta = 0.2$; the verdict changes with it.
# - `make run CHAPTER=15 P="t_end=400"`: ten times as long, and more of the late runs arrive.
