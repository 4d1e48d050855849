// Draws the page of rows that the server has sorted and formatted. All texts are set as text.

const STEP = { ArrowDown: 1, ArrowUp: -1 };

function made(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function button(label, attributes, pressed) {
  const element = made("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", pressed);
  return element;
}

function heading(column, send) {
  const sorted = { "aria-sort": column.order };
  const number = column.number ? "number" : null;
  if (!column.sortable) return made("th", { scope: "col", class: number }, column.label);
  const arrow = { ascending: " ↑", descending: " ↓" }[column.order] || "";
  const press = button(column.label, { "data-focus": `sort ${column.name}` }, () =>
    send("sort", column.order === "ascending" ? `-${column.name}` : column.name));
  press.append(made("span", { "aria-hidden": "true" }, arrow));
  return made("th", { scope: "col", class: number, ...sorted }, press);
}

function cell(column, value) {
  const element = made("td", { class: column.number ? "number" : null, "data-label": column.label });
  if (column.long) element.classList.add("long");
  if (value.links) {
    element.classList.add("linked");
    element.append(...value.links.map((link) => made("a", { class: "way", href: link.href }, link.label)));
    return element;
  }
  if (value.bar === undefined) {
    element.append(value);
    element.title = value; // a long value is cut off at the edge of its column
    return element;
  }
  const bar = made("span", { class: "bar", "aria-hidden": "true" }, made("span"));
  bar.firstChild.style.width = `${Math.round(value.bar * 100)}%`;
  element.append(bar, value.text);
  return element;
}

function tick(id, name) {
  return made("input", { type: "checkbox", value: id, "aria-label": `Select ${name}`, "data-focus": `tick ${id}` });
}

// The boxes of the rows, and the one in the heading that stands for all of them.
function watchTicks(table, send) {
  const boxes = [...table.querySelectorAll("tbody .tick input")];
  const all = table.querySelector("thead .tick input");
  const ticked = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const changed = () => {
    const count = ticked().length;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    send(ticked());
  };
  boxes.forEach((box) => box.addEventListener("change", changed));
  all.addEventListener("change", () => {
    boxes.forEach((box) => { box.checked = all.checked; });
    changed();
  });
}

// A table that is wider than its place shows by a shadow on which side there is more of it.
function watchEdges(scroll) {
  const look = () => {
    const rest = scroll.scrollWidth - scroll.clientWidth - scroll.scrollLeft;
    scroll.parentElement.classList.toggle("more-left", scroll.scrollLeft > 1);
    scroll.parentElement.classList.toggle("more-right", rest > 1);
  };
  scroll.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(scroll);
  return scroll;
}

function row(one, data, send) {
  const cells = data.columns.map((column, place) => cell(column, one.cells[place]));
  data.card.forEach((place, order) => cells[place].classList.add(order ? "fact" : "headline"));
  const element = made("tr", {}, ...cells);
  if (data.ticks) element.prepend(made("td", { class: "tick" }, tick(one.id, cells[data.card[0] ?? 0].textContent)));
  if (one.id === null) return element;
  const first = cells[data.card[0] ?? 0];
  const link = made("a", { href: one.href || "#", "data-focus": `row ${one.id}` }, ...first.childNodes);
  first.replaceChildren(link);
  element.classList.add("opens");
  const open = (event) => {
    if (event.defaultPrevented || event.target.closest(".tick, a.way") || getSelection().toString()) return;
    event.preventDefault();
    const elsewhere = event.ctrlKey || event.metaKey || event.button === 1;
    if (elsewhere && one.href) window.open(link.href, "_blank", "noopener");
    else if (data.moves) send("open", one.id);
    else location.assign(link.href);
  };
  element.addEventListener("click", open);
  element.addEventListener("auxclick", (event) => event.button === 1 && open(event));
  return element;
}

function walk(event) {
  const step = STEP[event.key];
  const here = event.target.closest("tr.opens");
  if (!step || !here) return;
  const links = [...event.currentTarget.querySelectorAll("tr.opens a:not(.way)")];
  const next = links[links.indexOf(here.querySelector("a:not(.way)")) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

function chooser(data, send) {
  const choose = (names) => send("columns", names);
  const shown = data.columns.map((column) => column.name);
  const lines = data.offered.map(({ name, label }) => {
    const place = shown.indexOf(name);
    const box = made("input", { type: "checkbox", "data-focus": `column ${name}` });
    box.checked = place >= 0;
    box.disabled = box.checked && shown.length === 1;
    box.addEventListener("change", () =>
      choose(box.checked ? [...shown, name] : shown.filter((each) => each !== name)));
    const line = made("li", {}, made("label", {}, box, label));
    if (place > 0) {
      const others = shown.filter((each) => each !== name);
      others.splice(place - 1, 0, name);
      line.append(button("↑", { "aria-label": `Move ${label} to the left`, "data-focus": `left ${name}` },
        () => choose(others)));
    }
    return line;
  });
  const all = button("Default columns", { "data-focus": "default" }, () => choose([]));
  const menu = made("div", { class: "menu" }, made("ul", {}, ...lines), all);
  return made("details", { class: "columns" }, made("summary", {}, "Columns"), menu);
}

function foot(data, send) {
  const turn = (label, page, enabled) =>
    button(label, { disabled: enabled ? null : "", "data-focus": label }, () => send("page", page));
  const parts = [made("span", { class: "extent", role: "status" }, data.extent)];
  if (data.pages > 1) {
    parts.push(made("nav", { "aria-label": "Pages" },
      turn("Previous", data.page - 1, data.page > 1), turn("Next", data.page + 1, data.page < data.pages)));
  }
  if (data.offered.length) parts.push(chooser(data, send));
  return made("div", { class: "foot", hidden: data.extent || data.offered.length ? null : "" }, ...parts);
}

// On a phone, where no headings are shown.
function sorter(data, send) {
  const sortable = data.columns.filter((column) => column.sortable);
  const select = made("select", { class: "sorter", "aria-label": "Sort by", "data-focus": "sorter" });
  select.append(made("option", { value: "" }, "Sort by"));
  for (const column of sortable) {
    select.append(made("option", { value: column.name }, `${column.label} ↑`));
    select.append(made("option", { value: `-${column.name}` }, `${column.label} ↓`));
  }
  const sorted = sortable.find((column) => column.order);
  if (sorted) select.value = sorted.order === "descending" ? `-${sorted.name}` : sorted.name;
  select.addEventListener("change", () => send("sort", select.value));
  return select;
}

function search(data, send) {
  const input = made("input", { type: "search", class: "search", "aria-label": "Search this table",
    placeholder: "Search", "data-focus": "search" });
  input.value = data.search;
  let waiting = null;
  const ask = () => {
    clearTimeout(waiting);
    if (input.isConnected && input.value.trim() !== data.search) send("search", input.value.trim());
  };
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 400);
  });
  input.addEventListener("change", ask);
  return input;
}

