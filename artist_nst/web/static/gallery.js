import { $, api, count, formatDate, h } from "./dom.js";
import { onState } from "./live.js";

const STEP = 60;
let shown = 0, finished = null;
const wanted = new URLSearchParams(location.search).get("artist") ?? "";

function makeCard(painting) {
  return h("a", { class: "card", href: painting.page },
    h("img", { src: painting.thumbnail, alt: `${painting.photo} after ${painting.artists.join(", ") || "own pictures"}`, loading: "lazy" }),
    h("div", { class: "text" }, h("strong", {}, painting.artists.join(", ") || "Own pictures"), h("span", {}, `${formatDate(painting.painted)} · ${painting.width} × ${painting.height}${painting.is_draft ? " · draft" : ""}`)));
}

async function load(isMore) {
  const query = new URLSearchParams({ artist: $("artist").value || (isMore ? "" : wanted), offset: isMore ? shown : 0, limit: STEP });
  const page = await api(`/api/paintings?${query}`);
  if (!isMore) {
    const value = query.get("artist");
    $("artist").replaceChildren(h("option", { value: "" }, "All"), ...page.artists.map((name) => h("option", { value: name, selected: name === value }, name)));
    $("paintings").replaceChildren();
    shown = 0;
  }
  $("paintings").append(...page.paintings.map(makeCard));
  shown += page.paintings.length;
  $("more").hidden = shown >= page.count;
  $("count").textContent = page.count ? count(page.count, "painting") : "";
  if (!page.count) $("paintings").replaceChildren(h("div", { class: "empty" }, h("h2", {}, "No paintings yet"), h("p", {}, "What you paint appears here, and so does what `artist-nst paint` leaves in this folder."), h("p", {}, h("a", { class: "button primary", href: "/" }, "Paint the first"))));
}

$("artist").addEventListener("change", () => {
  const name = $("artist").value;
  history.replaceState(null, "", name ? `?artist=${encodeURIComponent(name)}` : "/gallery");
  load(false);
});
$("more").addEventListener("click", () => load(true));
await load(false);
onState((state) => {
  const done = state.jobs.filter((job) => job.state === "done").length;
  if (finished !== null && done !== finished) load(false);
  finished = done;
});
document.documentElement.dataset.ready = "true";
