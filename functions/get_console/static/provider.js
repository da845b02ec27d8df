/** One provider: its facts, health, key versions, routing configs and audit trail, and what can be done with it. */

import { destroyVersion, edit, restore, rotate, setExpiry, setStatus } from "./actions.js";
import { newLink } from "./add.js";
import { deleteProvider } from "./deleting.js";
import { h, notify, show, table } from "./dom.js";
import { isSoon, moment, relative, words } from "./format.js";
import { healthSection } from "./health.js";
import { auditTable } from "./organization.js";
import { badge, tags } from "./providers.js";
import { titleOf } from "./vendors.js";

/** @typedef {import("./providers.js").Provider} Provider */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {{number: number, hint: string, created_at: string, active: boolean, retires_at: string | null, last_used_at: string | null, safe_to_revoke: boolean}} Version */

const SHOWN_ENTRIES = 20;

/** @type {import("./app.js").View} */
export async function providerView({ session, place, signal, id, reload }) {
  const { api } = session;
  const path = `providers/${encodeURIComponent(id)}`;
  const [{ data: provider }, { data: versions }, health, audit, configs] = await Promise.all([
    api.get(path),
    api.get(`${path}/versions`),
    healthSection(session, encodeURIComponent(id), signal, reload),
    api.get("audit", { resource_id: id, limit: SHOWN_ENTRIES }),
    session.may("routing:read") ? api.all("routing-configs") : null,
  ]);
  if (signal.aborted) return;
  document.title = `${provider.name} – Providers console`;
  const writes = session.may("providers:write");
  show(
    place,
    h("p", null, h("a", { href: "#/providers" }, "← Providers")),
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, provider.name, " ", badge(provider)), writes ? actions(session, provider, reload) : null),
    provider.status === "disabled" ? h("p", { class: "warn" }, "This provider is disabled: its key cannot be used, and it is not checked.") : null,
    facts(provider),
    health,
    versionsSection(session, provider, versions, reload),
    h("section", null, h("h2", null, "Routing configs"), users(configs, id)),
    h("section", null, h("h2", null, "Audit trail"), auditTable(session, audit.data, null), audit.next_cursor ? h("p", null, h("a", { href: `#/audit/${id}` }, "All changes of this provider")) : null),
  );
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @param {() => void} reload
 */
function actions(session, provider, reload) {
  /**
   * @param {string} title
   * @param {() => Promise<string | null>} act returns what happened, null if nothing
   * @param {string} [kind]
   */
  const button = (title, act, kind) => h("button", { type: "button", class: kind ?? false, onclick: () => done(act, reload) }, title);
  const disabled = provider.status === "disabled";
  return h(
    "div",
    { class: "buttons" },
    button("Rotate key", () => rotate(session, provider), "primary"),
    h("button", { type: "button", onclick: () => newLink(session, provider) }, "One-time link"),
    button("Edit", () => edit(session, provider)),
    button("Set expiry", () => setExpiry(session, provider)),
    provider.status === "pending" ? null : button(disabled ? "Enable" : "Disable", () => setStatus(session, provider, disabled)),
    h("button", { type: "button", class: "danger", onclick: async () => {
      if (!(await deleteProvider(session, provider))) return;
      location.hash = "#/providers";
      addEventListener("hashchange", () => notify(`${provider.name} was deleted.`), { once: true });
    } }, "Delete"),
  );
}

/**
 * Run an action, and show what it did.
 * @param {() => Promise<string | null>} act
 * @param {() => void} reload
 */
async function done(act, reload) {
  const happened = await act();
  if (!happened) return;
  notify(happened);
  reload();
}

/** @param {Provider} provider */
function facts(provider) {
  const { verification: verified } = provider;
  const expiry = provider.key_expires_at;
  /** @type {[string, import("./dom.js").Child][]} */
  const rows = [
    ["Vendor", titleOf(provider.vendor)],
    ["Tags", provider.tags.length ? tags(provider) : "none"],
    ["Base URL", provider.base_url ?? "the vendor's own"],
    ["Key", `${provider.key_hint}, version ${provider.key_version}`],
    ["Key in use since", `${moment(provider.key_rotated_at)} (${relative(provider.key_rotated_at)})`],
    ["Key expires", expiry ? h("span", { class: isSoon(expiry) ? "warn" : false }, `${moment(expiry)} (${relative(expiry)})`) : "unknown"],
    ["Verified", `${words(verified.outcome)}${verified.reason ? ` (${words(verified.reason)})` : ""}, ${moment(verified.checked_at)}`],
    ["Added", moment(provider.created_at)],
    ["Id", h("code", null, provider.id)],
  ];
  return h("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)]));
}

/**
 * @param {Session} session
 * @param {Provider} provider
 * @param {Version[]} versions
 * @param {() => void} reload
 */
function versionsSection(session, provider, versions, reload) {
  const writes = session.may("providers:write");
  const rows = versions.map((each) => [
    String(each.number),
    h("code", null, each.hint),
    each.active ? "active" : `readable, destroyed ${relative(each.retires_at)}`,
    moment(each.created_at),
    each.last_used_at ? moment(each.last_used_at) : "–",
    each.safe_to_revoke ? h("span", { class: "badge healthy" }, "safe to revoke") : each.active ? "–" : "not yet",
    writes && !each.active
      ? h("span", { class: "buttons" },
          h("button", { type: "button", onclick: () => done(() => restore(session, provider, each.number), reload) }, "Roll back to this"),
          h("button", { type: "button", class: "danger", onclick: () => done(() => destroyVersion(session, provider, each), reload) }, "Retire now"))
      : null,
  ]);
  return h("section", null, h("h2", null, "Key versions"), table("Key versions", ["Version", "Key", "State", "Stored", "Last used", "At the vendor", writes ? "Actions" : ""], rows));
}

/**
 * @param {any[] | null} configs
 * @param {string} id
 */
function users(configs, id) {
  if (!configs) return h("p", { class: "hint" }, "This key cannot read routing configs.");
  const found = configs.filter((each) => each.attempts.some((/** @type {any} */ step) => step.provider_id === id));
  if (!found.length) return h("p", { class: "hint" }, "No routing config uses this provider.");
  return table("Routing configs that use it", ["Slug", "Strategy", "Models"], found.map((each) => [
    h("a", { href: "#/routing" }, each.slug), each.strategy,
    each.attempts.filter((/** @type {any} */ step) => step.provider_id === id).map((/** @type {any} */ step) => step.model).join(", "),
  ]));
}
