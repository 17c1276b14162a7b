/** One stop of the Tab key for a group of controls; the arrow keys, Home and End move inside it. */

const STEPS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowUp: -1,
  ArrowRight: 1,
  ArrowDown: 1,
}
// The other keys change what a list of options shows.
const STEPS_FROM_SELECT: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 }

const MEMBERS = ':is(button, summary, select):not(:disabled)'
const FOLDED = 'details:not([open]) > :not(summary)'

/** Index of the control to which a key moves from the one at `now`. */
function target(event: KeyboardEvent, now: number, count: number): number {
  if (event.altKey || event.ctrlKey || event.metaKey) return NaN
  if ((event.target as Element).matches('select'))
    return now + (STEPS_FROM_SELECT[event.key] ?? NaN)
  const ends: Record<string, number> = { Home: 0, End: count - 1 }
  return ends[event.key] ?? now + (STEPS[event.key] ?? NaN)
}

/** Call `refresh` after each change inside of the element; return the function that ends it. */
function follow(
  element: HTMLElement,
  key: (event: KeyboardEvent) => void,
  refresh: (event?: FocusEvent) => void,
): () => void {
  const observer = new MutationObserver(() => refresh())
  observer.observe(element, {
    childList: true,
    subtree: true,
    attributeFilter: ['aria-pressed', 'disabled'],
  })
  element.addEventListener('keydown', key)
  element.addEventListener('focusin', refresh)
  element.addEventListener('focusout', refresh)
  refresh()
  return () => {
    observer.disconnect()
    element.removeEventListener('keydown', key)
    element.removeEventListener('focusin', refresh)
    element.removeEventListener('focusout', refresh)
  }
}

/** The focused element of the document, or of the shadow tree of a custom element. */
const focusedIn = (element: Element) =>
  (element.getRootNode() as Document | ShadowRoot).activeElement

/**
 * Attach this to the element around the controls: buttons, summaries and selects. The pressed one,
 * or else the first, is the stop, until another one is focused.
 */
export function roving(group: HTMLElement): () => void {
  let stop: Element | undefined
  const members = () =>
    [...group.querySelectorAll<HTMLElement>(MEMBERS)].filter((member) => !member.closest(FOLDED))

  function refresh(event?: FocusEvent): void {
    const all = members()
    if (event?.type === 'focusin') stop = all.find((member) => member === event.target)
    else if (!event && !all.some((member) => member === focusedIn(group)))
      stop = all.find((member) => member.ariaPressed === 'true')
    if (!all.some((member) => member === stop)) stop = all[0]
    for (const member of all) member.tabIndex = member === stop ? 0 : -1
  }

  function key(event: KeyboardEvent): void {
    const all = members()
    const now = all.indexOf(event.target as HTMLElement)
    const next = now < 0 ? undefined : all[target(event, now, all.length)]
    if (!next) return
    event.preventDefault()
    next.focus()
  }

  return follow(group, key, refresh)
}

/**
 * Attach this to a list whose rows have a `.handle` and controls. The stop is the handle of one row;
 * Enter or ArrowRight moves into the row, where Tab moves from control to control, and Escape back.
 * Lists inside of a row, and groups of buttons in `.add`, have separate stops.
 */
export function rovingRows(list: HTMLElement): () => void {
  let stop = 0
  const rows = () => [...list.children] as HTMLElement[]
  const handleOf = (row: HTMLElement) => row.querySelector<HTMLElement>('.handle')!
  const controlsOf = (row: HTMLElement) =>
    [
      ...row.querySelectorAll<HTMLElement>(
        'button:not(.handle), input:not(.slider [type=number]), select',
      ),
    ].filter((control) => control.closest('ol, .add') === list)

  function refresh(event?: FocusEvent): void {
    const all = rows()
    // When the focus leaves, it is not yet where it goes.
    const focused = event?.type === 'focusout' ? event.relatedTarget : focusedIn(list)
    const at = all.findIndex((row) => row.contains(focused as Element | null))
    stop = Math.max(0, Math.min(at < 0 ? stop : at, all.length - 1))
    for (const [i, row] of all.entries()) {
      const handle = handleOf(row)
      handle.tabIndex = i === stop ? 0 : -1
      for (const control of controlsOf(row))
        control.tabIndex = i === at && focused !== handle ? 0 : -1
    }
  }

  function next(event: KeyboardEvent): HTMLElement | undefined {
    const all = rows()
    const now = all.findIndex((row) => row.contains(event.target as Element))
    const row = all[now]
    if (!row) return undefined
    if (event.target !== handleOf(row)) return event.key === 'Escape' ? handleOf(row) : undefined
    if (event.key === 'Enter' || event.key === 'ArrowRight')
      return controlsOf(row).find((control) => !control.matches(':disabled'))
    const to = event.key === 'ArrowLeft' ? undefined : all[target(event, now, all.length)]
    return to && handleOf(to)
  }

  function key(event: KeyboardEvent): void {
    if (event.defaultPrevented) return
    const to = next(event)
    if (!to) return
    event.preventDefault()
    to.focus()
  }

  return follow(list, key, refresh)
}
