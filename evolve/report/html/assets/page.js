/* Page: its figures by name, its contents, and the start of everything. */
let island = JSON.parse(document.getElementById("page-data").textContent);
const blocks = new Map();
let watcher = null;

startTheme();
indexBlocks();
startTables(document);
listContents(island.sections);
if (innerWidth <= 900) document.querySelector(".contents details").open = false;
document.getElementById("toc").addEventListener("click", () => {
  if (innerWidth <= 900) document.querySelector(".contents details").open = false;
});
addEventListener("hashchange", openTarget);
openTarget();
startCharts();
startLive();

function indexBlocks() {
  blocks.clear();
  for (const section of island.sections) {
    for (const block of section.blocks) if (block.name) blocks.set(block.name, block);
  }
}

function findBlock(name) {
  return blocks.get(name);
}

/* Contents, in which the section that is read is marked. */
function listContents(sections) {
  const list = document.getElementById("toc");
  list.replaceChildren(...sections.map(({ name, title }) => {
    const link = document.createElement("a");
    link.href = `#${name}`;
    link.textContent = title;
    const entry = document.createElement("li");
    entry.append(link);
    return entry;
  }));
  watcher?.disconnect();
  watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const link = [...list.querySelectorAll("a")].find((each) => each.hash === `#${target.id}`);
      if (isIntersecting) link?.setAttribute("aria-current", "true"); else link?.removeAttribute("aria-current");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  document.querySelectorAll("main > section").forEach((each) => watcher.observe(each));
}

/* A link to a step of a line of descent opens it. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = target?.querySelector(":scope > details");
  if (details) details.open = true;
}
