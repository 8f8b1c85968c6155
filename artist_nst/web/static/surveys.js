import { $, api, attempt, count, h } from "./dom.js";

const STEP = 200;
const KINDS = { rating: "Rating", pairs: "Pairs" };
const form = $("form");
const chosen = { paintings: new Set(), comparison: new Set() };
let paintings = [], available = 0, comparisons = [];

/** Copy a link; where the browser does not allow that, show it for copying by hand. */
async function copyLink(event, address) {
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy link"; }, 2000);
  } catch {
    const field = h("input", { value: address, readOnly: true, "aria-label": "Link for raters", class: "address" });
    button.replaceWith(field);
    field.select();
  }
}

function makeEntry(survey) {
  const facts = [KINDS[survey.kind], count(survey.paintings, "painting"), count(survey.raters, "rater"), count(survey.answers, "answer")];
  return h("article", { class: "entry" },
    h("div", { class: "what" },
      h("h3", {}, h("bdi", {}, survey.title)),
      h("p", { class: "asked" }, h("bdi", {}, survey.question)),
      h("p", { class: "quiet" }, facts.join(" · "))),
    h("p", { class: "row" },
      h("a", { class: "button", href: survey.rate, target: "_blank", rel: "noopener" }, "Rate"),
      h("a", { class: "button", href: survey.results }, "Results"),
      h("button", { type: "button", onclick: (event) => copyLink(event, location.origin + survey.rate) }, "Copy link")));
}

async function list() {
  const surveys = await api("/api/surveys");
  $("surveys").replaceChildren(...surveys.map(makeEntry));
  if (!surveys.length) $("surveys").append(h("p", { class: "quiet none" }, "No surveys yet: choose paintings below, and send the link to people."));
}

const about = () => form.elements.about.value;

function showChosen() {
  $("problem").textContent = "";
  const keys = chosen[about()], isMany = about() === "paintings";
  for (const button of $("choices").children) button.setAttribute("aria-pressed", String(keys.has(button.dataset.key)));
  if (!isMany) $("chosen").replaceChildren(comparisons.length ? "Choose one comparison" : "No finished comparisons yet");
  else if (!paintings.length) $("chosen").replaceChildren("No paintings yet");
  else {
    const choose = (text, list) => h("button", { type: "button", class: "link", onclick: () => { chosen.paintings = new Set(list.map((painting) => painting.id)); showChosen(); } }, text);
    $("chosen").replaceChildren(`${count(keys.size, "painting")} chosen`, choose("All", paintings), choose("None", []));
  }
}

function toggle(key) {
  const keys = chosen[about()], isChosen = keys.has(key);
  if (about() === "comparison") keys.clear();
  if (isChosen) keys.delete(key);
  else keys.add(key);
  showChosen();
}

function showChoices() {
  const isMany = about() === "paintings";
  const choices = isMany ? paintings.map((painting) => [painting, `${painting.photo} after ${painting.artists.join(", ") || "own pictures"}, ${painting.name}`]) : comparisons.map((comparison) => [comparison, comparison.id]);
  $("choices").replaceChildren(...choices.map(([{ id, thumbnail }, title]) =>
    h("button", { type: "button", title, "aria-label": title, "data-key": id, onclick: () => toggle(id) },
      h("img", { src: thumbnail, alt: "", loading: "lazy", decoding: "async" }))));
  $("choices").hidden = !choices.length;
  $("choices").classList.toggle("large", !isMany);
  $("more").hidden = !isMany || paintings.length >= available;
  showChosen();
}

async function loadPaintings() {
  const page = await api(`/api/paintings?offset=${paintings.length}&limit=${STEP}`);
  paintings.push(...page.paintings);
  available = page.count;
  showChoices();
}

const showQuestion = () => { $("question").placeholder = $("question").dataset[form.elements.kind.value]; };

form.addEventListener("change", (event) => {
  if (event.target.name === "kind") showQuestion();
  if (event.target.name === "about") showChoices();
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = $("create");
  await attempt($("problem"), button, async () => {
    const body = {
      kind: form.elements.kind.value, title: form.elements.title.value, question: form.elements.question.value,
      show_photo: form.elements.photo.checked, show_works: form.elements.works.checked,
    };
    if (about() === "paintings") body.paintings = [...chosen.paintings];
    else body.comparison = [...chosen.comparison][0] ?? null;
    if (!body.paintings?.length && !body.comparison) throw new Error("Choose what the survey is about");
    button.textContent = "Creating…";
    try {
      await api("/api/surveys", { body });
    } finally {
      button.textContent = "Create";
    }
    form.reset();
    showQuestion();
    chosen.paintings.clear();
    chosen.comparison.clear();
    showChoices();
    await list();
    $("surveys").scrollIntoView({ block: "center" });
  });
});
$("more").addEventListener("click", loadPaintings);
// Answers come in meanwhile.
addEventListener("focus", list);

$("local").hidden = !["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
[comparisons] = await Promise.all([api("/api/comparisons"), list(), loadPaintings()]);
showChosen();
document.documentElement.dataset.ready = "true";
