/** One stop of the Tab key for a group of buttons; the arrow keys, Home and End move inside it. */

const STEPS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
}

/** Attach this to the element around the buttons. The pressed one, or else the first, is the stop. */
export function roving(group: HTMLElement): () => void {
  const buttons = () => [...group.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')]

  function stopAt(stop: Element | null | undefined): void {
    for (const button of buttons()) button.tabIndex = button === stop ? 0 : -1
  }

  function refresh(): void {
    const all = buttons()
    if (!all.includes(document.activeElement as HTMLButtonElement))
      stopAt(all.find((button) => button.ariaPressed === 'true') ?? all[0])
  }

  function key(event: KeyboardEvent): void {
    const all = buttons()
    const now = all.indexOf(event.target as HTMLButtonElement)
    const ends: Record<string, number> = { Home: 0, End: all.length - 1 }
    const next = ends[event.key] ?? now + (STEPS[event.key] ?? NaN)
    if (now < 0 || event.altKey || event.ctrlKey || event.metaKey || !all[next]) return
    event.preventDefault()
    all[next].focus()
  }

  const focus = (event: FocusEvent) => stopAt((event.target as Element).closest('button'))

  const observer = new MutationObserver(refresh)
  observer.observe(group, {
    childList: true,
    subtree: true,
    attributeFilter: ['aria-pressed', 'disabled'],
  })
  group.addEventListener('keydown', key)
  group.addEventListener('focusin', focus)
  refresh()
  return () => {
    observer.disconnect()
    group.removeEventListener('keydown', key)
    group.removeEventListener('focusin', focus)
  }
}
