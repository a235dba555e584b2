// What the reader did on a live page stays over its updates: folds opened or closed, how far an
// output was scrolled, words not yet sent. Folds stay over a reload too. Elements are known by id.
(function () {
  "use strict";

  const place = "dockernet-folds:" + location.pathname;
  const folds = new Map(Object.entries(stored()));
  const scrolled = new Map();
  const typed = new Map();

  function stored() {
    try {
      return JSON.parse(sessionStorage.getItem(place)) || {};
    } catch {
      return {};
    }
  }

  // A click, or Enter and Space, on a summary: what a person did. A fold that the page opened by
  // itself (the step that runs) is left to the page.
  document.addEventListener("click", function (event) {
    const summary = event.target.closest("summary");
    const fold = summary && summary.parentElement;
    if (!fold || !fold.id || fold.matches("[data-menu]")) return;
    folds.set(fold.id, !fold.open);
    try {
      sessionStorage.setItem(place, JSON.stringify(Object.fromEntries(folds)));
    } catch {
      // Without storage it holds until the next reload.
    }
  });

  document.addEventListener("scroll", function (event) {
    const output = event.target;
    if (!(output instanceof Element) || !output.matches("pre.output[id]")) return;
    const atEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 4;
    scrolled.set(output.id, atEnd ? null : output.scrollTop);
  }, true);

  document.addEventListener("input", function (event) {
    const field = event.target;
    if (field.id && field.matches("#change textarea")) typed.set(field.id, field.value);
  });
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (!event.detail.elt.matches("form")) return;
    for (const field of event.detail.elt.querySelectorAll("textarea[id]")) typed.delete(field.id);
  });

  function restore() {
    for (const [id, open] of folds) {
      const fold = document.getElementById(id);
      if (fold && fold.open !== open) fold.open = open;
    }
    for (const [id, value] of typed) {
      const field = document.getElementById(id);
      if (field && field.value === field.defaultValue && field.value !== value) field.value = value;
    }
    for (const output of document.querySelectorAll("pre.output[id]")) {
      const top = scrolled.get(output.id);
      if (typeof top === "number") output.scrollTop = top;
      else if (output.closest("[aria-current=step]")) output.scrollTop = output.scrollHeight;
    }
  }
  restore();
  document.addEventListener("htmx:afterSwap", restore);
  document.addEventListener("htmx:oobAfterSwap", restore);
  document.addEventListener("htmx:sseMessage", restore);
})();
