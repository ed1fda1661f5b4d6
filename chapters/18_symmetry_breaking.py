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
# # Symmetry breaking: Tian's theorems
#
# ```{admonition} In this chapter
# :class: note
# **The question.** Shortly before Li and Yuan, Tian proved convergence for the same network, {cite:t}`tian2016symmetry`: orthonormal teachers, and students that all start in the same way. What do his theorems say, do they hold, and what has the identity to do with it?
#
# **What you will see.** A flow in a plane with one saddle, whose place and whole spectrum are known for every number of nodes. One node that converges from every start but one direction, where one half was
# promised. A proof by interval arithmetic that nothing else is in the way. And noise that leads eight nodes into a minimum that is not global.
#
# **What you need.** {doc}`02_population_gradient` for the gradient, {doc}`03_landscape` for the minima of Safran and Shamir.
# ```
#
# We could read the version submitted to ICLR 2017 whole but for its last section, which holds the proofs; those below are ours. A later version is {cite:t}`tian2017analytical`. Of its published code
# ([ICML17_ReLU](https://github.com/yuandong-tian/ICML17_ReLU)) we use the numbers that it prints.

# %% tags=["parameters"]
dims: list = [2, 10, 100]  # input dimensions for one node
epsilons: list = [0.1, 0.5]  # of Theorem 3.3
starts: int = 4000  # random starts of one node for each pair of these
cells: int = 200  # boxes in each direction of the proof by intervals
nodes: list = [6, 8, 10]  # numbers of nodes K that start with noise
K: int = 8  # the one of them that judges the conjecture
runs: int = 20  # descents from each start
seed: int = 0  # of every random draw

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error
from src import checks

parameters.check(
    globals(), dims=checks.each(range(2, 1001)), epsilons=checks.each(checks.between(0, 1)), starts=range(10, 10001), cells=range(40, 1001),
    nodes=checks.each(range(3, 21)), K=range(3, 21), runs=range(1, 201), seed=range(2**31),
)
parameters.require(K in nodes, f"'K' must be one of 'nodes', {nodes}; got {K}")
parameters.require(len(set(nodes)) == len(nodes), f"'nodes' must differ; got {nodes}")

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number, power
from src.companions import one_node, sector, symmetry_breaking, symmetry_noise

figures.use()
generator = torch.Generator().manual_seed(seed)
blue, vermillion, green, purple, orange, *_ = figures.COLOURS.values()

# %% [markdown]
# ## A flow in the plane
#
# Tian's network is ours without its identity, $f(x) = \sum_j \mathrm{ReLU}(\langle w_j, x\rangle)$ with $K$ nodes. (In this chapter $K$ counts nodes, and $x$, $y$ are two coordinates, as in the source.) The teachers are orthonormal; with $w_j^* = e_j$ they are this book's $W^* = 0$. The
# loss is *half* the mean squared error, half of [$L$](#notation-loss), so that the flow runs at half our speed. If every student starts at $x\,w_j^* + y \sum_{i \ne j} w_i^*$, permuting the nodes and the coordinates alike changes nothing, and the students keep this form: in our model, $W
# = (x - 1) I + y (J - I)$ with [$J$](#notation-j) the matrix of ones. Two numbers describe the whole run. In {numref}`fig-symmetry-plane` the teacher is the star at $(1, 0)$, and on the line $x = y$ all nodes are equal. Follow a path from its start below this line: first it climbs beside
# the line, then it turns to the teacher.

# %%
figure_4 = symmetry_breaking.figure()
shown, ticks = [2, 10], np.linspace(0.02, 1.1, 28)
places = np.meshgrid(ticks, ticks)
fields = {k: symmetry_breaking.velocity(k, *places) for k in shown}
paths = {
    (k, gap): symmetry_breaking.descend(k, 0.3 + gap, 0.3, 0.01, 3000)
    for k in shown for gap in (0, 1e-3, 0.1)}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.8), width_ratios=(1, 1, 1.15))
