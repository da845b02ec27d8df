/** The table of all providers. */

import { addProvider, newLink } from "./add.js";
import { sparkline } from "./charts.js";
import { h, show } from "./dom.js";
import { ApiError, explained } from "./errors.js";
import { age, count, isSoon, milliseconds, moment, relative, timeOfDay, words } from "./format.js";
import { everyMinute } from "./refresh.js";
import { titleOf } from "./vendors.js";

/** @typedef {import("./app.js").View} View */
/**
 * @typedef {{id: string, vendor: string, name: string, tags: string[], base_url: string | null, status: string, created_at: string,
 *   updated_at: string, key_hint: string, key_version: number, key_rotated_at: string, key_expires_at: string | null,
 *   health: {state: string, reason: string | null, p50_latency_ms: number | null, last_check_at: string | null,
 *     sparkline?: import("./charts.js").Sparkline},
 *   verification: {outcome: string, reason: string | null, checked_at: string}}} Provider
 */

const SEVERITY = ["unhealthy", "degraded", "pending", "unknown", "healthy", "disabled"];
const CHUNK = 100;

/**
 * Columns: heading, class, and what to sort by.
 * @type {[string, string, ((each: Provider) => string | number) | null][]}
 */
const COLUMNS = [
  ["Name", "", (each) => each.name.toLowerCase()],
  ["Vendor", "wide", (each) => titleOf(each.vendor).toLowerCase()],
  ["State", "", (each) => SEVERITY.indexOf(stateOf(each))],
  ["p50", "number wide", (each) => each.health.p50_latency_ms ?? Infinity],
  ["Last hour", "wide", null],
  ["Key age", "number wide", (each) => -Date.parse(each.key_rotated_at)],
  ["Expires", "wide", (each) => (each.key_expires_at ? Date.parse(each.key_expires_at) : Infinity)],
];

/** What the reader chose; it stays while they look at one provider and come back. */
const chosen = { search: "", vendor: "", state: "", column: -1, descending: false, shown: 0, scroll: 0 };

/**
 * Return a provider's state in one word: that it is not in use comes before its health.
 * @param {Provider} each
 */
export function stateOf(each) {
  return each.status === "active" ? each.health.state : each.status;
}

/**
 * Return a state as a badge; the words carry the meaning, not the color.
 * @param {Provider} each
 */
export function badge(each) {
  const state = stateOf(each);
  const reason = each.status === "active" ? each.health.reason : each.verification.reason;
  return h("span", null, h("span", { class: `badge ${state}` }, state), reason && state !== "healthy" ? h("span", { class: "hint" }, ` ${words(reason)}`) : null);
}

/**
 * Return a provider's tags.
 * @param {Provider} each
 */
export function tags(each) {
  return h("span", { class: "tags" }, ...each.tags.map((tag) => h("span", { class: "tag" }, tag)));
}

