/**
 * Keeps the element that the address names in place while content above it loads and grows, until the
 * user scrolls or nothing has changed for a while. Waits for an element that does not exist yet.
 * `scrollTo` keeps any other element in the same way.
 */
const QUIET = 1500
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

/** After a reload the browser returns to where the user was, which may be far from the address. */
const [navigation] = performance.getEntriesByType('navigation')
const isNew = (navigation as PerformanceNavigationTiming | undefined)?.type === 'navigate'

let resting = $state(isNew && location.hash !== '')

export const anchor = {
  /** Whether the page is where its address points, and the user has not moved since. */
  get resting(): boolean {
    return resting
  },
}

let keep: ((element: Element) => void) | undefined

/** Scroll to an element of a page that keeps its position, and keep the element in place. */
export function scrollTo(element: Element, behavior: ScrollBehavior): void {
  keep?.(element)
  element.scrollIntoView({ behavior, block: 'start' })
}

export function keepScrollPosition(): () => void {
  let expected = ''
  let chosen: Element | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let remaining: { scrolled: number; top: number } | undefined

  function release(): void {
    expected = ''
    chosen = undefined
    clearTimeout(timer)
  }

  function leave(): void {
    resting = false
    release()
  }

  /** Keep waiting while requests are pending, because their content can still grow. */
  function wait(): void {
    clearTimeout(timer)
    timer = setTimeout(() => (document.querySelector('.loading') ? wait() : release()), QUIET)
  }

  const target = () => chosen ?? (expected ? document.getElementById(expected) : null)

  /** Wait for a missing element until it exists or the user scrolls. */
  function arrive(): void {
    expected = decodeURIComponent(location.hash.slice(1))
    chosen = remaining = undefined
    if (target()) wait()
  }

  const place = (element: Element) => ({
    scrolled: scrollY,
    top: element.getBoundingClientRect().top,
  })

  /** Detect scrolling by scroll bar, page search or screen reader, which send no other event. */
  function moved(): void {
    const there = target()
    if (!there || !remaining) return
    const now = place(there)
    // A user's scrolling moves the target by as much. Content that grows above the target moves it, and
    // a browser that makes up for a part of the growth scrolls by at most that.
    const scrolled = now.scrolled - remaining.scrolled
    const grown = now.top - remaining.top + scrolled
    if (Math.abs(scrolled) > 1 && Math.abs(grown) < Math.abs(scrolled) / 2) leave()
  }

  const growth = new ResizeObserver(() => {
    const there = target()
    if (!there) return
    there.scrollIntoView({ behavior: 'instant' })
    remaining = place(there)
    wait()
  })

  function follow(): void {
    arrive()
    resting = expected !== ''
  }

  keep = (element) => {
    release()
    chosen = element
    remaining = undefined
    wait()
  }
  arrive()
  growth.observe(document.body)
  addEventListener('hashchange', follow)
  addEventListener('scroll', moved, { passive: true })
  // Captured: a key or a click that scrolls to an element leaves the one before.
  const leaving = { passive: true, capture: true }
  for (const move of MOVES) addEventListener(move, leave, leaving)
  return () => {
    release()
    keep = undefined
    growth.disconnect()
    removeEventListener('hashchange', follow)
    removeEventListener('scroll', moved)
    for (const move of MOVES) removeEventListener(move, leave, leaving)
  }
}
