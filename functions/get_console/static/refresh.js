/** Keeping a view up to date. */

const REFRESH_MS = 60_000;

/**
 * Do something each minute until `signal`, while the page is seen and no dialog is open. A failure is left to the next minute.
 * @param {AbortSignal} signal
 * @param {() => Promise<void>} act
 */
export function everyMinute(signal, act) {
  const timer = setInterval(() => {
    if (!document.hidden && !document.querySelector("dialog")) act().catch(() => {});
  }, REFRESH_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}
