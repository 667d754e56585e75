/* Legends: buttons below a chart that hide and show its traces. */
const SHAPES = {
  "circle": "M8 2a4 4 0 1 0 .01 0Z", "square": "M4 2h8v8H4Z", "diamond": "M8 1l5 5-5 5-5-5Z",
  "triangle-up": "M8 1l5 9H3Z", "triangle-down": "M8 11L3 2h10Z",
  "x": "M4 2l4 3 4-3 1 1-3 3 3 3-1 1-4-3-4 3-1-1 3-3-3-3Z", "cross": "M7 1h2v4h4v2H9v4H7V7H3V5h4Z",
  "star": "M8 0l1.6 4H14l-3.4 2.6L12 11 8 8.4 4 11l1.4-4.4L2 4h4.4Z",
};

function drawLegend(element, traces, regions) {
  const figure = element.closest("figure");
  const list = figure.querySelector(".key") || document.createElement("ul");
  list.className = "key";
  const shown = traces.filter((each) => each.showlegend);
  list.replaceChildren(...shown.map((trace) => drawEntry(element, trace)), ...regions.map(drawRegion));
  if (list.children.length) element.parentElement.after(list); else list.remove();
}

function drawEntry(element, trace) {
  const entry = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", String(trace.visible !== "legendonly"));
  button.append(drawSample(trace), readMarkup(trace.name));
  button.addEventListener("click", () => {
    const hidden = hiddenTraces.get(element.id) || new Set();
    if (!hidden.delete(trace.name)) hidden.add(trace.name);
    hiddenTraces.set(element.id, hidden);
    const at = [...list(button)].indexOf(button);
    drawChart(element);
    [...list(element.closest("figure").querySelector(".key"))][at].focus();
  });
  entry.append(button);
  return entry;
}

function drawRegion({ name, color }) {
  const entry = document.createElement("li");
  entry.className = "region";
  entry.style.setProperty("--role", color);
  entry.textContent = readMarkup(name);
  return entry;
}

function list(element) {
  return element.closest(".key").querySelectorAll("button");
}

function drawSample(trace) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("width", "20");
  svg.setAttribute("height", "12");
  svg.setAttribute("aria-hidden", "true");
  const isLine = trace.mode === "lines" && !trace.fillcolor;
  if (isLine) {
    path.setAttribute("d", "M0 6H20");
    path.setAttribute("stroke", trace.line.color);
    path.setAttribute("stroke-width", "2.5");
    if (trace.line.dash === "dash") path.setAttribute("stroke-dasharray", "5 3");
  } else {
    const symbol = trace.mode === "markers" ? (trace.marker.symbol || "circle").replace("-open", "") : "";
    path.setAttribute("d", symbol ? SHAPES[symbol] || SHAPES.circle : "M1 1h18v10H1Z");
    const isOpen = trace.marker?.symbol?.endsWith("-open");
    path.setAttribute("fill", isOpen ? "none" : trace.fillcolor || trace.marker.color);
    if (isOpen || !symbol) path.setAttribute("stroke", isOpen ? trace.marker.color : (trace.line || trace.marker.line).color);
  }
  svg.append(path);
  return svg;
}

/* Text of an escaped name: a document that is never shown reads its entities. */
function readMarkup(text) {
  const entities = { "&lt;": "<", "&gt;": ">", "&amp;": "&", "<br>": " " };
  return text.replace(/&lt;|&gt;|&amp;|<br>/g, (each) => entities[each]);
}
