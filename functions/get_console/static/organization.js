/** The organization: its audit trail, routing configs and upload links. */

import { newLink } from "./add.js";
import { ask } from "./dialog.js";
import { h, notify, show, table } from "./dom.js";
import { moment, words } from "./format.js";
import { titleOf } from "./vendors.js";

/** @typedef {import("./app.js").View} View */
/** @typedef {import("./session.js").Session} Session */
/**
 * @typedef {{at: string, actor: {type: string, key_id: string | null}, action: string, resource: {type: string, id: string},
 *   before: Record<string, unknown> | null, after: Record<string, unknown> | null}} Entry
 */

/**
 * Return entries of the audit trail as a table.
 * @param {Session} session
 * @param {Entry[]} entries
 * @param {Map<string, string> | null} names of the providers; null if all entries are about the same resource
 */
export function auditTable(session, entries, names) {
  if (!entries.length) return h("p", { class: "hint" }, "No changes.");
  const columns = ["When", "What", ...(names ? ["Resource"] : []), "By", "Change"];
  return table("Changes", columns, entries.map((each) => [moment(each.at), words(each.action), ...(names ? [resource(each, names)] : []), author(session, each), difference(each)]));
}

/**
 * @param {Entry} each
 * @param {Map<string, string>} names
 */
function resource({ resource: { type, id }, before, after }, names) {
  if (type !== "provider") return h("code", null, id);
  const name = names.get(id);
  if (name) return h("a", { href: `#/providers/${id}` }, name);
  return h("span", { title: id }, String(after?.name ?? before?.name ?? id));
}

/**
 * @param {Session} session
 * @param {Entry} each
 */
function author(session, { actor }) {
  if (actor.type === "management_key" && actor.key_id === session.key.id) return "your key";
  const kinds = { management_key: "key", upload: "a link made by key", system: "the health sweep" };
  const kind = kinds[/** @type {keyof typeof kinds} */ (actor.type)] ?? words(actor.type);
  return actor.key_id ? h("span", { title: actor.key_id }, `${kind} …${actor.key_id.slice(-6)}`) : kind;
}

/** @param {Entry} each */
function difference({ before, after }) {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const parts = [...names].map((name) => {
    const [old = null, now = null] = [before?.[name], after?.[name]].map((each) => (Array.isArray(each) && !each.length ? null : each));
    if (old === null && now === null) return null;
    return h("li", null, `${words(name)}: `, old === null ? null : h("del", null, plain(old)), old !== null && now !== null ? " → " : null, now === null ? (after ? "none" : null) : h("ins", null, plain(now)));
  });
  return parts.length ? h("ul", { class: "difference" }, ...parts) : "–";
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (value && typeof value === "object") return Object.values(value).map(plain).join(" ");
  return String(value);
}

/** @type {View} */
export async function auditView({ session, place, signal, id }) {
  const names = id ? null : await providerNames(session);
  const pages = session.api.pages("audit", { limit: 50, ...(id ? { resource_id: id } : {}) });
  const list = h("div");
  const more = h("button", { type: "button", onclick: () => load() }, "Show earlier changes");
  /** @type {Entry[]} */
  const entries = [];
  const load = async () => {
    const { value, done } = await pages.next();
    if (!done) entries.push(...value);
    more.hidden = done || value.length < 50;
    show(list, auditTable(session, entries, names));
  };
  await load();
  if (signal.aborted) return;
  show(place, h("div", { class: "title" }, h("h1", { tabindex: "-1" }, ...(id ? ["Changes of ", h("a", { href: `#/providers/${id}` }, id)] : ["Audit trail"]))), list, more);
}

/** @type {View} */
export async function routingView({ session, place, signal, reload }) {
  const [configs, names] = await Promise.all([session.api.all("routing-configs"), providerNames(session)]);
  if (signal.aborted) return;
  const writes = session.may("routing:write");
  const rows = configs.map((each) => [
    h("code", null, each.slug), each.strategy,
    h("ol", { class: "difference" }, ...each.attempts.map((/** @type {any} */ step) => h("li", null, h("a", { href: `#/providers/${step.provider_id}` }, names.get(step.provider_id) ?? step.provider_id), ` ${step.model}`))),
    moment(each.updated_at),
    writes ? h("button", { type: "button", class: "danger", onclick: () => remove(session, each.slug, reload) }, "Delete") : null,
  ]);
  show(
    place,
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Routing configs")),
    h("p", { class: "hint" }, "Gateways write these. A provider that one of them uses cannot be deleted."),
    rows.length ? table("Routing configs", ["Slug", "Strategy", "Attempts", "Changed", writes ? "Actions" : ""], rows) : h("p", { class: "card" }, "There are no routing configs."),
  );
}

/** @param {Session} session */
async function providerNames(session) {
  /** @type {any[]} */
  const found = session.may("providers:read") ? await session.api.all("providers") : [];
  return new Map(found.map((each) => [each.id, each.name]));
}

/**
 * @param {Session} session
 * @param {string} slug
 * @param {() => void} reload
 */
async function remove(session, slug, reload) {
  const done = await ask({
    title: `Delete ${slug}`,
    content: [h("p", null, "Gateways that use this routing config no longer find it. Its providers are not affected.")],
    action: "Delete routing config",
    danger: true,
    submit: () => session.api.send("DELETE", `routing-configs/${encodeURIComponent(slug)}`),
  });
  if (!done) return;
  notify(`${slug} was deleted.`);
  reload();
}

/**
 * @param {Session} session
 * @param {Entry[]} entries
 */
function linksTable(session, entries) {
  return table("Upload links", ["Created", "For", "By"], entries.map((each) => {
    const { provider_id: provider, name, vendor } = each.after ?? {};
    const wanted = provider ? h("span", null, "a new key of ", h("a", { href: `#/providers/${provider}` }, String(name ?? provider))) : `a new provider, ${name} (${titleOf(String(vendor))})`;
    return [moment(each.at), wanted, author(session, each)];
  }));
}

/** @type {View} */
export async function uploadsView({ session, place, signal, reload }) {
  const { data } = await session.api.get("audit", { action: "upload.created", limit: 50 });
  if (signal.aborted) return;
  const create = async () => {
    await newLink(session, null);
    reload();
  };
  show(
    place,
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, "Upload links"), session.may("providers:write") ? h("button", { type: "button", class: "primary", onclick: create }, "Create link") : null),
    h("p", { class: "hint" }, "A one-time link lets someone enter a key without a management key. A link is shown when it is created, and never again."),
    data.length ? linksTable(session, data) : h("p", { class: "card" }, "No link was created yet."),
  );
}
