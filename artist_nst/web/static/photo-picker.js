// Choosing a photo, or style images: drop, browse, or take one that was uploaded before.
import { api, h } from "./dom.js";

export const ACCEPT = "image/*,.heic,.heif,.avif,.jp2,.tif,.tiff,.webp,.ppm";
let limits = { bytes: 64 * 1024 * 1024 };
export function setLimits(values) { limits = values; }

export async function upload(file, address = "/api/photos") {
  if (file.size > limits.bytes) {
    const [size, most] = [file.size, limits.bytes].map((bytes) => Math.round(bytes / 1e6));
    throw new Error(`${file.name} has ${size} MB: at most ${most} are taken`);
  }
  const form = new FormData();
  form.append("file", file);
  return api(address, { form });
}

/** A picker of one photo, or of several pictures. `onChange` gets the list. */
export class PhotoPicker {
  constructor(place, { label, several = false, onChange = () => {} }) {
    this.place = place;
    this.label = label;
    this.several = several;
    this.onChange = onChange;
    this.photos = [];
    this.problem = h("p", { class: "problem", role: "alert" });
    this.shown = h("div");
    this.recent = h("div", { class: "strip" });
    this.input = h("input", { type: "file", accept: ACCEPT, multiple: several, onchange: () => this.take(this.input.files) });
    this.zone = h("label", { class: "drop" }, h("strong", {}, label), h("span", { class: "quiet" }, "Drop it here, or click to browse"), this.input);
    for (const name of ["dragover", "dragleave", "drop"])
      this.zone.addEventListener(name, (event) => {
        event.preventDefault();
        this.zone.classList.toggle("over", name === "dragover");
        if (name === "drop") this.take(event.dataTransfer.files);
      });
    place.append(this.shown, this.zone, this.problem, this.recent);
    if (!several) this.listRecent();
  }

  async listRecent() {
    const photos = await api("/api/photos").catch(() => []);
    this.recent.replaceChildren(...photos.map((photo) =>
      h("button", { type: "button", title: photo.name, "aria-label": `Take ${photo.name}`, onclick: () => this.set([photo]) },
        h("img", { src: photo.thumbnail, alt: "", loading: "lazy" }))));
    this.recent.hidden = photos.length === 0;
  }

  async take(files) {
    this.problem.textContent = "";
    this.zone.setAttribute("aria-busy", "true");
    const taken = [];
    for (const file of this.several ? [...files] : [...files].slice(0, 1)) {
      try { taken.push(await upload(file)); } catch (error) { this.problem.textContent = error.message; }
    }
    this.zone.removeAttribute("aria-busy");
    this.input.value = "";
    if (taken.length) this.set(this.several ? [...this.photos, ...taken] : taken);
  }

  set(photos) {
    this.photos = photos.filter((photo, index) => photos.findIndex((other) => other.id === photo.id) === index);
    const chosen = this.photos.map((photo) => h("div", { class: "chosen" },
      h("img", { src: photo.thumbnail, alt: photo.name }),
      h("div", {}, h("p", {}, h("strong", {}, photo.name)), h("p", { class: "quiet" }, `${photo.width} × ${photo.height} pixels`),
        h("button", { type: "button", class: "link", onclick: () => this.set(this.photos.filter((other) => other !== photo)) }, this.several ? "Remove" : "Choose another"))));
    this.shown.replaceChildren(...chosen);
    const isFull = !this.several && this.photos.length > 0;
    this.zone.hidden = isFull;
    this.recent.hidden = isFull || this.recent.childElementCount === 0;
    this.onChange(this.photos);
  }
}
