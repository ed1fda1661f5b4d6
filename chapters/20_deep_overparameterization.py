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
# # Deep and wide: the goal is close to every start
#
# ```{admonition} In this chapter
# :class: note
# **The question.** Zou, Cao, Zhou and Gu study deep ReLU networks with two classes. They prove that descent from a Gaussian start brings the training loss to its minimum without leaving a small region around that start. How small is it, and why is the goal inside?
#
# **What you will see.** What each layer does to lengths and angles, in closed form. A bound for the length of every path of descent, with a proof of a few lines. Trainings over four doublings of width, beside predictions made from their starts. Losses, starts and data for which it works,
# and some for which it cannot.
#
# **What you need.** {doc}`19_overparameterization`, whose kernel is that of one layer here. As there, no teacher is sought: nothing of this book's theorem is used.
# ```
#
# Of the source {cite:p}`zou2018stochastic` only the abstract could be read, as arXiv lists it (1811.08888, November 2018). So only what it says is judged here, without any constant of the theorems behind it: widths, steps, radii and data are ours.

# %% tags=["parameters"]
n: int = 10  # inputs, uniform on the sphere, with fair coins for labels
d: int = 10  # their dimension
layers: int = 3  # that learn
widths: list = [64, 128, 256, 512, 1024]  # units of each layer
seeds: int = 5  # trainings of each width, each with data of its own
target: float = 0.1  # mean logistic loss at which a training ends
eta: float = 2.0  # step size, times the width
width: int = 128  # of the networks of the last three sections
depths: list = [1, 2, 4, 8]  # numbers of layers that are compared
degrees: list = [0, 5, 10, 20, 45, 90, 180]  # angles between two inputs
most: int = 200  # steps after which a training from another start ends
seed: int = 0  # every random choice

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(
    globals(), n=range(2, 201), d=range(2, 1001), layers=range(1, 21), widths=parameters.increasing(range(8, 8193)), seeds=range(2, 101),
    target=checks.between(0, 0.5), eta=checks.between(0, 4), width=range(16, 2049), depths=parameters.increasing(range(1, 31)),
    degrees=parameters.increasing(range(181)), most=range(10, 100_001), seed=range(2**31),
)
parameters.require(len(widths) > 1, f"'widths' must have two entries or more; got {widths}")

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src import verdicts
from src.book.typeset import number
from src.companions import deep_overparameterization, deep_relu, deep_variations, depth_maps

figures.use()
generator = torch.Generator().manual_seed(seed)
all_seeds = list(range(seed, seed + seeds))
few = all_seeds[:3]
blue, red, green, *_, black = COLOUR = list(figures.COLOURS.values())

# %% [markdown]
# ## Two inputs on their way through the layers
#
# {numref}`fig-zou-angles` sends two inputs of length one through a random network of ten layers. Nothing has been trained. On the right, their lengths stay about what they were if the variance of the weights is right. On the left, their angle shrinks, whatever it was: inputs at opposite
# ends of the sphere are at a right angle after one layer, and after ten they are nearly as close as the middle pair.

# %%
shown = [15, 60, 180]  # degrees
seen = {one: deep_relu.two_inputs(np.radians(one)).X for one in shown}
deep = {variance: deep_relu.start(2, 1024, 10, generator, variance)
        for variance in (2.0, 1.0)}
exact = depth_maps.angles(torch.tensor(np.radians(shown)), 10).numpy()

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for k, (one, X) in enumerate(seen.items()):
    inside = [X, *deep_relu.layers(deep[2.0], X)]
    cosines = [float(torch.nn.functional.cosine_similarity(x[0], x[1], 0)) for x in inside]
    left.plot(np.degrees(exact[:, k]), color=COLOUR[k])
    left.plot(np.degrees(np.arccos(np.clip(cosines, -1, 1))), "os^Dv"[k % 5], color=COLOUR[k], ms=5, label=f"{one}° at first")
