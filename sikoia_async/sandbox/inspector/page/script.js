// The inspector's page. It asks for the state once a second, and changes what has changed, in
// place: what somebody reads, has selected or has the focus on stays where it is. All that comes
// from requests goes in as text.

const SECOND = 1000;
const TOKEN = document.querySelector("meta[name=token]").content;
const find = (id) => document.getElementById(id);

// ---- asking ----

class Refused extends Error {}

async function ask(path, form) {
  const headers = { "X-Inspector-Token": TOKEN };
  const sent = form && { method: "POST", body: JSON.stringify(form) };
  if (form) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { ...sent, headers, signal: AbortSignal.timeout(10 * SECOND) });
  const said = await answer.json();
  if (answer.status === 403) location.reload(); // It was started anew: this page's token is over.
  if (!answer.ok) throw new Refused(said.error);
  return said;
}

async function act(action, form = {}) {
  try {
    say((await ask(`/api/do/${action}`, form)).message);
  } catch (error) {
    const reason = error instanceof Refused ? error.message : "the local Sikoia does not answer";
    say(`Not done: ${reason}`, "bad");
  }
  await refresh();
}

function say(text, how = "") {
  const said = find("said");
  said.textContent = "";
  said.className = how;
  // An empty line in between, so that the same words are spoken again.
  setTimeout(() => { said.textContent = text; }, 50);
}

// ---- parts of the page ----

function put(element, text) {
  const wanted = String(text ?? "");
  if (element.textContent !== wanted) element.textContent = wanted;
}