for axis, k in zip(axes, shown):
    speed = np.hypot(*fields[k])
    axis.streamplot(ticks, ticks, *fields[k], color=np.log(speed), cmap="Greys", linewidth=0.7, density=0.45, arrowsize=0.8)
    axis.plot(ticks, ticks, color="grey", ls=":")
    tiny = symmetry_breaking.descend(k, 1e-3, 0.0, 0.01, 3000)
    axis.plot(*tiny.T, color=blue, label="from near zero")
    for gap, colour, style in zip((0, 1e-3, 0.1), (vermillion, orange, green), ("-", "--", "-.")):
        axis.plot(*paths[k, gap].T, style, color=colour, lw=2, label=f"$x - y = {gap:g}$")
    saddle = symmetry_breaking.saddle(k)
    axis.plot(saddle, saddle, "X", color="black", ms=7, label="saddle")
    axis.plot(1, 0, "*", color="black", ms=11, label="teacher")
    axis.set(title=f"$K = {k}$", xlabel="$x$", ylabel="$y$", xlim=(0, 1.1), ylim=(-0.05, 1.1))
    axis.legend(fontsize=9, loc="upper left", frameon=True, framealpha=0.9)
for k, errors, colour, style in zip(figure_4.nodes, figure_4.errors, (blue, orange, green), ("-", "--", "-.")):
    axes[2].semilogy(errors, style, color=colour, label=f"$K = {k}$")
    axes[2].plot(len(errors) - 1, symmetry_breaking.PUBLISHED[int(k)], "o", color=colour, mfc="none")
axes[2].set(title="Larger $K$ is faster", xlabel="step, of length 0.01", ylabel="$(x - 1)^2 + (K - 1) y^2$")
axes[2].legend()
figures.show("fig-symmetry-plane", figure)

# %% [markdown]
# ```{glue:figure} fig-symmetry-plane
# :name: fig-symmetry-plane
# :alt: Two panels with the streamlines of the flow in the plane of x and y. Paths that start below the diagonal first rise along it towards a cross, the saddle, and then turn to the star at x equal to one, y equal to zero; the path on the diagonal ends at the cross. The third panel shows errors falling on a logarithmic axis, fastest for the largest K, each ending in a circle.
#
# The flow for few and for many nodes. On the diagonal everything runs into the saddle; the smallest difference between $x$ and $y$ grows there and leads to the teacher. Right: the squared error of a node, from
# nearly zero, as in Figure 4 (d) of the source; circles: what the published code gives after the last step.
# ```
#
# Even a start on the line to the teacher, with $y = 0$, first raises $y$. All nodes first explain what they can explain together, and then divide the rest.
#
# ## One node
#
# ```{prf:lemma} Tian, Lemma 3.1
# :label: tian-lemma-3-1
#
# For Gaussian inputs and a unit vector $e$ at the angle $\theta$ to $w$: $\;\mathbb{E}\, 1[\langle e, x\rangle > 0]\, \mathrm{ReLU}(\langle w, x \rangle)\, x = \frac{1}{2\pi} \big( (\pi - \theta)\, w + \|w\| \sin\theta\; e \big)$.
# ```
#
# This is the $F$ of {doc}`02_population_gradient`, where it is derived. Summed over students and teachers it gives the gradient for every $K$ (his eq. 13).
#
# ```{prf:theorem} Tian, Theorem 3.3
# :label: tian-theorem-3-3
#
# Let $K = 1$ and $0 < \epsilon < 1$. From a start drawn uniformly in the ball of radius $\epsilon \sqrt{2\pi / (d + 1)}\, \|w^*\|$ the gradient flow converges to $w^*$ with probability at least $(1 - \epsilon)/2$.
# ```
#
# The text proves convergence from the ball $\|w - w^*\| < \|w^*\|$, of which a small ball around zero meets nearly one half. One half is not what happens. Let $\|w^*\| = 1$, $r = \|w\|$ and
# $h(\theta) = \sin\theta + (\pi - \theta)\cos\theta$. The flow of one node is
#
# $$
# \dot r = \tfrac12 \big( h(\theta)/\pi - r \big), \qquad \dot\theta = - \frac{(\pi - \theta) \sin\theta}{2\pi\, r} .
# $$
#
# **It converges from every start that is not exactly opposite to $w^*$.** As $h' = -(\pi - \theta)\sin\theta \le 0$ and $h(\pi) = 0$, $h$ is not negative. So $\dot r \ge -r/2$, and $r$ does not reach zero in finite time; and
# $r$ stays below the larger of its start and 1. The angle decreases, at a rate that is bounded from below by $r$'s upper bound: from $\theta < \pi$ it falls to zero, exponentially in the end. Then $h(\theta) \to \pi$, and $r \to 1$. $\square$
#
# On another clock, $d\sigma = (\pi - \theta)\,dt/(\pi r)$, the angle is even explicit, $\tan(\theta/2) = e^{-\sigma/2} \tan(\theta_0/2)$, and $1/r$ solves a linear equation. So thousands of flows cost nothing, and their share that arrives can be counted:

