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

const PLAIN = { stick: { radius: 0.12 }, sphere: { scale: 0.24 } };
const RAMP = [[0, 114, 178], [225, 225, 225], [213, 94, 0]];

// from blue for the least through gray to orange for the most
function colorOf(share) {
  const [first, second, rest] = share < 0.5 ? [RAMP[0], RAMP[1], 2 * share] : [RAMP[1], RAMP[2], 2 * share - 1];
  return `rgb(${first.map((value, place) => Math.round(value + rest * (second[place] - value))).join(",")})`;
}

function addArrows(viewer, arrows, color) {
  viewer.selectedAtoms({}).forEach((atom, place) => {
    const [x, y, z] = arrows.vectors[place];
    if (Math.hypot(x, y, z) < 0.05) return;
    const end = { x: atom.x + x, y: atom.y + y, z: atom.z + z };
    viewer.addArrow({ start: { x: atom.x, y: atom.y, z: atom.z }, end, radius: 0.05, radiusRatio: 2.2, mid: 0.75, color });
  });
}

function showAtoms(viewer, structure, { arrows, values }) {
  const text = getComputedStyle(structure).color;
  arrows.forEach((each) => addArrows(viewer, each, each.color || text));
  const box = structure.querySelector(".by-value");
  if (!box) return;
  const known = values.filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const range = structure.querySelector(".range");
  for (const [name, value] of [["least", least], ["most", most]]) {
    range.querySelector(`.${name}`).textContent = value.toPrecision(3).replace("-", "−");
  }
  box.addEventListener("change", () => {
    range.hidden = !box.checked;
    viewer.selectedAtoms({}).forEach((atom, place) => {
      const share = most > least ? (values[place] - least) / (most - least) : 0.5;
      const color = values[place] === null ? "black" : colorOf(share);
      const colored = { stick: { ...PLAIN.stick, color }, sphere: { ...PLAIN.sphere, color } };
      viewer.setStyle({ index: atom.index }, box.checked ? colored : PLAIN);
    });
    viewer.render();
  });
}

// a molecule along the line of sight hides its atoms and arrows
function turnToTheSide(viewer) {
  const atoms = viewer.selectedAtoms({});
  const [x, y, z] = ["x", "y", "z"].map((axis) => {
    const along = atoms.map((atom) => atom[axis]);
    return Math.max(...along) - Math.min(...along);
  });
  if (z > Math.max(x, y)) viewer.rotate(90, "y");
}

function open3D(view, structure) {
  loadViewer();
  const viewer = window.$3Dmol.createViewer(view, { backgroundAlpha: 0, disableFog: true });
  viewer.addModel(structure.querySelector(".xyz").textContent, "xyz");
  viewer.setStyle({}, PLAIN);
  const atoms = structure.querySelector(".atoms");
  if (atoms) showAtoms(viewer, structure, JSON.parse(atoms.textContent));
  turnToTheSide(viewer);
  viewer.zoomTo();
  viewer.zoom(1.4);
  viewer.render();
}

for (const structure of document.querySelectorAll(".structure")) {
  const [button, view, drawing, key] = [".open", ".view", ".frame", ".key"].map((name) => structure.querySelector(name));
  button.hidden = false;
  for (const arrow of structure.querySelectorAll("[data-color]")) arrow.style.color = arrow.dataset.color;
  button.addEventListener("click", () => {
    const opens = view.hidden;
    view.hidden = !opens;
    if (drawing) drawing.hidden = opens;
    if (key) key.hidden = !opens;
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
