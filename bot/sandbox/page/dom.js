// Builds elements. Text becomes text nodes only: nothing that a bot or a person wrote is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** The strokes of the icons, on a 24 × 24 grid. */
const ICONS = {
  hash: ["M9 4 7 20", "M17 4l-2 16", "M4 9h17", "M3 15h17"],
  at: ["M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", "M16 12v1.500a2.500 2.500 0 0 0 5 0V12a9 9 0 1 0-3.500 7.100"],
  lock: ["M6 11h12v9H6z", "M8.500 11V8a3.500 3.500 0 0 1 7 0v3"],
  menu: ["M4 7h16", "M4 12h16", "M4 17h16"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  more: ["M5.500 12h.01", "M12 12h.01", "M18.500 12h.01"],
  send: ["M5 12h13", "M12.500 6l6 6-6 6"],
  slash: ["M7 4h10a3 3 0 0 1 3 3v10a3 3 0 0 1-3 3H7a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3z", "M14 8.500l-4 7"],
  clip: [
    "M19 11.500l-7.200 7.200a4.500 4.500 0 0 1-6.400-6.400l7.700-7.700a3 3 0 0 1 4.300 4.300l-7.500 7.500a1.500 1.500 0 0 1-2.200-2.200l6.700-6.700",
  ],
  file: ["M7 3h7l4 4v14H7z", "M14 3v4h4"],
  eye: ["M3 12s3.500-6 9-6 9 6 9 6-3.500 6-9 6-9-6-9-6z", "M12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z"],
  reply: ["M9 7l-5 5 5 5", "M4 12h9a7 7 0 0 1 7 6"],
  pencil: ["M5 19l1-4L16 5l3 3L9 18z"],
  trash: ["M5 7h14", "M9 7V4h6v3", "M7 7l1 13h8l1-13"],
  copy: ["M9 9h11v11H9z", "M5 15H4V4h11v1"],
  bolt: ["M13 3 5 14h6l-1 7 8-11h-6z"],
  sun: [
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
    "M12 2.500v2",
    "M12 19.500v2",
    "M2.500 12h2",
    "M19.500 12h2",
    "M5.300 5.300l1.400 1.400",
    "M17.300 17.300l1.400 1.400",
    "M5.300 18.700l1.400-1.400",
    "M17.300 6.700l1.400-1.400",
  ],
  moon: ["M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z"],
  down: ["M12 5v13", "M6 12.500l6 6 6-6"],
  chevron: ["M6 9l6 6 6-6"],
  check: ["M5 12.500l4.500 4.500L19 7.500"],
  plus: ["M12 5v14", "M5 12h14"],
  warn: ["M12 4 2.500 20h19z", "M12 10v4.500", "M12 17.300h.01"],
  out: ["M14 4h6v6", "M20 4l-9 9", "M18 14v6H4V6h6"],
  smile: [
    "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
    "M8.500 10h.01",
    "M15.500 10h.01",
    "M8 14.500c1 1.500 2.400 2.200 4 2.200s3-.7 4-2.200",
  ],
};

/**
 * Make an element. `props`: `class`, `testid`, `data` (a map), `on` (a map of listeners), `style` (a map of properties);
 * every other one is an attribute, where `true` means present and `false`, `null` and `undefined` absent.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "testid") node.dataset.testid = value;
    else if (name === "data") {
      for (const [key, each] of Object.entries(value))
        if (each !== null && each !== undefined) node.dataset[key] = each;
    } else if (name === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === "style") {
      for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    } else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

/** Append nodes, texts and nested lists of them; leaves out what is null or false. */
export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Make a button that does not send forms. */
export function button(props, ...children) {
  return el("button", { type: "button", ...props }, ...children);
}

/** Make an icon, which screen readers pass over. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const stroke of ICONS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", stroke);
    svg.append(path);
  }
  return svg;
}

/** Replace all children. */
export function fill(node, ...children) {
  node.replaceChildren();
  append(node, children);
  return node;
}

let counted = 0;

/** Return an id that no other element has. */
export function freshId(prefix) {
  counted += 1;
  return `${prefix}-${counted}`;
}

/** Let a textarea be as high as its text, up to the limit that the style sheet sets. */
export function growing(area) {
  const fit = () => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + (area.offsetHeight - area.clientHeight)}px`;
  };
  area.addEventListener("input", fit);
  requestAnimationFrame(fit);
  return fit;
}
