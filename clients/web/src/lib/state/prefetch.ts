/**
 * Loads the code of other pages and sections while the browser is idle, so that they open at once, and also while
 * the service is down.
 */

/** Run the imports one after the other; stop at the first that fails, or if the user saves data. */
export function prefetch(loads: readonly (() => Promise<unknown>)[]): void {
  const { connection } = navigator as Navigator & { connection?: { saveData?: boolean } }
  if (connection?.saveData) return
  // Safari has no idle callback.
  const idle = (run: () => void): unknown =>
    'requestIdleCallback' in globalThis ? requestIdleCallback(run) : setTimeout(run, 200)
  const next = (index: number): unknown =>
    idle(() =>
      loads[index]?.().then(
        () => next(index + 1),
        () => undefined,
      ),
    )
  addEventListener('load', () => next(0), { once: true })
}
