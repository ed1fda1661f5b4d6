/* The explorer: the gradient flow in three variables, integrated and drawn in the page.

   The numbers are those of src/dynamics/three_variables.py for the teacher W* = 0, in coordinates W = [alpha, kappa,
   tau], at the true scale. The formulas are written so that no small difference of large numbers is left: double
   precision is then enough, where the Python module takes forty digits. Without a document, as in a test, the numbers
   are all there is. */
globalThis.Explorer = (() => {
  "use strict";
  const { abs, asin, atan2, ceil, cos, floor, hypot, log10, max, min, PI, round, sin, sqrt } = Math;

  // --- The model -----------------------------------------------------------------------------------------------------

  /** The start of section 5.3 with this Frobenius norm and trace, for |trace| <= frobenius * sqrt(d - 1). */
  function start(d, frobenius, trace) {
    const alpha = trace / (d - 1);
    return [alpha, sqrt(max(frobenius ** 2 / (d - 1) - alpha ** 2, 0)), 0];
  }

  /** The point of the phase portrait: the trace, and the Frobenius norm of the skew part. */
  const plane = ([alpha, kappa, tau], d) => [(d - 1) * alpha + tau, abs(kappa) * sqrt(d - 1)];

  /** The coordinates at a point of the phase portrait, with W u = 0. */
  const at = ([trace, skew], d) => [trace / (d - 1), skew / sqrt(d - 1), 0];

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
    let point = W;
    for (let stage = 0; stage < 6; stage++) {
      point = stage < 5 ? along(W, A[stage], U) : along(point, [1], [U[4]]);
      const right = along(gradient(point, d).map((x) => -x), C[stage].map((c) => c / h), U);
      U.push(rows.map((row) => dot(row, right) / determinant));
    }
    return { next: along(point, [1], [U[5]]), error: U[5] };
  }

  // Coordinates below this count as arrived: relative accuracy would follow them, stiff as they are, for ever.
  const ARRIVED = 1e-9;

  /** The flow dW/dt = -grad L from W: the coordinates at the increasing times, each step good to `rtol` of W. */
  function trajectory(W, d, times, rtol = 1e-8) {
    const path = [];
    let [t, h] = [0, 1e-3 / d];
    for (const end of times) {
      while (t < end) {
        const H = hessian(W, d);
        for (let done = false; !done; ) {
          const last = h >= end - t;
          const size = last ? end - t : h;
          const { next, error } = step(W, d, size, H);
          const off = hypot(...error) / (rtol * max(hypot(...next), ARRIVED));
          done = off <= 1;
          const better = size * (off >= 0 ? min(5, max(0.2, 0.9 * off ** -0.25)) : 0.2); // 0.2 where it is no number
          h = done && last ? max(h, better) : better;
          if (h < 1e-16) throw new Error("the step size of the flow has become zero");
          if (done) [W, t] = [next, last ? end : t + size];
        }
      }
      path.push(W);
    }
    return path;
  }

  // --- What the page shows -------------------------------------------------------------------------------------------

  const ETA = 1e-4; // the step size of section 5.3: iteration k is the time ETA * k
  const LAST = 350000; // iterations of Figure 8
  const RATIO = LAST ** (1 / 140);
  const ITERATIONS = [0, ...Array.from({ length: 141 }, (_, k) => RATIO ** k)];
  const TIMES = ITERATIONS.map((k) => ETA * k);

  // Least, largest and first value; the first are the start of section 5.3 at the prime next to its dimension.
  const LIMITS = { d: [103, 3000, 1499], norm: [0.5, 7, 5], trace: [-50, 25, -18.75], at: [1, LAST, 1] };
  const FIRST = Object.fromEntries(Object.entries(LIMITS).map(([name, [, , first]]) => [name, first]));

  /** The state that is nearest among those there are; what is no number becomes the first value. */
  function limited(state) {
    const found = {};
    for (const [name, [least, most, first]] of Object.entries(LIMITS)) {
      found[name] = Number.isFinite(state[name]) ? min(most, max(least, state[name])) : first;
    }
    [found.d, found.at] = [round(found.d), round(found.at)];
    const reach = found.norm * sqrt(found.d - 1);
    found.trace = min(reach, max(-reach, found.trace));
    return found;
  }

  /** The address's last part for a state, and the state (null: none) that such a part says. */
  const toAddress = (state) =>
    "#explore:" + Object.keys(LIMITS).map((name) => `${name}=${Number(state[name].toPrecision(7))}`).join("&");
  function fromAddress(hash) {
    if (!hash.startsWith("#explore:")) return null;
    const pairs = hash.slice("#explore:".length).split("&").map((pair) => pair.split("="));
    return limited(Object.fromEntries(pairs.map(([name, value]) => [name, value ? Number(value) : NaN])));
  }

  /** The coordinates at time t, from a path at TIMES. */
  function between(path, d, t) {
    const k = TIMES.findLastIndex((time) => time <= t);
    return trajectory(path[k], d, [t - TIMES[k]])[0];
  }

  /** The time from which value(W) is positive for good; NaN where it always is, and where it is not at the end. */
  function turning(path, d, value) {
    const k = path.findLastIndex((W) => value(W) <= 0);
    if (k < 0 || k === path.length - 1) return NaN;
    let [low, high] = [TIMES[k], TIMES[k + 1]];
    while (high - low > 1e-10 * high) {
      const middle = (low + high) / 2;
      if (value(between(path, d, middle)) <= 0) low = middle;
      else high = middle;
    }
    return high;
  }

  /** All that is drawn for a state: {path, values, spectral, turns, phaseOne}, the last two in iterations. */
  function explore({ d, norm, trace }) {
    const W = start(d, norm, trace);
    const path = trajectory(W, d, TIMES);
    const values = path.map((X) => curves(X, d));
    const tenth = abs(values[0].potential) / 10;
    return {
      path,
      values,
      spectral: spectralNorm(W),
      turns: turning(path, d, (X) => curves(X, d).inner) / ETA,
      phaseOne: turning(path, d, (X) => tenth - abs(curves(X, d).potential)) / ETA,
    };
  }

  /** The trace of the start whose inner product turns after so many iterations; NaN where there is none. */
  function traceThatTurnsAt(d, norm, iterations) {
    const late = (trace) => {
      const [W] = trajectory(start(d, norm, trace), d, [ETA * iterations]);
      return curves(W, d).inner < 0;
    };
    let [low, high] = [-(norm ** 2), -(norm ** 2) / 2]; // between them the inner product can be negative
    if (low < -norm * sqrt(d - 1) || !late(low) || late(high)) return NaN;
    while (high - low > 1e-9) {
      const middle = (low + high) / 2;
      if (late(middle)) low = middle;
      else high = middle;
    }
    return high;
  }

  /** Whether d is a prime congruent to 3 modulo 4: only then is there Paley's matrix. */
  function hasPaley(d) {
    for (let k = 2; k * k <= d; k++) if (d % k === 0) return false;
    return d > 2 && d % 4 === 3;
  }

  /** x to three digits, as src/book/typeset.py has it. */
  function number(x, digits = 3) {
    if (Number.isNaN(x)) return "–";
    const [mantissa, exponent] = abs(x).toExponential(digits - 1).split("e");
    let text = "0";
    if (x !== 0 && exponent >= -4 && exponent < 6) {
      const [whole, part] = Number(`${mantissa}e${exponent}`).toFixed(max(digits - 1 - exponent, 0)).split(".");
      text = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
    } else if (x !== 0) {
      text = `${mantissa} × 10${[...String(Number(exponent))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("")}`;
    }
    return x < 0 ? `−${text}` : text;
  }

  // --- The page ------------------------------------------------------------------------------------------------------

  const CURVES = { distance: "distance ‖W − W*‖", potential: "potential g", inner: "inner product", loss: "loss L" };
  const CONTROLS = {
    d: ["dimension d", 1],
    norm: ["norm ‖W‖_F", 0.05],
    trace: ["trace of W", 0.05],
    at: ["iteration", 1],
  };
  const BOX = { width: 360, height: 290, left: 44, right: 8, top: 12, bottom: 40 }; // of a drawing, in its own units
  const [WIDE, TALL] = [BOX.width - BOX.left - BOX.right, BOX.height - BOX.top - BOX.bottom];
  const TRACES = [-52, 26]; // what the phase portrait shows
  const SKEWS = [0, 7.4];

  const filled = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const html = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  const scale = ([low, high], from, to) => (x) => from + ((x - low) / (high - low)) * (to - from);
  const line = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
  const portraitX = scale(TRACES, BOX.left, BOX.left + WIDE);
  const portraitY = scale(SKEWS, BOX.top + TALL, BOX.top);
  const iterationX = scale([0, log10(LAST)], BOX.left, BOX.left + WIDE); // of a logarithm
  const inPlane = (path, d) => line(path.map((W) => plane(W, d)).map(([x, y]) => [portraitX(x), portraitY(y)]));

  /** Where the inner product is negative, as the d of an SVG path: of each cell of a grid the part below zero. */
  function wrongWay(d) {
    const grid = (range, n) => Array.from({ length: n + 1 }, (_, k) => range[0] + (k / n) * (range[1] - range[0]));
    const [xs, ys] = [grid(TRACES, 104), grid(SKEWS, 48)];
    const values = ys.map((y) => xs.map((x) => curves(at([x, max(y, 1e-6)], d), d).inner));
    let found = "";
    for (let j = 0; j < ys.length - 1; j++) {
      for (let i = 0; i < xs.length - 1; i++) {
        const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
        const polygon = [];
        corners.forEach(([m, n], k) => {
          const [p, q] = corners[(k + 1) % 4];
          const [here, there] = [values[n][m], values[q][p]];
          if (here < 0) polygon.push([xs[m], ys[n]]);
          if (here < 0 !== there < 0) {
            const share = here / (here - there);
            polygon.push([xs[m] + share * (xs[p] - xs[m]), ys[n] + share * (ys[q] - ys[n])]);
          }
        });
        if (polygon.length) found += line(polygon.map(([x, y]) => [portraitX(x), portraitY(y)])) + "Z";
      }
    }
    return found;
  }

  /** The curve g = 0, and trajectories from both sides. */
  const dashed = (d) =>
    line(Array.from({ length: 60 }, (_, k) => {
      const skew = (k / 59) * SKEWS[1];
      return [portraitX((-(d - 1) * skew ** 2) / (d - 1 + sqrt((d - 1) * (d - 1 - skew ** 2)))), portraitY(skew)];
    }));
  const others = (d) =>
    [1, 2, 3, 4, 5, 6, 7].flatMap((skew) =>
      [-50, 24].map((x) => inPlane(trajectory(at([x, skew], d), d, TIMES.filter((_, k) => k % 4 === 0), 1e-5), d)));

  /** Axes: ticks are [position, text]. */
  function axes(below, beside, belowTitle, besideTitle) {
    const [x0, x1, y0, y1] = [BOX.left, BOX.left + WIDE, BOX.top + TALL, BOX.top];
    return [
      ...below.flatMap(([x, text]) => [
        svg("path", { class: "grid", d: `M${x} ${y0}V${y1}` }),
        svg("text", { x, y: y0 + 15, "text-anchor": "middle" }, text),
      ]),
      ...beside.flatMap(([y, text]) => [
        svg("path", { class: "grid", d: `M${x0} ${y}H${x1}` }),
        svg("text", { x: x0 - 5, y: y + 4, "text-anchor": "end" }, text),
      ]),
      svg("path", { class: "axis", d: `M${x0} ${y1}V${y0}H${x1}` }),
      svg("text", { x: (x0 + x1) / 2, y: BOX.height - 6, "text-anchor": "middle" }, belowTitle),
      svg("text", { transform: `translate(11 ${(y0 + y1) / 2}) rotate(-90)`, "text-anchor": "middle" }, besideTitle),
    ];
  }

  /** Some five round numbers in a range. */
  function ticks([low, high]) {
    const power = 10 ** floor(log10((high - low) / 5));
    const apart = [1, 2, 5, 10].map((m) => m * power).find((x) => (high - low) / x <= 6);
    const found = [];
    for (let k = ceil(low / apart - 1e-9); k * apart <= high + 1e-9 * apart; k++) found.push(k * apart);
    return found;
  }
  const plain = (x) => String(Number(x.toPrecision(6))).replace("-", "−");

  /** Build the explorer inside an element, in the place of what stands there. */
  function mount(root) {
    let state = fromAddress(location.hash) ?? FIRST;
    let shown = null; // what explore said of the state
    let drawn = { d: null, norm: null, trace: null };

    const inputs = {};
    const row = ([name, [label, step]]) => {
      const [least, most] = LIMITS[name];
      const logarithmic = name === "at";
      const range = logarithmic
        ? { min: 0, max: log10(LAST).toFixed(4), step: 0.01 }
        : { min: least, max: most, step };
      const slider = html("input", { type: "range", "aria-label": label.replace("_", " "), ...range });
      const field = html("input", { type: "number", id: `explorer-${name}`, min: least, max: most, step: "any" });
      slider.addEventListener("input", () => {
        change({ [name]: logarithmic ? 10 ** slider.valueAsNumber : slider.valueAsNumber });
      });
      field.addEventListener("change", () => change({ [name]: field.valueAsNumber }));
      inputs[name] = { field, slider, logarithmic };
      const [before, below] = label.split("_");
      const text = html("label", { for: field.id }, before, ...(below ? [html("sub", {}, below)] : []));
      return html("div", { class: "explorer-row" }, text, slider, field);
    };
    const button = (text, act) => {
      const node = html("button", { type: "button" }, text);
      node.addEventListener("click", act);
      return node;
    };
    const turn15 = button("A start that turns after 15 iterations", () => {
      const trace = traceThatTurnsAt(state.d, state.norm, 15);
      if (Number.isNaN(trace)) facts.textContent = "With this dimension and norm no start turns after 15 iterations.";
      else change({ trace: Number(trace.toFixed(4)) });
    });
    const paper = { d: FIRST.d, norm: FIRST.norm, trace: FIRST.trace };
    const link = html("a", { href: "" }, "Link to this view");
    const buttons = html("div", { class: "explorer-buttons" },
      button("The start of section 5.3", () => change(paper)), turn15,
      button("Reset", () => {
        change(FIRST);
        clearTimeout(writing);
        history.replaceState(null, "", location.pathname + location.search);
      }), link);
    const facts = html("p", { class: "explorer-facts", "aria-live": "polite" });

    // The phase portrait: what depends on d alone, then what moves.
    const region = svg("path", { class: "wrong-way" });
    const zero = svg("path", { class: "zero" });
    const backdrop = svg("g", { class: "others" });
    const own = svg("path", { class: "trajectory" });
    const cursor = svg("circle", { class: "cursor", r: 4.5 });
    const star = svg("g", { class: "star" }, svg("circle", { r: 20 }),
      svg("path", { d: "M0-8 2-2.6 8-2.6 3.2 1 5 7 0 3.4-5 7-3.2 1-8-2.6-2-2.6Z" }));
    const ground = svg("rect", { class: "ground", x: BOX.left, y: BOX.top, width: WIDE, height: TALL });
    const clip = svg("clipPath", { id: "explorer-clip" },
      svg("rect", { x: BOX.left, y: BOX.top, width: WIDE, height: TALL }));
    const arrow = svg("marker", { id: "explorer-arrow", orient: "auto", viewBox: "0 0 6 6", refX: 0, refY: 3,
      markerWidth: 6, markerHeight: 6, markerUnits: "userSpaceOnUse" }, svg("path", { d: "M0 0 6 3 0 6Z" }));
    const view = `0 0 ${BOX.width} ${BOX.height}`;
    const portrait = svg("svg", { viewBox: view, role: "img", class: "portrait" }, svg("defs", {}, clip, arrow), ground,
      ...axes([-40, -20, 0, 20].map((x) => [portraitX(x), plain(x)]), [0, 2, 4, 6].map((y) => [portraitY(y), plain(y)]),
        "trace of W", "norm of the skew part of W"),
      svg("g", { "clip-path": "url(#explorer-clip)" }, region, zero, backdrop, own),
      svg("circle", { class: "teacher", r: 4, cx: portraitX(0), cy: portraitY(0) }),
      svg("text", { x: portraitX(1.5), y: portraitY(0.15) }, "teacher"), cursor, star);
    const move = (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(portrait.getScreenCTM().inverse());
      const trace = TRACES[0] + ((point.x - BOX.left) / WIDE) * (TRACES[1] - TRACES[0]);
      const skew = max(0, SKEWS[0] + ((BOX.top + TALL - point.y) / TALL) * (SKEWS[1] - SKEWS[0]));
      const norm = hypot(trace / sqrt(state.d - 1), skew);
      change({ trace: Number(trace.toFixed(2)), norm: Number(norm.toFixed(3)) });
    };
    drag(star, move);
    ground.addEventListener("click", move);

    // The four curves.
    const frame = svg("g");
    const lines = Object.fromEntries(Object.keys(CURVES).map((name) => [name, svg("path", { class: name })]));
    const dots = Object.fromEntries(Object.keys(CURVES).map((name) => [name, svg("circle", { class: name, r: 3.5 })]));
    const marks = svg("g", { class: "marks" });
    const hand = svg("path", { class: "hand" });
    const sheet = svg("rect", { class: "ground", x: BOX.left, y: BOX.top, width: WIDE, height: TALL });
    const plot = svg("svg", { viewBox: view, role: "img", class: "curves" }, frame, marks, ...Object.values(lines), hand,
      ...Object.values(dots), sheet);
    drag(sheet, (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse());
      change({ at: 10 ** (((point.x - BOX.left) / WIDE) * log10(LAST)) });
    });
    const legend = Object.fromEntries(Object.keys(CURVES).map((name) => [name, html("dd")]));
    const key = (name) => svg("svg", { viewBox: "0 0 26 8", width: 26, height: 8, "aria-hidden": "true", class: "curves" },
      svg("path", { class: name, d: "M0 4H26" }));
    const values = html("dl", { class: "explorer-values" }, ...Object.keys(CURVES).flatMap((name) => [
      html("div", {}, html("dt", {}, key(name), CURVES[name]), legend[name])]));

    const body = html("tbody");
    const columns = ["iteration", ...Object.values(CURVES), "trace", "skew part"];
    const table = html("details", {}, html("summary", {}, "The values as a table"), html("div", { class: "explorer-table" },
      html("table", {}, html("thead", {}, html("tr", {}, ...columns.map((c) => html("th", { scope: "col" }, c)))), body)));

    const caption = "Drag the star, or touch the plane, to move the start. Red: the gradient points away from the teacher. Dashed: g = 0.";
    root.replaceChildren(
      html("fieldset", {}, html("legend", {}, "The start, and the iteration that is shown"),
        ...Object.entries(CONTROLS).map(row), buttons), facts,
      html("div", { class: "explorer-views" },
        html("figure", {}, portrait, html("figcaption", {}, caption)),
        html("figure", {}, plot, values)), table);
    root.classList.add("explorer-on");

    let waiting = false;
    let writing;
    function change(part, write = true) {
      state = limited({ ...state, ...part });
      if (!waiting) requestAnimationFrame(draw);
      waiting = true;
      clearTimeout(writing);
      if (write) writing = setTimeout(() => history.replaceState(null, "", toAddress(state)), 300);
    }

    function draw() {
      waiting = false;
      const { d, norm, trace } = state;
      for (const [name, { field, slider, logarithmic }] of Object.entries(inputs)) {
        const shownValue = Number(state[name].toPrecision(7));
        if (document.activeElement !== slider) slider.value = logarithmic ? log10(state[name]) : state[name];
        slider.setAttribute("aria-valuetext", plain(state[name]));
        field.value = shownValue;
      }
      link.href = toAddress(state);
      if (d !== drawn.d) {
        region.setAttribute("d", wrongWay(d));
        zero.setAttribute("d", dashed(d));
        backdrop.replaceChildren(...others(d).map((path) => svg("path", { d: path })));
      }
      if (d !== drawn.d || norm !== drawn.norm || trace !== drawn.trace) {
        shown = explore(state);
        drawStart();
      }
      drawn = { d, norm, trace };
      drawCursor();
      clearTimeout(draw.saying);
      draw.saying = setTimeout(say, 400);
    }

    let y; // of the curves
    function drawStart() {
      const { path, values, turns, phaseOne } = shown;
      own.setAttribute("d", inPlane(path, state.d));
      const [x0, y0] = plane(path[0], state.d);
      star.setAttribute("transform", `translate(${portraitX(x0)} ${portraitY(y0)})`);
      const all = values.flatMap((v) => Object.values(v));
      const range = [min(...all, 0), max(...all)];
      y = scale(range, BOX.top + TALL, BOX.top);
      frame.replaceChildren(...axes(
        ["1", "10", "100", "1,000", "10⁴", "10⁵"].map((text, k) => [iterationX(k), text]),
        ticks(range).map((v) => [y(v), plain(v)]), "iteration", "exact value"),
        svg("path", { class: "axis", d: `M${BOX.left} ${y(0)}h${WIDE}` }));
      for (const [name, path] of Object.entries(lines)) {
        path.setAttribute("d", line(values.slice(1).map((v, k) => [iterationX(log10(ITERATIONS[k + 1])), y(v[name])])));
      }
      const times = [["turns", turns], ["Phase I ends", phaseOne]].filter(([, k]) => k >= 1);
      times.sort((one, two) => one[1] - two[1]);
      marks.replaceChildren(...times.flatMap(([text, k], place) => {
        const [x, left] = [iterationX(log10(k)), place === 0 && times.length > 1];
        return [svg("path", { d: `M${x} ${BOX.top}v${TALL}` }),
          svg("text", { x: x + (left ? -4 : 4), y: BOX.top + 11, "text-anchor": left ? "end" : "start" },
            `${text}: ${number(k)}`)];
      }));
      const rows = [0, 1, 10, 100, 1000, 1e4, 1e5, LAST].map((k) => [k, ""]);
      rows.push(...times.map(([text, k]) => [k, text]));
      rows.sort((one, two) => one[0] - two[0]);
      body.replaceChildren(...rows.map(([k, text]) => {
        const W = between(path, state.d, ETA * k);
        const cells = [...Object.values(curves(W, state.d)), ...plane(W, state.d)];
        const first = text ? `${number(k)} (${text})` : number(k, 6);
        return html("tr", {}, html("th", { scope: "row" }, first), ...cells.map((x) => html("td", {}, number(x))));
      }));
    }

    function drawCursor() {
      const W = between(shown.path, state.d, ETA * state.at);
      const now = curves(W, state.d);
      const x = iterationX(log10(state.at));
      hand.setAttribute("d", `M${x} ${BOX.top}v${TALL}`);
      for (const [name, dot] of Object.entries(dots)) {
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", y(now[name]));
        legend[name].textContent = number(now[name]);
      }
      const [a, b] = plane(W, state.d);
      cursor.setAttribute("cx", portraitX(a));
      cursor.setAttribute("cy", portraitY(b));
    }

    function say() {
      const { values, spectral, turns, phaseOne } = shown;
      const first = values[0].inner;
      const away = first < 0
        ? `At first the gradient points away from the teacher: the inner product is ${number(first)}. ` +
          `It turns positive after ${number(turns)} iterations.`
        : turns > 0
          ? `At first the gradient points towards the teacher, later away from it, until iteration ${number(turns)}.`
          : "The gradient points towards the teacher all the way.";
      const ends = phaseOne > 0 ? ` The potential is down to a tenth of its first value after ${number(phaseOne)}.` : "";
      const exists = hasPaley(state.d) ? "" :
        ` (${plain(state.d)} is no prime 4k + 3: without Paley's matrix these are the formulas at this d.)`;
      facts.textContent = `‖W‖₂ = ${number(spectral)}. ${away}${ends}${exists}`;
      portrait.setAttribute("aria-label", `Phase portrait. The start has the trace ${plain(state.trace)} and the ` +
        `Frobenius norm ${plain(state.norm)}; its trajectory runs to the curve where g is zero and along it to the teacher.`);
      plot.setAttribute("aria-label", `Four curves against iterations. At iteration ${number(state.at)}: ` +
        Object.keys(CURVES).map((name) => `${CURVES[name]} ${legend[name].textContent}`).join(", ") + ".");
    }

    addEventListener("hashchange", () => {
      const found = fromAddress(location.hash);
      if (found) change(found, false);
    });
    draw();
    say();
    if (location.hash.startsWith("#explore:")) root.scrollIntoView();
  }

  /** Call `move` with every event of a finger or mouse that goes down on a node, until it is lifted. */
  function drag(node, move) {
    node.addEventListener("pointerdown", (event) => {
      node.setPointerCapture(event.pointerId);
      move(event);
    });
    node.addEventListener("pointermove", (event) => {
      if (node.hasPointerCapture(event.pointerId)) move(event);
    });
  }

  if (typeof document !== "undefined") {
    const root = document.querySelector(".explorer");
    if (root) mount(root);
  }
  return { start, plane, spectralNorm, gradient, curves, trajectory, ITERATIONS, FIRST, LIMITS, limited, toAddress,
    fromAddress, between, turning, explore, traceThatTurnsAt, hasPaley, number };
})();
