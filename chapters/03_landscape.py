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
# # The landscape near the identity
#
# ```{admonition} In this chapter
# :class: note
# **The question.** What do the paper's definitions measure, what does one-point convexity ask for, and is the teacher the only place near the identity where the
# gradient vanishes?
#
# **What you will see.** A ridge between one global minimum and the next. The gradient taken apart into the pieces that the proofs use. A function that is one-point
# convex without being convex. A proof that near the identity the global minimum is unique, and a search for every other point where gradient descent could stop.
#
# **What you need.** [The model](01_model) and [its exact gradient](02_population_gradient); gradients and eigenvalues.
# ```

# %% tags=["parameters"]
d: int = 30  # input dimension for the expansion of the gradient
search_d: int = 4  # input dimension of the search for critical points
starts: int = 40  # starts of that search for each size of the weights
seed: int = 0  # every random choice
record: bool = False  # store a larger search in data/recorded

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Set-up"}
try:
    from src.book import claims, figures, parameters
except ImportError as error:
    raise ImportError(
        "this chapter needs the book's own package: pip install -r requirements.txt in its folder"
    ) from error

parameters.check(
    globals(), d=range(3, 301), search_d=range(2, 9), starts=range(2, 1001), seed=range(2**31), record=bool
)

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display

from src.runs import recorded
from src.theory import bounds, critical_points, expansion, one_point_convexity, uniqueness

figures.use()
if d < 200:
    torch.set_num_threads(1)  # with small matrices a second thread costs more time than it saves
generator = torch.Generator().manual_seed(seed)
blue, red, green = (figures.COLOURS[name] for name in ("blue", "vermillion", "green"))
pair = critical_points.gaussian((2, d, d), 0.3, generator)
small = 5
teacher = critical_points.gaussian((small, small), 0.1, generator)
teacher = torch.round(teacher * 2**20) / 2**20  # exact in binary, so that I + W* is too

# %% [markdown]
# ## A ridge between two minima
#
# The network does not mind the order of its units. [Chapter 1](#permuted-columns) shows what follows: with [$P$](#notation-permutation) a permutation matrix, the
# weights $(I + W^*)P - I$ compute what the teacher [$W^*$](#notation-w) computes, so that the loss [$L$](#notation-loss) of eq. 2 is zero there as well.
# {numref}`fig-permuted-minima` walks from the teacher, which has a small spectral norm, to two of these copies in a straight line.

# %%
exchange = uniqueness.loss_on_line(teacher, (1, 0, 2, 3, 4))
cycle = uniqueness.loss_on_line(teacher, (1, 2, 0, 3, 4))

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(figsize=(7.0, 3.0))
axes.plot(*exchange, "-", color=blue, label="two columns exchanged")
axes.plot(*cycle, "--", color=red, label="three columns moved around")
axes.set(
    title="The teacher and its permutations: global minima with a ridge between",
    xlabel="position on the line from the teacher (0) to its permutation (1)",
    ylabel="loss $L$ (eq. 2)",
)
axes.legend(loc="lower center")
figures.show("fig-permuted-minima", figure)

