/* Boxes wider than the page: where one scrolls, it can be reached by keyboard and says what it is; what is
   printed is light and unfolded.
   A classic deferred script; without it the boxes scroll all the same. */
(() => {
  "use strict";
  const KINDS = [ // of boxes: what is found, its role, its name
    ["article :is(.pst-scrollable-table-container, .explorer-table)", "region", (k) => `Table ${k + 1} of this page, scrolls sideways`],
    ["article div.math > mjx-container, article span.math", "group", () => "Formula, scrolls sideways"],
    ["article div.highlight pre", "group", () => "Code, scrolls sideways"],
  ];

  function mark(box, role, label) {
    const inline = box.matches("span.math");
    if (inline) { // a formula in a line becomes a box only where the line is too short for it
      let line = box.parentElement;
      while (getComputedStyle(line).display === "inline") line = line.parentElement;
      box.classList.toggle("wide", line.clientWidth > 0 && box.firstElementChild?.offsetWidth > line.clientWidth);
    }
    const scrolls = box.scrollWidth > box.clientWidth + 1 && (!inline || box.classList.contains("wide"));
    box.classList.toggle("more-left", scrolls && box.scrollLeft > 1);
    box.classList.toggle("more-right", scrolls && box.scrollLeft + box.clientWidth < box.scrollWidth - 1);
    for (const [name, value] of [["tabindex", "0"], ["role", role], ["aria-label", label]]) {
      if (scrolls) box.setAttribute(name, value);
      else box.removeAttribute(name);
    }
  }

  const markAll = () => KINDS.forEach(([selector, role, label]) =>
    document.querySelectorAll(selector).forEach((box, k) => mark(box, role, label(k))));

  /* A link that is a formula alone is named by the formula's text. */
  function nameLinks() {
    for (const link of document.querySelectorAll("article a:has(mjx-assistive-mml)")) {
      const formulas = [...link.querySelectorAll("mjx-assistive-mml")].map((formula) => formula.textContent);
      if (link.textContent.trim() === formulas.join("").trim()) link.setAttribute("aria-label", formulas.join(""));
    }
  }

  /* A column's head that is formulas alone has their text as its name. */
  function nameHeads() {
    for (const head of document.querySelectorAll("article th:has(mjx-assistive-mml)")) {
      const formulas = [...head.querySelectorAll("mjx-container")], text = (box) => box.querySelector("mjx-assistive-mml").textContent;
      if (head.textContent.trim() !== formulas.map(text).join("").trim()) continue;
      for (const box of formulas) {
        box.setAttribute("role", "img");
        box.setAttribute("aria-label", text(box));
      }
    }
  }

  function watch() {
    nameLinks();
    nameHeads();
    markAll();
    addEventListener("resize", () => requestAnimationFrame(markAll));
    document.addEventListener("toggle", markAll, true); // a fold's boxes have a width when it is open
    document.addEventListener("scroll", ({ target }) => { // of a box: scroll events do not bubble
      if (target.matches?.("[role][tabindex]")) mark(target, target.getAttribute("role"), target.getAttribute("aria-label"));
    }, { capture: true, passive: true });
  }

  /* On paper, folds are open and colours those of the light theme. */
  const opened = [], root = document.documentElement.dataset;
  let theme;
  addEventListener("beforeprint", () => {
    theme = root.theme;
    root.theme = "light";
    opened.push(...document.querySelectorAll("details.unfolds:not([open])"));
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => {
    root.theme = theme;
    opened.splice(0).forEach((fold) => { fold.open = false; });
  });

  addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(watch));
})();
