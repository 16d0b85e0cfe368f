"use strict";
// The page works without this. With it: filters that live in the address, wire logs where they
// are asked for, and a button that copies.
(() => {
  const form = document.getElementById("filters");
  const rows = [...document.querySelectorAll("details.row")];
  const suites = [...document.querySelectorAll("section.suite")];
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const fold = document.getElementById("fold");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  // The row that the address points at, kept beside the filters.
  let open = "";

  const checked = (name) =>
    [...form.querySelectorAll(`input[name=${name}]:checked`)].map((input) => input.value);

  const state = () => ({
    verdict: checked("verdict"),
    level: checked("level"),
    suite: form.elements.suite.value,
    text: form.elements.text.value.trim(),
    differ: checked("differ").length > 0,
  });

  const apply = () => {
    const want = state();
    const words = want.text.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const verdicts = row.dataset.verdicts.split(" ");
      const fits =
        (!want.verdict.length || want.verdict.some((verdict) => verdicts.includes(verdict))) &&
        (!want.level.length || want.level.includes(row.dataset.level)) &&
        (!want.suite || row.closest(".suite").dataset.suite === want.suite) &&
        (!want.differ || "differs" in row.dataset) &&
        words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      count += fits;
    }
    for (const suite of suites) {
      suite.hidden = !suite.querySelector("details.row:not([hidden])");
    }
    shown.textContent = count;
    nothing.hidden = count > 0;
  };

  const write = () => {
    const want = state();
    const hash = new URLSearchParams();
    for (const name of ["verdict", "level"]) {
      if (want[name].length) hash.set(name, want[name].join(","));
    }
    if (want.suite) hash.set("suite", want.suite);
    if (want.text) hash.set("text", want.text);
    if (want.differ) hash.set("differ", "yes");
    if (open) hash.set("open", open);
    const said = hash.toString().replaceAll("%2C", ",");
    history.replaceState(null, "", said ? `#${said}` : location.pathname + location.search);
  };

  // The element and everything around it opens, and comes into sight.
  const reveal = (id) => {
    const element = document.getElementById(id);
    if (!element) return;
    const row = element.closest("details.row");
    if (row && row.hidden) form.reset();
    for (let at = element; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
    }
    apply();
    element.scrollIntoView({ block: "start" });
  };

  const read = () => {
    const said = location.hash.slice(1);
    if (said && !said.includes("=")) {
      reveal(decodeURIComponent(said));
      return;
    }
    const hash = new URLSearchParams(said);
    const list = (name) => (hash.get(name) ?? "").split(",");
    for (const input of form.querySelectorAll("input[type=checkbox]")) {
      input.checked = list(input.name).includes(input.value);
    }
    const suite = hash.get("suite") ?? "";
    form.elements.suite.value = [...form.elements.suite.options].some((o) => o.value === suite)
      ? suite
      : "";
    form.elements.text.value = hash.get("text") ?? "";
    open = hash.get("open") ?? "";
    apply();
    if (open) reveal(open);
  };

  // Each exchange stands once, at the end; a cell that is opened gets a copy of it.
  const fetchWire = (details) => {
    const note = details.querySelector(":scope > p");
    const source = document.getElementById(details.dataset.exchange);
    if (!note || !source) return;
    const copy = source.querySelector(".exchange-body").cloneNode(true);
    for (const frame of details.dataset.frames.split(" ").filter(Boolean)) {
      const read = copy.querySelector(`[data-frame="${frame}"]`);
      if (read) read.classList.add("here");
    }
    note.replaceWith(copy);
    const scroll = copy.querySelector(".scroll");
    const here = copy.querySelector(".here");
    if (scroll && here) scroll.scrollTop = here.offsetTop - scroll.clientHeight / 3;
  };

  const copyText = async (button) => {
    const text = button.parentElement.querySelector("pre").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not every page may write to the clipboard; a selection can always be copied by hand.
      getSelection().selectAllChildren(button.parentElement.querySelector("pre"));
      if (!document.execCommand("copy")) return;
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    open = "";
    apply();
    write();
  });
  form.addEventListener("reset", () =>
    setTimeout(() => {
      open = "";
      apply();
      write();
    }),
  );
  fold.addEventListener("click", () => {
    const opening = fold.getAttribute("aria-pressed") !== "true";
    for (const row of rows) {
      if (!opening || !row.hidden) row.open = opening;
    }
    fold.setAttribute("aria-pressed", opening);
    fold.textContent = opening ? "Close all" : "Open all";
  });
  document.addEventListener("click", (event) => {
    const copy = event.target.closest("button.copy");
    if (copy) copyText(copy);
    const link = event.target.closest('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open = decodeURIComponent(link.hash.slice(1));
    reveal(open);
    write();
  });
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches("details.wire[open]")) fetchWire(event.target);
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || /^(input|select|textarea)$/i.test(event.target.tagName)) return;
    event.preventDefault();
    form.elements.text.focus();
  });
  // What is printed shows what went wrong.
  let printed = [];
  addEventListener("beforeprint", () => {
    printed = rows.filter((row) => !row.open && !row.matches(".g-pass, .g-skipped"));
    for (const row of printed) row.open = true;
  });
  addEventListener("afterprint", () => {
    for (const row of printed) row.open = false;
  });
  for (const button of document.querySelectorAll("button.copy")) button.hidden = false;
  addEventListener("hashchange", read);
  read();
})();
