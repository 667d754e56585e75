/* Zoom: values fill the height of a chart when the reader zooms in on a part of its time. */
const AXIS_WIDTH = 62; // pixels beside the plot
const CHARACTER_WIDTH = 7; // pixels, on average, of a label
const HEADROOM = 0.05; // of the range of the values, above and below them

function followZoom(element) {
  if (element.layout.xaxis.type !== "date") return;
  if (!element.dataset.zoom) element.on("plotly_relayout", (change) => {
    if (Object.keys(change).some((each) => each.startsWith("yaxis"))) return;
    if (Object.keys(change).some((each) => each.startsWith("xaxis."))) fitValues(element);
  });
  element.dataset.zoom = "followed";
  if (!element.layout.xaxis.autorange) fitValues(element);
}

function fitValues(element) {
  const [start, end] = element.layout.xaxis.range.map(readPlace);
  const values = element.data.filter((each) => each.visible !== "legendonly").flatMap((trace) => trace.y.filter((y, index) => {
    const place = readPlace(trace.x[index]);
    return y !== null && place >= start && place <= end;
  }));
  const isLog = element.layout.yaxis.type === "log";
  const heights = isLog ? values.filter((each) => each > 0).map(Math.log10) : values;
  const low = heights.reduce((one, other) => Math.min(one, other), Infinity);
  const high = heights.reduce((one, other) => Math.max(one, other), -Infinity);
  if (low < high) Plotly.relayout(element, { "yaxis.range": [low - HEADROOM * (high - low), high + HEADROOM * (high - low)] });
}

/* Number of a place on a horizontal axis; a time is in milliseconds. */
function readPlace(place) {
  return typeof place === "string" ? Date.parse(place.includes(":") ? `${place.replace(" ", "T").replace("Z", "")}Z` : place) : place;
}
