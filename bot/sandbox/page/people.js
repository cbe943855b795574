// Pictures of people: initials on a colour of their own, and the hearth for the bot.

import { el } from "./dom.js";
import { nameOf } from "./store.js";

const HUES = 8;

/** Return a user's picture; it says nothing to screen readers, as the name stands beside it. */
export function avatar(user, size = "") {
  if (user.bot) {
    const picture = el("img", { src: "/page/static/hearth.svg", alt: "", draggable: "false" });
    return el("span", { class: `avatar avatar-bot ${size}`, "aria-hidden": "true" }, picture);
  }
  const hue = String(Number(BigInt(user.id) % BigInt(HUES)));
  return el("span", { class: `avatar ${size}`, "aria-hidden": "true", data: { hue } }, initials(nameOf(user)));
}

/** Return one or two letters that stand for a name; of `member-1` M1, of 王小明 the first character. */
export function initials(name) {
  const words = name
    .trim()
    .split(/[\s\-_.]+/u)
    .filter(Boolean);
  const letters = words.map((word) => [...word][0]);
  const first = letters[0] ?? "?";
  return (/\p{Script=Han}/u.test(first) || letters.length < 2 ? first : first + letters.at(-1)).toUpperCase();
}
