// One rater answers one task after another. An answer is sent until it is acknowledged.
import { $, h } from "./dom.js";

const { path, kind, total: totalText, done: doneText } = $("survey").dataset;
const isPairs = kind === "pairs", total = Number(totalText);
const buttons = [...document.querySelectorAll("#task [data-value]")];
const KEYS = isPairs ? { ArrowLeft: "left", ArrowRight: "right" } : Object.fromEntries(buttons.map((button) => [button.dataset.value, button.dataset.value]));
const SETTLE_MS = 250; // in which the second tap of a double tap counts for nothing
const IDLE_MS = 180_000; // after which somebody else may be there
const ENDED = "ended";

const tasks = []; // those of this visit, with their answers
let at = 0, shownAt = 0, isBusy = true;

const say = (text) => { $("message").textContent = text; };
const wait = (seconds) => new Promise((resolve) => {
  setTimeout(resolve, 1000 * seconds);
  addEventListener("online", resolve, { once: true });
});

/** The answer that is not acknowledged yet; it outlives the page. */
const pending = {
  value: null,
  get() {
    try { return JSON.parse(localStorage.getItem(path)) ?? this.value; } catch { return this.value; }
  },
  set(value) {
    this.value = value;
    try {
      if (value) localStorage.setItem(path, JSON.stringify(value));
      else localStorage.removeItem(path);
    } catch { /* not allowed to: it lives as long as the page */ }
  },
};

/** Try again and again, less and less often, until `attempt` gives something. */
async function insist(attempt, problem) {
  for (let seconds = 0.5; ; seconds = Math.min(2 * seconds, 10)) {
    const result = await attempt().catch(() => null);
    if (result !== null) {
      say("");
      return result;
    }
    say(problem);
    await wait(seconds);
  }
}

/** Ask the server; an Error ends the survey. */
async function ask(address, body, isAgain = false) {
  const options = body ? { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } } : {};
  const problem = body?.task ? "The server does not answer. Your answer is kept, and sent again." : "The server does not answer. Trying again.";
  const [status, values] = await insist(async () => {
    const response = await fetch(path + address, { ...options, signal: AbortSignal.timeout(15_000) });
    if (response.status >= 500 || response.status === 429) return null;
    return [response.status, response.status === 204 ? {} : await response.json()];
  }, problem);
  if (status === 409 && !isAgain) {
    await ask("/raters", {});
    return ask(address, body, true);
  }
  if (status === 409) throw new Error("This survey needs a cookie: allow cookies for this page, and load it again.");
  if (status === 422 && body) return null;
  if (status >= 400) throw new Error(values.error ?? `The server refuses (${status}).`);
  return values;
}

/** Send the answer that waits, and add the task that comes next. */
async function advance() {
  const answer = pending.get();
  const kept = answer && (await ask("/answers", answer));
  pending.set(null);
  // A refused answer is another rater's, who began in another tab.
  if (answer && !kept) tasks.length = 0;
  const reply = kept ?? (await ask("/task"));
  if (reply.task && tasks.at(-1)?.id !== reply.task.id) tasks.push({ ...reply.task, number: reply.done + 1 });
  return reply;
}

const loadPicture = (url) => insist(async () => {
  const image = h("img", { src: url, alt: "" });
  await image.decode();
  return image;
}, "A picture does not load. Trying again.");

function makeReferences(task, images) {
  const describe = (urls, what, one) => urls.map((url, index) => [url, urls.length > 1 ? `${what} of the ${["first", "second"][index]}` : one]);
  return [...describe(task.photos, "Photo", "Photo"), ...describe(task.works, "Work", "Work it is after")].map(([url, text]) => {
    const image = images.get(url);
    image.alt = text;
    return h("figure", {}, image, h("figcaption", {}, text));
  });
}

const mark = (value) => {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === value));
};

