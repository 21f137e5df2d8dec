/* The interactive pieces of the book. Markup and data are made by analysis/widgets.py; no library, no network. */
"use strict";

(() => {
  const fixed = (value, digits) => value.toFixed(digits).replace("-", "−");

  /* The pixels of a PNG given as a data URI: RGBA, row by row. */
  const pixels = async (source) => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };

  const enable = (root) => {
    root.querySelectorAll("input, button").forEach((control) => (control.disabled = false));
    root.querySelector(".cw-fallback").hidden = true;
  };

  const masks = async (root, data) => {
    const [scene, sheet] = await Promise.all([pixels(data.scene), pixels(data.masks)]);
    const boxes = [...root.querySelectorAll("input[type=checkbox]")];
    const canvas = root.querySelector("canvas");
    const context = canvas.getContext("2d");
    const said = root.querySelector(".cw-said");
    const size = data.width * data.height;

    const draw = (chosen) => {
      const image = context.createImageData(data.width, data.height);
      for (let p = 0; p < size; p++) {
        let share = 0; // of the scene: as much as the most generous mask lets through
        for (const j of chosen) share = Math.max(share, sheet[4 * (j * size + p)] / 255);
        for (let c = 0; c < 3; c++) {
          image.data[4 * p + c] = share * scene[4 * p + c] + (1 - share) * data.hidden[c];
        }
        image.data[4 * p + 3] = 255;
      }
      context.putImageData(image, 0, 0);
    };

    const show = () => {
      const chosen = boxes.filter((box) => box.checked).map((box) => Number(box.value));
      const subset = chosen.reduce((bits, j) => bits | (1 << j), 0);
      draw(chosen);
      root.querySelectorAll("[data-value]").forEach((cell) => {
        const key = cell.dataset.value;
        cell.textContent = fixed(data[key][subset], key === "logit" ? 2 : 1);
      });
      const above = data.logit.filter((value) => value > data.logit[subset]).length;
      const names = chosen.length ? `${chosen.length > 1 ? "groups" : "group"} ${chosen.map((j) => j + 1).join(", ")}` : "no group";
      const change = data.logit[subset] - data.unmasked.logit;
      said.textContent =
        `Through ${names}, the logit of ${data.class} is ${fixed(data.logit[subset], 2)}: ` +
        `${fixed(Math.abs(change), 2)} ${change < 0 ? "below" : "above"} that of the whole image. ` +
        `${above} of ${data.logit.length} choices do better.`;
      canvas.setAttribute("aria-label", `The scene through ${names}`);
    };

    boxes.forEach((box) => box.addEventListener("change", show));
    root.querySelectorAll("button").forEach((button) =>
      button.addEventListener("click", () => {
        boxes.forEach((box, j) => (box.checked = Boolean((Number(button.dataset.subset) >> j) & 1)));
        show();
      }),
    );
    enable(root);
    show();
  };

  const tau = (root, data) => {
    const slider = root.querySelector("input[type=range]");
    const bars = [...root.querySelectorAll(".cw-bar")];
    const show = () => {
      const frame = data.frames[slider.value];
      root.querySelector("img").src = frame.picture;
      bars.forEach((bar, j) => (bar.style.height = `${Math.max(100 * frame.weights[j], 0.5)}%`));
      const equation = frame.tau === data.equation ? ", as Eq. 10 has it" : "";
      slider.setAttribute("aria-valuetext", `τ = ${frame.tau}${equation}`);
      root.querySelector(".cw-said").textContent =
        `τ = ${frame.tau}${equation}: the heaviest group has ${fixed(frame.heaviest, 0)} % of the weight, ` +
        `which is as even as ${fixed(frame.effective, 1)} equal groups; the map covers ${fixed(frame.coverage, 0)} %.`;
    };
    slider.addEventListener("input", show);
    enable(root);
    show();
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

  const kinds = { masks, tau };
  const start = () => {
    document.querySelectorAll(".cluscam-widget").forEach((root) => {
      const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
      kinds[root.dataset.widget](root, data);
    });
    reachable();
    window.addEventListener("load", reachable);
    window.addEventListener("resize", reachable);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
