/** Whether a part of a page is open, persisted in this browser. */
export function persistedOpen(name: string, initial: boolean): { open: boolean } {
  const key = `epochal.open.${name}`
  const before = localStorage.getItem(key)
  let open = $state(before === null ? initial : before === 'yes')
  return {
    get open() {
      return open
    },
    set open(next) {
      // Browsers also report the initial state, which the user did not choose.
      if (next === open) return
      open = next
      localStorage.setItem(key, next ? 'yes' : 'no')
    },
  }
}
