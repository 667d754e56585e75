/* Charts: figures of the page, drawn by Plotly in the colours of the theme when the reader comes near. */
const NARROW = 600; // pixels; below it a finger scrolls the page instead of zooming
const PAPER = { width: 680, height: 300 }, SMALL_PAPER = { width: 330, height: 220 }; // pixels, as in print.css
const CONFIG = {
  responsive: true, displaylogo: false, showTips: false, doubleClick: "reset",
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
};
const NARROW_CONFIG = { ...CONFIG, displayModeBar: true, modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d"]] };
const DATA_KEYS = new Set(["x", "y", "z", "text", "hovertext"]);
const hiddenTraces = new Map(); // name of a chart -> names of traces that the reader hid
const waiting = new Set(); // charts near the window whose picture is missing or old
const nearby = new IntersectionObserver(noteNearby, { rootMargin: "75% 0px" });
let isDrawing = false;
let isPrinting = false;

function startCharts() {
  queueCharts([...document.querySelectorAll(".chart")]);
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
  matchMedia("print").addEventListener("change", (event) => setPrinting(event.matches));
}

/* Draw charts once they are near the window. */
function queueCharts(elements) {
  for (const each of elements) {
    waiting.delete(each);
    nearby.unobserve(each);
    nearby.observe(each);
    prepareFigure(each);
  }
  if (elements.length) delete root.dataset.ready; else markReady();
}

function noteNearby(entries) {
  for (const { isIntersecting, target } of entries) {
    if (isIntersecting) waiting.add(target); else waiting.delete(target);
  }
  if (!isDrawing) drawNext();
}

/* Draw one chart at a time, so that the page answers its reader meanwhile. */
function drawNext() {
  const [element] = waiting;
  if (element) drawChart(element);
  isDrawing = waiting.size > 0;
  if (isDrawing) setTimeout(drawNext); else markReady();
}

function markReady() {
  if (!waiting.size) root.dataset.ready = "true";
}

function redrawCharts() {
  queueCharts([...document.querySelectorAll(".chart")]);
}

function drawChart(element) {
  waiting.delete(element);
  nearby.unobserve(element);
  const figure = prepareFigure(element);
  if (!figure) return;
  const isNarrow = innerWidth < NARROW && !isPrinting;
  const characters = Math.floor((element.clientWidth - AXIS_WIDTH) / CHARACTER_WIDTH);
  for (const trace of figure.data) {
    if (trace.hovertext) trace.hovertext = trace.hovertext.map((each) => wrapText(each, characters));
  }
  const layout = mergeLayout(figure.layout, isNarrow, element.closest(".small") ? SMALL_PAPER : PAPER);
  Plotly.react(element, figure.data, layout, isNarrow ? NARROW_CONFIG : CONFIG);
  followZoom(element);
}

/* Build the figure of a chart and draw its legend, so that nothing moves once the picture comes. */
function prepareFigure(element) {
  const block = findBlock(element.id);
  if (!block || !element.isConnected) return null;
  const figure = paint(block.figure);
  const hidden = hiddenTraces.get(element.id) || new Set();
  for (const trace of figure.data) if (hidden.has(trace.name)) trace.visible = "legendonly";
  drawLegend(element, figure.data, takeRegions(figure.layout, element));
  return figure;
}

function removeChart(element) {
  waiting.delete(element);
  nearby.unobserve(element);
  hiddenTraces.delete(element.id);
  Plotly.purge(element);
}

/* Copy a figure with colours instead of roles; data are shared, not copied. */
function paint(value, key = "") {
  if (DATA_KEYS.has(key)) return value;
  if (Array.isArray(value)) return value.map((each) => paint(each, key));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, paint(each, name)]));
  }
  const isColor = typeof value === "string" && /color/.test(key) && value.startsWith("@");
  return isColor ? resolveColor(value) : value;
}

/* Break the lines of an escaped text at spaces, so that they fit a chart. */
function wrapText(text, characters) {
  return text.split("<br>").flatMap((line) => line.split(/(?<=[^ ]) /).reduce((lines, word) => {
    const last = lines.at(-1);
    const fits = last !== undefined && readMarkup(`${last} ${word}`).length <= characters;
    return fits ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word];
  }, [])).join("<br>");
}

/* Take the labels of regions out of a chart that is too narrow for one of them; its legend has them. */
function takeRegions(layout, element) {
  const regions = (layout.shapes || []).filter((each) => each.label?.text);
  if (!regions.length) return [];
  const limits = regions.flatMap((each) => [each.x0, each.x1]).map(readPlace);
  const width = (isPrinting ? PAPER.width : element.clientWidth) - AXIS_WIDTH;
  const scale = width / (Math.max(...limits) - Math.min(...limits));
  const fits = (each) => readMarkup(each.label.text).length * CHARACTER_WIDTH < scale * (readPlace(each.x1) - readPlace(each.x0));
  if (regions.every(fits)) return [];
  const entries = regions.map((each) => ({ name: each.label.text, color: each.label.font.color }));
  for (const each of regions) delete each.label;
  return entries;
}

function mergeLayout(layout, isNarrow, paper) {
  const axis = {
    automargin: true, gridcolor: resolveColor("@grid"), linecolor: resolveColor("@line"),
    zerolinecolor: resolveColor("@line"), ticks: "outside", tickcolor: resolveColor("@line"), showline: true,
    spikecolor: resolveColor("@muted"), spikethickness: 1, showspikes: false,
  };
  const hasLabels = (layout.shapes || []).some((each) => each.label && each.label.text);
  const mergeAxis = (own, standoff) => ({ ...axis, ...own, title: { standoff, ...own.title } });
  return {
    ...layout,
    xaxis: { ...mergeAxis(layout.xaxis, 8), showspikes: layout.hovermode === "x unified" },
    yaxis: mergeAxis(layout.yaxis, 8),
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: resolveColor("@text") },
    paper_bgcolor: resolveColor("@ground"), plot_bgcolor: resolveColor("@ground"),
    margin: { l: 48, r: 24, t: hasLabels ? 46 : 28, b: 36 },
    dragmode: isNarrow ? false : "zoom",
    showlegend: false, bargap: 0.06, uirevision: "reader",
    hoverlabel: { bgcolor: resolveColor("@surface"), bordercolor: resolveColor("@line"), align: "left", namelength: -1,
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: resolveColor("@text") } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: resolveColor("@muted"), activecolor: resolveColor("@text") },
    ...(isPrinting ? { ...paper, ...(layout.height && { height: layout.height }) } : { autosize: true }),
  };
}

/* Draw for paper before the browser lays out its sheets, also what the reader has not come to. */
function setPrinting(value) {
  if (isPrinting === value) return;
  isPrinting = value;
  applyTheme(value ? "light" : pickedTheme);
  for (const each of document.querySelectorAll("details.essential")) {
    if (value) each.dataset.open = each.open;
    each.open = value || each.dataset.open === "true";
  }
  if (value) document.querySelectorAll(".chart").forEach(drawChart); else redrawCharts();
}
