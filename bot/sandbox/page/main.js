// Starts the page: reads the token, the state and the news, and ties the parts together.

import { Actions } from "./actions.js";
import { Api, tokenOf } from "./api.js";
import { Components } from "./components.js";
import { Composer } from "./composer.js";
import { button, el, fill, icon } from "./dom.js";
import { Feed } from "./feed.js";
import { explain, locale, setLocale, t } from "./i18n.js";
import { Markdown } from "./markdown.js";
import { MessageView } from "./message.js";
import { MessageMenu } from "./message_menu.js";
import { Messages } from "./messages.js";
import { openModal } from "./modal.js";
import { Pictures } from "./pictures.js";
import { Sidebar } from "./sidebar.js";
import { nameOf, Store } from "./store.js";
import { onSystemTheme } from "./theme.js";
import { toast } from "./toast.js";
import { welcome } from "./welcome.js";

const REREAD_MS = 10_000;
const byElement = (id) => document.getElementById(id);

class Page {
  #reread = 0;

  constructor(token) {
    const failed = (error) => toast(explain(error), "error");
    const store = new Store();
    const api = new Api(token);
    const actions = new Actions(api, store, locale);
    const markdown = new Markdown(store, (name) => this.composer.openCommand(name));
    const pictures = new Pictures(() => this.#expired());
    const components = new Components({ store, actions, markdown, pictures, toast });
    const menu = new MessageMenu({
      store,
      actions,
      toast,
      reply: (message) => this.composer.replyTo(message),
      edit: (message) => this.messages.edit(message),
    });
    const view = new MessageView({
      store,
      actions,
      markdown,
      pictures,
      components,
      menu,
      toast,
      jump: (id) => this.messages.jump(id),
    });
    Object.assign(this, { store, api, actions, markdown, failed });
    this.composer = new Composer({ store, actions, sent: () => this.messages.toEnd() }, byElement("dock"));
    const greet = () => welcome(store, (name) => this.composer.openCommand(name));
    this.messages = new Messages(
      { store, actions, view, welcome: greet, toast, news: byElement("news") },
      byElement("scroll"),
      byElement("stream"),
    );
    this.sidebar = new Sidebar(
      { store, actions, failed, changeLocale: (chosen) => this.#speak(chosen) },
      byElement("side"),
      byElement("scrim"),
    );
    this.feed = new Feed(token, {
      heard: (name, data) => this.#heard(name, data),
      changed: (connected) => this.#connection(connected),
      refused: () => refuse(t("new_address_title"), t("new_address")),
    });
    this.#listen();
  }

  async start() {
    document.documentElement.lang = locale();
    this.store.take(await this.api.state());
    this.feed.connect();
  }

  #listen() {
    const { store } = this;
    const opened = () => {
      this.#head();
      this.composer.reset();
      this.messages.open();
      this.composer.showTyping();
    };
    store.addEventListener("state", () => {
      this.sidebar.draw();
      opened();
    });
    store.addEventListener("channel", () => {
      opened();
      if (matchMedia("(hover: hover)").matches) this.composer.box.focus();
    });
    store.addEventListener("channels", () => this.sidebar.draw());
    store.addEventListener("commands", () => {
      this.messages.draw();
      this.composer.commandsChanged();
    });
    store.addEventListener("status", () => this.#head());
    store.addEventListener("typing", () => this.composer.showTyping());
    onSystemTheme(() => this.sidebar.draw());
    byElement("skip").addEventListener("click", () => this.composer.box.focus());
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, textarea, select, dialog, [popover]")) return;
      event.preventDefault();
      this.composer.openPicker();
    });
    window.addEventListener("hashchange", () => location.reload());
  }