# %%
formula = one_node.formula(6, 5, 100_000, generator)
one = one_node.starts(dims, epsilons, starts, generator)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "".join(
    f"| {d:.0f} | {epsilon:g} | {promised:.3f} | {nearby:.3f} | {arrived:.3f} |\n"
    for d, epsilon, promised, nearby, arrived in zip(*one[:5])
)
display(Markdown(
    "| $d$ | $\\epsilon$ | promised | start in the ball of the proof | flow converges |\n|---|---|---|---|---|\n" + rows
))

# %% [markdown]
# ## Equal nodes
#
# ```{prf:theorem} Tian, Theorem 4.1
# :label: tian-theorem-4-1
#
# Let $K \ge 2$ and let the teachers be orthonormal. (1) If $x = y \in (0, 1]$ at the start, the flow converges to a saddle, $x = y = \frac{1}{\pi K}\big(\sqrt{K - 1} + \pi - \arccos \frac{1}{\sqrt K}\big)$.
# (2) If $x \in (0, 1]$, $y \in [0, 1]$ and $x > y$, it converges to the teacher, $(x, y) = (1, 0)$.
# ```
#
# **What the saddle is.** Let all nodes be equal to a multiple of a unit vector with entries $c_i$, so that together they are one ReLU of some length. At the best length half the loss is a constant less $\big(\sum_i \varphi(c_i)\big)^2 / (4\pi^2)$
# with $\varphi(c) = h(\arccos c)$. As a function of $z = c^2$, $\varphi$ is increasing, and concave up to where $\tan\theta = 1/(\pi - \theta)$, convex beyond. Its tangent at $z = 1/K$ passes above its value $\pi$ at $z = 1$ (most tightly for $K = 2$), and so lies
# above it everywhere; hence $\sum_i \varphi(c_i) \le K \varphi(1/\sqrt K)$. Equality needs all $c_i = 1/\sqrt K$. **The saddle is the best student whose nodes are all equal**, of length $\varphi(1/\sqrt K)/\pi$ each. On the diagonal $\dot x = -\tfrac K2 (x - x_s)$, with $x_s$ its place: linear,
# so every start with $x = y > 0$ arrives. $\square$
#
# **Its whole spectrum.** Where nodes are parallel, the derivatives of the angles between students cancel, and the Hessian of half of $L$ takes node perturbations $v_j$ to $\tfrac12 \sum_i v_i - \mu P v_j$, where $P$ projects orthogonally to the vector of
# ones and
#
# $$
# \mu = \frac{K}{2\pi\, x_s \sqrt{K - 1}} .
# $$
#
# So the eigenvalues are $-\mu$ in $(K - 1)^2$ directions, in which nodes turn apart; $0$ in $K - 1$ directions, in which nodes trade length; $\tfrac K2 - \mu > 0$ in $K - 1$ and $\tfrac K2$ in one, in which all move alike. Nodes
# that are equal are held together by nothing but equality. In floating point they stay equal: a tie never breaks.

