/* Charts: figures of the page drawn by Plotly in the colours of the theme. */
const NARROW = 600; // pixels; below it a finger scrolls the page instead of zooming
const PAPER_WIDTH = 680, PAPER_HEIGHT = 300; // pixels of a chart on paper, as in print.css
const CONFIG = {
  responsive: true, displaylogo: false, showTips: false, doubleClick: "reset",
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
};
const NARROW_CONFIG = { ...CONFIG, displayModeBar: true, modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d"]] };
const DATA_KEYS = new Set(["x", "y", "z", "text", "hovertext"]);
const hiddenTraces = new Map(); // name of a chart -> names of traces that the reader hid
let waiting = [];
let isPrinting = false;

function startCharts() {
  queueCharts([...document.querySelectorAll(".chart")]);
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
  matchMedia("print").addEventListener("change", (event) => setPrinting(event.matches));
}

/* Draw charts one by one, so that the page answers its reader meanwhile. */
function queueCharts(elements) {
  const isIdle = waiting.length === 0;
  waiting.push(...elements);
  delete root.dataset.ready;
  if (isIdle) setTimeout(drawNext);
}

function drawNext() {
  const element = waiting.shift();
  if (element) drawChart(element);
  if (waiting.length) setTimeout(drawNext); else root.dataset.ready = "true";
}

function drawWaiting() {
  while (waiting.length) drawNext();
}

function redrawCharts() {
  queueCharts([...document.querySelectorAll(".chart")].filter((each) => !waiting.includes(each)));
}

function drawChart(element) {
  const block = findBlock(element.id);
  if (!block || !element.isConnected) return;
  const figure = paint(block.figure);
  const hidden = hiddenTraces.get(element.id) || new Set();
  for (const trace of figure.data) if (hidden.has(trace.name)) trace.visible = "legendonly";
  const isNarrow = innerWidth < NARROW && !isPrinting;
  const regions = isNarrow ? takeRegions(figure.layout) : [];
  const layout = mergeLayout(figure.layout, isNarrow);
  Plotly.react(element, figure.data, layout, isNarrow ? NARROW_CONFIG : CONFIG);
  drawLegend(element, figure.data, regions);
}

function removeChart(element) {
  waiting = waiting.filter((each) => each !== element);
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

/* Take the labels of regions out of a narrow chart, where they would overlap; its legend has them. */
function takeRegions(layout) {
  const regions = (layout.shapes || []).filter((each) => each.label?.text);
  const entries = regions.map((each) => ({ name: each.label.text, color: each.label.font.color }));
  for (const each of regions) delete each.label;
  return entries;
}

function mergeLayout(layout, isNarrow) {
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
    margin: { l: 48, r: 14, t: hasLabels ? 46 : 28, b: 36 },
    dragmode: isNarrow ? false : "zoom",
    showlegend: false, bargap: 0.06, uirevision: "reader",
    hoverlabel: { bgcolor: resolveColor("@surface"), bordercolor: resolveColor("@line"), align: "left", namelength: -1,
      font: { color: resolveColor("@text") } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: resolveColor("@muted"), activecolor: resolveColor("@text") },
    ...(isPrinting ? { width: PAPER_WIDTH, height: layout.height || PAPER_HEIGHT } : { autosize: true }),
  };
}

/* Draw for paper before the browser lays out its sheets. */
function setPrinting(value) {
  if (isPrinting === value) return;
  isPrinting = value;
  applyTheme(value ? "light" : pickedTheme);
  for (const each of document.querySelectorAll("details.essential")) {
    if (value) each.dataset.open = each.open;
    each.open = value || each.dataset.open === "true";
  }
  redrawCharts();
  drawWaiting();
}
