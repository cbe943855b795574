// Context menus: a list of things to do, opened by a right click, a "…" button or the keyboard.

import { button, el, icon } from "./dom.js";
import { place, stepped } from "./popover.js";

/**
 * Open a menu at a rectangle. `groups`: lists of `{label, icon?, command?, danger?, run}`, or of `{node}` for a row of
 * one's own; a group may have a `title`. The focus goes back to where it was when the menu closes.
 */
export function openMenu(groups, rectangle, label) {
  document.querySelector(".menu")?.remove();
  const opener = document.activeElement;
  const menu = el("div", {
    class: "menu",
    testid: "context-menu",
    role: "menu",
    "aria-label": label,
    tabindex: "-1",
    popover: "auto",
  });
  for (const group of groups) {
    if (!group.items.length) continue;
    const box = el("div", { class: "menu-group", role: "group", "aria-label": group.title });
    if (group.title) box.append(el("div", { class: "menu-title", "aria-hidden": "true" }, group.title));
    for (const item of group.items) box.append(item.node ?? entry(item));
    menu.append(box);
  }

  function entry(item) {
    return button(
      {
        class: item.danger ? "menu-item danger" : "menu-item",
        role: "menuitem",
        tabindex: "-1",
        testid: "menu-item",
        data: { command: item.command },
        disabled: Boolean(item.disabled),
        on: {
          click: () => {
            menu.hidePopover();
            item.run();
          },
        },
      },
      el("span", {}, item.label),
      item.icon ? icon(item.icon) : null,
    );
  }

  const items = [...menu.querySelectorAll("button:not(:disabled)")];
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Tab") {
      event.preventDefault();
      menu.hidePopover();
      return;
    }
    const row = event.target.closest(".menu-reactions");
    const key = row ? ({ ArrowRight: "ArrowDown", ArrowLeft: "ArrowUp" }[event.key] ?? event.key) : event.key;
    const next = stepped(key, Math.max(0, items.indexOf(document.activeElement)), items.length);
    if (next === null) return;
    event.preventDefault();
    items[next].focus();
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    // What was chosen may have moved the focus already.
    if (menu.contains(document.activeElement) || document.activeElement === document.body)
      opener?.focus({ preventScroll: true });
    menu.remove();
  });
  document.querySelector("main").append(menu);
  menu.showPopover();
  place(menu, rectangle);
  (items[0] ?? menu).focus({ preventScroll: true });
  return menu;
}

/** Return the rectangle of a point, for a menu that opens under the pointer. */
export function pointAt(event) {
  return {
    left: event.clientX,
    right: event.clientX,
    top: event.clientY - 4,
    bottom: event.clientY - 4,
    width: 0,
    height: 0,
  };
}

/** Return the corner of an element where a menu opens by key, kept to what can be seen of it. */
export function cornerOf(node) {
  const { left, top } = node.getBoundingClientRect();
  const at = Math.max(64, Math.min(top + 20, innerHeight - 120));
  return { left: left + 12, right: left + 12, top: at, bottom: at, width: 0, height: 0 };
}
