// Elements, requests and formats that all pages share.

/** Make an element. Strings become text, never HTML. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && name !== "list" && name !== "form") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const $ = (id) => document.getElementById(id);

/** Ask the API; throws an Error with its one line. */
export async function api(path, { body, form, method } = {}) {
  const options = { method: method ?? (body || form ? "POST" : "GET") };
  if (body) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  if (form) options.body = form;
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The studio does not answer: is it still running?");
  }
  if (response.status === 401) location.href = "/token";
  const text = await response.text();
  let values = {};
  try { values = JSON.parse(text); } catch { /* not JSON: an error */ }
  if (!response.ok) throw new Error(values.error ?? `The studio refused (${response.status})`);
  return values;
}

/** "3 min", "40 s": about how long. */
export function formatSeconds(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export function formatDate(text) {
  return new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Show an element's problem while a promise is pending, and when it fails. */
export async function attempt(problem, button, action) {
  problem.textContent = "";
  if (button) button.disabled = true;
  try {
    return await action();
  } catch (error) {
    problem.textContent = error.message;
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}
