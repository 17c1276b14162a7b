/**
 * Stays with the part of the page that the address names while what stands before it is being loaded and
 * grows, until the reader moves or all has been quiet for a while. A part that is not there yet is waited for.
 */
const QUIET = 1500
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

export function keepPlace(): () => void {
  let wanted = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  let kept: { scrolled: number; top: number } | undefined

  function release(): void {
    wanted = ''
    clearTimeout(timer)
  }

  /** However slow the line is, what is being loaded is still to grow. */
  function wait(): void {
    clearTimeout(timer)
    timer = setTimeout(() => (document.querySelector('.loading') ? wait() : release()), QUIET)
  }

  const target = () => (wanted ? document.getElementById(wanted) : null)

  /** What is not there yet is waited for until it comes, or until somebody moves. */
  function arrive(): void {
    wanted = decodeURIComponent(location.hash.slice(1))
    kept = undefined
    if (target()) wait()
  }

  const place = (element: Element) => ({
    scrolled: scrollY,
    top: element.getBoundingClientRect().top,
  })

  /** By a scroll bar, a search in the page, a screen reader: by what tells nothing else of itself. */
  function moved(): void {
    const there = target()
    if (!there || !kept) return
    const now = place(there)
    // What grows moves the target without a scroll, or is scrolled along with by the browser, without a move.
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
