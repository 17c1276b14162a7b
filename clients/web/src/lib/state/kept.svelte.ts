/** Whether a part of a page is open: as somebody left it, in this browser. */
export function kept(name: string, initial: boolean): { open: boolean } {
  const key = `epochal.open.${name}`
  const before = localStorage.getItem(key)
  let open = $state(before === null ? initial : before === 'yes')
  return {
    get open() {
      return open
    },
    set open(next) {
      // A browser tells of an opening that was in the page from its start, too: nobody chose that.
      if (next === open) return
      open = next
      localStorage.setItem(key, next ? 'yes' : 'no')
    },
  }
}
