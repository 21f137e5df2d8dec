/* Choose among the claim cards (analysis/chapters/verdicts/cards.py), and open them. Without this script all of them stay
   in sight, and a click opens one. */
"use strict";

(() => {
  const start = (root) => {
    const form = root.querySelector(".claim-filter");
    const cards = [...root.querySelectorAll(".claim-card")];
    const folds = cards.map((card) => card.querySelector(".claim-fold"));
    const said = form.querySelector("[aria-live]");
    const selects = [...form.querySelectorAll("select")];
    const every = form.querySelector("[data-open]");

    const fits = (card) =>
      selects.every((select) => !select.value || card.dataset[select.name].split(" ").includes(select.value));

    const show = () => {
      cards.forEach((card) => (card.hidden = !fits(card)));
      const shown = cards.filter((card) => !card.hidden).length;
      const none = shown ? "" : ". No claim fits all of these choices: change one, or show all.";
      said.textContent = `${shown} of ${cards.length} claims${none}`;
    };

    /* A link to a card opens it; to one that is not chosen, it shows all of them. */
    const follow = (hash) => {
      const card = cards.find((one) => `#${one.id}` === hash);
      if (!card) return;
      if (card.hidden) {
        form.reset();
        show();
      }
      card.querySelector(".claim-fold").open = true;
      card.scrollIntoView();
    };

    const name = () => (every.textContent = folds.every((fold) => fold.open) ? "Fold all" : "Open all");
    every.addEventListener("click", () => {
      const open = !folds.every((fold) => fold.open);
      folds.forEach((fold) => (fold.open = open));
    });
    folds.forEach((fold) => fold.addEventListener("toggle", name));

    /* On paper nothing can be clicked. */
    let folded = [];
    window.addEventListener("beforeprint", () => {
      const every = [...document.querySelectorAll(".claim-fold, .sentence-fold")];
      folded = every.filter((fold) => !fold.open);
      folded.forEach((fold) => (fold.open = true));
    });
    window.addEventListener("afterprint", () => folded.forEach((fold) => (fold.open = false)));

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", show);
    form.addEventListener("reset", () => setTimeout(show));
    window.addEventListener("hashchange", () => follow(location.hash));
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#claim-"]');
      if (link && link.hash === location.hash) follow(link.hash); // the address does not change, and nothing says so
    });
    form.hidden = false;
    show();
    follow(location.hash);
  };

  const startAll = () => document.querySelectorAll(".cluscam-claims").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
  else startAll();
})();
