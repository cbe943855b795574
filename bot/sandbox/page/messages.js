// The stream of a channel's messages: kept in step with the store, grouped, scrolled, walked through by key.

import { button, el, fill, icon } from "./dom.js";
import { day, explain, locale, t } from "./i18n.js";
import { cornerOf } from "./menu.js";
import { nameOf } from "./store.js";

const GROUP_MS = 7 * 60_000;
const NEAR_END = 120;

export class Messages {
  #shown = new Map();
  #pending = new WeakMap();
  #drawn = null;
  #editing = null;
  #unseen = 0;

  /** `scroll` holds `stream`; `welcome()` makes what an empty channel shows. */
  constructor({ store, actions, view, welcome, toast, news }, scroll, stream) {
    Object.assign(this, { store, actions, view, welcome, toast, news, scroll, stream });
    stream.setAttribute("role", "log");
    // News are told apart, in few words: the stream itself is drawn anew too often to be read aloud.
    stream.setAttribute("aria-live", "off");
    this.atEnd = true;
    this.pill = button(
      { class: "pill", hidden: true, on: { click: () => this.toEnd(true) } },
      icon("down"),
      el("span"),
    );
    scroll.after(this.pill);
    scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    stream.addEventListener("focusin", (event) => this.#makeCurrent(event.target.closest(".message")));
    stream.addEventListener("keydown", (event) => this.#key(event));
    // Pictures that load, and the keyboard of a phone, must not push the newest message out of sight.
    const keep = new ResizeObserver(() => this.atEnd && this.toEnd());
    keep.observe(stream);
    keep.observe(scroll);
    store.addEventListener("messages", (event) => event.detail === store.channel?.id && this.#soon());
    store.addEventListener("arrived", (event) => this.#arrived(event.detail));
  }

  /** Show another channel, or the same one from the start. */
  open() {
    const { store } = this;
    this.#shown.clear();
    this.#editing = null;
    this.#unseen = 0;
    this.atEnd = true;
    // What was read aloud to one person is not for the next.
    this.news.textContent = "";
    fill(this.stream);
    const room = store.room(store.channel.id);
    if (!room.loaded) {
      fill(this.stream, el("div", { class: "stream-note" }, t("loading")));
      this.actions.loadChannel(store.channel.id).catch((error) => this.toast(explain(error), "error"));
      return;
    }
    this.draw();
    this.toEnd();
  }

  edit(message) {
    this.#editing = message.id;
    this.#shown.delete(message.id);
    this.draw();
  }

  toEnd(smooth = false) {
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior: smooth ? gently() : "instant" });
    this.atEnd = true;
    this.#unseen = 0;
    this.#pill();
  }

  /** Scroll to a message and show which one it is. */
  jump(messageId) {
    const node = this.stream.querySelector(`[data-message-id="${messageId}"]`);
    if (!node) return;
    node.scrollIntoView({ block: "center", behavior: gently() });
    node.classList.add("flash");
    setTimeout(() => node.classList.remove("flash"), 1600);
    node.focus({ preventScroll: true });
  }

  // Many events may come within one frame, such as the steps of a progress bar.
  #soon() {
    if (this.#drawn) return;
    this.#drawn = requestAnimationFrame(() => {
      this.#drawn = null;
      this.draw();
    });
  }

