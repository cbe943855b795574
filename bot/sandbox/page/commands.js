// The slash commands that can be chosen: groups spread out, filtered by what is typed.

import { localized } from "./i18n.js";

const SUBCOMMAND = 1;
const GROUP = 2;

/**
 * Spread commands out into those that can be run: `{command, path, name, shown, description, options}`, where `name` is
 * `spam score` and `shown` the same in the page's language.
 */
export function spread(commands) {
  return commands.flatMap((command) => leaves(command, command, [], []));
}

function leaves(command, node, above, shownAbove) {
  const path = [...above, node.name];
  const shown = [...shownAbove, localized(node)];
  const inside = (node.options ?? []).filter((each) => each.type === SUBCOMMAND || each.type === GROUP);
  if (inside.length) return inside.flatMap((each) => leaves(command, each, path, shown));
  return [
    {
      command,
      path,
      name: path.join(" "),
      shown: shown.join(" "),
      description: localized(node, "description"),
      options: node.options ?? [],
    },
  ];
}

/** Return the commands that fit what was typed after the `/`, best first. */
export function matching(all, query) {
  const wanted = query.trim().toLowerCase().replace(/\s+/g, " ");
  const ranked = all.map((each, index) => ({ each, index, rank: rankOf(each, wanted) })).filter(({ rank }) => rank < 9);
  return ranked.sort((a, b) => a.rank - b.rank || a.index - b.index).map(({ each }) => each);
}

function rankOf({ name, shown, description }, wanted) {
  if (!wanted) return 0;
  const names = [name.toLowerCase(), shown.toLowerCase()];
  if (names.includes(wanted)) return 0;
  if (names.some((each) => each.startsWith(wanted))) return 1;
  if (names.some((each) => each.split(/[\s\-_]/).some((word) => word.startsWith(wanted)))) return 2;
  if (names.some((each) => each.includes(wanted))) return 3;
  // `spsc` and `score spam` find `spam score` too.
  const words = wanted.split(" ");
  if (words.length > 1 && names.some((each) => words.every((word) => each.includes(word)))) return 4;
  if (description.toLowerCase().includes(wanted)) return 5;
  return 9;
}

/** Return the command whose full name begins a typed line, and what follows it: `{entry, rest}`, or null. */
export function typedCommand(all, line) {
  const lower = line.toLowerCase();
  for (const entry of all) {
    for (const name of [entry.name, entry.shown]) {
      if (lower.startsWith(`${name.toLowerCase()} `)) return { entry, rest: line.slice(name.length + 1) };
    }
  }
  return null;
}

/** Wrap the options that were filled in as the API wants them: inside their subcommand and its group. */
export function wrapped({ command, path }, options) {
  let node = command;
  const kinds = path.slice(1).map((name) => {
    node = node.options.find((each) => each.name === name);
    return node.type;
  });
  return kinds.reduceRight((inside, type, index) => [{ name: path[index + 1], type, options: inside }], options);
}