function drawn(data, send) {
  const head = made("tr", {}, ...data.columns.map((column) => heading(column, send)));
  const everything = made("input", { type: "checkbox", "aria-label": "Select all rows of this page", "data-focus": "tick all" });
  if (data.ticks) head.prepend(made("th", { class: "tick", scope: "col" }, everything));
  const body = made("tbody", {}, ...data.rows.map((one) => row(one, data, send)));
  body.addEventListener("keydown", walk);
  const table = made("table", { "aria-label": data.label }, made("thead", {}, head), body);
  if (data.ticks) watchTicks(table, (ids) => send.state("ticked", ids));
  const scroll = watchEdges(made("div", { class: "scroll", tabindex: "-1" }, table));
  const tools = data.search === null ? [] : [search(data, send)];
  return [...tools, sorter(data, send), made("div", { class: "edges" }, scroll), foot(data, send)];
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  const place = parentElement.querySelector(".grid");
  const wanted = JSON.stringify(data);
  if (place.drawn === wanted) return;
  place.drawn = wanted;
  const focused = place.querySelector(":focus")?.dataset.focus;
  const typed = place.querySelector(".search:focus")?.value;
  const open = place.querySelector("details")?.open;
  const send = (name, value) => setTriggerValue(name, value);
  send.state = (name, value) => setStateValue(name, value);
  if (data.ticks && place.drawn_once) send.state("ticked", []); // other rows: none of them is ticked
  place.drawn_once = true;
  place.replaceChildren(...drawn(data, send));
  const menu = place.querySelector("details");
  if (menu && open) menu.open = true;
  if (typed !== undefined) place.querySelector(".search").value = typed; // perhaps more than was asked for
  if (focused) place.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}
