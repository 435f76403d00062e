// The inspector's page. It fetches the state once a second and updates only what has changed, so
// that selections, scroll positions and the focus survive. Data from requests is inserted as text.

const SECOND = 1000;
const TOKEN = document.querySelector("meta[name=token]").content;
const find = (id) => document.getElementById(id);

// ---- requests to the inspector ----

class RefusedError extends Error {}

async function request(path, form) {
  const headers = { "X-Inspector-Token": TOKEN };
  const options = form && { method: "POST", body: JSON.stringify(form) };
  if (form) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(10 * SECOND) });
  const content = await response.json();
  // After a restart of the local Sikoia, the token of this page is no longer valid.
  if (response.status === 403) location.reload();
  if (!response.ok) throw new RefusedError(content.error);
  return content;
}

async function act(action, form = {}) {
  try {
    announce((await request(`/api/do/${action}`, form)).message);
  } catch (error) {
    const reason = error instanceof RefusedError ? error.message : "the local Sikoia does not respond";
    announce(`Failed: ${reason}`, "bad");
  }
  await refresh();
}

function announce(text, className = "") {
  const message = find("message");
  message.textContent = "";
  message.className = className;
  // Emptied first, so that screen readers repeat an unchanged message.
  setTimeout(() => { message.textContent = text; }, 50);
}

// ---- parts of the page ----

function setText(element, text) {
  const content = String(text ?? "");
  if (element.textContent !== content) element.textContent = content;
}

// Allows a line break after the dot of an event name.
function setBreakableText(element, text) {
  if (element.textContent === text) return;
  const parts = text.split(/(?<=[.])/);
  element.replaceChildren(...parts.flatMap((part, index) => (index ? [make("wbr"), part] : [part])));
}

function make(name, text, className) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

// The label of a button names its record for screen readers, which do not convey the row.
function button(text, onClick) {
  const element = make("button", text);
  element.type = "button";
  element.append(make("span", "", "visually-hidden"));
  element.tabIndex = -1;
  element.addEventListener("click", onClick);
  element.describe = (record) => setText(element.lastChild, ` ${record}`);
  return element;
}

// A table that keeps its rows and updates their cells. All its buttons are one Tab stop; arrow keys
// move between them.
class Table {
  constructor(id, key, columns) {
    this.table = find(id);
    this.title = find(`${id}-title`);
    this.key = key;
    this.columns = columns;
    this.rows = new Map();
    this.isFirstUpdate = true;
    const heads = make("tr");
    heads.setAttribute("role", "row");
    for (const { label, className = "" } of columns) {
      const head = make("th", label, className);
      head.scope = "col";
      head.setAttribute("role", "columnheader");
      heads.append(head);
    }
    const head = make("thead");
    head.setAttribute("role", "rowgroup");
    head.append(heads);
    this.body = make("tbody");
    this.body.setAttribute("role", "rowgroup");
    this.emptyNote = make("p", "None yet.", "empty");
    this.table.append(head, this.body);
    this.table.after(this.emptyNote);
    this.body.addEventListener("keydown", (event) => this.move(event));
    this.body.addEventListener("focusin", (event) => this.stopAt(event.target.closest("button")));
  }

  show(records, isShown = () => true) {
    const before = this.buttons();
    const focused = document.activeElement;
    const hadFocus = this.body.contains(focused);
    const current = new Map(records.map((record) => [String(record[this.key]), record]));
    for (const [key, row] of this.rows) {
      if (!current.has(key)) {
        row.line.remove();
        this.rows.delete(key);
      }
    }
    let next = this.body.firstChild;
    for (const [key, record] of current) {
      const row = this.rows.get(key) ?? this.add(key);
      if (row.line === next) next = next.nextSibling;
      else this.body.insertBefore(row.line, next);
      const text = JSON.stringify(record);
      if (row.text !== text) row.fill.forEach((fill) => fill(record));
      row.text = text;
      row.line.hidden = !isShown(record);
    }
    this.emptyNote.hidden = records.length > 0;
    this.table.hidden = records.length === 0;
    this.isFirstUpdate = false;
    this.keepStop(before, hadFocus, focused);
    return [...this.body.children].filter((line) => !line.hidden).length;
  }

