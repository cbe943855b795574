// Shows Markdown as elements. All text goes into text nodes; links are http or https and open elsewhere.

import { coloured } from "./ansi.js";
import { button, el, icon } from "./dom.js";
import { fullMoment, t, timestamp } from "./i18n.js";
import { parse } from "./markdown_parse.js";
import { nameOf, roleName } from "./store.js";

const TAGS = { bold: "strong", italic: "em", underline: "u", strike: "s", subtext: "small" };
const RELATIVE_EVERY_MS = 20_000;

export class Markdown {
  /** `runCommand(name)` opens a command that a text mentions. */
  constructor(store, runCommand) {
    this.store = store;
    this.runCommand = runCommand;
    setInterval(() => refreshRelative(), RELATIVE_EVERY_MS);
  }

  /** Return the nodes of a text. */
  show(text, options) {
    return parse(text ?? "", options).map((node) => this.#node(node));
  }

  /** Return a text without its marks, on one line: for previews and for screen readers. */
  plain(text) {
    const words = this.show(text).map((node) => plainOf(node));
    return words.join(" ").replace(/\s+/g, " ").trim();
  }

  #all(nodes) {
    return nodes.map((node) => this.#node(node));
  }

  #node(node) {
    if (typeof node === "string") return document.createTextNode(node);
    switch (node.kind) {
      case "paragraph":
        return el("p", {}, this.#all(node.children));
      case "heading":
        return el(
          "p",
          { class: `md-h${node.level}`, role: "heading", "aria-level": String(node.level + 1) },
          this.#all(node.children),
        );
      case "quote":
        return el("blockquote", {}, this.#all(node.children));
      case "list":
        return el(
          node.ordered ? "ol" : "ul",
          node.ordered ? { start: node.start } : {},
          node.items.map((item) => el("li", {}, this.#all(item))),
        );
      case "code-block":
        return codeBlock(node);
      case "code":
        return el("code", {}, node.text);
      case "link":
        return this.#link(node);
      case "spoiler":
        return spoiler(this.#all(node.children));
      case "time":
        return moment(node);
      case "emoji":
        return `:${node.name}:`;
      case "everyone":
        return el("span", { class: "mention" }, node.text);
      case "user":
      case "role":
      case "channel":
      case "command":
        return this.#mention(node);
      default:
        return el(TAGS[node.kind], node.kind === "subtext" ? { class: "md-subtext" } : {}, this.#all(node.children));
    }
  }

  #link({ url, masked, children }) {
    const link = el(
      "a",
      { href: url, target: "_blank", rel: "noopener noreferrer nofollow", title: url },
      this.#all(children),
    );
    // Words may promise another place than the one that their link leads to.
    return masked ? el("span", {}, link, el("small", { class: "link-host" }, ` (${new URL(url).host})`)) : link;
  }

  #mention(node) {
    const { store } = this;
    if (node.kind === "command") {
      return button({ class: "mention", on: { click: () => this.runCommand(node.name) } }, `/${node.name}`);
    }
    if (node.kind === "channel") {
      const channel = store.visibleChannels().find((each) => each.id === node.id);
      if (!channel) return el("span", { class: "mention" }, "#…");
      return button({ class: "mention", on: { click: () => store.show(node.id) } }, `#${channel.name ?? "…"}`);
    }
    if (node.kind === "role") {
      const role = store.roles.find((each) => each.id === node.id);
      return el("span", { class: "mention" }, role ? roleName(role) : "@…");
    }
    const user = store.anyone(node.id);
    const me = node.id === store.user.id;
    return el("span", { class: me ? "mention mention-me" : "mention" }, `@${user ? nameOf(user) : "…"}`);
  }
}

function plainOf(node) {
  const lists = node.querySelectorAll?.("li") ?? [];
  return lists.length ? [...lists].map((each) => each.firstChild?.textContent ?? "").join(" ") : node.textContent;
}

function codeBlock({ language, text }) {
  const copy = button(
    {
      class: "code-copy",
      title: t("copy_code"),
      "aria-label": t("copy_code"),
      on: {
        click: async () => {
          await navigator.clipboard.writeText(text);
          copy.replaceChildren(icon("check"));
          setTimeout(() => copy.replaceChildren(icon("copy")), 1500);
        },
      },
    },
    icon("copy"),
  );
  return el(
    "div",
    { class: "code-block" },
    el(
      "pre",
      { tabindex: "0", data: { language: language || null } },
      el("code", {}, language === "ansi" ? ansi(text) : text),
    ),
    copy,
  );
}

function ansi(text) {
  return coloured(text).map(({ text: piece, classes }) => (classes ? el("span", { class: classes }, piece) : piece));
}

function spoiler(children) {
  const inside = el("span", { class: "spoiler-inside", "aria-hidden": "true" }, children);
  inside.inert = true;
  const shown = el("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": t("spoiler") }, inside);
  const reveal = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    shown.classList.add("revealed");
    for (const name of ["role", "tabindex", "aria-label"]) shown.removeAttribute(name);
    inside.inert = false;
    inside.removeAttribute("aria-hidden");
    shown.removeEventListener("click", reveal);
    shown.removeEventListener("keydown", reveal);
  };
  shown.addEventListener("click", reveal);
  shown.addEventListener("keydown", reveal);
  return shown;
}

function moment({ seconds, style }) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return `<t:${seconds}>`;
  return el(
    "time",
    {
      class: "moment",
      datetime: date.toISOString(),
      title: fullMoment(date),
      data: { relative: style === "R" ? String(seconds) : null },
    },
    timestamp(date, style),
  );
}

function refreshRelative() {
  for (const node of document.querySelectorAll("time[data-relative]")) {
    const words = timestamp(new Date(Number(node.dataset.relative) * 1000), "R");
    if (node.textContent !== words) node.textContent = words;
  }
}
