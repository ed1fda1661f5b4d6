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
# # The noise of SGD
#
# ```{admonition} In this chapter
# :class: note
# **The question.** Near the teacher SGD is the flow plus noise. How much noise exactly, up to which step does it converge, and what changes for inputs that are not Gaussian?
#
# **What you will see.** Something the paper does not have: the second moments of SGD in closed form. For every dimension, batch and step they follow a matrix of size 15. It gives the largest stable
# step exactly, and the step that the paper could have used. With the curvature along the way it becomes a law of the whole of Figure 8(b), noise included. A fixed training set is slower, by a known factor. Then three laws of inputs with one covariance, hence one flow, at which SGD decays at three rates, and a heavy-tailed law whose typical run
# and whose mean square part company.
#
# **What you need.** {doc}`12_dynamics` for the recursion of second moments, {doc}`02_population_gradient` for the gradient.
# ```

# %% tags=["parameters"]
d_check: int = 10  # input dimension of the sampled gradients
samples: int = 200000  # inputs for each sampled gradient
d_noise: int = 60  # dimension of the SGD runs, a multiple of 30
seeds: int = 8  # SGD runs for each law and step size
dims_law: list = [20, 60]  # dimensions of the runs beside the law, increasing
seeds_law: int = 150  # SGD runs for each of its settings
steps_law: int = 40  # steps of these runs
d_run: int = 83  # dimension of whole runs, a prime congruent to 3 modulo 4
seeds_run: int = 40  # whole runs
steps_run: int = 800  # steps of these runs
d_set: int = 24  # dimension of the training sets
seed: int = 0  # of every random draw

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(
    globals(), d_check=range(3, 101), samples=range(2000, 10**8), d_noise=range(30, 301, 30), seeds=range(2, 101), seed=range(2**31),
    dims_law=parameters.increasing(range(4, 201)), seeds_law=range(20, 10_001), steps_law=range(1, 1001),
    d_run=range(7, 500), seeds_run=range(10, 1001), steps_run=range(12, 10**5), d_set=range(16, 41),
)

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number
from src.dynamics import linearised, second_moments
from src.model import population, weights
from src.runs import recorded
from src.theory import noise_law, radial_inputs, training_set, whole_run

parameters.require(weights.has_paley(d_run), f"'d_run' must be a prime congruent to 3 modulo 4; got {d_run}")
figures.use()
generator = torch.Generator().manual_seed(seed)
COLOUR = list(figures.COLOURS.values())
MARKERS = "so^"

# %% [markdown]
# ## Fifteen numbers
#
# Near [$W^*$](#notation-w) $= 0$ the network is linear in its weights. With $X_{ij} = x_i 1(x_j > 0)$ it is $f(x, W) - f(x, 0) = \langle W, X\rangle$, and a step of SGD on [$B$](#notation-batch)
# fresh inputs is
#
# $$
# W \leftarrow W - \frac{2\eta}{B} \sum_{b=1}^{B} \langle W, X_b\rangle X_b .
# $$
#
# How does $\mathbb{E}\|W\|_F^2$ change in a step? It is no function of itself alone: the noise of an input depends on where $W$ points. Chapter 12 follows the energies of six families of matrices, and drops
# terms of relative order $1/d$. Nothing has to be dropped.
#
# ```{prf:theorem} The second moments of SGD
# :label: thm-second-moments
#
# Let $d \ge 4$, $W^* = 0$ and $M = \mathbb{E}\,W \otimes W$ for the linear problem above, averaged over all simultaneous permutations of rows and columns of $W$. For every $B$ and $\eta$ the entry
# $M_{ijkl}$ depends only on which of the four indices are equal. A step multiplies the 15 numbers that are left by a fixed matrix, whose entries are polynomials in $d$, and
# $\mathbb{E}\|W\|_F^2 = d(d-1) M_{1212} + d\,M_{1111}$.
# ```
#
# ```{prf:proof}
# Squaring the step gives $M \leftarrow M - 2\eta(HM + MH) + 4\eta^2\big(\tfrac1B K(M) + (1 - \tfrac1B) HMH\big)$ with $H = \mathbb{E}\,X \otimes X$ and $K(M) = \mathbb{E}\,\langle X, MX\rangle\, X \otimes X$.
# The law of $x$ does not change when its coordinates are permuted, so averaging over permutations commutes with all three maps, and it keeps $\|W\|_F^2$. An averaged $M_{ijkl}$ depends only on the
# partition of the four indices into equal ones, and four things have 15 partitions. For $H M$ one sums over two indices. Sorted by which of the six indices are now equal, all
# terms of a class are the same: $\mathbb{E}$ of a product over independent coordinates, each $\mathbb{E}\,x^p$ or $\mathbb{E}\,x^p 1(x > 0)$ with $p \le 4$, times the number of choices of the new values,
# $(d - r)(d - r - 1) \cdots$. For $K(M)$ one sums over four indices, and it is partitions of eight things.
# ```
#
# The code writes these sums down as they stand, 203 partitions of six things and 4,140 of eight. Its tests compare a step with the whole operator on $\mathbb{R}^{d^2} \otimes \mathbb{R}^{d^2}$,
# computed from the signs of the coordinates, for $d$ from 4 to 6. Here it is beside runs of the real, nonlinear SGD from very small weights.

