/* Tables: sorted by a click on a heading, filtered by text, downloaded as CSV. */
const tableStates = new Map(); // name of a table -> {column, direction, filter} of the reader

function startTables(container) {
  for (const block of container.querySelectorAll(".block[data-block]")) {
    const table = block.querySelector(":scope > .scroll > table.sorted");
    if (table) startTable(block, table);
  }
}

function startTable(block, table) {
  const name = block.dataset.block;
  const state = tableStates.get(name) || { column: -1, direction: 1, filter: "" };
  tableStates.set(name, state);
  const rows = [...table.tBodies[0].rows].map((row, index) => ({ row, index, cells: findBlock(name).rows[index] }));
  const show = () => showRows(block, table, rows, state);
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      state.direction = state.column === column ? -state.direction : 1;
      state.column = column;
      show();
    });
  });
  const filter = block.querySelector(".filter");
  if (filter) {
    filter.value = state.filter;
    filter.addEventListener("input", () => { state.filter = filter.value; show(); });
    block.querySelector(".csv").addEventListener("click", () => downloadCsv(name));
  }
  if (state.column >= 0 || state.filter) show();
}

function showRows(block, table, rows, state) {
  const words = state.filter.trim().toLowerCase();
  const shown = rows.filter(({ row }) => !words || row.textContent.toLowerCase().includes(words));
  const compare = (one, other) => compareCells(one.cells[state.column], other.cells[state.column], state.direction);
  if (state.column >= 0) shown.sort((one, other) => compare(one, other) || one.index - other.index);
  table.tBodies[0].replaceChildren(...shown.map(({ row }) => row));
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const order = state.direction > 0 ? "ascending" : "descending";
    heading.setAttribute("aria-sort", column === state.column ? order : "none");
  });
  const count = block.querySelector(".shown");
  if (count) count.textContent = words ? `${shown.length} of ${rows.length} rows` : `${rows.length} rows`;
}

/* Cells without a value come last in either direction. */
function compareCells(one, other, direction) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one === "number" && typeof other === "number") return direction * (one - other);
  return direction * String(one).localeCompare(String(other), "en", { numeric: true });
}

function downloadCsv(name) {
  const { columns, rows } = findBlock(name);
  const lines = [columns.map((each) => each.heading), ...rows];
  const text = lines.map((cells) => cells.map(quoteCell).join(",")).join("\r\n") + "\r\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/* A text that a spreadsheet would read as a formula begins with an apostrophe (OWASP, "CSV Injection"). */
function quoteCell(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
