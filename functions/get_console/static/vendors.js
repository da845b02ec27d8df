/** What the page knows of the vendors: their names, and the forms of their keys. */

/**
 * @typedef {{title: string, key_format: string | null, base_url_required: boolean, own_forms: string[],
 *   useless: [string, string][]}} Vendor
 */

/** @type {Promise<Record<string, Vendor>> | undefined} */
let loading;

/** Return the vendors by name. */
export function vendors() {
  loading ??= fetch(new URL("vendors.json", import.meta.url), { credentials: "omit" }).then((found) => found.json());
  return loading;
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
