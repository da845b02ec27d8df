/** Charts as SVG. Each has a text for people who do not see it. */

import { h, s } from "./dom.js";
import { milliseconds, moment, percent } from "./format.js";

/** @typedef {{at: string, checks: number, success_rate: number | null, p50_ms: number | null, p95_ms: number | null}} Point */
/** @typedef {{latency_ms: (number | null)[], failed: number[]}} Sparkline the last hour by minute */

/**
 * Return the last hour in the size of a word: latency as a line, failed minutes as marks.
 * @param {Sparkline} [hour]
 */
export function sparkline({ latency_ms: latencies, failed: failures } = { latency_ms: [], failed: [] }) {
  const [width, height] = [100, 24];
  const most = Math.max(1, ...latencies.map((ms) => ms ?? 0));
  const step = width / Math.max(1, latencies.length);
  const bad = new Set(failures);
  const line = path(latencies, (i) => bad.has(i), (i, ms) => [(i + 0.5) * step, height - 2 - (ms / most) * (height - 5)]);
  const failed = failures.map((i) => s("rect", { class: "failed", x: i * step, y: 0, width: Math.max(1.5, step), height }));
  const checks = failed.length + latencies.filter((ms) => ms !== null).length;
  const label = checks ? `${checks} checks in the last hour, ${failed.length} minutes with failures` : "no checks yet";
  return s("svg", { class: "sparkline", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...failed, s("path", { d: line }));
}

/**
 * Return the SVG path through values. Times without checks are passed over; only failures interrupt the line.
 * @param {(number | null)[]} values
 * @param {(i: number) => boolean} interrupted
 * @param {(i: number, ms: number) => [number, number]} place
 */
function path(values, interrupted, place) {
  /** @type {string[][]} */
  const runs = [[]];
  values.forEach((ms, i) => {
    if (ms !== null) runs.at(-1)?.push(place(i, ms).map((at) => Math.round(at * 10) / 10).join(" "));
    else if (interrupted(i)) runs.push([]);
  });
  return runs.filter((run) => run.length).map((run) => `M${run.join("L")}${run.length === 1 ? "h3" : ""}`).join("");
}

const [W, H, LEFT, BOTTOM] = [640, 150, 52, 20];

/**
 * Return a chart of the median and p95 latency.
 * @param {Point[]} points
 */
export function latencyChart(points) {
  const top = nice(Math.max(10, ...points.map((each) => each.p95_ms ?? 0)));
  /** @param {"p50_ms" | "p95_ms"} field */
  const line = (field) => path(points.map((each) => each[field]), (i) => Boolean(points[i]?.checks), (i, ms) => [x(i, points.length), y(ms / top)]);
  return chart(
    "Latency",
    [["p95", "p95"], ["p50", "p50"]],
    [milliseconds(0), milliseconds(top / 2), milliseconds(top)],
    points,
    [s("path", { class: "p95", d: line("p95_ms") }), s("path", { class: "p50", d: line("p50_ms") })],
    (each) => `${moment(each.at)}: p50 ${milliseconds(each.p50_ms)}, p95 ${milliseconds(each.p95_ms)}`,
  );
}

/**
 * Return a chart of the success rate.
 * @param {Point[]} points
 */
export function successChart(points) {
  const width = Math.max(1, (W - LEFT) / Math.max(1, points.length) - 1);
  const bars = points.flatMap((each, i) => {
    if (each.success_rate === null) return [];
    const bar = { x: x(i, points.length) - width / 2, width, rx: 1 };
    const good = s("rect", { ...bar, class: "good", y: y(each.success_rate), height: (H - BOTTOM) * each.success_rate * 0.94 });
    const bad = each.success_rate < 1
      ? [s("rect", { ...bar, class: "failed", y: y(1), height: Math.max(2, y(each.success_rate) - y(1)) })]
      : [];
    return [good, ...bad];
  });
  return chart("Success rate", [["good", "succeeded"], ["failed", "failed"]], ["0 %", "50 %", "100 %"], points, bars, (each) => `${moment(each.at)}: ${percent(each.success_rate)} of ${each.checks}`);
}

/**
 * @param {number} i
 * @param {number} count
 */
function x(i, count) {
  return LEFT + ((i + 0.5) * (W - LEFT)) / Math.max(1, count);
}

/** @param {number} share of the height, 0 to 1 */
function y(share) {
  return (H - BOTTOM) * (1 - share * 0.94);
}

/** @param {number} value */
function nice(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.ceil(value / unit) * unit;
}

/**
 * @param {string} title
 * @param {[string, string][]} legend class and words
 * @param {string[]} scale
 * @param {Point[]} points
 * @param {SVGElement[]} marks
 * @param {(point: Point) => string} tell
 */
function chart(title, legend, scale, points, marks, tell) {
  const grid = scale.map((text, i) => {
    const at = y(i / (scale.length - 1));
    return s("g", null, s("path", { class: "grid", d: `M${LEFT} ${at}H${W}` }), s("text", { x: LEFT - 6, y: at + 4, "text-anchor": "end" }, text));
  });
  const first = points[0];
  const last = points.at(-1);
  const ends = [
    s("text", { x: LEFT, y: H - 4 }, moment(first?.at)),
    s("text", { x: W, y: H - 4, "text-anchor": "end" }, moment(last?.at)),
  ];
  const step = (W - LEFT) / Math.max(1, points.length);
  const tips = points.map((each, i) => s("rect", { class: "tip", x: LEFT + i * step, y: 0, width: step, height: H - BOTTOM }, s("title", null, tell(each))));
  const known = points.filter((each) => each.checks > 0);
  const newest = known.at(-1);
  const label = newest ? `${title} from ${moment(first?.at)} to ${moment(last?.at)}. Newest: ${tell(newest)}` : `${title}: no checks yet`;
  const keys = legend.map(([kind, text]) => h("span", { class: `key ${kind}` }, text));
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", null, title, ...keys),
    s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": label }, ...grid, ...ends, ...marks, ...tips),
  );
}
