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
# **What you will see.** A function that is one-point convex without being convex. The pieces of the gradient that the proofs use. What the identity
# mapping is needed for. A proof that near the identity nothing but the teacher stops the gradient, and a search for the places farther away that do.
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

from src import verdicts
from src.book.typeset import number, power
from src.model import weights
from src.runs import recorded
from src.theory import critical_points, expansion, one_point_convexity, only_critical_point, spurious_minima, uniqueness

figures.use()
generator = torch.Generator().manual_seed(seed)
blue, red, green, black = (figures.COLOURS[name] for name in ("blue", "vermillion", "green", "black"))
pairs = [weights.gaussian((2, d, d), 0.3, generator) for _ in range(5)]
small, many = 5, 20
teacher = weights.gaussian((small, small), 0.1, generator)
teacher = torch.round(teacher * 2**20) / 2**20  # exact in binary, so that I + W* is too

# %% [markdown]
# ## One point is enough
#
# Convexity compares any two points. For a descent to reach one given point, less will do, and the paper's theorems rest on that.
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
# So at every point the negative gradient has a component towards $x^*$. Nothing is asked of two points that are both different from $x^*$. Figure 4 of the paper shows
# a surface with the property that is not convex, without a formula. We choose
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
delta = 0.69  # that of the proof above
strict = one_point_convexity.strictness(x, y, delta)
convex = one_point_convexity.from_convexity(5, 20, 100, generator)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure = plt.figure(figsize=(7.6, 3.7))
drawn = figure.add_subplot(1, 2, 1, projection="3d")
colours = np.where((gap < 0)[..., None], plt.cm.colors.to_rgba(red), plt.cm.colors.to_rgba("#8fb8d8"))
drawn.plot_surface(x, y, height, facecolors=colours, rcount=60, ccount=60, linewidth=0)
drawn.set_title("Not convex: from the red points the\nchord to the centre is partly below")
drawn.set(xlabel="$x$", ylabel="$y$", zlabel=r"$\Phi$")
drawn.view_init(35, -60)
field = figure.add_subplot(1, 2, 2)
field.contour(x, y, height, levels=9, linewidths=0.7)
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
    evidence=verdicts.PROVED,
    measured=f"one-point constant {number(shape.proved)}, lowest curvature {number(shape.curvature)}, chord below by {number(-shape.chord_gap)}",
    spread=f"proved; on a grid of {x.size:,} points the ratio is at least {shape.one_point:.3f}",
    numbers=shape._asdict(),
    note="The paper's function is not given; ours is x² + 3 sin² x + y² + 3 sin² y, with a proof of both properties.",
)

# %% [markdown]
# As printed, the inequality is strict and over the whole domain. At $x = x^*$ both of its sides are zero, whatever $\Phi$ is, so that no function has the property where $x^*$ belongs to the
# domain. Leave $x^*$ out, and $\Phi$ above has it with $\delta = 0.69$.
#
# The paper also remarks that a strongly convex function is one-point strongly convex in the whole space. Here, too, $x^*$ must be left out. With a modulus $\mu$ of strong convexity,
# $\langle \nabla \Phi(x) - \nabla \Phi(x'), x - x' \rangle \ge \mu\, \|x - x'\|^2$. At $x' = x^*$, where the gradient vanishes, this gives the property with every $\delta < \mu$. No larger
# $\delta$ will do for all: a quadratic attains $\mu$. We evaluate random strongly convex functions, a quadratic form plus terms $\log\cosh$, near their minimum and far away.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "def-2.4",
    verdict=strict.verdict,
    evidence=verdicts.PROVED,
    measured=f"the left side exceeds the right by {number(strict.at_optimum)} at x = x*, and by at least {number(strict.elsewhere)} ‖x* − x‖² elsewhere",
    spread=f"proved; the surface above with δ = {delta}",
    numbers={"elsewhere": strict.elsewhere},
    note="Correction: for x other than x*; as printed, no function has the property on a domain that holds x*.",
)
claims.report(
    "strongly-convex",
    verdict=convex.verdict,
    evidence=verdicts.PROVED,
    measured=f"the one-point ratio is at least {convex.smallest:.3f} of the modulus away from x*, and the left side exceeds the right by {number(convex.at_optimum)} at x*",
    spread="proved; smallest over random functions and points",
    numbers={"smallest": convex.smallest},
    note="Correction: for x other than x*, as in Definition 2.4; then every δ below the modulus of strong convexity will do.",
)

