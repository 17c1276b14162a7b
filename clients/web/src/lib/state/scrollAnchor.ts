/**
 * Keeps the element that the address names in place while content above it loads and grows, until the
 * user scrolls or nothing has changed for a while. Waits for an element that does not exist yet.
 */
const QUIET = 1500
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

export function keepScrollPosition(): () => void {
  let wanted = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  let kept: { scrolled: number; top: number } | undefined

  function release(): void {
    wanted = ''
    clearTimeout(timer)
  }

  /** Keep waiting while requests are pending, because their content can still grow. */
  function wait(): void {
    clearTimeout(timer)
    timer = setTimeout(() => (document.querySelector('.loading') ? wait() : release()), QUIET)
  }

  const target = () => (wanted ? document.getElementById(wanted) : null)

  /** Wait for a missing element until it exists or the user scrolls. */
  function arrive(): void {
    wanted = decodeURIComponent(location.hash.slice(1))
    kept = undefined
    if (target()) wait()
  }

  const place = (element: Element) => ({
    scrolled: scrollY,
    top: element.getBoundingClientRect().top,
  })

  /** Detect scrolling by scroll bar, page search or screen reader, which send no other event. */
  function moved(): void {
    const there = target()
    if (!there || !kept) return
    const now = place(there)
    // Growing content moves the target without scrolling, or the browser scrolls without moving it.
    if (Math.abs(now.scrolled - kept.scrolled) > 1 && Math.abs(now.top - kept.top) > 1) release()
  }

  const growth = new ResizeObserver(() => {
    const there = target()
    if (!there) return
    there.scrollIntoView({ behavior: 'instant' })
    kept = place(there)
    wait()
  })

  arrive()
  growth.observe(document.body)
  addEventListener('hashchange', arrive)
  addEventListener('scroll', moved, { passive: true })
  for (const move of MOVES) addEventListener(move, release, { passive: true })
  return () => {
    release()
    growth.disconnect()
    removeEventListener('hashchange', arrive)
    removeEventListener('scroll', moved)
    for (const move of MOVES) removeEventListener(move, release)
  }
}
