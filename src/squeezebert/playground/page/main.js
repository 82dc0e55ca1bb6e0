// Tabs, as WAI-ARIA describes them; a tab's model is loaded when the tab is first opened.

import * as keyboard from "./keyboard.js";
import * as names from "./names.js";
import * as news from "./news.js";
import * as race from "./race.js";

/** @type {Record<string, {start: () => void}>} */
const panels = { keyboard, news, names, race };
const started = new Set();
const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);

/** @param {string} name */
function show(name) {
  for (const tab of tabs) {
    const panel = tab.getAttribute("aria-controls") ?? "";
    tab.setAttribute("aria-selected", String(panel === name));
    tab.tabIndex = panel === name ? 0 : -1;
    const shown = document.getElementById(panel);
    if (shown) shown.hidden = panel !== name;
  }
  if (!started.has(name)) {
    started.add(name);
    panels[name]?.start();
  }
}

tabs.forEach((tab, i) => {
  const name = tab.getAttribute("aria-controls") ?? "";
  tab.addEventListener("click", () => {
    history.replaceState(null, "", `#${name}`);
    show(name);
  });
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -i, End: tabs.length - 1 - i }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = tabs[(i + step + tabs.length) % tabs.length];
    next?.focus();
    next?.click();
  });
});

const asked = location.hash.slice(1);
show(asked in panels ? asked : "keyboard");
// Without a network the page comes from its service worker; models and engine are kept apart.
void navigator.serviceWorker?.register("offline.js").catch(() => undefined);