# %%
law = noise_law.against_runs(dims_law, [0.25, 0.5, 1.0], steps_law,
                             seeds_law, seed)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "".join(
    f"| {run.d} | {run.batch} | {run.level} | {run.measured:.4f} ± {run.error:.4f} | {run.predicted:.4f} | {run.off:+.1f} |\n"
    for run in law.runs
)
display(Markdown(
    f"| $d$ | $B$ | $\\eta d^2 / B$ | mean of $\\Vert W\\Vert_F^2$ after {steps_law} steps, of its start | by the law | apart, in standard errors |\n|---|---|---|---|---|---|\n{rows}\n"
    f"Means over {seeds_law} seeds with their standard errors."
))

# %% [markdown]
# ## The largest stable step, and the fastest
#
# The mean square falls as long as the spectral radius of the 15 × 15 matrix is below one. {numref}`fig-11-steps` shows on the left by how much the recursion of chapter 12 errs: it always allows too
# long a step. On the right is section 5.3, $d = 1500$ and $B = 300$: by which factor a thousand steps reduce the mean square, over the step. Look for the lowest point, and for the paper's step.

# %%
dims = [4, 6, 10, 20, 50, 100, 200, 500, 1000, 1500]
fifth, single = (noise_law.largest_steps(dims, share)
                 for share in (1 / 5, 1e-6))
paper = noise_law.of_the_paper(1e-4, 300, 1500)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
for steps, name, colour, marker in ((fifth, "$d/5$ inputs a step", COLOUR[0], "o"), (single, "one input a step", COLOUR[1], "s")):
    left.loglog(dims, 100 * steps.excess, marker + "-", color=colour, label=name)
left.set(xlabel="dimension $d$", ylabel="excess of the recursion's largest step, %", title="The recursion allows too long a step")
left.legend()
etas = np.linspace(0.02, 1.02, 80) * paper.largest
right.semilogy(1e4 * etas, [second_moments.growth(eta, 300, 1500) ** 1000 for eta in etas], color=COLOUR[0])
for eta, name, marker, colour in ((paper.eta, "the paper's", "o", COLOUR[2]), (paper.fastest, "the fastest", "s", COLOUR[1]), (paper.largest, "the largest stable", "D", COLOUR[3])):
    right.plot(1e4 * eta, second_moments.growth(eta, 300, 1500) ** 1000, marker, color=colour, label=name)
right.set(
    xlabel=r"step $\eta$, $10^{-4}$", ylabel="factor of the mean square in 1,000 steps", title="Section 5.3 could step nearly twice as far",
)
right.legend()
figures.show("fig-11-steps", figure)

