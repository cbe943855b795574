// Message components: rows of buttons and selects, and the layouts of "components V2".

import { button, el, icon } from "./dom.js";
import { explain, localized } from "./i18n.js";
import { attachmentOf } from "./embeds.js";
import { file, spoiled } from "./pictures.js";
import { emoji, selectMenu } from "./select.js";
import { nameOf, roleName } from "./store.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link", 6: "secondary" };

export class Components {
  constructor({ store, actions, markdown, pictures, toast }) {
    this.store = store;
    this.actions = actions;
    this.markdown = markdown;
    this.pictures = pictures;
    this.toast = toast;
  }

  /** Return a message's components. `used` gathers the ids of the attachments that they show. */
  show(message, used) {
    if (!message.components?.length) return null;
    return el(
      "div",
      { class: "components" },
      message.components.map((each) => this.#component(each, message, used)),
    );
  }

  #component(data, message, used) {
    const inside = (children) => (children ?? []).map((each) => this.#component(each, message, used));
    switch (data.type) {
      case 1:
        return el("div", { class: "row" }, inside(data.components));
      case 2:
        return this.#button(data, message);
      case 3:
      case 5:
      case 6:
      case 7:
      case 8:
        return this.#select(data, message);
      case 9:
        return el(
          "div",
          { class: "section" },
          el("div", { class: "section-text" }, inside(data.components)),
          this.#component(data.accessory, message, used),
        );
      case 10:
        return el("div", { class: "md", testid: "message-content" }, this.markdown.show(data.content));
      case 11:
        return this.#media(data.media, data, message, used, { thumbnail: true });
      case 12:
        return el(
          "div",
          { class: data.items.length > 1 ? "gallery" : "single" },
          data.items.map((each) => this.#media(each.media, each, message, used)),
        );
      case 13:
        return this.#file(data, message, used);
      case 14:
        return el("hr", { class: `separator spacing-${data.spacing} ${data.divider ? "" : "no-line"}` });
      case 17:
        return this.#container(data, inside(data.components));
      default:
        return null;
    }
  }

  #container(data, children) {
    const box = el("div", { class: "container" }, children);
    if (data.accent_color !== null)
      box.style.setProperty("--bar", `#${data.accent_color.toString(16).padStart(6, "0")}`);
    return data.spoiler ? spoiled(box) : box;
  }

  #media(media, data, message, used, options = {}) {
    const attachment = attachmentOf(media.url, message);
    if (attachment) used.add(attachment.id);
    const picture = this.pictures.picture(attachment?.url ?? media.url, {
      alt: data.description || attachment?.description || attachment?.filename || "",
      width: media.width ?? attachment?.width,
      height: media.height ?? attachment?.height,
      ...options,
    });
    return data.spoiler && picture ? spoiled(picture) : picture;
  }

  #file(data, message, used) {
    const attachment = attachmentOf(data.file.url, message);
    if (attachment) used.add(attachment.id);
    const name = data.name ?? decodeURIComponent(data.file.url.split("?")[0].split("/").at(-1));
    const shown = file(
      attachment ?? { url: data.file.url, filename: name, size: data.size ?? null, content_type: data.file.content_type },
    );
    return data.spoiler ? spoiled(shown) : shown;
  }

  #button(data, message) {
    const label = data.label ?? "";
    const props = {
      class: `btn btn-${STYLES[data.style]}`,
      testid: "button",
      data: { label, customId: data.custom_id ?? null, focus: data.custom_id ?? data.url },
    };
    const spoken = label ? {} : { "aria-label": data.emoji?.name };
    if (data.style === 5) {
      if (data.disabled || !/^https?:\/\//.test(data.url))
        return button({ ...props, ...spoken, disabled: true }, emoji(data.emoji), label, icon("out"));
      return el(
        "a",
        { ...props, ...spoken, href: data.url, target: "_blank", rel: "noopener noreferrer nofollow" },
        emoji(data.emoji),
        label,
        icon("out"),
      );
    }
    const node = button(
      { ...props, ...spoken, disabled: Boolean(data.disabled) },
      emoji(data.emoji),
      label ? el("span", {}, label) : null,
    );
    node.addEventListener("click", () => this.#use(node, message, data));
    return node;
  }

  #select(data, message) {
    return selectMenu({
      options: selectOptions(data, this.store),
      min: data.min_values,
      max: data.max_values,
      placeholder: data.placeholder,
      customId: data.custom_id,
      disabled: Boolean(data.disabled) || message.loading,
      changed: (values) => this.#use(null, message, data, values),
    });
  }

  async #use(node, message, data, values) {
    const box = document.querySelector(`[data-message-id="${message.id}"] .components`);
    if (box?.getAttribute("aria-busy") === "true") return;
    box?.setAttribute("aria-busy", "true");
    node?.classList.add("busy");
    if (message.failed) this.store.note(message.channel_id, message.id, { failed: false });
    try {
      const answered = await this.actions.press(message, data, values);
      if (!answered) this.store.note(message.channel_id, message.id, { failed: true });
    } catch (error) {
      this.toast(explain(error), "error");
    } finally {
      box?.removeAttribute("aria-busy");
      node?.classList.remove("busy");
    }
  }
}

/** Return the options of a select of any type: given by the bot, or the people, roles and channels there are. */
export function selectOptions(data, store) {
  const chosen = new Set((data.default_values ?? []).map((each) => each.id));
  const of = (id, label, description) => ({ value: id, label, description, default: chosen.has(id) });
  const users = [...store.users, store.application.bot].map((each) => of(each.id, nameOf(each), each.username));
  const roles = store.roles.map((each) => of(each.id, roleName(each)));
  const types = data.channel_types;
  switch (data.type) {
    case 5:
      return users;
    case 6:
      return roles;
    case 7:
      return [...users, ...roles];
    case 8:
      return store
        .visibleChannels()
        .filter((each) => each.type !== 1 && (!types?.length || types.includes(each.type)))
        .map((each) => of(each.id, `#${each.name}`));
    default:
      return (data.options ?? []).map((each) => ({ ...each, label: localized(each, "label") }));
  }
}
