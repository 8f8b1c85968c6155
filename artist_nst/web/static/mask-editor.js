// Drawing a mask over its photo, in a dialog that covers the page.
import { h } from "./dom.js";

const COLOR = [255, 0, 200], OPACITY = 0.6; // magenta, which photos have least of
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

let brushSize = 12; // in percent of half the longer side; kept from one mask to the next

/** Let the user draw; resolves, once the dialog is closed, to whether anything changed. */
export function editMask(mask, title) {
  const canvas = h("canvas", { width: mask.width, height: mask.height, tabIndex: 0, role: "application", "aria-label": "The mask: arrow keys move the brush, Space draws" });
  const context = canvas.getContext("2d");
  const ring = h("div", { class: "ring", hidden: true });
  const sheet = h("div", { class: "sheet" }, h("img", { src: `${mask.photo.thumbnail}?large=true`, alt: "The photo", draggable: false }), canvas, ring);
  sheet.style.setProperty("--aspect", mask.width / mask.height);
  const mode = (value, text) => h("label", {}, h("input", { type: "radio", name: "brush", value, checked: value === "add" }), text);
  const modes = h("fieldset", { class: "segments" }, h("legend", { class: "sr" }, "The brush"), mode("add", "Add"), mode("erase", "Erase"));
  const size = h("input", { type: "range", min: 1, max: 50, value: brushSize, oninput: () => { brushSize = size.value; showRing(); } });
  const button = (text, action) => h("button", { type: "button", onclick: () => { action(); hasChanged = true; show(); } }, text);
  const undo = button("Undo", () => mask.undo());
  const dialog = h("dialog", { class: "mask-editor", "aria-label": title },
    h("div", { class: "tools" }, modes, h("label", {}, "Brush size", size),
      h("div", { class: "row" }, undo, button("Invert", () => mask.invert()), button("Clear", () => mask.clear()),
        h("button", { type: "button", class: "primary", onclick: () => dialog.close() }, "Done"))),
    h("p", { class: "quiet" }, "Draw over what belongs to the region, with a mouse, a pen or a finger. By keyboard: arrow keys and Space."),
    sheet);
  let hasChanged = false, pointer = null;
  let at = [mask.width / 2, mask.height / 2];

  const getRadius = () => (size.value / 100) * (Math.max(mask.width, mask.height) / 2);
  const erases = () => modes.querySelector(":checked").value === "erase";

  function show(left = 0, top = 0, width = mask.width, height = mask.height) {
    undo.disabled = mask.past.length === 0;
    if (!width || !height) return;
    const image = new ImageData(width, height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const opacity = OPACITY * mask.values[(top + y) * mask.width + left + x];
        image.data.set([...COLOR, opacity], 4 * (y * width + x));
      }
    context.putImageData(image, left, top);
  }

  function showRing() {
    const radius = getRadius();
    ring.hidden = false;
    ring.style.left = `${(100 * at[0]) / mask.width}%`;
    ring.style.top = `${(100 * at[1]) / mask.height}%`;
    ring.style.width = `${(200 * radius) / mask.width}%`;
  }

  function drawTo(place) {
    show(...mask.stroke(at, place, getRadius(), erases()));
    at = place;
  }

  function locate(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * mask.width) / box.width, ((event.clientY - box.top) * mask.height) / box.height];
  }

  function start() {
    mask.keep();
    hasChanged = true;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    start();
    at = locate(event);
    drawTo(at);
    showRing();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (pointer === null) at = locate(event);
    else if (event.pointerId === pointer)
      for (const between of event.getCoalescedEvents?.() ?? []) drawTo(locate(between));
    if (event.pointerId === pointer) drawTo(locate(event));
    showRing();
  });
  for (const name of ["pointerup", "pointercancel"])
    canvas.addEventListener(name, (event) => { if (event.pointerId === pointer) pointer = null; });
  canvas.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (event.key === " ") { start(); drawTo(at); }
    else if (step) at = at.map((value, axis) => Math.min([mask.width, mask.height][axis], Math.max(0, value + (step[axis] * getRadius()) / 2)));
    else return;
    event.preventDefault();
    showRing();
  });
  canvas.addEventListener("focus", showRing);
  for (const name of ["pointerleave", "blur"]) canvas.addEventListener(name, () => { ring.hidden = true; });

  show();
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(hasChanged);
    });
  });
}
