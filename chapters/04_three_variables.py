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
# # Three variables
#
# ```{admonition} In this chapter
# :class: note
# **The question.** A weight matrix of section 5.3 has more than two million entries. How few numbers describe what gradient
# descent does to it?
#
# **What you will see.** A family of matrices that the gradient flow does not leave, in which a complex number and a real one stand for the whole
# matrix. The flow over this family, drawn in a plane. And the two time scales behind the paper's two phases, in closed form for every matrix.
#
# **What you need.** The gradient of {doc}`02_population_gradient` and the potential of {doc}`03_landscape`; eigenvalues;
# ordinary differential equations.
# ```

# %% tags=["parameters"]
large: int = 1499  # dimension of the portrait; section 5.3 has 1500
small: int = 31  # dimension of the checks, a prime congruent to 3 modulo 4
frobenius: float = 5.0  # Frobenius norm of the start of section 5.3
trace: float = -18.75  # its trace
seed: int = 0  # of the one random matrix

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src import checks
    from src.book import figures, parameters
except ImportError as error:
    raise ImportError("this chapter needs the book's own package: pip install -r requirements.txt in its folder") from error

parameters.check(
    globals(),
    large=range(103, 100001),
    small=parameters.paley(7, 60),
    frobenius=checks.between(0, 100),
    trace=checks.between(-1e4, 1e4),
    seed=range(2**31),
)
largest = frobenius * (large - 1) ** 0.5
parameters.require(abs(trace) <= largest, f"'trace' must be from {-largest:.6g} to {largest:.6g} for this 'frobenius' and 'large'; got {trace}")

import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src.dynamics import flow, linearised, portrait, three_variables
from src.model import population

figures.use()
generator = torch.Generator().manual_seed(seed)


def power_of_ten(x):
    """The power of ten above x, typeset."""
    return f"$10^{{{math.floor(math.log10(max(x, 1e-17))) + 1}}}$"

# %% [markdown]
# ## A flow in a plane
#
# Let the teacher be [$W^* = 0$](#notation-w), as in section 5.3: the network has to unlearn $W$. The gradient flow $\dot W = -\nabla L(W)$ is
# gradient descent on [the loss $L$](#notation-loss) with infinitely small steps; step $k$ of size [$\eta$](#notation-eta) corresponds to the time [$t
# = \eta k$](#notation-time). {numref}`fig-phase-portrait` shows it for $d \times d$ matrices that are made of a multiple of the identity and a skew
# matrix. Two numbers place such a matrix in the picture: its trace, and the [Frobenius norm](#notation-norms) of its skew part. The picture is exact.

# %%
traces, skews = np.linspace(-27, 13, 61), np.linspace(0, 5.5, 34)
field = portrait.portrait(large, traces, skews)
starts = list(itertools.product((-25, 12), (1.0, 2.0, 3.0, 4.0, 5.0)))
times = np.concatenate([[0], np.geomspace(1e-5, 40, 200)])
paths = portrait.paths(large, starts, times)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
blue, red, green, black = (figures.COLOURS[c] for c in ("blue", "vermillion", "green", "black"))
figure, axes = plt.subplots(figsize=(7.2, 4.2))
axes.contourf(traces, skews, field.inner, levels=[field.inner.min() - 1, 0], colors=[red], alpha=0.35)
axes.contour(traces, skews, field.potential, levels=[0], colors=[black], linestyles="--", linewidths=1)
arrows = field.velocity / (40, 5.5)  # in units of the axes
arrows = arrows / np.hypot(*np.moveaxis(arrows, -1, 0)).clip(1e-300)[..., None]
some = slice(1, 32, 4), slice(2, None, 5)  # rows between the trajectories
axes.quiver(traces[some[1]], skews[some[0]], *np.moveaxis(arrows[some], -1, 0), color="#777777", width=0.0025, scale=38)
for path in paths:
    axes.plot(*path, color=blue, linewidth=1.2)
axes.plot(0, 0, "o", color=black, clip_on=False)
axes.annotate("teacher", (0, 0), (0.5, 0.36))
axes.plot(trace, portrait.plane(three_variables.start(large, frobenius, trace), large)[1], "*", color=black, markersize=11)
axes.annotate("section 5.3", (trace, 4.95), (trace - 1, 5.15), ha="right")
axes.set_title(f"Fast to $g = 0$ (dashed), slowly home; red: the wrong way ($d = {large}$)")
axes.set_xlabel(r"trace of $W$")
axes.set_ylabel("Frobenius norm of the skew part of $W$")
figures.show("fig-phase-portrait", figure)