left.set(title="Each layer closes the angle", xlabel="layer", ylabel="angle (degrees)")
for (variance, network), colour, marker in zip(deep.items(), (blue, red), "os"):
    right.semilogy((variance / 2) ** np.arange(11), color=colour)
    lengths = [1, *(float(x[0].square().sum()) for x in deep_relu.layers(network, seen[60]))]
    right.semilogy(lengths, marker, color=colour, ms=5, label=f"entries $N(0, {variance:.0f}/m)$")
right.set(title="Variance $2/m$ keeps the length", xlabel="layer", ylabel=r"squared length $\|x_l\|^2$")
for panel in (left, right):
    panel.legend()
figures.show("fig-zou-angles", figure)

# %% [markdown]
# ```{glue:figure} fig-zou-angles
# :name: fig-zou-angles
# :alt: Left, three curves of angles over ten layers fall and come together at about thirty degrees and less, dots close to them. Right, on a logarithmic axis one line of squared lengths is level at one and another falls by half in every layer, dots close to both.
#
# Two inputs in a random network of 1,024 units a layer (dots) and in the limit of width (lines). Left: their angle. Right: the squared length of one of them.
# ```
#
# The network has [$N$](#notation-local) layers of $m$ units that learn, and signs $v_k = \pm 1$ that do not:
#
# $$
# \begin{aligned}
# x_l &= \mathrm{ReLU}(W_l x_{l-1}), \quad x_0 = x, \qquad F(x) = v \cdot x_N, \\
# (W_l)_{jk} &\sim N(0, 2/m) \text{ at the start.}
# \end{aligned}
# $$
#
# For a unit's input $g \sim N(0, 1)$ half of the square survives, $\mathbb{E}\,\mathrm{ReLU}(g)^2 = \tfrac12$, so $\mathbb{E}\|x_l\|^2 = \|x_{l-1}\|^2$. For two inputs of length one at the angle $\theta$ the same integral gives
#
# $$
# \mathbb{E}\, \mathrm{ReLU}(Wx) \cdot \mathrm{ReLU}(Wx') = \frac{\sin\theta + (\pi - \theta) \cos\theta}{\pi} = \cos\theta' ,
# $$
#
# and a wide network follows these means from layer to layer: $\theta_0, \theta_1, \dots$ The gradient with respect to $W_l$ is the product of $x_{l-1}$ and a vector that came back from the output. For two inputs these vectors have the inner product $\tfrac12 m \prod_{k=l}^N (1 -
# \theta_{k-1}/\pi)$, since only units that are active at both inputs contribute. So the inner products of gradients, divided by $m$, tend to
#
# $$
# H(x, x') = \frac12 \sum_{l=1}^N \cos\theta_{l-1} \prod_{k=l}^N \Big(1 - \frac{\theta_{k-1}}{\pi}\Big) .
# $$
#
# One layer has the matrix of {doc}`19_overparameterization`. The least eigenvalue of $H$ on the training inputs is again called $\lambda_0$.
#
# ## What the source says
#
# Let $y_i = \pm 1$ be the labels, $z_i = y_i F(x_i)$ the margins, and $C = \frac1n \sum_i \varphi(z_i)$ the training loss for a convex $\varphi$ that falls to zero, such as the logistic $\log(1 + e^{-z})$.
#
# ```{prf:theorem} Zou et al., abstract
# :label: thm-zou
# :nonumber:
#
# For a broad family of losses $\varphi$, a proper random start, a network that is wide enough, and under a mild assumption on the data, gradient descent and stochastic gradient descent find global minima of the training loss. From a Gaussian start all iterates stay in a small
# region around it, in which the training loss has properties of curvature that ensure the convergence.
# ```
#
# The logistic loss has no minimiser, so a training here ends where $C$ has fallen to a target; at $C < \log 2/n$ all inputs are on their right sides.
#
# Which property of curvature can it be? Let $h(C)$ be the steepness $-\varphi'(z)$ at the margin where $\varphi(z) = C$; for the logistic loss it is $1 - e^{-C}$. At least one input has $\varphi(z_i) \ge C$, as $C$ is the mean, and there the steepness is $h(C)$ or more. So if the matrix
# of the gradients' inner products has the least eigenvalue $m\lambda$, then $\|\nabla C\|^2 \ge m\lambda\, h(C)^2/n^2$: a large gradient wherever the loss is not small. That suffices:
#
# ```{prf:lemma} The length of a path
# :label: lem-zou-path
# :nonumber:
#
# On a path of descent with the steps $\eta/m$ let $\|\nabla C\|^2 \ge \mu m\, h(C)^2$, and let each step lower $C$ by at least $q\,(\eta/m) \|\nabla C\|^2$. While the margin $z$ of the mean loss, $\varphi(z) = C$, grows by $\Delta z$, the path has at most the length $\Delta z/(q \sqrt{\mu m})$, and at most
# $\Delta z/(q\, \eta\mu\, h)$ steps, where $h$ is the steepness at its end.
# ```
#
# ```{prf:proof}
# $\varphi$ is convex, so a fall of $C$ by $c$ raises the margin by at least $c/h(C)$, with $h$ at the start of the step, where it is largest. For a step this is at least $q\,(\eta/m)\|\nabla C\|^2/h(C)$. With one factor $\|\nabla C\| \ge \sqrt{\mu m}\,h(C)$ it is $q\sqrt{\mu m}$ times the
# length of the step; with both, it is at least $q\,\eta\mu\,h(C)$.
# ```
#
# If $\mu$ and $q$ do not depend on the width, the goal is within $m^{-1/2}$ times a constant, while $\|W_l\|_2$ does not shrink at all. So the region is small, the gradients in it have hardly changed, and $\mu$ is what it was: for widths that are large enough the argument closes. We
# measure each of its parts.
#
# ## Descent, with and without noise
#
# How far is the goal? `family` trains all widths on the same inputs and labels, by gradient descent with all inputs and by stochastic gradient descent with one input a step. The prediction, `limit`, trains from the outputs at the start with the gradients' inner products kept at $mH$. In
# {numref}`fig-zou-near`, see on the left and in the middle that movement and path fall along the predicted line, while the layers' own norms stay.

