/**
 * Keeps the element that the address names in place while content above it loads and grows, until the
 * user scrolls or nothing has changed for a while. Waits for an element that does not exist yet.
 * `scrollTo` keeps any other element in the same way.
 */
const QUIET = 1500
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

/** Where the user was in a page: the last section that began above, and its distance from the top. */
interface Place {
  path: string
  id: string
  top: number
}

const PLACE = 'place'
/** Not the titles of figures: their ids depend on the order in which they load. */
const SECTIONS = 'main > section[id], .content-block h3[id], h3[id^=entry-]'

/**
 * The place before a reload. The browser would return to a number of pixels, and another section lies there
 * until the ones above have loaded.
 */
function placeBefore(): Place | undefined {
  const [navigation] = performance.getEntriesByType('navigation')
  if ((navigation as PerformanceNavigationTiming | undefined)?.type === 'navigate') return undefined
  const place = JSON.parse(sessionStorage.getItem(PLACE) ?? 'null') as Place | null
  return place?.path === location.pathname ? place : undefined
}

let before = placeBefore()

let resting = $state((before ? before.id : location.hash) !== '')

export const anchor = {
  /** Whether the page is where its address points, and the user has not moved since. */
  get resting(): boolean {
    return resting
  },
  /** The id of the element at which the page opens: from the address, or from before a reload. */
  get opening(): string {
    return before?.id ?? location.hash.slice(1)
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
  let top: number | undefined
  let chosen: Element | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let remaining: { element: Element; scrolled: number; top: number } | undefined

  function release(): void {
    history.scrollRestoration = 'auto'
    document.documentElement.style.overflowAnchor = ''
    expected = ''
    top = chosen = undefined
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

  /** The chapter until a part of it exists, e.g. `neuron-line`: parts load when the chapter is in sight. */
  const target = () =>
    chosen ?? document.getElementById(expected) ?? document.getElementById(expected.split('-')[0]!)

  /** Wait for a missing element until it exists or the user scrolls. */
  function arrive(): void {
    expected = decodeURIComponent(location.hash.slice(1))
    top = chosen = remaining = undefined
    if (target()) wait()
  }

  function returnTo({ id, top: distance }: Place): void {
    history.scrollRestoration = 'manual'
    // The browser would keep what is in sight, and a section that grows above that would move.
    document.documentElement.style.overflowAnchor = 'none'
    expected = id
    top = distance
    if (target()) wait()
  }

  function remember(): void {
    const place: Place = { path: location.pathname, id: '', top: 0 }
    for (const element of scrollY ? document.querySelectorAll(SECTIONS) : []) {
      const { top } = element.getBoundingClientRect()
      if (top < innerHeight / 3) Object.assign(place, { id: element.id, top })
    }
    sessionStorage.setItem(PLACE, JSON.stringify(place))
  }

  const place = (element: Element) => ({
    element,
    scrolled: scrollY,
    top: element.getBoundingClientRect().top,
  })

  /** Detect scrolling by scroll bar, page search or screen reader, which send no other event. */
  function moved(): void {
    const there = target()
    if (!there || there !== remaining?.element) return
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
    if (top === undefined) there.scrollIntoView({ behavior: 'instant' })
    else scrollBy({ top: there.getBoundingClientRect().top - top, behavior: 'instant' })
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
  if (before) returnTo(before)
  else arrive()
  before = undefined
  growth.observe(document.body)
  addEventListener('hashchange', follow)
  addEventListener('scroll', moved, { passive: true })
  addEventListener('pagehide', remember)
  // Captured: a key or a click that scrolls to an element leaves the element before.
  const leaving = { passive: true, capture: true }
  for (const move of MOVES) addEventListener(move, leave, leaving)
  return () => {
    release()
    keep = undefined
    growth.disconnect()
    removeEventListener('hashchange', follow)
    removeEventListener('scroll', moved)
    removeEventListener('pagehide', remember)
    for (const move of MOVES) removeEventListener(move, leave, leaving)
  }
}
