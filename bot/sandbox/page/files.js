// Files to send: chosen, dropped or pasted; checked against the limits, and shown before they go.

import { button, el, fill, icon } from "./dom.js";
import { fileSize, t } from "./i18n.js";

/** Return why a file may not be sent, or null. */
export function tooLarge(file, limits) {
  return file.size > limits.attachment_bytes
    ? t("file_too_large", { name: file.name, size: fileSize(limits.attachment_bytes) })
    : null;
}

/** Return the files that a drop or a paste brings. */
export function filesOf(transfer) {
  return [...(transfer?.files ?? [])];
}

/** Return a file as a small card, a picture with what it shows. */
export function card(file, removed) {
  const picture = el("span", { class: "card-picture" });
  if (/^image\/(?!svg)/.test(file.type)) {
    const url = URL.createObjectURL(file);
    const image = el("img", { src: url, alt: "" });
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.addEventListener("error", () => fill(picture, icon("file")), { once: true });
    picture.append(image);
  } else picture.append(icon("file"));
  const label = t("remove_file", { name: file.name });
  return el(
    "div",
    { class: "card", testid: "file-card" },
    picture,
    el("span", { class: "card-name" }, file.name),
    el("small", {}, fileSize(file.size)),
    button({ class: "icon-button small", "aria-label": label, title: label, on: { click: removed } }, icon("close")),
  );
}

/** The files that go with a message. */
export class Tray {
  files = [];

  constructor(store, failed) {
    this.store = store;
    this.failed = failed;
    this.node = el("div", { class: "tray", hidden: true });
  }

  add(files) {
    for (const file of files) {
      const { limits } = this.store;
      const problem =
        tooLarge(file, limits) ??
        (this.files.length >= limits.attachments ? t("too_many_files", { n: limits.attachments }) : null);
      if (problem) this.failed(problem);
      else this.files.push(file);
    }
    this.#draw();
  }

  clear() {
    this.files = [];
    this.#draw();
  }

  #draw() {
    this.node.hidden = this.files.length === 0;
    fill(
      this.node,
      this.files.map((file) =>
        card(file, () => {
          this.files = this.files.filter((each) => each !== file);
          this.#draw();
        }),
      ),
    );
  }
}