# %%
family = deep_overparameterization.family(
    n, d, layers, widths, all_seeds, eta, target, 10_000, "float32")
kinds = ("descent", "stochastic")

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.4))
for k, (kind, colour, marker) in enumerate(zip(kinds, (blue, red), "o+")):
    for panel, values in ((left, family.largest), (middle, family.lengths), (right, 100 * family.flips.mean(-1))):
        for row in values[..., k]:
            panel.loglog(widths, row, marker, color=colour, alpha=0.6, ms=5)
        panel.loglog(widths, values[..., k].mean(0), color=colour, lw=1)
        panel.loglog([], [], marker + "-", color=colour, lw=1, label=kind)
root = np.sqrt(widths)
left.loglog(widths, family.limits[..., 3:].max(-1).mean(0) / root, color="grey", ls="--", label="predicted")
left.loglog(widths, family.norms.mean(0), color=black, ls=":", label=r"$\|W_l(0)\|_2$")
middle.loglog(widths, family.limits[..., 2].mean(0) / root, color="grey", ls="--", label="predicted")
for panel, title, name in (
    (left, "Layers move less", "movement, or norm, of a layer"),
    (middle, "Paths get shorter", "length of the path"),
    (right, "Fewer units change", "changed activity (%)"),
):
    panel.set(title=title, xlabel="width $m$", ylabel=name)
    panel.legend()
left.set_ylim(None, 10)
middle.set_ylim(None, 20)
figures.show("fig-zou-near", figure)