# %%
symmetric = symmetry_breaking.symmetric([2, 5, 10, 100])
gaps = np.geomspace(1e-8, 1e-2, 7)
times = {
    k: symmetry_breaking.escape_times(k, gaps.tolist()) for k in (2, 5, 10)
}

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = ""
for k in symmetric.nodes.astype(int):
    s = symmetry_breaking.saddle(k)
    slow = symmetry_breaking.rates_at_teacher(k)[0]
    half_losses = symmetry_breaking.loss(k, s, s), symmetry_breaking.loss(k, 1e-12, 1e-12)
    rows += f"| {k} | {s:.9f} | {half_losses[0]:.6f} | {half_losses[1]:.6f} | {symmetry_breaking.escape_rate(k):.5f} | {k / 2:g} | {slow:.5f} |\n"
display(Markdown(
    "| $K$ | saddle, $x = y$ | half the loss there | at zero | $\\mu$ | $K/2$ | slow rate at the teacher |\n|---|---|---|---|---|---|---|\n" + rows
))

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axis = plt.subplots(figsize=(7, 3.4))
for (k, t), colour, marker in zip(times.items(), (blue, orange, green), "os^"):
    axis.semilogx(gaps, t, marker, color=colour)
    predicted = t[0] - np.log(gaps / gaps[0]) / symmetry_breaking.escape_rate(k)
    axis.plot(gaps, predicted, color=colour)
    axis.plot([], [], marker + "-", color=colour, label=f"$K = {k}$")
axis.set(title="Leaving the saddle takes logarithmic time", xlabel="$x - y$ at the saddle", ylabel="time until $x - y = 1/2$", ylim=(0, None))
axis.legend()
figures.show("fig-symmetry-escape", figure)

# %% [markdown]
# ```{glue:figure} fig-symmetry-escape
# :name: fig-symmetry-escape
# :alt: Dots on three falling straight lines over a logarithmic axis of gaps; the line for two nodes is the highest and steepest, that for ten nodes the lowest.
#
# The time that the flow stays near the saddle, over the difference that it starts with. Dots: integrated; lines: slope $-1/\mu$, through the first dot.
# ```
#
# How long does a start near the diagonal stay at the saddle? {numref}`fig-symmetry-escape` says: the time to leave grows only like $\frac1\mu \ln \frac1{x - y}$, and $\mu$ grows with $K$. So does the slow rate at the teacher, within the plane. In all $K^2$ directions it is the same for
# every $K$.
#
# ## Nothing else in the plane
#
# For part (2) write $x = r\cos\theta$ and $\sqrt{K - 1}\,y = r \sin\theta$. Let $\phi$ be the angle of two students and $\phi^*$ that of a student to the teacher of another. Half the loss is a constant plus $\frac{K}{4\pi}(r^2 p - 2 r q)$, with
# $p = \pi + (K - 1) h(\phi)$ and $q = h(\theta) + (K - 1) h(\phi^*)$ functions of $\theta$ only, and
#
# $$
# \dot r = \frac{q - r p}{2\pi}, \qquad r\,\dot\theta = \frac{2 q' - r p'}{4\pi} .
# $$
#
# A point is critical where $r = q/p$ and $N(\theta) = 2 q' p - q p'$ is zero. $N$ vanishes at the teacher ($\theta = 0$) and at the saddle ($\theta_s = \arccos(1/\sqrt K)$). Interval arithmetic shows that it is negative between them for *every* $K$: with $1/\sqrt{K - 1}$ as a second
# variable in $[0, 1]$, boxes cover all $K \ge 2$ at once. Near both ends the sign of $N'$ decides.

# %%
between = sector.sector(cells)

