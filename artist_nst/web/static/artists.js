import { $, api, attempt, count, h } from "./dom.js";
import { onState } from "./live.js";

async function list() {
  const artists = await api("/api/artists");
  $("artists").replaceChildren(...artists.map((artist) =>
    h("a", { class: "card", href: `/?artist=${encodeURIComponent(artist.slug)}` },
      h("div", { class: "quad" }, ...artist.samples.map((url) => h("img", { src: url, alt: "", loading: "lazy" }))),
      h("div", { class: "text" }, h("strong", {}, artist.name), h("span", {}, count(artist.works, "work"))))));
}

function handle(id, action) {
  const form = $(id);
  if (!form) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await attempt(form.querySelector(".problem"), event.submitter, () => action(new FormData(form), event.submitter, form));
  });
}

handle("fetch", async (data, button) => {
  const limit = data.get("limit");
  if (!data.get("name").trim()) throw new Error("Name an artist");
  await api("/api/fetches", { body: { name: data.get("name"), limit: limit ? Number(limit) : null, dry_run: button?.value === "estimate" } });
});
const add = (path, make) => async (data, _, form) => {
  const added = await api(path, make(data));
  form.reset();
  form.querySelector(".problem").textContent = "";
  form.append(h("p", { role: "status" }, added.map((one) => `${one.artist}: ${count(one.added, "picture")} added`).join("; ")));
  await list();
};
handle("zip", add("/api/artists", (form) => ({ form })));
handle("folder", add("/api/folders", (data) => ({ body: { folder: data.get("folder"), artist: data.get("artist") || null } })));

function showFetch(job) {
  const lines = [h("p", {}, h("strong", {}, job.artist || job.name), ` ${{ waiting: "waits", running: job.dry_run ? "is counted" : "is fetched", done: "", failed: "failed", canceled: "stopped" }[job.state]}`)];
  if (job.state === "running") {
    lines.push(h("progress", { max: job.total ?? 1, value: job.total ? job.done : 0, "aria-label": `Fetching ${job.name}` }));
    lines.push(h("p", { class: "quiet" }, `${job.phase || "looking up"} ${job.done}${job.total ? ` of ${job.total}` : ""} · ${(job.bytes / 1e6).toFixed(1)} MB`));
  }
  if (job.note) lines.push(h("p", { class: job.state === "failed" ? "problem" : "quiet" }, job.note));
  if (["waiting", "running"].includes(job.state))
    lines.push(h("button", { type: "button", onclick: () => api(`/api/fetches/${job.id}/stop`, { method: "POST" }) }, "Stop"));
  return h("div", { class: "fetch" }, ...lines);
}

let before = "", finished = "";
onState((state) => {
  const text = JSON.stringify(state.fetches);
  if (text === before) return;
  before = text;
  $("fetches").replaceChildren(...state.fetches.toReversed().map(showFetch));
  const done = state.fetches.filter((job) => job.state === "done" && !job.dry_run).map((job) => job.id).join();
  if (done !== finished) { finished = done; list(); }
});
await list();
document.documentElement.dataset.ready = "true";
