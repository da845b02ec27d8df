/** Elements from code. Text stays text: nothing here parses HTML, which the page's Trusted Types would refuse, too. */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, unknown>} Props */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an HTML element. A prop `on…` is a listener; true and false set and omit an attribute.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props | null} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  return filled(document.createElement(tag), props ?? {}, children);
}

/**
 * Create an SVG element.
 * @param {keyof SVGElementTagNameMap} tag
 * @param {Props | null} [props]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function s(tag, props, ...children) {
  return filled(/** @type {SVGElement} */ (document.createElementNS(SVG, tag)), props ?? {}, children);
}

/**
 * @template {Element} E
 * @param {E} element
 * @param {Props} props
 * @param {(Child | Child[])[]} children
 */
function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function nodes(children) {
  return children
    .flat()
    .filter((each) => each !== null && each !== undefined && each !== false)
    .map((each) => (each instanceof Node ? each : String(each)));
}

/**
 * Replace the children of an element.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function show(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/**
 * Return the element with an id that the page has from the start.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * Show a message above the view, which screen readers read, too; empty removes it.
 * @param {...(Child | Child[])} children
 */
export function notify(...children) {
  const dismiss = h("button", { type: "button", class: "plain", "aria-label": "Dismiss", onclick: () => notify() }, "×");
  show(byId("notice"), ...(children.length ? [h("div", { class: "notice" }, h("div", null, ...children), dismiss)] : []));
}

/**
 * Return a table with its caption, for which the heading before it is visible.
 *
 * On a phone, each row is shown as a list. ARIA roles keep it a table for screen readers.
 * @param {string} caption
 * @param {string[]} columns
 * @param {Child[][]} rows
 * @param {boolean} [figures] whether it is a table of numbers, which stays in columns
 */
export function table(caption, columns, rows, figures = false) {
  const heads = columns.map((each) => h("th", { scope: "col", role: "columnheader" }, each));
  const body = rows.map((cells) => h("tr", { role: "row" }, ...cells.map((cell, i) => h("td", { role: "cell", "data-column": columns[i] }, cell))));
  const whole = h(
    "table",
    { role: "table" },
    h("caption", { class: "visually-hidden" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)),
    h("tbody", { role: "rowgroup" }, ...body),
  );
  return h("div", { class: figures ? "scroll figures" : "scroll listed", tabindex: "0", role: "region", "aria-label": caption }, whole);
}