  /** Draw the head of the channel: its name, and whether the bot is there. */
  #head() {
    const { store } = this;
    const { channel, application } = store;
    if (!channel) return;
    const bot = nameOf(application.bot);
    const name = channel.type === 1 ? bot : channel.name;
    const open = button(
      {
        class: "icon-button drawer-button",
        "aria-label": t("open_channels"),
        title: t("open_channels"),
        on: { click: (event) => this.sidebar.open(event.currentTarget) },
      },
      icon("menu"),
    );
    const state = !store.connected ? "waiting" : store.botOnline ? "online" : "offline";
    const again = state === "offline" && store.botAgainIn > 0;
    const words =
      state === "waiting"
        ? t("reconnecting")
        : t(again ? "offline_again" : state, { name: bot, seconds: store.botAgainIn });
    fill(
      byElement("room-head"),
      open,
      el("h1", {}, icon(channel.type === 1 ? "at" : channel.hidden_from?.length ? "lock" : "hash"), name),
      channel.topic ? el("span", { class: "topic", title: channel.topic }, channel.topic) : null,
      el(
        "span",
        { class: `status ${state}`, testid: "bot-status", role: "status", data: { state } },
        el("span", { class: "status-dot", "aria-hidden": "true" }),
        el("span", { class: "status-words" }, words),
      ),
    );
    byElement("stream").setAttribute("aria-label", t("messages_in", { channel: name }));
    byElement("skip").textContent = t("skip");
    document.title = `${channel.type === 1 ? "@" : "#"}${name} · ${application.name}`;
  }

  #speak(chosen) {
    setLocale(chosen);
    document.documentElement.lang = locale();
    this.sidebar.draw();
    this.#head();
    this.messages.draw();
    this.composer.translate();
  }

  #connection(connected) {
    const again = connected && this.lost;
    this.store.connected = connected;
    if (!connected) this.lost = true;
    this.#head();
    if (!again) return;
    this.lost = false;
    this.actions.forget();
    this.api.state().then((state) => this.store.take(state), this.failed);
  }

  #heard(name, data) {
    const { store, actions } = this;
    const mine = data.visible_to === store.user.id;
    switch (name) {
      case "hello":
        store.botOnline = data.bot_online;
        store.botAgainIn = data.again_in;
        store.tell("status");
        break;
      case "bot_status":
        store.botOnline = data.online;
        store.botAgainIn = data.again_in;
        store.tell("status");
        break;
      case "message_create":
      case "message_update":
        store.receive(data, name === "message_create");
        break;
      case "message_delete":
        store.remove(data.channel_id, data.id);
        break;
      case "typing":
        store.userTypes(data.channel_id, data.user_id);
        break;
      case "modal":
        if (mine) openModal(data, this);
        break;
      case "autocomplete":
        actions.settle(data.interaction_id, { answered: true, choices: data.choices });
        break;
      case "interaction_answered":
        // What the bot suggests came right before.
        if (data.callback_type !== 8) actions.settle(data.interaction_id, { answered: true });
        break;
      case "interaction_failed":
        if (data.message_id) store.note(store.find(data.message_id)?.channel_id, data.message_id, { expired: true });
        else actions.settle(data.interaction_id, { answered: false });
        break;
      case "commands":
        store.commands = data.commands;
        store.tell("commands");
        break;
      case "reaction":
        store.react(data);
        break;
      case "channel_create":
        store.addChannel(data);
        break;
    }
  }

  /** Read the channel anew: the addresses of its files are signed for some hours only. */
  #expired() {
    if (Date.now() - this.#reread < REREAD_MS) return;
    this.#reread = Date.now();
    this.actions.loadChannel(this.store.channel.id).catch(this.failed);
  }
}

function refuse(title, text) {
  const card = el(
    "main",
    { class: "stopped" },
    el("img", { src: "/page/static/hearth.svg", alt: "", width: 56, height: 56 }),
    el("h1", {}, title),
    el("p", {}, text),
  );
  document.body.replaceChildren(card);
}

async function start() {
  document.documentElement.lang = locale();
  const token = tokenOf(location);
  window.addEventListener("hashchange", () => location.reload(), { once: true });
  if (!token) return refuse(t("bad_token_title"), t("bad_token"));
  try {
    await new Page(token).start();
  } catch (error) {
    if (error.status === 403) refuse(t("bad_token_title"), t("bad_token"));
    else refuse(t("error_network"), explain(error));
    if (!("status" in error)) throw error;
  }
}

start();
