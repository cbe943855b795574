// Attached files: pictures, audio and video in place, other files as links; and the view that enlarges a picture.

import { button, el, icon } from "./dom.js";
import { fileSize, t } from "./i18n.js";

const SHOWN = /^image\/(?!svg)/;
const MAX_WIDTH = 520;
const MAX_HEIGHT = 340;

export class Pictures {
  /** `expired()` is called when a picture cannot be read: its signed address may be over. */
  constructor(expired) {
    this.expired = expired;
  }

  /** Return the attachments that no embed or component shows already, or null. */
  attachments(message, used) {
    const left = message.attachments.filter((each) => !used.has(each.id));
    if (!left.length) return null;
    const pictures = left.filter((each) => SHOWN.test(each.content_type ?? ""));
    const others = left.filter((each) => !pictures.includes(each));
    return el(
      "div",
      { class: "attachments" },
      pictures.length
        ? el(
            "div",
            { class: pictures.length > 1 ? "gallery" : "single" },
            pictures.map((each) => this.#attached(each)),
          )
        : null,
      others.map((each) => file(each)),
    );
  }

  #attached(attachment) {
    const picture = this.picture(attachment.url, {
      alt: attachment.description || attachment.filename,
      width: attachment.width,
      height: attachment.height,
    });
    return attachment.filename.startsWith("SPOILER_") ? spoiled(picture) : picture;
  }

  /** Return a picture that can be enlarged; one of another site, which the page may not load, becomes a link. */
  picture(url, { alt = "", width = null, height = null, thumbnail = false } = {}) {
    if (!ours(url)) return outside(url);
    const image = el("img", { src: url, alt: alt || t("picture"), width, height, decoding: "async" });
    const [most, high] = thumbnail ? [84, 84] : [MAX_WIDTH, MAX_HEIGHT];
    if (width && height) image.style.width = `${Math.round(Math.min(width, most, (high * width) / height))}px`;
    image.addEventListener("error", () => this.expired(), { once: true });
    return button(
      {
        class: thumbnail ? "picture picture-thumb" : "picture",
        "aria-label": t("zoom", { name: alt || t("picture") }),
        on: { click: () => enlarge(url, alt) },
      },
      image,
    );
  }
}

/** Tell whether an address is of the sandbox itself. */
function ours(url) {
  return URL.canParse(url, location.href) && new URL(url, location.href).origin === location.origin;
}

function outside(url) {
  if (!/^https?:/.test(url ?? "")) return null;
  return el(
    "a",
    { class: "outside", href: url, target: "_blank", rel: "noopener noreferrer nofollow" },
    icon("out"),
    t("outside_picture"),
  );
}

/** Return an attached file: sound and film to play, anything else to save. */
export function file(attachment) {
  const kind = attachment.content_type ?? "";
  if (kind.startsWith("audio/"))
    return el("audio", { class: "media", controls: true, preload: "metadata", src: attachment.url });
  if (kind.startsWith("video/"))
    return el("video", { class: "media", controls: true, preload: "metadata", src: attachment.url });
  return el(
    "a",
    {
      class: "file",
      href: attachment.url,
      download: attachment.filename,
      title: t("download", { name: attachment.filename }),
    },
    icon("file"),
    el("span", { class: "file-name" }, attachment.filename),
    attachment.size ? el("span", { class: "file-size" }, fileSize(attachment.size)) : null,
  );
}

/** Cover something until it is asked for. */
export function spoiled(node) {
  const cover = button(
    { class: "cover", "aria-label": t("spoiler"), on: { click: () => cover.parentElement.classList.add("revealed") } },
    icon("eye"),
  );
  return el("div", { class: "covered" }, node, cover);
}

function enlarge(url, alt) {
  const close = button(
    { class: "icon-button", "aria-label": t("close"), title: t("close"), on: { click: () => dialog.close() } },
    icon("close"),
  );
  const original = el(
    "a",
    {
      class: "icon-button",
      href: url,
      target: "_blank",
      rel: "noopener",
      "aria-label": t("open_original"),
      title: t("open_original"),
    },
    icon("out"),
  );
  const image = el("img", { src: url, alt: alt || t("picture") });
  const dialog = el(
    "dialog",
    { class: "lightbox", testid: "lightbox", "aria-label": alt || t("picture") },
    image,
    el("div", { class: "lightbox-tools" }, el("span", {}, alt), original, close),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === image) dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
