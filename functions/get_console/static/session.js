/** Signing in: the management key stays in this tab's sessionStorage, and ends with it. */

import { Api } from "./api.js";
import { h, show } from "./dom.js";
import { ApiError, sentence } from "./errors.js";

const STORED = "management-key";
const ENDED = "ended";

/** @typedef {{id: string, org: string, name: string, scopes: string[], expires_at: string | null}} OwnKey */

/** A signed-in person: the API, and what the key may do. */
export class Session {
  /**
   * @param {Api} api
   * @param {OwnKey} key
   */
  constructor(api, key) {
    this.api = api;
    this.key = key;
  }

  /** @param {string} scope */
  may(scope) {
    return this.key.scopes.includes(scope);
  }

  get readOnly() {
    return !this.key.scopes.some((each) => each.endsWith(":write"));
  }
}

/** Forget the key. */
export function signOut() {
  sessionStorage.removeItem(STORED);
  location.reload();
}

/**
 * Return the session of the key that this tab has, or ask for one.
 * @param {HTMLElement} place
 * @returns {Promise<Session>}
 */
export async function signedIn(place) {
  const stored = sessionStorage.getItem(STORED);
  if (!stored) {
    const ended = sessionStorage.getItem(ENDED);
    sessionStorage.removeItem(ENDED);
    return asked(place, ended ? new Error("your management key stopped working; sign in with another") : null);
  }
  try {
    return await opened(stored);
  } catch (error) {
    return asked(place, error);
  }
}

/**
 * @param {string} key
 * @returns {Promise<Session>}
 */
async function opened(key) {
  let ended = false;
  const api = new Api(key, () => {
    if (ended) return;
    ended = true;
    sessionStorage.removeItem(STORED);
    if (!session) return;
    sessionStorage.setItem(ENDED, "true");
    location.reload();
  });
  /** @type {Session | null} */
  let session = null;
  const found = await api.get("key");
  session = new Session(api, found.data);
  return session;
}

/**
 * Show the form until a key works.
 * @param {HTMLElement} place
 * @param {unknown} earlier the error of the key that the tab had
 * @returns {Promise<Session>}
 */
function asked(place, earlier) {
  return new Promise((resolve) => {
    const input = h("input", {
      id: "key", type: "password", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false",
      placeholder: "mlx_mk_…", "aria-describedby": "key-help key-error",
    });
    const problem = h("p", { id: "key-error", class: "error", role: "alert" }, earlier ? explained(earlier) : null);
    const button = h("button", { type: "submit", class: "primary" }, "Sign in");
    /** @param {Event} event */
    const submit = async (event) => {
      event.preventDefault();
      button.disabled = true;
      show(problem);
      const given = input.value.trim();
      try {
        const session = await opened(given);
        sessionStorage.setItem(STORED, given);
        input.value = "";
        resolve(session);
      } catch (error) {
        show(problem, explained(error));
        input.setAttribute("aria-invalid", "true");
        input.focus();
      }
      button.disabled = false;
    };
    const form = h(
      "form",
      { class: "card narrow", onsubmit: submit, autocomplete: "off" },
      h("h1", null, "Sign in"),
      h("label", { for: "key" }, "Management key"),
      input,
      h("p", { id: "key-help", class: "hint" }, "The key stays in this tab until you close it or sign out, and is sent to this API only."),
      problem,
      button,
      h("p", { class: "hint" }, h("a", { href: "docs" }, "API reference"), " (no key needed)"),
    );
    show(place, form);
    input.focus();
  });
}

/** @param {unknown} error */
function explained(error) {
  if (error instanceof ApiError && error.status === 401) {
    return "This management key does not exist, was revoked or has expired.";
  }
  return error instanceof Error ? sentence(error.message) : "That did not work.";
}
