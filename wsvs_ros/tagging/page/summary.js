// Counts, what comes together, and which classes tags teach little about.
import { element, get, make } from "/page/api.js";

export async function showSummary() {
  const found = await get("/api/summary");
  const figure = (value, what) => make("li", {}, make("b", { textContent: value }), make("span", { textContent: what }));
  const hours = (value) => (value < 1 ? `${(60 * value).toFixed(1)} min` : `${value.toFixed(2)} h`);
  element("summary-body").replaceChildren(
    make("ul", { className: "figures" },
      figure(hours(found.hours_done), `tagged of ${hours(found.hours)}`),
      figure(found.done, `of ${found.clips} clips done`),
      figure(found.unsure, "unsure, left out")),
    make("h3", { textContent: "What training can learn from these tags" }),
    found.warnings.length
      ? make("ul", { className: "warnings" }, ...found.warnings.map((text) => make("li", { textContent: `⚠ ${text}` })))
      : make("p", { textContent: "Every class is in some clips and missing from others: that is what tags need." }),
    make("h3", { textContent: "Clips that show a class (framed), and two together" }),
    make("div", { className: "matrix-box" }, matrix(found)));
  element("summary").showModal();
  element("summary").scrollTop = 0; // the focus is on the last button
}

function matrix({ classes, cooccurrence, done }) {
  const head = make("tr", {}, make("td"), ...classes.map((name) => make("th", { textContent: name, scope: "col" })));
  const rows = classes.map((name, row) => make("tr", {},
    make("th", { textContent: name, scope: "row" }),
    ...classes.map((other, column) => {
      const count = cooccurrence[row][column], share = done ? count / done : 0;
      const cell = make("td", { textContent: count || "·", title: `${name} and ${other}: ${count} of ${done} clips` });
      cell.style.background = `color-mix(in oklab, #1e2b35, #14b8a6 ${Math.round(100 * share)}%)`;
      cell.style.color = share > 0.55 ? "#04201c" : "#eef4f7";
      if (row === column) cell.className = "self";
      return cell;
    })));
  return make("table", { className: "matrix" }, make("thead", {}, head), make("tbody", {}, ...rows));
}
