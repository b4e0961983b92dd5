"use strict";

// ---- tables that sort: a heading is a button; numbers by size, what has none at the end
function key(cell) {
  const text = cell ? cell.textContent.trim() : "";
  const found = text.replace(/,/g, "").match(/^\[?(-?\d+(?:\.\d+)?)([kMB]?)(?!\w)/);
  if (found) return Number(found[1]) * ({ k: 1e3, M: 1e6, B: 1e9 }[found[2]] || 1);
  return text === "-" || text === "" ? null : text;
}

function compare(one, other) {
  if (one === null || other === null) return (one === null) - (other === null);
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), undefined, { numeric: true });
}

function sort(table, column, heading) {
  const down = heading.getAttribute("aria-sort") !== "descending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => [key(row.cells[column]), row]);
  rows.sort((one, other) => {
    if (one[0] === null || other[0] === null) return compare(one[0], other[0]);
    return down ? compare(other[0], one[0]) : compare(one[0], other[0]);
  });
  table.tBodies[0].append(...rows.map((row) => row[1]));
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    if (heading.classList.contains("nosort")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.onclick = () => sort(table, column, heading);
  });
}

// ---- completions that one browses: a filter, and so many problems at a time
const STEP = 20;
const form = document.querySelector("form.filter");
const more = document.querySelector("button.more");
let most = STEP;

function matches(sample, wanted) {
  if (wanted.model && sample.dataset.model !== wanted.model) return false;
  if (wanted.tag && !sample.dataset.tags.split("|").includes(wanted.tag)) return false;
  const question = sample.closest(".problem").querySelector(".question");
  return [question, sample].some((one) => one.textContent.toLowerCase().includes(wanted.text));
}

function show() {
  const wanted = Object.fromEntries(new FormData(form));
  wanted.text = wanted.text.toLowerCase();
  let problems = 0, samples = 0;
  for (const section of document.querySelectorAll("section.benchmark")) {
    const here = !wanted.benchmark || section.dataset.benchmark === wanted.benchmark;
    let any = false;
    for (const problem of section.querySelectorAll(".problem")) {
      let found = 0;
      for (const sample of problem.querySelectorAll("details.sample")) {
        sample.hidden = !(here && matches(sample, wanted));
        found += !sample.hidden;
      }
      problems += found > 0;
      samples += found;
      problem.hidden = !found || problems > most;
      any = any || !problem.hidden;
    }
    section.hidden = !any;
  }
  form.querySelector("output").textContent = `${samples} completions of ${problems} problems`;
  more.hidden = problems <= most;
}

if (form) {
  form.hidden = false;
  form.onsubmit = (event) => event.preventDefault();
  form.oninput = () => { most = STEP; show(); };
  more.onclick = () => { most += STEP; show(); };
  show();
}
