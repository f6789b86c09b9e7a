/* The cards: open what a link leads to, read a day of a timeline, tabulate it. */
(() => {
  const all = [...document.querySelectorAll("details.card")];
  function figures(figure) {
    if (!figure.days) {
      const columns = JSON.parse(figure.dataset.days), first = Date.parse(figure.dataset.from + "T00:00Z");
      const date = (i) => new Date(first + i * 864e5).toISOString().slice(0, 10);
      figure.days = columns[0].map((chance, i) => [date(i), chance, ...columns.slice(1).map((column) => (i in column ? column[i] : null))]);
    }
    return figure.days;
  }
  const number = (value) => (value === null ? "–" : value.toLocaleString("en", { maximumFractionDigits: 2 }));
  const line = (day) => [day[0], day[1] ?? "–", ...day.slice(2).map(number)];

  function openTarget() {
    const target = /^#card-\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (!target) return;
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  }
  addEventListener("hashchange", openTarget);
  document.addEventListener("DOMContentLoaded", openTarget);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#card-"]');
    if (link && link.hash === location.hash) openTarget();
  });
  for (const [id, open] of [["open-all", true], ["close-all", false]]) {
    const button = document.getElementById(id);
    if (button) button.addEventListener("click", () => all.forEach((card) => { card.open = open; }));
  }

  document.querySelectorAll(".timeline").forEach((figure) => {
    const readout = figure.querySelector(".readout"), strips = figure.querySelector(".strips");
    const label = (i) => figure.querySelectorAll(".figures th")[i].querySelector(`[lang="${document.documentElement.lang}"]`).textContent;
    strips.addEventListener("pointermove", (event) => {
      const box = strips.querySelector("svg").getBoundingClientRect(), days = figures(figure);
      const at = Math.floor((event.clientX - box.left) / box.width * (days.length - 1));
      if (at < 0 || at >= days.length - 1) { readout.textContent = ""; return; }
      const cells = line(days[at]);
      readout.textContent = `${cells[0]}  ${cells[1]} · ${label(2)} ${cells[2]} · ${label(5)} ${cells[5]}`;
    });
    strips.addEventListener("pointerleave", () => { readout.textContent = ""; });
    figure.querySelector(".figures").addEventListener("toggle", (event) => {
      const body = event.target.querySelector("tbody");
      if (!event.target.open || body.rows.length) return;
      figures(figure).forEach((day) => { const row = body.insertRow(); line(day).forEach((cell) => blockrisk.add(row, "td", cell)); });
    });
  });
})();
