// Short notices at the foot of the page, which go by themselves.

import { el } from "./dom.js";

const SHOWN_MS = 4500;

/** Show a notice; `kind` may be `error`. */
export function toast(text, kind = "info") {
  const tray =
    document.querySelector(".toasts") ??
    document.body.appendChild(el("div", { class: "toasts", role: "status", "aria-live": "polite" }));
  const node = el("div", { class: `toast ${kind}`, testid: "toast" }, text);
  tray.append(node);
  setTimeout(() => node.remove(), SHOWN_MS);
}
