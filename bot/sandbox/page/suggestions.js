// What the bot suggests while an option with autocomplete is typed.

import { el, fill, freshId } from "./dom.js";
import { localized, t } from "./i18n.js";
import { place, stepped } from "./popover.js";

const PAUSE_MS = 180;

export class Suggestions {
  #at = 0;
  #choices = [];
  #chosen = null;
  #asked = 0;
  #timer = null;

  /** `complete()` returns the bot's choices for what stands in the form now. */
  constructor(input, box, complete) {
    this.input = input;
    this.complete = complete;
    this.list = el("div", { class: "suggestions", id: freshId("suggestions"), role: "listbox", popover: "manual" });
    box.append(this.list);
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-expanded", "false"],
      ["aria-controls", this.list.id],
      ["aria-autocomplete", "list"],
    ]) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", () => {
      this.#chosen = null;
      // What is still shown was suggested for another text: Enter must not take it.
      this.#choices = [];
      this.input.removeAttribute("aria-activedescendant");
      for (const row of this.list.children) row.removeAttribute("aria-selected");
      this.#soon();
    });
    input.addEventListener("focus", () => this.#soon());
    input.addEventListener("blur", () => this.close());
    input.addEventListener("keydown", (event) => this.#key(event));
  }

  get open() {
    return this.list.matches(":popover-open");
  }

  /** The value of the choice that was taken, or null where the text was only typed. */
  value() {
    return this.#chosen && this.#chosen.label === this.input.value ? this.#chosen.value : null;
  }

  close() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    if (this.open) this.list.hidePopover();
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  async #ask() {
    this.#asked += 1;
    const asked = this.#asked;
    this.#show(el("div", { class: "suggestion nothing" }, t("loading")));
    let choices;
    try {
      choices = await this.complete();
    } catch {
      choices = [];
    }
    // Only the newest question's answer is of use.
    if (asked !== this.#asked || document.activeElement !== this.input) return;
    this.#choices = choices;
    if (!choices.length) {
      this.#show(el("div", { class: "suggestion nothing" }, t("no_suggestions")));
      return;
    }
    this.#show(choices.map((each) => this.#row(each)));
    this.#mark(0);
  }

  #show(rows) {
    fill(this.list, rows);
    if (!this.open) this.list.showPopover();
    place(this.list, this.input.getBoundingClientRect(), { wide: true });
    this.input.setAttribute("aria-expanded", "true");
  }

  #row(choice) {
    const row = el(
      "div",
      {
        class: "suggestion",
        role: "option",
        id: freshId("suggestion"),
        testid: "suggestion",
        data: { value: choice.value },
      },
      localized(choice),
    );
    row.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.#take(choice);
    });
    return row;
  }

  #mark(index) {
    this.#at = index;
    [...this.list.children].forEach((row, each) => row.setAttribute("aria-selected", String(each === index)));
    this.input.setAttribute("aria-activedescendant", this.list.children[index].id);
    this.list.children[index].scrollIntoView({ block: "nearest" });
  }

  #take(choice) {
    this.#chosen = { label: localized(choice), value: choice.value };
    this.input.value = this.#chosen.label;
    this.#choices = [];
    this.close();
  }

  #key(event) {
    if (!this.open || !this.#choices.length || event.isComposing) return;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" || event.key === "Tab") {
      this.#take(this.#choices[this.#at]);
      if (event.key === "Tab") return;
    } else {
      const next = stepped(event.key, this.#at, this.#choices.length);
      if (next === null || event.key === "Home" || event.key === "End") return;
      this.#mark(next);
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
