"use strict";
// Everything is there without this script: it sorts tables, opens molecules in three dimensions, and opens details to print.

function valueOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.number === undefined ? null : Number(cell.dataset.number);
}

function compareRows(column, sign, numeric) {
  return (first, second) => {
    if (!numeric) {
      const [a, b] = [first, second].map((row) => row.cells[column].textContent.trim());
      return sign * a.localeCompare(b, "en", { numeric: true });
    }
    const [a, b] = [valueOf(first, column), valueOf(second, column)];
    // what has no number stays below, whichever way
    return a === null || b === null ? (a === null) - (b === null) : sign * (a - b);
  };
}

function sort(table, heading, column) {
  const sign = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const numeric = rows.some((row) => row.cells[column].dataset.number !== undefined);
  rows.sort(compareRows(column, sign, numeric));
  body.append(...rows);
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
}

for (const table of document.querySelectorAll("table")) {
  if (table.tBodies[0].rows.length < 2) continue;
  table.classList.add("sorts");
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const name = heading.querySelector(".name");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name.textContent;
    button.title = [heading.title, "Sort by this column"].filter(Boolean).join(" — ");
    button.addEventListener("click", () => sort(table, heading, column));
    name.replaceChildren(button);
  });
}

function loadViewer() {
  if (window.$3Dmol) return;
  const script = document.createElement("script");
  script.textContent = document.getElementById("viewer").textContent;
  document.head.append(script);
}

function open3D(view, structure) {
  loadViewer();
  const viewer = window.$3Dmol.createViewer(view, { backgroundAlpha: 0, disableFog: true });
  viewer.addModel(structure.querySelector(".xyz").textContent, "xyz");
  viewer.setStyle({}, { stick: { radius: 0.12 }, sphere: { scale: 0.24 } });
  viewer.zoomTo();
  viewer.zoom(1.4);
  viewer.render();
}

for (const structure of document.querySelectorAll(".structure")) {
  const [button, view, drawing] = [".open", ".view", ".frame"].map((name) => structure.querySelector(name));
  button.hidden = false;
  button.addEventListener("click", () => {
    const opens = view.hidden;
    view.hidden = !opens;
    if (drawing) drawing.hidden = opens;
    button.textContent = opens ? "Close 3D" : "Open in 3D";
    if (!opens || view.childElementCount) return;
    try {
      open3D(view, structure);
    } catch {
      view.textContent = "This browser cannot draw in three dimensions (WebGL).";
    }
  });
}

const closed = [];
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open], .coordinates, .data)")) {
    details.open = true;
    closed.push(details);
  }
});
window.addEventListener("afterprint", () => {
  while (closed.length) closed.pop().open = false;
});
