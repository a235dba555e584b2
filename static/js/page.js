// Small comforts that every page has. Nothing here is needed to read or to act.
(function () {
  "use strict";
  // The words of the page's language stand on <html>.
  const said = document.documentElement.dataset;

  // Copy buttons: <button data-copy="#id">, or the text of the nearest [data-copy-from].
  document.addEventListener("click", async function (event) {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    if (!source) return;
    const done = await copy(source.value || source.textContent);
    const label = button.querySelector("[data-copy-label]");
    button.classList.toggle("copied", done);
    const before = button.dataset.before || (label ? label.textContent : button.title);
    button.dataset.before = before;
    if (label) label.textContent = done ? said.wordCopied : said.wordPress;
    else button.title = done ? said.wordCopied : said.wordPress;
    if (!done) select(source);
    setTimeout(function () {
      button.classList.remove("copied");
      if (label) label.textContent = before;
      else button.title = before;
    }, 2000);
  });

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Plain http has no clipboard API; the old way still works there.
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "off-screen";
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      return done;
    }
  }

  function select(element) {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  // "Use it": puts a proposed value into a field and goes there.
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-fill]");
    const field = button && document.querySelector(button.dataset.fill);
    if (!field) return;
    field.value = button.dataset.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });

  // Menus made of <details> close on Escape and on a click elsewhere.
  document.addEventListener("click", function (event) {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    }
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details[data-menu][open]");
    if (!menu) return;
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });

  // Filter forms submit themselves when a choice changes; the button is for readers without scripts.
  document.addEventListener("change", function (event) {
    const form = event.target.closest("form[data-auto-submit]");
    if (form && event.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });

  // Times: <time data-ago> says how long ago, <time data-since> counts up, <time data-until> down.
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto" });
  const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];

  function ago(seconds) {
    for (const [unit, size] of UNITS) {
      if (seconds >= size) return words.format(-Math.floor(seconds / size), unit);
    }
    return seconds < 5 ? said.wordNow : words.format(-Math.floor(seconds), "second");
  }

  function span(seconds) {
    const minutes = Math.floor(seconds / 60);
    return minutes ? minutes + " " + said.wordMin + " " + Math.floor(seconds % 60) + " " + said.wordS : Math.floor(seconds) + " " + said.wordS;
  }

  function tick() {
    const now = Date.now();
    for (const element of document.querySelectorAll("time[data-ago], time[data-since], time[data-until]")) {
      const past = (now - Date.parse(element.dateTime)) / 1000;
      const seconds = Math.max(0, "until" in element.dataset ? -past : past);
      const text = "ago" in element.dataset ? ago(seconds) : span(seconds);
      if (element.textContent !== text) element.textContent = text;
    }
  }
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSettle", tick);
  document.addEventListener("htmx:sseMessage", tick);

  // Say so when the live connection is away; everything comes back by itself.
  function lost(away) {
    const note = document.getElementById("lost");
    if (note) note.hidden = !away;
  }
  document.addEventListener("htmx:sseError", function () { lost(true); });
  document.addEventListener("htmx:sendError", function () { lost(true); });
  document.addEventListener("htmx:sseOpen", function () { lost(false); });
  document.addEventListener("htmx:afterOnLoad", function () { lost(false); });
})();