# %% [markdown]
# **The rest of the proof of part (2).** The triangle $\{0 < x \le 1,\ 0 \le y < x\}$ is not left. The diagonal is invariant. On $y = 0$, $\dot y = (1 - x)/4 \ge 0$. On $x = 1$,
#
# $$
# 2\pi\,\dot x = -(K - 1)\big[(\pi - \phi)\,y - (\sin\phi^*/r - \sin\phi)\big] - (\theta - \sin\theta/r) .
# $$
#
# Here $r \ge 1$, so the last bracket is not negative; $\phi \le \pi/2$; and $\sin\phi^*/r - \sin\phi \le \big(\sin^2\phi^*/r^2 - \sin^2\phi\big)\, r^2 = y^2 (4 n y + 2 - n - (2n + 1) y^2)/r^2$ with $n = K - 2$, where it is positive, which is less than $\tfrac\pi2 y$
# because $4y - 1 - 2y^2 < \tfrac\pi2 y$ and $2y - y^3 < \tfrac\pi2 (1 + y^2)$. So $\dot x < 0$. Near zero $\dot r > 0$. A bounded gradient flow ends in critical points; in the closed triangle those are the teacher and the saddle, and near the saddle $\theta$ moves away from $\theta_s$ at the rate $\mu$. The
# teacher is left. $\square$
#
# ## Noise
#
# ```{prf:conjecture} Tian, Conjecture 4.3
# :label: tian-conjecture-4-3
#
# If Gaussian noise is added to a start of Theorem 4.1 (2), the flow still converges to the teacher and is not trapped in local minima.
# ```
#
# The source speaks of "reasonably large noise", and concludes that with high probability a random start reaches a permutation of the teacher, as it has no ties. We count any permutation as success. For a noise that is small *enough*, depending on the start, the conjecture is true and
# needs no proof of its own: the teacher is a strict minimum, its basin is open, and a path that arrives does so together with its neighbours. The question is how much noise is small. The source's own experiment starts at $10^{-3} w^*$ with noise of about that size in every entry, in eight
# runs each; we do the same with exact gradients. All five starts of one seed have the same noise but for its size. In {numref}`fig-symmetry-noise`, look at what is missing from the full length of a bar: these runs reach no permutation.

# %%
seeds = range(seed, seed + runs)
counts, ends = symmetry_noise.counts(nodes, seeds)
noisy = list(symmetry_noise.STARTS).index(symmetry_noise.AS_MUCH)
conjecture = symmetry_noise.conjecture(ends[K][noisy])
stuck = conjecture.stuck

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
names = {
    "small, less noise": r"$10^{-3} w^*$, noise $10^{-4}$",
    "small, as much noise": r"$10^{-3} w^*$, noise $10^{-3}$",
    "noise alone": r"noise $1/\sqrt{K}$ alone",
    "identity, that noise": r"$w^*$, noise $10^{-3}$",
    "identity, large noise": r"$w^*$, noise $1/\sqrt{K}$",
}
figure, axis = plt.subplots(figsize=(8, 3.6))
height = 0.8 / len(nodes)
for row, (k, colour) in enumerate(zip(nodes, np.resize(list(figures.COLOURS.values()), len(nodes)))):
    place = np.arange(len(names)) + row * height
    axis.barh(place, counts.solved[row], height, color=colour, alpha=0.35, edgecolor="white")
    axis.barh(place, counts.own[row], height, color=colour, edgecolor="white", hatch=("", "///", "...")[row % 3], label=f"$K = {k}$")
axis.set_yticks(np.arange(len(names)) + 0.4 - height / 2, [names[name] for name in symmetry_noise.STARTS])
axis.invert_yaxis()
axis.grid(axis="y", visible=False)
axis.xaxis.get_major_locator().set_params(integer=True)
axis.set(title="Little noise: the teacher; much noise: a permutation, or neither", xlabel=f"descents of {runs} that reach the teacher (full) or a permutation (light)", ylabel="start")
axis.legend(loc="lower left", bbox_to_anchor=(1, 0))
figures.show("fig-symmetry-noise", figure)

