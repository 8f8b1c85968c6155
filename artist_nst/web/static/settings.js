// The settings of a painting, made of what the server says of the recipe.
import { api, h } from "./dom.js";

const SIZES = [256, 384, 512, 768, 1024, 1536, 2048];

export class Settings {
  constructor(place, facts) {
    this.facts = facts;
    this.fields = new Map();
    this.recipe = h("select", { onchange: () => this.reload() }, ...facts.recipes.map((recipe) =>
      h("option", { value: recipe.name }, recipe.title ? `${recipe.name}: ${recipe.title}` : recipe.name)));
    const quality = (value, text) => h("label", {}, h("input", { type: "radio", name: "quality", value, checked: value === "full", onchange: () => this.reload() }), text);
    this.quality = h("fieldset", { class: "segments" }, h("legend", { class: "sr" }, "Quality"), quality("draft", "Draft"), quality("full", "Full quality"));
    this.qualityHelp = h("p", { class: "help quiet" });
    this.size = h("select", { id: "size" }, ...SIZES.map((size) => h("option", { value: size, selected: size === 512 }, `${size} pixels`)));
    this.seed = h("input", { type: "number", min: 0, max: 9007199254740991, step: 1, placeholder: "random", id: "seed" });
    this.main = h("div");
    this.more = h("div");
    place.append(this.quality, this.qualityHelp,
      h("div", { class: "setting" }, h("label", { htmlFor: "size" }, "Longer side"), this.size, h("p", { class: "help" }, "Twice the size takes four times as long.")),
      this.main,
      h("details", {}, h("summary", {}, "More settings"),
        h("div", { class: "setting" }, h("label", { htmlFor: "seed" }, "Seed"), this.seed, h("p", { class: "help" }, "The same seed gives the same painting.")),
        h("label", {}, "Recipe", this.recipe), this.more));
    this.show(facts.settings);
  }

  get isDraft() { return this.quality.querySelector(":checked").value === "draft"; }

  async reload() {
    const kept = this.changes;
    const query = new URLSearchParams({ recipe: this.recipe.value, draft: this.isDraft });
    const facts = await api(`/api/settings?${query}`);
    this.show(facts.settings);
    this.change(kept);
  }

  show(settings) {
    this.fields.clear();
    this.qualityHelp.textContent = this.isDraft
      ? "Several times faster, and less fine: for trying things out."
      : "What the recipe says: minutes at 512 pixels without a GPU.";
    const make = (setting) => this.makeField(setting);
    this.main.replaceChildren(...settings.filter((setting) => setting.main).map(make));
    this.more.replaceChildren(...settings.filter((setting) => !setting.main).map(make));
  }

  makeField(setting) {
    const id = `setting-${setting.name}`;
    const help = h("p", { class: "help", id: `${id}-help` }, setting.help);
    let input, control;
    const props = { id, "aria-describedby": help.id };
    if (setting.kind === "choice") {
      control = input = h("select", props, ...setting.choices.map((choice) => h("option", { value: choice, selected: choice === setting.value }, choice)));
    } else if (setting.kind === "number") {
      control = input = h("input", { ...props, type: "number", step: setting.step, min: setting.least, max: setting.most, value: setting.value });
      if (setting.ends) {
        const [least, most] = setting.ends.map(Math.log);
        const toSlider = (value) => Math.round((1000 * (Math.log(value) - least)) / (most - least));
        const slider = h("input", { type: "range", min: 0, max: 1000, value: toSlider(setting.value), "aria-label": setting.label });
        slider.setAttribute("aria-valuetext", String(setting.value));
        slider.addEventListener("input", () => {
          const value = Math.exp(least + (slider.value / 1000) * (most - least));
          input.value = Number(value.toPrecision(2));
          slider.setAttribute("aria-valuetext", input.value);
          mark();
        });
        input.addEventListener("input", () => { if (input.value > 0) slider.value = toSlider(input.value); });
        input.addEventListener("set", () => { slider.value = toSlider(input.value); });
        control = h("div", { class: "pair" }, slider, input);
      }
    } else {
      control = input = h("input", { ...props, type: "text", value: setting.value, autocomplete: "off" });
    }
    const original = String(setting.value);
    const place = h("div", { class: "setting" }, h("label", { htmlFor: id }, setting.label), control, help);
    const mark = () => place.classList.toggle("changed", input.value !== original);
    input.addEventListener("input", mark);
    this.fields.set(setting.name, { input, original, mark });
    return place;
  }

  /** Values of the settings that differ from the recipe's. */
  get changes() {
    const changed = [...this.fields].filter(([, field]) => field.input.value !== field.original && field.input.value !== "");
    return Object.fromEntries(changed.map(([name, field]) => [name, field.input.value]));
  }

  change(values) {
    for (const [name, value] of Object.entries(values)) {
      const field = this.fields.get(name);
      if (!field) continue;
      field.input.value = value;
      field.input.dispatchEvent(new Event("set"));
      field.mark();
    }
  }

  get value() {
    const seed = this.seed.value === "" ? {} : { seed: Number(this.seed.value) };
    return { recipe: this.recipe.value, draft: this.isDraft, long_side: Number(this.size.value), settings: this.changes, ...seed };
  }

  async set({ recipe, draft, long_side, settings, seed }) {
    if (recipe) this.recipe.value = recipe;
    for (const input of this.quality.querySelectorAll("input")) input.checked = (input.value === "draft") === Boolean(draft);
    if (long_side) {
      if (![...this.size.options].some((option) => Number(option.value) === long_side))
        this.size.append(h("option", { value: long_side }, `${long_side} pixels`));
      this.size.value = long_side;
    }
    await this.reload();
    this.change(settings ?? {});
    if (seed !== undefined) this.seed.value = seed;
  }
}