/** @type {View} */
export async function providersView({ session, place, signal, reload }) {
  /** @type {Provider[]} */
  let all = [];
  /** @type {Map<Provider, HTMLTableRowElement>} */
  let rows = new Map();
  const body = h("tbody");
  const counted = h("span", { role: "status" });
  const loadedAt = h("span");
  let updated = "";
  const more = h("div", { class: "more" });
  const heads = COLUMNS.map(([title, kind, by], i) => h("th", { scope: "col", class: kind }, by ? h("button", { type: "button", class: "plain", onclick: () => sort(i) }, title) : title));

  /** @type {Provider[]} */
  let wanted = [];
  let shown = 0;
  const watcher = new IntersectionObserver((entries) => entries.some((each) => each.isIntersecting) && grow());
  watcher.observe(more);
  signal.addEventListener("abort", () => {
    watcher.disconnect();
    Object.assign(chosen, { shown, scroll: scrollY });
  });

  /** Add the next rows. A long list is never laid out whole. */
  const grow = () => {
    const next = wanted.slice(shown, shown + CHUNK);
    body.append(...next.map((each) => rows.get(each) ?? kept(each)));
    shown += next.length;
  };
  /** @param {Provider} each */
  const kept = (each) => {
    const made = row(each);
    rows.set(each, made);
    return made;
  };
  /** @param {boolean} [keeping] whether as many rows as before are laid out, so that the reader's place stays */
  const draw = (keeping = false) => {
    const text = chosen.search.trim().toLowerCase();
    wanted = all.filter((each) => (!chosen.vendor || each.vendor === chosen.vendor) && (!chosen.state || stateOf(each) === chosen.state) && (!text || `${each.name} ${each.vendor} ${titleOf(each.vendor)} ${each.tags.join(" ")} ${each.id} ${each.key_hint}`.toLowerCase().includes(text)));
    const by = COLUMNS[chosen.column]?.[2];
    if (by) {
      const sign = chosen.descending ? -1 : 1;
      wanted.sort((a, b) => { const [x, y] = [by(a), by(b)]; return x < y ? -sign : x > y ? sign : 0; });
    }
    heads.forEach((each, i) => each.setAttribute("aria-sort", i !== chosen.column ? "none" : chosen.descending ? "descending" : "ascending"));
    const before = shown || chosen.shown;
    show(body);
    shown = 0;
    do grow(); while (keeping && shown < Math.min(before, wanted.length));
    show(counted, wanted.length === all.length ? count(all.length, "provider") : `${wanted.length} of ${count(all.length, "provider")}`);
    none.hidden = wanted.length > 0;
  };
  /** @param {number} column */
  const sort = (column) => {
    chosen.descending = chosen.column === column && !chosen.descending;
    chosen.column = column;
    draw();
  };

  const search = h("input", { type: "search", "aria-label": "Search by name, vendor, tag, id or key hint", placeholder: "Search", value: chosen.search, oninput: () => { chosen.search = search.value; draw(); } });
  const state = choice("State", "state", SEVERITY, draw);
  const vendor = h("span");
  const none = h("p", { class: "card" }, "No provider matches. ", h("button", { type: "button", onclick: () => { Object.assign(chosen, { search: "", vendor: "", state: "" }); reload(); } }, "Show all"));
  const writes = session.may("providers:write");
  const actions = writes
    ? [h("button", { type: "button", class: "primary", onclick: async () => { const id = await addProvider(session); if (id) location.hash = `#/providers/${id}`; } }, "Add provider"),
       h("button", { type: "button", onclick: () => newLink(session, null) }, "One-time link")]
    : [];
  const load = async () => {
    /** @type {Provider[]} */
    const found = [];
    for await (const page of session.api.pages("providers", { include: "sparkline", limit: undefined })) {
      if (signal.aborted) return;
      found.push(...page);
    }
    all = found;
    rows = new Map();
    updated = timeOfDay(new Date());
    show(loadedAt, `updated at ${updated}`);
    const vendors = [...new Set(all.map((each) => each.vendor))].sort();
    if (!vendors.includes(chosen.vendor)) chosen.vendor = "";
    show(vendor, choice("Vendor", "vendor", vendors, draw));
    draw(true);
  };
  await load();
  if (signal.aborted) return;
  everyMinute(signal, async () => {
    if (!all.length) return reload();
    if (place.querySelector(":is(tbody, select):focus-within")) return;
    await load().catch(() => show(loadedAt, h("span", { class: "warn" }, `could not be refreshed since ${updated}`)));
  });

  show(
    place,
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Providers"), h("div", { class: "buttons" }, ...actions, h("button", { type: "button", onclick: reload }, "Refresh"))),
    ...(all.length ? [h("div", { class: "filters", role: "search" }, search, vendor, state), h("p", { class: "hint" }, counted, " · ", loadedAt)] : []),
    all.length ? h("table", { class: "providers" }, h("caption", { class: "visually-hidden" }, "Providers"), h("thead", null, h("tr", null, ...heads)), body) : h("p", { class: "card" }, "There are no providers yet. ", writes ? "Add the first one with its key, or send someone who has the key a one-time link." : "Your key cannot add one."),
    all.length ? none : null,
    more,
  );
  scrollTo(0, chosen.scroll);
}

/**
 * @param {string} label
 * @param {"vendor" | "state"} what
 * @param {string[]} values
 * @param {() => void} draw
 */
function choice(label, what, values, draw) {
  const select = h("select", { "aria-label": label, onchange: () => { chosen[what] = select.value; draw(); } }, h("option", { value: "" }, `${label}: all`), ...values.map((each) => h("option", { value: each }, titleOf(each))));
  select.value = chosen[what];
  return select;
}

/** @param {Provider} each */
function row(each) {
  const { health } = each;
  const expiry = each.key_expires_at;
  return h(
    "tr",
    null,
    h("th", { scope: "row" }, h("a", { href: `#/providers/${each.id}` }, each.name), tags(each), h("span", { class: "hint narrow-only" }, titleOf(each.vendor))),
    h("td", { class: "wide" }, titleOf(each.vendor)),
    h("td", null, badge(each)),
    h("td", { class: "number wide" }, milliseconds(health.p50_latency_ms)),
    h("td", { class: "wide" }, sparkline(health.sparkline)),
    h("td", { class: "number wide", title: moment(each.key_rotated_at) }, age(each.key_rotated_at)),
    h("td", { class: isSoon(expiry) ? "wide warn" : "wide", title: moment(expiry) }, expiry ? relative(expiry) : "–"),
  );
}

/**
 * Show why a view could not be loaded, and offer to try again.
 * @param {HTMLElement} place
 * @param {unknown} error
 * @param {() => void} again
 */
export function failed(place, error, again) {
  const missing = error instanceof ApiError && error.status === 404;
  show(place, h("div", { class: "card" }, h("h1", { tabindex: "-1" }, missing ? "Not found" : "That did not work"), explained(error), missing ? h("a", { href: "#/providers" }, "← Providers") : h("button", { type: "button", onclick: again }, "Try again")));
}
