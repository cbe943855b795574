// Places what pops up over the page beside what opened it, and keeps it inside the window.

const GAP = 6;
const EDGE = 8;

/** Show a popover below a rectangle, or above it where there is more room. `wide`: at least as wide as it. */
export function place(popover, rectangle, { wide = false } = {}) {
  if (wide) popover.style.minWidth = `${Math.min(rectangle.width, innerWidth - 2 * EDGE)}px`;
  popover.style.maxHeight = "320px";
  const below = innerHeight - rectangle.bottom - GAP - EDGE;
  const above = rectangle.top - GAP - EDGE;
  const upwards = popover.offsetHeight > below && above > below;
  const height = Math.min(popover.offsetHeight, Math.max(upwards ? above : below, 120));
  popover.style.maxHeight = `${height}px`;
  const top = upwards ? rectangle.top - GAP - height : rectangle.bottom + GAP;
  const left = Math.min(rectangle.left, innerWidth - popover.offsetWidth - EDGE);
  popover.style.top = `${Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))}px`;
  popover.style.left = `${Math.max(EDGE, left)}px`;
}

/** Move a mark over items by key; returns the new index, or null where the key means nothing here. */
export function stepped(key, index, count) {
  switch (key) {
    case "ArrowDown":
      return (index + 1) % count;
    case "ArrowUp":
      return (index - 1 + count) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    case "PageDown":
      return Math.min(index + 8, count - 1);
    case "PageUp":
      return Math.max(index - 8, 0);
    default:
      return null;
  }
}