  add(key) {
    const line = make("tr", undefined, this.isFirstUpdate ? "" : "new");
    line.setAttribute("role", "row");
    const fill = this.columns.map(({ label, className = "", isHead, build }) => {
      const cell = make(isHead ? "th" : "td", undefined, className);
      if (isHead) cell.scope = "row";
      cell.setAttribute("role", isHead ? "rowheader" : "cell");
      cell.dataset.label = label;
      // In a card, the label of a cell is one column and its content the other.
      const inside = make("div");
      cell.append(inside);
      line.append(cell);
      const fillCell = build(inside);
      return (record) => {
        fillCell(record);
        const isFull = [...inside.childNodes].some((one) => !one.hidden && one.textContent.trim());
        cell.classList.toggle("blank", !isFull);
      };
    });
    const row = { line, fill, text: "" };
    this.rows.set(key, row);
    return row;
  }

  buttons() {
    return [...this.body.querySelectorAll("button")].filter((one) => !one.closest("[hidden]"));
  }

  stopAt(stop) {
    if (!stop || stop === this.stop) return;
    if (this.stop) this.stop.tabIndex = -1;
    this.stop = stop;
    stop.tabIndex = 0;
  }

  // If the focused button is gone, its neighbour gets the focus, or else the title.
  keepStop(before, hadFocus, focused) {
    const present = new Set(this.buttons());
    if (!present.has(this.stop)) {
      const index = before.indexOf(this.stop);
      const near = [...before.slice(index + 1), ...before.slice(0, Math.max(index, 0)).reverse()];
      const [first] = present;
      this.stopAt(near.find((one) => present.has(one)) ?? first);
      if (!present.size) this.stop = undefined;
    }
    if (hadFocus && !present.has(focused)) (this.stop ?? this.title).focus();
  }

