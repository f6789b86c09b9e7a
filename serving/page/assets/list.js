/* The list: search, filters, sorting. Rows are made as they are shown, a hundred at a time. */
(() => {
  const table = document.getElementById("table");
  if (!table) return;
  const STEP = 100;
  const rows = JSON.parse(document.getElementById("rows").textContent);
  const bands = [...document.querySelector('[data-filter="band"]').options].filter((option) => option.value);
  const bandName = (i) => blockrisk.word(bands.find((option) => option.value === String(i)).dataset.word.slice(3));
  const bandClass = (i) => bands.find((option) => option.value === String(i)).dataset.word.split(".").pop();
  const traits = Object.keys(rows.traits);
  const body = table.tBodies[0], search = document.getElementById("search"), more = document.getElementById("more");
  const status = document.getElementById("shown"), filters = [...document.querySelectorAll("[data-filter]")];
  const collator = new Intl.Collator(undefined, { numeric: true });
  let sort = { column: "rank", way: 1 }, shown = STEP, order = [], haystack = [];

  const say = (column, i) => { const at = rows[column][i]; return at < 0 ? "" : rows.texts[at][blockrisk.index()]; };
  const trait = (name, i) => rows.traits[name].names[rows.traits[name].at[i]];
  function value(column, i) {
    if (column in rows.traits) return trait(column, i);
    if (column === "p") return -rows.rank[i];
    return column === "why" || column === "todo" ? say(column, i) : rows[column][i];
  }
  function text(i) {
    return [rows.card[i], bandName(rows.band[i]), say("why", i), say("todo", i), ...traits.map((name) => trait(name, i))].join("\n").toLowerCase();
  }

  function choose() {
    const wanted = search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const set = filters.filter((filter) => filter.value !== "");
    const coded = (name, i) => (name in rows.traits ? rows.traits[name].at : rows[name])[i];
    const fits = (i) => set.every((filter) => String(coded(filter.dataset.filter, i)) === filter.value);
    order = rows.card.map((_, i) => i).filter((i) => fits(i) && wanted.every((part) => haystack[i].includes(part)));
    order.sort((a, b) => compare(value(sort.column, a), value(sort.column, b)) || a - b);
    shown = STEP;
    draw();
  }
  function compare(a, b) {
    const empty = (x) => x === null || x === "";
    if (empty(a) || empty(b)) return empty(a) - empty(b);
    return sort.way * (typeof a === "number" ? a - b : collator.compare(a, b));
  }

  function draw() {
    body.replaceChildren(...order.slice(0, shown).map(row));
    const values = { n: order.length.toLocaleString("en"), total: rows.card.length.toLocaleString("en") };
    status.textContent = order.length ? blockrisk.word("shown", values) : blockrisk.word("none");
    const rest = Math.min(STEP, order.length - shown);
    more.hidden = rest <= 0;
    more.textContent = blockrisk.word("more", { n: rest });
    table.querySelectorAll("th[data-column]").forEach((th) => {
      if (th.dataset.column === sort.column) th.setAttribute("aria-sort", sort.way > 0 ? "ascending" : "descending");
      else th.removeAttribute("aria-sort");
    });
  }
  function row(i) {
    const line = document.createElement("tr"), add = blockrisk.add;
    const rank = add(line, "td", rows.rank[i], "number rank");
    if (rows.listed && rows.listed[i]) { rank.classList.add("listed"); rank.title = blockrisk.word("listed"); }
    const card = add(line, "td", i < rows.details ? null : rows.card[i], "id");
    card.title = rows.card[i];
    if (i < rows.details) add(card, "a", rows.card[i]).href = "#card-" + rows.rank[i];
    add(line, "td", rows.p[i], "number p");
    add(add(line, "td", null, "level"), "span", bandName(rows.band[i]), "band " + bandClass(rows.band[i]));
    change(add(line, "td", null, "number change"), rows.change[i]);
    add(line, "td", say("why", i), "why");
    add(line, "td", say("todo", i), "todo");
    traits.forEach((name) => { add(line, "td", trait(name, i), "trait").title = trait(name, i); });
    return line;
  }
  function change(cell, move) {
    if (move === null) { cell.textContent = rows.compared ? blockrisk.word("new") : ""; return; }
    const points = Math.abs(move);
    if (points === 0) { cell.textContent = "0"; cell.classList.add("quiet"); return; }
    cell.textContent = (move > 0 ? "+" : "−") + points.toFixed(1);
    if (points >= 0.5) cell.classList.add(move > 0 ? "up" : "downward");
  }

  function speak() {
    filters.forEach((filter) => { filter.options[0].textContent = blockrisk.word("all"); });
    haystack = rows.card.map((_, i) => text(i));
    const kept = shown;
    choose();
    shown = kept;
    draw();
  }
  filters.filter((filter) => filter.dataset.filter in rows.traits).forEach((filter) => {
    const { names, at } = rows.traits[filter.dataset.filter];
    const counts = names.map(() => 0);
    at.forEach((code) => { counts[code] += 1; });
    names.forEach((name, code) => { blockrisk.add(filter, "option", `${name || "–"} (${counts[code]})`).value = String(code); });
  });
  filters.forEach((filter) => filter.addEventListener("change", choose));
  search.addEventListener("input", choose);
  search.form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", () => { shown += STEP; draw(); });
  table.tHead.addEventListener("click", (event) => {
    const th = event.target.closest("th[data-column]");
    if (!th || !event.target.closest("button")) return;
    const first = ["p", "change", "band"].includes(th.dataset.column) ? -1 : 1;
    sort = { column: th.dataset.column, way: sort.column === th.dataset.column ? -sort.way : first };
    choose();
  });
  blockrisk.listen(speak);
})();
