/* Live view: sections that changed are replaced; what the reader set up remains. */
const RETRY_MS = 5000;
let isLoading = false;
let isStale = false;
let source = null;

/* A browser has six connections to a server, so a hidden page gives up its own. */
function startLive() {
  const stream = document.body.dataset.stream;
  if (!stream) return;
  connect(stream);
  document.addEventListener("visibilitychange", () => {
    source?.close();
    source = null;
    if (!document.hidden) connect(stream);
  });
}

function connect(stream) {
  source?.close();
  if (document.hidden) return;
  source = new EventSource(`${stream}/events`);
  source.onopen = () => { showConnection(true); load(stream); };
  source.onmessage = () => load(stream);
  source.onerror = () => {
    showConnection(false);
    if (source?.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS, stream);
  };
}

/* Load the page once for all events of a moment; a hidden page waits until it is looked at. */
async function load(stream) {
  isStale = true;
  if (isLoading || document.hidden) return;
  isLoading = true;
  try {
    while (isStale) {
      isStale = false;
      const response = await fetch(`${stream}/page.json`, { cache: "no-store" });
      if (response.ok) update(await response.json());
    }
  } catch {
    showConnection(false);
  } finally {
    isLoading = false;
  }
}

function showConnection(isOpen) {
  document.getElementById("connection").hidden = isOpen;
}

function update(payload) {
  const anchor = findAnchor();
  const focus = describeFocus();
  island = payload.island;
  indexBlocks();
  document.title = payload.title;
  document.getElementById("title").textContent = payload.title;
  document.getElementById("subtitle").textContent = payload.subtitle;
  const badge = document.getElementById("state");
  badge.textContent = payload.state;
  badge.className = `badge ${payload.state}`;
  badge.hidden = !payload.state;
  const names = new Set(payload.sections.map((each) => each.name));
  for (const old of document.querySelectorAll("main > section")) if (!names.has(old.id)) removeSection(old);
  const main = document.getElementById("content");
  payload.sections.forEach((each, index) => {
    const section = document.getElementById(each.name) || addSection(each.name);
    if (section.dataset.digest !== each.digest) replaceSection(section, each);
    if (main.children[index] !== section) main.insertBefore(section, main.children[index] || null);
  });
  listContents(payload.sections);
  restoreFocus(focus);
  if (anchor) scrollBy({ top: anchor.section.getBoundingClientRect().top - anchor.top, behavior: "instant" });
}

function addSection(name) {
  const section = document.createElement("section");
  section.id = name;
  section.setAttribute("aria-labelledby", `${name}-heading`);
  document.getElementById("content").append(section);
  return section;
}

function removeSection(section) {
  section.querySelectorAll(".chart").forEach(removeChart);
  section.remove();
}

function replaceSection(section, { html, digest }) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const opened = new Set([...section.querySelectorAll("details[open]")].map(nameDetails));
  const scrolls = [...section.querySelectorAll(".scroll")].map((each) => [each.ariaLabel, each.scrollTop, each.scrollLeft]);
  const charts = new Map([...section.querySelectorAll(".chart")].map((each) => [each.id, each]));
  for (const fresh of template.content.querySelectorAll(".chart")) {
    const old = charts.get(fresh.id);
    if (!old) continue;
    for (const { name, value } of fresh.attributes) if (name !== "class") old.setAttribute(name, value);
    fresh.replaceWith(old); // it has its zoom
    charts.delete(fresh.id);
  }
  charts.forEach(removeChart);
  for (const each of template.content.querySelectorAll("details")) each.open = opened.has(nameDetails(each));
  section.replaceChildren(template.content);
  section.dataset.digest = digest;
  startTables(section);
  for (const [label, top, left] of scrolls) {
    const box = [...section.querySelectorAll(".scroll")].find((each) => each.ariaLabel === label);
    if (box) { box.scrollTop = top; box.scrollLeft = left; }
  }
  queueCharts([...section.querySelectorAll(".chart")]);
}

function nameDetails(details) {
  return `${details.closest("[data-block]")?.dataset.block} ${details.dataset.key}`;
}

/* Section at the top of the window, which stays where it is. */
function findAnchor() {
  if (scrollY < 10) return null;
  const section = [...document.querySelectorAll("main > section")].find((each) => each.getBoundingClientRect().bottom > 0);
  return section && { section, top: section.getBoundingClientRect().top };
}

/* Focused element as its place among those of its kind in its block. */
function describeFocus() {
  const element = document.activeElement;
  const block = element?.closest?.("[data-block]");
  if (!block) return null;
  const at = [...block.querySelectorAll(element.localName)].indexOf(element);
  return { element, block: block.dataset.block, kind: element.localName, at, end: element.selectionEnd };
}

function restoreFocus(focus) {
  if (!focus || focus.element.isConnected) return;
  const block = document.querySelector(`[data-block="${CSS.escape(focus.block)}"]`);
  const element = block?.querySelectorAll(focus.kind)[focus.at];
  element?.focus({ preventScroll: true });
  if (focus.end != null) element?.setSelectionRange?.(focus.end, focus.end);
}
