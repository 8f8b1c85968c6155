import { $, api, h } from "./dom.js";

const place = $("painting");
const painting = await api(`/api/paintings/${encodeURIComponent(place.dataset.id)}`);
const base = `/api/paintings/${painting.id}`;
const title = painting.artists.join(", ") || "Own pictures";
document.title = `${title} · artist-nst`;

const beneath = [];
if (painting.photo_image) beneath.push(["The photo", painting.photo_image]);
painting.work_images.forEach((url, index) => beneath.push([painting.work_images.length > 1 ? `Work ${index + 1}` : "The work", url]));

/** The painting, and under it, from the left up to the slider, the photo or a work. */
function makeWipe() {
  const under = h("img", { class: "under", src: beneath[0]?.[1] ?? "", alt: beneath[0]?.[0] ?? "", hidden: !beneath.length });
  const wipe = h("div", { class: "wipe" }, h("img", { src: painting.image, alt: `${painting.photo} after ${title}` }), under, h("div", { class: "bar", hidden: !beneath.length }));
  const showUpTo = (share) => {
    wipe.style.setProperty("--at", `${share}%`);
    wipe.classList.toggle("whole", Number(share) === 0);
  };
  showUpTo(0);
  if (!beneath.length) return [wipe, h("p", { class: "quiet" }, "The photo and the works are no longer where they were.")];
  const slider = h("input", { type: "range", min: 0, max: 100, value: 0, id: "wipe", oninput: () => showUpTo(slider.value) });
  const which = h("select", { "aria-label": "Compare with", onchange: () => {
    [under.alt, under.src] = beneath[which.value];
    if (slider.value === "0") { slider.value = 50; showUpTo(50); }
  } }, ...beneath.map(([text], index) => h("option", { value: index }, text)));
  slider.setAttribute("aria-label", "How much of it is shown beside the painting");
  return [wipe, h("div", { class: "under-wipe" }, which, slider, h("span", { class: "quiet" }, "Painting"))];
}

const rows = painting.description.map(([what, value]) => h("tr", {}, h("th", { scope: "row" }, what), h("td", {}, value)));
place.append(
  h("p", {}, h("a", { href: painting.comparison ? `/comparisons/${encodeURIComponent(painting.comparison)}` : "/gallery" }, painting.comparison ? "The comparison" : "Gallery")),
  h("div", { class: "look" },
    h("div", {}, ...makeWipe(), painting.explanation ? h("details", {}, h("summary", {}, "Which place is after which work"), h("a", { href: painting.explanation }, h("img", { src: painting.explanation, alt: "The map of sources", loading: "lazy" }))) : null),
    h("div", {},
      h("h1", {}, title),
      h("p", { class: "row" },
        h("a", { class: "button primary", href: `/?from=${painting.id}` }, "Paint again with…"),
        h("a", { class: "button", href: `${base}/image.png?download=true` }, "Download PNG"),
        h("a", { class: "button", href: `${base}/image.jpg` }, "Download JPEG")),
      h("table", { class: "facts-table" }, h("caption", { class: "sr" }, "How it was painted"), h("tbody", {}, ...rows)),
      h("h2", {}, "The same from a terminal"),
      h("code", { class: "command" }, painting.repaint),
      h("code", { class: "command" }, painting.command))));
document.documentElement.dataset.ready = "true";
