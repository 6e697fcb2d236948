"use strict";
// Sorting and filtering; without this the tables are complete, in file order.
(function () {
  var collator = new Intl.Collator("en", { numeric: true });
  function key(row, column, numeric) {
    var text = row.cells[column].textContent.trim();
    if (!numeric) return text;
    var value = parseFloat(text.replace(/[^0-9+\u2212.-]*/, "").replace(/\u2212/g, "-"));
    return isNaN(value) ? null : value;
  }
  function sort(table, column, ascending) {
    var numeric = table.tHead.rows[0].cells[column].classList.contains("number");
    var body = table.tBodies[0];
    Array.from(body.rows)
      .map(function (row, place) { return { row: row, key: key(row, column, numeric), place: place }; })
      .sort(function (a, b) {
        if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
        var order = numeric ? a.key - b.key : collator.compare(a.key, b.key);
        return (ascending ? order : -order) || a.place - b.place;
      })
      .forEach(function (item) { body.appendChild(item.row); });
  }
  function sortable(table) {
    Array.from(table.tHead.rows[0].cells).forEach(function (cell, column) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = cell.textContent;
      cell.replaceChildren(button);
      button.addEventListener("click", function () {
        var ascending = cell.getAttribute("aria-sort") !== "ascending";
        Array.from(table.tHead.rows[0].cells).forEach(function (other) { other.removeAttribute("aria-sort"); });
        cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(table, column, ascending);
      });
    });
  }
  function filterable(table, place) {
    var bar = document.createElement("div"), label = document.createElement("label");
    var input = document.createElement("input"), shown = document.createElement("span");
    var rows = Array.from(table.tBodies[0].rows);
    bar.className = "filter";
    input.type = "search";
    input.id = "filter-" + place;
    label.htmlFor = input.id;
    label.textContent = "Show rows with";
    shown.setAttribute("role", "status");
    input.addEventListener("input", function () {
      var words = input.value.toLowerCase().split(/\s+/).filter(Boolean), n = 0;
      rows.forEach(function (row) {
        var text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.includes(word); });
        n += row.hidden ? 0 : 1;
      });
      shown.textContent = words.length ? n + " of " + rows.length + " rows" : "";
    });
    bar.append(label, input, shown);
    table.closest(".scroll").before(bar);
  }
  document.querySelectorAll("table.data").forEach(function (table, place) {
    var n = table.tBodies[0].rows.length;
    if (n > 5) sortable(table);
    if (n > 8) filterable(table, place);
  });
  // a link into something folded opens it, and what is printed is unfolded
  function unfold() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    if (target) target.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not(.numbers)").forEach(function (item) { item.open = true; });
  });
  unfold();
})();
