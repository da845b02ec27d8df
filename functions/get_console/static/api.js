/** Requests to the API that serves this page. The key is sent there, in a header, and nowhere else. */

import { notify } from "./dom.js";
import { ApiError } from "./errors.js";

const ROOT = new URL("../../manage/v1/", import.meta.url);

/** @typedef {{query?: Record<string, string | number | undefined>, body?: unknown, headers?: Record<string, string>}} Options */

/** A caller with a management key. */
export class Api {
  #key;
  #onUnauthenticated;

  /**
   * @param {string} key
   * @param {() => void} onUnauthenticated called if the key stops working
   */
  constructor(key, onUnauthenticated) {
    this.#key = key;
    this.#onUnauthenticated = onUnauthenticated;
  }

  /**
   * Send a request and return its body. Reads wait for the key's rate limit. Raises ApiError.
   * @param {string} method
   * @param {string} path below /manage/v1/
   * @param {Options} [options]
   * @returns {Promise<any>}
   */
  async send(method, path, { query = {}, body, headers = {} } = {}) {
    const url = new URL(path, ROOT);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    const sent = new Headers({ Accept: "application/json", Authorization: `Bearer ${this.#key}`, ...headers });
    if (method !== "GET") sent.set("Idempotency-Key", randomId());
    if (body !== undefined) sent.set("Content-Type", "application/json");
    /** @type {RequestInit} */
    const init = { method, headers: sent, cache: "no-store", credentials: "omit", redirect: "error" };
    const response = await reached(url, body === undefined ? init : { ...init, body: JSON.stringify(body) });
    const found = await response.json().catch(() => null);
    if (response.ok && found) return found;
    const error = found?.error ?? { code: "unexpected_response", message: `The API responded ${response.status}.` };
    if (response.status === 401) this.#onUnauthenticated();
    const wait = Number(response.headers.get("Retry-After"));
    if (response.status === 429 && method === "GET" && wait) {
      notify(`This key has used up its requests for this minute. Waiting ${wait} s…`);
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      notify();
      return this.send(method, path, { query, headers });
    }
    throw new ApiError(response.status, error);
  }

  /**
   * @param {string} path
   * @param {Record<string, string | number | undefined>} [query]
   */
  get(path, query = {}) {
    return this.send("GET", path, { query });
  }

  /**
   * Yield the pages of a list.
   * @param {string} path
   * @param {Record<string, string | number | undefined>} [query]
   * @returns {AsyncGenerator<any[]>}
   */
  async *pages(path, query = {}) {
    let cursor;
    do {
      const page = await this.get(path, { limit: 100, ...query, cursor });
      yield page.data;
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
  }

  /**
   * Return a whole list.
   * @param {string} path
   * @returns {Promise<any[]>}
   */
  async all(path) {
    const found = [];
    for await (const page of this.pages(path)) found.push(...page);
    return found;
  }
}

/**
 * @param {URL} url
 * @param {RequestInit} init
 */
async function reached(url, init) {
  try {
    return await fetch(url, init);
  } catch {
    const advice = init.method === "GET" ? "Check your connection, then try again." : "The change may have been applied: reload before you repeat it.";
    const message = `The API cannot be reached. ${advice}`;
    throw new ApiError(0, { code: "unreachable", message });
  }
}

/** Return 128 random bits. `crypto.randomUUID` is missing on plain HTTP from another machine. */
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
