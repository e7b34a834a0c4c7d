// The filter of a catalogue: a choice for each data attribute that is not the same in all rows, and a search.
// It works on what is in the page.  Without it, the catalogue is a plain table.
(() => {
  "use strict";

  const words = (name) => name.replace(/[A-Z]/g, (letter) => " " + letter.toLowerCase());

  const labelled = (text, control) => {
    const label = document.createElement("label");
    label.append(text, " ", control);
    return label;
  };

  const choice = (values) => {
    const select = document.createElement("select");
    select.append(new Option("any", ""), ...values.map((value) => new Option(value)));
    return select;
  };

  const filtered = (table) => {
    const rows = Array.from(table.tBodies).flatMap((body) => Array.from(body.rows));
    const names = new Set(rows.flatMap((row) => Object.keys(row.dataset)));
    const choices = new Map();
    for (const name of names) {
      const values = new Set(rows.map((row) => row.dataset[name]));
      values.delete(undefined);
      if (values.size > 1) choices.set(name, choice([...values].sort()));
    }
    const search = document.createElement("input");
    search.type = "search";
    const count = document.createElement("output");
    count.setAttribute("aria-live", "polite");
    const clear = document.createElement("button");
    clear.type = "reset";
    clear.textContent = "clear";

    const form = document.createElement("form");
    form.className = "optikit-filter";
    form.setAttribute("role", "search");
    form.setAttribute("aria-label", "Filter this table");
    form.append(labelled("search", search));
    for (const [name, select] of choices) form.append(labelled(words(name), select));
    form.append(clear, count);

    const show = () => {
      const sought = search.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        const fits = [...choices].every(([name, { value }]) => value === "" || row.dataset[name] === value);
        row.hidden = !(fits && row.textContent.toLowerCase().includes(sought));
        shown += !row.hidden;
      }
      count.value = `${shown} of ${rows.length}`;
    };
    form.addEventListener("input", show);
    form.addEventListener("submit", (event) => event.preventDefault());
    // What is reset has its value after the event only.
    form.addEventListener("reset", () => setTimeout(show));
    const scrolling = table.closest(".pst-scrollable-table-container");
    (scrolling || table).before(form);
    show();
  };

  document.querySelectorAll("table.optikit-catalogue").forEach(filtered);
})();
