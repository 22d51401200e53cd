// The form by which limits are changed, and what came of it.

import { byId, show, write } from "./dom.js";

const NAME = "by";
const FIELDS = {
  set: ["client", "limit", "for", "why", "by", "revision"],
  unset: ["client", "why", "by", "revision"],
  reset: ["client", "why", "by"],
};

export class Changes {
  constructor() {
    this.dialog = byId("dialog");
    this.form = byId("form");
    this.at = 0;
    this.form.elements.by.value = remembered();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.form.addEventListener("change", () => this.fit());
    byId("cancel").addEventListener("click", () => this.dialog.close());
    byId("change").addEventListener("click", () => this.open({ change: "set" }));
  }

  get isOpen() {
    return this.dialog.open;
  }

  // `revision` is that of the client's live limit as it was seen here: another one is left as it is.
  open({ change, client = "", limit = "", duration = "", why = "", revision = "" }) {
    const { elements } = this.form;
    elements.change.value = change;
    elements.client.value = client;
    elements.limit.value = limit ?? "";
    elements.for.value = duration;
    elements.why.value = why;
    Object.assign(this, { client, revision });
    show(byId("problem"), "");
    this.fit();
    this.dialog.showModal();
    (client ? (change === "set" ? elements.limit : elements.why) : elements.client).focus();
  }

  undo({ undo, action, revision }) {
    const left = undo.until === null ? "" : `${Math.max(1, Math.round(undo.until - this.at))}s`;
    const why = `undo: ${action} `;
    if (undo.limit === null) this.open({ change: "unset", client: undo.client, why, revision });
    else this.open({ change: "set", client: undo.client, limit: undo.limit, duration: left, why, revision });
  }

  // Only what this change needs.
  fit() {
    const change = this.form.elements.change.value;
    for (const label of this.form.querySelectorAll("[data-of]")) label.hidden = label.dataset.of !== change;
    this.form.elements.limit.required = change === "set";
  }

  async send() {
    const { elements } = this.form;
    const change = elements.change.value;
    const seen = elements.client.value === this.client ? this.revision : "";
    const value = (name) => (name === "revision" ? seen : elements[name].value);
    const body = Object.fromEntries(FIELDS[change].map((name) => [name, value(name)]));
    byId("submit").disabled = true;
    write(byId("submit"), "Changing it …");
    show(byId("problem"), "");
    try {
      const answer = await fetch(`/changes/${change}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${elements.token.value}` },
        body: JSON.stringify(body),
      });
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok) throw refused(answer.status, told.problem);
      remember(body.by);
      this.dialog.close();
      write(byId("done"), told.done);
    } catch (error) {
      show(byId("problem"), `${error.prefix ?? "Not known whether it was changed: "}${error.message}`);
    } finally {
      byId("submit").disabled = false;
      write(byId("submit"), "Change it");
    }
  }
}

// What is refused is not done. Of what Redis did before it went, the subject says itself what is known.
function refused(status, problem) {
  const error = new Error(problem ?? `the subject answers ${status}.`);
  error.prefix = status < 500 ? "Nothing was changed: " : "";
  return error;
}

function remembered() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

function remember(name) {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // where the browser keeps nothing, it is typed again
  }
}
