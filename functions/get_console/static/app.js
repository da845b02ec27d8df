/** The page: sign in, the navigation, and one view for each address after `#`. */

import { byId, h, notify, show } from "./dom.js";
import { relative } from "./format.js";
import { auditView, routingView, uploadsView } from "./organization.js";
import { providerView } from "./provider.js";
import { failed, providersView } from "./providers.js";
import { signedIn, signOut } from "./session.js";
import { vendors } from "./vendors.js";

/** @typedef {{session: import("./session.js").Session, place: HTMLElement, signal: AbortSignal, id: string, reload: () => void}} Context */
/** @typedef {(context: Context) => Promise<void>} View */

/** @type {[string, string, View, string][]} pattern, title, view, scope that it needs */
const VIEWS = [
  ["providers", "Providers", providersView, "providers:read"],
  ["routing", "Routing configs", routingView, "routing:read"],
  ["audit", "Audit trail", auditView, "providers:read"],
  ["uploads", "Upload links", uploadsView, "providers:read"],
];

const main = byId("main");
let leaving = new AbortController();

/** @param {import("./session.js").Session} session */
function navigation(session) {
  const { key } = session;
  const links = VIEWS.filter(([, , , scope]) => session.may(scope)).map(([name, title]) => h("a", { href: `#/${name}` }, title));
  const expiry = key.expires_at ? `, expires ${relative(key.expires_at)}` : "";
  show(
    byId("bar"),
    h("a", { class: "home", href: "#/providers" }, "Providers API"),
    h("nav", { "aria-label": "Main" }, ...links, h("a", { href: "docs" }, "API reference")),
    h("span", { class: "who" }, `${key.org} · ${key.name}${expiry} `, session.readOnly ? h("span", { class: "badge" }, "read-only") : null),
    h("button", { type: "button", onclick: signOut }, "Sign out"),
  );
}

/**
 * Show the view of the present address.
 * @param {import("./session.js").Session} session
 * @param {boolean} [moved] whether the reader went to another address
 */
async function open(session, moved = true) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [name = "", id = ""] = location.hash.replace(/^#\//, "").split("/");
  const found = VIEWS.find(([each, , , scope]) => each === name && session.may(scope)) ?? VIEWS.find(([, , , scope]) => session.may(scope));
  if (!found) return show(main, h("p", { class: "card" }, "This key can read neither providers nor routing configs."));
  const [, title, list] = found;
  const view = id && found[0] === "providers" ? providerView : list;
  document.title = `${title} – Providers console`;
  for (const each of byId("bar").querySelectorAll("nav a")) {
    if (each.getAttribute("href") === `#/${found[0]}`) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  if (moved) {
    notify();
    scrollTo(0, 0);
    show(main, h("p", { class: "busy", role: "status" }, h("span", { class: "spinner", "aria-hidden": "true" }), "Loading…"));
  }
  const reload = () => void open(session, false);
  const focused = document.activeElement?.textContent;
  try {
    await view({ session, place: main, signal, id, reload });
  } catch (error) {
    if (!signal.aborted) failed(main, error, reload);
  }
  if (!signal.aborted) performance.mark("usable");
  if (!signal.aborted && (moved || document.activeElement === document.body)) refocus(moved ? null : focused);
}

/**
 * Give the focus to the button that had it before the view was loaded again, or to the view's heading.
 * @param {string | null | undefined} title
 */
function refocus(title) {
  const same = [...main.querySelectorAll("button")].filter((each) => title && each.textContent === title);
  const target = same.length === 1 ? same[0] : main.querySelector("h1");
  target?.focus({ preventScroll: true });
}

const [session] = await Promise.all([signedIn(main), vendors().catch(() => {})]);
navigation(session);
addEventListener("hashchange", () => void open(session));
await open(session);