# %% [markdown]
# ```{glue:figure} fig-11-steps
# :name: fig-11-steps
# :alt: Left, two lines that fall with slope minus one on logarithmic axes: the relative error of the recursion's largest step falls as one over d. Right, the factor of a thousand steps over the step: it falls from one, has a minimum beyond the paper's step, and rises to one at the largest stable step.
#
# Left: by how many per cent the largest stable step of chapter 12's recursion exceeds the exact one, over the dimension. Right: section 5.3 near its teacher, $d = 1500$ with 300 inputs a step: the factor by
# which 1,000 steps multiply the mean square distance in the long run, over the step size.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
display(Markdown(
    f"Beyond $d = 100$ the recursion's largest step is too long by about ${fifth.per_dimension:.1f}/d$ of itself for $d/5$ inputs a step, and ${single.per_dimension:.1f}/d$ for one: "
    f"{100 * fifth.excess[dims.index(100)]:.1f} % at $d = 100$, {100 * fifth.excess[-1]:.2f} % at $d = 1500$. In section 5.3 the largest stable step is ${number(paper.largest)}$, "
    f"and the paper's ${number(paper.eta)}$ is {paper.eta / paper.largest:.2f} of it. The fastest is ${number(paper.fastest)}$: a tenth of the distance is reached after {paper.fewest:,.0f} steps in place of {paper.steps:,.0f}."
))

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "second-moments", verdict=law.verdict, evidence=verdicts.PROVED,
    measured="mean square over the law's: " + ", ".join(f"{run.measured / run.predicted:.3f} (d = {run.d}, ηd²/B = {run.level})" for run in law.runs),
    spread="± " + ", ".join(f"{run.error / run.predicted:.3f}" for run in law.runs) + f", {seeds_law} seeds", numbers={f"d={run.d}, level {run.level}": run.measured / run.predicted for run in law.runs},
)
claims.report(
    "stable-step", verdict=fifth.verdict if fifth.verdict == single.verdict else verdicts.FAILS, evidence=verdicts.EXACT,
    measured=f"too long by {fifth.per_dimension:.2f}/d with a fifth of d inputs a step, by {single.per_dimension:.2f}/d with one",
    spread=f"d from {dims[0]} to {dims[-1]:,}", numbers={"fifth": fifth.per_dimension, "one": single.per_dimension},
)
claims.report(
    "fastest-step", verdict=paper.verdict, evidence=verdicts.EXACT,
    measured=f"largest {number(paper.largest)}, fastest {number(paper.fastest)}: {paper.fewest:,.0f} steps for a tenth of the distance in place of {paper.steps:,.0f}",
    spread="at the dimension and the number of inputs of section 5.3", numbers={"largest": paper.largest, "fastest": paper.fastest, "steps": paper.steps, "fewest": paper.fewest}, note="Near the teacher only: in Phase I the step is limited by other things.",
)

# %% [markdown]
# ## From the start to the end
#
# So far the weights were small. Section 5.3 starts at $\|W\|_F = 5$, and there the linear problem is no guide: it does not even know that the gradient points the wrong way. But three things suffice to follow the noise all the way. To leading order in $1/d$, with $W$ as a path $w$ and noise around it:
#
# 1. **The path** is that of the exact flow, in the three variables of {doc}`04_three_variables`, but for one correction below.
# 2. **The source of the noise is the loss.** One input has the gradient $2\rho X$ with the residual $\rho = f - f^*$. As $\rho$ is homogeneous in $x$, $\mathbb{E}\,\rho^2\|x\|^2 = (d + 2)\,L$ exactly; and to leading order the noise of a minibatch has the second moments $\frac4B (1 + \frac2d)\,L(w)\,\mathbb{E}\,X \otimes X$.
# 3. **The curvature falls with the angle.** When Phase I is over, $A = I + w$ is nearly a rotation: it turns each column by one angle $\phi$ away from its teacher. A matrix $V$ in general position, with zero diagonal, row and column sums, meets there, with $s = \sin\phi$ and up to parts that have nothing to do with $V$ and $V^\top$, the Hessian
#
# $$ \pi\,\nabla^2 L\;V \approx \big(\tfrac\pi2 - s + \tfrac{s^2}2\big)\,V + (1 - s^2)\,V^\top . $$
#
# At the teacher skew matrices are slow already, with $\frac\pi2 - 1$; at $s = 0.1$ a seventh of that is gone. Where do the terms come from? Among themselves the student's columns are what they are at $A = I$, turned, so that $V^\top$ becomes $AV^\top A = \cos^2\!\phi\,V^\top + \dots$ Each column and its own teacher no longer have the angle zero between them, which takes $\sin\phi$, and the other
# teachers are no longer at right angles: $\sum_{i \ne j} (1 - \sin\theta_{i^*j}) = \frac12 s^2$. Noise turns columns as well, so that we take $s^2 = \sin^2\phi + \frac1d\,\mathbb{E}\,\|W - w\|_F^2$; the path is slower by the rate $\frac1\pi(s - \sin\phi)$ for that.
#
# That makes 18 numbers, three for the path and 15 for the noise, and one ordinary differential equation (`noisy_path.law`). A 19th adds up what single steps do at random to $\|W\|_F^2$: about $4\eta - 2\eta^2 d(d + 2)/B$ times the minibatch's mean of $\rho^2$, whose variance is $(2L^2 - 2m^4)/B$ for a normal $\rho$ of mean $m = -g/\sqrt{2\pi}$. No constant is fitted. {numref}`fig-whole-run` shows beside it the recorded runs of section 5.3, at $d = 1500$ as in the paper and at $d = 300$, and live ones.

