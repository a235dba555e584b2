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
  // Words are sent when an answer came: what a lost connection swallowed is still there.
  document.addEventListener("htmx:beforeSwap", function (event) {
    const form = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (event.detail.isError || !form || !form.matches("form")) return;
    for (const field of form.querySelectorAll("textarea[id]")) typed.delete(field.id);
  });

  // A connection that is opened anew (after a proxy's error) goes on where this page is.
  document.addEventListener("htmx:sseMessage", function (event) {
    const live = event.target.closest("[sse-connect]");
    const seen = event.detail.lastEventId;
    if (!live || !/^\d+$/.test(seen)) return;
    const place = live.getAttribute("sse-connect");
    live.setAttribute("sse-connect", place.replace(/after=\d+/, "after=" + seen));
  });

  // A page fetches itself when its turn has come, and again what it could not fetch. One that waits
  // for its turn gets by it all that happens till then.
  const waiting = new WeakSet();
  function fetchIn(news, ms) {
    if (!news || waiting.has(news)) return;
    waiting.add(news);
    setTimeout(function () {
      waiting.delete(news);
      if (news.isConnected) htmx.trigger(news, "again");
    }, ms);
  }
  document.addEventListener("htmx:sseMessage", function (event) {
    const live = event.target.closest("[sse-connect]");
    if (!live || event.detail.type !== "again") return;
    fetchIn(live.querySelector("[data-news]"), Number(event.detail.data) || 0);
  });
  function again(event) {
    const news = event.detail.elt;
    if (news instanceof Element && news.matches("[data-news]")) fetchIn(news, 2000);
  }
  document.addEventListener("htmx:sendError", again);
  document.addEventListener("htmx:responseError", again);

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