# %% [markdown]
# ```{glue:figure} fig-zou-near
# :name: fig-zou-near
# :alt: Three panels with logarithmic axes over the width. Dots and crosses of movement and of the length of the path fall along a dashed line with slope minus one half, far below a level dotted line of norms; the share of changed activity falls too.
#
# Trainings until the loss is at its target, for every seed, with their means (lines) and the means predicted from the starts (dashed). Left: the largest $\|W_l - W_l(0)\|_2$ among the layers, and the least norm of a layer at the start. Right: pairs of unit and input that
# are active at the end and not at the start, or the other way round.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
near = deep_overparameterization.Near(family.widths, family.largest, family.lengths, family.norms)
fits = dict(zip(("movement, descent", "movement, stochastic", "length, descent", "length, stochastic"), near.exponents))
rows = "".join(
    f"| {m:,} | {family.steps[:, k, 0].mean():.0f} | {family.steps[:, k, 1].mean():.0f} | {number(family.largest[:, k, 0].mean())} | {' | '.join(f'{x:.2f}' for x in family.of_limit[:, k].mean(0))} |\n"
    for k, m in enumerate(widths)
)
powers = "".join(f"| {name} | {number(fit.mean)} ({number(fit.low)} to {number(fit.high)}) |\n" for name, fit in fits.items())
display(Markdown(
    f"| width | steps of descent | stochastic steps | movement of a layer | steps, of the limit | length, of the limit | movement, of the limit |\n|---|---|---|---|---|---|---|\n{rows}\n"
    f"Powers of the width, fitted to each seed, with Student's $t$ for {seeds} seeds:\n\n| | exponent (95 % interval) |\n|---|---|\n{powers}"
))
spread = f"{seeds} seeds, {len(widths)} widths from {widths[0]:,} to {widths[-1]:,}"
reached = [deep_overparameterization.Reached(family.errors[..., k], family.losses[..., k], target) for k in (0, 1)]
told = [
    f"training error {100 * one.errors.max():.0f} % and loss {one.losses.max():.3f} at most in {one.errors.size} runs of up to {family.steps[..., k].max()} steps"
    for k, one in enumerate(reached)
]
ends = f"The logistic loss has no minimiser: a run ends at the target {target:g}."
claims.report(
    "zou-descent", verdict=reached[0].verdict, evidence=verdicts.SAMPLED, measured=told[0], spread=spread,
    numbers={"error": float(reached[0].errors.max()), "steps": float(family.steps[..., 0].mean())}, note=ends,
)
claims.report(
    "zou-stochastic", verdict=reached[1].verdict, evidence=verdicts.SAMPLED, measured=told[1], spread=spread,
    numbers={"error": float(reached[1].errors.max()), "steps": float(family.steps[..., 1].mean())}, note=ends,
)
fit = fits["movement, descent"]
claims.report(
    "zou-near", verdict=near.verdict, evidence=verdicts.SAMPLED,
    measured=f"the layer that moves most goes {number(near.largest[:, -1].max())} at most at the largest width, where its norm is {number(near.norms[:, -1].min())} or more; the movement falls like m to the power {number(fit.mean, 2)}, with noise {number(fits['movement, stochastic'].mean, 2)}",
    spread=f"exponents {number(fit.low, 2)} to {number(fit.high, 2)} and {number(fits['movement, stochastic'].low, 2)} to {number(fits['movement, stochastic'].high, 2)} (95 %); {spread}",
    numbers={"exponent": fit.mean, "widest": float(near.largest[:, -1].mean())}, note="Spectral norms; the lengths of the paths fall alike.",
)

# %% [markdown]
# The number of steps hardly depends on the width. The exponents are a little beyond $-\tfrac12$, because narrow networks move more than the limit says, and only wide ones come up to it. The noise of single inputs makes the path longer, but neither the movement nor the number of steps
# larger: near the goal every single gradient is small too, so that the noise dies out.
#
# ## The gradient on the way
#
# The lemma needs a $\mu$ that does not vanish: the least value of the ratio $\|\nabla C\|^2/(m\,h(C)^2)$ on the path. The left panel of {numref}`fig-zou-gradient` follows it: it stays away from zero, and does not fall with the width. The right panel shows the reason, by `least_around`:
# the least eigenvalue of the gradients' inner products, over $m$, at the start, at the end, twice as far in the same direction, and as far in a random one.