function turnTo(id) {
  for (const name of ["welcome", "task", "thanks"]) $(name).hidden = name !== id;
  scrollTo(0, 0);
}

function showThanks() {
  $("change").hidden = !tasks.length;
  turnTo("thanks");
  $("thanks-title").focus();
}

async function show() {
  isBusy = true;
  const task = tasks[at];
  if (!task) return showThanks();
  const urls = [...task.paintings, ...task.photos, ...task.works];
  const images = new Map(await Promise.all(urls.map(async (url) => [url, await loadPicture(url)])));
  const paintings = task.paintings.map((url) => images.get(url));
  if (isPairs) buttons.forEach((button, index) => button.replaceChildren(paintings[index]));
  else {
    paintings[0].alt = `Painting ${task.number}`;
    $("paintings").replaceChildren(paintings[0]);
  }
  $("references").replaceChildren(...makeReferences(task, images));
  $("pictures").classList.toggle("with-references", images.size > paintings.length);
  $("back").hidden = at === 0;
  $("bar").value = task.number - 1;
  $("progress").textContent = `${task.number} of ${total}`;
  mark(task.value);
  if ($("task").hidden) {
    turnTo("task");
    $("question").focus();
  }
  for (const url of task.preload) new Image().src = url;
  setTimeout(() => { isBusy = false; shownAt = performance.now(); }, SETTLE_MS);
}

/** Run a step; what ends the survey is said instead of it. */
async function run(step) {
  try {
    await step();
  } catch (error) {
    turnTo("");
    say(error.message);
    $("message").classList.add(ENDED);
  }
}

const answer = (value) => run(async () => {
  if (isBusy) return;
  isBusy = true;
  mark(value);
  const task = tasks[at];
  task.value = value;
  pending.set({ task: task.id, value, seconds: (performance.now() - shownAt + SETTLE_MS) / 1000 });
  await advance();
  at = tasks.indexOf(task) + 1;
  await show();
});

const goBack = () => run(async () => {
  if (at === 0 || (isBusy && at < tasks.length)) return;
  at -= 1;
  await show();
});

const start = () => run(async () => {
  $("start").disabled = true;
  await advance();
  await show();
  $("start").disabled = false;
});

function welcome(done) {
  $("resumed").hidden = $("other").hidden = done === 0;
  $("resumed").textContent = `You have answered ${done} of ${total}.`;
  $("start").textContent = done ? "Go on" : "Start";
  turnTo("welcome");
}

const changeRater = () => run(async () => {
  await ask("/raters", {});
  pending.set(null);
  tasks.length = at = 0;
  welcome(0);
  $("start").focus();
});

$("start").addEventListener("click", start);
$("back").addEventListener("click", goBack);
$("change").addEventListener("click", goBack);
for (const button of document.querySelectorAll(".someone-else")) button.addEventListener("click", changeRater);
for (const button of buttons) button.addEventListener("click", () => answer(button.dataset.value));

document.addEventListener("keydown", (event) => {
  if ($("task").hidden || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (KEYS[event.key]) answer(KEYS[event.key]);
  else if (event.key === "Backspace") goBack();
  else if (["ArrowLeft", "ArrowRight"].includes(event.key)) {
    const step = event.key === "ArrowRight" ? 1 : -1;
    const place = buttons.indexOf(document.activeElement);
    (buttons[place + step] ?? buttons[step > 0 ? 0 : buttons.length - 1]).focus();
  } else return;
  event.preventDefault();
});

let idle;
const restartIdle = () => {
  clearTimeout(idle);
  idle = setTimeout(() => { if (!$("task").hidden && !isBusy) welcome(tasks.at(-1).number - 1); }, IDLE_MS);
};
for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, restartIdle);

await run(async () => {
  const done = pending.get() ? (await advance()).done : Number(doneText);
  if (done === total) showThanks();
  else welcome(done);
  $("start").disabled = false;
});
document.documentElement.dataset.ready = "true";
