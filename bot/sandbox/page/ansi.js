// Reads the colours of ```ansi code blocks: the escape sequences that Discord shows, and no others.

const SEQUENCE = /\u001b\[([\d;]{0,40})m/g;
const NO_STYLE = { bold: false, underline: false, colour: null, background: null };

/** Cut a text into pieces `{text, classes}`; sequences that mean nothing here are left out. */
export function coloured(text) {
  const pieces = [];
  let style = NO_STYLE;
  let from = 0;
  const add = (end) => {
    if (end > from) pieces.push({ text: text.slice(from, end), classes: classesOf(style) });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    add(match.index);
    from = match.index + match[0].length;
    for (const code of match[1].split(";")) style = changed(style, Number(code));
  }
  add(text.length);
  return pieces;
}

function changed(style, code) {
  if (code === 0) return NO_STYLE;
  if (code === 1) return { ...style, bold: true };
  if (code === 4) return { ...style, underline: true };
  if (code === 22) return { ...style, bold: false };
  if (code === 24) return { ...style, underline: false };
  if (code === 39) return { ...style, colour: null };
  if (code === 49) return { ...style, background: null };
  if (code >= 30 && code <= 37) return { ...style, colour: code };
  if (code >= 40 && code <= 47) return { ...style, background: code };
  return style;
}

function classesOf({ bold, underline, colour, background }) {
  const names = [
    bold && "ansi-bold",
    underline && "ansi-underline",
    colour && `ansi-${colour}`,
    background && `ansi-${background}`,
  ];
  return names.filter(Boolean).join(" ");
}
