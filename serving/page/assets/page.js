"use strict";
/* Language and theme. Every text of the data goes to the page as text, never as markup. */
const blockrisk = (() => {
  const root = document.documentElement;
  const words = JSON.parse(document.getElementById("words").textContent);
  const listeners = [];
  const store = {
    get: (name) => { try { return localStorage.getItem("blockrisk." + name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem("blockrisk." + name, value); } catch { /* a page opened from a file may have no store */ } },
  };
  const buttons = [...document.querySelectorAll("[data-language]")];

  function word(key, values = {}) {
    return words["js." + key][root.lang].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  function speak(language) {
    root.lang = language;
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.language === language)));
    document.querySelectorAll("[data-word]").forEach((node) => { node.textContent = word(node.dataset.word.slice(3)); });
    document.querySelectorAll("[data-placeholder]").forEach((node) => { node.placeholder = word(node.dataset.placeholder.slice(3)); });
    document.querySelectorAll("[data-label]").forEach((node) => {
      node.setAttribute("aria-label", word(node.dataset.label.slice(3)));
      if (node.tagName === "BUTTON") node.title = word(node.dataset.label.slice(3));
    });
    const title = document.querySelector(`h1 [lang="${language}"]`);
    if (title) document.title = `${title.textContent} ${document.body.dataset.date || ""}`.trim();
    listeners.forEach((listener) => listener());
  }

  /* What the reader chose before; else the first of the browser's languages that the page speaks; else that of the file. */
  function readers() {
    const spoken = (tag) => /^zh\b/i.test(tag) ? (/-(hant|tw|hk|mo)\b/i.test(tag) ? "zh-Hant" : "zh-Hans") : tag.split("-")[0].toLowerCase();
    const known = (language) => buttons.some((button) => button.dataset.language === language);
    return [store.get("language"), ...navigator.languages.map(spoken), root.lang].find(known);
  }

  buttons.forEach((button) => button.addEventListener("click", () => { store.set("language", button.dataset.language); speak(button.dataset.language); }));
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    store.set("theme", root.dataset.theme);
  });
  document.getElementById("print").addEventListener("click", () => print());
  const theme = store.get("theme");
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;

  return {
    word,
    index: () => buttons.findIndex((button) => button.dataset.language === root.lang),
    listen: (listener) => listeners.push(listener),
    start: () => speak(readers()),
    add: (parent, tag, text, name) => {
      const node = document.createElement(tag);
      if (text !== undefined && text !== null) node.textContent = text;
      if (name) node.className = name;
      parent.appendChild(node);
      return node;
    },
  };
})();
document.addEventListener("DOMContentLoaded", blockrisk.start);
