// The tables: of nodes, clients, live limits, and what was changed.

import { button, byId, element, facts, keyed, show, write } from "./dom.js";
import { duration, moment, number, percent, text, UNKNOWN, whole } from "./words.js";

const ms = number;

class Table {
  // Each column: its title, what stands in it, and of what kind it is ("number", or "wide": not on a phone).
  constructor(id, columns, key, buttons = null) {
    this.columns = columns;
    this.key = key;
    this.buttons = buttons;
    this.body = element("tbody", { role: "rowgroup" });
    const titles = columns.map(([title, , kind]) =>
      element("th", { scope: "col", role: "columnheader", class: kind }, title),
    );
    if (buttons) titles.push(element("td", { role: "cell" }));
    // Roles said once more: on a phone a row is drawn as a card, by which a browser would lose them.
    const table = element(
      "table",
      { role: "table", "aria-labelledby": `${id}-title` },
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...titles)),
      this.body,
    );
    this.frame = byId(id);
    this.frame.classList.add("table");
    this.frame.classList.toggle("cards", buttons !== null);
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "region");
    this.frame.setAttribute("aria-label", `Table: ${byId(`${id}-title`).textContent}`);
    this.frame.append(table);
  }

  show(items, context) {
    this.frame.hidden = !items.length;
    keyed(this.body, items, this.key, () => this.made(), (row, item) => this.update(row, item, context));
  }

  made() {
    const cell = ([title, , kind], place) =>
      place
        ? element("td", { role: "cell", class: kind, "data-title": title })
        : element("th", { scope: "row", role: "rowheader", class: kind });
    const row = element("tr", { role: "row" }, ...this.columns.map(cell));
    const buttons = this.buttons?.(row);
    if (buttons) row.append(element("td", { role: "cell", class: "buttons" }, ...buttons));
    return row;
  }

  update(row, item, context) {
    row.item = item;
    this.columns.forEach(([, value], place) => write(row.children[place], value(item, context)));
    for (const one of row.querySelectorAll("button")) one.hidden = !context.writable || !one.applies(item);
  }
}

function acting(label, row, applies, act) {
  const made = button(label, () => act(row.item));
  made.applies = (item) => {
    made.setAttribute("aria-label", `${label.replace(" …", "")}: ${item.client ?? item.id}`);
    return applies(item);
  };
  return made;
}

// Nobody measures a node that is not up.
const measured = (tell) => (node) => (node.state === "Up" ? tell(node) : UNKNOWN);

const NODES = [
  ["node", (node) => node.id],
  ["state", (node) => node.state],
  ["req/s", measured((node) => number(node.rate)), "number"],
  ["refused", measured((node) => percent(node.rejection_ratio)), "number"],
  ["failed", measured((node) => percent(node.failure_ratio)), "number"],
  ["p50 ms", measured((node) => ms(node.latency_p50_ms)), "number wide"],
  ["p99 ms", measured((node) => ms(node.latency_p99_ms)), "number"],
  ["Redis ms", measured((node) => ms(node.store_p99_ms)), "number wide"],
  ["alone", measured((node) => percent(node.fallback_ratio)), "number wide"],
  ["CPU", measured((node) => percent(node.cpu_percent === null ? null : node.cpu_percent / 100)), "number wide"],
  ["seen", (node, { at }) => (node.last_seen === null ? UNKNOWN : duration(at - node.last_seen)), "number wide"],
  ["address", (node) => text(node.address), "wide"],
];

const CLIENTS = [
  ["client", (client) => client.id],
  ["req/s", (client) => number(client.rate), "number"],
  ["refused/s", (client) => number(client.refused_rate), "number"],
  ["limit", (client) => (client.limit === null ? UNKNOWN : `${client.limit} (${client.source})`)],
  ["in window", (client) => whole(client.count), "number wide"],
  ["left", (client) => whole(client.remaining), "number wide"],
];

const LIMITS = [
  ["client", (limit) => limit.client],
  ["limit", (limit) => text(limit.limit)],
  ["until", (limit, { at }) => (limit.until === null ? "taken out" : moment(limit.until, at))],
  ["then", (limit) => (limit.usual ? `${limit.usual.limit} (${limit.usual.source})` : UNKNOWN), "wide"],
  ["set by", (limit, { at }) => (limit.by === null ? UNKNOWN : `${limit.by} at ${moment(limit.since, at)}`)],
  ["why", (limit) => limit.why ?? "", "text"],
];

const AUDIT = [
  ["when", (done, { at }) => moment(done.at, at)],
  ["by", (done) => done.by],
  ["action", (done) => done.action],
  ["client", (done) => done.client],
  ["before", (done) => text(done.before), "wide"],
  ["after", (done) => text(done.after)],
  ["until", (done, { at }) => moment(done.until, at), "wide"],
  ["why", (done) => done.why ?? "", "text"],
];

const always = () => true;

export class Tables {
  constructor(changes) {
    const change = (client, { limit, revision }) => changes.open({ change: "set", client, limit, revision });
    this.nodes = new Table("nodes", NODES, (node) => node.id);
    this.clients = new Table("clients", CLIENTS, (client) => client.id, (row) => [
      acting("Change …", row, always, (client) => change(client.id, client)),
    ]);
    this.limits = new Table("limits", LIMITS, (limit) => limit.client, (row) => [
      acting("Change …", row, always, (limit) => change(limit.client, limit)),
      acting("Take out …", row, always, ({ client, revision }) =>
        changes.open({ change: "unset", client, revision }),
      ),
    ]);
    this.audit = new Table("audit", AUDIT, (done) => `${done.at} ${done.client} ${done.action}`, (row) => [
      acting("Undo …", row, (done) => done.undo !== null, (done) => changes.undo(done)),
    ]);
  }

  show(page, writable) {
    const context = { at: page.at, writable };
    this.nodes.show(page.nodes, context);
    this.clients.show(page.clients ?? [], context);
    show(byId("no-clients"), nobody(page.clients));
    this.limits.show(page.limits.limits, context);
    show(byId("no-limits"), noLimits(page));
    this.audit.show(page.audit, context);
    byId("no-audit").hidden = page.audit.length > 0;
    facts(byId("policies"), policies(page.limits));
  }
}

function nobody(clients) {
  if (clients === null) return "No node can be seen: the clients are not known.";
  return clients.length ? "" : "No client has sent anything in the last ten seconds.";
}

function noLimits(page) {
  if (!page.limits_known) return `Limits stand in Redis, which cannot be read: these are as of the last look.`;
  if (page.limits.more) return `and ${whole(page.limits.more)} more: subject limits`;
  return page.limits.limits.length ? "" : "No limit was set live.";
}

function policies(limits) {
  const named = Object.entries(limits.plans).map(([name, limit]) => `${name} ${limit}`);
  const routes = (limits.routes ?? []).filter((route) => route.limit !== null);
  const pairs = [["Default", text(limits.default)]];
  if (named.length) pairs.push(["Plans", named.join(" · ")]);
  if (routes.length) pairs.push(["Routes", routes.map((route) => `${route.name} ${route.limit}`).join(" · ")]);
  if (limits.address_limit) pairs.push(["An address without a registered key", limits.address_limit]);
  return pairs;
}