  move(event) {
    const buttons = this.buttons();
    const line = event.target.closest("tr");
    const inLine = buttons.filter((one) => one.closest("tr") === line);
    const lines = [...new Set(buttons.map((one) => one.closest("tr")))];
    const column = inLine.indexOf(event.target);
    const beside = (step) => inLine[column + step];
    const below = (step) => {
      const other = lines[lines.indexOf(line) + step];
      const found = buttons.filter((one) => one.closest("tr") === other);
      return found[Math.min(column, found.length - 1)];
    };
    const steps = {
      ArrowRight: () => beside(1),
      ArrowLeft: () => beside(-1),
      ArrowDown: () => below(1),
      ArrowUp: () => below(-1),
      Home: () => buttons[0],
      End: () => buttons.at(-1),
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    steps[event.key]()?.focus();
  }
}

// ---- cells ----

const text = (name, className) => (cell) => {
  if (className) cell.classList.add(className);
  return (record) => setText(cell, record[name]);
};

const moment = (name) => (cell) => {
  const time = make("time");
  const day = make("span", "", "small");
  cell.append(time, day);
  return (record) => {
    const value = record[name];
    setText(time, value ? value.slice(11, 19) : "");
    setText(day, value ? value.slice(0, 10) : "");
    if (value) time.dateTime = value;
  };
};

const WORDS = { Pending: "waiting", Failed: "bad", Rejected: "bad", Declined: "bad", Expired: "bad" };

const status = (name) => (cell) => (record) => {
  setText(cell, record[name]);
  cell.className = WORDS[record[name]] ?? "good";
};

const duration = (seconds) => {
  if (seconds === null) return "";
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
};

function requestNumber(cell) {
  let shown;
  const opener = button("", () => showRequest(shown.number));
  const number = make("span");
  opener.prepend(number);
  cell.append(opener);
  return (record) => {
    shown = record;
    setText(number, record.number);
    opener.describe("show request");
  };
}

function requestLine(cell) {
  const method = make("strong");
  const path = make("span", "", "code");
  cell.append(method, " ", path);
  return (record) => {
    setText(method, record.method);
    setText(path, record.path);
  };
}

function requestOutcome(cell) {
  return (record) => {
    setText(cell, record.outcome);
    cell.className = record.outcome === "in progress" ? "waiting" : record.has_failed ? "bad" : "good";
  };
}

function correlation(cell) {
  let shown;
  const id = make("span", "", "code");
  const copier = button("Copy", () => copy(shown.correlation_id, announce));
  const sent = make("span", "", "small code");
  cell.append(id, " ", copier, sent);
  return (record) => {
    shown = record;
    setText(id, record.correlation_id);
    copier.describe(`correlation id of request ${record.number}`);
    copier.hidden = !record.correlation_id;
    id.hidden = !record.correlation_id;
    sent.hidden = !record.sent_correlation_id || record.sent_correlation_id === record.correlation_id;
    setText(sent, sent.hidden ? "" : `sent: ${record.sent_correlation_id}`);
  };
}

function workButtons(cell) {
  let shown;
  const on = (action) => () => act(action, { kind: shown.kind, id: shown.id });
  const finish = button("Finish", on("finish"));
  const fail = button("Fail", on("fail"));
  cell.append(finish, fail);
  return (record) => {
    shown = record;
    finish.describe(`${record.kind} ${record.id}`);
    fail.describe(`${record.kind} ${record.id}`);
    finish.hidden = !record.is_pending;
    fail.hidden = !record.is_pending || !record.can_fail;
  };
}

// Names may be written from right to left or contain direction marks, so each one is isolated.
function entities(cell) {
  return (record) => {
    const parts = record.entities.map((one) => make("bdi", one.name));
    if (record.more) parts.push(`and ${record.more} more`);
    cell.replaceChildren(...parts.flatMap((part, index) => (index ? [", ", part] : [part])));
  };
}

function named(name, id, setName = setText) {
  return (cell) => {
    const label = make("bdi");
    const small = make("span", "", "small code");
    cell.append(label, small);
    return (record) => {
      setName(label, record[name]);
      setText(small, record[id]);
    };
  };
}

const events = (cell) => (record) => setBreakableText(cell, record.subscribed);

function sendAgain(cell) {
  let shown;
  const again = button("Send again", () => act("send-again", { request_id: shown.id }));
  cell.append(again);
  return (record) => {
    shown = record;
    again.describe(`${record.event} ${record.id}`);
    again.hidden = record.status === "Pending";
  };
}

const tables = {
  requests: new Table("requests", "number", [
    { label: "No.", isHead: true, build: requestNumber },
    { label: "Time", className: "time", build: moment("moment") },
    { label: "Request", className: "free request", build: requestLine },
    { label: "Status", className: "outcome", build: requestOutcome },
    { label: "Credits", className: "number", build: text("charged") },
    { label: "Duration", className: "number", build: text("duration") },
    { label: "Correlation id", className: "correlation", build: correlation },
    { label: "Fault", build: text("fault") },
  ]),
  work: new Table("work", "key", [
    { label: "Operation", className: "free", isHead: true, build: named("kind", "id") },
    { label: "Subject", className: "free", build: named("subject", "entity_id") },
    { label: "Status", build: status("status") },
    { label: "Started", className: "time", build: moment("started") },
    { label: "Due", className: "time", build: moment("due") },
    { label: "Actions", className: "actions", build: workButtons },
  ]),
  cases: new Table("cases", "id", [
    { label: "Case", className: "free", isHead: true, build: named("name", "id") },
    { label: "Type", className: "word", build: text("type") },
    { label: "Stage", build: text("stage") },
    { label: "Companies and persons", className: "free", build: entities },
    { label: "Pending", className: "number", build: text("pending") },
    { label: "Changed", className: "time", build: moment("changed") },
  ]),
  webhooks: new Table("webhooks", "id", [
    { label: "Webhook", className: "free", isHead: true, build: named("name", "id") },
    { label: "Callback URL", build: text("url", "code") },
    { label: "Events", className: "free event", build: events },
  ]),
  deliveries: new Table("deliveries", "id", [
    { label: "Event", className: "free event", isHead: true, build: named("event", "id", setBreakableText) },
    { label: "Webhook", className: "free", build: named("webhook", "url") },
    { label: "Status", build: status("status") },
    { label: "Delivered", className: "time", build: moment("delivered") },
    { label: "Responses", build: text("responses") },
    { label: "Actions", className: "actions", build: sendAgain },
  ]),
  faults: new Table("faults", "key", [
    { label: "Applies to", className: "free", isHead: true, build: text("subject") },
    { label: "State", build: text("state") },
    { label: "Effect", build: text("effect", "code") },
  ]),
};

// ---- updates ----

let state;

function showAll() {
  const { clock, requests, work, cases, webhooks, deliveries, faults } = state;
  setText(find("url"), state.url);
  setText(find("now"), `${clock.now.slice(0, 10)} ${clock.now.slice(11, 19)}`);
  setText(find("speed"), clock.speed === 0 ? "paused" : `${clock.speed} s per second`);
  setText(find("request-count"), requests.count);
  setText(find("spend"), requests.spend);
  showRequests();
  showWork(work, cases);
  showCases(cases);
  showWebhooks(webhooks);
  showDeliveries(deliveries, webhooks);
  showFaults(faults);
}

function showRequests() {
  const { count, rows } = state.requests;
  const search = find("search").value.trim().toLowerCase();
  const passes = {
    all: () => true,
    failed: (one) => one.outcome !== "in progress" && one.has_failed,
    charged: (one) => one.cost > 0,
    faulty: (one) => one.fault !== null,
  }[find("only").value];
  const records = rows.map((one) => ({ ...one, duration: duration(one.seconds), charged: one.cost || "" }));
  const shown = tables.requests.show(records, (one) => {
    return passes(one) && (!search || matches(one, search));
  });
  setText(find("requests-shown"), counted(shown, count));
}

// A correlation id needs 8 characters: the digits of a status stand in many of them by chance.
function matches(record, search) {
  const { method, path, outcome, fault, correlation_id, sent_correlation_id } = record;
  const ids = search.length < 8 ? [] : [correlation_id, sent_correlation_id];
  return [`${method} ${path}`, outcome, fault, ...ids].join("\n").toLowerCase().includes(search);
}

function counted(shown, count) {
  return shown === count ? `${count} in total` : `${shown} shown of ${count} in total`;
}

function showWork(work, cases) {
  const names = new Map();
  for (const one of cases.rows) {
    names.set(one.id, one.name);
    for (const entity of one.entities) names.set(entity.id, entity.name);
  }
  const records = work.rows.map((one) => ({
    ...one, key: `${one.kind} ${one.id} ${one.started}`, subject: names.get(one.entity_id) ?? "",
  }));
  const shown = tables.work.show(records);
  setText(find("work-shown"), `${counted(shown, work.count)}, ${work.pending} pending`);
}

function showCases(cases) {
  const records = cases.rows.map((one) => ({ ...one, pending: one.pending || "" }));
  setText(find("cases-shown"), counted(tables.cases.show(records), cases.count));
}

function showWebhooks(webhooks) {
  const records = webhooks.map((one) => ({ ...one, subscribed: one.events.join(", ") }));
  tables.webhooks.show(records);
  setText(find("webhooks-shown"), `${webhooks.length} in total`);
  setOptions(find("webhook"), webhooks.map((one) => [one.id, one.name]));
  find("webhook").disabled = webhooks.length === 0;
  find("no-webhook").hidden = webhooks.length > 0;
}

function showDeliveries(deliveries, webhooks) {
  const names = new Map(webhooks.map((one) => [one.id, one.name]));
  const records = deliveries.rows.map((one) => ({
    ...one,
    webhook: names.get(one.webhook_id),
    responses: one.statuses.map((status) => status || "none").join(", "),
  }));
  const shown = tables.deliveries.show(records);
  const held = deliveries.held ? `, ${deliveries.held} held` : "";
  setText(find("deliveries-shown"), counted(shown, deliveries.count) + held);
  const hadFocus = document.activeElement === find("release");
  find("release").hidden = !deliveries.held;
  if (hadFocus && !deliveries.held) find("deliveries-title").focus();
}

function showFaults({ planned, triggered }) {
  const of = (rows, word) => rows.map((one, index) => ({ ...one, state: word, key: `${word} ${index}` }));
  tables.faults.show([...of(planned, "planned"), ...of(triggered, "triggered").reverse()]);
  setText(find("faults-shown"), `${planned.length} planned, ${triggered.length} triggered`);
}

// Replaces options only if they have changed, so that an open list stays open.
function setOptions(select, options) {
  const text = JSON.stringify(options);
  if (select.dataset.options === text) return;
  select.dataset.options = text;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

// ---- one request ----

async function showRequest(number) {
  let details;
  try {
    details = await request(`/api/requests/${number}`);
  } catch (error) {
    announce(`Failed: ${error.message}`, "bad");
    return;
  }
  setText(find("request-title"), `Request ${details.number}`);
  const facts = [
    ["Request", `${details.method} ${details.path}`],
    ["Operation", details.operation ?? "unknown"],
    ["Status", details.outcome],
    ["Credits", details.cost],
    ["Duration", duration(details.seconds) || "in progress"],
    ["Time (UTC)", details.moment.replace("T", " ").replace("Z", "")],
    ["Correlation id", details.correlation_id ?? "none"],
    ["Correlation id sent", details.sent_correlation_id ?? "none"],
    ["Fault", details.fault ?? "none"],
  ];
  find("request-facts").replaceChildren(...facts.map(([name, value]) => {
    const fact = make("div");
    fact.append(make("dt", name), make("dd", String(value)));
    return fact;
  }));
  const parts = [
    ["Request headers", details.request_headers],
    ["Request body", details.request_body],
    ["Response headers", details.response_headers],
    ["Response body", details.response_body],
  ];
  find("request-content").replaceChildren(...parts.filter(([, value]) => value).flatMap(([name, value]) => {
    const shown = make("pre", indented(value));
    shown.tabIndex = 0;
    shown.setAttribute("role", "region");
    shown.setAttribute("aria-label", name);
    return [make("h3", name), shown];
  }));
  find("copy").hidden = !details.correlation_id;
  find("copy").onclick = () => copy(details.correlation_id, (message) => setText(find("copied"), message));
  setText(find("copied"), "");
  find("request").showModal();
  find("request-title").focus();
}

function indented(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

async function copy(value, report) {
  try {
    await navigator.clipboard.writeText(value);
    report(`Copied ${value}`);
  } catch {
    report(`The browser does not allow this page to copy. The id is ${value}`);
  }
}

// ---- controls ----

function onSubmit(id, form) {
  find(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(id, form());
  });
}

function onClick(id, listener) {
  find(id).addEventListener("click", listener);
}

for (const one of document.querySelectorAll("[data-advance]")) {
  one.addEventListener("click", () => act("advance", { seconds: Number(one.dataset.advance) }));
}
for (const one of document.querySelectorAll("[data-close]")) {
  one.addEventListener("click", () => one.closest("dialog").close());
}
find("request").addEventListener("close", () => {
  // Its row may be gone by now, and the focus with it.
  const { stop, title } = tables.requests;
  const focused = document.activeElement;
  if (focused === document.body || focused.closest("dialog")) (stop ?? title).focus();
});
onSubmit("advance", () => ({ seconds: find("seconds").valueAsNumber }));
onSubmit("plan-fault", () => ({
  name: find("fault").value,
  operation: find("operation").value,
  nth: find("fault-nth").valueAsNumber,
}));
onSubmit("plan-delivery-fault", () => ({
  name: find("delivery-fault").value,
  event: find("delivery-event").value,
  nth: find("delivery-fault-nth").valueAsNumber,
}));
onSubmit("send", () => ({ webhook_id: find("webhook").value, event: find("event").value }));
onClick("finish-all", () => act("finish-all"));
onClick("clear-faults", () => act("clear-faults"));
onClick("release", () => act("release"));
onClick("confirm-reset", () => find("reset").showModal());
onClick("do-reset", () => {
  find("reset").close();
  act("reset");
});
document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["search", "only"]) find(id).addEventListener("input", () => state && showRequests());

async function showChoices() {
  const choices = await request("/api/choices");
  setOptions(find("operation"), [["*", "every request"], ...choices.operations.map((one) => [one, one])]);
  setOptions(find("event"), choices.events.map((one) => [one, one]));
  setOptions(find("delivery-event"), [["*", "every event"], ...choices.events.map((one) => [one, one])]);
  for (const [id, faults] of [["fault", choices.faults], ["delivery-fault", choices.delivery_faults]]) {
    setOptions(find(id), faults.map((one) => [one.name, one.name]));
    const descriptions = new Map(faults.map((one) => [one.name, one.description]));
    const explain = () => setText(find(`${id}-description`), descriptions.get(find(id).value));
    find(id).addEventListener("change", explain);
    explain();
  }
}

// ---- polling ----

let turn = Promise.resolve();

// One at a time, so that an older response never replaces a newer one.
function refresh() {
  turn = turn.then(poll);
  return turn;
}

async function poll() {
  try {
    state = await request("/api/state");
  } catch {
    const age = state ? ` The page shows the state of ${find("now").textContent}.` : "";
    const message = `Disconnected: the local Sikoia does not respond.${age}`;
    if (connection("lost", message) !== "lost") announce(message, "bad");
    return;
  }
  if (connection("live", "Live") === "lost") announce("Connected again.");
  showAll();
}

// Shows a connection state, and returns the previous one.
function connection(status, label) {
  const previous = find("connection").dataset.status;
  find("connection").dataset.status = status;
  setText(find("connection"), label);
  return previous;
}

const pause = (time) => new Promise((resume) => { setTimeout(resume, time); });
const visible = () => new Promise((resume) => {
  document.addEventListener("visibilitychange", resume, { once: true });
});

async function run() {
  for (let hasChoices = false; ;) {
    if (document.hidden) {
      connection("paused", "Paused");
      await visible();
    }
    await refresh();
    if (!hasChoices && state) {
      hasChoices = await showChoices().then(() => true, () => false);
    }
    await pause(SECOND);
  }
}

run();
