/* Beside a link within the book: what it leads to, as src/book/previews.py wrote it. Shown when the link is pointed at
   or reached by keyboard; Escape closes it, and the pointer may move onto it. A finger follows the link at once. */
const previews = (() => {
  "use strict";
  const WAIT = 250, GRACE = 250; // ms until it shows, and until it goes
  const here = document.currentScript.src.replace(/previews\.js.*$/, "previews/");
  const loaded = {}; // page: a promise of {id: HTML}
  const arrived = {};
  let box, link, timer;

  const pageOf = (url) => url.pathname.split("/").pop().replace(/\.html$/, "");

  function load(page) {
    loaded[page] ??= new Promise((done) => {
      const script = document.createElement("script");
      script.src = `${here}${page}.js`;
      script.onload = () => done(arrived[page] ?? {});
      script.onerror = () => done({});
      document.head.append(script);
    });
    return loaded[page];
  }

  /* The link within an article to another place of the book around `target`, or nothing. */
  function linkAt(target) {
    const found = target.closest?.("article a[href]");
    if (!found || found.matches(".headerlink, [download]") || found.querySelector("img")) return null;
    const url = new URL(found.href), folder = (address) => address.pathname.replace(/[^/]*$/, "");
    return url.protocol === location.protocol && url.host === location.host && folder(url) === folder(location) ? found : null;
  }

  async function show(wanted) {
    const url = new URL(wanted.href);
    const found = (await load(pageOf(url)))[decodeURIComponent(url.hash.slice(1))];
    if (!found || link !== wanted) return;
    hide();
    link = wanted;
    box = document.createElement("div");
    box.id = "preview";
    box.setAttribute("role", "tooltip");
    box.innerHTML = found;
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", leave);
    document.body.append(box);
    link.setAttribute("aria-describedby", box.id);
    place();
    const shown = box;
    await window.MathJax?.typesetPromise?.([shown]);
    if (box === shown) place();
  }

  /* Below the link, or above it where there is more room; within the window. */
  function place() {
    const at = [...link.getClientRects()].pop(), below = innerHeight - at.bottom - 16, above = at.top - 16;
    const under = below >= Math.min(box.offsetHeight, above);
    box.style.maxHeight = `${Math.max(under ? below : above, 80)}px`;
    box.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 8))}px`;
    box.style.top = under ? `${at.bottom + 6}px` : `${Math.max(8, at.top - box.offsetHeight - 6)}px`;
  }

  function hide() {
    clearTimeout(timer);
    link?.removeAttribute("aria-describedby");
    if (box) window.MathJax?.typesetClear?.([box]);
    box?.remove();
    box = link = null;
  }

  function enter(found, wait) {
    clearTimeout(timer);
    if (found === link && box) return;
    hide();
    link = found;
    link.removeAttribute("title"); // the browser would show it on top
    timer = setTimeout(() => show(found), wait);
  }

  function leave() {
    clearTimeout(timer);
    timer = setTimeout(hide, GRACE);
  }

  document.addEventListener("pointerover", (event) => {
    const found = event.pointerType === "mouse" && linkAt(event.target);
    if (found) enter(found, WAIT);
    else if (link && !box?.contains(event.target) && document.activeElement !== link) leave();
  });
  document.addEventListener("focusin", (event) => {
    const found = event.target.matches(":focus-visible") && linkAt(event.target);
    if (found) enter(found, 0);
    else if (link) leave();
  });
  document.addEventListener("focusout", leave);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  document.addEventListener("click", hide);
  addEventListener("scroll", (event) => { if (box && !box.contains(event.target)) hide(); }, { capture: true, passive: true });

  return { read: (page, found) => { arrived[page] = found; } };
})();
