/** Dialogs: a form that stays open, with what was entered, until it succeeds or is cancelled. */

import { ApiError } from "./api.js";
import { h, show } from "./dom.js";
import { words } from "./format.js";
import { sentence } from "./session.js";

/** @typedef {import("./dom.js").Child} Child */

let count = 0;

/**
 * Return a labelled field.
 * @param {string} label
 * @param {HTMLElement} input
 * @param {Child} [hint]
 */
export function field(label, input, hint) {
  const id = `field-${(count += 1)}`;
  input.id = id;
  if (hint) input.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), input, hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null);
}

/**
 * Return a labelled checkbox.
 * @param {string} label
 * @param {HTMLInputElement} input
 */
export function checkbox(label, input) {
  return h("label", { class: "check" }, input, h("span", null, label));
}

/** Return an input for a secret, which nothing remembers. */
export function secretInput() {
  return h("input", { type: "password", required: true, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
}

/**
 * Open a dialog, and return what `submit` returned, or null if it was cancelled.
 * @template T
 * @param {{title: string, content: Child[], action: string, danger?: boolean, busy?: string, submit: () => Promise<T>}} given
 * @returns {Promise<T | null>}
 */
export function ask({ title, content, action, danger = false, busy = "Working", submit }) {
  return new Promise((resolve) => {
    /** @type {T | null} */
    let result = null;
    const problem = h("div", { role: "alert" });
    const progress = h("p", { class: "busy", role: "status" });
    const go = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
    const cancel = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
    /** @param {Event} event */
    const submitted = async (event) => {
      event.preventDefault();
      if (go.disabled) return;
      go.disabled = true;
      show(problem);
      const stop = ticking(progress, busy);
      try {
        result = await submit();
        dialog.close();
      } catch (error) {
        show(problem, explained(error));
      }
      stop();
      go.disabled = false;
    };
    const form = h("form", { onsubmit: submitted, autocomplete: "off" }, h("h2", null, title), ...content, problem, progress, h("div", { class: "buttons" }, cancel, go));
    const closed = () => {
      form.reset();
      dialog.remove();
      resolve(result);
    };
    const dialog = h("dialog", { onclose: closed, "aria-label": title }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Show that something is happening, with the seconds so far; returns a function that ends it.
 * @param {HTMLElement} place
 * @param {string} text
 */
function ticking(place, text) {
  const began = Date.now();
  const seconds = h("span", { "aria-hidden": "true" });
  show(place, h("span", { class: "spinner", "aria-hidden": "true" }), `${text}… `, seconds);
  const timer = setInterval(() => show(seconds, `${Math.round((Date.now() - began) / 1000)} s`), 1000);
  return () => {
    clearInterval(timer);
    show(place);
  };
}

/**
 * Show a text that can be copied.
 * @param {string} title
 * @param {Child} explanation
 * @param {string} text
 */
export async function showCopyable(title, explanation, text) {
  const input = h("input", { type: "text", readonly: true, value: text, "aria-label": title });
  const copied = h("span", { role: "status" });
  const copy = async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(text);
      show(copied, "Copied");
    } catch {
      show(copied, "Press Ctrl+C to copy");
    }
  };
  const row = h("div", { class: "copy" }, input, h("button", { type: "button", onclick: copy }, "Copy"), copied);
  await ask({ title, content: [h("p", null, explanation), row], action: "Done", submit: async () => true });
}

/**
 * Return what a failure means.
 * @param {unknown} error
 * @returns {HTMLElement}
 */
export function explained(error) {
  if (!(error instanceof ApiError)) return h("p", { class: "error" }, error instanceof Error ? sentence(error.message) : "That did not work.");
  const { body } = error;
  const details = (body.errors ?? []).map((each) => h("li", null, `${each.param ?? "request"}: ${each.message}`));
  const facts = [body.code, body.reason ? `reason: ${words(body.reason)}` : "", body.vendor_request_id ? `vendor's request ${body.vendor_request_id}` : "", body.request_id ? `request ${body.request_id}` : ""];
  return h(
    "div",
    { class: "error" },
    h("p", null, sentence(body.message)),
    details.length ? h("ul", null, ...details) : null,
    h("p", { class: "hint" }, facts.filter(Boolean).join(" · ")),
  );
}