# %%
names = ["fig_8b_d1500", "fig_8b_d300"]
stored = [recorded.load(name) for name in names]
far = [whole_run.of_recording(one.arrays, one.provenance["parameters"])
       for one in stored]
run_seeds = range(seed, seed + seeds_run)
near = [whole_run.live(d_run, norm, 0.75, steps_run, run_seeds)
        for norm in (0.05, 0.2)]

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
one = far[0]
left.plot(one.t, one.flow, "--", color="grey", label="flow")
left.plot(one.t, one.law.distance, color=COLOUR[0], label="law")
left.plot(one.t[::3], one.measured[::3], "o", ms=4, color=COLOUR[1], label="SGD, one recorded run")
left.set(yscale="log", xlabel=r"time $t = \eta \cdot$ steps", ylabel=r"distance $\Vert W - W^*\Vert_F$", title="The law follows SGD, the flow does not")
left.legend()
for run, colour, marker in zip((*near, far[1]), COLOUR, MARKERS):
    label = rf"$d = {run.d}$, $\Vert W_0\Vert_2 \approx {run.law.path[0] ** 0.5 / run.d ** 0.5:.2f}$"
    right.loglog(run.t, 100 * run.law.spread, color=colour)
    right.loglog(run.t, 100 * run.spread, marker, ms=4, color=colour, label=label)
right.set(xlabel=r"time $t = \eta \cdot$ steps", ylabel=r"spread of $\Vert W - W^*\Vert_F^2$, % of its mean", title="Runs hardly differ")
right.legend()
figures.show("fig-whole-run", figure)

# %% [markdown]
# ```{glue:figure} fig-whole-run
# :name: fig-whole-run
# :alt: Left, distance on a logarithmic axis over time: dots of a run lie on a falling line, a dashed line below it falls faster. Right, spreads on logarithmic axes rise with the square root of time and then more slowly; dots lie on or somewhat above their lines.
#
# Left: section 5.3 in full, $d = 1500$, 350,000 steps with 300 inputs each: SGD, the law, and the flow. Right: the standard deviation of the squared distance over runs, relative to its mean; dots: live runs, and three recorded ones; lines: the law.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
all_runs = whole_run.Trial((*far, *near))
claims.report(
    "sgd-whole-run", verdict=all_runs.verdict, evidence=verdicts.RECORDED,
    measured="distance apart from the law by at most " + ", ".join(f"{100 * run.apart:.2f} % (d = {run.d}; from the flow {100 * run.flow_apart:.0f} %)" for run in all_runs.runs),
    spread=f"at every recorded point; {', '.join(str(run.runs) for run in all_runs.runs)} runs", numbers={"paper": far[0].apart, "flow": far[0].flow_apart, "d=300": far[1].apart, "small": near[0].apart, "large": near[1].apart}, note="To leading order in 1/d, not a theorem.",
)
spreads = whole_run.Spreads(tuple(near))
claims.report(
    "sgd-spread", verdict=spreads.verdict, evidence=verdicts.SAMPLED,
    measured="spread at the end over the law's: " + ", ".join(f"{run.wider[-1]:.2f} (‖W₀‖₂ ≈ {norm})" for run, norm in zip(near, (0.05, 0.2))) + f"; three recorded runs at d = {far[1].d}: {far[1].wider[-1]:.1f}",
    spread=f"± {1 / (2 * (seeds_run - 1)) ** 0.5:.2f}, {seeds_run} seeds", numbers={"small": near[0].wider[-1], "large": near[1].wider[-1]}, note="The residual is taken as normal, and linear in W. For larger weights the spread is wider than the law says.",
)

