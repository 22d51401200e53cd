// Listens to the subject, shows what it says, and says so where it says nothing.

import { Changes } from "./changes.js";
import { Charts } from "./charts.js";
import { byId, facts, show, write } from "./dom.js";
import { Problems } from "./problems.js";
import { Tables } from "./tables.js";
import { clock } from "./words.js";

const SILENT_MS = 12000;
const AGAIN_MS = 2000;

const changes = new Changes();
const tables = new Tables(changes);
const problems = new Problems();
const charts = new Charts();
const state = { writable: false, fresh: true, heardMs: performance.now(), at: null };

function connect() {
  const events = new EventSource("/events");
  events.addEventListener("hello", (event) => hello(JSON.parse(event.data)));
  events.addEventListener("frame", (event) => frame(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    lost("The subject does not answer");
    // It connects anew by itself, but not where something else has answered in the subject's place.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_MS);
  });
}

function hello({ writable }) {
  state.writable = writable;
  state.fresh = true;
  byId("change").hidden = !writable;
  byId("read-only").hidden = writable;
}

function frame({ page, chart, trouble }) {
  state.heardMs = performance.now();
  if (page === null) lost(`The subject itself failed (${trouble})`);
  else present(page);
  charts.add(chart, state.fresh);
  state.fresh = false;
}

function present(page) {
  state.at = changes.at = page.at;
  document.body.classList.remove("stale");
  show(byId("lost"), "");
  write(byId("connection"), `Live, ${clock(page.at)}`);
  problems.show(page);
  facts(byId("status"), page.status);
  tables.show(page, state.writable);
  show(byId("left-out"), leftOut(page));
}

function leftOut({ unanswered, unreadable }) {
  const parts = [];
  if (unanswered.length) parts.push(`Of SUBJECT_NODES no answer from: ${unanswered.join(", ")}.`);
  if (unreadable.length) parts.push(`Unreadable in Redis, left out: ${unreadable.join(", ")}.`);
  return parts.join(" ");
}

// What stands on the page is old then, and nobody may take it for the present.
function lost(why) {
  const since = state.at === null ? "" : `: what stands here is of ${clock(state.at)}`;
  document.body.classList.add("stale");
  show(byId("lost"), `${why}${since}.`);
  write(byId("connection"), "Not connected");
  write(byId("headline"), "Not known: see above.");
  byId("headline").className = "found";
  document.title = "(?) Rate limiter";
}

setInterval(() => {
  const silent = performance.now() - state.heardMs > SILENT_MS;
  if (silent && !document.body.classList.contains("stale")) lost("The subject says nothing");
}, 1000);
connect();
