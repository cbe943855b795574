// What an empty channel shows: in #general, what this is, and commands to try.

import { spread } from "./commands.js";
import { button, el, icon } from "./dom.js";
import { localized, t } from "./i18n.js";
import { nameOf } from "./store.js";

const EXAMPLES = 6;

/** Return the view of an empty channel; `openCommand(name)` opens what is clicked. */
export function welcome(store, openCommand) {
  const channel = store.channel;
  if (channel.name !== "general" && channel.type !== 1)
    return el("div", { class: "welcome small" }, el("p", {}, t("empty_room")));
  const bot = nameOf(store.application.bot);
  const examples = chosen(spread(store.usable(1)));
  return el(
    "section",
    { class: "welcome", testid: "welcome" },
    el("img", { src: "/page/static/hearth.svg", alt: "", width: 64, height: 64 }),
    el("h1", {}, t("welcome_title", { guild: store.application.name })),
    el("p", {}, t("welcome_1", { bot })),
    el("p", {}, examples.length ? t("welcome_2") : t("welcome_offline")),
    el(
      "div",
      { class: "examples" },
      examples.map((each) => example(each, openCommand)),
    ),
    el("p", { class: "tips" }, t("welcome_tips")),
  );
}

function example(entry, openCommand) {
  const needed = entry.options
    .filter((each) => each.required)
    .map((each) => el("span", { class: "picker-option" }, localized(each)));
  return button(
    {
      class: "example",
      testid: "example-command",
      data: { command: entry.name },
      on: { click: () => openCommand(entry.name) },
    },
    el("span", { class: "example-name" }, `/${entry.shown}`, needed),
    el("span", { class: "example-description" }, entry.description),
    icon("send"),
  );
}

/** Choose commands to try, one of each group in turn, so that what the bot can do is seen at a glance. */
function chosen(all) {
  const groups = new Map();
  for (const each of all) groups.set(each.command.id, [...(groups.get(each.command.id) ?? []), each]);
  const found = [];
  for (let round = 0; found.length < EXAMPLES && round < 25; round += 1) {
    for (const group of groups.values()) if (group[round] && found.length < EXAMPLES) found.push(group[round]);
  }
  return found;
}