# %% [markdown]
# ```{glue:figure} fig-symmetry-noise
# :name: fig-symmetry-noise
# :alt: Horizontal bars for five kinds of start and several numbers of nodes. With little noise, and from the identity with little noise, all bars are full length and dark. With noise as large as the start and with noise alone nearly nothing is dark, and the light bars fall short of full length for more nodes. From the identity with large noise the light bars are full or nearly so.
#
# Descents with exact gradients from five kinds of start; noise is the standard deviation of every entry of every node.
# ```
#
# With noise as large as the start hardly any run ends at the teacher itself, and with many nodes some end at no permutation of it either. Where one rests, Newton's method and the full Hessian decide what it is:

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
if stuck is None:
    display(Markdown(f"With these parameters all {runs} descents find the teacher or a permutation."))
else:
    display(Markdown(
        "| $K$ | half the loss | norm of its gradient | lowest of all $K^2$ curvatures | less the loss of Safran and Shamir's family |\n|---|---|---|---|---|\n"
        f"| {stuck.K} | {stuck.loss:.8f} | {power(stuck.gradient_norm)} | {stuck.lowest_curvature:.4f} | {power(stuck.family)} |"
    ))

# %% [markdown]
# It is a strict local minimum; where the last entry is zero to rounding, it is the one of {doc}`03_landscape`, a unit turned the wrong way. Its basin is open, so that such starts fail with positive probability. That is no matter of step size: a strict minimum holds every descent with
# small enough steps.
#
# What counts is the noise *relative* to the start. The same $10^{-3}$ that spoils a start near zero does nothing to the identity, whose own length is a thousand times larger. Noise that is as long as the identity's columns can spoil that too, though more rarely. To start at the identity
# is to start with $x - y = 1$, far from the diagonal. A start near zero must first pass the saddle, with whatever noise it has. The plane does not show this book's Phase I: within $\|W\|_2 \le \tfrac12$ we found no gradient in it that points away from the teacher.
#
# ## The verdicts

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "tian-lemma-3.1",
    verdict=formula.verdict,
    evidence=verdicts.PROVED,
    measured=f"summed over the nodes it is half this book's gradient to {power(formula.difference)}",
    spread=f"relative; samples deviate by at most {formula.deviation:.1f} standard errors",
    numbers={"agrees": float(formula.difference < 1e-10)},
    note="Derived in the chapter on the population gradient.",
)
claims.report(
    "tian-theorem-3.3",
    verdict=one.verdict,
    evidence=verdicts.PROVED,
    measured=f"share of starts that converge at least {one.arrived.min():.3f}, promised at most {one.promised.max():.2f}",
    spread=f"{one.count:,} starts in each of {len(one.d)} settings",
    numbers={"converge": one.arrived.min(), "promised": one.promised.max()},
    note="The flow converges from every start but those exactly opposite to the teacher, of which there are none with positive probability.",
)
claims.report(
    "tian-theorem-4.1-saddle",
    verdict=symmetric.verdict,
    evidence=verdicts.PROVED,
    measured=f"descents with x = y end within {power(max(symmetric.arrival.max(), 1e-16))} of the closed form; lowest curvature there {', '.join(number(c, 5) for c in symmetric.curvature)}",
    spread=f"K = {', '.join(f'{k:.0f}' for k in symmetric.nodes)}",
    numbers={f"K = {k:.0f}": c for k, c in zip(symmetric.nodes, symmetric.curvature)},
    note="It is the best student whose nodes are all equal; the whole spectrum is known.",
)
claims.report(
    "tian-theorem-4.1-broken",
    verdict=between.verdict,
    evidence=verdicts.CERTIFIED,
    measured=f"N at most {number(between.middle)} between saddle and teacher; its slope at least {number(between.at_saddle)} at the one end and at most {number(between.at_teacher)} at the other",
    spread=f"all K from 2 on, {cells} × {cells} boxes",
    numbers={"proved": float(between.middle < 0 < between.at_saddle and between.at_teacher < 0)},
    note="No other critical point lies in the triangle, which no path leaves.",
)
share, error = conjecture.share
claims.report(
    "tian-conjecture-4.3",
    verdict=conjecture.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"K = {K}, noise as large as the start: {conjecture.solved} of {runs} reach the teacher or a permutation, {conjecture.own} the teacher itself"
    + ("" if stuck is None else f"; one rests at half the loss {stuck.loss:.6f} with lowest curvature {stuck.lowest_curvature:.4f}"),
    spread=f"share {share:.2f} ± {error:.2f}",
    numbers={"loss": None if stuck is None else stuck.loss, "curvature": None if stuck is None else stuck.lowest_curvature},
    note="For noise much smaller than the start it is true, but then it says nothing of random starts, for which it was made.",
)
claims.report(
    "tian-figure-4",
    verdict=figure_4.verdict,
    evidence=verdicts.EXACT,
    measured="squared errors after the last step "
    + ", ".join(f"{number(e, 6)} (K = {k})" for k, e in zip(figure_4.nodes, figure_4.errors[:, -1])),
    spread="to the six digits that the published code gives",
    numbers={f"K = {k}": e for k, e in zip(figure_4.nodes, figure_4.errors[:, -1])},
    note="In the plane; across it the slowest rate is the same for all K.",
)

