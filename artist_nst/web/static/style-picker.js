// Choosing what to paint after: an artist and works, or pictures of one's own.
import { api, count, h } from "./dom.js";
import { PhotoPicker } from "./photo-picker.js";

let pickers = 0;

/** A picker of a style; one that `canKeep` offers to keep the photo as well: null. */
export class StylePicker {
  constructor(place, { picks, canKeep = false, onChange = () => {} }) {
    this.onChange = onChange;
    this.canKeep = canKeep;
    this.works = new Set();
    this.mode = canKeep ? "keep" : "artist";
    const name = `style-mode-${pickers++}`;
    const segment = (value, text) => h("label", {},
      h("input", { type: "radio", name, value, checked: value === this.mode, onchange: () => this.setMode(value) }), text);
    this.segments = h("fieldset", { class: "segments" }, h("legend", { class: "sr" }, "Style from"),
      canKeep ? segment("keep", "The photo") : null, segment("artist", "An artist"), segment("images", canKeep ? "My pictures" : "My own pictures"));
    this.artist = h("select", { onchange: () => this.setArtist(this.artist.value) });
    this.pick = h("select", { onchange: () => { this.works.clear(); this.showWorks(); onChange(); } },
      ...picks.map((pick) => h("option", { value: pick.name }, pick.help[0].toUpperCase() + pick.help.slice(1))),
      h("option", { value: "", hidden: true }, "The works chosen below"));
    this.said = h("p", { class: "quiet", role: "status" });
    this.grid = h("div", { class: "works", role: "group", "aria-label": "Works: choose one or several", tabindex: "-1" });
    this.byArtist = h("div", {}, h("label", {}, "Artist", this.artist), h("label", {}, "Which work", this.pick), this.said, this.grid);
    this.byImages = h("div", { hidden: true });
    this.images = new PhotoPicker(this.byImages, { label: "Choose style images", several: true, onChange });
    place.append(this.segments, this.byArtist, this.byImages);
    this.setMode(this.mode);
    this.ready = this.loadArtists();
  }

  async loadArtists() {
    const artists = await api("/api/artists");
    this.artist.replaceChildren(...artists.map((artist) => h("option", { value: artist.slug }, `${artist.name} (${count(artist.works, "work")})`)));
    const wanted = new URLSearchParams(location.search).get("artist") ?? sessionStorage.getItem("artist");
    const found = artists.find((artist) => artist.slug === wanted) ?? artists[0];
    if (found) await this.setArtist(found.slug);
  }

  setMode(mode) {
    this.mode = mode;
    for (const input of this.segments.querySelectorAll("input")) input.checked = input.value === mode;
    this.byArtist.hidden = mode !== "artist";
    this.byImages.hidden = mode !== "images";
    this.onChange();
  }

  async setArtist(slug) {
    this.artist.value = slug;
    if (!this.canKeep) sessionStorage.setItem("artist", slug);
    this.works.clear();
    this.list = [];
    this.grid.replaceChildren();
    const { list } = await api(`/api/artists/${encodeURIComponent(slug)}/works`);
    if (this.artist.value !== slug) return;
    this.list = list;
    this.grid.replaceChildren(...list.map((work) => {
      const title = work.year ? `${work.title} (${work.year})` : work.title;
      return h("button", { type: "button", title, "aria-label": title, "aria-pressed": "false", "data-key": work.key, onclick: () => this.toggle(work.key) },
        h("img", { src: work.thumbnail, alt: "", loading: "lazy", decoding: "async" }));
    }));
    this.showWorks();
    this.onChange();
  }

  toggle(key) {
    if (!this.works.delete(key)) this.works.add(key);
    this.showWorks();
    this.onChange();
  }

  showWorks() {
    for (const button of this.grid.children) button.setAttribute("aria-pressed", String(this.works.has(button.dataset.key)));
    const number = this.works.size;
    this.pick.value = number ? "" : this.pick.value || "random";
    const clear = h("button", { type: "button", class: "link", onclick: () => { this.works.clear(); this.showWorks(); this.onChange(); } }, "clear");
    if (number) this.said.replaceChildren(`${count(number, "work")} chosen${number > 1 ? ", blended" : ""} · `, clear);
    else this.said.replaceChildren("Or choose works yourself:");
  }

  /** What the API takes as `style`. */
  get value() {
    if (this.mode === "keep") return null;
    if (this.mode === "images") return { images: this.images.photos.map((photo) => photo.id) };
    if (this.works.size) return { artist: this.artist.value, works: [...this.works] };
    return { artist: this.artist.value, pick: this.pick.value };
  }

  async set(style) {
    await this.ready;
    if (style === null) {
      if (this.canKeep) this.setMode("keep");
      return;
    }
    const { artist, works = [], images = [] } = style;
    if (images.length) {
      this.setMode("images");
      this.images.set(images);
    } else if (artist) {
      this.setMode("artist");
      await this.setArtist(artist);
      for (const key of works) this.works.add(key);
      this.showWorks();
    }
  }
}