# %% [markdown]
# ```{glue:figure} fig-phase-portrait
# :name: fig-phase-portrait
# :alt: Trajectories run horizontally to the curve on which g is zero and then follow it slowly down to the origin. A red lens in the upper half, to the left of the curve, marks where the gradient points away from the teacher; a star in it marks the start of section 5.3, and trajectories from the left cross it.
#
# The gradient flow in the span of $I$, $J$ and $K$ for $W^* = 0$, exact. Red: the gradient points away from the teacher, which
# sits at the origin. Dashed: $g = 0$. Arrows: the direction of the flow, rescaled in each coordinate. Lines:
# trajectories. The star is the start of section 5.3.
# ```
#
# The picture has two speeds. Trajectories cross it horizontally, in a time of order $1/d$, until
# [the potential $g$](#notation-g) is almost zero: that is [Phase I](#notation-phases). Then they creep along the
# dashed curve at a rate that has nothing to do with $d$: Phase II. The red lens lies to the left of the dashed curve and does not
# touch it. A trajectory that starts in it or crosses it moves away from the teacher for as long as it is inside, and
# leaves it because the potential falls. {doc}`05_wrong_way` asks how large the weights must be for the lens to exist.
#
# On the book's site the start can be moved. {doc}`explorer` says what to look for.
#
# ```{explorer}
# The explorer needs the site, and scripts.
# ```
#
# The rest of this chapter says why a plane is enough, and where the two speeds come from.
#
# ## Three matrices that multiply like numbers
#
# Let $d$ be a prime with $d \equiv 3 \pmod 4$. Let $\chi(0) = 0$, let $\chi(k) = 1$ if $k \neq 0$ is a square modulo $d$, and $\chi(k) = -1$
# if it is none. With [the all-ones vector $u$](#notation-u) put
#
# $$
# J = uu^\top, \qquad K_{ij} = \chi(j - i) \,/ \sqrt d .
# $$
#
# [$J$](#notation-j) is the matrix of ones and [$K$](#notation-k) is Paley's matrix of quadratic residues
# {cite:p}`paley1933orthogonal`, divided by $\sqrt d$.
#
# ```{prf:lemma} Paley's matrix has a flat spectrum
# :label: three-paley
#
# $K^\top = -K$, $\;Ku = 0\;$ and $\;KK^\top = I - J/d$.
# ```
#
# ```{prf:proof}
# There are as many squares as non-squares, so $\chi$ sums to zero and $Ku = 0$. For $d \equiv 3 \pmod 4$ the number $-1$ is not a
# square. As $\chi$ is multiplicative, $\chi(-k) = -\chi(k)$, and $K$ is skew. The entry $(i, j)$ of $d\,KK^\top$ is
# $\sum_k \chi(k - i)\,\chi(k - j)$. For $i = j$ it counts $d - 1$ ones. For $i \neq j$ write $m = k - j$ and $c = j - i$. As
# $\chi(m) = \chi(1/m)$, the sum is that of $\chi(1 + c/m)$ over $m \neq 0$. Here $1 + c/m$ takes every value but $1$, so that
# the sum is $0 - \chi(1) = -1$.
# ```
#
# A skew matrix has imaginary eigenvalues. Those of $K$ are $0$ on $u$ and $\pm i$ on all that is orthogonal to it: $K$ turns that space by a
# right angle, and no direction is stretched more than another. This is what *flat spectrum* means. Among the matrices with $Wu = 0$, those with a flat
# spectrum have the largest Frobenius norm that their spectral norm allows.
#
# ```{prf:theorem} A complex number and a real one
# :label: three-algebra
#
# On the matrices
#
# $$
# W = \alpha\,(I - J/d) + \kappa K + \tau J/d
# $$
#
# the map $W \mapsto (\alpha + i\kappa,\; \tau)$ is one-to-one onto $\mathbb{C} \times \mathbb{R}$. Sums and products of matrices become sums
# and products of the pairs, and the transpose becomes the conjugate.
# ```
#
# ```{prf:proof}
# $J/d$ is the orthogonal projection on $u$, so $C = I - J/d$ is the one on all that is orthogonal to $u$, and
# $C \cdot J/d = 0$. Since $Ku = 0$ and $K^\top = -K$, $KC = CK = K$ and $KJ = JK = 0$. By {prf:ref}`three-paley`, $K^2 = -KK^\top = -C$. So
# $C$ and $K$ multiply as $1$ and $i$ do, $J/d$ as a second $1$, and products between the two kinds vanish. $C$ and $J$ are symmetric
# and $K$ is skew.
# ```
#
# So $W$ multiplies $u$ by [the number $\tau$](#notation-span) and acts as the complex number $z = \alpha + i\kappa$ on the other
# $d - 1$ dimensions. Everything one wants to know of $W$ can be read off:
#
# $$
# \begin{aligned}
# \|W\|_2 &= \max(|z|, |\tau|), \\
# \|W\|_F^2 &= (d - 1)\,|z|^2 + \tau^2, \\
# \operatorname{tr} W &= (d - 1)\,\alpha + \tau .
# \end{aligned}
# $$
#
# The start of section 5.3 has $Wu = 0$, a given trace and a given Frobenius norm. That fixes the three numbers, up to the sign of
# $\kappa$.