# %% [markdown]
# That this property is enough for stochastic gradient descent to arrive is the paper's Lemma 2.5, which [chapter 8](08_main_theorem) proves and uses. Where the loss
# [$L$](#notation-loss) has it, and with which $\delta$, is the subject of [chapter 7](07_phase_two).
#
# ## What the definitions measure
#
# Let $a_i = e_i + w_i$ and $b_i = e_i + w^*_i$ be the [columns](#notation-columns) of student and teacher with the weights [$W$ and $W^*$](#notation-w),
# [$M = W^* - W$](#notation-m), and let a bar mean "divided by its length". The paper compares lengths, and outer products.
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
# So $g_j$ is what is left of all the angles at a right angle, and $A_j$ is the first correction. This reading can be tested. Shrink student and teacher together by a factor: what lies
# beyond the constant part must shrink like that factor, and what lies beyond the first order like its square. (The square comes from $1 - \sin\theta \approx c^2/2$ in the radial term, not
# from the angles, whose next term is of third order.) We measure the powers. We also compare the two forms of $A$ that Definition 2.3 gives: the sum over columns, and $(I + W^*)\bar
# B^\top - (I + W)\bar A^\top$ with $\bar A$ and $\bar B$ the matrices of the normalised columns.

# %%
scale = torch.logspace(-3, 0, 13, dtype=torch.float64)
orders = expansion.worst([expansion.orders(*pair, scale) for pair in pairs])

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "def-2.2-2.3",
    verdict=orders.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"R is of order {orders.whole:.2f}, the remainder of order {orders.beyond_constant:.2f} without A and {orders.beyond_first_order:.2f} with it",
    spread=f"the worst of {len(pairs)} random pairs at d = {d}; the two forms of A agree to {power(orders.identities)}",
    numbers={"whole": orders.whole, "without A": orders.beyond_constant, "with A": orders.beyond_first_order},
    note="The term of first order in column j is Aⱼ times the normalised column; at the printed scale, π times the true one.",
)

# %% [markdown]
# ## One global minimum, or very many?
#
# The abstract says that the identity makes the network asymmetric and that the global minimum is unique for this reason. It is not: the $d!$ orders of the columns of $I + W^*$ all give the
# teacher's function ([chapter 1](#permuted-columns)). What is true is a statement about small weights: by {prf:ref}`place-of-the-copies` the teacher is the only global minimum with $\|W\|_2
# < \sqrt 3/2$ if $\|W^*\|_2 < \sqrt 3/2$. This radius is the best. Let $I + W^*$ halve and turn by $-60$ degrees the plane orthogonal to $e_1 + e_2 + e_3$ in their span. Moving these three
# columns around turns it to $+60$ degrees, and both lie at $\sqrt 3/2$.
#
# Another sentence says that the identity is *necessary for convergence, as it moves the initial point*. As chapter 1 showed, a vanilla network with weights $V$ is ours with $W = V - I$: the
# same landscape with another origin. So only the start can matter. We start both from the same *small* weights: with the identity that is near $I$, and without it near the origin.