# %% [markdown]
# ```{glue:figure} fig-permuted-minima
# :name: fig-permuted-minima
# :alt: Two curves of the loss that are zero at both ends and rise to a hump in the middle.
#
# The exact loss on the straight line from the teacher ($d = 5$, $\|W^*\|_2 = 0.1$) to the teacher with two columns of $I + W^*$ exchanged (solid) and with three
# columns moved around (dashed). Both ends are global minima.
# ```
#
# A start with small weights lies on the left of this picture. The chapter asks what the ground there is like: which quantities describe the gradient, which property
# would be enough for a descent to arrive, and whether anything but the teacher can hold it up.
#
# ## What the definitions measure
#
# Let $a_i = e_i + w_i$ and $b_i = e_i + w^*_i$ be the [columns](#notation-columns) of student and teacher, [$M = W^* - W$](#notation-m), and let a bar mean "divided
# by its length". The paper compares lengths, and outer products.
#
# ```{prf:definition} Li and Yuan, Definition 2.2
# :label: def-2-2
# :nonumber:
#
# The *potential* [$g$](#notation-g) is the sum of the teacher's column lengths less that of the student's, and $g_j$ is the same without column $j$:
#
# $$\begin{aligned} g &= \sum_i (\|b_i\| - \|a_i\|), \\ g_j &= \sum_{i \neq j} (\|b_i\| - \|a_i\|). \end{aligned}$$
# ```
#
# ```{prf:definition} Li and Yuan, Definition 2.3
# :label: def-2-3
# :nonumber:
#
# The matrices [$A$](#notation-a) and $A_j$ compare the outer products of each column with its direction, over all columns and without column $j$:
#
# $$\begin{aligned} A &= \sum_i \big(b_i \bar b_i^\top - a_i \bar a_i^\top\big), \\
#   A_j &= \sum_{i \neq j} \big(b_i \bar b_i^\top - a_i \bar a_i^\top\big). \end{aligned}$$
# ```
#
# Why these? Near the identity, different columns are nearly at right angles. Put $\pi/2 - \theta = \arcsin c$ with $c$ the cosine of an [angle
# $\theta$](#notation-theta), and expand every pair $i \neq j$ of {prf:ref}`Lemma 2.1 <lem-2-1>` in its small cosine. In the order of powers, column $j$ of the
# [printed sum $R = -\pi \nabla L$](#notation-r) is
#
# $$\begin{aligned} R_j ={} & \underbrace{\tfrac{\pi}{2} \sum_i M_i + \tfrac{\pi}{2} M_j + g_j \bar a_j}_{\text{constant part}} \\
#   &+ \underbrace{A_j \bar a_j}_{\text{first order}} {}+ \text{higher order}. \end{aligned}$$
#
# So $g_j$ is what is left of all the angles at a right angle, and $A_j$ is the first correction. If that is the right reading, shrinking student and teacher
# together by a factor must shrink the part beyond the constant one like that factor and the part beyond the first order like its square. (The square comes from
# $1 - \sin\theta \approx c^2/2$ in the radial term, not from the angles, whose next term is of third order.) {numref}`fig-taylor-orders` does so with one random
# pair.

# %%
scale = torch.logspace(-3, 0, 13, dtype=torch.float64)
rest = expansion.remainders(*pair, scale)
orders = expansion.orders(*pair, scale)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots()
names = "the whole sum $R$", "less its constant part", "less constant and first-order part"
for name, norms, power, colour, marker in zip(names, rest, orders, (blue, red, green), "os^"):
    axes.loglog(0.3 * scale, norms, f"{marker}-", color=colour, markersize=4, label=f"{name}: slope {power:.3f}")
    axes.loglog(0.3 * scale, 0.4 * norms[0] * (scale / scale[0]) ** round(power), ":", color=colour)
axes.set(
    title="$A_j$ is the first-order part: without it the remainder is of the same order as $R$",
    xlabel="spectral norm of student and teacher",
    ylabel="Frobenius norm (printed scale)",
)
axes.legend()
figures.show("fig-taylor-orders", figure)

# %% [markdown]
# ```{glue:figure} fig-taylor-orders
# :name: fig-taylor-orders
# :alt: Three lines on double logarithmic axes. The whole sum and the remainder of the constant part fall in parallel with slope one; the remainder after the first-order part falls with slope two.
#
# The size of the printed sum $R$, and of what the constant part and the first-order part leave of it, for one random pair of student and teacher that is scaled
# towards zero. Dotted, a little lower: lines of slope one and two.
# ```
#
# The verdict also compares the two forms of $A$ that Definition 2.3 gives, the sum over columns and a product of matrices,
# $A = (I + W^*)\bar B^\top - (I + W)\bar A^\top$ (here $\bar A$ and $\bar B$ hold the normalised columns $\bar a_i$ and $\bar b_i$), and $A_j \bar a_j$ built column
# by column with the first-order part.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "def-2.2-2.3",
    verdict=orders.verdict,
    measured=f"remainder of order {orders.beyond_constant:.2f} without A, {orders.beyond_first_order:.2f} with it",
    spread=f"one pair at d = {d}; identities to {orders.identities:.0e}",
    note="A_j times the normalised column j is the gradient's first-order term; in the paper's scale, pi times true.",
)