# %%
start = three_variables.start(large, frobenius, trace)
spectral = three_variables.spectral_norm(start)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
alpha, kappa, tau = start
display(
    Markdown(
        f"At $d = {large}$, $\\|W\\|_F = {frobenius:g}$ and $\\operatorname{{tr}} W = {trace:g}$ the start is $\\alpha = {alpha:.5f}$, "
        f"$\\kappa = {kappa:.5f}$, $\\tau = {tau:g}$, and its spectral norm is $\\|W\\|_2 = |z| = {spectral:.4f}$. No matrix with $Wu = 0$ and "
        "this Frobenius norm has a smaller one."
    )
)

# %% [markdown]
# The paper asks for $\|W\|_2 \approx 0.15$ and $\|W\|_F \approx 5$ at $d = 1500$. The number $1500$ is no prime; $1499$ is one, and
# $1499 = 4 \cdot 374 + 3$. That is why this dimension occurs all over the book.
#
# ## The gradient stays inside
#
# ```{prf:theorem} The reduction
# :label: thm-three-variables
#
# Let $W$ and $W^*$ both lie in the span of $I$, $J$ and $K$. Then so does $\nabla L(W)$. The gradient flow and
# gradient descent from $W$ never leave the span: they are an ordinary differential equation, or a recursion, for
# $(\alpha, \kappa, \tau)$.
# ```
#
# ```{prf:proof}
# Let [$P$](#notation-permutation) be a permutation matrix. Turning both $W$ into $PWP^\top$ and $W^*$ into $PW^*P^\top$ renames the inputs, whose law does
# not change, and the hidden units, whose outputs are summed. So the loss stays what it is, and $\nabla L$ turns into
# $P\,\nabla L\,P^\top$. If $W$ and $W^*$ commute with $P$, then $\nabla L(W)$ does, too.
#
# Now take all permutations $i \mapsto si + c$ of the integers modulo $d$, with $s$ a non-zero square. They multiply a difference
# $j - i$ by a square. So they keep its class (zero, square or non-square), and every pair $(i, j)$ can be moved
# to every other of its class. A matrix commutes with all of them if and only if its entries are constant on the three classes,
# and such matrices are the combinations of $I$, $J$ and $K$.
# ```
#
# The gradient itself is a short computation. By {prf:ref}`three-algebra` the inner products of the columns of $I + W$ are the entries of a
# matrix of the span, and those between columns of $I + W^*$ and $I + W$ as well. Hence all columns have one length and
# all angles take one of four values. The sum of {prf:ref}`Lemma 2.1 <lem-2-1>` has a handful of different terms, and the dimension
# enters them only as a number. `three_variables.gradient` writes them out. Here it meets the gradient of the full model.

# %%
W, W_star = (0.2, 0.3, -0.1), (-0.1, 0.2, 0.3)
reduced = three_variables.gradient(W, small, W_star)
A, A_star = (three_variables.matrix(X, small) for X in (W, W_star))
full = population.gradient(A, A_star)
error = (three_variables.matrix(reduced, small) - full).norm() / full.norm()

run = flow.integrate(A, A_star, 5.0, rtol=1e-6)
exact = three_variables.integrate(W, small, run.t[1:], W_star)
drift = (run.distance[1:] / exact.distance - 1).abs().max()

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
display(
    Markdown(
        f"At $d = {small}$ the two gradients differ by less than {power_of_ten(error)} of their norm. Along the flow up to $t = 5$ the distances to "
        f"the teacher differ by less than {power_of_ten(drift)} of themselves, well within the tolerance of the full integrator, which moves "
        f"{small**2:,} numbers where the other moves three."
    )
)

