// The list of commands over the message box, walked through by the arrow keys while one types.

import { el, fill } from "./dom.js";
import { matching, spread, typedCommand } from "./commands.js";
import { localized, t } from "./i18n.js";
import { stepped } from "./popover.js";

export class Picker {
  #entries = [];
  #at = 0;

  /** `chosen(entry, rest)`: a command was taken; `rest` is what was typed after its name. */
  constructor(store, box, chosen) {
    this.store = store;
    this.box = box;
    this.chosen = chosen;
    this.list = el("div", { class: "picker", id: "picker", role: "listbox", hidden: true });
    this.rows = el("div", { class: "picker-rows" });
    this.hint = el("div", { class: "picker-hint", "aria-hidden": "true" });
    this.list.append(this.rows, this.hint);
    box.setAttribute("aria-controls", "picker");
    box.setAttribute("aria-autocomplete", "list");
  }

  get open() {
    return !this.list.hidden;
  }

  /** Follow what is typed. */
  follow(text) {
    if (!text.startsWith("/") || text.includes("\n")) return this.close();
    const all = spread(this.store.usable(1));
    const typed = typedCommand(all, text.slice(1));
    if (typed) {
      this.close();
      this.chosen(typed.entry, typed.rest);
      return;
    }
    const query = text.slice(1);
    this.#entries = matching(all, query);
    this.list.hidden = false;
    this.list.setAttribute("aria-label", t("commands"));
    this.hint.textContent = t("picker_hint");
    if (!this.#entries.length) {
      fill(this.rows, el("div", { class: "picker-empty" }, all.length ? t("no_command", { query }) : t("no_commands")));
      this.box.removeAttribute("aria-activedescendant");
      return;
    }
    fill(
      this.rows,
      this.#entries.map((entry, index) => this.#row(entry, index)),
    );
    this.rows.scrollTop = 0;
    this.#mark(0);
  }

  close() {
    this.list.hidden = true;
    this.box.removeAttribute("aria-activedescendant");
  }

  /** Take a key of the message box; tell whether it meant something here. */
  key(event) {
    if (!this.open || event.isComposing) return false;
    if (event.key === "Escape") {
      this.close();
      return true;
    }
    if (!this.#entries.length) return event.key === "Enter" && !event.shiftKey;
    if ((event.key === "Enter" && !event.shiftKey) || (event.key === "Tab" && !event.shiftKey)) {
      this.#take(this.#at);
      return true;
    }
    if (event.key === "Home" || event.key === "End") return false;
    const next = stepped(event.key, this.#at, this.#entries.length);
    if (next === null) return false;
    this.#mark(next);
    return true;
  }

  #row(entry, index) {
    const options = entry.options
      .filter((each) => each.required)
      .map((each) => el("span", { class: "picker-option" }, localized(each)));
    const other = entry.shown !== entry.name ? el("span", { class: "picker-plain" }, `/${entry.name}`) : null;
    const row = el(
      "div",
      {
        class: "picker-row",
        role: "option",
        id: `command-${index}`,
        testid: "command-item",
        data: { command: entry.name },
      },
      el("div", { class: "picker-name" }, el("b", {}, `/${entry.shown}`), options, other),
      el("div", { class: "picker-description" }, entry.description),
    );
    row.addEventListener("pointermove", () => this.#mark(index, false));
    // The message box keeps the focus.
    row.addEventListener("pointerdown", (event) => event.preventDefault());
    row.addEventListener("click", () => this.#take(index));
    return row;
  }

  #mark(index, scroll = true) {
    this.#at = index;
    [...this.rows.children].forEach((row, each) => row.setAttribute("aria-selected", String(each === index)));
    const row = this.rows.children[index];
    this.box.setAttribute("aria-activedescendant", row.id);
    if (scroll) row.scrollIntoView({ block: "nearest" });
  }

  #take(index) {
    const entry = this.#entries[index];
    this.close();
    this.chosen(entry, "");
  }
}