# %% [markdown]
# ## One point is enough
#
# Convexity compares any two points. For a descent to reach one given point, less will do.
#
# ```{prf:definition} Li and Yuan, Definition 2.4
# :label: def-2-4
# :nonumber:
#
# Let [$\delta$](#notation-delta) be positive. A function $\Phi$ is *$\delta$-one-point strongly convex* in a domain towards a point $x^*$ when for all $x$ in the
# domain
#
# $$\langle -\nabla \Phi(x), x^* - x \rangle > \delta\, \|x^* - x\|^2 .$$
# ```
#
# So at every point the negative gradient has a component towards $x^*$. Nothing is asked of two points that are both different from $x^*$. As printed, the
# inequality is strict and over the whole domain. At $x = x^*$ both of its sides are zero; we evaluate them for the loss $L$.

# %%
strict = one_point_convexity.at_the_optimum(pair[1], bounds.DELTA)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "def-2.4",
    verdict=strict.verdict,
    measured=f"at x = x* the left side is {strict.left:g} and the right side {strict.right:g}",
    spread="exact",
    note="Read it with >=, or for x different from x*; with > no function has the property on a domain that holds x*.",
)

# %% [markdown]
# Figure 4 of the paper shows a surface with the property that is not convex, without a formula. We choose
#
# $$\begin{aligned} \Phi(x, y) &= \Phi_1(x) + \Phi_1(y), \\ \Phi_1(x) &= x^2 + 3 \sin^2 x . \end{aligned}$$
#
# Along one axis, $x\, \Phi_1'(x) = 2x^2 + 3x \sin 2x$, which is $x^2 \big(2 + 6\, \tfrac{\sin 2x}{2x}\big)$, and $\sin z / z$ is never below $-0.2173$. Hence
# $\langle -\nabla \Phi(x), 0 - x \rangle \ge 0.69\, \|x\|^2$ everywhere: one-point strongly convex towards the origin, by a proof. And $\Phi_1''(x) = 2 + 6 \cos 2x$
# is $-4$ at $x = \pi/2$: not convex. As in the paper's figure there are points whose chord to the centre runs below the surface in places;
# {numref}`fig-one-point-convex` colours them.

# %%
axis = np.linspace(-math.pi, math.pi, 200)
x, y = np.meshgrid(axis, axis)
height = one_point_convexity.surface(x, y)
gap = one_point_convexity.chord_gap(x, y)
shape = one_point_convexity.not_convex(x, y)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure = plt.figure(figsize=(7.6, 3.7))
drawn = figure.add_subplot(1, 2, 1, projection="3d")
colours = np.where((gap < 0)[..., None], plt.cm.colors.to_rgba(red), plt.cm.colors.to_rgba("#8fb8d8"))
drawn.plot_surface(x, y, height, facecolors=colours, rcount=60, ccount=60, linewidth=0)
drawn.set_title("Not convex: from the red points the\nchord to the centre is partly below")
drawn.set(xlabel="$x$", ylabel="$y$", zlabel=r"$\Phi$")
drawn.view_init(35, -60)
field = figure.add_subplot(1, 2, 2)
field.contour(x, y, height, levels=14, linewidths=0.7)
k = slice(8, None, 14)
u, v = -one_point_convexity.slope(x[k, k]), -one_point_convexity.slope(y[k, k])
field.quiver(x[k, k], y[k, k], u / np.hypot(u, v), v / np.hypot(u, v), color=red, width=0.005, scale=22)
field.set_title("One-point convex: every arrow\nhas a part towards the centre")
field.set(xlabel="$x$", ylabel="$y$", aspect="equal")
figures.show("fig-one-point-convex", figure)

# %% [markdown]
# ```{glue:figure} fig-one-point-convex
# :name: fig-one-point-convex
# :alt: Left, a bowl with ripples, four-fold symmetric, blue near the centre and along the axes and red beyond. Right, its level lines with arrows that all point inwards.
#
# Left: the surface, with the points coloured red whose chord to the centre passes below it. Right: level lines and the direction of the negative gradient, which
# everywhere has a component towards the centre.
# ```

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "fig-4",
    verdict=shape.verdict,
    measured=f"one-point constant {shape.one_point:.3f} > 0, lowest curvature {shape.curvature:.2f}, chord below by {-shape.chord_gap:.2f}",
    spread="exact; minima over a grid of 40,000 points",
    note="The paper's function is not given; ours is x^2 + 3 sin^2 x + y^2 + 3 sin^2 y, with a proof of both properties.",
)

