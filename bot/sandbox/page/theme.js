// The theme: the system's, unless one was chosen.

import { remember } from "./settings.js";

const SYSTEM = matchMedia("(prefers-color-scheme: light)");

/** Return `dark` or `light`, as it is shown now. */
export function shownTheme() {
  return document.documentElement.dataset.theme ?? (SYSTEM.matches ? "light" : "dark");
}

/** Show the other theme, and remember it; the one that the system shows anyway is not held on to. */
export function toggleTheme() {
  const next = shownTheme() === "dark" ? "light" : "dark";
  const system = SYSTEM.matches ? "light" : "dark";
  if (next === system) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  remember("theme", next === system ? null : next);
}

/** Call back when the system changes its theme. */
export function onSystemTheme(changed) {
  SYSTEM.addEventListener("change", changed);
}
