/* Filters of the ledger. Without this script the lists by verdict lead to the rows; with it, the rows that are asked for
   are shown alone, and the address holds what was asked: #verdict=fails&evidence=proved&part=paper&text=g, or the
   anchors #paper-fails. Without a document, as in a test, what is asked is all there is. */
globalThis.Ledger = (() => {
  "use strict";
  const NAMES = ["verdict", "evidence", "part", "text"];

  function decoded(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  /** What an address asks for, {verdict, evidence, part, text} ("": any); null where it asks for something else. */
  function fromAddress(hash, parts) {
    const rest = decoded(hash.replace(/^#/, ""));
    const part = parts.find((name) => rest.startsWith(`${name}-`));
    if (part) return { verdict: rest.slice(part.length + 1), evidence: "", part, text: "" };
    const pairs = rest.split("&").map((pair) => [pair.split("=")[0], pair.split("=").slice(1).join("=")]);
    if (!pairs.every(([name]) => NAMES.includes(name))) return null;
    return { verdict: "", evidence: "", part: "", text: "", ...Object.fromEntries(pairs) };
  }

  const toAddress = (asked) =>
    "#" + NAMES.filter((name) => asked[name]).map((name) => `${name}=${encodeURIComponent(asked[name])}`).join("&");

  /** Whether a row, {verdict, evidence, part, text}, is asked for; every word of the text must be in the row's. */
  const matches = (row, asked) =>
    NAMES.slice(0, 3).every((name) => !asked[name] || row[name] === asked[name]) &&
    asked.text.toLowerCase().split(/\s+/).every((word) => row.text.toLowerCase().includes(word));

  function mount(tables) {
    const value = (row, kind) => [...row.classList].find((name) => name.startsWith(`${kind}-`))?.slice(kind.length + 1) ?? "";
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows]).map((node) => ({
      node, verdict: value(node, "claim"), evidence: value(node, "evidence"), part: value(node, "part"), text: node.textContent,
    }));
    const every = (kind) => [...new Set(rows.map((row) => row[kind]))].filter((name) => name !== "none");
    const box = document.createElement("form");
    box.className = "ledger-filters";
    box.setAttribute("role", "search");
    const select = (kind, label) => {
      const node = document.createElement("select");
      node.append(new Option(`any ${label}`, ""), ...every(kind).map((name) => new Option(name.replaceAll("-", " "), name)));
      return node;
    };
    const inputs = { verdict: select("verdict", "verdict"), evidence: select("evidence", "evidence"), part: select("part", "part") };
    inputs.text = document.createElement("input");
    inputs.text.type = "search";
    for (const [name, node] of Object.entries(inputs)) {
      const label = document.createElement("label");
      label.append(name === "text" ? "words" : name, " ", node);
      box.append(label);
      node.addEventListener("input", () => ask(Object.fromEntries(NAMES.map((key) => [key, inputs[key].value])), true));
    }
    const count = document.createElement("output");
    count.setAttribute("aria-live", "polite");
    const reset = document.createElement("button");
    reset.type = "button";
    reset.textContent = "Show all";
    reset.addEventListener("click", () => ask({ verdict: "", evidence: "", part: "", text: "" }, true));
    box.append(reset, count);
    box.addEventListener("submit", (event) => event.preventDefault());
    tables[0].closest(".pst-scrollable-table-container, table").before(box);

    function ask(asked, write) {
      let shown = 0;
      for (const row of rows) {
        row.node.hidden = !matches(row, asked);
        shown += !row.node.hidden;
      }
      for (const name of NAMES) if (inputs[name].value !== asked[name]) inputs[name].value = asked[name];
      count.textContent = `${shown} of ${rows.length} claims`;
      if (write) history.replaceState(null, "", location.pathname + location.search + (shown < rows.length ? toAddress(asked) : ""));
    }

    function follow() {
      const asked = location.hash.length > 1 && fromAddress(location.hash, every("part"));
      ask(asked || { verdict: "", evidence: "", part: "", text: "" }, false);
      if (asked) box.scrollIntoView();
      else if (location.hash.length > 1) document.getElementById(decoded(location.hash.slice(1)))?.scrollIntoView();
    }
    addEventListener("hashchange", follow);
    follow();
  }

  if (typeof document !== "undefined") {
    const tables = [...document.querySelectorAll("table.ledger")];
    if (tables.length) mount(tables);
  }
  return { fromAddress, toAddress, matches };
})();
