// The inputs of a modal. Each is `{node, input, read()}`; `read` returns `{answer, problem}` and puts files into `files`.

import { el, fill, growing } from "./dom.js";
import { card, tooLarge } from "./files.js";
import { t } from "./i18n.js";
import { selectOptions } from "./components.js";
import { selectMenu } from "./select.js";

const MOST_CHARACTERS = 4000;
const PARAGRAPH = 2;

/** Return the input of a component, or null for a type that has none. */
export function modalInput(component, id, label, store) {
  switch (component.type) {
    case 4:
      return textInput(component, id);
    case 3:
    case 5:
    case 6:
    case 7:
    case 8:
      return select(component, label, store);
    case 19:
      return upload(component, id, store);
    case 21:
      return choices(component, id, "radio");
    case 22:
      return choices(component, id, "checkbox");
    case 23:
      return checkbox(component, id, label);
    default:
      return null;
  }
}

function textInput(component, id) {
  const max = component.max_length ?? MOST_CHARACTERS;
  const min = component.min_length ?? 0;
  const common = {
    id,
    class: "field",
    testid: `modal-input-${component.custom_id}`,
    placeholder: component.placeholder,
    maxlength: max,
    required: component.required,
    value: component.value ?? "",
    autocomplete: "off",
  };
  const long = component.style === PARAGRAPH;
  const input = long ? el("textarea", { ...common, rows: "4" }) : el("input", { ...common, type: "text" });
  if (long) growing(input);
  const counter = el("span", { class: "counter" });
  const count = () => {
    const n = [...input.value].length;
    counter.textContent = component.max_length || n > max * 0.75 ? t("count", { n, max }) : "";
    counter.classList.toggle("over", n > 0 && n < min);
  };
  input.addEventListener("input", count);
  count();
  return {
    node: el("div", { class: "field-box" }, input, counter),
    input,
    read() {
      const n = [...input.value].length;
      let problem = null;
      if (component.required && !n) problem = t("is_required");
      else if (n && n < min) problem = t("too_short", { n: min });
      else if (n > max) problem = t("too_long", { n: max });
      return { problem, answer: { custom_id: component.custom_id, value: input.value } };
    },
  };
}

function select(component, label, store) {
  const options = selectOptions(component, store);
  let values = options.filter((each) => each.default).map((each) => each.value);
  const input = selectMenu({
    options,
    min: component.required === false ? 0 : component.min_values,
    max: component.max_values,
    placeholder: component.placeholder,
    label,
    customId: component.custom_id,
    changed: (chosen) => {
      values = chosen;
    },
  });
  input.dataset.testid = `modal-input-${component.custom_id}`;
  return {
    // The list that the button opens is put beside it.
    node: el("div", { class: "field-box" }, input),
    input,
    read: () => ({
      problem:
        component.required !== false && values.length < Math.max(1, component.min_values) ? t("is_required") : null,
      answer: { custom_id: component.custom_id, values },
    }),
  };
}

function upload(component, id, store) {
  const most = component.max_values ?? 1;
  const input = el("input", {
    id,
    type: "file",
    multiple: most > 1,
    class: "file-input",
    testid: `modal-input-${component.custom_id}`,
  });
  const shown = el("div", { class: "drop-inside" });
  const node = el("label", { class: "drop", for: id }, input, shown);
  let chosen = [];
  const draw = () =>
    fill(
      shown,
      chosen.length
        ? chosen.map((file) =>
            card(file, (event) => {
              event.preventDefault();
              chosen = chosen.filter((each) => each !== file);
              draw();
            }),
          )
        : t("drop_or_choose"),
    );
  const take = (files) => {
    chosen = [...(most > 1 ? chosen : []), ...files].slice(0, most);
    draw();
  };
  input.addEventListener("change", () => take(input.files));
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
  draw();
  return {
    node,
    input,
    read(files) {
      const large = chosen.map((file) => tooLarge(file, store.limits)).find(Boolean);
      const problem = large ?? (component.required !== false && !chosen.length ? t("is_required") : null);
      return {
        problem,
        answer: { custom_id: component.custom_id, values: chosen.map((file) => files.push(file) - 1) },
      };
    },
  };
}

function choices(component, id, type) {
  const boxes = component.options.map((each, index) => {
    const box = el("input", {
      type,
      id: index ? `${id}-${index}` : id,
      name: id,
      checked: Boolean(each.default),
      data: { value: each.value },
    });
    return {
      box,
      node: el(
        "label",
        { class: "choice" },
        box,
        el("span", {}, each.label, each.description ? el("small", {}, each.description) : null),
      ),
    };
  });
  const picked = () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.dataset.value);
  const node = el(
    "div",
    { class: "choices", role: type === "radio" ? "radiogroup" : "group", testid: `modal-input-${component.custom_id}` },
    boxes.map((each) => each.node),
  );
  return {
    node,
    input: boxes[0].box,
    read() {
      const values = picked();
      const low = component.required === false ? 0 : (component.min_values ?? 1);
      const high = component.max_values ?? boxes.length;
      const answer =
        type === "radio"
          ? { custom_id: component.custom_id, value: values[0] ?? null }
          : { custom_id: component.custom_id, values };
      if (values.length < low) return { problem: t("is_required"), answer };
      return { problem: values.length > high ? t("choose_some", { low, high }) : null, answer };
    },
  };
}

function checkbox(component, id, label) {
  const input = el("input", {
    type: "checkbox",
    id,
    checked: Boolean(component.default),
    testid: `modal-input-${component.custom_id}`,
    "aria-label": label,
  });
  return {
    node: el("div", { class: "choices" }, input),
    input,
    read: () => ({ problem: null, answer: { custom_id: component.custom_id, value: input.checked } }),
  };
}
