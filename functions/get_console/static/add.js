/** Adding providers: the dialog for a key, and one-time links for someone else to enter it. */

import { withWarnings } from "./actions.js";
import { ask, showCopyable } from "./dialog.js";
import { h, notify, show } from "./dom.js";
import { checkbox, field, keyFields } from "./fields.js";
import { moment } from "./format.js";
import { vendors } from "./vendors.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./providers.js").Provider} Provider */
/** @typedef {import("./fields.js").Vendors} Vendors */

/**
 * @param {Vendors} known
 * @param {string} none the option for no vendor
 * @param {() => void} changed
 */
function vendorSelect(known, none, changed) {
  return h("select", { required: true, onchange: changed }, h("option", { value: "" }, none), ...Object.entries(known).map(([name, each]) => h("option", { value: name }, each.title)));
}

/**
 * Ask for a key and add it; return the new provider's id, null if it was cancelled.
 * @param {Session} session
 * @returns {Promise<string | null>}
 */
export async function addProvider(session) {
  const known = await vendors();
  const recognizedAs = h("p", { class: "hint", role: "status" });
  const name = h("input", { type: "text", required: true, maxlength: 80, autocomplete: "off" });
  let named = false;
  name.addEventListener("input", () => (named = name.value !== ""));
  const base = h("input", { type: "url", placeholder: "https://", autocomplete: "off" });
  const pending = h("input", { type: "checkbox" });
  const chosen = () => {
    const vendor = known[select.value];
    base.required = vendor?.base_url_required ?? false;
    if (!named) name.value = vendor?.title ?? "";
    fields.draw();
  };
  const select = vendorSelect(known, "Choose, or enter the key first", () => { show(recognizedAs); chosen(); });
  const fields = keyFields(known, () => select.value, (found) => {
    if (select.value === found) return;
    select.value = found;
    show(recognizedAs, `The key has the form of ${known[found]?.title}.`);
    chosen();
  });
  const baseField = field("Base URL", base, "Empty for the vendor's own. Required for Azure.");
  const added = await ask({
    title: "Add a provider",
    content: [fields.element, field("Vendor", select), recognizedAs, field("Name", name, "Unique in your organization."), baseField, checkbox("If the vendor is unavailable, store the key unverified", pending)],
    action: "Verify and add",
    busy: "Verifying with the vendor",
    submit: () => session.api.send("POST", "providers", {
      body: { vendor: select.value, name: name.value, api_key: fields.value(), base_url: base.value || null, on_unavailable: pending.checked ? "store_pending" : "fail" },
    }),
  });
  if (!added) return null;
  const stored = added.data.status === "pending" ? "is stored, but not verified yet" : "is verified and stored";
  addEventListener("hashchange", () => notify(withWarnings(`${added.data.name} ${stored}.`, added)), { once: true });
  return added.data.id;
}

/**
 * Create a one-time link at which someone else enters the key, of `provider` or of a new one.
 * @param {Session} session
 * @param {Provider | null} provider
 */
export async function newLink(session, provider) {
  const known = await vendors();
  const name = h("input", { type: "text", required: true, maxlength: 80 });
  const base = h("input", { type: "url", placeholder: "https://" });
  const select = vendorSelect(known, "Choose", () => { base.required = known[select.value]?.base_url_required ?? false; });
  const made = await ask({
    title: provider ? `Link to rotate the key of ${provider.name}` : "Link to add a provider",
    content: [
      h("p", null, "Someone else opens the link and enters the key. The link works once, for ten minutes."),
      ...(provider ? [] : [field("Vendor", select), field("Name", name, "Unique in your organization."), field("Base URL", base, "Empty for the vendor's own. Required for Azure.")]),
    ],
    action: "Create link",
    submit: () => session.api.send("POST", "uploads", {
      body: provider ? { provider_id: provider.id } : { vendor: select.value, name: name.value, ...(base.value ? { base_url: base.value } : {}) },
    }),
  });
  if (!made) return;
  await showCopyable("One-time link", `Send this link to the person who has the key. It is shown only now, and works until ${moment(made.data.expires_at)}.`, made.data.url);
}