# %% [markdown]
# Solved as three scalar equations, the flow is known to nine digits at any dimension in a second. Later chapters use this for
# counterexamples in dimensions no full computation reaches, in forty digits where floating-point numbers do not
# decide, and as the reference that the full integrator is measured against.
#
# ## Two time scales
#
# The two speeds of the portrait belong to the model, not to the three matrices. Let $W^* = 0$ and let $W$, any
# matrix, be small. To first order the angles of Lemma 2.1 are
# [$\theta_{ij} = \tfrac\pi2 - W_{ij} - W_{ji}$ and $\theta_{i^*j} = \tfrac\pi2 - W_{ij}$](#notation-theta) for $i \neq j$. The angle
# $\theta_{j^*j}$ is small, and its two terms cancel. Adding up the others gives the linearised flow, at [the true scale](#notation-r):
#
# ```{math}
# :label: two-scales
# \begin{aligned}
# \dot W &= -\mathcal L W, \\
# \pi\,\mathcal L W &= \tfrac\pi2\, W J + \tfrac\pi2\, W + W^\top \\
# &\quad + \operatorname{tr}(W)\, I - 2 \operatorname{Diag}(W) .
# \end{aligned}
# ```
#
# [The operator $\mathcal L$](#notation-rates) is the Hessian of $L$ at the teacher. The $d^2$ eigenvalues are few:
#
# ```{prf:theorem} The spectrum at the teacher
# :label: three-spectrum
#
# For $d \ge 4$ the eigenspaces of $\mathcal L$ are:
#
# - two lines in the span of $I$ and $J$;
# - for each of three eigenvalues, a space of dimension $d - 1$ that holds one combination of $vu^\top$, $uv^\top$ and $\operatorname{Diag}(v)$ for each $v \perp u$;
# - among the matrices with zero diagonal and zero row and column sums, the symmetric ones with the eigenvalue $\tfrac12 + \tfrac1\pi$, and the skew ones with $\tfrac12 - \tfrac1\pi$.
#
# The last eigenvalue is the least, and one of the three is equal to it. Its whole eigenspace, of dimension $d(d-1)/2$, consists of the matrices $S - \operatorname{Diag}(Su)$ with $S$ skew.
# ```
#
# ```{prf:proof}
# Every term of {eq}`two-scales` maps the span of $I$ and $J$ into itself, and, for each $v \perp u$, the span of
# $vu^\top$, $uv^\top$ and $\operatorname{Diag}(v)$, by a $3 \times 3$ matrix that is the same for all $v$. What is orthogonal to all these
# has $Wu = W^\top u = 0$ and a zero diagonal. There $\pi\mathcal L W = \tfrac\pi2 W + W^\top$, which is $\tfrac\pi2 \pm 1$ times $W$. The dimensions
# $2$, $3(d-1)$, $\tfrac12 d(d-3)$ and $\tfrac12 (d-1)(d-2)$ add up to $d^2$.
#
# Let $W = S - \operatorname{Diag}(Su)$. Then $Wu = 0$ and $\operatorname{tr} W = -u^\top S u = 0$, and
# $W^\top - 2\operatorname{Diag}(W)$ is $-S + \operatorname{Diag}(Su) = -W$. So $\pi\mathcal L W = (\tfrac\pi2 - 1)\,W$.
# That it is the least eigenvalue: $\pi\langle W, \mathcal L W\rangle - (\tfrac\pi2 - 1)\|W\|_F^2$ is
# $\tfrac\pi2 \|Wu\|^2 + (\operatorname{tr} W)^2$ and half the sum of $(W_{ij} + W_{ji})^2$ over $i \neq j$, all of them squares. They vanish together
# only where the off-diagonal part of $W$ is a skew matrix $S$ and $Wu = 0$, that is, for these matrices.
# ```
#
# The Hessian itself, a $d^2 \times d^2$ matrix made from the model's own second derivative, knows nothing of these families. We compare its
# eigenvalues with the closed forms.