# %% [markdown]
# That this property is enough for stochastic gradient descent to arrive is the paper's Lemma 2.5, which [chapter 8](08_main_theorem) proves and uses. Where the loss
# $L$ has it, and with which $\delta$, is the subject of [chapter 7](07_phase_two).
#
# ## One global minimum, or very many?
#
# The abstract says that the identity makes the network asymmetric and that the global minimum is unique for this reason. It is not: there are $d!$ of them, by the
# permutations above. (Permuting the columns of $W$ alone does change the function; the paper says this and it is right, but it is another operation.) What is true
# is a statement about small weights.
#
# ```{prf:proposition} Unique near the identity
# :label: unique-near-identity
#
# Let $\|W^*\|_2 \le \gamma < 1/\sqrt 2$. Then among the weights with $\|W\|_2 \le \gamma$ the teacher is the only global minimum of $L$.
# ```
#
# ```{prf:proof}
# Let $L(W) = 0$, so that $f(x, W) = f(x, W^*)$ for all $x$. Both $I + W$ and $I + W^*$ are invertible, and their columns linearly independent. From
# $2\,\mathrm{ReLU}(a^\top x) = a^\top x + |a^\top x|$, the function $f$ is half of $\sum_i |a_i^\top x|$ plus half of the linear function $\sum_i a_i^\top x$. The
# first sum has a kink on the plane orthogonal to each $a_i$, of a strength that gives $\|a_i\|$: it determines every column up to its sign. The second gives
# $\sum_i a_i$, and since the columns are linearly independent, no sign can be changed without changing it. So only the order is free, $I + W = (I + W^*)P$. If $P$
# moves column $i$ to place $j \neq i$, column $j$ of $W$ is $e_i + w^*_i - e_j$, which is not shorter than $\sqrt 2 - \gamma > \gamma$, and $\|W\|_2 > \gamma$.
# Hence $P = I$.
# ```
#
# The second half of the sentence says that the identity is *necessary*. A vanilla network with weights $V$ computes the same thing as ours with $W = V - I$; its
# landscape is the same one with another origin. Started at $V_0 = I + W_0$ and given the same samples it takes the same steps. What the identity changes is where a
# small random start lies. We compute the loss and the gradient at all permuted teachers, and run both networks.

# %%
start = critical_points.gaussian((small, small), 0.5, generator)
result = uniqueness.judge(teacher, start, seed)

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
display(
    Markdown(
        f"Of the {result.minima - 1} other orders at $d = {small}$ the largest loss is {result.loss:.0e} and the largest gradient "
        f"{result.gradient:.0e}; in 50 digits the loss with the first two columns of $I + W^*$ exchanged is "
        f"{result.precise_loss:.0e}. (With the first two columns of $W^*$ exchanged, it is {result.not_permuted:.2g}.) The nearest of the "
        rf"others has spectral norm $\|W\|_2 = {result.nearest:.3f}$. After 50 steps of SGD, which moved the weights by "
        f"{result.moved:.2f}, the two networks differ by {result.apart:.0e}."
    )
)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "unique-minimum",
    verdict=result.verdict,
    measured=f"{result.minima} global minima at d = {small}, the nearest other at spectral norm {result.nearest:.2f}; "
    f"a vanilla network started at I + W_0 follows the same path to {result.apart:.0e}",
    spread="exact",
    note="Permuting the columns of I + W* keeps f, so there are d! global minima; true once restricted to spectral norms "
    "below 1/sqrt(2), and the identity matters as a place to start, not as another landscape.",
)

# %% [markdown]
# ## Does anything else stop the gradient?
#
# Figure 2 of the paper colours a region around the identity that is said to hold one global minimum and neither a saddle point nor another local minimum. The radius
# is not given. So we search: from random weights of growing spectral norm we minimise $\|\nabla L\|_F^2$ with the exact Hessian, which is drawn to saddles and
# minima alike. The teacher is random with spectral norm 0.1, and then 0.5. What is found can be trusted; what is not found may still exist.
# {numref}`fig-critical-points` shows where the search ended when it did not end at the teacher.

