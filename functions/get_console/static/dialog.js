/** Dialogs: a form that stays open, with what was entered, until it succeeds or is cancelled. */

import { h, show } from "./dom.js";
import { explained } from "./errors.js";
import { ticking } from "./fields.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * Open a dialog, and return what `submit` returned, or null if it was cancelled.
 * @template T
 * @param {{title: string, content: Child[], action: string, closes?: boolean, danger?: boolean, busy?: string, submit: () => Promise<T>}} given
 * @returns {Promise<T | null>}
 */
export function ask({ title, content, action, closes = false, danger = false, busy = "Working", submit }) {
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
      const focused = document.activeElement;
      go.disabled = true;
      show(problem);
      const stop = ticking(progress, busy);
      try {
        result = await submit();
        dialog.close();
      } catch (error) {
        show(problem, explained(error));
        problem.scrollIntoView({ block: "nearest" });
      }
      stop();
      go.disabled = false;
      if (focused instanceof HTMLElement && dialog.open) focused.focus({ preventScroll: true });
    };
    const form = h("form", { onsubmit: submitted, autocomplete: "off" }, h("h2", null, title), ...content, problem, progress, h("div", { class: "buttons" }, closes ? null : cancel, go));
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
  await ask({ title, content: [h("p", null, explanation), row], action: "Done", closes: true, submit: async () => true });
}
