/* Explorables that draw one photograph and maps over it: masks, weights (tau and r), seeds, gallery. */
"use strict";

(() => {
  const full = (map, data, photo, tools) => tools.upsample(map, data.height, data.width, photo.height, photo.width);

  /* Build your own mask: eight switches, and the network's answer to each of their 256 choices. */
  cluscam.kinds.masks = async (root, data, tools) => {
    const { fixed, paintMasked } = tools;
    const photo = await tools.pixels(data.photo);
    const masks = data.masks.map((mask) => full(mask, data, photo, tools));
    const boxes = [...root.querySelectorAll("input[type=checkbox]")];
    const canvas = root.querySelector("canvas");

    const show = () => {
      const chosen = boxes.filter((box) => box.checked).map((box) => Number(box.value));
      const subset = chosen.reduce((bits, j) => bits | (1 << j), 0);
      const most = masks[0].map((_, p) => chosen.reduce((share, j) => Math.max(share, masks[j][p]), 0));
      paintMasked(canvas, photo, most, data.hidden); // as much as the most generous mask lets through
      root.querySelectorAll("[data-value]").forEach((cell) => {
        const key = cell.dataset.value;
        cell.textContent = fixed(data[key][subset], key === "logit" ? 2 : 1);
      });
      const above = data.logit.filter((value) => value > data.logit[subset]).length;
      const names = chosen.length ? `${chosen.length > 1 ? "groups" : "group"} ${chosen.map((j) => j + 1).join(", ")}` : "no group";
      const change = data.logit[subset] - data.unmasked.logit;
      root.querySelector(".cw-said").textContent =
        `Through ${names}, the logit of ${data.class} is ${fixed(data.logit[subset], 2)}: ` +
        `${fixed(Math.abs(change), 2)} ${change < 0 ? "below" : "above"} that of the whole image. ` +
        `${above} of ${data.logit.length} choices do better.`;
      canvas.setAttribute("aria-label", `The picture through ${names}`);
    };

    boxes.forEach((box) => box.addEventListener("change", show));
    root.querySelectorAll("button").forEach((button) =>
      button.addEventListener("click", () => {
        boxes.forEach((box, j) => (box.checked = Boolean((Number(button.dataset.subset) >> j) & 1)));
        show();
      }),
    );
    show();
  };

  /* Eqs. 6, 7 and 10 for one image: scores in logits -> which groups are kept, and their weights. */
  const weigh = (scores, r, tau) => {
    const order = scores.map((_, j) => j).sort((a, b) => scores[a] - scores[b] || a - b); // the worst first
    const dropped = Math.min(Math.floor(r * scores.length + 1e-9), scores.length - 1);
    const kept = new Set(order.slice(dropped));
    const highest = Math.max(...scores);
    const powers = scores.map((s, j) => (kept.has(j) ? (tau === Infinity ? 1 : Math.exp((s - highest) / tau)) : 0));
    const sum = powers.reduce((a, b) => a + b, 0);
    return { kept, order, weights: powers.map((power) => power / sum) };
  };
  const equation10 = (r, n) => (r * n > 0 ? 1 / Math.log1p(r * n) : Infinity);
  cluscam.tools.weigh = weigh;
  cluscam.tools.equation10 = equation10;

  /* Two sliders, tau and r; the map is made anew of the masks and their scores, without the network. */
  cluscam.kinds.weights = async (root, data, tools) => {
    const { fixed } = tools;
    const [photo, colours] = await Promise.all([tools.pixels(data.photo), tools.pixels(data.colours)]);
    const [tauSlider, rSlider] = root.querySelectorAll("input[type=range]");
    const coupled = root.querySelector("input[type=checkbox]");
    const bars = root.querySelector(".cw-bars");
    const n = data.scores.length;
    const paper = { r: data.r, tau: data.tau };
    let state = { ...paper };
    const ofSlider = () => 0.05 * 400 ** (tauSlider.value / tauSlider.max); // 0.05 to 20, by its logarithm
    const toSlider = (tau) => Math.round((tauSlider.max * Math.log(Math.min(Math.max(tau, 0.05), 20) / 0.05)) / Math.log(400));

    const show = () => {
      const { kept, order, weights } = weigh(data.scores, state.r, state.tau);
      const summed = data.masks[0].map((_, p) => weights.reduce((sum, a, j) => sum + a * data.masks[j][p], 0));
      const map = tools.normalized(full(summed, data, photo, tools));
      tools.paintOverlay(root.querySelector("canvas"), photo, map, colours, data.look);
      const heaviest = Math.max(...weights);
      bars.replaceChildren(
        ...[...order].reverse().map((j) => {
          const bar = tools.element("span", { class: kept.has(j) ? "cw-bar" : "cw-bar cw-dropped" });
          bar.style.height = kept.has(j) ? `${Math.max((100 * weights[j]) / heaviest, 1)}%` : "8%";
          return bar;
        }),
      );
      const entropy = weights.reduce((sum, a) => (a > 0 ? sum - a * Math.log(a) : sum), 0);
      const tau = state.tau === Infinity ? "infinite" : fixed(state.tau, 2);
      const own = state.r === paper.r && state.tau === paper.tau ? " These are the values of the paper's rule." : "";
      tauSlider.setAttribute("aria-valuetext", `τ = ${tau}`);
      rSlider.setAttribute("aria-valuetext", `r = ${fixed(100 * state.r, 0)} percent`);
      root.querySelector("[data-value=tau]").textContent = tau;
      root.querySelector("[data-value=r]").textContent = `${fixed(100 * state.r, 0)} %`;
      root.querySelector(".cw-said").textContent =
        `${kept.size} of ${n} groups are kept. The heaviest has ${fixed(100 * heaviest, 0)} % of the weight, which is as ` +
        `even as ${fixed(Math.exp(entropy), 1)} equal groups. The map covers ${fixed(100 * tools.mean(map), 0)} % of the ` +
        `picture.${own}`;
    };

    const set = (r, tau) => {
      state = { r, tau };
      rSlider.value = 100 * r;
      tauSlider.value = toSlider(tau);
      show();
    };
    rSlider.addEventListener("input", () => {
      const r = rSlider.value / 100;
      set(r, coupled.checked ? equation10(r, n) : state.tau);
    });
    tauSlider.addEventListener("input", () => {
      coupled.checked = false;
      state.tau = ofSlider();
      show();
    });
    coupled.addEventListener("change", () => coupled.checked && set(state.r, equation10(state.r, n)));
    root.querySelector("button").addEventListener("click", () => {
      coupled.checked = true;
      set(paper.r, paper.tau);
    });
    set(paper.r, paper.tau);
  };

  /* The maps of several seeds, their mean, and the correlation of a pair that the reader chooses. */
  cluscam.kinds.seeds = async (root, data, tools) => {
    const { fixed } = tools;
    const [photo, colours] = await Promise.all([tools.pixels(data.photo), tools.pixels(data.colours)]);
    const maps = data.maps.map((map) => tools.normalized(full(map, data, photo, tools)));
    const average = tools.normalized(maps[0].map((_, p) => tools.mean(maps.map((map) => map[p]))));
    const selects = [...root.querySelectorAll("select")];
    const [first, second, difference, all] = root.querySelectorAll("canvas");
    tools.paintOverlay(all, photo, average, colours, data.look);

    const show = () => {
      const [a, b] = selects.map((select) => Number(select.value));
      tools.paintOverlay(first, photo, maps[a], colours, data.look);
      tools.paintOverlay(second, photo, maps[b], colours, data.look);
      tools.paintMap(difference, maps[a].map((value, p) => Math.abs(value - maps[b][p])), photo.width, photo.height, colours);
      const others = data.correlations.filter((_, i) => i !== a).map((row) => row[a]);
      root.querySelector(".cw-said").textContent =
        a === b
          ? "A map agrees with itself. Choose two different seeds."
          : `Seeds ${a} and ${b}: the two maps correlate at ${fixed(data.correlations[a][b], 2)}. ` +
            `With the other seeds, the map of seed ${a} correlates at ${fixed(Math.min(...others), 2)} to ` +
            `${fixed(Math.max(...others), 2)}.`;
      [first, second].forEach((canvas, i) => canvas.setAttribute("aria-label", `ClusCAM's map with seed ${[a, b][i]}`));
    };
    selects.forEach((select) => select.addEventListener("change", show));
    show();
  };

  /* Every method's map of one image, with the numbers below; the image and the network are chosen from lists. */
  cluscam.kinds.gallery = async (root, data, tools) => {
    const { element } = tools;
    const colours = await tools.pixels(data.colours);
    let latest = null;
    const [networks, images] = root.querySelectorAll("select");
    const grid = root.querySelector(".cw-grid");

    const show = async () => {
      const entry = data.entries.find((one) => one.network === networks.value && one.image === images.value);
      latest = entry;
      const [photo, sheet] = await Promise.all([tools.pixels(entry.photo), tools.pixels(entry.sheet)]);
      if (entry !== latest) return; // another one was chosen meanwhile
      const side = sheet.width;
      const cells = entry.maps.map((one, i) => {
        const words = [element("strong", {}, one.method), element("div", {}, one.text)];
        if (one.missing) return element("div", { class: "cw-cell" }, element("div", { class: "cw-none" }, "no map"), ...words);
        const canvas = element("canvas", { role: "img", "aria-label": `${one.method}: ${one.text}` });
        const map = Float64Array.from({ length: side * side }, (_, p) => sheet.data[4 * (i * side * side + p)] / 255);
        const large = tools.upsample(map, side, side, photo.height, photo.width);
        tools.paintOverlay(canvas, photo, large, colours, data.look);
        return element("div", { class: "cw-cell" }, canvas, ...words);
      });
      const image = element("img", { src: entry.photo, alt: entry.image, class: "dark-light" });
      grid.replaceChildren(
        element("div", { class: "cw-cell" }, image, element("strong", {}, "the image"), element("div", {}, entry.says)),
        ...cells,
      );
      root.querySelector(".cw-said").textContent =
        `${entry.network}, ${entry.image}: the network says ${entry.says}. ${entry.maps.length} methods are shown.`;
    };
    const fill = () => {
      const before = images.value;
      const mine = data.entries.filter((one) => one.network === networks.value).map((one) => one.image);
      images.replaceChildren(...mine.map((name) => element("option", {}, name)));
      if (mine.includes(before)) images.value = before;
      return show();
    };
    networks.addEventListener("change", fill);
    images.addEventListener("change", show);
    await fill();
  };
})();
