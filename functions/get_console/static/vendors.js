/** What the page knows of the vendors: their names, and the forms of their keys. */

/**
 * @typedef {{title: string, key_format: string | null, base_url_required: boolean, own_forms: string[],
 *   useless: [string, string][]}} Vendor
 */

/** @type {Promise<Record<string, Vendor>> | undefined} */
let loading;

/** @type {Record<string, Vendor>} */
let loaded = {};

/** Return the vendors by name. After a failure the next call tries again. */
export function vendors() {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load() {
  const found = await fetch(new URL("vendors.json", import.meta.url), { credentials: "omit" });
  if (!found.ok) throw new Error("The vendors cannot be loaded now. Try again.");
  loaded = await found.json();
  return loaded;
}

/**
 * Return a vendor's name as people write it: "OpenAI" for "openai".
 * @param {string} name
 */
export function titleOf(name) {
  return loaded[name]?.title ?? name;
}

/**
 * Return a text with the vendors' names as people write them. Hosts and paths stay as they are.
 * @param {string} text
 */
export function titled(text) {
  return text.replace(/(?<![\w./-])[a-z]+(?![\w/-]|\.\w)/g, titleOf);
}

/**
 * Return the name of the vendor that issues keys of this form, undefined if it is not clear.
 * @param {Record<string, Vendor>} known
 * @param {string} key
 */
export function vendorOf(known, key) {
  return Object.keys(known).find((name) => known[name]?.own_forms.some((form) => matches(form, key)));
}

/**
 * Return what a key is, if it is of a kind that cannot work; undefined otherwise.
 * @param {Vendor} vendor
 * @param {string} key
 */
export function uselessness(vendor, key) {
  return vendor.useless.find(([form]) => matches(form, key))?.[1];
}

/**
 * @param {string} form
 * @param {string} text
 */
function matches(form, text) {
  return new RegExp(`^(?:${form})$`).test(text);
}
