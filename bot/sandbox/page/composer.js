// The dock at the bottom: a message box, the picker of commands over it, and the form that a chosen command opens.

import { CommandForm } from "./command_form.js";
import { spread } from "./commands.js";
import { button, el, fill, growing, icon } from "./dom.js";
import { filesOf, Tray } from "./files.js";
import { explain, t } from "./i18n.js";
import { Picker } from "./picker.js";
import { nameOf } from "./store.js";

export class Composer {
  #form = null;
  #replyTo = null;
  #sending = false;
  #place = null;

  /** `sent()` is called once something of one's own is on its way. */
  constructor({ store, actions, sent }, dock) {
    this.store = store;
    this.sent = sent;
    this.actions = actions;
    this.box = el("textarea", {
      class: "box",
      id: "composer",
      testid: "composer",
      rows: "1",
      "aria-haspopup": "listbox",
      autocomplete: "off",
    });
    this.fit = growing(this.box);
    this.picker = new Picker(store, this.box, (entry, rest) => this.choose(entry, rest));
    this.problem = el("div", { class: "dock-problem", role: "alert", testid: "error", hidden: true });
    this.tray = new Tray(store, (problem) => this.#say(problem));
    this.chooser = el("input", {
      type: "file",
      multiple: true,
      class: "file-input",
      tabindex: "-1",
      "aria-hidden": "true",
      testid: "file-input",
    });
    this.attach = button({ class: "icon-button", on: { click: () => this.chooser.click() } }, icon("clip"));
    this.slash = button(
      { class: "icon-button slash-button", testid: "slash", on: { click: () => this.openPicker() } },
      icon("slash"),
    );
    this.send = button(
      { class: "send", testid: "submit", on: { click: () => this.submit() } },
      icon("send"),
      el("span"),
    );
    this.reply = el("div", { class: "reply-bar", hidden: true });
    this.counter = el("span", { class: "counter", "aria-hidden": "true" });
    this.typing = el("div", { class: "typing", "aria-live": "off" });
    this.holder = el("div", { class: "holder", hidden: true });
    this.line = el("div", { class: "line" }, this.attach, this.slash, this.box, this.counter);
    this.well = el(
      "div",
      { class: "well" },
      this.reply,
      this.tray.node,
      el("div", { class: "well-row" }, this.line, this.holder, this.send),
    );
    fill(dock, this.picker.list, this.problem, this.well, this.typing, this.chooser);
    this.#listen(dock);
    this.translate();
  }

  /** Show all words in the page's language; what was typed stays. */
  translate() {
    const { store } = this;
    const channel = store.channel;
    const name = channel ? (channel.type === 1 ? `@${nameOf(store.application.bot)}` : `#${channel.name}`) : "";
    const narrow = matchMedia("(max-width: 640px)").matches;
    this.box.setAttribute("placeholder", t(narrow ? "message_here" : "message_here_hint", { channel: name }));
    this.box.setAttribute("aria-label", t("message_here", { channel: name }));
    label(this.attach, t("attach"));
    label(this.slash, t("commands"));
    if (this.#form) this.#open(this.#form.entry.name, this.#form.filled(), false);
    this.#drawSend();
    this.#drawReply();
  }

  /** Take up the commands that the bot registered anew: the same command may have another id now. */
  commandsChanged() {
    const form = this.#form;
    if (form && !this.store.commands.some((each) => each.id === form.entry.command.id)) {
      this.#open(form.entry.name, form.filled(), false);
    }
    if (this.picker.open) this.picker.follow(this.box.value);
  }

  /** Take up another channel, or another user: what was being filled in belongs to the old one. */
  reset() {
    const place = `${this.store.user.id} ${this.store.channel.id}`;
    // After a broken connection all is read anew, but the person is where they were.
    if (place === this.#place) {
      this.commandsChanged();
      return;
    }
    this.#place = place;
    this.#replyTo = null;
    this.leave(false);
    this.picker.close();
    this.#say("");
    this.translate();
  }

  /** Show the list of commands. */
  openPicker() {
    this.leave(false);
    if (!this.box.value.startsWith("/")) this.box.value = "/";
    this.box.focus();
    this.box.setSelectionRange(this.box.value.length, this.box.value.length);
    this.picker.follow(this.box.value);
  }

  /** Open a command by its full name, with options filled in. */
  openCommand(name, filled = new Map()) {
    this.#open(name, filled, true);
  }

  #open(name, filled, focus) {
    const entry = spread(this.store.usable(1)).find((each) => each.name === name);
    if (!entry) {
      this.leave(focus);
      this.#say(t("command_lost"));
      return;
    }
    this.choose(entry, "", filled, focus);
  }

  /** Open the form of a command. */
  choose(entry, rest = "", filled = new Map(), focus = true) {
    this.#form = new CommandForm(
      entry,
      { store: this.store, actions: this.actions, left: () => this.leave(), sent: () => this.submit() },
      filled,
    );
    this.box.value = "";
    this.fit();
    this.#say("");
    this.line.hidden = true;
    this.holder.hidden = false;
    this.tray.node.hidden = true;
    fill(this.holder, this.#form.node);
    // Files that wait in the tray are what the command is meant for.
    if (this.tray.files.length && this.tray.files.every((file) => this.#form.takeFile(file))) this.tray.clear();
    this.well.classList.add("commanding");
    if (rest) this.#form.begin(rest);
    this.#drawSend();
    if (!focus) return;
    if (entry.options.length) this.#form.focus();
    else this.send.focus();
  }

  /** Close the form. */
  leave(focus = true) {
    this.#form = null;
    fill(this.holder);
    this.holder.hidden = true;
    this.line.hidden = false;
    this.well.classList.remove("commanding");
    this.tray.node.hidden = this.tray.files.length === 0;
    this.#drawSend();
    if (focus) this.box.focus();
  }

  replyTo(message) {
    this.leave(false);
    this.#replyTo = message;
    this.#drawReply();
    this.box.focus();
  }

  /** Send what is in the dock: the command, or the message. */
  async submit() {
    if (this.#sending) return;
    this.#sending = true;
    this.send.classList.add("busy");
    try {
      await (this.#form ? this.#sendCommand() : this.#sendMessage());
    } finally {
      this.#sending = false;
      this.send.classList.remove("busy");
    }
  }

  async #sendCommand() {
    const form = this.#form;
    const filled = form.read();
    if (!filled) return;
    try {
      await this.actions.slash(form.entry.command, form.entry.name, filled.options, filled.files);
    } catch (error) {
      form.refuse(explain(error), error.field);
      return;
    }
    this.sent();
    if (this.#form === form) this.leave();
  }

  async #sendMessage() {
    const text = this.box.value.trim();
    if (!text && !this.tray.files.length) return;
    if ([...text].length > this.store.limits.content) {
      this.#say(t("too_long", { n: this.store.limits.content }));
      return;
    }
    try {
      await this.actions.say(text, this.tray.files, this.#replyTo?.id);
    } catch (error) {
      this.#say(explain(error));
      return;
    }
    this.box.value = "";
    this.#replyTo = null;
    this.tray.clear();
    this.#say("");
    this.#drawReply();
    this.#typed();
    this.sent();
  }

  #listen(dock) {
    this.box.addEventListener("input", () => {
      this.#say("");
      this.#typed();
      this.picker.follow(this.box.value);
    });
    this.box.addEventListener("keydown", (event) => {
      if (this.picker.key(event)) {
        event.preventDefault();
        return;
      }
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        this.submit();
      } else if (event.key === "Escape" && this.#replyTo) {
        this.#replyTo = null;
        this.#drawReply();
      }
    });
    this.box.addEventListener("blur", () =>
      setTimeout(() => document.activeElement === this.box || this.picker.close(), 120),
    );
    this.chooser.addEventListener("change", () => {
      this.tray.add([...this.chooser.files]);
      this.chooser.value = "";
      this.box.focus();
    });
    document.addEventListener("paste", (event) => this.#bring(event, filesOf(event.clipboardData)));
    const room = dock.parentElement;
    let inside = 0;
    const over = (change) => {
      inside = Math.max(0, inside + change);
      room.classList.toggle("dropping", inside > 0);
    };
    window.addEventListener("dragenter", (event) => event.dataTransfer?.types.includes("Files") && over(1));
    window.addEventListener("dragleave", (event) => event.dataTransfer?.types.includes("Files") && over(-1));
    window.addEventListener("dragover", (event) => event.preventDefault());
    window.addEventListener("drop", (event) => {
      over(-Infinity);
      event.preventDefault();
      this.#bring(event, filesOf(event.dataTransfer));
    });
  }

  #bring(event, files) {
    if (!files.length || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    if (this.#form) {
      if (!this.#form.takeFile(files[0], event.target)) this.#form.refuse(t("not_sent"), null);
    } else {
      this.#say("");
      this.tray.add(files);
      this.box.focus();
    }
  }

  #typed() {
    this.fit();
    const max = this.store.limits.content;
    const length = [...this.box.value].length;
    this.counter.textContent = length > max * 0.8 ? t("count", { n: length, max }) : "";
    this.counter.classList.toggle("over", length > max);
  }

  #drawSend() {
    const words = this.#form ? t("run") : t("send");
    this.send.setAttribute("aria-label", words);
    this.send.title = words;
    this.send.lastElementChild.textContent = this.#form ? words : "";
  }

  #drawReply() {
    this.reply.hidden = !this.#replyTo;
    if (!this.#replyTo) return;
    const stop = () => {
      this.#replyTo = null;
      this.#drawReply();
      this.box.focus();
    };
    fill(
      this.reply,
      icon("reply"),
      el("span", {}, t("replying_to", { name: nameOf(this.#replyTo.author) })),
      button(
        { class: "icon-button tiny", "aria-label": t("cancel"), title: t("cancel"), on: { click: stop } },
        icon("close"),
      ),
    );
  }

  /** Show who types here. */
  showTyping() {
    const now = Date.now();
    const ids = [...this.store.typing].filter(
      ([id, each]) => each.channelId === this.store.channel?.id && each.until > now && id !== this.store.user.id,
    );
    const names = ids
      .map(([id]) => this.store.anyone(id))
      .filter(Boolean)
      .map(nameOf);
    fill(
      this.typing,
      names.length
        ? [
            el("span", { class: "embers", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
            t("typing", { name: names.join(", ") }),
          ]
        : null,
    );
  }

  #say(problem) {
    this.problem.textContent = problem;
    this.problem.hidden = !problem;
  }
}

function label(node, text) {
  node.setAttribute("aria-label", text);
  node.title = text;
}