# %%
live = {}
for norm in (0.1, 0.5):
    live[norm] = critical_points.survey(search_d, starts, norm, generator)
if record:
    larger = critical_points.large_survey(generator)
    recorded.save("critical_points", **larger, seeds=[seed], device="cpu")
stored = recorded.load("critical_points")
tables = [critical_points.Survey(*t) for t in stored.arrays.values()]
searched = critical_points.together([*live.values(), *tables])
nearest = critical_points.nearest(searched)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots()
other = searched.where(searched.elsewhere)
jitter = 1 + 0.05 * np.sin(np.arange(len(other.size)) * 2.4)
names = "saddle (lowest curvature not positive)", "permuted teacher (loss zero)", "local minimum with positive loss"
for name, mask, marker, colour in zip(names, other.kinds.values(), ".o^", (red, blue, "black")):
    start_size, label = other.size[mask] * jitter[mask], f"{name}: {mask.sum()}"
    axes.plot(start_size, other.spectral_norm[mask], marker, color=colour, markersize=5, alpha=0.6, label=label)
axes.axhline(1, color="black", linestyle=":", linewidth=1)
axes.set(
    title=rf"Nothing but the teacher was found with $\|W\|_2$ below {nearest.spectral_norm:.2f}",
    xlabel="spectral norm of the start",
    ylabel=r"$\|W\|_2$ of the critical point",
    xscale="log",
    ylim=(0, None),
)
axes.legend(loc="lower right")
figures.show("fig-critical-points", figure)

# %% [markdown]
# ```{glue:figure} fig-critical-points
# :name: fig-critical-points
# :alt: Scatter plot with the size of the start on the horizontal axis and the spectral norm of the critical point on the vertical axis. Saddles and permuted teachers lie above about 0.7; nothing is below.
#
# Every critical point found that is not the teacher, in this run and in the recorded search over $d = 2$ to $6$: how far from the identity it lies. Starts with
# small weights lead to the teacher and leave no mark. Dotted: $\|W\|_2 = 1$.
# ```

# %% tags=["hide-input"] mystnb={"code_prompt_show": "How this table is made"}
kinds = {kind: int(mask.sum()) for kind, mask in other.kinds.items()}
by_teacher = {}
for norm in live:
    chosen = [table for name, table in zip(stored.arrays, tables) if name.endswith(f"teacher{norm}")]
    by_teacher[norm] = critical_points.nearest(critical_points.together(chosen)).spectral_norm
least_singular_value = other.least_singular_value[other.spectral_norm.argmin()]
small_starts = searched.where(searched.size <= 0.3)
display(
    Markdown(
        f"Of {nearest.starts} starts in this run and the recorded one, {len(other.size)} ended at another critical point, "
        f"{len(other.size) - kinds['saddle']} of these at a minimum, {kinds['local minimum']} at one with positive loss. "
        rf"In the recorded search the nearest has $\|W\|_2 = {by_teacher[0.1]:.3f}$ where $\|W^*\|_2 = 0.1$ and "
        rf"{by_teacher[0.5]:.3f} where $\|W^*\|_2 = 0.5$. The near ones are saddles half-way to a permuted teacher: either two "
        r"columns of the student have become equal (then $I + W$ is singular, which needs $\|W\|_2 \ge 1$), or three of them have turned "
        f"about their common axis (in the nearest, the least singular value of $I + W$ is {least_singular_value:.2f}). "
        rf"Of the starts with $\|W\|_2 \le 0.3$, {100 * small_starts.at_teacher.mean():.1f} % found the teacher. {recorded.caption(stored)}"
    )
)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "no-other-minimum",
    verdict=nearest.verdict,
    measured=f"nearest other critical point found at spectral norm {nearest.spectral_norm:.2f}",
    spread=f"{nearest.starts} starts, d = 2 to 6",
    note="A search, not a proof: the paper gives the region no radius; with the 1/100 of Theorem 3.2 nothing was found inside.",
)