# %%
curvature = deep_overparameterization.Curvature(
    family.widths, family.ratios, family.judged, family.least,
    family.limits[:, 0, 0])

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
parts = (np.arange(deep_overparameterization.STRETCHES) + 0.5) / deep_overparameterization.STRETCHES
for k, colour, marker in ((0, red, "o"), (len(widths) // 2, green, "s"), (-1, blue, "^")):
    left.semilogy(parts, family.ratios[:, k].mean(0), marker + "-", color=colour, ms=4, label=f"{widths[k]:,} units")
left.set(title="The gradient stays large", xlabel="share of the margin gained", ylabel=r"least $\|\nabla C\|^2 / (m\,h(C)^2)$")
left.set_ylim(1e-2, 1)
for k, (place, marker) in enumerate(zip(("start", "end", "twice as far", "random direction"), "osv+")):
    right.semilogx(widths, (family.least[..., k] / curvature.limit[:, None]).mean(0), marker + "-", color=COLOUR[k], ms=5, lw=1, label=place)
right.axhline(1, color="grey", ls="--")
right.set(title="The least eigenvalue stays near $\\lambda_0$", xlabel="width $m$", ylabel=r"least eigenvalue / $\lambda_0$")
for panel in (left, right):
    panel.legend()
figures.show("fig-zou-gradient", figure)

# %% [markdown]
# ```{glue:figure} fig-zou-gradient
# :name: fig-zou-gradient
# :alt: Left, three curves of the gradient ratio over the share of the margin, all close to a tenth. Right, least eigenvalues in units of their limit over the width: three curves lie a little below the dashed line at one; the one for twice as far begins above it and joins them as the network gets wider.
#
# Means over the seeds. Left: the least ratio in each tenth of the way. Right: the least eigenvalue of the matrix of gradients around the start.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
kappa, used = curvature.judged[..., 1], curvature.judged[..., 2:]
kept = curvature.least[:, -1] / curvature.limit[:, None]
claims.report(
    "zou-curvature", verdict=curvature.verdict, evidence=verdicts.SAMPLED,
    measured=f"the squared gradient is at least {number(curvature.ratios.min())} m h² on every path, with the exponent {number(curvature.exponent.mean, 2)} in m; a step earns {kappa.min():.2f} of its first order or more; paths have {used[..., 0].max():.2f} of the allowed length or less; around the widest starts {kept.min():.2f} of λ₀ is kept",
    spread=f"exponent {number(curvature.exponent.low, 2)} to {number(curvature.exponent.high, 2)} (95 %); {spread}",
    numbers={"ratio": float(curvature.ratios.min()), "kept": float(kept.min()), "allowed": float(used[..., 0].max())},
    note="Which property the abstract means cannot be read there; this one suffices, by the lemma.",
)

# %% [markdown]
# ## Other losses, other starts
#
# How much depends on the loss and on the start? The lemma asks of $\varphi$ only that it is convex and falls to zero, and the bound of the gradient by $\lambda$ holds for all such losses. A *proper* start is another matter. For independent entries with mean zero the mean square counts, so
# that signs of the right size do as well as Gaussian entries. Half the mean square makes the signal, and the gradient, fall by half in every layer. With equal entries all units of a layer stay equal, but for their signs in the last, and the signal explodes. From zero there is no way at
# all, since no unit is active.

# %%
losses = deep_variations.losses(n, d, layers, width, few, 0.5, target, 10_000)
starts = deep_variations.starts(n, d, [layers, 3 * layers], width, few,
                                3 * eta, target, most)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
first = "".join(
    f"| {name} | {losses.losses[k].max():.3f} | {losses.errors[k].max():g} | {losses.steps[k].mean():.0f} | {losses.bound[k].min():.2f} |\n" for k, name in enumerate(losses.names)
)
second = "".join(
    f"| {one.kind} | {one.variance:g} | {one.layers} | {number(one.signal)} | {number(np.mean(one.slopes))} | {starts.reached(one)} of {len(few)} | {np.mean(one.steps):.0f} |\n" for one in starts.each
)
display(Markdown(
    f"| loss | left at most | error at most | steps | gradient, of the bound by $\\lambda$ |\n|---|---|---|---|---|\n{first}\n"
    f"Starts, with the logistic loss and at most {most:,} steps:\n\n| entries | mean square times $m$ | layers | signal $\\lVert x_N\\rVert^2$ | squared gradient | at the target | steps |\n|---|---|---|---|---|---|---|\n{second}"
))
size = f"{len(few)} seeds, {width} units a layer"
claims.report(
    "zou-losses", verdict=losses.verdict, evidence=verdicts.SAMPLED,
    measured=f"{', '.join(losses.names)}: loss {losses.losses.max():.3f} at most, error {losses.errors.max():g}", spread=size,
    numbers={"steps": float(losses.steps.mean())}, note="Which losses the family contains cannot be read in the abstract; these are ours.",
)
proper, zero = ([one for one in starts.each if (one.kind, one.variance) == which] for which in (("Gaussian", 2.0), ("zero", 2.0)))
claims.report(
    "zou-start", verdict=starts.verdict, evidence=verdicts.SAMPLED,
    measured=f"from N(0, 2/m) {sum(map(starts.reached, proper))} of {sum(len(one.losses) for one in proper)} trainings reach the target; from zero, {sum(map(starts.reached, zero))} of {sum(len(one.losses) for one in zero)}",
    spread=f"{size}, {layers} and {3 * layers} layers", numbers={"steps": float(np.mean([one.steps for one in proper]))},
    note="Random signs of this size will do; equal entries of this size, and half of the mean square in many layers, will not.",
)

# %% [markdown]
# ## What the data must fulfil, and what depth costs
#
# Something must be assumed: no network gives two labels to one input. Let two inputs of opposite labels be at the angle $\theta$. Then $\lambda_0 \approx N(N + 1)\,\theta/4\pi$ for small $\theta$, and from outputs zero the margin grows at the rate $\frac12 \eta\lambda_0/(1 + e^z)$ a step
# in the limit of width and of small steps: the number of steps is inverse to the angle. The left panel of {numref}`fig-zou-data` compares trainings with this limit. At small angles the network is far too narrow for it and takes longer: the few units that can tell the inputs apart leave
# the wedge between their planes, as in {doc}`19_overparameterization`. A wider network may at first take longer still. Equal inputs end at the loss $\log 2$, with one of them on the wrong side.

# %%
separation = deep_variations.separation(
    [float(np.radians(one)) for one in degrees], width, layers, few, eta,
    target, 10_000)
by_depth = [deep_variations.depth(n, d, one, width, few, target, 10_000)
            for one in depths]

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
apart = np.array(degrees) > 0
axis = np.geomspace(np.array(degrees)[apart].min(), 179, 60)
left.loglog(axis, [depth_maps.steps_of_two(np.radians(one), layers, eta, target) for one in axis], color="grey", ls="--", label="limit")
left.loglog(np.array(degrees)[apart], separation.steps[apart].mean(1), "o", color=blue, label=f"{width} units")
left.set(title="Close inputs take more steps", xlabel="angle (degrees)", ylabel="steps of descent")
for values, name, colour, marker in (([one.least for one in by_depth], r"$\lambda_0$", blue, "o"), ([one.largest for one in by_depth], "largest eigenvalue", red, "s")):
    right.loglog(depths, np.mean(values, 1), marker + "-", color=colour, ms=4, label=name)
right.loglog(depths, np.mean([one.angle for one in by_depth], 1), "^-", color=green, ms=4, label="angle of the closest pair (radian)")
right.set(title="Depth makes both eigenvalues larger", xlabel="layers $N$", ylabel="eigenvalue, or angle (radian)")
right.minorticks_off()
right.set_xticks(depths, depths)
for panel in (left, right):
    panel.legend()
figures.show("fig-zou-data", figure)

# %% [markdown]
# ```{glue:figure} fig-zou-data
# :name: fig-zou-data
# :alt: Left, on logarithmic axes the steps fall with the angle, above a dashed line that they come close to at large angles. Right, over the number of layers the largest and the least eigenvalue of the kernel rise while the least angle falls.
#
# Left: steps until two inputs with opposite labels are learned, from random starts (means) and in the limit from outputs zero. Right: eigenvalues of $H$ for random inputs, and the angle of the closest pair behind the last layer.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
rows = "".join(
    f"| {one.layers} | {np.degrees(one.angle.mean()):.1f}° | {number(one.least.mean())} | {number(one.largest.mean())} | {number(one.mu.mean())} | {one.steps[:, 1].mean():.0f} | {number(one.moved[:, 0].mean())} | {number(one.moved[:, 1].mean())} |\n"
    for one in by_depth
)
display(Markdown(f"| layers | closest pair at the end | $\\lambda_0$ | largest eigenvalue | $\\mu$ | steps | $\\sqrt m$ times the movement, predicted | seen |\n|---|---|---|---|---|---|---|---|\n{rows}"))
equal = separation.losses[~apart]
claims.report(
    "zou-data", verdict=separation.verdict, evidence=verdicts.SAMPLED,
    measured=f"two inputs are learned at every angle from {min(one for one in degrees if one)}°, in {separation.steps[apart].mean(1).max():.0f} steps at the smallest and {separation.steps[apart].mean(1).min():.0f} at the largest"
    + (f"; equal inputs with opposite labels keep a loss of {equal.min():.4f}" if equal.size else ""),
    spread=size, numbers={"slowest": float(separation.steps[apart].mean(1).max()), "fastest": float(separation.steps[apart].mean(1).min())},
    note="What is assumed cannot be read in the abstract; that different labels need different inputs is necessary, and here it suffices.",
)

# %% [markdown]
# Depth pulls inputs together, and yet the least eigenvalue grows (right panel): the layers' contributions add up, and what is close at the end was apart at the beginning. With a step that is a quarter of what is stable, deeper networks need somewhat more steps, and each of their layers
# moves less.
#
# A network of width $0$ and one without layers have nothing to train and are refused. Equal inputs with opposite labels are allowed, to show what they do.
#
# ## Summary
#
# - In a wide random ReLU network with entries $N(0, 2/m)$ lengths stay and angles shrink by a closed formula, and so the gradients' inner products are known before training.
# - Gradient descent and its stochastic version reach the target in all trainings, with no error left.
# - The region shrinks: the layers' movement falls about like $m^{-1/2}$, as the lemma bounds it and the limit predicts it.
# - The gradient is bounded below along the paths, without falling in the width; the reason, $\lambda_0 > 0$, is seen all around the start.
# - Every convex loss tried works, and independent entries of the right size, Gaussian or signs; a start at zero and equal inputs with opposite labels do not.
#
# ## Exercises
#
# ```{exercise} How angles die out
# :label: ex-zou-inverse
#
# How fast does the angle between two inputs vanish with the number of layers?
# ```
#
# ```{solution} ex-zou-inverse
# :class: dropdown
#
# For small $\theta$ the formula is $\cos\theta' = 1 - \theta^2/2 + \theta^3/3\pi + \dots$, so $\theta' = \theta - \theta^2/3\pi + \dots$, and $1/\theta$ grows by $1/3\pi$ in a layer. Hence $\theta_l \approx 3\pi/l$, from every start: slowly, and the same for all pairs.
# ```
#
# ```{exercise} One layer of zeros
# :label: ex-zou-zero
#
# Let the signs $v$ be random and all layers but one Gaussian; that one is zero. Where does gradient descent go?
# ```
#
# ```{solution} ex-zou-zero
# :class: dropdown
#
# Nowhere. Behind the layer of zeros no unit is active, and the derivative of $\mathrm{ReLU}$ is taken as $0$ there. So nothing comes back, not even to the layer itself, and the loss stays at $\log 2$. The theorem's start is proper because half of the units are active at every input.
# ```
#
# ## Try
#
# - `make run CHAPTER=20 P="n=20 target=0.05"`: more inputs and a lower target, and longer paths.
# - `make run CHAPTER=20 P="layers=6 eta=1.0"`: deeper, with a shorter step.
