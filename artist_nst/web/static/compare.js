import { $, api, attempt, h } from "./dom.js";
import { PhotoPicker, setLimits } from "./photo-picker.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { StylePicker } from "./style-picker.js";

const EXAMPLES = { ratio: "1, 5, 25", "style-scale": "0.6, 1, 1.8", color: "none, reinhard, luminance", pick: "typical, mix, whole",
  seed: "1, 2, 3", recipe: "default, gram, art.py", iterations: "50, 100, 155", "long-side": "256, 512", work: "titles of works" };

const facts = await api("/api/settings");
setLimits(facts.limits);
const photo = new PhotoPicker($("photo"), { label: "Choose a photo" });
const style = new StylePicker($("style"), { picks: facts.picks });
const settings = new Settings($("settings"), facts);
const stage = new Stage("comparison", "Choose what varies, and the paintings appear here one after another.");

function makeAxis(id, label, none) {
  const name = h("select", { id, onchange: () => { values.value = EXAMPLES[name.value] ?? ""; } },
    none ? h("option", { value: "" }, "nothing else") : null,
    ...facts.axes.map((axis) => h("option", { value: axis }, axis.replaceAll("-", " "))));
  const values = h("input", { autocomplete: "off", value: none ? "" : EXAMPLES[name.value] ?? "" });
  $("axes").append(h("label", {}, label, name), h("label", {}, "Values, separated by commas", values));
  return () => (name.value ? { name: name.value, values: values.value } : null);
}
const across = makeAxis("across", "From left to right", false);
const down = makeAxis("down", "From top to bottom", true);

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await attempt($("problem"), event.submitter, async () => {
    if (!photo.photos.length) throw new Error("Choose a photo first");
    const axes = [across(), down()].filter(Boolean);
    const chosen = { ...style.value };
    // What an axis chooses, the style must not.
    if (axes.some((axis) => ["pick", "work"].includes(axis.name))) { delete chosen.pick; delete chosen.works; }
    const body = { photo: photo.photos[0].id, style: chosen, ...settings.value, across: axes[0], down: axes[1] ?? null };
    stage.follow(await api("/api/comparisons", { body }));
  });
});

const comparisons = await api("/api/comparisons");
$("comparisons").replaceChildren(...comparisons.map((comparison) =>
  h("a", { class: "card sheet", href: comparison.page }, h("img", { src: comparison.thumbnail, alt: "", loading: "lazy" }), h("div", { class: "text" }, h("span", {}, comparison.id)))));
if (!comparisons.length) $("comparisons").replaceWith(h("p", { class: "quiet" }, "None yet."));
document.documentElement.dataset.ready = "true";
