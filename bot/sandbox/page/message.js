// One message as an element: who, when, in answer to what, and all that it carries.

import { button, el, icon } from "./dom.js";
import { embed } from "./embeds.js";
import { clock, explain, fullMoment, moment, t } from "./i18n.js";
import { cornerOf, pointAt } from "./menu.js";
import { avatar } from "./people.js";
import { nameOf } from "./store.js";

const REPLY = 19;
const PREVIEW = 120;

export class MessageView {
  constructor({ store, actions, markdown, pictures, components, menu, toast, jump }) {
    Object.assign(this, { store, actions, markdown, pictures, components, menu, toast, jump });
  }

  /** Return a message's element. `grouped`: it follows one of the same author, so that the head is left out. */
  show(message, { grouped, editing, saved, left }) {
    const { store } = this;
    const name = nameOf(message.author);
    const ephemeral = message.visible_to !== null;
    const date = new Date(message.timestamp);
    const classes = ["message"];
    if (grouped) classes.push("grouped");
    if (ephemeral) classes.push("ephemeral");
    if (message.author.id === store.user.id) classes.push("mine");
    if (message.mentions?.some((each) => each.id === store.user.id) && message.author.id !== store.user.id)
      classes.push("calls-me");
    const node = el("article", {
      class: classes.join(" "),
      testid: "message",
      data: { messageId: message.id, author: message.author.username, loading: message.loading ? "true" : null },
      tabindex: "-1",
      "aria-label": `${name}, ${moment(date)}`,
    });
    const above = this.#above(message);
    if (above) node.append(above);
    node.append(
      grouped
        ? el("time", { class: "side-time", datetime: message.timestamp, title: fullMoment(date) }, clock(date))
        : this.#picture(message.author),
    );
    const body = el("div", { class: "body" });
    if (!grouped) body.append(this.#head(message, name, date));
    if (editing) body.append(editor(message, saved, left));
    else this.#fill(body, message, name);
    node.append(body, this.#tools(message));
    node.addEventListener("contextmenu", (event) => {
      // Text that is marked, links and pictures keep the browser's own menu.
      if (event.target.closest("a, textarea, .avatar-button") || !getSelection().isCollapsed) return;
      event.preventDefault();
      this.menu.openFor(message, event.clientX || event.clientY ? pointAt(event) : cornerOf(body));
    });
    return node;
  }

  #fill(body, message, name) {
    if (message.loading && !message.expired) {
      body.append(
        el(
          "div",
          { class: "thinking", testid: "thinking" },
          el("span", { class: "embers", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
          t("thinking", { name }),
        ),
      );
    }
    if (message.expired) body.append(failure(t("no_answer")));
    if (message.content) {
      const content = el(
        "div",
        { class: "md content", testid: "message-content" },
        this.markdown.show(message.content),
      );
      if (message.edited_timestamp) {
        const mark = el(
          "small",
          { class: "edited", title: fullMoment(new Date(message.edited_timestamp)) },
          ` (${t("edited")})`,
        );
        (content.lastElementChild?.tagName === "P" ? content.lastElementChild : content).append(mark);
      }
      body.append(content);
    }
    const used = new Set();
    const embeds = (message.embeds ?? []).map((each) => embed(each, message, this, used));
    const components = this.components.show(message, used);
    const attachments = this.pictures.attachments(message, used);
    for (const each of [attachments, ...embeds, components]) if (each) body.append(each);
    if (message.failed) body.append(failure(t("interaction_failed")));
    if (message.reactions?.length) body.append(this.#reactions(message));
    if (message.visible_to !== null) body.append(this.#private(message));
  }

  #userMenu(author) {
    const open = (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.menu.openForUser(author, event.currentTarget.getBoundingClientRect());
    };
    return { click: open, contextmenu: open };
  }

  #picture(author) {
    return button(
      {
        class: "avatar-button",
        tabindex: "-1",
        "aria-label": t("user_actions", { name: nameOf(author) }),
        "aria-haspopup": "menu",
        on: this.#userMenu(author),
      },
      avatar(author),
    );
  }

  #head(message, name, date) {
    return el(
      "header",
      { class: "head" },
      button(
        {
          class: "name",
          testid: "author",
          tabindex: "-1",
          title: t("user_actions", { name }),
          "aria-haspopup": "menu",
          on: this.#userMenu(message.author),
        },
        name,
      ),
      message.author.bot ? el("span", { class: "badge" }, t("bot")) : null,
      el("time", { datetime: message.timestamp, title: fullMoment(date) }, moment(date)),
    );
  }

  #above(message) {
    const metadata = message.interaction_metadata;
    // A further answer is a reply to the first: whose command it was stands there.
    const answers = metadata?.type === 2 && (message.type === 20 || message.type === 23);
    if (answers) {
      const command = this.actions.sent.get(metadata.id) ?? message.interaction?.name ?? metadata.name;
      return used(metadata.user, command ? (message.type === 20 ? `/${command}` : command) : "");
    }
    if (message.type !== REPLY) return null;
    const original = message.referenced_message;
    if (!original) return el("div", { class: "above" }, icon("reply"), el("em", {}, t("original_gone")));
    const text = this.markdown.plain(original.content).slice(0, PREVIEW) || t("file_message");
    return button(
      {
        class: "above",
        tabindex: "-1",
        title: t("replied_to", { name: nameOf(original.author) }),
        on: { click: () => this.jump(original.id) },
      },
      icon("reply"),
      avatar(original.author, "tiny"),
      el("span", { class: "hidden-but-read" }, t("replied_to", { name: "" })),
      el("b", {}, nameOf(original.author)),
      el("span", { class: "above-text" }, text),
    );
  }

  #tools(message) {
    const more = button(
      {
        class: "icon-button",
        testid: "message-menu",
        tabindex: "-1",
        title: t("actions"),
        "aria-label": t("actions"),
        "aria-haspopup": "menu",
      },
      icon("more"),
    );
    more.addEventListener("click", () => this.menu.openFor(message, more.getBoundingClientRect()));
    return el("div", { class: "tools" }, more);
  }

