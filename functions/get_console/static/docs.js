/** The API reference: the OpenAPI document that the stack serves, as a page. */

import { byId, h, show, table } from "./dom.js";
import { kindOf, named, resolved, textOf } from "./schemas.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {Record<string, any>} Json */

const DOCUMENT = new URL("../../manage/v1/openapi.json", import.meta.url);
const API = new URL("../..", import.meta.url).href.replace(/\/$/, "");

/**
 * Return prose with `code` in it.
 * @param {string} text
 * @returns {Child[]}
 */
function inline(text) {
  return text.split("`").map((part, i) => (i % 2 ? h("code", null, part) : part));
}

/**
 * Return paragraphs, headings and lists of the document's prose.
 * @param {string} text
 * @returns {HTMLElement[]}
 */
function prose(text) {
  return text.trim().split(/\n{2,}/).map((block) => {
    if (block.startsWith("## ")) return h("h2", null, block.slice(3));
    const lines = block.split("\n");
    if (lines.every((line) => line.startsWith("- "))) return h("ul", null, ...lines.map((line) => h("li", null, ...inline(line.slice(2)))));
    return h("p", null, ...inline(lines.join(" ")));
  });
}

/** @param {unknown} value */
function example(value) {
  return h("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));
}

/**
 * Return a table of an object's members.
 * @param {Json} document
 * @param {string} caption
 * @param {Json} schema
 */
function members(document, caption, schema) {
  const required = schema.required ?? [];
  const rows = Object.entries(schema.properties ?? {}).map(([name, each]) => [
    h("code", null, name), h("span", null, ...kindOf(each)), required.includes(name) ? "yes" : "no",
    h("span", null, ...inline(textOf(document, each))),
  ]);
  return rows.length ? table(caption, ["Field", "Type", "Required", "Description"], rows) : h("p", null, ...kindOf(schema));
}

/**
 * @param {Json} document
 * @param {string} method
 * @param {string} path
 * @param {Json} operation
 */
function operationSection(document, method, path, operation) {
  const scope = operation.security.length ? (operation["x-required-scope"] ?? "any management key") : "no management key";
  const parameters = (operation.parameters ?? []).map((/** @type {Json} */ each) => resolved(document, each));
  const content = operation.requestBody?.content["application/json"];
  const title = operation.summary;
  return h(
    "section",
    { id: operation.operationId, class: "operation" },
    h("h3", null, title),
    h("p", null, h("code", { class: "route" }, `${method.toUpperCase()} ${path}`), " ", h("span", { class: "badge" }, scope)),
    ...prose(operation.description.replace(/\n\nRequires the scope .*$/, "")),
    parameters.length
      ? table(`Parameters of: ${title}`, ["Parameter", "In", "Type", "Description"], parameters.map((/** @type {Json} */ each) => [h("code", null, each.name), each.in, h("span", null, ...kindOf(each.schema)), h("span", null, ...inline(each.description))]))
      : null,
    ...(content
      ? [h("h4", null, operation.requestBody.required ? "Body" : "Body (optional)"), members(document, `Body of: ${title}`, resolved(document, content.schema)),
         ...Object.values(content.examples).slice(0, 1).map((/** @type {any} */ each) => example(each.value))]
      : []),
    h("h4", null, "Responses"),
    ...Object.entries(operation.responses).flatMap(([status, each]) => response(status, resolved(document, each))),
  );
}

/**
 * @param {string} status
 * @param {Json} found
 * @returns {Child[]}
 */
function response(status, found) {
  const codes = found["x-error-codes"];
  if (codes) return [h("p", { class: "codes" }, h("strong", null, status), " ", ...codes.flatMap((/** @type {string} */ code) => [h("a", { href: `#error-${code}` }, h("code", null, code)), " "]))];
  const content = found.content?.["application/json"];
  return [
    h("p", null, h("strong", null, status), " ", ...inline(found.description), " ", ...(content ? kindOf(content.schema) : [])),
    content?.example ? h("details", null, h("summary", null, "Example"), example(content.example)) : null,
  ];
}

/** @param {Json} document */
function page(document) {
  /** @type {[string, string, Json][]} */
  const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, each]) => /** @type {[string, string, Json]} */ ([method, path, each])));
  const { schemas, examples } = document.components;
  /** @type {Section[]} */
  const sections = document.tags.map((/** @type {Json} */ tag) => ({ tag, found: operations.filter(([, , each]) => each.tags.includes(tag.name)) }));
  const contents = h("nav", { "aria-label": "Contents", class: "contents" },
    h("ul", null, ...sections.map(({ tag, found }) => h("li", null, tag["x-displayName"], h("ul", null, ...found.map(([, , each]) => h("li", null, h("a", { href: `#${each.operationId}` }, each.summary)))))),
      h("li", null, h("a", { href: "#errors" }, "Error codes")), h("li", null, h("a", { href: "#schemas" }, "Schemas"))));
  return [
    h("div", { class: "title" }, h("h1", null, `${document.info.title} ${document.info.version}`), h("a", { href: "console" }, "Console")),
    h("p", null, document.info.summary), h("p", null, "Address: ", h("code", null, API), ". This page shows the ", h("a", { href: DOCUMENT.href }, "OpenAPI 3.1 document"), " of this version."),
    contents,
    h("section", { id: "introduction" }, ...prose(document.info.description)),
    ...sections.flatMap(({ tag, found }) => [h("h2", null, tag["x-displayName"]), h("p", null, ...inline(tag.description)), ...found.map((each) => operationSection(document, ...each))]),
    h("h2", { id: "errors" }, "Error codes"),
    table("Error codes", ["Code", "Type", "Meaning"], Object.entries(examples).map(([code, each]) => [h("code", { id: `error-${code}` }, code), each.value.error.type, h("span", null, ...inline(each.summary))])),
    h("h2", { id: "schemas" }, "Schemas"),
    ...Object.entries(schemas).map(([name, schema]) => h("section", { id: `schema-${named(name)}`, class: "operation" }, h("h3", null, name), ...(schema.description ? prose(schema.description) : []), members(document, `Fields of ${name}`, schema))),
  ];
}

/** @typedef {{tag: Json, found: [string, string, Json][]}} Section */

const place = byId("main");
try {
  const found = await fetch(DOCUMENT, { credentials: "omit" });
  show(place, ...page(await found.json()));
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch {
  show(place, h("p", { class: "error" }, "The API's description cannot be loaded. Reload the page to try again."));
}
