// One input for each type of a command's option. Each offers `node`, `focus()`, `set(text)`, `read()` and `focusable`;
// `read` returns `{value}`, `{file}`, `{}` where nothing was filled in, or `{problem}`.

import { el, fill, growing } from "./dom.js";
import { card, tooLarge } from "./files.js";
import { localized, t } from "./i18n.js";
import { nameOf, roleName } from "./store.js";
import { Suggestions } from "./suggestions.js";

const STRING = 3;
const INTEGER = 4;
const BOOLEAN = 5;
const USER = 6;
const CHANNEL = 7;
const ROLE = 8;
const MENTIONABLE = 9;
const NUMBER = 10;
const ATTACHMENT = 11;
const MOST_CHARACTERS = 6000;

/** Return the field of an option. `complete()` asks the bot for suggestions while this option is typed. */
export function optionField(option, store, id, complete) {
  switch (option.type) {
    case ATTACHMENT:
      return new FileField(option, store, id);
    case BOOLEAN:
      return new ChoiceField(option, id, [
        { label: t("yes"), value: true },
        { label: t("no"), value: false },
      ]);
    case USER:
    case CHANNEL:
    case ROLE:
    case MENTIONABLE:
      return new ChoiceField(option, id, known(option, store));
    default:
      if (option.choices?.length) {
        return new ChoiceField(
          option,
          id,
          option.choices.map((each) => ({ label: localized(each), value: each.value })),
        );
      }
      return new TextField(option, id, complete);
  }
}

function known(option, store) {
  const users = [...store.users, store.application.bot].map((each) => ({ label: `@${nameOf(each)}`, value: each.id }));
  const roles = store.roles.map((each) => ({ label: roleName(each), value: each.id }));
  const types = option.channel_types;
  const channels = store
    .visibleChannels()
    .filter((each) => each.type !== 1 && (!types?.length || types.includes(each.type)));
  switch (option.type) {
    case USER:
      return users;
    case ROLE:
      return roles;
    case MENTIONABLE:
      return [...users, ...roles];
    default:
      return channels.map((each) => ({ label: `#${each.name}`, value: each.id }));
  }
}

/** Text and numbers; a text grows with its lines. */
class TextField {
  constructor(option, id, complete) {
    this.option = option;
    const numeric = option.type !== STRING;
    const common = {
      id,
      class: "field",
      testid: `option-${option.name}`,
      autocomplete: "off",
      spellcheck: numeric ? "false" : null,
    };
    if (numeric || option.autocomplete) {
      this.input = el("input", {
        ...common,
        type: "text",
        inputmode: option.type === INTEGER ? "numeric" : numeric ? "decimal" : null,
      });
      this.fit = () => {};
    } else {
      this.input = el("textarea", { ...common, rows: "1" });
      this.fit = growing(this.input);
    }
    this.counter = el("span", { class: "counter", "aria-hidden": "true" });
    this.input.addEventListener("input", () => this.#count());
    this.node = el("div", { class: "field-box" }, this.input, this.counter);
    if (option.autocomplete) this.suggestions = new Suggestions(this.input, this.node, complete);
    this.wide = option.type === STRING && !option.autocomplete;
    this.focusable = this.input;
  }

  focus() {
    this.input.focus();
  }

  set(text) {
    this.input.value = text;
    this.fit();
    this.#count();
  }

  raw() {
    const text = this.suggestions?.value() ?? this.input.value;
    return text;
  }

  read() {
    const { option } = this;
    const value = this.raw();
    if (value === "") return {};
    return option.type === STRING ? text(String(value), option) : number(value, option);
  }

  #count() {
    const { max_length: max } = this.option;
    const length = this.input.value.length;
    this.counter.textContent = max && length > max * 0.75 ? t("count", { n: length, max }) : "";
    this.counter.classList.toggle("over", length > max);
  }
}

function text(value, { min_length: min = 0, max_length: max = MOST_CHARACTERS }) {
  const length = [...value].length;
  if (length < min) return { problem: t("too_short", { n: min }) };
  return length > max ? { problem: t("too_long", { n: max }) } : { value };
}

function number(given, { type, min_value: min, max_value: max }) {
  const value = typeof given === "number" ? given : Number(String(given).trim().replace(",", "."));
  if (type === INTEGER && !Number.isSafeInteger(value)) return { problem: t("not_whole") };
  if (type === NUMBER && !Number.isFinite(value)) return { problem: t("not_number") };
  if (min !== undefined && value < min) return { problem: t("at_least", { n: min }) };
  return max !== undefined && value > max ? { problem: t("at_most", { n: max }) } : { value };
}

/** One of several: true or false, people, channels, roles, or what the command offers. */
class ChoiceField {
  constructor(option, id, choices) {
    this.choices = choices;
    const rows = choices.map((each, index) => el("option", { value: String(each.value), data: { index } }, each.label));
    this.input = el(
      "select",
      { id, class: "field", testid: `option-${option.name}` },
      el("option", { value: "" }, t("choose")),
      rows,
    );
    this.input.value = "";
    this.node = el("div", { class: "field-box field-select" }, this.input);
    this.wide = false;
    this.focusable = this.input;
  }

  focus() {
    this.input.focus();
  }

  /** Choose by what is shown or by the value. */
  set(text) {
    const wanted = String(text).trim().toLowerCase();
    const index = this.choices.findIndex((each) =>
      [each.label, String(each.value)].some((word) => word.toLowerCase() === wanted),
    );
    if (index >= 0) this.input.selectedIndex = index + 1;
  }

  raw() {
    return this.read().value ?? "";
  }

  read() {
    const index = this.input.selectedIndex - 1;
    return index < 0 ? {} : { value: this.choices[index].value };
  }
}

/** A file: chosen, dropped or pasted. */
class FileField {
  constructor(option, store, id) {
    this.store = store;
    this.file = null;
    this.input = el("input", { id, type: "file", class: "file-input", testid: `option-${option.name}` });
    this.shown = el("div", { class: "drop-inside" });
    this.node = el("label", { class: "drop", for: id }, this.input, this.shown);
    this.input.addEventListener("change", () => this.take(this.input.files[0] ?? null));
    for (const name of ["dragenter", "dragover"])
      this.node.addEventListener(name, () => this.node.classList.add("over"));
    for (const name of ["dragleave", "drop"])
      this.node.addEventListener(name, () => this.node.classList.remove("over"));
    this.wide = true;
    this.focusable = this.input;
    this.#draw();
  }

  focus() {
    this.input.focus();
  }

  set() {
    // A file cannot be typed.
  }

  take(file) {
    this.file = file;
    this.#draw();
  }

  raw() {
    return "";
  }

  read() {
    if (!this.file) return {};
    const problem = tooLarge(this.file, this.store.limits);
    return problem ? { problem } : { file: this.file };
  }

  #draw() {
    if (!this.file) {
      fill(this.shown, t("drop_or_choose"));
      return;
    }
    const removed = (event) => {
      event.preventDefault();
      this.input.value = "";
      this.take(null);
      this.focus();
    };
    fill(this.shown, card(this.file, removed));
  }
}
