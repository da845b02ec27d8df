/** JSON schemas in a few words, for the API reference. */

import { h } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {Record<string, any>} Json */

/**
 * Return the target of a reference within the document; anything else unchanged.
 * @param {Json} document
 * @param {Json} part
 * @returns {Json}
 */
export function resolved(document, part) {
  if (!part.$ref) return part;
  return part.$ref.slice(2).split("/").reduce((/** @type {Json} */ found, /** @type {string} */ step) => found[step], document);
}

/**
 * Return a name as part of an id.
 * @param {string} name
 */
export function named(name) {
  return name.toLowerCase();
}

/**
 * Return the type of a value, with links to schemas.
 * @param {Json} schema
 * @returns {Child[]}
 */
export function kindOf(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return [h("a", { href: `#schema-${named(name)}` }, name)];
  }
  if (schema.anyOf) return schema.anyOf.flatMap((/** @type {Json} */ each, /** @type {number} */ i) => [i ? " or " : "", ...kindOf(each)]);
  if ("const" in schema) return [h("code", null, JSON.stringify(schema.const))];
  if (schema.enum) return schema.enum.flatMap((/** @type {string} */ each, /** @type {number} */ i) => [i ? ", " : "", h("code", null, each)]);
  if (schema.type === "array") return ["list of ", ...kindOf(schema.items)];
  if (schema.type === "object" && typeof schema.additionalProperties === "object") return ["object of ", ...kindOf(schema.additionalProperties)];
  const kind = { "date-time": "time", uri: "URL" }[/** @type {string} */ (schema.format)] ?? schema.type ?? "anything";
  const low = schema.minimum ?? schema.minLength ?? schema.minItems;
  const high = schema.maximum ?? schema.maxLength ?? schema.maxItems;
  const bounds = high === undefined ? (low === undefined ? "" : `, ${low} or more`) : low === undefined ? `, at most ${high}` : `, ${low} to ${high}`;
  return [kind + bounds];
}

/**
 * Return a schema's description, its alternative's, or its target's.
 * @param {Json} document
 * @param {Json} schema
 * @returns {string}
 */
export function textOf(document, schema) {
  const found = [schema, ...(schema.anyOf ?? [])].find((each) => each.description) ?? resolved(document, schema);
  return (found.description ?? "") + (schema.default === undefined || schema.default === null ? "" : ` Default \`${schema.default}\`.`);
}
