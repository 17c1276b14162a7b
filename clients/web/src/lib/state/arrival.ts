/**
 * Stays with the section that the address names while those before it are being loaded and grow,
 * until the reader moves or all has been quiet for a while.
 */
const QUIET = 1500
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

export function keepPlace(): () => void {
  let target: Element | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  function release(): void {
    target = null
    clearTimeout(timer)
  }

  function arrive(): void {
    target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null
    clearTimeout(timer)
    timer = setTimeout(release, QUIET)
  }

  const growth = new ResizeObserver(() => {
    if (!target) return
    target.scrollIntoView({ behavior: 'instant' })
    clearTimeout(timer)
    timer = setTimeout(release, QUIET)
  })

  arrive()
  growth.observe(document.body)
  addEventListener('hashchange', arrive)
  for (const move of MOVES) addEventListener(move, release, { passive: true })
  return () => {
    release()
    growth.disconnect()
    removeEventListener('hashchange', arrive)
    for (const move of MOVES) removeEventListener(move, release)
  }
}
