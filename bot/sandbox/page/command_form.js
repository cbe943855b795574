// The form that the message box becomes when a command was chosen: one field for each option.

import { wrapped } from "./commands.js";
import { button, el, fill, freshId, icon } from "./dom.js";
import { localized, t } from "./i18n.js";
import { optionField } from "./option_fields.js";

const ATTACHMENT = 11;

export class CommandForm {
  #fields = new Map();

  /** `left()`: the person gives up; `sent()`: Enter was pressed in a field. `filled`: what stands in them at first. */
  constructor(entry, { store, actions, left, sent }, filled = new Map()) {
    Object.assign(this, { entry, store, actions, left, sent });
    const close = button(
      {
        class: "icon-button small",
        testid: "leave-command",
        "aria-label": t("leave_command"),
        title: t("leave_command"),
        on: { click: left },
      },
      icon("close"),
    );
    this.grid = el("div", { class: "fields" });
    this.more = el("div", { class: "more-options" });
    this.problem = el("div", { class: "form-problem", role: "alert", testid: "form-error" });
    this.node = el(
      "div",
      {
        class: "command-form",
        testid: "command-form",
        role: "group",
        "aria-label": `/${entry.shown}`,
        data: { command: entry.name },
      },
      el(
        "div",
        { class: "command-head" },
        el("b", { class: "command-name" }, `/${entry.shown}`),
        el("span", { class: "command-description" }, entry.description),
        close,
      ),
      this.grid,
      this.more,
      this.problem,
    );
    for (const option of entry.options)
      if (option.required || filled.has(option.name)) this.#add(option, filled.get(option.name));
    // A command that takes something opens with a field for it; one that stays empty is left out.
    if (!this.#fields.size && entry.options.length) this.#add(entry.options[0]);
    this.#drawMore();
    this.node.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Go to the first field that is still empty. */
  focus() {
    const all = [...this.#fields.values()];
    const empty = all.find(({ field }) => field.raw() === "");
    (empty ?? all[0])?.field.focus();
    if (!all.length) this.node.querySelector(".more-options button")?.focus();
  }

  get hasFields() {
    return this.#fields.size > 0;
  }

  /** Put a text into the first field. */
  begin(text) {
    const first = this.#fields.values().next().value;
    first?.field.set(text);
  }

  /** Return what was filled in, to fill it in again in another language. */
  filled() {
    return new Map([...this.#fields].map(([name, { field }]) => [name, field.file ?? field.raw()]));
  }

  /** Take a file that was dropped at a place, or pasted: for the option there, or one without a file. Tells whether. */
  takeFile(file, place = null) {
    const attached = [...this.#fields.values()].filter(({ option }) => option.type === ATTACHMENT);
    let target = attached.find(({ node }) => node.contains(place)) ?? attached.find(({ field }) => !field.file);
    if (!target) {
      const unused = this.entry.options.find((each) => each.type === ATTACHMENT && !this.#fields.has(each.name));
      if (unused) target = this.#add(unused);
      else target = attached.at(-1);
      this.#drawMore();
    }
    target?.field.take(file);
    return Boolean(target);
  }

  /** Return `{options, files}`, or null where something is wrong, which is then shown. */
  read() {
    const options = [];
    const files = [];
    let wrong = null;
    for (const entry of this.#fields.values()) {
      const { option, field } = entry;
      const { value, file, problem } = field.read();
      const missing = value === undefined && !file && !problem && option.required;
      this.#say(entry, problem ?? (missing ? t("is_required") : ""));
      if (problem || missing) wrong ??= entry;
      else if (file) options.push({ name: option.name, type: option.type, value: files.push(file) - 1 });
      else if (value !== undefined) options.push({ name: option.name, type: option.type, value });
    }
    wrong?.field.focus();
    return wrong ? null : { options: wrapped(this.entry, options), files };
  }

  /** Show what the server refused, at the option that it names. */
  refuse(message, path) {
    const entry = this.#fields.get(path?.split(".").at(-1));
    this.problem.textContent = entry ? "" : message;
    if (entry) {
      this.#say(entry, message);
      entry.field.focus();
    }
  }

  #add(option, value = undefined) {
    const id = freshId("field");
    const field = optionField(option, this.store, id, () => this.#complete(option));
    const error = el("div", { class: "field-error", id: `${id}-error`, role: "alert" });
    // A description that says nothing is what libraries put where none was given.
    const about = localized(option, "description");
    const hint = el("div", { class: "field-hint", id: `${id}-hint` }, about === "…" ? "" : about);
    field.focusable.setAttribute("aria-describedby", `${hint.id} ${error.id}`);
    if (option.required) field.focusable.setAttribute("aria-required", "true");
    const name = localized(option);
    const label = el(
      "div",
      { class: "field-label" },
      el("label", { for: id }, name),
      option.required ? el("span", { class: "field-required" }, t("required")) : null,
    );
    if (!option.required) {
      const text = t("remove_option", { name });
      label.append(
        button(
          { class: "icon-button tiny", "aria-label": text, title: text, on: { click: () => this.#remove(option) } },
          icon("close"),
        ),
      );
    }
    const node = el(
      "div",
      { class: field.wide ? "option wide" : "option", data: { option: option.name } },
      label,
      field.node,
      hint,
      error,
    );
    if (value instanceof File) field.take?.(value);
    else if (value !== undefined) field.set(value);
    const entry = { option, field, node, error };
    for (const event of ["input", "change"]) node.addEventListener(event, () => this.#say(entry, ""));
    this.#fields.set(option.name, entry);
    this.grid.append(node);
    return entry;
  }

  #remove(option) {
    this.#fields.get(option.name).node.remove();
    this.#fields.delete(option.name);
    this.#drawMore();
    this.focus();
  }

  #drawMore() {
    const left = this.entry.options.filter((each) => !this.#fields.has(each.name));
    this.more.hidden = left.length === 0;
    fill(
      this.more,
      left.map((option) => {
        const name = localized(option);
        const add = () => {
          const { field } = this.#add(option);
          this.#drawMore();
          field.focus();
        };
        return button(
          {
            class: "chip",
            testid: "add-option",
            data: { option: option.name },
            title: localized(option, "description"),
            "aria-label": t("add_option", { name }),
            on: { click: add },
          },
          icon("plus"),
          name,
        );
      }),
    );
  }

  #say({ field, error, node }, text) {
    error.textContent = text;
    node.classList.toggle("wrong", Boolean(text));
    field.focusable.setAttribute("aria-invalid", String(Boolean(text)));
  }

  #key(event) {
    if (event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape") {
      event.preventDefault();
      this.left();
    } else if (event.key === "Enter" && !event.shiftKey && event.target.matches(".field")) {
      event.preventDefault();
      this.sent();
    }
  }

  // What stands in the other options goes along, so that the bot can suggest what fits them.
  async #complete(option) {
    const options = [];
    for (const { option: each, field } of this.#fields.values()) {
      if (each.name === option.name)
        options.push({ name: each.name, type: each.type, value: String(field.raw()), focused: true });
      else if (each.type !== ATTACHMENT) {
        const { value } = field.read();
        if (value !== undefined) options.push({ name: each.name, type: each.type, value });
      }
    }
    return this.actions.complete(this.entry.command, wrapped(this.entry, options));
  }
}
