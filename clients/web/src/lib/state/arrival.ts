/**
 * Stays with the section that the address names while those before it are being loaded and grow,
 * until the reader moves or all has been quiet for a while.
 */
const QUIET = 1500
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

export function keepPlace(): () => void {
  let target: Element | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let kept: { scrolled: number; top: number } | undefined

  function release(): void {
    target = null
    clearTimeout(timer)
  }

  /** However slow the line is, what is being loaded is still to grow. */
  function wait(): void {
    clearTimeout(timer)
    timer = setTimeout(() => (document.querySelector('.loading') ? wait() : release()), QUIET)
  }

  function arrive(): void {
    target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null
    kept = undefined
    wait()
  }

  const place = (element: Element) => ({ scrolled: scrollY, top: element.getBoundingClientRect().top })

  /** By a scroll bar, a search in the page, a screen reader: by what tells nothing else of itself. */
  function moved(): void {
    if (!target || !kept) return
    const now = place(target)
    // What grows moves the target without a scroll, or is scrolled along with by the browser, without a move.
    if (Math.abs(now.scrolled - kept.scrolled) > 1 && Math.abs(now.top - kept.top) > 1) release()
  }

  const growth = new ResizeObserver(() => {
    if (!target) return
    target.scrollIntoView({ behavior: 'instant' })
    kept = place(target)
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
