/* Explorables about groups of maps: regrouping at random, and K-Means step by step. */
"use strict";

(() => {
  /* Numbers on a line: dots for one side, triangles for the other, so that they differ without colour. */
  const strip = (tools, sides, low, high) => {
    const { svg, fixed } = tools;
    const place = (value) => 20 + (560 * (value - low)) / (high - low);
    const drawing = svg("svg", { viewBox: "0 0 600 190", role: "img", class: "cw-drawing", "aria-label": "The logits of both sides" });
    sides.forEach(({ name, values, shape }, row) => {
      const y = 46 + 66 * row;
      drawing.append(
        svg("text", { x: 20, y: y - 18, class: "cw-label" }, name),
        svg("line", { x1: 20, x2: 580, y1: y, y2: y, class: "cw-axis" }),
        svg("line", { x1: place(tools.mean(values)), x2: place(tools.mean(values)), y1: y - 12, y2: y + 12, class: "cw-mean" }),
        ...values.map((value) =>
          shape === "dot"
            ? svg("circle", { cx: place(value), cy: y, r: 6, class: "cw-dot" })
            : svg("path", { d: `M ${place(value)} ${y - 7} l 7 13 h -14 z`, class: "cw-triangle" }),
        ),
      );
    });
    const step = high - low > 8 ? 2 : 1;
    for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
      drawing.append(svg("text", { x: place(tick), y: 156, class: "cw-tick" }, fixed(tick, 0)));
    }
    drawing.append(svg("text", { x: 300, y: 184, class: "cw-tick" }, "logit behind one mask; the bar is the mean"));
    return drawing;
  };

  /* K-Means' groups against random groups of the same sizes: the next of several partitions at each press. */
  cluscam.kinds.regroup = async (root, data, tools) => {
    const { fixed, mean, plural } = tools;
    const photo = await tools.pixels(data.photo);
    const [next, again] = root.querySelectorAll("button");
    const [own, random] = root.querySelectorAll(".cw-strip");
    const logits = [...Object.values(data.random).flat().map((one) => one.logits), data.kmeans.logits].flat();
    const [low, high] = [Math.min(...logits) - 0.3, Math.max(...logits) + 0.3];
    let shown = 0;

    const pictures = (place, side) =>
      place.replaceChildren(
        ...side.masks.map((mask, j) => {
          const large = tools.upsample(mask, data.height, data.width, photo.height, photo.width);
          const canvas = tools.element("canvas", { role: "img", "aria-label": `The picture through group ${j + 1}` });
          tools.paintMasked(canvas, photo, large, data.hidden);
          return tools.element("div", {}, canvas, tools.element("span", {}, fixed(side.logits[j], 2)));
        }),
      );

    const show = () => {
      const among = data.random[tools.chosen(root, "cw-among")];
      const partition = among[shown];
      pictures(random, partition);
      root.querySelector(".cw-plot").replaceChildren(
        strip(
          tools,
          [
            { name: "K-Means", values: data.kmeans.logits, shape: "dot" },
            { name: `random groups ${shown + 1}`, values: partition.logits, shape: "triangle" },
          ],
          low,
          high,
        ),
      );
      const seen = among.slice(0, shown + 1);
      const higher = (of) => seen.filter((one) => of(one.logits) > of(data.kmeans.logits)).length;
      const best = (values) => Math.max(...values);
      const last = shown === among.length - 1;
      next.disabled = last;
      root.querySelector(".cw-said").textContent =
        `Mean logit: K-Means ${fixed(mean(data.kmeans.logits), 2)}, these random groups ${fixed(mean(partition.logits), 2)}. ` +
        `Best group: ${fixed(best(data.kmeans.logits), 2)} against ${fixed(best(partition.logits), 2)}. ` +
        `On average a mask of K-Means shows ${fixed(data.kmeans.shown, 0)} % of the picture, one of these ` +
        `${fixed(partition.shown, 0)} %. So far, of ${plural(shown + 1, "random partition", "random partitions")}, ${higher(mean)} had the higher mean ` +
        `and ${higher(best)} the higher best group.${last ? " These were all." : ""}`;
    };
    pictures(own, data.kmeans);
    next.addEventListener("click", () => {
      shown += 1;
      show();
      if (next.disabled) again.focus();
    });
    const restart = () => {
      shown = 0;
      show();
    };
    again.addEventListener("click", restart);
    root.querySelectorAll("input[type=radio]").forEach((radio) => radio.addEventListener("change", restart));
    show();
  };

  /* Lloyd's algorithm on the maps of one photograph: a step assigns every map, or moves every centre. */
  cluscam.kinds.lloyd = async (root, data, tools) => {
    const { element, fixed, svg } = tools;
    const colours = await tools.pixels(data.colours);
    const starts = root.querySelector("select");
    const [step, end, again] = root.querySelectorAll("button");
    const size = 48;
    const drawn = data.maps.map((map) => tools.upsample(map, data.height, data.width, size, size));
    let at = 0;

    const [left, right, bottom, top] = [0, 1].flatMap((axis) => {
      const values = data.points.map((point) => point[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    const scale = 460 / (right - left); // the same on both axes: what is near in the drawing is near in the plane
    const place = ([x, y]) => [20 + scale * (x - left), 20 + scale * (top - y)];
    const height = 40 + scale * (top - bottom);

    const cloud = (now) => {
      const drawing = svg("svg", { viewBox: `0 0 500 ${height}`, role: "img", class: "cw-drawing cw-cloud", "aria-label": "The maps in a plane, each as the number of its group, and the centres in boxes" });
      data.points.forEach((point, i) => {
        const [x, y] = place(point);
        const group = now.labels[i];
        drawing.append(
          group < 0
            ? svg("circle", { cx: x, cy: y, r: 4, class: "cw-free" })
            : svg("text", { x, y: y + 5, class: `cw-point cw-group-${group}` }, String(group + 1)),
        );
      });
      now.centres.forEach((point, j) => {
        const [x, y] = place(point);
        drawing.append(
          svg("rect", { x: x - 13, y: y - 13, width: 26, height: 26, class: "cw-centre" }),
          svg("text", { x, y: y + 6, class: "cw-centre-name" }, String(j + 1)),
        );
      });
      return drawing;
    };

    const thumbnail = (i) => {
      const canvas = element("canvas", { role: "img", "aria-label": `Map ${data.numbers[i]}` });
      tools.paintMap(canvas, drawn[i], size, size, colours);
      return canvas;
    };

    const show = () => {
      const steps = data.starts[starts.value];
      const now = steps[at];
      root.querySelector(".cw-plot").replaceChildren(cloud(now));
      root.querySelector(".cw-members").replaceChildren(
        ...now.centres.map((_, j) => {
          const mine = data.maps.map((_, i) => i).filter((i) => now.labels[i] === j);
          return element("div", { class: "cw-group" }, element("strong", {}, `group ${j + 1}`), ...mine.map(thumbnail));
        }),
      );
      const before = at ? steps[at - 1].labels : now.labels;
      const moved = now.labels.filter((label, i) => label !== before[i]).length;
      const done = at === steps.length - 1;
      step.disabled = end.disabled = done;
      const what = {
        start: `K-Means++ has drawn ${now.centres.length} of the maps as the first centres. No map has a group yet.`,
        assign: `Step ${at}, assign: every map joins its nearest centre; ${moved} changed their group.`,
        move: `Step ${at}, move: every centre goes to the mean of its maps.`,
      }[now.what];
      const sizes = now.centres.map((_, j) => now.labels.filter((label) => label === j).length).join(", ");
      const inertia = now.inertia === null ? "" : ` Sizes ${sizes}; inertia ${fixed(now.inertia, 0)}.`;
      root.querySelector(".cw-said").textContent =
        what + inertia + (done ? " Nothing changes any more: K-Means is done." : "");
    };
    const go = (to) => {
      at = to;
      show();
      if (step.disabled) again.focus();
    };
    step.addEventListener("click", () => go(at + 1));
    end.addEventListener("click", () => go(data.starts[starts.value].length - 1));
    again.addEventListener("click", () => go(0));
    starts.addEventListener("change", () => {
      at = 0;
      show();
    });
    show();
  };
})();
