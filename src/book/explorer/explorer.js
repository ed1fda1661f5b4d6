/* The explorer: the gradient flow in three variables, integrated and drawn in the page.

   The numbers are those of src/dynamics/three_variables.py for the teacher W* = 0, in coordinates W = [alpha, kappa,
   tau], at the true scale. The formulas are written so that no small difference of large numbers is left: double
   precision is then enough, where the Python module takes forty digits. Without a document (a test) only the numbers are there. */
globalThis.Explorer = (() => {
  "use strict";
  const { abs, asin, atan2, cos, hypot, log10, max, min, PI, round, sin, sqrt } = Math;

  // --- The model -----------------------------------------------------------------------------------------------------

  /** The start of section 5.3 with this Frobenius norm and trace, for |trace| <= frobenius * sqrt(d - 1). */
  function start(d, frobenius, trace) {
    const alpha = trace / (d - 1);
    return [alpha, sqrt(max(frobenius ** 2 / (d - 1) - alpha ** 2, 0)), 0];
  }

  /** The point of the phase portrait: the trace, and the Frobenius norm of the skew part. */
  const plane = ([alpha, kappa, tau], d) => [(d - 1) * alpha + tau, abs(kappa) * sqrt(d - 1)];

  const spectralNorm = ([alpha, kappa, tau]) => max(abs(tau), hypot(alpha, kappa));
  const inner = (X, Y, d) => (d - 1) * (X[0] * Y[0] + X[1] * Y[1]) + X[2] * Y[2];

  /** 1 - sin of the angle with this cosine. */
  const lost = (cosine) => cosine ** 2 / (1 + sqrt(1 - cosine ** 2));

  /** What lengths and angles of the columns of I + W there are; theta, plus and minus are cosines, own is an angle. */
  function geometry([alpha, kappa, tau], d) {
    const square = alpha ** 2 + kappa ** 2;
    const stretch = ((d - 1) * (2 * alpha + square) + tau * (2 + tau)) / d; // a^2 - 1
    const a = sqrt(1 + stretch);
    const diagonal = ((d - 1) * alpha + tau) / d; // W_jj
    const across = sqrt(((d - 1) * ((alpha - diagonal) ** 2 + kappa ** 2) + (tau - diagonal) ** 2) / d);
    const [mean, skew] = [(tau - alpha) / d, kappa / sqrt(d)]; // W_ij is mean + skew or mean - skew
    const product = (tau ** 2 - square) / d; // (W^T W)_ij
    return {
      a,
      longer: stretch / (1 + a), // a - 1
      own: atan2(across, 1 + diagonal),
      theta: (2 * mean + product) / a ** 2,
      plus: (mean + skew) / a,
      minus: (mean - skew) / a,
      product,
    };
  }

  /** The gradient of eq. 2 in W, as coordinates. */
  function gradient(W, d) {
    const { a, longer, own, theta, plus, minus } = geometry(W, d);
    const radial = (d - 1) * (longer - a * lost(theta) + (lost(plus) + lost(minus)) / 2) - sin(own);
    // pi grad L = (I + W) X - Y = (X - Y) + W X, with X and Y as in the Python module.
    const [ahead, behind] = [asin(theta) - asin(plus), asin(theta) - asin(minus)];
    const [mean, diagonal] = [(ahead + behind) / 2, radial / a + own];
    const x = PI / 2 + radial / a - asin(theta);
    const x_u = x + d * (PI / 2 + asin(theta));
    return [
      (diagonal - mean + W[0] * x) / PI,
      ((sqrt(d) * (ahead - behind)) / 2 + W[1] * x) / PI,
      (diagonal + (d - 1) * mean + W[2] * x_u) / PI,
    ];
  }

  /** The four curves of Figure 8 at W. */
  function curves(W, d) {
    const { a, longer, own, theta, plus, minus, product } = geometry(W, d);
    const rest = (cosine) => cosine * asin(cosine) - lost(cosine);
    const square = inner(W, W, d);
    const same = PI * square - 2 * d * a * (sin(own) - own * cos(own));
    const others = longer ** 2 + (PI / 2) * product + a ** 2 * rest(theta) - a * (rest(plus) + rest(minus));
    return {
      distance: sqrt(square),
      potential: -d * longer,
      inner: inner(gradient(W, d), W, d),
      loss: (same + d * (d - 1) * others) / (2 * PI),
    };
  }

  // --- The flow ------------------------------------------------------------------------------------------------------

  // Rodas, a stiffly accurate Rosenbrock method of order 4 (Hairer and Wanner, Solving Ordinary Differential
  // Equations II, section IV.7): the flow is stiff, with rates from 0.18 to about d/2.
  const GAMMA = 0.25;
  const A = [
    [],
    [1.544],
    [0.9466785280815826, 0.2557011698983284],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895],
  ];
  const C = [
    [],
    [-5.6688],
    [-2.430093356833875, -0.2063599157091915],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616],
    [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
  ];

  /** W + the sum of factors[j] * U[j]. */
  const along = (W, factors, U) => W.map((w, i) => factors.reduce((sum, c, j) => sum + c * U[j][i], w));
  const cross = (x, y) => [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  const dot = (x, y) => x[0] * y[0] + x[1] * y[1] + x[2] * y[2];

  /** The columns of the gradient's derivative at W, by central differences. */
  function hessian(W, d) {
    const small = 1e-5 * hypot(...W) + 1e-9;
    return [0, 1, 2].map((k) => {
      const shifted = (by) => gradient(W.map((w, i) => (i === k ? w + by : w)), d);
      const [ahead, behind] = [shifted(small), shifted(-small)];
      return ahead.map((x, i) => (x - behind[i]) / (2 * small));
    });
  }

  /** One step of size h: where it ends, and its error by the embedded method of order 3. `H`: hessian(W, d). */
  function step(W, d, h, H) {
    const E = H.map((column, k) => column.map((x, i) => x + (i === k ? 1 / (GAMMA * h) : 0))); // columns
    const rows = [cross(E[1], E[2]), cross(E[2], E[0]), cross(E[0], E[1])]; // of the inverse, times the determinant
    const determinant = dot(E[0], rows[0]);
    const U = [];
    let at = W;
    for (let stage = 0; stage < 6; stage++) {
      at = stage < 5 ? along(W, A[stage], U) : along(at, [1], [U[4]]);
      const right = along(gradient(at, d).map((x) => -x), C[stage].map((c) => c / h), U);
      U.push(rows.map((row) => dot(row, right) / determinant));
    }
    return { next: along(at, [1], [U[5]]), error: U[5] };
  }

  /** The flow dW/dt = -grad L from W: the coordinates at the increasing times, each step good to `rtol` of them. */
  function trajectory(W, d, times, rtol = 1e-9) {
    const path = [];
    let [t, h] = [0, 1e-3 / d];
    for (const end of times) {
      while (t < end) {
        const H = hessian(W, d);
        for (let done = false; !done; ) {
          const last = h >= end - t;
          const size = last ? end - t : h;
          const { next, error } = step(W, d, size, H);
          const off = max(...error.map((x, i) => abs(x) / (rtol * (abs(next[i]) + 1e-7))));
          done = off <= 1;
          const better = size * (off > 0 ? min(5, max(0.2, 0.9 * off ** -0.25)) : off === 0 ? 5 : 0.2);
          h = done && last ? max(h, better) : better;
          if (h < 1e-16) throw new Error("the step size of the flow has become zero");
          if (done) [W, t] = [next, last ? end : t + size];
        }
      }
      path.push(W);
    }
    return path;
  }
  return { start, plane, spectralNorm, inner, gradient, curves, trajectory, step, hessian };
})();
