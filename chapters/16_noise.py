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
# # Rotation-invariant inputs and their noise
#
# ```{admonition} In this chapter
# :class: note
# **The question.** Section 6 says that the calculation also works for rotation-invariant inputs, and perhaps for others. What changes in the flow, and is SGD the same too?
#
# **What you will see.** A proof that only the clock of the flow changes. Three laws of inputs with one covariance, hence one flow, at which SGD decays at three rates. One number, from the fourth
# moment of the length, predicts them. A heavy-tailed law whose typical run and whose mean square part company.
#
# **What you need.** {doc}`12_dynamics` for the recursion of second moments, {doc}`02_population_gradient` for the gradient.
# ```

# %% tags=["parameters"]
d_check: int = 10  # input dimension of the sampled gradients
samples: int = 200000  # inputs for each sampled gradient
d_noise: int = 60  # dimension of the SGD runs, a multiple of 30
seeds: int = 8  # SGD runs for each law and step size
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
)

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number
from src.dynamics import linearised
from src.model import population, weights
from src.theory import radial_inputs

figures.use()
generator = torch.Generator().manual_seed(seed)
COLOUR = list(figures.COLOURS.values())
MARKERS = "so^"

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
# all laws have the same flow. For the Gaussian $\mathbb{E}\,r^4 = d(d + 2)$. Hence the noise term in the recursion of {doc}`12_dynamics`, which says how the mean square of $W$ changes in a step, gets the
# factor
#
# $$
# \chi = \frac{\mathbb{E}\,r^4}{d(d + 2)} \cdot \frac{d^2}{(\mathbb{E}\,r^2)^2} = \frac{d\,\mathbb{E}\,r^4}{(d + 2)\,(\mathbb{E}\,r^2)^2} .
# $$
#
# On the sphere $\chi = d / (d + 2)$; for Student's $t$ it is $(\nu - 2)/(\nu - 4) = 3$ at $\nu = 5$. In the recursion $\chi$ and the batch size [$B$](#notation-batch) enter
# only through $\chi / B$: inputs with $\chi = 3$ behave like Gaussian ones with a third of the batch, and the largest stable step $2B / (\chi d^2)$ is a
# third as long. That is a prediction for the *mean* square. Whether single runs follow it is another question when the fourth moment is
# carried by rare, very long inputs.
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
    levels, size = np.linspace(0.02, 1.9 / law.noise, 50), round(batch / law.noise)
    etas = levels * batch / d_noise**2
    stable = etas < linearised.largest_stable_step(size, d_noise)
    predicted = [linearised.sgd_decay(eta, size, d_noise) for eta in etas[stable]]
    right.plot(levels[stable], predicted, style, color=colour, label=rf"{name}: $\chi = {law.noise:.2f}$")
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
# runs' mean square; lines: the recursion with the factor $\chi$, and $B/\chi$ rounded to a whole number.
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
        f"On the sphere and for the Gaussian the measured rates are within {100 * thin:.0f} % of the prediction, which neglects terms of relative order $1/d$. "
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
    "sec-6-rotation",
    verdict=radial_inputs.Clocks(tuple(clocks.values())).verdict,
    evidence=verdicts.PROVED,
    measured="gradient over Gaussian gradient: " + ", ".join(f"{c.factor:.3f} ({name}; {c.predicted:.3f} predicted)" for name, c in clocks.items()),
    spread=", ".join(f"±{c.error:.3f}" for c in clocks.values()) + f", {samples:,} inputs each",
    numbers={name: c.factor for name, c in clocks.items()},
    note="Proved above for every law with 𝔼 r² finite: only the clock changes. A bound on the noise of SGD needs 𝔼 r⁴ as well.",
)
claims.report(
    "sec-6-general",
    verdict=example.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"independent uniform coordinates: smallest one-point ratio of three pairs {number(example.ratio)} (printed scale)",
    spread=f"± {example.error:.2f}, d = {d_check}, γ = 0.1, {samples:,} inputs",
    numbers={"ratio": example.ratio},
    note="No distribution is named and no condition that could be checked; one example that behaves is no proof.",
)

# %% [markdown]
# ## Summary
#
# - For rotation-invariant inputs the flow is the Gaussian one at another speed; the noise of SGD is not the same.
# - What counts is $\chi$, the fourth moment of the length relative to the Gaussian one; it acts like a batch smaller by that factor.
# - On the sphere $\chi$ is as small as it can be, a little below one; for Student's $t$ with five degrees of freedom it is 3.
# - For thin tails the measured decay follows the prediction.
# - For heavy tails it holds in the mean square, which a handful of runs does not show.
#
# ## Exercises
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
# - `make run CHAPTER=16 P="d_noise=120"`: larger dimension, smaller deviations from the prediction, which neglects terms of order $1/d$.
# - `make run CHAPTER=16 P="seeds=50"`: smaller error bars; the mean square of the heavy-tailed runs moves, as rare runs come in.