  /** Bring the elements in step with the store: only what changed is made anew. */
  draw() {
    const { store } = this;
    const room = store.room(store.channel.id);
    if (!room.loaded) return;
    const focus = this.#focusKey();
    const nodes = [];
    if (room.complete) nodes.push(this.#intro(room));
    let previous = null;
    let lastDay = null;
    for (const message of room.messages) {
      const today = new Date(message.timestamp).toDateString();
      if (lastDay !== null && today !== lastDay) {
        nodes.push(el("div", { class: "day", role: "separator" }, el("span", {}, day(new Date(message.timestamp)))));
        previous = null;
      }
      lastDay = today;
      nodes.push(this.#node(message, follows(previous, message)));
      previous = message;
    }
    for (const pending of room.pending) nodes.push(this.#pendingNode(pending));
    for (const id of this.#shown.keys()) if (!room.messages.some((each) => each.id === id)) this.#shown.delete(id);
    const height = this.scroll.scrollHeight - this.scroll.scrollTop;
    const grewAbove = this.firstId && this.firstId !== room.messages[0]?.id && !this.atEnd;
    reconcile(this.stream, nodes);
    this.firstId = room.messages[0]?.id;
    if (grewAbove) this.scroll.scrollTop = this.scroll.scrollHeight - height;
    if (this.atEnd) this.toEnd();
    this.#restore(focus);
    if (!this.stream.querySelector('.message[tabindex="0"]'))
      this.#makeCurrent([...this.stream.querySelectorAll(".message")].at(-1));
  }

  #node(message, grouped) {
    const editing = this.#editing === message.id;
    const known = this.#shown.get(message.id);
    if (known && known.message === message && known.grouped === grouped && known.locale === locale()) return known.node;
    const leave = () => {
      this.#editing = null;
      this.#shown.delete(message.id);
      this.draw();
      this.stream.querySelector(`[data-message-id="${message.id}"]`)?.focus();
    };
    const save = (text) => {
      this.actions.edit(message, text).then(leave, (error) => this.toast(explain(error), "error"));
    };
    const node = this.view.show(message, { grouped, editing, saved: save, left: leave });
    // It glides in once, when it is new; an edit must not.
    if (!known && isSettled(this.stream)) node.classList.add("fresh");
    node.setAttribute("aria-roledescription", "message");
    this.#shown.set(message.id, { message, grouped, node, locale: locale() });
    return node;
  }

  #pendingNode(pending) {
    if (!this.#pending.has(pending)) this.#pending.set(pending, this.view.pending(pending, this.store.channel.id));
    return this.#pending.get(pending);
  }

  #intro(room) {
    if (!room.messages.length && !room.pending.length) return this.welcome();
    const { channel } = this.store;
    const name = channel.type === 1 ? `@${nameOf(this.store.application.bot)}` : `#${channel.name}`;
    return el("div", { class: "stream-note begin" }, t("begin", { channel: name }));
  }

  #arrived(message) {
    if (message.channel_id !== this.store.channel?.id || message.author.id === this.store.user.id) return;
    const first = message.embeds?.[0];
    const text =
      this.view.markdown.plain(message.content) ||
      first?.title ||
      first?.description ||
      (message.loading ? "" : t("file_message"));
    this.news.textContent = message.loading
      ? t("thinking", { name: nameOf(message.author) })
      : t("new_message_from", { name: nameOf(message.author), text });
    if (!this.atEnd) {
      this.#unseen += 1;
      this.#pill();
    }
  }

  #scrolled() {
    const { scroll } = this;
    this.atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END;
    if (this.atEnd) this.#unseen = 0;
    this.#pill();
    if (scroll.scrollTop < 400)
      this.actions.loadOlder(this.store.channel.id).catch((error) => this.toast(explain(error), "error"));
  }

  #pill() {
    this.pill.hidden = this.atEnd;
    this.pill.querySelector("span").textContent = this.#unseen ? t("new_messages") : "";
    this.pill.setAttribute("aria-label", t("to_bottom"));
    this.pill.classList.toggle("has-new", this.#unseen > 0);
  }

  // One message at a time can be reached by Tab; the arrow keys go to the others.
  #makeCurrent(node) {
    if (!node || node.getAttribute("tabindex") === "0") return;
    for (const each of this.stream.querySelectorAll('.message[tabindex="0"]')) setCurrent(each, false);
    setCurrent(node, true);
  }

  #key(event) {
    const node = event.target.closest(".message");
    if (!node) return;
    const message = this.#shown.get(node.dataset.messageId)?.message;
    if (message && (event.key === "ContextMenu" || (event.shiftKey && event.key === "F10"))) {
      event.preventDefault();
      this.view.menu.openFor(message, cornerOf(node.querySelector(".body")));
      return;
    }
    if (event.target !== node) return;
    const all = [...this.stream.querySelectorAll(".message")];
    const at = all.indexOf(node);
    const next = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined || !all[next]) return;
    event.preventDefault();
    all[next].focus();
    all[next].scrollIntoView({ block: "nearest" });
  }

  #focusKey() {
    const active = document.activeElement;
    const node = active?.closest?.(".message");
    return node && this.stream.contains(node)
      ? { id: node.dataset.messageId, key: active === node ? null : (active.dataset.focus ?? "") }
      : null;
  }

  #restore(focus) {
    if (!focus?.id || document.activeElement?.closest(".message")) return;
    const node = this.stream.querySelector(`[data-message-id="${focus.id}"]`);
    const inside = focus.key ? node?.querySelector(`[data-focus="${CSS.escape(focus.key)}"]:not(:disabled)`) : null;
    (inside ?? node)?.focus({ preventScroll: true });
  }
}

function gently() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

function follows(previous, message) {
  if (!previous || previous.author.id !== message.author.id) return false;
  if (message.type !== 0 || previous.visible_to !== message.visible_to) return false;
  return new Date(message.timestamp) - new Date(previous.timestamp) < GROUP_MS;
}

function setCurrent(node, current) {
  node.setAttribute("tabindex", current ? "0" : "-1");
  for (const each of node.querySelectorAll(".tools button, .avatar-button, button.name, button.above"))
    each.setAttribute("tabindex", current ? "0" : "-1");
}

function isSettled(stream) {
  return stream.querySelector(".message, .welcome, .begin") !== null;
}

/** Make `nodes` the children, moving as few as possible: what stays keeps its focus and its state. */
function reconcile(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    const there = parent.childNodes[index];
    if (there !== node) parent.insertBefore(node, there ?? null);
  });
}
