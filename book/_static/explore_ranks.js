/* Explorable: fill, coverage and metric put the methods in another order. */
"use strict";

(() => {
  cluscam.kinds.ranks = async (root, data, tools) => {
    const { chosen, element, fixed } = tools;
    const networks = root.querySelector("select");
    const list = root.querySelector("ol");
    const better = { AD: -1, IC: 1, AG: 1 }; // a low AD is good
    let before = null;

    const ranked = (state) => {
      const column = data.measures.indexOf(state.measure);
      const block = data.tables[`${state.network}|${state.form}|${state.fill}`];
      return Object.entries(block)
        .map(([method, values]) => ({ method, value: values[column] }))
        .sort((a, b) => better[state.measure] * (b.value - a.value) || a.method.localeCompare(b.method));
    };

    const show = () => {
      const state = { network: networks.value };
      ["measure", "form", "fill"].forEach((name) => (state[name] = chosen(root, `cw-${name}`)));
      const rows = ranked(state);
      const places = Object.fromEntries(rows.map((row, i) => [row.method, i + 1]));
      const most = Math.max(...rows.map((row) => Math.abs(row.value)));
      list.replaceChildren(
        ...rows.map(({ method, value }, i) => {
          const was = before && before[method];
          const rise = was ? was - (i + 1) : 0;
          const move = rise ? `${rise > 0 ? "▲" : "▼"} ${Math.abs(rise)}` : "";
          const bar = element("span", { class: "cw-length" });
          bar.style.width = `${(100 * Math.abs(value)) / (most || 1)}%`;
          return element(
            "li",
            { class: `cw-kind-${data.kinds[method]}` },
            element(
              "div",
              { class: "cw-row" },
              element("span", { class: "cw-name" }, method),
              element("span", { class: "cw-track", "aria-hidden": "true" }, bar),
              element("span", { class: "cw-number" }, fixed(value, 1)),
              element("span", { class: "cw-move" }, move),
            ),
          );
        }),
      );
      const words = { raw: "as the maps are", matched: "with every map brought to one half" };
      const changed = before ? rows.filter((row) => before[row.method] && before[row.method] !== places[row.method]).length : 0;
      root.querySelector(".cw-said").textContent =
        `${state.measure}, ${words[state.form]}, hidden pixels ${data.fills[state.fill]}: ${rows[0].method} is first, ` +
        `ClusCAM is number ${places.ClusCAM} of ${rows.length}.` +
        (changed ? ` ${tools.plural(changed, "method", "methods")} changed places.` : "") + ` ${data.images[state.network]} images.`;
      before = places;
    };
    networks.addEventListener("change", () => {
      before = null; // of another network: not to be compared
      show();
    });
    root.querySelectorAll("input").forEach((control) => control.addEventListener("change", show));
    show();
  };
})();
