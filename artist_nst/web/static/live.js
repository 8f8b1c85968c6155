// The state of all jobs, as the server streams it; one stream a page.
const listeners = new Set();
let state = null;

export function onState(listener) {
  listeners.add(listener);
  if (state) listener(state);
}

const source = new EventSource("/api/events");
source.onmessage = (event) => {
  state = JSON.parse(event.data);
  for (const listener of listeners) listener(state);
};
// The browser connects again by itself; a page that is left closes the stream.
addEventListener("pagehide", () => source.close());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
