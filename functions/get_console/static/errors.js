/** Errors of the API, and how they are shown. */

import { h } from "./dom.js";
import { words } from "./format.js";
import { titled } from "./vendors.js";

/**
 * @typedef {{code: string, message: string, request_id?: string, param?: string | null, reason?: string | null,
 *   errors?: {param: string | null, message: string}[] | null, references?: {type: string, id: string}[] | null,
 *   vendor_request_id?: string | null}} ErrorBody
 */

/** An error of the API, or of the way to it. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {ErrorBody} body
   */
  constructor(status, body) {
    super(body.message);
    this.status = status;
    this.body = body;
  }

  get code() {
    return this.body.code;
  }
}

/**
 * Return what a failure means.
 * @param {unknown} error
 * @returns {HTMLElement}
 */
export function explained(error) {
  if (!(error instanceof ApiError)) return h("p", { class: "error" }, error instanceof Error ? sentence(error.message) : "That did not work.");
  const { body } = error;
  const details = (body.errors ?? []).map((each) => h("li", null, sentence(`${each.param ?? "request"}: ${each.message}`)));
  const facts = [body.code, body.reason && body.reason !== body.code ? `reason: ${words(body.reason)}` : "", body.vendor_request_id ? `vendor's request ${body.vendor_request_id}` : "", body.request_id ? `request ${body.request_id}` : ""];
  return h(
    "div",
    { class: "error" },
    h("p", null, details.length > 1 ? "Some of what you entered is not valid." : sentence(body.message)),
    details.length > 1 ? h("ul", null, ...details) : null,
    h("p", { class: "hint" }, facts.filter(Boolean).join(" · ")),
  );
}

/**
 * Return an error's message as a sentence, with names as people write them.
 * @param {string} given
 */
export function sentence(given) {
  const text = titled(given.replace(/^[a-z]+(?:_[a-z]+)+/, words)).replace(/^api /, "API ");
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