# %%
result = uniqueness.judge(teacher)
start = weights.gaussian((small, small), 0.5, generator)
moved = uniqueness.moved_start(start, teacher, many, 6, seed)
draws = torch.Generator().manual_seed(seed)
few = uniqueness.arrivals(small, 6, draws)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report(
    "unique-minimum",
    verdict=result.verdict,
    evidence=verdicts.PROVED,
    measured=f"{result.minima} global minima at d = {small}: loss below {power(max(result.loss, result.precise_loss))} at all orders, the nearest at ‖W‖₂ = {result.nearest:.2f}; "
    f"over all teachers tried, none with ‖W‖₂ and ‖W*‖₂ below {result.within:.4f}",
    spread=f"exact; in high precision |L| is {power(result.precise_loss)} with two columns of I + W* exchanged, and {number(result.not_permuted, 2)} with two of W*",
    numbers={"minima": result.minima, "nearest": result.nearest, "within": result.within},
    note="Correction: within ‖W‖₂, ‖W*‖₂ < √3/2, which is the largest such radius.",
)
claims.report(
    "identity-necessary",
    verdict=moved.verdict,
    evidence=verdicts.SAMPLED,
    measured=f"SGD moves by {moved.moved:.2f} on one path in both networks, to {power(moved.apart)}; at d = {many}, {moved.arrived} of {moved.runs} descents from small weights reach a "
    f"global minimum with the identity and {moved.arrived_without} without it",
    spread=f"paths exact; {moved.runs} random pairs with small spectral norms",
    numbers={"arrived": moved.arrived, "arrived without": moved.arrived_without, "of": moved.runs},
    note=f"As a place to start, not as another landscape. In few dimensions it is not necessary: at d = {small}, {few[1]} of {moved.runs} arrive without it.",
)

# %% [markdown]
# ## Does anything else stop the gradient?
#
# The paper's Figure 2 colours a region around the identity that is said to hold one global minimum and neither a saddle point nor another local minimum. It gives no
# radius and no proof. Here are both.
#
# ```{prf:theorem} The only critical point
# :label: only-critical-point
#
# Let $\|W^*\|_2 \le 1/100$. In every dimension, $W = W^*$ is the only point with $\|W\|_2 \le 1/100$ and $\nabla L(W) = 0$.
# ```
#
# ```{prf:proof}
# Write $\gamma = 1/100$, and $\psi = \frac{1 + \gamma}{1 - \gamma}$, $\xi = \psi^2 - 1$. As in {prf:ref}`thm-margin`, $\|\bar A\|_2 \le \psi$ for the matrix $\bar A$ of the
# $\bar a_j$, and off the diagonal the cosines $c_{ij} = \langle \bar a_i, \bar a_j\rangle$ and $c^*_{ij} = \langle \bar b_i, \bar a_j\rangle$ have rows and columns of length at
# most $\xi$. Let $F$ and $F^*$ be their arcsines, with zero diagonal: of norm at most $2 \arcsin\xi$, as the norm of a product entry by entry is at most the
# length of the longest row of one factor times that of the longest column of the other. With [$s$](#notation-s) $= Mu$ and $\theta_j$ the angle between $a_j$ and $b_j$, at
# most $\theta = \arcsin(\psi - 1)$, Lemma 2.1 is
#
# $$ \begin{aligned} R = {} & \tfrac\pi2 s u^\top + \tfrac\pi2 M - (I + W^*)\,\mathrm{Diag}(\theta_j) \\
#   &+ (I + W^*) F^* - (I + W) F + \bar A\, \mathrm{Diag}(\rho_j), \end{aligned} $$
#
# where $\rho_j = g + h_j$ and, as $1 - \sqrt{1 - c^2} \le c^2$, $|h_j| \le h = 4\gamma + (1 + \gamma)\xi^2$. At a critical point $R = 0$. Then $Ru = 0$ reads
# $\tfrac\pi2 (d + 1)\, s = -g \bar A u + r$ with $\|r\| \le \sqrt d\,(k + \psi h)$, $k = (1 + \gamma)(\theta + 4\arcsin\xi)$. And $\langle R, \bar A\rangle = 0$, by
# $\langle \bar a_j, b_j\rangle = \|b_j\| \cos\theta_j$, reads $(d + \tfrac\pi2 - 1)\, g = -\tfrac\pi2\langle s, \bar A u\rangle + r'$ with
#
# $$ |r'| \le d\,(1 + \gamma)\big(\tfrac\pi2 (1 - \cos\theta) + \tfrac13\theta^3 + \xi\arcsin\xi + \xi^2\big). $$
#
# The first equation, put into the second, leaves $(d + \tfrac\pi2 - 1 - \psi^2)\,|g|$ $\le |r'| + \psi(k + \psi h)$. So $|g|$ is below $0.45$ for $d = 1$, and smaller in larger
# dimensions. There {prf:ref}`thm-margin` has a positive right side: $\langle R, M\rangle > 0$ unless $M = 0$.
# ```
#
# And farther out? We search. From random weights of growing spectral norm we minimise $\|\nabla L\|_F^2$ with the exact Hessian, which is drawn to saddles and minima alike. The teacher is
# random with spectral norm 0.1, and then 0.5. What is found can be trusted; what is not found may still exist. {numref}`fig-critical-points` shows where the search ended when it did not end
# at the teacher: look at the height of the lowest mark.

