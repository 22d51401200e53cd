// What is wrong now, in words: each problem with its causes, what to do, and what it explains.

import { button, byId, element, keyed, list, show, write } from "./dom.js";
import { clock, duration } from "./words.js";

const SEVERITIES = { critical: "Critical", warning: "Warning", info: "Note" };

export class Problems {
  constructor() {
    this.root = byId("problems");
    this.asked = "";
    this.known = [];
    window.addEventListener("hashchange", () => this.ask());
    this.ask();
  }

  show(page) {
    this.known = page.problems;
    write(byId("headline"), page.headline);
    byId("headline").className = page.healthy ? "well" : "found";
    document.title = `${page.problems.length ? `(${page.problems.length}) ` : ""}Rate limiter`;
    keyed(this.root, page.problems, (problem) => problem.name, made, (article, problem) => update(article, problem, page.at));
    this.follow();
  }

  // A link opens at one finding: `#code/kind/id`, also where that is one of a problem's symptoms.
  ask() {
    try {
      const name = decodeURIComponent(location.hash.slice(1));
      this.asked = name.includes("/") ? name : "";
    } catch {
      this.asked = "";
    }
    show(byId("missing"), "");
    if (this.known.length) this.follow();
  }

  follow() {
    if (!this.asked) return;
    const name = this.asked;
    this.asked = "";
    const named = (finding) => finding.name === name;
    const problem = this.known.find((one) => named(one) || one.symptoms.some(named));
    if (!problem) {
      const [code, , ...id] = name.split("/");
      show(byId("missing"), `The link leads to ${code} (${id.join("/")}), which is not found any more.`);
      return;
    }
    const article = [...this.root.children].find((child) => child.dataset.key === problem.name);
    article.parts.details.open = true;
    article.scrollIntoView({ block: "start" });
    article.focus({ preventScroll: true });
  }
}

function made(problem) {
  const parts = {
    severity: element("span", { class: "severity" }),
    whom: element("span", { class: "whom" }),
    summary: element("p", { class: "summary" }),
    causes: element("ol", { class: "causes" }),
    action: element("code"),
    verify: element("code"),
    since: element("span"),
    confidence: element("span"),
    link: element("a", { href: `#${encodeURIComponent(problem.name)}` }, "Link to this"),
    count: element("span"),
    evidence: element("ul"),
    explains: element("div"),
    symptoms: element("ul"),
  };
  parts.details = element(
    "details",
    {},
    element("summary", {}, "Evidence", parts.count),
    parts.evidence,
    parts.explains,
  );
  parts.explains.append(element("p", {}, "It explains:"), parts.symptoms);
  const article = element(
    "article",
    { class: "problem", tabindex: "-1" },
    element("h3", {}, parts.severity, " ", element("span", { class: "code" }, problem.code), " ", parts.whom),
    parts.summary,
    element("p", { class: "note" }, "Why, the likeliest first:"),
    parts.causes,
    element(
      "dl",
      { class: "next" },
      element("div", {}, element("dt", {}, "Do"), element("dd", {}, parts.action, copying(parts.action))),
      element("div", {}, element("dt", {}, "Then look at"), element("dd", {}, parts.verify, copying(parts.verify))),
    ),
    parts.details,
    element("p", { class: "meta" }, parts.since, " · ", parts.confidence, " · ", parts.link),
  );
  article.parts = parts;
  return article;
}

function update(article, problem, at) {
  const { parts } = article;
  article.className = `problem ${problem.severity}`;
  write(parts.severity, SEVERITIES[problem.severity]);
  write(parts.whom, problem.subject.kind === "cluster" ? "" : problem.subject.id);
  write(parts.summary, `${problem.summary}.`);
  causes(parts.causes, problem.causes);
  write(parts.action, problem.suggested_action);
  write(parts.verify, problem.verify_with);
  write(parts.since, `since ${clock(problem.since)}, for ${duration(at - problem.since)}`);
  write(parts.confidence, `${Math.round(100 * problem.confidence)} % sure that it is so`);
  const number = problem.symptoms.length;
  write(parts.count, number ? `, and what it explains (${number})` : "");
  list(parts.evidence, problem.evidence);
  parts.explains.hidden = !number;
  list(parts.symptoms, problem.symptoms.map((symptom) => `${symptom.code}: ${symptom.summary}.`));
}

function causes(parent, found) {
  const made = () => element("li", {}, element("span"), element("small"));
  keyed(parent, found, (cause) => cause.text, made, (child, cause) => {
    write(child.firstElementChild, `${cause.text}.`);
    write(child.lastElementChild, cause.why);
  });
}

// Where the browser lets a page write to the clipboard: on this machine, or by TLS.
function copying(code) {
  const made = button("Copy", () => copy(code.textContent, made), { class: "copy" });
  made.hidden = !navigator.clipboard;
  return made;
}

async function copy(text, from) {
  try {
    await navigator.clipboard.writeText(text);
    write(from, "Copied");
  } catch {
    write(from, "Not copied");
  }
  setTimeout(() => write(from, "Copy"), 2000);
}
