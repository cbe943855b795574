// Sets the remembered theme before anything is painted, so that the page never flashes in the other one.
"use strict";
try {
  const theme = localStorage.getItem("hearth.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be switched off; the system's theme is shown then.
}