# %%
live = {}
for norm in (0.1, 0.5):
    live[norm] = critical_points.survey(search_d, starts, norm, generator)
if record:
    critical_points.record(seed)
stored = recorded.load("critical_points")
tables = [critical_points.Survey(*t) for t in stored.arrays.values()]
searched = critical_points.together([*live.values(), *tables])
nearest = critical_points.nearest(searched)

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots()
other = searched.where(searched.elsewhere)
jitter = 1 + 0.05 * np.sin(np.arange(len(other.size)) * 2.4)
names = "saddle (lowest curvature not positive)", "permuted teacher (loss zero)", "local minimum with positive loss"
for name, mask, marker, colour in zip(names, other.kinds.values(), ".o^", (red, blue, black)):
    start_size, label = other.size[mask] * jitter[mask], f"{name}: {mask.sum()}"
    axes.plot(start_size, other.spectral_norm[mask], marker, color=colour, markersize=5, alpha=0.6, label=label)
axes.axhline(1, color=black, linestyle=":", linewidth=1)
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
least_singular_value = other.least_singular_value[other.spectral_norm.argmin()]
small_starts = searched.where(searched.size <= 0.3)
display(
    Markdown(
        f"Of {nearest.starts:,} starts, {len(other.size):,} ended at another critical point, {kinds['local minimum']} of them at a minimum with positive loss. The near ones "
        r"are saddles half-way to a permuted teacher: either two columns of the student have become equal (then $I + W$ is singular, which needs $\|W\|_2 \ge 1$), or three "
        f"have turned about their common axis (in the nearest, the least singular value of $I + W$ is {least_singular_value:.2f}). Of the starts with "
        rf"$\|W\|_2 \le 0.3$, {100 * small_starts.at_teacher.mean():.1f} % found the teacher. {recorded.caption(stored)}"
    )
)

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
g_largest = only_critical_point.largest_potential(0.01, 100)
claims.report(
    "no-other-minimum",
    verdict=nearest.verdict,
    evidence=verdicts.PROVED,
    measured=f"none but the teacher for ‖W‖₂, ‖W*‖₂ ≤ {nearest.proved_anywhere:.4f} in every dimension, or {nearest.proved:.4f} for d ≥ 100, where a critical point has "
    f"|g| ≤ {number(g_largest, 2)}; the nearest found lies at {nearest.spectral_norm:.2f}",
    spread=f"proved; {nearest.starts:,} starts of a search in small dimensions",
    numbers={"proved": nearest.proved, "everywhere": nearest.proved_anywhere, "nearest": nearest.spectral_norm},
    note="The paper gives the region no radius. The proof covers the 1/100 of Theorem 3.2; between it and the nearest point found nothing is known.",
)

# %% [markdown]
# ## Where the easy region must end
#
# The easy surroundings of the identity must end somewhere. At [$W^* = 0$](#notation-w) this is the model in which {cite:t}`safran2018spurious` prove, for 6 to 20 units, that some local
# minima are not global. Those nearest to the identity are a family: $I + W$ has $a$ in its corner, $b$ in the rest of the first row, $c$ in the rest of the first column, $p$ on the rest of
# the diagonal, $q$ elsewhere. Descent leads there when one unit is turned round, from $W = -2 e_1 e_1^\top$.
#
# How near to the identity do these minima come? Each has $d!$ copies, by the order of its columns. The one of least $\|W\|_2$ exchanges column 1 with another. For if a copy puts a column
# $j > 1$ neither where it was nor first, that column gives $\|W\|_2^2 \ge b^2 + p^2 + (1 - q)^2 + (d - 3) q^2$, and if all stay, $\|W\|_2 \ge |a - 1|$: both are larger. As $d$ grows, $a
# \to -1$, $p \to 1$, $b, c, q \to 0$, and the norm tends to $\sqrt 2$.

