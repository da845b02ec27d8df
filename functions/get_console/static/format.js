/** Times, numbers and words for people. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/**
 * Return a length of time with one unit: "3 d", "5 h", "12 min".
 * @param {number} ms
 */
export function duration(ms) {
  if (ms >= 2 * DAY) return `${Math.floor(ms / DAY)} d`;
  if (ms >= 2 * HOUR) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.max(0, Math.floor(ms / MINUTE))} min`;
}

/**
 * Return the time since `at`, "" without one.
 * @param {string | null | undefined} at
 */
export function age(at) {
  return at ? duration(Date.now() - Date.parse(at)) : "";
}

/**
 * Return when `at` is or was: "in 3 d", "5 min ago".
 * @param {string | null | undefined} at
 */
export function relative(at) {
  if (!at) return "";
  const ms = Date.parse(at) - Date.now();
  if (Math.abs(ms) < MINUTE) return ms >= 0 ? "now" : "just now";
  return ms >= 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`;
}

/**
 * Return a time in the reader's time zone.
 * @param {string | null | undefined} at
 */
export function moment(at) {
  return at ? local.format(new Date(at)) : "";
}

/**
 * Return a number of things.
 * @param {number} number
 * @param {string} thing
 */
export function count(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/** @param {Date} at */
export function timeOfDay(at) {
  return clock.format(at);
}

/** @param {number | null | undefined} ms */
export function milliseconds(ms) {
  return ms === null || ms === undefined ? "–" : `${ms} ms`;
}

/** @param {number | null | undefined} rate from 0 to 1 */
export function percent(rate) {
  if (rate === null || rate === undefined) return "–";
  return rate === 1 ? "100 %" : `${(Math.floor(rate * 10_000) / 100).toFixed(2)} %`;
}

/**
 * Return a reason or a code as words.
 * @param {string | null | undefined} code
 */
export function words(code) {
  return (code ?? "").replaceAll("_", " ").replaceAll(".", ": ");
}

/** How soon an expiry is shown as a warning. */
const SOON = 14 * DAY;

/**
 * Return whether a time is past or within two weeks.
 * @param {string | null | undefined} at
 */
export function isSoon(at) {
  return Boolean(at) && Date.parse(String(at)) - Date.now() < SOON;
}
