
"use strict";
(() => {
  const table = document.getElementById("item-table");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const count = document.getElementById("count");
  const more = document.getElementById("more");
  const fields = ["status", "error", "search"].map((id) => document.getElementById(id));
  const [status, error, search] = fields;
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const number = new Intl.NumberFormat("en");
  const texts = new Map();

  const textOf = (row) => {
    if (!texts.has(row)) texts.set(row, Array.from(row.cells, (cell) => cell.textContent).join("\n").toLowerCase());
    return texts.get(row);
  };

  const atFirst = 200; // rows: many more make the page slow
  let most = atFirst;
  const find = () => {
    most = atFirst;
    filter();
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const row of body.rows) {
      const fits =
        (!status.value || row.dataset.status === status.value) &&
        (!error.value || row.dataset.error === error.value) &&
        words.every((word) => textOf(row).includes(word));
      found += fits;
      row.hidden = !fits || found > most;
    }
    const part = found > most ? `; the first ${number.format(most)} are shown` : "";
    count.textContent = `${number.format(found)} of the ${number.format(rows.length)} items on this page${part}`;
    more.hidden = found <= most;
    more.textContent = `Show all ${number.format(found)}`;
  };

  const sort = (header) => {
    const column = header.cellIndex;
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const keyed = rows.map((row) => [row.cells[column].dataset.order ?? row.cells[column].textContent, row]);
    keyed.sort(([a], [b]) => {
      if (!a || !b) return (a ? 0 : 1) - (b ? 0 : 1);
      return ascending ? collator.compare(a, b) : collator.compare(b, a);
    });
    body.append(...keyed.map(([, row]) => row));
    filter();
  };

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 120);
  });
  status.addEventListener("change", find);
  error.addEventListener("change", find);
  document.getElementById("clear").addEventListener("click", () => {
    for (const field of fields) field.value = "";
    find();
    search.focus();
  });
  more.addEventListener("click", () => {
    most = Infinity;
    filter();
  });
  for (const header of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sort(header));
    header.append(button);
  }
  for (const button of document.querySelectorAll(".show")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      status.value = button.dataset.status;
      error.value = button.dataset.error;
      search.value = "";
      find();
      document.getElementById("items").scrollIntoView();
      status.focus({ preventScroll: true });
    });
  }
  document.querySelector(".filters").hidden = false;
  filter();
})();
