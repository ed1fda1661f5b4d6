/* What can be seen of a page only in a browser; each check gives sentences that say the element and its pixels. */
globalThis.siteChecks = (() => {
  "use strict";
  const article = () => document.querySelector("article") ?? document.body;
  const px = (x) => `${Math.round(x)} px`;
  const shown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const formula = (box) => box.querySelector("mjx-math, svg") ?? box;
  function name(node) {
    const own = node.id ? `#${node.id}` : [...node.classList].slice(0, 2).map((c) => `.${c}`).join("");
    const near = node.closest("[id]:not(html, body)");
    const text = node.textContent.trim().replace(/\s+/g, " ").slice(0, 40);
    return `${node.localName}${own}${near && near !== node ? ` in #${near.id}` : ""}${text ? ` “${text}”` : ""}`;
  }
  const scrolls = (style) => /auto|scroll/.test(style.overflowX);
  const cuts = (style) => /hidden|clip/.test(style.overflowX);
  function scrollingBox(node) {
    for (let at = node.parentElement; at && at !== document.body; at = at.parentElement) {
      if (scrolls(getComputedStyle(at)) || cuts(getComputedStyle(at))) return at;
    }
    return null;
  }

  /** The document scrolls sideways. */
  function sideways() {
    const wide = document.documentElement.scrollWidth;
    if (wide <= innerWidth) return [];
    const out = [...document.querySelectorAll("body *")].filter((node) => {
      const rect = node.getBoundingClientRect();
      return rect.width && rect.right > innerWidth + 1 && shown(node) && !scrollingBox(node);
    });
    const last = out.filter((node) => !out.some((other) => other !== node && node.contains(other)));
    return [`the document is ${px(wide)} wide in a window of ${px(innerWidth)}: ` +
      last.slice(0, 4).map((node) => `${name(node)} ends at ${px(node.getBoundingClientRect().right)}`).join(", ")];
  }

  /** A box cuts a formula off, or it leaves the article without a box that scrolls. */
  function clipped() {
    const found = [];
    const page = article().getBoundingClientRect();
    for (const box of article().querySelectorAll("mjx-container")) {
      if (!shown(box)) continue;
      const rect = formula(box).getBoundingClientRect();
      let held = false;
      for (let at = box; at && at !== article() && !held; at = at.parentElement) {
        const style = getComputedStyle(at);
        const edge = at.getBoundingClientRect();
        held = scrolls(style);
        const over = Math.max(rect.right - edge.right, edge.left - rect.left);
        if (cuts(style) && over > 1) {
          found.push(`${name(at)} cuts ${px(over)} of ${name(box)}`);
          held = true;
        }
      }
      const out = Math.max(rect.right - page.right, page.left - rect.left);
      if (!held && out > 1) found.push(`${name(box)} leaves the article by ${px(out)}`);
    }
    return found;
  }

  /** A full stop or comma after a formula begins a line of its own. */
  function orphaned() {
    const found = [];
    for (const box of article().querySelectorAll("mjx-container:not([display])")) {
      if (!shown(box)) continue;
      const block = box.closest("p, li, td, th, dd, dt, figcaption, h1, h2, h3, h4, div.admonition") ?? article();
      const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
      walker.currentNode = box;
      let text = walker.nextNode();
      while (text && (box.contains(text) || text.data === "")) text = walker.nextNode();
      if (!text || !/^[.,;:!?)]/.test(text.data)) continue;
      const range = document.createRange();
      range.setStart(text, 0);
      range.setEnd(text, 1);
      const [sign, end] = [range.getClientRects()[0], [...box.getClientRects()].at(-1)];
      if (sign && end && sign.left < end.right - 2) {
        found.push(`“${text.data.slice(0, 12).trim()}” stands ${px(sign.top - end.top)} below its formula in ${name(block)}`);
      }
    }
    return found;
  }

  /** Text of fewer than 9 px; formulas and drawings have checks of their own. */
  function small() {
    const found = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || node.closest("svg, mjx-container, script, style, noscript")) continue;
      const size = parseFloat(getComputedStyle(node).fontSize);
      const rect = node.getBoundingClientRect();
      if (size < 9 && shown(node) && rect.width > 1 && rect.height > 1) found.set(node, `${name(node)}: ${size} px`);
    }
    return [...found.values()];
  }

  function images() {
    const found = [];
    for (const image of document.querySelectorAll("img")) {
      if (image.getAttribute("alt") === null || (article().contains(image) && !image.alt.trim())) {
        found.push(`${image.getAttribute("src")} has no alternative text`);
      }
      if (image.complete && image.naturalWidth === 0) found.push(`${image.getAttribute("src")} has no size`);
    }
    for (const drawing of document.querySelectorAll("svg[role=img]:not([aria-hidden=true], mjx-container svg)")) {
      if (!drawing.getAttribute("aria-label") && !drawing.getAttribute("aria-labelledby") && !drawing.querySelector("title")) {
        found.push(`${name(drawing)} has no name`);
      }
    }
    return found;
  }

  function unnamed() {
    const named = (node) =>
      node.textContent.trim() || node.getAttribute("aria-label") || node.getAttribute("aria-labelledby") || node.title ||
      [...node.querySelectorAll("img[alt]")].some((image) => image.alt.trim());
    return [...document.querySelectorAll("a[href], button, summary, [role=button]")]
      .filter((node) => shown(node) && !named(node)).map((node) => `${name(node)} ${node.outerHTML.slice(0, 100)}`);
  }

  /** A formula is a stop of the Tab key only where it scrolls: else it cannot be read to its end by keyboard. */
  const stops = () => [...document.querySelectorAll("mjx-container, mjx-container *")]
    .filter((node) => node.tabIndex >= 0 && node.scrollWidth <= node.clientWidth + 1).map((node) => `${name(node)} is a tab stop`);

  /** The page's ground and text are light on dark in the dark, and else the other way round. */
  function colours() {
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\d.]+/g).map(Number);
      return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
    };
    const ground = light(getComputedStyle(document.body).backgroundColor);
    const text = light(getComputedStyle(article()).color);
    const dark = document.documentElement.dataset.theme === "dark";
    return dark === ground < 0.5 && dark === text > 0.5 ? [] : [`ground ${ground.toFixed(2)}, text ${text.toFixed(2)}`];
  }

  function times() {
    const [navigation] = performance.getEntriesByType("navigation");
    return { content: navigation.domContentLoadedEventEnd, formulas: performance.now() };
  }
  const all = () => Object.fromEntries(
    Object.entries({ sideways, clipped, orphaned, small, images, unnamed, stops, colours }).map(([k, f]) => [k, f()]));

  /** What a reader sees of a node that has the focus, to compare with the same node without it. */
  function look(node) {
    const style = getComputedStyle(node);
    const outline = style.outlineStyle === "none" || parseFloat(style.outlineWidth) === 0 ? "" : style.outline;
    return [outline, style.boxShadow, style.borderColor, style.backgroundColor, style.textDecorationLine].join("|");
  }
  return { all, times, name, look };
})();
