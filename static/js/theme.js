// Colours before the first paint: what the reader chose here, else what the system prefers.
(function () {
  "use strict";
  const KEY = "dockernet-theme";
  const ORDER = ["auto", "light", "dark"];
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  // In the page's language; they stand on <html>.
  const LABEL = {
    auto: root.dataset.wordAuto,
    light: root.dataset.wordLight,
    dark: root.dataset.wordDark,
  };

  function chosen() {
    try {
      const value = localStorage.getItem(KEY);
      return ORDER.includes(value) ? value : "auto";
    } catch {
      return "auto"; // storage can be forbidden; the page then follows the system
    }
  }

  function apply() {
    const choice = chosen();
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    root.setAttribute("data-bs-theme", dark ? "dark" : "light");
    root.setAttribute("data-theme-choice", choice);
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-label", LABEL[choice]);
      button.setAttribute("title", LABEL[choice]);
    }
  }

  root.classList.add("js");
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", function (event) {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
    try {
      localStorage.setItem(KEY, next);
    } catch {
      return;
    }
    apply();
  });
})();
