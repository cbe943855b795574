// The side: who runs here, the channels, and the switches for user, language and theme.

import { button, el, fill, icon } from "./dom.js";
import { LANGUAGES, locale, t } from "./i18n.js";
import { avatar } from "./people.js";
import { nameOf } from "./store.js";
import { shownTheme, toggleTheme } from "./theme.js";

export class Sidebar {
  constructor({ store, actions, failed, changeLocale }, side, scrim) {
    Object.assign(this, { store, actions, failed, changeLocale, side, scrim });
    scrim.addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    const narrow = matchMedia("(max-width: 760px)");
    narrow.addEventListener("change", () => this.close(false));
  }

  /** Open the drawer, which is what the side is on a narrow window. */
  open(opener) {
    this.opener = opener;
    document.body.classList.add("drawer-open");
    // What the drawer covers is out of reach until it closes.
    this.#room.inert = true;
    this.side.querySelector('[aria-current="page"]')?.focus();
  }

  close(focus = true) {
    if (!document.body.classList.contains("drawer-open")) return;
    document.body.classList.remove("drawer-open");
    this.#room.inert = false;
    if (focus) this.opener?.focus();
  }

  get #room() {
    return this.side.parentElement.querySelector("main");
  }

  draw() {
    const { store } = this;
    if (!store.application) return;
    const focus = document.activeElement?.dataset?.testid;
    const bot = store.application.bot;
    const visible = store.visibleChannels();
    const rooms = visible.filter((each) => each.type !== 1);
    const direct = visible.filter((each) => each.type === 1);
    fill(
      this.side,
      el(
        "div",
        { class: "brand" },
        el("img", { src: "/page/static/hearth.svg", alt: "", width: 34, height: 34 }),
        el("div", { class: "brand-words" }, el("b", {}, store.application.name), el("span", {}, t("sandbox"))),
      ),
      el(
        "nav",
        { class: "channels", "aria-label": t("channels") },
        el("h2", {}, t("channels")),
        el(
          "ul",
          {},
          rooms.map((each) => el("li", {}, this.#channel(each, each.hidden_from?.length ? "lock" : "hash", each.name))),
        ),
        el("h2", {}, t("direct")),
        el(
          "ul",
          {},
          direct.length
            ? direct.map((each) => el("li", {}, this.#channel(each, "at", nameOf(bot))))
            : el("li", {}, this.#openDirect(bot)),
        ),
      ),
      this.#switches(),
    );
    if (focus) this.side.querySelector(`[data-testid="${CSS.escape(focus)}"]`)?.focus();
  }

  #channel(channel, symbol, name) {
    const current = channel.id === this.store.channel?.id;
    const unread = this.store.unread.has(channel.id);
    const go = () => {
      this.store.show(channel.id);
      this.close(false);
    };
    return button(
      {
        class: unread ? "channel unread" : "channel",
        testid: channel.type === 1 ? "channel-direct" : `channel-${channel.name}`,
        "aria-current": current ? "page" : null,
        title: symbol === "lock" ? t("admins") : null,
        on: { click: go },
      },
      icon(symbol),
      el("span", { class: "channel-name" }, name),
      unread ? el("span", { class: "dot", role: "img", "aria-label": t("unread") }) : null,
    );
  }

  #openDirect(bot) {
    const open = () => this.actions.openDirect().then(() => this.close(false), this.failed);
    return button(
      { class: "channel", testid: "open-direct", on: { click: open } },
      icon("at"),
      el("span", { class: "channel-name" }, t("open_direct", { name: nameOf(bot) })),
    );
  }

  #switches() {
    const { store } = this;
    const user = el(
      "select",
      { class: "plain-select", testid: "user-switch", "aria-label": t("acting_as") },
      store.users.map((each) => el("option", { value: each.id }, nameOf(each))),
    );
    user.value = store.user.id;
    user.addEventListener("change", () => store.actAs(user.value));
    const language = el(
      "select",
      { class: "plain-select", testid: "locale-switch", "aria-label": t("language") },
      store.locales
        .filter((each) => LANGUAGES[each])
        .map((each) => el("option", { value: each, lang: each }, LANGUAGES[each])),
    );
    language.value = locale();
    language.addEventListener("change", () => this.changeLocale(language.value));
    const dark = shownTheme() === "dark";
    const words = t(dark ? "theme_light" : "theme_dark");
    const theme = button(
      {
        class: "icon-button",
        testid: "theme-switch",
        "aria-label": words,
        title: words,
        on: {
          click: () => {
            toggleTheme();
            this.draw();
          },
        },
      },
      icon(dark ? "sun" : "moon"),
    );
    return el(
      "div",
      { class: "switches" },
      el(
        "div",
        { class: "switch-user" },
        avatar(store.user),
        el("div", { class: "switch-words" }, el("small", {}, t("acting_as")), held(user)),
      ),
      el("div", { class: "switch-row" }, held(language), theme),
    );
  }
}

function held(select) {
  return el("span", { class: "plain-holder" }, select, icon("chevron"));
}
