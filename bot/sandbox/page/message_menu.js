// What can be done with a message or a person: the bot's menu commands, and what a chat offers by itself.

import { button, el } from "./dom.js";
import { explain, localized, t } from "./i18n.js";
import { openMenu } from "./menu.js";
import { nameOf } from "./store.js";

const QUICK = ["👍", "👎", "❤️", "🔥", "🎉", "😂"];
const USER_MENU = 2;
const MESSAGE_MENU = 3;

export class MessageMenu {
  /** `reply(message)` and `edit(message)` are what the composer and the stream do. */
  constructor({ store, actions, toast, reply, edit }) {
    Object.assign(this, { store, actions, toast, reply, edit });
  }

  openFor(message, rectangle) {
    const { store, actions } = this;
    const own = message.author.id === store.user.id;
    const ephemeral = message.visible_to !== null;
    const open = [];
    if (!ephemeral) open.push({ node: this.#reactions(message) });
    if (!ephemeral) open.push({ label: t("reply"), icon: "reply", run: () => this.reply(message) });
    if (message.content) open.push({ label: t("copy_text"), icon: "copy", run: () => this.#copy(message.content) });
    open.push({ label: t("copy_id"), icon: "copy", run: () => this.#copy(message.id) });
    if (own) open.push({ label: t("edit"), icon: "pencil", run: () => this.edit(message) });
    if (ephemeral) open.push({ label: t("dismiss"), icon: "close", run: () => this.#try(actions.remove(message)) });
    else if (own)
      open.push({ label: t("delete"), icon: "trash", danger: true, run: () => this.#try(actions.remove(message)) });
    const groups = [
      { title: t("apps"), items: ephemeral ? [] : this.#commands(MESSAGE_MENU, message.id) },
      { items: open },
    ];
    openMenu(groups, rectangle, t("actions"));
  }

  openForUser(user, rectangle) {
    const items = this.#commands(USER_MENU, user.id);
    const own = [{ label: t("copy_id"), icon: "copy", run: () => this.#copy(user.id) }];
    openMenu([{ title: t("apps"), items }, { items: own }], rectangle, t("user_actions", { name: nameOf(user) }));
  }

  #commands(type, targetId) {
    return this.store.usable(type).map((command) => ({
      label: localized(command),
      icon: "bolt",
      command: command.name,
      run: () => this.#try(this.actions.menu(command, targetId)),
    }));
  }

  #reactions(message) {
    const box = el("div", { class: "menu-reactions" });
    for (const emoji of QUICK) {
      const mine = this.store.reacted(message.id, emoji);
      const react = () => {
        box.closest(".menu").hidePopover();
        this.#try(this.actions.react(message, emoji, !mine));
      };
      box.append(
        button(
          { role: "menuitem", tabindex: "-1", "aria-label": t("react_with", { emoji }), on: { click: react } },
          emoji,
        ),
      );
    }
    return box;
  }

  async #copy(text) {
    await navigator.clipboard.writeText(text);
    this.toast(t("copied"));
  }

  async #try(promise) {
    try {
      await promise;
    } catch (error) {
      this.toast(explain(error), "error");
    }
  }
}
