// A select menu: a button that opens a list, from which one or several options are chosen.

import { button, el, fill, freshId, icon } from "./dom.js";
import { t } from "./i18n.js";
import { place, stepped } from "./popover.js";

/**
 * Return a select menu. `options`: `{value, label, description?, emoji?, default?}`; `min` and `max`: how many may be
 * chosen; `changed(values)` is called once the choice is made.
 */
export function selectMenu({ options, min = 1, max = 1, placeholder, label, customId, disabled = false, changed }) {
  const most = Math.min(max, options.length);
  const single = most <= 1;
  let chosen = options.filter((each) => each.default).map((each) => each.value);
  let before = chosen;
  let at = 0;
  const listId = freshId("list");
  const text = el("span", { class: "select-text" });
  const opener = button(
    {
      class: "select",
      testid: "select",
      data: { customId, focus: customId },
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-controls": listId,
      disabled,
    },
    text,
    icon("chevron"),
  );
  const list = el("div", {
    class: "select-rows",
    id: listId,
    role: "listbox",
    tabindex: "-1",
    "aria-label": label || placeholder || t("choose"),
    "aria-multiselectable": single ? null : "true",
  });
  const rows = options.map((each, index) => row(each, index));
  fill(list, rows);
  const close = () => popup.hidePopover();
  const done = single ? null : button({ class: "select-done", on: { click: close } }, t("done"));
  const popup = el("div", { class: "select-list", popover: "auto" }, list, done);

  function row(each, index) {
    return el(
      "div",
      {
        class: "select-option",
        role: "option",
        id: freshId("option"),
        testid: "select-option",
        data: { value: each.value },
        on: { click: () => toggle(index), pointermove: () => mark(index, false) },
      },
      single ? null : el("span", { class: "tick" }, icon("check")),
      emoji(each.emoji),
      el(
        "span",
        { class: "select-words" },
        el("span", {}, each.label),
        each.description ? el("small", {}, each.description) : null,
      ),
    );
  }

  function show() {
    const picked = options.filter((each) => chosen.includes(each.value));
    fill(
      text,
      picked.length
        ? picked.map((each) => el("span", { class: "picked" }, emoji(each.emoji), each.label))
        : placeholder || t("choose"),
    );
    text.classList.toggle("nothing", !picked.length);
    const said = picked.length ? picked.map((each) => each.label).join(", ") : placeholder || t("choose");
    opener.setAttribute("aria-label", label ? `${label}: ${said}` : said);
    rows.forEach((node, index) => node.setAttribute("aria-selected", String(chosen.includes(options[index].value))));
  }

  function mark(index, scroll = true) {
    at = index;
    rows.forEach((node, each) => node.classList.toggle("active", each === index));
    list.setAttribute("aria-activedescendant", rows[index].id);
    if (scroll) rows[index].scrollIntoView({ block: "nearest" });
  }

  function toggle(index) {
    const { value } = options[index];
    if (single) {
      chosen = chosen.includes(value) && min === 0 ? [] : [value];
      show();
      close();
      return;
    }
    if (chosen.includes(value)) chosen = chosen.filter((each) => each !== value);
    else if (chosen.length < most) chosen = [...chosen, value];
    show();
  }

  opener.addEventListener("click", () => {
    before = chosen;
    if (!popup.isConnected) opener.after(popup);
    popup.showPopover();
    place(popup, opener.getBoundingClientRect(), { wide: true });
    mark(
      Math.max(
        0,
        options.findIndex((each) => chosen.includes(each.value)),
      ),
    );
    list.focus({ preventScroll: true });
    opener.setAttribute("aria-expanded", "true");
  });
  opener.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      opener.click();
    }
  });
  list.addEventListener("keydown", (event) => {
    const next = stepped(event.key, at, rows.length);
    if (next !== null) mark(next);
    else if (event.key === "Enter" || event.key === " ") {
      toggle(at);
    } else if (event.key === "Tab" && single) close();
    else if (event.key.length === 1) seek(event.key.toLowerCase());
    else return;
    if (event.key !== "Tab") event.preventDefault();
  });
  popup.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    opener.setAttribute("aria-expanded", "false");
    opener.focus({ preventScroll: true });
    if (chosen.join("\n") === before.join("\n")) return;
    // Too few is not a choice: what was chosen before comes back.
    if (chosen.length < min) chosen = before;
    else {
      changed(chosen);
      opener.dispatchEvent(new Event("change", { bubbles: true }));
    }
    show();
  });

  function seek(letter) {
    for (let step = 1; step <= options.length; step += 1) {
      const index = (at + step) % options.length;
      if (options[index].label.toLowerCase().startsWith(letter)) return mark(index);
    }
  }

  show();
  return opener;
}

/** Return an emoji as a bot sends it, or null. One of a guild's own is shown by its name: its picture is elsewhere. */
export function emoji(data) {
  if (!data?.name) return null;
  return el("span", { class: "emoji", "aria-hidden": data.id ? null : "true" }, data.id ? `:${data.name}:` : data.name);
}
