// A form that the bot asks to be filled in, as a dialog over the page.

import { button, el, freshId, icon } from "./dom.js";
import { explain, t } from "./i18n.js";
import { modalInput } from "./modal_inputs.js";

/** Show a modal; it closes once the bot has answered, or when the person leaves it. */
export function openModal(modal, { store, actions, markdown }) {
  for (const open of document.querySelectorAll("dialog.modal")) open.close();
  const titleId = freshId("modal");
  const close = button(
    { class: "icon-button", "aria-label": t("close"), title: t("close"), on: { click: () => dialog.close() } },
    icon("close"),
  );
  const problem = el("div", { class: "form-problem", role: "alert", testid: "modal-error" });
  const submit = el("button", { type: "submit", class: "btn btn-primary", testid: "modal-submit" }, t("submit"));
  const cancel = button(
    { class: "btn btn-secondary", testid: "modal-cancel", on: { click: () => dialog.close() } },
    t("cancel"),
  );
  const fields = [];
  const rows = modal.components.map((each) => row(each));
  const form = el(
    "form",
    { novalidate: true },
    el("header", { class: "modal-head" }, el("h2", { id: titleId }, modal.title), close),
    el("div", { class: "modal-body" }, rows, problem),
    el("footer", { class: "modal-foot" }, cancel, submit),
  );
  const dialog = el("dialog", { class: "modal", testid: "modal", "aria-labelledby": titleId }, form);

  function row(data) {
    if (data.type === 10) return el("div", { class: "md" }, markdown.show(data.content));
    if (data.type === 1) return data.components.map((each) => field(each, each.label ?? each.custom_id, null));
    return field(data.component, data.label, data.description);
  }

  function field(component, label, description) {
    const id = freshId("input");
    const made = modalInput(component, id, label, store);
    if (!made) return null;
    const error = el("div", { class: "field-error", id: `${id}-error`, role: "alert" });
    const hint = description ? el("div", { class: "field-hint", id: `${id}-hint` }, description) : null;
    made.input.setAttribute("aria-describedby", hint ? `${hint.id} ${error.id}` : error.id);
    const needed = component.required !== false && component.type !== 23;
    const node = el(
      "div",
      { class: "option wide" },
      el(
        "div",
        { class: "field-label" },
        el("label", { for: id }, label),
        needed ? el("span", { class: "field-required" }, t("required")) : null,
      ),
      hint,
      made.node,
      error,
    );
    fields.push({ ...made, node, error, customId: component.custom_id });
    return node;
  }

  // What was wrong is said again only when the form is sent again.
  form.addEventListener("input", (event) => heard(event.target));
  form.addEventListener("change", (event) => heard(event.target));

  function heard(target) {
    const at = fields.find((each) => each.node.contains(target));
    if (at) say(at, null);
  }

  function say({ node, input, error }, text) {
    error.textContent = text ?? "";
    node.classList.toggle("wrong", Boolean(text));
    input.setAttribute("aria-invalid", String(Boolean(text)));
  }

  form.addEventListener("submit", async (event) => {
    // The dialog stays until the bot has answered; `form-action 'none'` forbids a real submission anyway.
    event.preventDefault();
    if (submit.disabled) return;
    const files = [];
    const answers = [];
    let wrong = null;
    for (const each of fields) {
      const { problem: found, answer } = each.read(files);
      say(each, found);
      if (found) wrong ??= each;
      answers.push(answer);
    }
    problem.textContent = "";
    if (wrong) {
      wrong.input.focus();
      return;
    }
    submit.disabled = true;
    submit.classList.add("busy");
    try {
      if (await actions.submit(modal, answers, files)) dialog.close();
      else problem.textContent = t("no_answer");
    } catch (error) {
      const at = fields.find((each) => error.field?.endsWith(`.${each.customId}`));
      if (at) say(at, explain(error));
      else problem.textContent = explain(error);
    } finally {
      submit.disabled = false;
      submit.classList.remove("busy");
    }
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  fields[0]?.input.focus();
}
