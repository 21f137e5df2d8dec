/* The interactive pieces of the book: what they share. Markup and data are made by analysis/page/widget.py and by the
   chapters; no library, no network. Each piece is a picture until it is touched; only then its data is read.

   A kind registers itself with `cluscam.kinds.NAME = (root, data, tools) => ...`, `root` being its section. */
"use strict";

const cluscam = (() => {
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "−");

  /* The weights of one axis of bilinear resizing with half-pixel centres: for each target, two cells and a share. */
  const axis = (source, target) => {
    const found = [];
    for (let i = 0; i < target; i++) {
      const place = Math.min(Math.max(((i + 0.5) * source) / target - 0.5, 0), source - 1);
      const low = Math.min(Math.floor(place), Math.max(source - 2, 0));
      found.push([low, Math.min(low + 1, source - 1), place - low]);
    }
    return found;
  };

  /* A small map, row by row, resized as torch resizes it (bilinear, align_corners=False). */
  const upsample = (values, h, w, height, width) => {
    const rows = axis(h, height), columns = axis(w, width);
    const found = new Float64Array(height * width);
    for (let y = 0; y < height; y++) {
      const [top, bottom, down] = rows[y];
      for (let x = 0; x < width; x++) {
        const [left, right, across] = columns[x];
        const above = values[top * w + left] * (1 - across) + values[top * w + right] * across;
        const below = values[bottom * w + left] * (1 - across) + values[bottom * w + right] * across;
        found[y * width + x] = above * (1 - down) + below * down;
      }
    }
    return found;
  };

  /* A map scaled to 0 ... 1; zeros where it has no contrast. */
  const normalized = (map) => {
    let low = Infinity, high = -Infinity;
    for (const value of map) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    const range = high - low;
    return map.map((value) => (range > 1e-9 ? (value - low) / range : 0));
  };

  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  /* Pearson's correlation of two maps. */
  const correlation = (a, b) => {
    const [middleA, middleB] = [mean(a), mean(b)];
    let both = 0, ofA = 0, ofB = 0;
    for (let i = 0; i < a.length; i++) {
      both += (a[i] - middleA) * (b[i] - middleB);
      ofA += (a[i] - middleA) ** 2;
      ofB += (b[i] - middleB) ** 2;
    }
    return both / Math.sqrt(ofA * ofB);
  };

  /* The pixels of a picture given as a data URI: {data: RGBA row by row, width, height}. */
  const pixels = async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return { data: context.getImageData(0, 0, canvas.width, canvas.height).data, width: canvas.width, height: canvas.height };
  };

  const paint = (canvas, width, height, colour) => {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let p = 0; p < width * height; p++) {
      const rgb = colour(p);
      for (let c = 0; c < 3; c++) image.data[4 * p + c] = Math.round(rgb[c]);
      image.data[4 * p + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };

  /* The colours of a value from 0 to 1; `colours` are the 256 of the table, as pixels. */
  const heat = (colours, value) => {
    const i = 4 * Math.min(255, Math.floor(256 * Math.min(Math.max(value, 0), 1)));
    return [colours.data[i], colours.data[i + 1], colours.data[i + 2]];
  };

  /* A map alone. */
  const paintMap = (canvas, map, width, height, colours) =>
    paint(canvas, width, height, (p) => heat(colours, map[p]));

  /* The photograph under a map, as cluscam_lite.show.overlay draws it; `look` has its dimming and opacity. */
  const paintOverlay = (canvas, photo, map, colours, look) =>
    paint(canvas, photo.width, photo.height, (p) => {
      const [r, g, b] = [0, 1, 2].map((c) => photo.data[4 * p + c]);
      const grey = 0.299 * r + 0.587 * g + 0.114 * b;
      const share = look.opacity * Math.min(Math.max(map[p], 0), 1);
      return heat(colours, map[p]).map(
        (colour, c) => look.dim * (0.35 * [r, g, b][c] + 0.65 * grey) * (1 - share) + colour * share,
      );
    });

  /* What the network is shown: the photograph where the mask is 1, the colour `hidden` where it is 0. */
  const paintMasked = (canvas, photo, mask, hidden) =>
    paint(canvas, photo.width, photo.height, (p) =>
      hidden.map((colour, c) => mask[p] * photo.data[4 * p + c] + (1 - mask[p]) * colour),
    );

  /* An element with attributes and children (elements or text); `svg` makes one of a drawing. */
  const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const svg = (name, attributes = {}, ...children) =>
    fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
  const fill = (made, attributes, children) => {
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children);
    return made;
  };

  /* Which of several radio buttons of one name is chosen. */
  const chosen = (root, name) => root.querySelector(`input[type=radio][name="${name}"]:checked`).value;

  const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;

  return {
    kinds: {},
    tools: {
      chosen, correlation, element, fixed, mean, normalized, paintMap, paintMasked, paintOverlay, pixels, plural, svg,
      upsample,
    },
  };
})();

(() => {
  if (typeof document === "undefined") return; // under test, without a page

  /* The picture makes way for the controls; the first of them takes the focus where a person asked for it. */
  const open = async (root) => {
    if (root.dataset.opened) return;
    root.dataset.opened = "yes";
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    const body = root.querySelector(".cw-body");
    await cluscam.kinds[root.dataset.widget](body, data, cluscam.tools);
    root.querySelector(".cw-still").hidden = true;
    root.querySelector(".cw-start").hidden = true;
    body.hidden = false;
    body.querySelector("input, select, button").focus({ preventScroll: true });
    reachable();
  };

  /* What scrolls sideways can be reached and scrolled by keyboard, and only then takes a place in the tab order. */
  const reachable = () =>
    document.querySelectorAll(".output.text_html, .pst-scrollable-table-container, div.math").forEach((box) => {
      if (box.scrollWidth > box.clientWidth + 1) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", "Wide content, scrolls sideways");
      } else if (box.tabIndex === 0) {
        ["tabindex", "role", "aria-label"].forEach((name) => box.removeAttribute(name));
      }
    });

  const start = () => {
    document.querySelectorAll(".cluscam-widget").forEach((root) => {
      root.querySelector(".cw-fallback").hidden = true;
      const button = root.querySelector(".cw-start button");
      button.hidden = false;
      button.addEventListener("click", () => open(root));
      root.querySelector(".cw-still").addEventListener("click", () => open(root));
    });
    reachable();
    window.addEventListener("load", reachable);
    window.addEventListener("resize", reachable);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
