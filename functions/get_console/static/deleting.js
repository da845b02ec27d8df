/** Deleting a provider: what prevents it is named first, and can be removed with it. */

import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { ApiError, explained } from "./errors.js";
import { checkbox } from "./fields.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./providers.js").Provider} Provider */

/**
 * Return whether the provider was deleted.
 * @param {Session} session
 * @param {Provider} provider
 * @returns {Promise<boolean>}
 */
export async function deleteProvider(session, provider) {
  const path = `providers/${provider.id}`;
  /** @type {string[]} */
  let slugs = [];
  /** @type {HTMLElement | null} */
  let problem = null;
  try {
    await session.api.send("DELETE", path, { query: { dry_run: "true" } });
  } catch (error) {
    if (error instanceof ApiError && error.code === "provider_in_use") slugs = (error.body.references ?? []).map((each) => each.id);
    else problem = explained(error);
  }
  const detach = h("input", { type: "checkbox", required: true });
  const mayDetach = session.may("routing:write") && session.may("routing:read");
  const blockers = slugs.length
    ? [
        h("p", null, `${slugs.length === 1 ? "A routing config uses" : `${slugs.length} routing configs use`} this provider:`),
        h("ul", null, ...slugs.map((each) => h("li", null, h("code", null, each)))),
        mayDetach
          ? checkbox("Remove the provider from these routing configs. One without another provider is deleted.", detach)
          : h("p", { class: "error" }, "Your key may not change routing configs, so the provider cannot be deleted with it."),
      ]
    : [];
  const done = await ask({
    title: `Delete ${provider.name}`,
    content: [problem, h("p", null, "This deletes the provider and every version of its key, and cannot be undone."), ...blockers],
    action: "Delete provider",
    danger: true,
    busy: "Deleting",
    submit: async () => {
      if (slugs.length && !mayDetach) throw new Error("routing configs still use this provider");
      for (const slug of slugs) await detached(session, slug, provider.id);
      await session.api.send("DELETE", path);
      return true;
    },
  });
  return done ?? false;
}

/**
 * Remove a provider from a routing config, or delete the config if no other provider is in it.
 * @param {Session} session
 * @param {string} slug
 * @param {string} id
 */
async function detached(session, slug, id) {
  const path = `routing-configs/${encodeURIComponent(slug)}`;
  const { data } = await session.api.get(path);
  /** @type {{provider_id: string, model: string}[]} */
  const attempts = data.attempts.filter((/** @type {{provider_id: string}} */ each) => each.provider_id !== id);
  if (attempts.length) await session.api.send("PUT", path, { body: { strategy: data.strategy, attempts } });
  else await session.api.send("DELETE", path);
}
