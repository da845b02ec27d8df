/** One provider's health: the windows, charts over a chosen span, changes of state, and the times at which checks failed. */

import { latencyChart, successChart } from "./charts.js";
import { h, show, table } from "./dom.js";
import { explained } from "./errors.js";
import { milliseconds, moment, percent, words } from "./format.js";
import { everyMinute } from "./refresh.js";

/** @typedef {import("./charts.js").Point} Point */
/** @typedef {{checks: number, success_rate: number | null, latency_ms: Record<string, number | null>, errors: Record<string, number>}} Window */
/** @typedef {{at: string, from: string, to: string, reason: string | null, key_version: number}} Change */

const SPANS = [["1h", "1 hour"], ["24h", "24 hours"], ["7d", "7 days"]];
const PERCENTILES = ["p50", "p90", "p95", "p99"];

/**
 * Return the section. It is refreshed each minute, and `changed` called if the state has changed.
 * @param {import("./session.js").Session} session
 * @param {string} id
 * @param {AbortSignal} signal
 * @param {() => void} changed
 */
export async function healthSection(session, id, signal, changed) {
  const place = h("div");
  let span = "24h";
  /** @type {string | undefined} */
  let state;
  const buttons = SPANS.map(([value = "", title]) =>
    h("button", { type: "button", onclick: () => { span = value; load().catch((error) => show(place, explained(error))); } }, title));
  const load = async () => {
    buttons.forEach((each, i) => each.setAttribute("aria-pressed", String(SPANS[i]?.[0] === span)));
    const { data } = await session.api.get(`providers/${id}/health`, { history: span });
    if (state !== undefined && state !== data.state) changed();
    state = data.state;
    show(place, ...content(data));
  };
  await load();
  everyMinute(signal, load);
  return h("section", null, h("div", { class: "title" }, h("h2", null, "Health"), h("div", { class: "buttons", role: "group", "aria-label": "Time that the charts cover" }, ...buttons)), place);
}

/** @param {any} health */
function content(health) {
  /** @type {[string, Window][]} */
  const windows = Object.entries(health.windows);
  const rows = windows.map(([name, each]) => [name, String(each.checks), percent(each.success_rate), ...PERCENTILES.map((p) => milliseconds(each.latency_ms[p])), errors(each)]);
  const since = health.since ? ` since ${moment(health.since)}` : "";
  const checked = health.last_check_at ? `, last checked ${moment(health.last_check_at)}` : "";
  const outages = interruptions(health.history);
  return [
    h("p", null, `${health.state}${health.reason ? ` (${words(health.reason)})` : ""}${since}${checked}; key version ${health.key_version}.`),
    health.last_check_at
      ? h("div", { class: "charts" }, latencyChart(health.history), successChart(health.history))
      : h("p", { class: "hint" }, "This key version has not been checked yet. The first check is within a minute, unless the provider is disabled."),
    table("Checks by window", ["Window", "Checks", "Succeeded", ...PERCENTILES, "Errors by reason"], rows, true),
    h("h3", null, "State changes"),
    changes(health.changes),
    h("h3", null, "Times with failed checks"),
    outages.length
      ? table("Times with failed checks", ["From", "To", "Lowest success rate"], outages.map((each) => [moment(each.from), moment(each.to), percent(each.lowest)]))
      : h("p", { class: "hint" }, "None in this time."),
  ];
}

/** @param {Change[]} found newest first */
function changes(found) {
  if (!found.length) return h("p", { class: "hint" }, "The state has not changed yet.");
  /** @param {string} state */
  const badge = (state) => h("span", { class: `badge ${state}` }, state);
  return table("State changes", ["When", "State", "Reason", "Key version"], found.map((each) => [
    moment(each.at), h("span", null, badge(each.from), " → ", badge(each.to)), words(each.reason) || "–", String(each.key_version),
  ]));
}

/** @param {Window} window */
function errors(window) {
  return Object.entries(window.errors).map(([reason, count]) => `${words(reason)}: ${count}`).join(", ") || "–";
}

/**
 * Return the runs of points with failed checks, newest first.
 * @param {Point[]} points
 */
function interruptions(points) {
  /** @type {{from: string, to: string, lowest: number}[]} */
  const found = [];
  points.forEach((each, i) => {
    if (each.success_rate === null || each.success_rate === 1) return;
    const before = points[i - 1]?.success_rate ?? 1;
    const open = before < 1 ? found[0] : undefined;
    const to = points[i + 1]?.at ?? new Date().toISOString();
    if (open) Object.assign(open, { to, lowest: Math.min(open.lowest, each.success_rate) });
    else found.unshift({ from: each.at, to, lowest: each.success_rate });
  });
  return found;
}
