"use strict";
// Sorts and filters the rows that stand in the table; without it the page is complete, in the order of the ids.
(() => {
  const body = document.querySelector("#students tbody");
  const rows = Array.from(body.rows);
  const search = document.querySelector("#search");
  const status = document.querySelector("#status");
  const check = document.querySelector("#check");
  const shown = document.querySelector("#shown");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const fails = rows.map((row) => " " + row.dataset.failed + " ");

  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, index) => {
      const keep =
        (!status.value || row.dataset.status === status.value || (status.value === "look" && row.dataset.look === "1")) &&
        (!check.value || fails[index].includes(" " + check.value + " ")) &&
        wanted.every((word) => texts[index].includes(word));
      row.hidden = !keep;
      count += keep ? 1 : 0;
    });
    shown.textContent = count === rows.length ? rows.length + " students" : count + " of " + rows.length + " students";
  }

  function sort(header, column) {
    const descending = header.getAttribute("aria-sort") === "ascending";
    document.querySelectorAll("#students th").forEach((other) => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const numeric = header.classList.contains("number");
    const keys = new Map(rows.map((row) => {
      const cell = row.cells[column];
      return [row, numeric ? Number(cell.dataset.sort ?? cell.textContent) : cell.textContent.trim()];
    }));
    const order = new Intl.Collator(undefined, { numeric: true });
    const sign = descending ? -1 : 1;  // not reversed: equals stay in the order of the ids
    body.append(...rows.slice().sort((a, b) =>
      sign * (numeric ? keys.get(a) - keys.get(b) : order.compare(keys.get(a), keys.get(b)))));
  }

  document.querySelectorAll("#students thead th").forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(header, column));
    header.replaceChildren(button);
  });
  search.addEventListener("input", filter);
  status.addEventListener("change", filter);
  check.addEventListener("change", filter);
  document.querySelector(".filters").hidden = false;
  filter();
})();
