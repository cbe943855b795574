// Embeds: a card with a colour bar, title, description, fields, pictures and footer.

import { el } from "./dom.js";
import { moment } from "./i18n.js";

/** Return an embed. `used` gathers the ids of the attachments that it shows. */
export function embed(data, message, { markdown, pictures }, used) {
  const card = el("article", { class: "embed", testid: "embed" });
  if (data.color !== null && data.color !== undefined) {
    card.style.setProperty("--bar", `#${data.color.toString(16).padStart(6, "0")}`);
  }
  const picture = (part, options) => {
    if (!part?.url) return null;
    const attachment = attachmentOf(part.url, message);
    if (attachment) used.add(attachment.id);
    const alt = part.description || attachment?.description || data.title || attachment?.filename || "";
    return pictures.picture(attachment?.url ?? part.url, {
      alt,
      width: part.width ?? attachment?.width,
      height: part.height ?? attachment?.height,
      ...options,
    });
  };
  const thumbnail = picture(data.thumbnail, { thumbnail: true });
  if (thumbnail) card.classList.add("with-thumbnail");
  const body = el("div", { class: "embed-body" });
  if (data.author?.name) body.append(el("div", { class: "embed-author" }, linked(data.author.url, [data.author.name])));
  if (data.title) {
    body.append(
      el(
        "div",
        { class: "embed-title", testid: "embed-title" },
        linked(data.url, markdown.show(data.title, { inlineOnly: true })),
      ),
    );
  }
  if (data.description)
    body.append(
      el("div", { class: "embed-description md", testid: "embed-description" }, markdown.show(data.description)),
    );
  if (data.fields?.length) body.append(fields(data.fields, markdown));
  card.append(body);
  if (thumbnail) card.append(el("div", { class: "embed-thumbnail" }, thumbnail));
  const image = picture(data.image);
  if (image) card.append(el("div", { class: "embed-image" }, image));
  const footer = [data.footer?.text, data.timestamp ? moment(new Date(data.timestamp)) : null]
    .filter(Boolean)
    .join(" · ");
  if (footer) card.append(el("footer", { class: "embed-footer" }, footer));
  return card;
}

function fields(all, markdown) {
  const grid = el("dl", { class: "embed-fields" });
  for (const field of all) {
    grid.append(
      el(
        "div",
        { class: field.inline ? "embed-field inline" : "embed-field", testid: "embed-field" },
        el("dt", {}, markdown.show(field.name, { inlineOnly: true })),
        el("dd", { class: "md" }, markdown.show(field.value)),
      ),
    );
  }
  return grid;
}

function linked(url, children) {
  if (!/^https?:\/\//.test(url ?? "")) return children;
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, children);
}

/** Return the attachment of the message that an address means, by `attachment://NAME` or by its own address. */
export function attachmentOf(url, message) {
  if (url.startsWith("attachment://")) {
    const name = url.slice("attachment://".length);
    return message.attachments.find((each) => each.filename === name) ?? null;
  }
  const plain = url.split("?")[0];
  return message.attachments.find((each) => each.url.split("?")[0] === plain) ?? null;
}
