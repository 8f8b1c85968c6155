// Parts of the photo that are painted after styles of their own, or kept.
import { attempt, count, h } from "./dom.js";
import { Mask } from "./mask.js";
import { editMask } from "./mask-editor.js";
import { ACCEPT, upload } from "./photo-picker.js";
import { StylePicker } from "./style-picker.js";

const makeStrength = () => h("input", { type: "number", min: 0, step: "any", value: 1 });

function readStrength(input) {
  if (!input.checkValidity() || input.value === "") throw new Error("A strength is a number from 0: 1 is that of the settings");
  return Number(input.value);
}

/** A mask, and what is painted there. */
class Region {
  constructor(regions) {
    this.regions = regions;
    this.mask = null;
    this.styleMask = null;
    this.drawing = null;
    this.pending = null;
    this.legend = h("legend");
    this.shown = h("div", { class: "masked" });
    this.problem = h("p", { class: "problem", role: "alert" });
    this.drawButton = h("button", { type: "button", onclick: () => this.draw() }, "Draw on the photo");
    this.file = h("input", { type: "file", accept: ACCEPT, onchange: () => this.take() });
    this.strength = makeStrength();
    this.strengthLabel = h("label", {}, "Strength (1: as in the settings)", this.strength);
    this.part = h("p", { class: "quiet", hidden: true });
    this.kept = h("p", { class: "quiet" }, "It stays as photographed.");
    const stylePlace = h("div");
    this.place = h("fieldset", { class: "region" }, this.legend, this.shown,
      h("div", { class: "row" }, this.drawButton, h("label", { class: "button file" }, "Upload a mask", this.file)),
      this.problem, h("p", { class: "label" }, "What is painted there"), stylePlace, this.kept, this.part, this.strengthLabel,
      h("button", { type: "button", class: "link", onclick: () => regions.remove(this) }, "Remove this region"));
    this.style = new StylePicker(stylePlace, { picks: regions.picks, canKeep: true, onChange: () => this.show() });
    this.show();
  }

  get name() { return this.legend.textContent; }

  show() {
    const photo = this.regions.photo;
    const isKept = this.style?.value === null;
    this.kept.hidden = !isKept;
    this.strengthLabel.hidden = isKept;
    this.part.hidden = isKept || !this.styleMask;
    if (this.styleMask)
      this.part.replaceChildren(`Only what is white in ${this.styleMask.name} counts of the style · `,
        h("button", { type: "button", class: "link", onclick: () => { this.styleMask = null; this.show(); } }, "take all of it"));
    this.drawButton.textContent = this.mask ? "Draw more" : "Draw on the photo";
    this.shown.hidden = !this.mask;
    if (this.mask)
      this.shown.replaceChildren(photo ? h("img", { src: photo.thumbnail, alt: "" }) : "",
        h("img", { src: this.mask.thumbnail, alt: `The mask ${this.mask.name}` }));
  }

  setMask(mask) {
    this.mask = mask;
    this.show();
  }

  /** Do what gives the mask, which a submit waits for. */
  async replaceMask(action) {
    this.pending = attempt(this.problem, this.drawButton, action);
    const mask = await this.pending;
    if (mask !== undefined) this.setMask(mask);
  }

  async take() {
    const [file] = this.file.files;
    if (file) await this.replaceMask(async () => {
      const mask = await upload(file, "/api/masks");
      this.drawing = null;
      return mask;
    });
    this.file.value = "";
  }

  async draw() {
    const photo = this.regions.photo;
    const drawing = await attempt(this.problem, null, async () => {
      if (!photo) throw new Error("Choose a photo first");
      if (this.drawing?.photo.id === photo.id) return this.drawing;
      const mask = new Mask(photo);
      if (this.mask) await mask.load(`${this.mask.thumbnail}?large=true`);
      return mask;
    });
    if (!drawing) return;
    this.drawing = drawing;
    const hasChanged = await editMask(drawing, `The mask of ${this.name}`);
    this.drawButton.focus();
    if (!hasChanged) return;
    this.setMask(null);
    await this.replaceMask(async () => {
      const name = `${this.name.toLowerCase().replace(" ", "-")}.png`;
      return upload(new File([await drawing.encode()], name), "/api/masks");
    });
  }

  /** What was drawn over another photo means nothing over this one. */
  setPhoto(photo) {
    if (photo && this.drawing && this.drawing.photo.id !== photo.id) {
      this.drawing = null;
      this.setMask(null);
      this.problem.textContent = "The mask was drawn over another photo: draw it again";
    } else this.show();
  }

