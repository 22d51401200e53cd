// Elements from texts: nothing here reads HTML, so no text can become any.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function button(text, onClick, attributes = {}) {
  const made = element("button", { type: "button", ...attributes }, text);
  made.addEventListener("click", onClick);
  return made;
}

export const byId = (id) => document.getElementById(id);

// Only where it differs: what a person has selected, and what a screen reader is reading, stays.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, text) {
  node.hidden = !text;
  write(node, text || "");
}

// The children of `parent`, one for each item by its key: made once, then brought up to date. Where a person
// points at one or has the focus in one, those that are there stay where they are.
export function keyed(parent, items, key, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const inUse = parent.matches(":hover, :focus-within");
  const places = new Map([...known.keys()].map((name, place) => [name, place]));
  const place = (item) => places.get(key(item)) ?? places.size;
  const ordered = inUse ? [...items].sort((one, other) => place(one) - place(other)) : items;
  let next = parent.firstElementChild;
  for (const item of ordered) {
    const name = key(item);
    let child = known.get(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    known.delete(name);
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
  for (const child of known.values()) child.remove();
}

export function list(parent, texts) {
  keyed(
    parent,
    texts.map((text, place) => ({ text, place })),
    (item) => String(item.place),
    () => element("li"),
    (child, item) => write(child, item.text),
  );
}

export function facts(parent, pairs) {
  keyed(
    parent,
    pairs,
    ([name]) => name,
    ([name]) => element("div", {}, element("dt", {}, name), element("dd")),
    (child, [, text]) => write(child.lastElementChild, text),
  );
}
