// The line in the header of every page: what is painted now.
import { $ } from "./dom.js";
import { onState } from "./live.js";

if (location.pathname !== "/token") {
  onState((state) => {
    const active = state.jobs.filter((job) => ["waiting", "running", "stopping"].includes(job.state));
    const running = active.find((job) => job.state !== "waiting");
    const status = $("status");
    status.hidden = active.length === 0;
    if (!running) status.textContent = `${active.length} waiting`;
    else {
      const share = running.iterations ? Math.floor((100 * running.iteration) / running.iterations) : 0;
      status.textContent = `Painting ${share} %` + (active.length > 1 ? ` · ${active.length - 1} waiting` : "");
    }
    status.href = running?.kind === "comparison" ? "/compare" : "/";
  });
}