# %% [markdown]
# ## A fixed training set
#
# Section 5.2 draws 100,000 inputs once, at $d = 100$. Near the teacher all of the above holds with means over the set in place of expectations. But the set is not invariant under permutations: 15 numbers are no longer enough, and the Hessian is made of the sample second moments of $n$ matrices $X$, vectors in
# $d^2$ dimensions. For $n < d^2$ it is zero on at least $d^2 - n$ directions, where the training loss is silent and $W$ stays as it is. For $n > d^2$ its spectrum spreads. We compare with the law of {cite:t}`marchenko1967distribution` for the population's rates; its lower edge is one maximum over one number {cite}`silverstein1995analysis` (`training_set.slowest`).

# %%
ratios = [0.5, 1.5, 2, 5, 10, 40]
sets = training_set.compare(d_set, ratios, generator)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
rows = "".join(f"| {one.n / one.d**2:g} | {one.flat} of {one.d**2} | {one.slowest:.4f} | {one.law:.4f} | {one.share:.2f} |\n" for one in sets.sets)
at_paper = training_set.slowest(100, 100_000) / linearised.families(100)[-1].rate
display(Markdown(
    f"| $n / d^2$ | flat directions | slowest rate, $d = {d_set}$ | by the law | of that of fresh inputs |\n|---|---|---|---|---|\n{rows}\n"
    f"Section 5.2 has $n = 10\\,d^2$: near its teacher it is slower than with fresh inputs by the factor {at_paper:.2f}."
))
claims.report(
    "fixed-set", verdict=sets.verdict, evidence=verdicts.SAMPLED,
    measured="slowest rate over that of fresh inputs, seen and by the law: " + ", ".join(f"{one.share:.3f}, {one.law / one.population:.3f} (n = {ratio:g} d²)" for one, ratio in zip(sets.sets, ratios)),
    spread=f"one set each, d = {d_set}", numbers={f"n/d2={ratio:g}": one.share for one, ratio in zip(sets.sets, ratios)} | {"section 5.2": at_paper}, note="At small weights. What the noise of a set does is left open: minibatches that share the set out in turn disturb less than independent ones.",
)

# %% [markdown]
# ## Rotation-invariant inputs: one number changes
#
# A law is rotation-invariant if turning the inputs does not change it: all directions are equally likely, and only the length can be chosen. Is the flow still that of the Gaussian? Let $x = r\,\omega$ with a uniformly random direction $\omega$ and an independent length $r$. The loss averages
# $(f(x, W) - f(x, W^*))^2$, and the network [$f$](#notation-f) is homogeneous: $f(r\omega, W) = r f(\omega, W)$. So
#
# $$
# L_r(W) = \mathbb{E}\,r^2 \cdot \mathbb{E}\,(f(\omega, W) - f(\omega, W^*))^2 = \frac{\mathbb{E}\,r^2}{d}\, L(W),
# $$
#
# the Gaussian being the case $\mathbb{E}\,r^2 = d$. All angles, the potential, the ratio's sign and the path of the flow are the same; only the clock runs at $\mathbb{E}\,r^2 / d$. That is a proof.
#
# To see it at work, we sample gradients for two laws. One is the sphere of radius $\sqrt d$ (factor 1). The other is Student's multivariate $t$ with $\nu = 5$ degrees of freedom: a Gaussian vector
# times $\sqrt{\nu / Y}$, where $Y$ is the sum of the squares of $\nu$ standard normal numbers (factor $\nu / (\nu - 2) = 5/3$). It is heavy-tailed: very long inputs are rare, but not rare enough to
# be ignored. In the table the sampled gradient should be the Gaussian one times the predicted factor; the rest should be noise of the sampling, about one standard error.

