import { $, api, h } from "./dom.js";

const place = $("comparison");
const comparison = await api(`/api/comparisons/${encodeURIComponent(place.dataset.id)}`);
place.append(
  h("p", {}, h("a", { href: "/compare" }, "All comparisons")),
  h("h1", {}, "Comparison"),
  h("div", { class: "sheet-view" }, h("a", { href: comparison.sheet }, h("img", { src: comparison.sheet, alt: "The sheet of all paintings" }))),
  h("h2", {}, "The paintings"),
  h("div", { class: "cards" }, ...comparison.paintings.map((painting) =>
    h("a", { class: "card", href: painting.page }, h("img", { src: painting.thumbnail, alt: "", loading: "lazy" }), h("div", { class: "text" }, h("strong", {}, painting.label))))),
);
document.documentElement.dataset.ready = "true";
