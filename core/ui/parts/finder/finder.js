// A dialog that asks the server while somebody types. All texts are set as text.

const WAIT_MS = 150;
const FEWEST = 2;
const STEP = { ArrowDown: 1, ArrowUp: -1 };

function made(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function options(groups, choose) {
  const lines = [];
  for (const group of groups) {
    lines.push(made("li", { role: "presentation", class: "kind" }, group.label));
    for (const one of group.rows) {
      const name = made("span", {}, one.title);
      const line = made("li", { role: "option", "aria-selected": "false" }, name,
        made("span", { class: "note" }, one.note));
      line.addEventListener("click", () => choose(one));
      lines.push(line);
    }
  }
  return lines;
}

class Finder {
  constructor(root) {
    [this.dialog, this.input, this.list, this.status, this.opener] =
      ["dialog", "input", "ul", "p", ".opener"].map((each) => root.querySelector(each));
    root.querySelector("kbd").textContent = /Mac|iP/.test(navigator.platform) ? "⌘K" : "Ctrl K";
    this.asked = 0;
    this.waits = false; // for what fits the words that stand in the field
    this.early = []; // the keys that were pressed meanwhile
    this.heard = (event) => this.hear(event);
    this.opener.addEventListener("click", () => this.open());
    this.input.addEventListener("input", () => this.wait());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  hear(event) {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.open();
  }

  open() {
    if (this.dialog.open) return;
    this.input.value = "";
    this.forget();
    this.show([]);
    this.dialog.showModal();
    this.input.focus();
  }

  wait() {
    this.forget();
    this.waits = this.input.value.trim().length >= FEWEST;
    this.timer = setTimeout(() => this.ask(), WAIT_MS);
  }

  forget() {
    clearTimeout(this.timer);
    this.asked += 1;
    this.waits = false;
    this.early = [];
  }

  async ask() {
    const words = this.input.value.trim();
    const turn = this.asked;
    if (words.length < FEWEST) return this.show([]);
    const form = new URLSearchParams({ q: words, organization: this.organization });
    let groups = null;
    try {
      const answer = await fetch("/find", { method: "POST", body: form });
      if (answer.ok) groups = (await answer.json()).groups;
    } catch {}
    if (turn !== this.asked) return undefined;
    this.waits = false;
    if (groups === null) return this.show([], "Search is not available. Reload the page and try again.");
    this.show(groups, groups.length ? "" : `Nothing found for “${words}”.`);
    return this.early.splice(0).forEach((key) => this.act(key));
  }

  show(groups, status = "") {
    this.list.replaceChildren(...options(groups, (one) => this.choose(one)));
    this.lines = [...this.list.querySelectorAll("[role=option]")];
    this.lines.forEach((line, place) => (line.id = `found-${place}`));
    this.status.textContent = status;
    this.select(0);
  }

  select(place) {
    this.place = this.lines.length ? (place + this.lines.length) % this.lines.length : -1;
    this.lines.forEach((line, each) => line.setAttribute("aria-selected", String(each === this.place)));
    this.input.setAttribute("aria-activedescendant", this.lines[this.place]?.id ?? "");
    this.lines[this.place]?.scrollIntoView({ block: "nearest" });
  }

  pressed(event) {
    if (!(event.key in STEP) && event.key !== "Enter") return;
    event.preventDefault();
    if (this.waits) this.early.push(event.key);
    else this.act(event.key);
  }

  act(key) {
    if (key in STEP) this.select(this.place + STEP[key]);
    else this.lines[this.place]?.click();
  }

  choose(one) {
    this.dialog.close();
    this.send("open", { screen: one.screen, parameters: one.parameters });
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const dialog = parentElement.querySelector("dialog");
  const finder = (dialog.finder ??= new Finder(parentElement));
  finder.organization = data.organization;
  finder.send = setTriggerValue;
  document.addEventListener("keydown", finder.heard, true);
  return () => document.removeEventListener("keydown", finder.heard, true);
}