# %%
W_star, W = (
    weights.with_norms(d_check, 0.4, 0.24 * d_check**0.5, generator)
    for _ in range(2))
laws = radial_inputs.laws(d_check)
G = population.gradient(W, W_star)
clocks = {
    name: radial_inputs.clock(W, W_star, G, law, samples, generator)
    for name, law in laws.items()}

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "".join(
    f"| {name} | {c.predicted:.4f} | {c.factor:.4f} ± {c.error:.4f} | {c.rest:.2f} |\n" for name, c in clocks.items()
)
display(Markdown(
    "| inputs | predicted factor | sampled / Gaussian gradient | the rest, in standard errors |\n|---|---|---|---|\n"
    + rows
))

# %% [markdown]
# ## What the length does change: noise
#
# SGD is the flow plus noise. Is its noise the same too? A sample's gradient is of second degree in $x$, so its variance needs $\mathbb{E}\,r^4$. Let the inputs be scaled to $\mathbb{E}\,r^2 = d$, so that
# all laws have the same flow. For the Gaussian $\mathbb{E}\,r^4 = d(d + 2)$. Of the maps above only $K$ is of fourth degree
# in $x$; whether a coordinate is positive depends on the direction alone. Hence $K$ gets the factor
#
# $$
# \chi = \frac{\mathbb{E}\,r^4}{d(d + 2)} \cdot \frac{d^2}{(\mathbb{E}\,r^2)^2} = \frac{d\,\mathbb{E}\,r^4}{(d + 2)\,(\mathbb{E}\,r^2)^2} .
# $$
#
# On the sphere $\chi = d / (d + 2)$; for Student's $t$ it is $(\nu - 2)/(\nu - 4) = 3$ at $\nu = 5$. In the matrix $\chi$ and the batch size
# [$B$](#notation-batch) enter through $\chi / B$, but for a term $HMH/B$ that is smaller by the order $1/d$: inputs with $\chi = 3$ behave like Gaussian ones with a third of the batch, and the largest
# stable step, about $2B / (\chi d^2)$, is a third as long. That is an exact statement about the *mean* square. Whether single runs follow it is another question when the fourth moment is carried by rare, very
# long inputs.
#
# {numref}`fig-11-noise` runs SGD near the teacher. Left, compare the three laws with the flow, which is the same for all. Right, compare the dots (runs) and crosses (their mean square) with the lines (prediction), above all for Student's $t$.

# %%
laws, batch = radial_inputs.laws(d_noise), d_noise // 2
slow = weights.flat_skew(d_noise, generator).float()
slow *= 0.01 * d_noise**0.5 / slow.norm()
sgd_seeds = range(seed, seed + seeds)
decays = {
    (name, level): radial_inputs.decay(
        slow, law, level, batch, sgd_seeds, generator)
    for name, law in laws.items()
    for level in ((0.3, 0.6) if law.noise > 2 else (0.6, 1.2))
}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
flow_rate = 2 * linearised.families(d_noise)[-1].rate
for (name, law), colour, marker, style in zip(laws.items(), COLOUR, MARKERS, ("-.", "-", ":")):
    run = decays[name, 0.6]
    left.semilogy(run.t, run.squares / run.squares[0], style, color=colour, lw=0.9, alpha=0.7)
    left.plot([], [], style, color=colour, label=name)
    largest = second_moments.largest_stable_step(batch, d_noise, law.noise)
    etas = np.linspace(0.01, 0.999, 50) * largest
    levels = etas * d_noise**2 / batch
    predicted = [second_moments.decay(eta, batch, d_noise, law.noise) for eta in etas]
    right.plot(levels, predicted, style, color=colour, label=rf"{name}: $\chi = {law.noise:.2f}$")
    for level in [level for law_name, level in decays if law_name == name]:
        one = decays[name, level]
        right.errorbar(level, one.mean, yerr=one.error, fmt=marker, color=colour, capsize=3)
        right.plot(level, one.mean_square, "x", color=colour, ms=8)
