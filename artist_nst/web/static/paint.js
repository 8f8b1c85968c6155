import { $, api, attempt } from "./dom.js";
import { PhotoPicker, setLimits } from "./photo-picker.js";
import { Regions } from "./regions.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";
import { StylePicker } from "./style-picker.js";

const facts = await api("/api/settings");
setLimits(facts.limits);
const regions = new Regions($("regions"), { picks: facts.picks, findsFaces: facts.finds_faces, limit: facts.limits.regions });
const photo = new PhotoPicker($("photo"), { label: "Choose a photo", onChange: ([chosen]) => regions.setPhoto(chosen) });
const style = new StylePicker($("style"), { picks: facts.picks });
const settings = new Settings($("settings"), facts);
const stage = new Stage("painting", "Choose a photo and an artist, and the painting appears here.");

const from = new URLSearchParams(location.search).get("from");
if (from) {
  const again = await attempt($("problem"), null, () => api(`/api/paintings/${encodeURIComponent(from)}/reuse`, { method: "POST" }));
  if (again) {
    if (again.photo) photo.set([again.photo]);
    await Promise.all([style.set(again.style), settings.set(again.settings), regions.set(again.regions, again.style === null)]);
  }
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await attempt($("problem"), event.submitter, async () => {
    if (!photo.photos.length) throw new Error("Choose a photo first");
    const body = { photo: photo.photos[0].id, ...(await regions.getValue(style.value)), ...settings.value };
    stage.follow(await api("/api/paintings", { body }));
  });
});
document.documentElement.dataset.ready = "true";
