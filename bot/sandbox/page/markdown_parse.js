// Reads Discord's Markdown into a tree: arrays of strings and of nodes `{kind, …, children}`. It makes no elements, and
// its work grows with the text's length only: delimiters are searched for, never backtracked over.

const MAX_DEPTH = 8;
const BLOCK_START = /^(?:>>> |> |-# |#{1,3} |\s{0,10}(?:[-*]|\d{1,9}\.) )/;
const PAIRS = [
  ["***", "bold-italic"],
  ["**", "bold"],
  ["__", "underline"],
  ["~~", "strike"],
  ["||", "spoiler"],
  ["*", "italic"],
  ["_", "italic"],
];
const BARE_LINK = /https?:\/\/[^\s<>]+/y;
const ANGLE =
  /<(?:(@[!&]?|#)(\d{1,20})|(\/)([^:<>\n]{1,100}):(\d{1,20})|a?:(\w{2,32}):(\d{1,20})|t:(-?\d{1,14})(?::([tTdDfFsSR]))?|(https?:\/\/[^\s<>]+))>/y;
const ESCAPED = /[!-/:-@[-`{-~]/;
const LIST_ITEM = /^(\s{0,10})([-*]|\d{1,9}\.) (.*)$/;

/** Read a whole text. `inlineOnly`: without headings, lists, quotes and code blocks, as in an embed's title. */
export function parse(text, { inlineOnly = false } = {}) {
  return inlineOnly ? inline(text, 0) : blocks(text, 0);
}

function blocks(text, depth) {
  const found = [];
  let rest = text;
  while (rest) {
    const { node, length } = depth > MAX_DEPTH ? { node: null, length: 0 } : block(rest, depth);
    if (node) {
      found.push(node);
      rest = rest.slice(length);
      continue;
    }
    const end = paragraphEnd(rest);
    const said = rest.slice(0, end).replace(/\n$/, "");
    if (said || end < rest.length) found.push({ kind: "paragraph", children: inline(said, depth) });
    rest = rest.slice(end);
  }
  return found;
}

/** Read the block that begins here, if one does. */
function block(text, depth) {
  const fence = fenceAt(text, 0);
  if (fence) return { node: fence.node, length: fence.length + (text[fence.length] === "\n" ? 1 : 0) };
  const lineEnd = text.indexOf("\n") < 0 ? text.length : text.indexOf("\n");
  const line = text.slice(0, lineEnd);
  const length = Math.min(lineEnd + 1, text.length);
  if (line.startsWith(">>> "))
    return { node: { kind: "quote", children: blocks(text.slice(4), depth + 1) }, length: text.length };
  if (line.startsWith("> ") || line === ">") return quote(text, depth);
  if (line.startsWith("-# ")) return { node: { kind: "subtext", children: inline(line.slice(3), depth) }, length };
  const heading = /^(#{1,3}) +(\S.*)$/.exec(line);
  if (heading)
    return { node: { kind: "heading", level: heading[1].length, children: inline(heading[2], depth) }, length };
  if (LIST_ITEM.test(line)) return list(text, depth);
  return { node: null, length: 0 };
}

function quote(text, depth) {
  const lines = [];
  let length = 0;
  while (length < text.length) {
    const end = text.indexOf("\n", length) < 0 ? text.length : text.indexOf("\n", length);
    const line = text.slice(length, end);
    if (!line.startsWith("> ") && line !== ">") break;
    lines.push(line.slice(2));
    length = Math.min(end + 1, text.length);
  }
  return { node: { kind: "quote", children: blocks(lines.join("\n"), depth + 1) }, length };
}

function list(text, depth) {
  const items = [];
  let length = 0;
  while (length < text.length) {
    const end = text.indexOf("\n", length) < 0 ? text.length : text.indexOf("\n", length);
    const item = LIST_ITEM.exec(text.slice(length, end));
    const ordered = /\d/.test(item?.[2]);
    if (!item || (items.length && item[1].length <= items[0].indent && ordered !== items[0].ordered)) break;
    items.push({ indent: item[1].length, ordered, start: Number.parseInt(item[2], 10) || 1, text: item[3] });
    length = Math.min(end + 1, text.length);
  }
  return { node: nested(items, depth), length };
}

function nested(items, depth) {
  const node = { kind: "list", ordered: items[0].ordered, start: items[0].start, items: [] };
  for (let at = 0; at < items.length;) {
    let next = at + 1;
    while (next < items.length && items[next].indent > items[0].indent) next += 1;
    const children = inline(items[at].text, depth);
    if (next > at + 1 && depth < MAX_DEPTH) children.push(nested(items.slice(at + 1, next), depth + 1));
    node.items.push(children);
    at = next;
  }
  return node;
}

/** Return where the paragraph ends that begins here: before a line that begins a block, or a fence. */
function paragraphEnd(text) {
  let at = 0;
  while (at < text.length) {
    const fence = text.indexOf("```", at);
    const newline = text.indexOf("\n", at);
    if (fence >= 0 && (newline < 0 || fence < newline) && text[fence - 1] !== "\\" && fenceAt(text, fence))
      return fence;
    if (newline < 0) return text.length;
    at = newline + 1;
    const line = text.slice(at, at + 24);
    if (BLOCK_START.test(line) || fenceAt(text, at)) return at;
  }
  return text.length;
}

function fenceAt(text, at) {
  if (!text.startsWith("```", at)) return null;
  const end = text.indexOf("```", at + 3);
  if (end < 0 || end === at + 3) return null;
  const inside = text.slice(at + 3, end);
  const named = /^([\w+\-.#]*)\n([\s\S]+)$/.exec(inside);
  const code = named ? named[2] : inside;
  return {
    node: { kind: "code-block", language: named?.[1] ?? "", text: code.replace(/^\n+|\n+$/g, "") },
    length: end + 3 - at,
  };
}

function inline(text, depth) {
  const found = [];
  let plain = "";
  const flush = () => {
    if (plain) found.push(plain);
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    if (text[at] === "\\" && ESCAPED.test(text[at + 1] ?? "")) {
      plain += text[at + 1];
      at += 2;
      continue;
    }
    const hit = depth > MAX_DEPTH ? null : inlineAt(text, at, depth);
    if (hit) {
      flush();
      found.push(hit.node);
      at = hit.end;
    } else {
      plain += text[at];
      at += 1;
    }
  }
  flush();
  return found;
}

function inlineAt(text, at, depth) {
  switch (text[at]) {
    case "`":
      return codeAt(text, at);
    case "<":
      return angleAt(text, at);
    case "[":
      return maskedAt(text, at, depth);
    case "h":
      return bareAt(text, at);
    case "@":
      return /^@(everyone|here)\b/.test(text.slice(at, at + 10)) ? everyoneAt(text, at) : null;
    case "*":
    case "_":
    case "~":
    case "|":
      return pairAt(text, at, depth);
    default:
      return null;
  }
}

function everyoneAt(text, at) {
  const end = at + (text.startsWith("@everyone", at) ? 9 : 5);
  return { node: { kind: "everyone", text: text.slice(at, end) }, end };
}

function codeAt(text, at) {
  const ticks = text.startsWith("``", at) ? "``" : "`";
  const end = text.indexOf(ticks, at + ticks.length);
  if (end <= at + ticks.length) return null;
  const inside = text.slice(at + ticks.length, end);
  return { node: { kind: "code", text: ticks === "``" ? inside.trim() : inside }, end: end + ticks.length };
}

function angleAt(text, at) {
  ANGLE.lastIndex = at;
  const match = ANGLE.exec(text);
  if (!match) return null;
  const [whole, sigil, id, slash, command, commandId, emoji, , seconds, style, url] = match;
  const end = at + whole.length;
  if (sigil === "#") return { node: { kind: "channel", id }, end };
  if (sigil === "@&") return { node: { kind: "role", id }, end };
  if (sigil) return { node: { kind: "user", id }, end };
  if (slash) return { node: { kind: "command", name: command, id: commandId }, end };
  if (emoji) return { node: { kind: "emoji", name: emoji }, end };
  if (url) return link(url, [url], end);
  return { node: { kind: "time", seconds: Number(seconds), style: style ?? "f" }, end };
}

function maskedAt(text, at, depth) {
  let open = 0;
  let close = at;
  for (; close < text.length && text[close] !== "\n"; close += 1) {
    if (text[close] === "\\") close += 1;
    else if (text[close] === "[") open += 1;
    else if (text[close] === "]" && (open -= 1) === 0) break;
  }
  if (text[close] !== "]" || text[close + 1] !== "(") return null;
  const target = /^\(<?(https?:\/\/[^\s<>]*?)>?(?:\s+"[^"\n]*")?\)/.exec(text.slice(close + 1, close + 2100));
  if (!target || close === at + 1) return null;
  const end = close + 1 + target[0].length;
  return link(target[1], inline(text.slice(at + 1, close), depth + 1), end, { masked: true });
}

function bareAt(text, at) {
  BARE_LINK.lastIndex = at;
  const match = BARE_LINK.exec(text);
  if (!match || /\w/.test(text[at - 1] ?? "")) return null;
  let url = match[0].replace(/[.,:;"'!?|*_~\]]+$/, "");
  // A closing bracket belongs to the sentence unless the address opens one.
  while (url.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1);
  return link(url, [url], at + url.length);
}

function link(url, children, end, { masked = false } = {}) {
  return URL.canParse(url) ? { node: { kind: "link", url, masked, children }, end } : null;
}

function pairAt(text, at, depth) {
  for (const [mark, kind] of PAIRS) {
    if (!text.startsWith(mark, at)) continue;
    if (mark === "_" && /\w/.test(text[at - 1] ?? "")) continue;
    const from = at + mark.length;
    const end = closing(text, from, mark);
    if (end <= from) continue;
    const inside = text.slice(from, end);
    if (mark.length === 1 && /^\s|\s$/.test(inside)) continue;
    const children = inline(inside, depth + 1);
    const node =
      kind === "bold-italic" ? { kind: "bold", children: [{ kind: "italic", children }] } : { kind, children };
    return { node, end: end + mark.length };
  }
  return null;
}

/** Return where the closing mark stands, or -1; escapes and code between do not count. */
function closing(text, from, mark) {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "`") at = (codeAt(text, at)?.end ?? at + 1) - 1;
    else if (text.startsWith(mark, at)) {
      let run = at;
      while (text[run] === mark[0]) run += 1;
      if (mark === "_" && /\w/.test(text[run] ?? "")) {
        at = run - 1;
        continue;
      }
      // Of a run of marks the last ones close, so that `**a *b***` ends the inner pair first.
      if (mark.length === 1 && run - at === 2) at = run - 1;
      else return run - mark.length;
    }
  }
  return -1;
}