left.plot(run.t, np.exp(-flow_rate * run.t.numpy()), color="grey", ls="--", label="flow")
right.axhline(flow_rate, color="grey", ls="--", lw=0.9)
left.set(
    xlabel=r"time $t = \eta \cdot$ steps", ylabel=r"squared distance / its start", title="Same flow, different noise"
)
right.set(
    xlabel=r"noise level $\eta d^2 / B$",
    ylabel="decay rate per unit $t$",
    title=f"Long tails cost step size ($d = {d_noise}$, $B = {batch}$)",
)
left.legend()
right.legend(loc="lower left", bbox_to_anchor=(0.36, 0.02))
figures.show("fig-11-noise", figure)

# %% [markdown]
# ```{glue:figure} fig-11-noise
# :name: fig-11-noise
# :alt: Left, squared distances falling on a logarithmic axis; sphere and Gaussian runs form narrow bands near the flow, Student runs scatter and fall more slowly, with jumps upwards. Right, decay rate against noise level; the predicted line for Student's t falls about three times as steeply as those for sphere and Gaussian, which nearly coincide; dots for sphere and Gaussian lie near their lines.
#
# SGD near the teacher with three rotation-invariant inputs of equal covariance, so that the flow (grey) is the same. Left: squared distance
# of each run at the noise level 0.6. Right: decay rate of the square over the noise level; dots: mean over runs with standard error; crosses: decay of the
# runs' mean square; lines: the exact law with the factor $\chi$, in the long run.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "".join(
    f"| {name} | {level} | {run.predicted:.3f} | {run.mean:.3f} ± {run.error:.3f} | {run.mean_square:.3f} |\n"
    for (name, level), run in decays.items()
)
thin = max(abs(run.mean / run.predicted - 1) for (name, _), run in decays.items() if laws[name].noise < 2)
heavy = {level: (run.mean - run.predicted) / run.error for (name, level), run in decays.items() if laws[name].noise > 2}
display(
    Markdown(
        f"| inputs | noise level | predicted | mean of the runs | their mean square |\n|---|---|---|---|---|\n{rows}\n"
        f"On the sphere and for the Gaussian the measured rates are within {100 * thin:.0f} % of the prediction, which is that of the long run. "
        f"For Student's $t$ a typical run deviates from the mean-square prediction by {', '.join(f'{e:+.1f}' for e in heavy.values())} standard errors at the noise levels "
        f"{', '.join(map(str, heavy))} (positive: it decays faster)."
    )
)

# %% [markdown]
# For Student's $t$ the mean square and the typical run are different things. The mean square averages over rare, violent runs, in which a single input of great length multiplies the distance. With
# few runs one does not see them, and an estimate from the runs is too optimistic. As $\mathbb{E}\,r^8 = \infty$ for $\nu = 5$, it has no standard error either. But the mean square is what a guarantee
# in expectation is about.
#
# ## The verdicts
#
# The paper's third class, laws for which the expectation can be computed, comes without an example. We take one, independent coordinates that are uniform on $[-\sqrt 3, \sqrt 3]$, and sample the
# one-point ratio at a few pairs. A single law that behaves decides nothing.