  #private(message) {
    const dismiss = button(
      {
        class: "text-button",
        testid: "dismiss",
        on: { click: () => this.actions.remove(message).catch((error) => this.toast(explain(error), "error")) },
      },
      t("dismiss"),
    );
    return el(
      "div",
      { class: "only-you", testid: "ephemeral" },
      icon("eye"),
      el("span", {}, t("only_you")),
      el("span", { "aria-hidden": "true" }, "·"),
      dismiss,
    );
  }

  #reactions(message) {
    const box = el("div", { class: "reactions" });
    for (const { emoji, count } of message.reactions) {
      const mine = this.store.reacted(message.id, emoji.name);
      const toggle = () =>
        this.actions.react(message, emoji.name, !mine).catch((error) => this.toast(explain(error), "error"));
      const label = `${t("react_with", { emoji: emoji.name })} (${count})`;
      box.append(
        button(
          {
            class: "reaction",
            "aria-pressed": String(mine),
            "aria-label": label,
            data: { focus: emoji.name },
            on: { click: toggle },
          },
          el("span", {}, emoji.name),
          String(count),
        ),
      );
    }
    return box;
  }

  /** Return the row of a command that was sent and not answered yet, or never will be. */
  pending({ id, user, label, command, failed }, channelId) {
    const bot = this.store.application.bot;
    const body = el(
      "div",
      { class: "body" },
      el(
        "header",
        { class: "head" },
        el("span", { class: "name" }, nameOf(bot)),
        el("span", { class: "badge" }, t("bot")),
      ),
    );
    if (failed) {
      const dismiss = button(
        { class: "text-button", testid: "dismiss", on: { click: () => this.actions.dismissPending(channelId, id) } },
        t("dismiss"),
      );
      body.append(
        failure(t("no_answer")),
        el(
          "div",
          { class: "only-you" },
          icon("eye"),
          el("span", {}, t("only_you")),
          el("span", { "aria-hidden": "true" }, "·"),
          dismiss,
        ),
      );
    } else {
      body.append(
        el(
          "div",
          { class: "thinking" },
          el("span", { class: "embers", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
          t("sending_command"),
        ),
      );
    }
    return el(
      "article",
      {
        class: "message ephemeral",
        testid: failed ? "failed-command" : "pending-command",
        tabindex: "-1",
        data: { interactionId: id },
      },
      used(user, label ?? command),
      el("span", { class: "avatar-button" }, avatar(bot)),
      body,
    );
  }
}

function used(user, command) {
  return el(
    "div",
    { class: "above used", testid: "used" },
    avatar(user, "tiny"),
    el("b", {}, nameOf(user)),
    ` ${t("used")} `,
    command ? el("code", { class: "used-command" }, command) : null,
  );
}

function failure(text) {
  return el("div", { class: "failure", testid: "failure" }, icon("warn"), text);
}

function editor(message, saved, left) {
  const area = el("textarea", { class: "edit-area", rows: "2", "aria-label": t("edit"), value: message.content });
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") left();
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      saved(area.value);
    }
  });
  requestAnimationFrame(() => area.focus());
  return el(
    "div",
    { class: "editor" },
    area,
    el(
      "div",
      { class: "editor-row" },
      button({ class: "btn btn-primary", on: { click: () => saved(area.value) } }, t("save")),
      button({ class: "text-button", on: { click: left } }, t("cancel")),
    ),
  );
}