# %% [markdown]
# ## Summary
#
# - The potential $g$ is what the gradient keeps of all angles at a right angle, and $A_j$ is its first-order correction: with both, the remainder is of second
#   order.
# - One-point strong convexity asks for a descent direction towards one point only, and a function can have it with negative curvature elsewhere.
# - The strict inequality of Definition 2.4 cannot hold at $x^*$ itself; we read it away from $x^*$.
# - The global minimum is unique for spectral norms below $1/\sqrt 2$, not globally, and a vanilla network has the same landscape, shifted.
# - No critical point other than the teacher was found near the identity; the nearest ones are saddles on the way to a permuted teacher.
#
# ## Exercises
#
# ```{exercise} Higher ripples
# :label: ex-landscape-ripples
#
# Replace the $3$ in $\Phi_1(x) = x^2 + 3\sin^2 x$ by a height $h > 0$. For which $h$ is the function $\Phi(x, y) = \Phi_1(x) + \Phi_1(y)$ convex, and for which is
# it one-point strongly convex towards the origin?
# ```
#
# ```{solution} ex-landscape-ripples
# :class: dropdown
#
# $\Phi_1''(x) = 2 + 2h\cos 2x$ is nowhere negative if and only if $h \le 1$. And $x\, \Phi_1'(x) = x^2\,\big(2 + 2h\, \tfrac{\sin 2x}{2x}\big)$, with
# $\sin z / z \ge -0.2172$, is positive for every $x \ne 0$ if and only if $h < 1/0.2172 = 4.60$. Between 1 and 4.60 the surface is one-point strongly convex without
# being convex. `one_point_convexity.not_convex(x, y, height=4.5)` finds a smallest ratio of $0.045$; with `height=4.7` it is $-0.042$.
# ```
#
# ```{exercise} The nearest order
# :label: ex-landscape-nearest-order
#
# Let $W^* = 0$. Which permutation matrices $P \ne I$ make $\|P - I\|_2$ smallest, and how small is it? Is an exchange of two columns among them?
# ```
#
# ```{solution} ex-landscape-nearest-order
# :class: dropdown
#
# $P$ is a product of cycles, and a cycle of length $k$ has the $k$-th roots of unity $\omega$ as its eigenvalues, so that $\|P - I\|_2$ is the largest
# $|\omega - 1|$. For even $k$ that is $2$, with $\omega = -1$. For odd $k$ it is $2\cos\tfrac{\pi}{2k}$, smallest at $k = 3$: $\sqrt 3 = 1.732$. So the nearest
# copies move columns around in threes, and an exchange, at $2$, is as far as any. All $119$ orders at $d = 5$ confirm it.
# ```
#
# ```{exercise} Half-way to an exchange
# :label: ex-landscape-halfway
#
# Let $d = 2$ and $W^* = 0$. The teacher and its exchange are mirror images, so there is a critical point with both columns of $I + W$ equal to $(a, a)^\top$. Find
# $a$ and $\|W\|_2$ there. Is it a minimum?
# ```
#
# ```{solution} ex-landscape-halfway
# :class: dropdown
#
# With $p = (a, a)^\top$ the student computes $2\,\mathrm{ReLU}(p^\top x)$. Let $c = \mathbb{E}\,\mathrm{ReLU}(\bar p^\top x)\,\mathrm{ReLU}(x_1)$, by the arc-cosine
# kernel at the angle $\pi/4$ equal to $\tfrac{1}{2\pi}\big(\sin\tfrac\pi4 + \tfrac{3\pi}{4}\cos\tfrac\pi4\big)$. Then $L = 2\|p\|^2 - 8\|p\|\,c + \text{const}$ is
# least at $\|p\| = 2c$, that is $a = \sqrt 2\, c = \tfrac{1}{2\pi} + \tfrac38 = 0.534$. The matrix $W$ has $a - 1$ on its diagonal and $a$ beside it, with the
# eigenvalues $2a - 1$ and $-1$: $\|W\|_2 = 1$, the radius at which $I + W$ can become singular. It is a saddle. `critical_points.find`, started close by, gives the
# curvature $-1.19$: the loss falls when the two columns part.
# ```
#
# ## Try
#
# - `make run CHAPTER=03 P="search_d=3 starts=200"`: more starts in fewer dimensions. The smallest spectral norm of a saddle should stay well away from zero.
# - `make run CHAPTER=03 P="d=100"`: the orders of the gradient's parts do not depend on the dimension.
