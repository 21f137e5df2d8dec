/* Choose among the claim cards (analysis/chapters/verdicts/cards.py). Without this script all of them stay in sight. */
"use strict";

(() => {
  const start = (root) => {
    const form = root.querySelector(".claim-filter");
    const cards = [...root.querySelectorAll(".claim-card")];
    const said = form.querySelector("[aria-live]");
    const selects = [...form.querySelectorAll("select")];

    const fits = (card) =>
      selects.every((select) => !select.value || card.dataset[select.name].split(" ").includes(select.value));

    const show = () => {
      cards.forEach((card) => (card.hidden = !fits(card)));
      const shown = cards.filter((card) => !card.hidden).length;
      const none = shown ? "" : ". No claim fits all of these choices: change one, or show all.";
      said.textContent = `${shown} of ${cards.length} claims${none}`;
    };

    /* A link to a card that is not chosen shows all of them. */
    const follow = () => {
      const card = cards.find((one) => `#${one.id}` === location.hash);
      if (!card || !card.hidden) return;
      form.reset();
      show();
      card.scrollIntoView();
    };

    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", show);
    form.addEventListener("reset", () => setTimeout(show));
    window.addEventListener("hashchange", follow);
    form.hidden = false;
    show();
  };

  const startAll = () => document.querySelectorAll(".cluscam-claims").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
  else startAll();
})();
