"use strict";
const page = JSON.parse(document.getElementById("page-data").textContent);
for (const section of page.sections) {
  for (const block of section.blocks) {
    if (block.kind === "chart") {
      Plotly.newPlot(block.name, block.figure.data, block.figure.layout, { responsive: true });
    }
  }
}