# %%
example = radial_inputs.example(
    radial_inputs.uniform, d_check, 0.1, 3, samples, generator)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "sec-6-rotation", verdict=radial_inputs.Clocks(tuple(clocks.values())).verdict, evidence=verdicts.PROVED,
    measured="gradient over Gaussian gradient: " + ", ".join(f"{c.factor:.3f} ({name}; {c.predicted:.3f} predicted)" for name, c in clocks.items()),
    spread=", ".join(f"±{c.error:.3f}" for c in clocks.values()) + f", {samples:,} inputs each", numbers={name: c.factor for name, c in clocks.items()}, note="Proved above for every law with 𝔼 r² finite: only the clock changes. A bound on the noise of SGD needs 𝔼 r⁴ as well.",
)
claims.report(
    "sec-6-general", verdict=example.verdict, evidence=verdicts.SAMPLED,
    measured=f"independent uniform coordinates: smallest one-point ratio of three pairs {number(example.ratio)} (printed scale)",
    spread=f"± {example.error:.2f}, d = {d_check}, γ = 0.1, {samples:,} inputs", numbers={"ratio": example.ratio}, note="No distribution is named and no condition that could be checked; one example that behaves is no proof.",
)

# %% [markdown]
# ## Summary
#
# - Near the teacher the second moments of SGD follow a 15 × 15 matrix, exactly, for every dimension, batch and step.
# - With the loss as its source and the curvature along the way the same matrix follows SGD through the whole of Figure 8(b), where the flow alone ends too near.
# - The largest stable step of chapter 12's recursion is too long everywhere, by a relative error of order $1/d$; a step nearly twice the paper's would have been the fastest.
# - For rotation-invariant inputs the flow is the Gaussian one at another speed; the noise of SGD is not the same.
# - What counts is $\chi$, the fourth moment of the length relative to the Gaussian one: least on the sphere, 3 for Student's $t$ with five degrees of freedom. It acts like a batch smaller by that factor; for heavy tails that holds in the mean square, which a handful of runs does not show.
#
# ## Exercises
#
# ```{exercise} Fifteen, or fewer
# :label: ex-fifteen
#
# $M_{ijkl} = M_{klij}$, as both come from the same $W$. How many different numbers are left of the 15, and why does the code not use that?
# ```
#
# ```{solution} ex-fifteen
# :class: dropdown
#
# The exchange of $(i, j)$ with $(k, l)$ maps partitions to partitions. It fixes seven: all equal, $ij|kl$, $ik|jl$, $il|jk$, $ik|j|l$, $jl|i|k$ and the one into four blocks. The other eight are pairs,
# $ijk|l$ with $ikl|j$, $ijl|k$ with $jkl|i$, $ij|k|l$ with $kl|i|j$, $il|j|k$ with $jk|i|l$. So eleven are left. With 15 the two maps $M \mapsto HM$ and $M \mapsto MH$, which break the symmetry, can be
# written down apart.
# ```
#
# ```{exercise} The sphere is quieter
# :label: ex-sphere-noise
#
# Why is $\chi < 1$ on the sphere, and what is the smallest $\chi$ that any rotation-invariant law can have?
# ```
#
# ```{solution} ex-sphere-noise
# :class: dropdown
#
# By Jensen's inequality $\mathbb{E}\,r^4 \ge (\mathbb{E}\,r^2)^2$, with equality when $r$ is constant. So $\chi \ge d/(d+2)$, and the sphere attains it: its inputs all have the
# same length, and the only noise left is that of the direction. A hundred thousand sampled lengths of each law give $\chi$ to about a per cent (for Student's $t$ much less precisely: $\mathbb{E}\,r^8$ is infinite).
# ```
#
# ```{exercise} How heavy a tail may be
# :label: ex-student-noise
#
# For which $\nu$ does Student's $t$ have a finite $\chi$, and what does $\nu = 4.1$ do to the largest stable step?
# ```
#
# ```{solution} ex-student-noise
# :class: dropdown
#
# $\mathbb{E}\,r^4$ is finite for $\nu > 4$, where $\chi = (\nu - 2)/(\nu - 4)$. At $\nu = 4.1$ it is $2.1/0.1 = 21$: the largest stable step is a twenty-first of the Gaussian one.
# ```
#
# ## Try
#
# - `make run CHAPTER=16 P="dims_law=[100] seeds_law=1000"`: smaller standard errors, and the law within them.
# - `make run CHAPTER=16 P="d_noise=120"`: larger dimension, and the same agreement.
# - `make run CHAPTER=16 P="seeds=50"`: smaller error bars; the mean square of the heavy-tailed runs moves, as rare runs come in.