# %%
families = linearised.families(small)
closed = np.repeat(*zip(*[(f.rate, f.multiplicity) for f in families]))
numerical = linearised.numerical_rates(small).numpy()
spectrum_error = np.abs(np.sort(closed) - numerical).max()

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
rows = "\n".join(f"| {f.name} | {f.rate:.6g} | {f.multiplicity:,} |" for f in linearised.families(large + 1))
display(
    Markdown(
        f"| family, $d = {large + 1}$ | rate $\\lambda_k$ per unit of $t$ | multiplicity $m_k$ |\n|---|---|---|\n{rows}\n\n"
        f"At $d = {small}$ all {small**2} eigenvalues of the numerical Hessian agree with the closed forms to less than {power_of_ten(spectrum_error)}."
    )
)

# %% [markdown]
# Three rates grow with the dimension. Two are close to $d/2$: they belong to $Wu$, in the paper's notation [$s$](#notation-s). One is close to
# $d/\pi$: it belongs to the trace. All others lie between $\tfrac12 - \tfrac1\pi \approx 0.18$ and $\tfrac12 + \tfrac1\pi \approx 0.82$, whatever $d$ is.
#
# {numref}`fig-two-scales` checks the rates against the full flow. At the top a random matrix is followed, its square norm split into the seven
# families: see that each curve lies on its prediction. At the bottom is the start of section 5.3, in its three variables.

# %%
W = torch.randn(small, small, generator=generator, dtype=torch.float64)
moments = np.geomspace(1e-3, 12, 18)
along = linearised.energies_along_the_flow(1e-4 * W / W.norm(), moments)
shares = along / linearised.energies(1e-4 * W / W.norm())
path = three_variables.integrate(start, large, times)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, (above, below) = plt.subplots(2, 1, figsize=(7.2, 6.6))
for family, share, colour in zip(families, shares.T.numpy(), figures.COLOURS.values()):
    style = "--" if family is families[-1] else "-"  # the last two families have one rate
    above.loglog(moments, share, style, color=colour, label=f"{family.name}: {family.rate:.3g}")
    above.loglog(moments, np.exp(-2 * family.rate * moments), ":", color=colour, linewidth=3.5, alpha=0.5)
above.set(ylim=(1e-4, 1.5), title=f"Random weights, $d = {small}$: three families are fast, four slow")
above.set(xlabel="time $t$", ylabel="square norm / its first value")
above.legend(loc="lower left", title="family: rate", title_fontsize=9)
fast, slow = linearised.families(large)[2].rate, linearised.families(large)[-1].rate
for curve, rate, colour, name in (
    (path.potential.numpy(), fast, red, "potential $g$"),
    (path.distance.numpy(), slow, blue, r"distance $\|W - W^*\|_F$"),
):
    below.loglog(times, curve, color=colour, label=name)
    prediction = curve[0] * np.exp(-rate * times)
    below.loglog(times, prediction, ":", color=colour, linewidth=3.5, alpha=0.6, label=f"a multiple of $e^{{-{rate:.4g}\\,t}}$")
below.set(ylim=(1e-6, 20), xlim=(1e-5, 40), title=f"The start of section 5.3, $d = {large}$: the potential is fast, the distance slow")
below.set(xlabel="time $t$", ylabel="exact value")
below.legend(loc="lower left")
figures.show("fig-two-scales", figure)