  async getValue() {
    await this.pending;
    if (!this.mask) throw new Error(`${this.name} has no mask: draw or upload one`);
    const style = this.style.value;
    if (style === null) return { mask: this.mask.id, style };
    return { mask: this.mask.id, style, strength: readStrength(this.strength), style_mask: this.styleMask?.id ?? null };
  }

  async set({ mask, style, strength, style_mask }) {
    this.styleMask = style_mask;
    this.strength.value = strength;
    await this.style.set(style);
    this.setMask(mask);
  }
}

/** The section of the form. */
export class Regions {
  constructor(place, { picks, findsFaces, limit }) {
    this.picks = picks;
    this.limit = limit;
    this.photo = null;
    this.list = [];
    const tick = (text, help, props = {}) => {
      const input = h("input", { type: "checkbox", onchange: () => this.show(), ...props });
      return [input, h("div", { class: "setting" }, h("label", { class: "inline" }, input, text), h("p", { class: "help" }, help))];
    };
    const [faces, facesPlace] = tick("Protect faces", findsFaces ? "They keep their features, in the painting's light and colors." : "Needs the extra `faces`, which is not installed.", { disabled: !findsFaces });
    const [segmented, segmentedPlace] = tick("Find regions automatically", "Sky after skies, trees after trees: each part of the photo is after what shows the same in the works.");
    [this.faces, this.segmented] = [faces, segmented];
    this.said = h("span", { class: "quiet" });
    this.items = h("div");
    this.add = h("button", { type: "button", onclick: () => this.append().legend.scrollIntoView({ block: "nearest" }) }, "Add a region");
    this.rest = h("select", { onchange: () => this.show() }, h("option", { value: "style" }, "The style above"), h("option", { value: "keep" }, "The photo, kept as it is"));
    this.restStrength = makeStrength();
    this.restStrengthLabel = h("label", {}, "Strength (1: as in the settings)", this.restStrength);
    this.restPlace = h("fieldset", { class: "region" }, h("legend", {}, "The rest"), h("label", {}, "Where no mask is", this.rest), this.restStrengthLabel);
    this.byMasks = h("div", {}, this.items, this.add, this.restPlace);
    this.details = h("details", {}, h("summary", {}, "Regions ", this.said), facesPlace, segmentedPlace, this.byMasks);
    place.append(this.details);
    this.show();
  }

  show() {
    const masks = this.segmented.checked ? 0 : this.list.length;
    this.list.forEach((region, index) => { region.legend.textContent = `Region ${index + 1}`; });
    this.byMasks.hidden = this.segmented.checked;
    this.restPlace.hidden = !masks;
    this.restStrengthLabel.hidden = this.rest.value === "keep";
    this.add.disabled = this.list.length >= this.limit;
    const parts = [masks ? count(masks, "mask") : "", this.segmented.checked ? "found automatically" : "", this.faces.checked ? "faces protected" : ""];
    this.said.textContent = parts.filter(Boolean).join(", ");
  }

  append() {
    const region = new Region(this);
    this.list.push(region);
    this.items.append(region.place);
    this.show();
    return region;
  }

  remove(region) {
    this.list = this.list.filter((other) => other !== region);
    region.place.remove();
    this.show();
    this.add.focus();
  }

  setPhoto(photo) {
    this.photo = photo ?? null;
    for (const region of this.list) region.setPhoto(this.photo);
  }

  /** What the API takes as `style` and of regions, given the style above. */
  async getValue(style) {
    const value = { style, protect_faces: this.faces.checked, segmented: this.segmented.checked };
    if (this.segmented.checked || !this.list.length) return value;
    value.regions = [];
    for (const region of this.list) value.regions.push(await region.getValue());
    if (this.rest.value === "keep") return { ...value, style: null };
    const strength = readStrength(this.restStrength);
    if (strength === 1) return value;
    value.regions.push({ mask: null, style, strength });
    return { ...value, style: null };
  }

  /** Restore regions, of which what no mask covers is kept or not. */
  async set({ masks, rest_strength, protect_faces, segmented }, isRestKept) {
    this.faces.checked = protect_faces && !this.faces.disabled;
    this.segmented.checked = segmented;
    this.rest.value = isRestKept ? "keep" : "style";
    this.restStrength.value = rest_strength;
    this.details.open = protect_faces || segmented || masks.length > 0;
    await Promise.all(masks.map((mask) => this.append().set(mask)));
    this.show();
  }
}
