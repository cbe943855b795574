// What a person chose, remembered in this browser: language, acting user, theme, channel.

const PREFIX = "hearth.";

/** Return a remembered choice, or null. */
export function remembered(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Remember a choice; null forgets it. */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage may be switched off; the choice then lasts as long as the page.
  }
}
