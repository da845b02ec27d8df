/** What can be done with a provider. Each action returns what happened as a sentence, or null if it was cancelled. */

import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { field, keyFields } from "./fields.js";
import { moment, relative } from "./format.js";
import { titled, vendors } from "./vendors.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./providers.js").Provider} Provider */
/** @typedef {{data: Provider, warnings?: {message: string}[]}} Changed */

/** @param {Provider} provider */
function path(provider) {
  return `providers/${provider.id}`;
}

/**
 * Return a sentence with the API's warnings after it.
 * @param {string} text
 * @param {Changed} changed
 */
export function withWarnings(text, { warnings = [] }) {
  return [text, ...warnings.map((each) => `Note: ${titled(each.message)}.`)].join(" ");
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @returns {Promise<string | null>}
 */
export async function rotate(session, provider) {
  const known = await vendors();
  const fields = keyFields(known, () => provider.vendor);
  return ask({
    title: `Rotate the key of ${provider.name}`,
    content: [
      h("p", null, "The new key is verified before it replaces the active one. Requests that started with the old key can use it until its grace window ends."),
      fields.element,
    ],
    action: "Verify and rotate",
    busy: `Verifying with ${known[provider.vendor]?.title ?? provider.vendor}`,
    submit: async () => {
      const changed = await session.api.send("PATCH", path(provider), { body: { api_key: fields.value() } });
      return withWarnings(`${provider.name} now uses key version ${changed.data.key_version}.`, changed);
    },
  });
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @param {number} version
 * @returns {Promise<string | null>}
 */
export function restore(session, provider, version) {
  return ask({
    title: `Roll ${provider.name} back to version ${version}`,
    content: [h("p", null, `The key of version ${version} is verified again and becomes the active key, as a new version.`)],
    action: "Verify and roll back",
    busy: "Verifying",
    submit: async () => {
      const changed = await session.api.send("POST", `${path(provider)}/rollback`, { body: { version } });
      return withWarnings(`${provider.name} uses the key of version ${version} again, as version ${changed.data.key_version}.`, changed);
    },
  });
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @param {import("./provider.js").Version} version
 * @returns {Promise<string | null>}
 */
export function destroyVersion(session, provider, version) {
  const used = version.last_used_at ? `It was last used ${relative(version.last_used_at)}.` : "No use of it is recorded.";
  const safe = version.safe_to_revoke ? "" : " It is not known to be unused: requests that still use it will fail.";
  return ask({
    title: `Retire version ${version.number} of ${provider.name}`,
    content: [h("p", null, `Version ${version.number} (${version.hint}) can then no longer be read or restored. Without this, it is destroyed ${moment(version.retires_at)}.`), h("p", null, used + safe)],
    action: "Retire version",
    danger: true,
    submit: async () => {
      await session.api.send("DELETE", `${path(provider)}/versions/${version.number}`);
      return `Version ${version.number} was destroyed.`;
    },
  });
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @returns {Promise<string | null>}
 */
export function edit(session, provider) {
  const name = h("input", { type: "text", required: true, maxlength: 80, value: provider.name });
  const tags = h("input", { type: "text", value: provider.tags.join(", "), autocomplete: "off" });
  const asked = ask({
    title: `Edit ${provider.name}`,
    content: [field("Name", name), field("Tags", tags, "Separated by commas.")],
    action: "Save",
    submit: async () => {
      const given = tags.value.split(",").map((each) => each.trim()).filter(Boolean);
      await session.api.send("PATCH", path(provider), { body: { name: name.value, tags: given } });
      return `The changes of ${name.value.trim()} are saved.`;
    },
  });
  name.select();
  return asked;
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @returns {Promise<string | null>}
 */
export function setExpiry(session, provider) {
  const at = h("input", { type: "date", value: provider.key_expires_at?.slice(0, 10) ?? "" });
  return ask({
    title: `When the key of ${provider.name} expires`,
    content: [field("Last day (UTC)", at, "When the vendor stops accepting the key, if you know it. Empty: unknown.")],
    action: "Save",
    submit: async () => {
      await session.api.send("PATCH", path(provider), { body: { key_expires_at: at.value ? `${at.value}T23:59:59Z` : null } });
      return at.value ? `The key expires on ${at.value}.` : "The expiry was removed.";
    },
  });
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @param {boolean} enable
 * @returns {Promise<string | null>}
 */
export function setStatus(session, provider, enable) {
  const verb = enable ? "Enable" : "Disable";
  const effect = enable ? "Its credential can be used again." : "Its credential cannot be used until you enable it again. Health checks stop.";
  return ask({
    title: `${verb} ${provider.name}`,
    content: [h("p", null, effect)],
    action: verb,
    danger: !enable,
    submit: async () => {
      await session.api.send("PATCH", path(provider), { body: { status: enable ? "active" : "disabled" } });
      return `${provider.name} is ${enable ? "enabled" : "disabled"}.`;
    },
  });
}