# %% [markdown]
# ## Summary
#
# - Tian's plane is a slice of this book's model with $W^* = 0$: two coordinates, one saddle, one teacher.
# - One node converges from every start that is not exactly opposite to its teacher; the published probability is one half of that.
# - The saddle is the best student with all nodes equal. In all $K^2$ directions its eigenvalues are $-\mu$, $0$, $\tfrac K2 - \mu$ and $\tfrac K2$.
# - Theorem 4.1 holds for every $K$: one function of one angle has no zero between saddle and teacher, by interval arithmetic.
# - The conjecture on noise fails where noise is as large as the start: eight nodes can end in a strict minimum of Safran and Shamir's kind. Next to the identity the same noise is small.
#
# ## Exercises
#
# ```{exercise} The best equal nodes
# :label: ex-best-equal-nodes
#
# Minimise half the loss over students of five equal nodes, from random starts in all five dimensions. Where does it end?
# ```
#
# ```{solution} ex-best-equal-nodes
# :class: dropdown
#
# At the saddle, from every start: $x = y = 0.2568$, half the loss $0.7801$. Within equal nodes it is the one minimum; only differences between nodes lead further down.
# ```
#
# ```{exercise} Exactly opposite
# :label: ex-opposite-node
#
# What does the flow of one node do from $w = -w^*$, and why does no random start do it?
# ```
#
# ```{solution} ex-opposite-node
# :class: dropdown
#
# At $\theta = \pi$ both $\sin\theta$ and $h$ vanish: the node does not turn, and $\dot r = -r/2$, so that $r = e^{-t/2}$. It dies out at zero. Any other angle is left, the faster the shorter the node is, and one direction has no volume.
# ```
#
# ```{exercise} Faster in the plane only
# :label: ex-slow-direction
#
# How does the slowest rate at the teacher depend on $K$, in the plane and in all directions?
# ```
#
# ```{solution} ex-slow-direction
# :class: dropdown
#
# In the plane it is $0.40915$, $0.75465$ and $1.46238$ for $K = 2, 5, 10$. In all directions it is $(\pi - 2)/(4\pi) = 0.0908$ for every $K$, half of the $\tfrac12 - \tfrac1\pi$ of {doc}`12_dynamics`.
# ```
#
# ## Try
#
# - `make run CHAPTER=18 P="nodes=[5,6,7,8,9,10] runs=40"`: how often each kind of start fails, from five to ten nodes. For five and six it should not.
# - `make run CHAPTER=18 P="cells=40"`: the proof with few boxes, and how little it takes.
