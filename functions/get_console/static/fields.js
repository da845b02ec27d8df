/** Fields of forms, those for a key among them, and what shows that a form is at work. */

import { h, show } from "./dom.js";
import { uselessness, vendorOf } from "./vendors.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {Record<string, import("./vendors.js").Vendor>} Vendors */

let count = 0;

const ACCESS_KEY_ID = /^A[KS]IA[A-Z2-7]{16}$/;

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
 * Return the fields for a key: one, or for AWS credentials one for each part.
 * @param {Vendors} known
 * @param {() => string} vendor the vendor that is chosen
 * @param {(vendor: string) => void} [recognized] called if the key's form belongs to one vendor
 */
export function keyFields(known, vendor, recognized = () => {}) {
  const key = secretInput();
  const parts = { id: h("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: "AKIA…" }), secret: secretInput(), region: h("input", { type: "text", autocomplete: "off", placeholder: "us-east-1" }), token: secretInput() };
  const region = h("input", { type: "text", autocomplete: "off", placeholder: "us-east-1" });
  const hint = h("span");
  const form = h("select", { onchange: () => draw() }, h("option", { value: "key" }, "Bedrock API key"), h("option", { value: "aws" }, "AWS access key"));
  const element = h("div");
  const single = field("Key", key, hint);
  const regionField = field("Region", region, "Of a long-term key (ABSK…); a short-term key has it inside.");
  const formField = field("Kind of key", form);
  const separate = [field("Access key id", parts.id), field("Secret access key", parts.secret), field("Region", parts.region), field("Session token", parts.token, "Only of temporary credentials.")];

  const asParts = () => vendor() === "bedrock" && form.value === "aws";
  const draw = () => {
    const split = asParts();
    key.required = !split;
    for (const each of [parts.id, parts.secret, parts.region]) each.required = split;
    parts.token.required = false;
    const chosen = known[vendor()];
    const unusable = chosen && uselessness(chosen, key.value.trim());
    show(hint, unusable ? `This is ${unusable}.` : chosen?.key_format && vendor() !== "bedrock" ? `Enter ${chosen.key_format}.` : "As the vendor shows it. Nobody sees it again after this.");
    hint.className = unusable ? "warn" : "";
    const bedrock = vendor() === "bedrock";
    const wanted = split ? [formField, ...separate] : bedrock ? [formField, single, regionField] : [single];
    if (wanted.length !== element.childElementCount || wanted.some((each, i) => element.children[i] !== each)) {
      const focused = document.activeElement;
      show(element, ...wanted);
      if (focused instanceof HTMLElement && element.contains(focused)) focused.focus(); // the rest of a key that is being typed
    }
  };
  key.addEventListener("input", () => {
    const found = vendorOf(known, key.value.trim());
    if (found) recognized(found);
    const isAccessKey = vendor() === "bedrock" && ACCESS_KEY_ID.test(key.value.trim());
    if (isAccessKey) {
      form.value = "aws";
      parts.id.value = key.value.trim();
      key.value = "";
    }
    draw();
    if (isAccessKey) parts.secret.focus();
  });
  draw();
  const value = () => {
    if (!asParts() && vendor() !== "bedrock") return key.value;
    const inputs = asParts() ? [parts.id, parts.secret, parts.region, parts.token] : key.value.includes("::") ? [key] : [key, region];
    return inputs.map((each) => each.value.trim()).filter(Boolean).join("::");
  };
  return { element, draw, value };
}

/**
 * Show that something is happening, with the seconds so far; returns a function that ends it.
 * @param {HTMLElement} place
 * @param {string} text
 */
export function ticking(place, text) {
  const began = Date.now();
  const seconds = h("span", { "aria-hidden": "true" });
  show(place, h("span", { class: "spinner", "aria-hidden": "true" }), `${text}… `, seconds);
  const timer = setInterval(() => show(seconds, `${Math.round((Date.now() - began) / 1000)} s`), 1000);
  return () => {
    clearInterval(timer);
    show(place);
  };
}
