// The painting in progress, and the queue.
import { $, api, formatSeconds, h } from "./dom.js";
import { onState } from "./live.js";

const BRUSH = "M8 40c12-26 22-26 28-12s16 12 28-20";
const ACTIVE = ["waiting", "running", "stopping"];
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function drawCurve(losses) {
  const values = losses.map(([, loss]) => Math.log(Math.max(loss, 1e-12)));
  const least = Math.min(...values), span = Math.max(...values) - least || 1;
  const points = values.map((value, index) => `${(180 * index) / Math.max(1, values.length - 1)},${33 - (30 * (value - least)) / span}`);
  return svg("svg", { class: "curve", viewBox: "0 0 180 36", role: "img", "aria-label": "The loss falls" },
    svg("polyline", { points: points.join(" "), fill: "none", stroke: "currentColor", "stroke-width": 2 }));
}

/** Show jobs of a kind on the page's stage; the one that runs, or the last. */
export class Stage {
  constructor(kind, hint) {
    this.kind = kind;
    this.hint = hint;
    this.place = $("stage");
    this.image = h("img", { alt: "The painting so far" });
    this.canvas = h("div", { class: "canvas" });
    this.progress = h("div", { class: "progress" });
    this.queue = h("ul", { class: "queue" });
    this.said = h("p", { class: "sr", role: "status" });
    this.place.append(this.canvas, this.progress, this.queue, this.said);
    this.shown = null; // id of the job that the user started here
    onState((state) => this.show(state));
  }

  follow(job) {
    this.shown = job.id;
    this.place.scrollIntoView({ block: "nearest", behavior: "smooth" });
  }

  show(state) {
    const jobs = state.jobs.filter((job) => job.kind === this.kind);
    const running = jobs.find((job) => ["running", "stopping"].includes(job.state));
    const last = jobs.findLast((job) => job.state === "done" || job.state === "failed");
    const job = running ?? jobs.find((other) => other.id === this.shown) ?? last;
    this.showCanvas(job, state);
    this.showProgress(job);
    const others = state.jobs.filter((other) => other !== job && ACTIVE.includes(other.state));
    this.queue.replaceChildren(...others.map((other) => this.makeEntry(other)));
    this.queue.hidden = others.length === 0;
  }

  showCanvas(job, state) {
    this.place.classList.toggle("idle", !job);
    if (job?.preview) {
      if (this.image.getAttribute("src") !== job.preview) this.image.src = job.preview;
      if (this.canvas.firstChild !== this.image) this.canvas.replaceChildren(this.image);
      return;
    }
    const text = !job ? this.hint : job.state === "failed" ? "It could not be painted." : job.note || (state.device ? "Starting" : "Loading the network");
    const empty = h("div", { class: "empty" }, svg("svg", { viewBox: "0 0 72 48", "aria-hidden": "true" },
      svg("path", { d: BRUSH, fill: "none", stroke: "currentColor", "stroke-width": 5, "stroke-linecap": "round" })), h("p", {}, text));
    this.canvas.replaceChildren(empty);
  }

  showProgress(job) {
    if (!job) { this.progress.replaceChildren(); return; }
    const isActive = ACTIVE.includes(job.state);
    const noun = this.kind === "comparison" ? "paintings done" : "iterations";
    const facts = [h("strong", {}, job.title)];
    if (job.iterations) facts.push(h("span", {}, `${job.iteration} of ${job.iterations} ${noun}`));
    if (isActive && job.remaining !== null) facts.push(h("span", {}, `about ${formatSeconds(job.remaining)} left`));
    if (job.note) facts.push(h("span", { class: job.state === "failed" ? "problem" : "quiet" }, job.note));
    if (job.losses.length > 1) facts.push(drawCurve(job.losses));
    const buttons = [];
    if (job.state === "running" && job.iteration > 0 && this.kind === "painting") buttons.push(this.makeStop(job, true, "Stop and keep"));
    if (["running", "waiting"].includes(job.state)) buttons.push(this.makeStop(job, false, "Cancel"));
    if (job.result) buttons.push(h("a", { class: "button primary", href: job.result }, this.kind === "comparison" ? "Open the comparison" : "Open the painting"));
    const key = JSON.stringify([job.id, job.state, buttons.length]);
    // The buttons stay the same elements, so that they keep the focus.
    if (this.key !== key) {
      this.key = key;
      this.buttons = h("div", { class: "row" }, ...buttons);
      this.bar = h("progress", { "aria-label": "Progress" });
      this.facts = h("div", { class: "facts" });
      this.progress.replaceChildren(...(isActive ? [this.bar] : []), this.facts, this.buttons);
      this.said.textContent = { done: "The painting is done", failed: `It failed: ${job.note}`, canceled: "Canceled", running: "Painting" }[job.state] ?? "";
    }
    this.facts.replaceChildren(...facts);
    if (job.iterations) { this.bar.max = job.iterations; this.bar.value = job.iteration; }
  }

  makeStop(job, keep, text) {
    const button = h("button", { type: "button", onclick: async () => {
      button.disabled = true;
      await api(`/api/paintings/${job.id}/stop`, { body: { keep } }).catch(() => {});
    } }, text);
    return button;
  }

  makeEntry(job) {
    const what = job.state === "waiting" ? `waits, ${job.ahead === 1 ? "next" : `${job.ahead} before it`}` : "is painted";
    return h("li", {}, h("img", { src: job.photo, alt: "" }), h("div", { class: "what" }, h("strong", {}, job.title), h("span", {}, what)),
      ["running", "waiting"].includes(job.state) ? this.makeStop(job, false, "Cancel") : null);
  }
}