# %%
below, family = map(spurious_minima.spurious, (range(3, 6), range(6, 21)))
ends = {n: spurious_minima.from_random_starts(n, 8, generator)
        for n in (8, 14, 20)}

# %% tags=["hide-input", "remove-output"] mystnb={"code_prompt_show": "How this figure is drawn"}
figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.5))
for axis, field in zip(axes, ("spectral_norm", "loss"), strict=True):
    axis.plot(below.d, getattr(below, field), "o--", color=blue, mfc="none", label="one unit turned: saddles")
    axis.plot(family.d, getattr(family, field), "o-", color=blue, ms=4, label="one unit turned: minima")
    found = [(n, value) for n, end in ends.items() for value in getattr(end, field)[end.spurious]]
    axis.plot(*np.array(found).reshape(-1, 2).T, "x", color=red, label="minima from random starts")
axes[0].axhline(math.sqrt(2), color=black, ls=":", lw=1)
axes[0].set(title=r"The nearest copy comes to $\sqrt{2}$", xlabel="dimension $d$", ylabel=r"$\|W\|_2$")
axes[1].set(title="Its loss falls with the dimension", xlabel="dimension $d$", ylabel="$L(W)$")
axes[1].legend(loc="upper left")
figures.show("fig-spurious-minima", figure)

# %% [markdown]
# ```{glue:figure} fig-spurious-minima
# :name: fig-spurious-minima
# :alt: Left, the spectral norm of the family's nearest copy rises with the dimension towards the square root of two; other minima lie above. Right, its loss falls.
#
# Where the gradient for $W^* = 0$ vanishes. Left: $\|W\|_2$ of the copy nearest to $W = 0$ (dotted: $\sqrt 2$); right: the loss. Circles: the family. Crosses: minima that are
# not global to which descent led from random $I + W$ with entries $N(0, 1/d)$, in the nearest copy that exchanging columns found.
# ```
#
# {numref}`fig-spurious-minima` shows the outer edge of what is easy. These minima are nearer than the teacher's own copies, which lie at $\sqrt 3$ or more. For small $d$ the family consists
# of saddles, and these are nearer still.

# %% tags=["hide-input", "nbval-check-output"] mystnb={"code_prompt_show": "How this verdict is computed"}
claims.report("safran-shamir", verdict=family.verdict, evidence=verdicts.EXACT, spread=f"exact; gradients below {power(spurious_minima.CRITICAL)}",
    measured=f"minima at every d from {family.d[0]:.0f} to {family.d[-1]:.0f}: lowest curvature at least {number(family.lowest_curvature.min(), 2)}, loss "
    f"{number(family.loss.max())} to {number(family.loss.min())}; the nearest copy has ‖W‖₂ = {number(family.nearest[1], 4)}, at d = {family.nearest[0]}",
    numbers={"nearest": family.nearest[1], "nearest, last d": family.spectral_norm[-1], "loss, first d": family.loss[0]},
    note="Their published entries for d = 7 come out to their last digit; the bound on the page excludes a nearer copy of these points.",
)

# %% [markdown]
# ## Summary
#
# - One-point strong convexity asks for a descent direction towards one point only, and a function can have it with negative curvature elsewhere.
# - The strict inequality of Definition 2.4 cannot hold at $x^*$ itself; we read it away from $x^*$.
# - The potential $g$ is what the gradient keeps of all angles at a right angle, and $A_j$ is its first-order correction: with both, the remainder is of second
#   order.
# - The global minimum is unique within spectral norms below $\sqrt 3/2$, not globally; a vanilla network has the same landscape, and starts at another place.
# - Within spectral norms of $1/100$ the teacher is the only critical point, in every dimension; the nearest others found are saddles on the way to a permuted teacher.
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
