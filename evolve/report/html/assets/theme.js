"use strict";
/* Theme: that of the system until the reader picks one; paper is always light. */
const THEME_KEY = "evolve-theme";
const root = document.documentElement;
const systemDark = matchMedia("(prefers-color-scheme: dark)");
let pickedTheme = readPickedTheme();

function startTheme() {
  applyTheme();
  document.getElementById("theme").addEventListener("click", () => {
    pickedTheme = isDark() ? "light" : "dark";
    try { localStorage.setItem(THEME_KEY, pickedTheme); } catch { /* a page that may store nothing */ }
    applyTheme();
    redrawCharts();
  });
  systemDark.addEventListener("change", () => { applyTheme(); redrawCharts(); });
}

function isDark() {
  return pickedTheme ? pickedTheme === "dark" : systemDark.matches;
}

function applyTheme(name = pickedTheme) {
  if (name) root.dataset.theme = name; else delete root.dataset.theme;
  document.getElementById("theme").textContent = isDark() ? "Light theme" : "Dark theme";
}

/* Colour of `@role` or `@role/opacity`. */
function resolveColor(text) {
  const [name, opacity] = text.slice(1).split("/");
  const color = getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  if (!opacity) return color;
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

function readPickedTheme() {
  try { return localStorage.getItem(THEME_KEY) || ""; } catch { return ""; }
}