# %% [markdown]
# ```{glue:figure} fig-two-scales
# :name: fig-two-scales
# :alt: Top, seven curves on logarithmic axes: three fall within a time of about a tenth, four only after a time of about one; each lies on its dotted prediction. Bottom, the potential falls steeply near a time of a hundredth, on its dotted exponential, then bends into a slow decline; the distance stays level until a time of about one and then falls along its own.
#
# The full flow and what the linearised one predicts (dotted). Top: the squared Frobenius norm in each family, relative to its first value,
# from small random weights; the prediction is $e^{-2\lambda_k t}$. Bottom: potential and distance from the start of section 5.3, where
# the weights are not small; the fast rate is the one near $d/\pi$, the slow one is $\tfrac12 - \tfrac1\pi$.
# ```
#
# ## What the two phases are
#
# **Phase I** is the relaxation of the fast modes. The potential is one of them, up to a correction: a column has the length
# $1 + W_{jj} + \tfrac12 \sum_{i \neq j} W_{ij}^2$ to second order, so that for $W^* = 0$
#
# $$
# g \approx -\operatorname{tr} W - \tfrac12 \|W\|_F^2 .
# $$
#
# For very small weights $g$ is the trace, with its sign changed. In the portrait the square counts. There it is $g$ that relaxes at the rate $d/\pi$,
# as at the bottom of {numref}`fig-two-scales`, so that the fast mode comes to rest on the curve $g = 0$ and not at zero trace. The phase is over at a
# multiple of $t = \pi/d$, or of $\pi/(\eta d)$ steps.
#
# **Phase II** is the decay of the slow modes. It lasts a multiple of $t = 1/(\tfrac12 - \tfrac1\pi) \approx 5.5$, in every dimension. The fast modes have nothing left
# of their own: they follow the slow ones, as $g$ does there at late times, where it declines like the distance squared.
#
# The ratio of the two time scales is of order $d$. So the paper's figure needs a panel for the first hundred iterations and another for hundreds of
# thousands. The fast modes bound the step size although the slow ones take the time. And the flow wants an integrator that solves the fast part
# exactly ({doc}`12_dynamics`).
#
# ## Summary
#
# - Matrices $\alpha\,(I - J/d) + \kappa K + \tau J/d$ add, multiply and transpose like pairs $(\alpha + i\kappa, \tau)$ of a complex and a real number.
# - If student and teacher are of this kind, the gradient is too: the flow is an ordinary differential equation in three variables, exact at every dimension.
# - In a plane it shows the whole story: quickly to $g = 0$, slowly home, with a region in between where the gradient points away from the teacher.
# - At $W = W^* = 0$ the Hessian has seven families of modes, whatever $d$ is: three with rates of order $d$, four between $0.18$ and $0.82$.
# - Phase I is the relaxation of the fast families, in a time of order $1/d$; Phase II is the decay of the slow ones, slowest for skew weights.
#
# ## Exercises
#
# ```{exercise} Singular values without a decomposition
# :label: ex-three-product
#
# Give the coordinates of $W^\top W$ in terms of those of $W$, and with them all singular values of $W$. When is $W$ an orthogonal matrix?
# ```
#
# ```{solution} ex-three-product
# :class: dropdown
#
# The transpose is the conjugate, so $W^\top W$ is the pair $(\bar z z, \tau^2) = (|z|^2, \tau^2)$: $\alpha$ becomes $\alpha^2 + \kappa^2$ and $\kappa$ becomes
# zero. Its eigenvalues are $|z|^2$, $d - 1$ times, and $\tau^2$, once. The singular values of $W$ are $|z|$ and $|\tau|$, and $W$ is orthogonal
# if and only if $|z| = |\tau| = 1$. `torch.linalg.svdvals(three_variables.matrix((0.6, 0.8, -1.0), 31))` prints 31 ones.
# ```
#
# ```{exercise} How long is Phase I?
# :label: ex-three-phase-one
#
# From the start of section 5.3 at $d = 103$, $499$ and $1499$, let $t_{10}$ be the time in which $g$ falls to a tenth. What do you expect of $t_{10}\, d$?
# ```
#
# ```{solution} ex-three-phase-one
# :class: dropdown
#
# At the rate $d/\pi$ a tenth is left after $t = \pi \ln(10) / d$, so $t_{10}\,d$ should be close to $\pi \ln 10 \approx 7.2$ in each of the three. With
# `three_variables.integrate` one finds 7.5, 7.3 and 7.3. At $\eta = 10^{-4}$ and $d = 1499$ these are 48 iterations.
# ```
#
# ```{exercise} A symmetric sister
# :label: ex-three-symmetric
#
# For a prime $d \equiv 1 \pmod 4$, say $101$, the number $-1$ is a square, and the same formula makes $K$ symmetric. What remains of the two
# theorems, and how fast does $K$ decay near the teacher?
# ```
#
# ```{solution} ex-three-symmetric
# :class: dropdown
#
# The permutations are the same, so the span is still closed under the gradient. Now $K^2 = +(I - J/d)$, so $\alpha + i\kappa$ is replaced by the
# two real eigenvalues $\alpha \pm \kappa$ off $u$. A symmetric $K$ with zero diagonal and zero row sums belongs to the family of rate
# $\tfrac12 + \tfrac1\pi$ and not to the slowest: `linearised.operator` multiplies it by $0.818$.
# ```
#
# ## Try
#
# - `make run CHAPTER=04 P="large=499"`: the same portrait in a smaller dimension. The lens reaches a little lower.
# - `make run CHAPTER=04 P="frobenius=2.5 trace=-4.7"`: a start outside the lens. It takes the same two phases, without a wrong way.
# - `make run CHAPTER=04 P="small=43"`: the Hessian has 1,849 eigenvalues, and still seven different families.