// The name of an event goes over to the next line at its point, if it has to.
function putInParts(element, text) {
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

// A button says on what it acts to those who do not see its row.
function button(text, about, pressed) {
  const made = make("button", text);
  made.type = "button";
  made.append(make("span", "", "unseen"));
  made.tabIndex = -1;
  made.addEventListener("click", pressed);
  made.about = (words) => put(made.lastChild, ` ${words}`);
  made.about(about);
  return made;
}

// A table whose rows stay what they are while their cells change. All its buttons are one stop for
// the Tab key; arrow keys go from one to the next.
class Table {
  constructor(id, key, columns) {
    this.table = find(id);
    this.title = find(`${id}-title`);
    this.key = key;
    this.columns = columns;
    this.rows = new Map();
    this.isFirst = true;
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
    this.nothing = make("p", "Nothing yet.", "empty");
    this.table.append(head, this.body);
    this.table.after(this.nothing);
    this.body.addEventListener("keydown", (event) => this.move(event));
    this.body.addEventListener("focusin", (event) => this.stopAt(event.target.closest("button")));
  }

  show(records, isShown = () => true) {
    const before = this.buttons();
    const focused = document.activeElement;
    const hadFocus = this.body.contains(focused);
    const wanted = new Map(records.map((record) => [String(record[this.key]), record]));
    for (const [key, row] of this.rows) {
      if (!wanted.has(key)) {
        row.line.remove();
        this.rows.delete(key);
      }
    }
    let next = this.body.firstChild;
    for (const [key, record] of wanted) {
      const row = this.rows.get(key) ?? this.add(key);
      if (row.line === next) next = next.nextSibling;
      else this.body.insertBefore(row.line, next);
      const text = JSON.stringify(record);
      if (row.text !== text) row.fill.forEach((fill) => fill(record));
      row.text = text;
      row.line.hidden = !isShown(record);
    }
    this.nothing.hidden = records.length > 0;
    this.table.hidden = records.length === 0;
    this.isFirst = false;
    this.keepStop(before, hadFocus, focused);
    return [...this.body.children].filter((line) => !line.hidden).length;
  }

  add(key) {
    const line = make("tr", undefined, this.isFirst ? "" : "new");
    line.setAttribute("role", "row");
    const fill = this.columns.map(({ label, className = "", isHead, build }) => {
      const cell = make(isHead ? "th" : "td", undefined, className);
      if (isHead) cell.scope = "row";
      cell.setAttribute("role", isHead ? "rowheader" : "cell");
      cell.dataset.label = label;
      // In a card, the name of the cell is one column and all that is in it the other.
      const inside = make("div");
      cell.append(inside);
      line.append(cell);
      const filled = build(inside);
      return (record) => {
        filled(record);
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

  // Where the focus was may be gone: then the next button gets it, and without one the title.
  keepStop(before, hadFocus, focused) {
    const there = new Set(this.buttons());
    if (!there.has(this.stop)) {
      const index = before.indexOf(this.stop);
      const near = [...before.slice(index + 1), ...before.slice(0, Math.max(index, 0)).reverse()];
      const [first] = there;
      this.stopAt(near.find((one) => there.has(one)) ?? first);
      if (!there.size) this.stop = undefined;
    }
    if (hadFocus && !there.has(focused)) (this.stop ?? this.title).focus();
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
  return (record) => put(cell, record[name]);
};

const moment = (name) => (cell) => {
  const time = make("time");
  const day = make("span", "", "small");
  cell.append(time, day);
  return (record) => {
    const told = record[name];
    put(time, told ? told.slice(11, 19) : "");
    put(day, told ? told.slice(0, 10) : "");
    if (told) time.dateTime = told;
  };
};

const WORDS = { Pending: "waiting", Failed: "bad", Rejected: "bad", Declined: "bad", Expired: "bad" };

const status = (name) => (cell) => (record) => {
  put(cell, record[name]);
  cell.className = WORDS[record[name]] ?? "good";
};

const took = (seconds) => {
  if (seconds === null) return "";
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
};

function requestNumber(cell) {
  let shown;
  const opener = button("", "", () => showRequest(shown.number));
  const number = make("span");
  opener.prepend(number);
  cell.append(opener);
  return (record) => {
    shown = record;
    put(number, record.number);
    opener.about("show request");
  };
}

function requestLine(cell) {
  const method = make("strong");
  const path = make("span", "", "code");
  cell.append(method, " ", path);
  return (record) => {
    put(method, record.method);
    put(path, record.path);
  };
}

function requestOutcome(cell) {
  return (record) => {
    put(cell, record.outcome);
    cell.className = record.outcome === "under way" ? "waiting" : record.has_failed ? "bad" : "good";
  };
}

function correlation(cell) {
  let shown;
  const id = make("span", "", "code");
  const copier = button("Copy", "", () => copy(shown.correlation_id, say));
  const sent = make("span", "", "small code");
  cell.append(id, " ", copier, sent);
  return (record) => {
    shown = record;
    put(id, record.correlation_id);
    copier.about(`correlation id of request ${record.number}`);
    copier.hidden = !record.correlation_id;
    id.hidden = !record.correlation_id;
    sent.hidden = !record.sent_correlation_id || record.sent_correlation_id === record.correlation_id;
    put(sent, sent.hidden ? "" : `sent: ${record.sent_correlation_id}`);
  };
}

function workButtons(cell) {
  let shown;
  const on = (action) => () => act(action, { kind: shown.kind, id: shown.id });
  const finish = button("Finish", "", on("finish"));
  const fail = button("Fail", "", on("fail"));
  cell.append(finish, fail);
  return (record) => {
    shown = record;
    finish.about(`${record.kind} ${record.id}`);
    fail.about(`${record.kind} ${record.id}`);
    finish.hidden = !record.is_pending;
    fail.hidden = !record.is_pending || !record.can_fail;
  };
}

// A name may be written from right to left, or have marks in it that turn what follows: each is
// kept to itself.
function entities(cell) {
  return (record) => {
    const parts = record.entities.map((one) => make("bdi", one.name));
    if (record.more) parts.push(`and ${record.more} more`);
    cell.replaceChildren(...parts.flatMap((part, index) => (index ? [", ", part] : [part])));
  };
}

function named(name, id, putName = put) {
  return (cell) => {
    const words = make("bdi");
    const small = make("span", "", "small code");
    cell.append(words, small);
    return (record) => {
      putName(words, record[name]);
      put(small, record[id]);
    };
  };
}

const events = (cell) => (record) => putInParts(cell, record.subscribed);

function sendAgain(cell) {
  let shown;
  const again = button("Send again", "", () => act("send-again", { request_id: shown.id }));
  cell.append(again);
  return (record) => {
    shown = record;
    again.about(`${record.event} ${record.id}`);
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
    { label: "Took", className: "number", build: text("took") },
    { label: "Correlation id", className: "correlation", build: correlation },
    { label: "Fault", build: text("fault") },
  ]),
  work: new Table("work", "key", [
    { label: "Operation", className: "free", isHead: true, build: named("kind", "id") },
    { label: "About", className: "free", build: named("about", "entity_id") },
    { label: "Status", build: status("status") },
    { label: "Begun", className: "time", build: moment("begun") },
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
    { label: "Address", build: text("address", "code") },
    { label: "Events", className: "free event", build: events },
  ]),
  deliveries: new Table("deliveries", "id", [
    { label: "Event", className: "free event", isHead: true, build: named("event", "id", putInParts) },
    { label: "Webhook", className: "free", build: named("webhook", "address") },
    { label: "Status", build: status("status") },
    { label: "Delivered", className: "time", build: moment("delivered") },
    { label: "Answers", build: text("said") },
    { label: "Actions", className: "actions", build: sendAgain },
  ]),
  faults: new Table("faults", "key", [
    { label: "For", className: "free", isHead: true, build: text("whom") },
    { label: "State", build: text("state") },
    { label: "What", build: text("what", "code") },
  ]),
};

// ---- what is shown ----

let state;

function showAll() {
  const { clock, requests, work, cases, webhooks, deliveries, faults } = state;
  put(find("address"), state.address);
  put(find("now"), `${clock.now.slice(0, 10)} ${clock.now.slice(11, 19)}`);
  put(find("speed"), clock.speed === 0 ? "stands still" : `${clock.speed} s per second`);
  put(find("request-count"), requests.count);
  put(find("spend"), requests.spend);
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
    failed: (one) => one.outcome !== "under way" && one.has_failed,
    charged: (one) => one.cost > 0,
    faulty: (one) => one.fault !== null,
  }[find("only").value];
  const told = rows.map((one) => ({ ...one, took: took(one.seconds), charged: one.cost || "" }));
  const shown = tables.requests.show(told, (one) => {
    return passes(one) && (!search || words(one).includes(search));
  });
  put(find("requests-shown"), counted(shown, count));
}

function words(record) {
  return Object.values(record).join(" ").toLowerCase();
}

function counted(shown, count) {
  return shown === count ? `${count} in all` : `${shown} shown of ${count} in all`;
}

function showWork(work, cases) {
  const names = new Map();
  for (const one of cases.rows) {
    names.set(one.id, one.name);
    for (const entity of one.entities) names.set(entity.id, entity.name);
  }
  const told = work.rows.map((one) => ({
    ...one, key: `${one.kind} ${one.id} ${one.begun}`, about: names.get(one.entity_id) ?? "",
  }));
  const shown = tables.work.show(told);
  put(find("work-shown"), `${counted(shown, work.count)}, ${work.pending} pending`);
}

function showCases(cases) {
  const told = cases.rows.map((one) => ({ ...one, pending: one.pending || "" }));
  put(find("cases-shown"), counted(tables.cases.show(told), cases.count));
}

function showWebhooks(webhooks) {
  const told = webhooks.map((one) => ({ ...one, subscribed: one.events.join(", ") }));
  tables.webhooks.show(told);
  put(find("webhooks-shown"), `${webhooks.length} in all`);
  offer(find("webhook"), webhooks.map((one) => [one.id, one.name]));
  find("webhook").disabled = webhooks.length === 0;
  find("no-webhook").hidden = webhooks.length > 0;
}

function showDeliveries(deliveries, webhooks) {
  const names = new Map(webhooks.map((one) => [one.id, one.name]));
  const told = deliveries.rows.map((one) => ({
    ...one,
    webhook: names.get(one.webhook_id),
    said: one.answers.map((code) => code || "none").join(", "),
  }));
  const shown = tables.deliveries.show(told);
  const held = deliveries.held ? `, ${deliveries.held} held back` : "";
  put(find("deliveries-shown"), counted(shown, deliveries.count) + held);
  const hadFocus = document.activeElement === find("release");
  find("release").hidden = !deliveries.held;
  if (hadFocus && !deliveries.held) find("deliveries-title").focus();
}

function showFaults({ planned, happened }) {
  const of = (rows, word) => rows.map((one, index) => ({ ...one, state: word, key: `${word} ${index}` }));
  tables.faults.show([...of(planned, "planned"), ...of(happened, "happened").reverse()]);
  put(find("faults-shown"), `${planned.length} planned, ${happened.length} happened`);
}

// Options stay while they are offered, so that an open list does not close.
function offer(select, wanted) {
  const text = JSON.stringify(wanted);
  if (select.dataset.offered === text) return;
  select.dataset.offered = text;
  const chosen = select.value;
  select.replaceChildren(...wanted.map(([value, words]) => new Option(words, value)));
  if (wanted.some(([value]) => value === chosen)) select.value = chosen;
}

// ---- one request ----

async function showRequest(number) {
  let told;
  try {
    told = await ask(`/api/requests/${number}`);
  } catch (error) {
    say(`Not shown: ${error.message}`, "bad");
    return;
  }
  put(find("request-title"), `Request ${told.number}`);
  const facts = [
    ["Request", `${told.method} ${told.path}`],
    ["Operation", told.operation ?? "none is served there"],
    ["Status", told.outcome],
    ["Credits", told.cost],
    ["Took", took(told.seconds) || "under way"],
    ["Time, UTC", told.moment.replace("T", " ").replace("Z", "")],
    ["Correlation id", told.correlation_id ?? "none"],
    ["Correlation id that was sent", told.sent_correlation_id ?? "none"],
    ["Fault", told.fault ?? "none"],
  ];
  find("request-facts").replaceChildren(...facts.map(([name, value]) => {
    const fact = make("div");
    fact.append(make("dt", name), make("dd", String(value)));
    return fact;
  }));
  const parts = [
    ["Sent headers", told.sent_headers],
    ["Sent body", told.sent],
    ["Headers of the answer", told.answered_headers],
    ["Body of the answer", told.answered],
  ];
  find("request-content").replaceChildren(...parts.filter(([, value]) => value).flatMap(([name, value]) => {
    const shown = make("pre", indented(value));
    shown.tabIndex = 0;
    shown.setAttribute("role", "region");
    shown.setAttribute("aria-label", name);
    return [make("h3", name), shown];
  }));
  find("copy").hidden = !told.correlation_id;
  find("copy").onclick = () => copy(told.correlation_id, (words) => put(find("copied"), words));
  put(find("copied"), "");
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

async function copy(words, tell) {
  try {
    await navigator.clipboard.writeText(words);
    tell(`Copied ${words}`);
  } catch {
    tell(`The browser does not let this page copy. It is ${words}`);
  }
}

// ---- what a person does ----

function onSubmit(id, form) {
  find(id).addEventListener("submit", (event) => {
    event.preventDefault();
    act(id, form());
  });
}

function onPress(id, pressed) {
  find(id).addEventListener("click", pressed);
}

for (const one of document.querySelectorAll("[data-advance]")) {
  one.addEventListener("click", () => act("advance", { seconds: Number(one.dataset.advance) }));
}
for (const one of document.querySelectorAll("[data-close]")) {
  one.addEventListener("click", () => one.closest("dialog").close());
}
find("request").addEventListener("close", () => {
  // Its row may have gone meanwhile, and then the focus is nowhere.
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
onPress("finish-all", () => act("finish-all"));
onPress("clear-faults", () => act("clear-faults"));
onPress("release", () => act("release"));
onPress("ask-reset", () => find("reset").showModal());
onPress("do-reset", () => {
  find("reset").close();
  act("reset");
});
document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
for (const id of ["search", "only"]) find(id).addEventListener("input", () => state && showRequests());

async function showChoices() {
  const told = await ask("/api/choices");
  offer(find("operation"), [["*", "every request"], ...told.operations.map((one) => [one, one])]);
  offer(find("event"), told.events.map((one) => [one, one]));
  offer(find("delivery-event"), [["*", "every event"], ...told.events.map((one) => [one, one])]);
  for (const [id, faults] of [["fault", told.faults], ["delivery-fault", told.delivery_faults]]) {
    offer(find(id), faults.map((one) => [one.name, one.name]));
    const about = new Map(faults.map((one) => [one.name, one.about]));
    const explain = () => put(find(`${id}-about`), about.get(find(id).value));
    find(id).addEventListener("change", explain);
    explain();
  }
}

// ---- going on ----

let turn = Promise.resolve();

// One after the other: an answer that is older must not come over a newer one.
function refresh() {
  turn = turn.then(look);
  return turn;
}

async function look() {
  try {
    state = await ask("/api/state");
  } catch {
    const seen = state ? ` What you see is from ${find("now").textContent}.` : "";
    const words = `Disconnected: the local Sikoia does not answer.${seen}`;
    if (connection("lost", words) !== "lost") say(words, "bad");
    return;
  }
  if (connection("live", "Live") === "lost") say("Connected again.");
  showAll();
}

// Shows how it is, and returns how it was.
function connection(is, words) {
  const was = find("connection").dataset.is;
  find("connection").dataset.is = is;
  put(find("connection"), words);
  return was;
}

const pause = (time) => new Promise((resume) => { setTimeout(resume, time); });
const seen = () => new Promise((resume) => {
  document.addEventListener("visibilitychange", resume, { once: true });
});

async function run() {
  for (let offered = false; ;) {
    if (document.hidden) {
      connection("paused", "Paused");
      await seen();
    }
    await refresh();
    if (!offered && state) {
      offered = await showChoices().then(() => true, () => false);
    }
    await pause(SECOND);
  }
}

run();
