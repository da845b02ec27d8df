/** The page of an upload link: without this script its form works, too; with it, the form stays after a refusal. */

import { byId, h, show } from "./dom.js";
import { ApiError, explained } from "./errors.js";
import { keyFields, ticking } from "./fields.js";
import { moment, words } from "./format.js";
import { titleOf, vendors } from "./vendors.js";

const form = /** @type {HTMLFormElement} */ (byId("upload"));
const vendor = form.dataset.vendor ?? "";
const known = await vendors();
const fields = keyFields(known, () => vendor);
const button = h("button", { type: "submit", class: "primary" }, "Verify and store");
const problem = h("div", { role: "alert" });
const progress = h("p", { class: "busy", role: "status" });

/** @param {RequestInit} init */
async function send(init) {
  const response = await fetch(location.href, { ...init, headers: { Accept: "application/json" }, credentials: "omit" });
  const body = await response.json();
  if (!response.ok) throw new ApiError(response.status, body.error);
  return body;
}

/** @param {Event} event */
async function submitted(event) {
  event.preventDefault();
  if (button.disabled) return;
  const focused = document.activeElement;
  button.disabled = true;
  show(problem);
  const stop = ticking(progress, `Verifying with ${known[vendor]?.title ?? vendor}`);
  try {
    stored(await send({ method: "POST", body: new URLSearchParams({ api_key: fields.value() }) }));
  } catch (error) {
    show(problem, explained(error));
    await refresh().catch((again) => again instanceof ApiError && again.status === 404 && ended(again));
  }
  stop();
  button.disabled = false;
  if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
}

/** Show the attempts that are left. */
async function refresh() {
  const { data } = await send({ method: "GET" });
  show(byId("tries"), `${data.tries_left} of ${data.tries}`);
}

/** @param {ApiError} error */
function ended(error) {
  form.remove();
  show(byId("main"), h("h1", null, "This link does not work"), explained(error));
}

/** @param {{data: import("./providers.js").Provider, warnings?: {message: string}[]}} changed */
function stored({ data, warnings = [] }) {
  form.reset();
  const { verification } = data;
  /** @type {[string, string][]} */
  const rows = [
    ["Provider", `${data.name} (${data.id})`], ["Vendor", titleOf(data.vendor)], ["Key", `${data.key_hint}, version ${data.key_version}`],
    ["Verification", `${verification.outcome}${verification.reason ? ` (${words(verification.reason)})` : ""}`],
  ];
  const title = h("h1", { tabindex: "-1" }, "The key is stored");
  show(
    byId("main"), title,
    h("dl", null, ...rows.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])),
    warnings.length ? h("ul", null, ...warnings.map((each) => h("li", null, each.message))) : null,
    h("p", null, "This link is used up. You can close this page."),
  );
  document.title = "The key is stored";
  title.focus();
}

for (const each of document.querySelectorAll("time")) show(each, moment(each.dateTime));
show(form, fields.element, problem, progress, button);
form.addEventListener("submit", submitted);
