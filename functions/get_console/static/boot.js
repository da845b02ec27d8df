/** Starts the console. If a file cannot be loaded, as when the stack limits requests without a key, the page is loaded again. */

import { byId, h, show } from "./dom.js";

const TRIES = "tries";
const MOST = 3;

try {
  await import("./app.js");
  sessionStorage.removeItem(TRIES);
} catch (error) {
  const tries = Number(sessionStorage.getItem(TRIES)) + 1;
  sessionStorage.setItem(TRIES, String(tries));
  console.warn(`the console did not start (${tries})`, error);
  if (tries <= MOST) setTimeout(() => location.reload(), 1000 * tries);
  else {
    sessionStorage.removeItem(TRIES);
    show(byId("main"), h("p", { class: "card error", role: "alert" }, "The console cannot be loaded now. Reload the page in a minute."));
  }
}
